"""Grouping: codes and levels of every kind of factor, crossing, nesting."""

import datetime
import doctest
import fractions

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from statsmodels_mixed.design import grouping as module
from statsmodels_mixed.design.grouping import (
    check_grouping,
    code_factor,
    cross,
    is_nested,
)
from statsmodels_mixed.design.table import Table
from statsmodels_mixed.errors import DataError, IdentifiabilityError, MissingValueError

pl = pytest.importorskip("polars")
pa = pytest.importorskip("pyarrow")

# A loaded machine draws the first examples slowly; that is no failure of ours.
patient = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

DAYS = ["2021-03-01", "2020-01-01", "2021-03-01"]
FACTORS = {  # values, levels; the codes are 1, 0, 1
    "list": (["b", "a", "b"], ["a", "b"]),
    "str": (pd.Series(["b", "a", "b"], dtype="str"), ["a", "b"]),
    "string": (pd.Series(["b", "a", "b"], dtype="string"), ["a", "b"]),
    "object": (np.array(["b", "a", "b"], dtype=object), ["a", "b"]),
    "U": (np.array(["b", "a", "b"]), ["a", "b"]),
    "arrow": (pd.array(["b", "a", "b"], pd.ArrowDtype(pa.string())), ["a", "b"]),
    "pyarrow": (pa.array(["b", "a", "b"]), ["a", "b"]),
    "polars": (pl.Series(["b", "a", "b"]), ["a", "b"]),
    "category": (pd.Categorical(["x", "z", "x"], ["z", "y", "x"]), ["z", "x"]),
    "ordered": (pd.Categorical(["x", "z", "x"], ["z", "x"], ordered=True), ["z", "x"]),
    "int categories": (pd.Categorical([2, 7, 2], [7, 5, 2]), [7, 2]),
    "int": (np.array([10, 9, 10]), [9, 10]),
    "negative int": (np.array([5, -3, 5]), [-3, 5]),
    "int8 extremes": (np.array([127, -128, 127], dtype="i1"), [-128, 127]),
    "uint64 extremes": (np.array([2**64 - 1, 0, 2**64 - 1], "u8"), [0, 2**64 - 1]),
    "int64 extremes": (
        np.array([2**63 - 1, -(2**63), 2**63 - 1]),
        [-(2**63), 2**63 - 1],
    ),
    "high uint64": (
        np.array([2**64 - 1, 2**64 - 2] * 2, "u8")[:3],
        [2**64 - 2, 2**64 - 1],
    ),
    "big endian": (np.array([10, 9, 10], dtype=">i4"), [9, 10]),
    "sparse ids": (np.array([10**15, 3, 10**15]), [3, 10**15]),
    "Int64": (pd.array([10, 9, 10], "Int64"), [9, 10]),
    "arrow int": (pd.array([10, 9, 10], pd.ArrowDtype(pa.int64())), [9, 10]),
    "whole floats": (np.array([10.0, 9.0, 10.0]), [9, 10]),
    "floats": (np.array([1.5, -2.0, 1.5]), [-2.0, 1.5]),
    "float16": (np.array([1.5, -2.0, 1.5], "f2"), [-2.0, 1.5]),
    "huge floats": (np.array([1e300, 1.0, 1e300]), [1.0, 1e300]),
    "infinite": (np.array([np.inf, 1.0, np.inf]), [1.0, np.inf]),
    "bool": (np.array([True, False, True]), [False, True]),
    "boolean": (pd.array([True, False, True], "boolean"), [False, True]),
    "datetime": (pd.to_datetime(DAYS), list(pd.to_datetime(DAYS[1::-1]))),
    "day": (np.array(DAYS, "M8[D]"), list(pd.to_datetime(DAYS[1::-1]))),
    "date": (
        list(map(datetime.date.fromisoformat, DAYS)),
        list(pd.to_datetime(DAYS[1::-1])),
    ),
    "timedelta": (pd.to_timedelta([2, 1, 2], "D"), list(pd.to_timedelta([1, 2], "D"))),
    "mixed": (np.array(["a", 1, "a"], dtype=object), [1, "a"]),
    "object ints": (np.array([10, 9, 10], dtype=object), [9, 10]),
    "huge ints": (np.array([10**30 + 1, 10**30, 10**30 + 1]), [10**30, 10**30 + 1]),
    "tuples": (pd.Series([(2, "a"), (1, "b"), (2, "a")]), [(1, "b"), (2, "a")]),
    "periods": (
        pd.PeriodIndex(DAYS, freq="D"),
        list(pd.PeriodIndex(DAYS[1::-1], freq="D")),
    ),
    "fractions": ([fractions.Fraction(3, 2), 1, 1.5], [1.0, 1.5]),
}


@pytest.mark.parametrize("case", FACTORS.values(), ids=FACTORS)
def test_kinds_of_factors(case):
    values, levels = case
    factor = code_factor(values, "g")
    assert factor.codes.tolist() == [1, 0, 1] and factor.codes.dtype == np.intp
    assert factor.levels.tolist() == levels
    assert factor.levels.name == "g" and factor.index is factor.levels
    assert factor.n_levels == 2 and factor.counts.tolist() == [1, 2]
    assert factor.parts == ("g",) and factor.multi_index.names == ["g"]
    assert factor.encode(values).tolist() == [1, 0, 1]
    assert all(isinstance(label, str) for label in factor.labels())


def test_objects_without_order_still_do_not_depend_on_the_rows():
    values = np.empty(3, dtype=object)
    values[:] = [frozenset([1]), 2, "a"]
    forward, backward = code_factor(values, "g"), code_factor(values[::-1], "g")
    assert forward.levels.tolist() == backward.levels.tolist()
    assert forward.codes.tolist() == backward.codes[::-1].tolist()


@pytest.mark.parametrize(
    "values",
    [
        ["a", None],
        [1.0, np.nan],
        [1.5, np.nan],
        pd.array([1, None], "Int64"),
        pd.array([True, None], "boolean"),
        pd.to_datetime(["2020", None]),
        pd.Categorical(["a", None]),
        ["a", 1, None],
        np.array(["a", 1, pd.NA], dtype=object),
    ],
)
def test_missing_labels_are_refused(values):
    with pytest.raises(MissingValueError, match="'g' has 1 missing"):
        code_factor(values, "g")


def test_values_that_cannot_be_labels():
    with pytest.raises(DataError, match="'g' cannot be labels"):
        code_factor(pd.Series([[1], [2]]), "g")
    with pytest.raises(DataError, match="'g' must be one-dimensional"):
        code_factor(np.ones((2, 2)), "g")


ELEMENTS = {
    "near ints": (np.int64, st.integers(-20, 20)),
    "far ints": (np.int64, st.integers(-(2**63), 2**63 - 1)),
    "bytes": (np.uint8, st.integers(0, 255)),
    "floats": (np.float64, st.floats(allow_nan=False)),
    "bools": (np.bool_, st.booleans()),
    "text": (object, st.text(max_size=2)),
}
vectors = st.sampled_from(sorted(ELEMENTS)).flatmap(
    lambda kind: hnp.arrays(
        ELEMENTS[kind][0], st.integers(1, 30), elements=ELEMENTS[kind][1]
    )
)


@patient
@given(vectors, st.randoms(use_true_random=False))
def test_round_trip_and_permutation(values, random):
    factor = code_factor(values, "g")
    assert factor.levels.to_numpy()[factor.codes].tolist() == values.tolist()
    assert set(factor.codes) == set(range(factor.n_levels))
    assert factor.levels.is_monotonic_increasing and factor.levels.is_unique
    assert factor.encode(values).tolist() == factor.codes.tolist()
    order = random.sample(range(len(values)), len(values))
    permuted = code_factor(values[order], "g")
    assert permuted.levels.equals(factor.levels)
    assert permuted.codes.tolist() == factor.codes[order].tolist()


small = st.integers(0, 4)
rows = st.lists(st.tuples(small, small, small), min_size=1, max_size=40)


@patient
@given(rows)
def test_cross_equals_pandas(triples):
    frame = pd.DataFrame(triples, columns=list("fgh"))
    factors = [code_factor(frame[name].map(str), name) for name in frame]
    crossed = cross(factors)
    expected = frame.groupby(list("fgh")).ngroup().to_numpy()
    assert crossed.codes.tolist() == expected.tolist()
    again = cross([factors[0], cross(factors[1:])])  # crossing is associative
    assert again.parts == crossed.parts == ("f", "g", "h")
    assert again.codes.tolist() == expected.tolist()
    assert again.levels.equals(crossed.levels)
    pairs = crossed.levels[crossed.codes]
    assert pairs.tolist() == [tuple(map(str, row)) for row in triples]
    assert crossed.encode(frame.f.map(str), frame.g.map(str), frame.h.map(str)).tolist()
    assert is_nested(crossed, factors[0])
    truth = frame.groupby("f")["g"].nunique().max() == 1
    assert is_nested(factors[0], factors[1]) == truth


def test_cross_names_and_labels():
    f = code_factor(["b", "a", "b"], "f")
    g = code_factor(pd.to_datetime(DAYS), "g")
    crossed = cross([f, g])
    assert crossed.name == "f:g"
    assert crossed.index.tolist() == ["a:2020-01-01", "b:2021-03-01"]
    assert crossed.index.name == "f:g" and crossed.multi_index.names == ["f", "g"]
    assert crossed.multi_index.equals(crossed.levels)
    assert crossed.counts.tolist() == [1, 2]
    assert cross([f]) is f


def test_cross_of_many_levels_does_not_overflow():
    rng = np.random.default_rng(1)
    n = 3_000
    columns = [rng.permutation(n) for _ in range(8)]  # 3000^8 is about 2^92
    factors = [code_factor(x, f"f{i}") for i, x in enumerate(columns)]
    crossed = cross(factors)
    assert crossed.codes.tolist() == factors[0].codes.tolist()
    assert crossed.encode(*columns).tolist() == crossed.codes.tolist()


def test_encode_new_rows():
    f, g = code_factor(["b", "a", "b"], "f"), code_factor([1, 1, 2], "g")
    assert f.encode(["a", "z", None]).tolist() == [0, -1, -1]
    assert f.encode(pd.Categorical(["b", "z"], ["z", "b"])).tolist() == [1, -1]
    assert f.encode(pl.Series(["b"])).tolist() == [1]
    assert f.encode([1, 2]).tolist() == [-1, -1]
    assert f.encode([None, None]).tolist() == [-1, -1]
    assert g.encode([2.0, np.nan, 1.5]).tolist() == [1, -1, -1]
    assert g.encode(pd.array([2, None], "Int64")).tolist() == [1, -1]
    assert g.encode(["1"]).tolist() == [-1]
    crossed = cross([f, g])  # a:1, b:1, b:2
    new = (["b", "a", "z", "b", None], [2, 2, 1, None, 1])
    assert crossed.encode(*new).tolist() == [2, -1, -1, -1, -1]
    assert crossed.encode([], []).tolist() == []
    with pytest.raises(DataError, match=r"takes 2 columns \('f', 'g'\), got 1"):
        crossed.encode(["a"])
    with pytest.raises(DataError, match="differ in length"):
        crossed.encode(["a"], [1, 2])


def test_encode_intervals_dates_and_bools():
    cut = pd.cut(pd.Series([1.0, 5.0, 1.0]), [0, 2, 4, 6])
    bins = code_factor(cut, "bin")
    assert bins.codes.tolist() == [0, 1, 0] and bins.n_levels == 2
    assert bins.encode(pd.cut([3.0, 5.5], [0, 2, 4, 6])).tolist() == [-1, 1]
    day = code_factor(pd.to_datetime(DAYS), "day")
    assert day.encode(np.array(["2020-01-01", "NaT"], "M8[D]")).tolist() == [0, -1]
    flag = code_factor([True, False], "flag")
    assert flag.encode([True, None]).tolist() == [1, -1]


def test_rows_of_a_table_with_a_repeated_index():
    frame = pd.DataFrame({"g": pd.array([3, None, 1, 3], "Int64")}, index=[7, 7, 7, 8])
    table = Table.from_data(frame)
    factor = code_factor(table.take(~table.missing("g")).column("g"), "g")
    assert factor.codes.tolist() == [1, 0, 1] and factor.levels.tolist() == [1, 3]


def test_nested():
    school = code_factor([1, 1, 2, 2], "school")
    assert is_nested(code_factor(["a", "a", "b", "c"], "class"), school)
    assert not is_nested(school, code_factor(["a", "a", "b", "c"], "class"))
    assert not is_nested(code_factor(["a", "b", "a", "c"], "class"), school)
    with pytest.raises(DataError, match="'class': 1, 'school': 4"):
        is_nested(code_factor([1], "class"), school)


def test_cross_refuses():
    with pytest.raises(DataError, match="no grouping factor"):
        cross([])
    with pytest.raises(DataError, match=r"differ in length \('f': 1, 'g': 2\)"):
        cross([code_factor([1], "f"), code_factor([1, 2], "g")])


def test_check_grouping():
    check_grouping(code_factor([1, 2], "g"), 2)
    with pytest.raises(IdentifiabilityError, match=r"'g' has one level \(x\).*Drop"):
        check_grouping(code_factor(["x", "x"], "g"), 2)
    with pytest.raises(DataError, match="'g' has 2 rows, the model 3"):
        check_grouping(code_factor([1, 2], "g"), 3)


def test_input_is_not_modified_or_shared():
    values = np.array([3, 1, 3])
    factor = code_factor(values, "g")
    factor.codes[0] = 0
    assert values.tolist() == [3, 1, 3]
    category = pd.Categorical(["b", "a"])
    code_factor(category, "g").codes[:] = 0
    assert category.codes.tolist() == [1, 0]


def test_examples_run():
    assert doctest.testmod(module).failed == 0
