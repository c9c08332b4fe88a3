"""Table: every kind of data and column, laziness, masks, and messages."""

import copy
import datetime
import doctest
import pickle
import warnings
from decimal import Decimal

import numpy as np
import pandas as pd
import patsy
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from statsmodels_mixed.design import table as module
from statsmodels_mixed.design.complete import complete_rows
from statsmodels_mixed.design.table import (
    Table,
    as_column,
    check_finite,
    column_or_array,
    drop_unused_levels,
    resolve_subset,
)
from statsmodels_mixed.errors import DataError, MissingColumnError, MissingValueError

pl = pytest.importorskip("polars")
pa = pytest.importorskip("pyarrow")

# A loaded machine draws the first examples slowly; that is no failure of ours.
patient = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

Y = np.array([1.5, 2.5, 3.5, 4.5])
TEXT = ["b", "c", "a", "b"]


def plain_frame():
    return pd.DataFrame({"y": Y, "i": [3, 1, 2, 3], "s": TEXT, "b": [True, False] * 2})


def structured():
    types = [("y", ">f8"), ("i", "i4"), ("s", "U3"), ("b", "?")]
    return np.array(list(plain_frame().itertuples(index=False, name=None)), types)


def narwhals(frame):
    return pytest.importorskip("narwhals").from_native(frame)


class Interchange:
    """A frame of a library nobody knows, with the protocol only."""

    def __init__(self, frame):
        self.frame = frame

    def __dataframe__(self, **options):
        return pl.from_pandas(self.frame).to_arrow().__dataframe__(**options)


DATA = {
    "pandas": plain_frame,
    "pandas nullable": lambda: plain_frame().convert_dtypes(),
    "pandas arrow": lambda: plain_frame().convert_dtypes(dtype_backend="pyarrow"),
    "pandas object": lambda: plain_frame().astype(object),
    "polars": lambda: pl.from_pandas(plain_frame()),
    "polars lazy": lambda: pl.from_pandas(plain_frame()).lazy(),
    "pyarrow": lambda: pa.Table.from_pandas(plain_frame()),
    "record batch": lambda: pa.RecordBatch.from_pandas(plain_frame()),
    "narwhals pandas": lambda: narwhals(plain_frame()),
    "narwhals polars": lambda: narwhals(pl.from_pandas(plain_frame())),
    "narwhals lazy": lambda: narwhals(pl.from_pandas(plain_frame()).lazy()),
    "dict of lists": lambda: plain_frame().to_dict("list"),
    "dict of Series": lambda: dict(plain_frame().items()),
    "dict of arrays": lambda: {k: v.to_numpy() for k, v in plain_frame().items()},
    "dict of polars": lambda: {
        k: pl.Series(v.to_list()) for k, v in plain_frame().items()
    },
    "dict of pyarrow": lambda: {
        k: pa.array(v.to_list()) for k, v in plain_frame().items()
    },
    "structured": structured,
    "recarray": lambda: structured().view(np.recarray),
}


@pytest.mark.parametrize("make", DATA.values(), ids=DATA)
def test_every_kind_of_data_gives_the_same_columns(make):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        table = Table.from_data(make())
        assert (table.nobs, table.names) == (4, ("y", "i", "s", "b"))
        np.testing.assert_array_equal(table.column("y"), Y)
        assert table.column("y").dtype == float
        np.testing.assert_array_equal(table.column("i"), [3, 1, 2, 3])
        assert table.column("i").dtype.kind == "i"
        text = table.column("s")
    assert isinstance(text, pd.Categorical) and not text.ordered
    assert text.categories.tolist() == ["a", "b", "c"]
    assert text.tolist() == TEXT
    np.testing.assert_array_equal(table.column("b"), [True, False, True, False])
    assert table.column("b").dtype == bool
    assert table.index.tolist() == [0, 1, 2, 3]
    assert complete_rows(table, table.names) is None
    kept = table.take([True, False, False, True])
    assert kept.column("s").categories.tolist() == ["b"]
    assert kept.column("b").dtype == bool and kept.column("i").dtype.kind == "i"
    assert kept.index.tolist() == [0, 3]


@pytest.mark.filterwarnings("ignore:The Dataframe Interchange Protocol")
def test_interchange_protocol():
    table = Table.from_data(Interchange(plain_frame()))
    assert table.column("s").tolist() == TEXT and table.column("y").tolist() == list(Y)


def gappy_frame():
    frame = plain_frame().astype({"i": "Int64", "b": "boolean"})
    frame.loc[1, ["y", "i"]] = None
    frame.loc[2, ["s", "b"]] = None
    return frame


GAPPY = {
    "nullable": gappy_frame,
    "arrow": lambda: gappy_frame().convert_dtypes(dtype_backend="pyarrow"),
    "string": lambda: gappy_frame().astype({"s": "string"}),
    "object": lambda: gappy_frame().astype(object),
    "polars": lambda: pl.from_pandas(gappy_frame()),
    "pyarrow": lambda: pa.Table.from_pandas(gappy_frame()),
    "lists": lambda: {
        "y": [1.5, None, 3.5, 4.5],
        "i": [3, None, 2, 3],
        "s": ["b", "c", None, "b"],
        "b": [True, False, None, False],
    },
}


@pytest.mark.parametrize("make", GAPPY.values(), ids=GAPPY)
def test_missing_values_then_plain_once_dropped(make):
    table = Table.from_data(make())
    assert table.missing("i").tolist() == [False, True, False, False]
    assert table.missing("s").tolist() == [False, False, True, False]
    assert table.column("i").dtype == float and np.isnan(table.column("i")[1])
    assert table.column("s").codes.tolist() == [0, 1, -1, 0]
    assert table.column("b").categories.tolist() == [False, True]
    assert table.column("b").codes.tolist() == [1, 0, -1, 0]
    mask = complete_rows(table, ["y", "i", "s", "b"])
    assert mask.tolist() == [True, False, False, True]
    kept = table.take(mask)
    assert kept.missing("s") is None and kept.missing("b") is None
    assert kept.column("i").tolist() == [3, 3]
    # numbers in plain lists were floats to begin with
    assert isinstance(make(), dict) or kept.column("i").dtype.kind in "if"
    assert kept.column("b").dtype == bool
    assert kept.column("s").categories.tolist() == ["b"]


@pytest.mark.parametrize("kind", ["nullable", "arrow", "polars", "pyarrow", "object"])
def test_integers_with_gaps_are_integers_again(kind):
    table = Table.from_data(GAPPY[kind]())
    assert table.take([True, False, True, True]).column("i").dtype == np.int64


COLUMNS = {
    "int8": (np.array([1, 2], dtype="i1"), np.int8),
    "float32": (np.array([1, 2], dtype="f4"), np.float32),
    "big endian": (np.array([1, 2], dtype=">i4"), np.int32),
    "Int32": (pd.array([1, 2], dtype="Int32"), np.int32),
    "Float64": (pd.array([1, None], dtype="Float64"), np.float64),
    "UInt8 with gap": (pd.array([1, None], dtype="UInt8"), np.float64),
    "sparse": (pd.array([0.0, 1.0], dtype="Sparse[float]"), np.float64),
    "decimal": ([Decimal("1.5"), None], np.float64),
    "pyarrow decimal": (pa.array([Decimal("1.5"), None]), np.float64),
    "polars decimal": (pl.Series([Decimal("1.5"), None]), np.float64),
    "object ints": (np.array([1, 2], dtype=object), np.int64),
    "object numbers": (np.array([1, 2.5], dtype=object), np.float64),
    "object with NA": (np.array([1, pd.NA], dtype=object), np.float64),
    "all missing": ([None, None], np.float64),
    "huge ints": ([10**30, 10**30 + 1], object),
    "tuples": (pd.Series([(1, 2), (3, 4)]), object),
    "mixed": (["a", 1], object),
    "intervals": (pd.arrays.IntervalArray.from_breaks([0, 1, 2]), object),
    "dates": ([datetime.date(2020, 1, 2), None], "M"),
    "datetimes": (pd.to_datetime(["2020-01-02", None]), "M"),
    "zoned": (pd.to_datetime(["2020-01-02"] * 2, utc=True), "M"),
    "zoned array": (pd.to_datetime(["2020-01-02"] * 2, utc=True).array, "M"),
    "pyarrow date": (pa.array([datetime.date(2020, 1, 2), None]), "M"),
    "arrow date": (
        pd.array([datetime.date(2020, 1, 2), None], pd.ArrowDtype(pa.date32())),
        "M",
    ),
    "datetime array": (pd.to_datetime(["2020-01-02"] * 2).array, "M"),
    "durations": ([datetime.timedelta(1), None], "m"),
    "masked array": (np.ma.masked_array([1.0, 2.0], [False, True]), np.float64),
    "range": (range(2), np.int64),
    "index": (pd.Index([1, 2]), np.int64),
}


@pytest.mark.parametrize("case", COLUMNS.values(), ids=COLUMNS)
def test_kinds_of_columns(case):
    values, dtype = case
    out = Table.from_data({"x": values}).column("x")
    assert isinstance(out, np.ndarray) and not out.flags.writeable
    if isinstance(dtype, str):
        assert out.dtype.kind == dtype
    else:
        assert out.dtype == dtype


TEXTS = {
    "str": pd.array(["b", "a"], dtype="str"),
    "string": pd.array(["b", "a"], dtype="string"),
    "arrow": pd.array(["b", "a"], dtype=pd.ArrowDtype(pa.string())),
    "object": np.array(["b", "a"], dtype=object),
    "U": np.array(["b", "a"]),
    "S": np.array([b"b", b"a"]),
    "dictionary": pa.array(["b", "a"]).dictionary_encode(),
    "arrow dictionary": pd.Series(
        pa.array(["b", "a"]).dictionary_encode(),
        dtype=pd.ArrowDtype(pa.dictionary(pa.int32(), pa.string())),
    ),
    "polars categorical": pl.Series(["b", "a"], dtype=pl.Categorical),
}


@pytest.mark.parametrize("values", TEXTS.values(), ids=TEXTS)
def test_text_is_coded_with_sorted_levels(values):
    out = as_column(values)
    assert out.categories.tolist() == ["a", "b"] and out.codes.tolist() == [1, 0]


def test_order_of_categories_is_kept():
    ordered = pd.Categorical(["lo", "hi"], ["lo", "mid", "hi"], ordered=True)
    unordered = pd.Categorical(["lo", "hi"], ["lo", "mid", "hi"])
    for values in (ordered, unordered):
        table = Table.from_data(pd.DataFrame({"c": values}))
        assert table.column("c").equals(values)  # the level nobody has is still there
        taken = table.take().column("c")
        assert taken.categories.tolist() == ["lo", "hi"]
        assert taken.ordered == values.ordered and taken.tolist() == ["lo", "hi"]
    enum = pl.Series(["lo", "hi"], dtype=pl.Enum(["lo", "mid", "hi"]))
    assert as_column(enum).categories.tolist() == ["lo", "mid", "hi"]


def test_drop_unused_levels_keeps_missing():
    values = pd.Categorical(["c", None, "a"], ["a", "b", "c"])
    out = drop_unused_levels(values)
    assert out.codes.tolist() == [1, -1, 0] and out.categories.tolist() == ["a", "c"]
    full = pd.Categorical(["a", None])
    assert drop_unused_levels(full) is full
    many = pd.Categorical.from_codes(np.arange(126), range(200))  # codes are int8
    assert drop_unused_levels(many).tolist() == list(range(126))


def test_patsy_reads_every_column():
    frame = gappy_frame().assign(o=pd.array([1, 2, 3, 4], dtype="Int64"))
    table = Table.from_data(frame.convert_dtypes(dtype_backend="pyarrow"))
    kept = table.take(complete_rows(table, ["y", "b"]))
    data = {name: kept.column(name) for name in ("y", "b", "o")}
    X = patsy.dmatrix("y + b + o", data, return_type="dataframe")
    assert list(X) == ["Intercept", "b[T.True]", "y", "o"]
    # with the gap still there patsy sees the same names and drops the row
    data = {name: table.column(name) for name in ("b", "o")}
    assert list(patsy.dmatrix("b", data, return_type="dataframe")) == list(X)[:2]


def test_infinite_is_not_missing():
    table = Table.from_data({"x": [1.0, np.inf], "n": np.array([1, 2])})
    assert table.missing("x") is None and table.missing("n") is None


def test_nan_inside_a_nullable_float_is_missing():
    inner = pd.arrays.FloatingArray(np.array([np.nan, 1.0]), np.array([False, False]))
    assert Table.from_data({"x": inner}).missing("x").tolist() == [True, False]


def test_columns_that_are_not_used_cost_nothing():
    class Untouchable(list):
        def __iter__(self):
            raise AssertionError("was read")

    table = Table.from_data({"x": [1, 2], "z": Untouchable([1, 2])})
    assert table.take([False, True]).column("x").tolist() == [2]


def test_memory_is_shared():
    frame = plain_frame()
    table = Table.from_data(frame)
    assert np.shares_memory(table.column("y"), frame["y"].to_numpy())
    assert table.column("y") is table.column("y")
    for rows in (None, np.ones(4, dtype=bool)):
        assert table.take(rows).column("y") is table.column("y")
    value = np.arange(3.0)
    assert np.shares_memory(Table.from_data({"v": value}).column("v"), value)


@pytest.mark.parametrize("make", [plain_frame, gappy_frame, GAPPY["lists"], structured])
def test_input_is_never_modified(make):
    data, before = make(), copy.deepcopy(make())
    table = Table.from_data(data)
    mask = complete_rows(table, table.names)
    for part in (table, table.take(mask)):
        for name in table.names:
            values = part.column(name)
            if isinstance(values, np.ndarray):
                with pytest.raises(ValueError, match="read-only"):
                    values[0] = values[1]
    if isinstance(data, pd.DataFrame):
        pd.testing.assert_frame_equal(data, before)
    elif isinstance(data, np.ndarray):
        np.testing.assert_array_equal(data, before)
    else:
        assert data == before


@pytest.mark.parametrize("make", [plain_frame, gappy_frame])
def test_masks_are_the_callers_own(make):
    frame = make()
    frame.loc[0, "y"] = None
    table = Table.from_data(frame)
    masks = [table.missing("y"), complete_rows(table, ["y"])]
    masks.append(resolve_subset(frame["i"] == 3, table))
    masks.append(resolve_subset(np.array([1, 0]), table))
    for mask in masks:
        mask[0] = not mask[0]
    assert table.missing("y")[0]


def test_take_of_take_and_labels():
    frame = plain_frame().set_axis(["r", "r", "s", "t"])
    table = Table.from_data(frame).take([False, True, True, True]).take([2, 0])
    assert table.nobs == 2 and table.index.tolist() == ["t", "r"]
    assert table.column("y").tolist() == [4.5, 2.5]
    assert table.take().column("s").tolist() == ["b", "c"]
    assert "y" in table and "z" not in table and "2 rows" in repr(table)
    assert Table.from_data(table) is table


@patient
@given(st.lists(st.booleans(), min_size=4, max_size=4).filter(any))
def test_take_equals_pandas(mask):
    frame, mask = gappy_frame(), np.array(mask)
    table = Table.from_data(frame).take(mask)
    text = pd.Series(table.column("s").astype(object)).fillna("gap")
    assert text.tolist() == frame["s"][mask].fillna("gap").tolist()
    expected = frame[mask].isna()
    for name in frame:
        missing = table.missing(name)
        got = np.zeros(mask.sum(), bool) if missing is None else missing
        np.testing.assert_array_equal(got, expected[name])


def test_pickles():
    for make in (plain_frame, DATA["polars"], DATA["pyarrow"], DATA["dict of lists"]):
        table = pickle.loads(pickle.dumps(Table.from_data(make()).take([0, 1])))
        assert table.column("s").tolist() == ["b", "c"]


REFUSED = {
    "list": ([1, 2], "data is a list"),
    "series": (pd.Series([1.0]), "data is a Series"),
    "matrix": (np.ones((2, 2)), "data is a ndarray"),
    "nothing": (None, "data is a NoneType"),
    "no rows": (pd.DataFrame({"x": []}), "no rows"),
    "no polars rows": (pl.DataFrame({"x": []}), "no rows"),
    "empty dict": ({}, "no rows"),
    "scalar": ({"x": [1, 2], "k": 3}, "'k' must be an array-like, not int"),
    "0-d": ({"x": [1, 2], "k": np.array(3)}, "'k' must be an array-like"),
    "text": ({"x": [1, 2], "k": "ab"}, "'k' must be an array-like, not str"),
    "lengths": ({"x": [1, 2], "k": [3]}, "'x': 2, 'k': 1"),
    "2-d record": (np.zeros((2, 2), dtype=[("a", float)]), "must be 1-d"),
    "indices": (
        {"x": pd.Series([1, 2]), "k": pd.Series([1, 2], index=[1, 0])},
        "differ in their index",
    ),
}


@pytest.mark.parametrize("case", REFUSED.values(), ids=REFUSED)
def test_refused_data(case):
    data, text = case
    with pytest.raises(DataError, match=text):
        Table.from_data(data)


def test_refused_columns():
    table = Table.from_data({"x": np.ones((2, 2)), "ok": [1, 2]})
    with pytest.raises(DataError, match=r"'x' must be one-dimensional, not \(2, 2\)"):
        table.column("x")
    with pytest.raises(MissingColumnError, match=r"asked for by weights=.*'ok'"):
        table.column("okk", where="weights=")
    with pytest.raises(MissingColumnError):
        table.missing("nope")
    twice = pd.DataFrame([[1, 2, 3], [4, 5, 6]], columns=["a", "a", "b"])
    assert Table.from_data(twice).column("b").tolist() == [3, 6]
    with pytest.raises(DataError, match=r"'a', asked for by the formula, is there 2"):
        Table.from_data(twice).column("a")


def test_refused_rows():
    table = Table.from_data(plain_frame())
    with pytest.raises(DataError, match="No rows"):
        table.take(np.zeros(4, dtype=bool))
    with pytest.raises(DataError, match="length 3, the data 4 rows"):
        table.take(np.ones(3, dtype=bool))


SUBSETS = {
    "mask": (np.array([True, False, False, True]), [0, 3]),
    "list": ([True, False, False, True], [0, 3]),
    "series": (pd.Series([True, False, False, True]), [0, 3]),
    "other labels": (pd.Series([True, False, False, True], index=list("abcd")), [0, 3]),
    "nullable": (pd.array([True, None, None, True], dtype="boolean"), [0, 3]),
    "polars": (pl.Series([True, None, False, True]), [0, 3]),
    "pyarrow": (pa.array([True, False, None, True]), [0, 3]),
    "positions": (np.array([3, 0], dtype="i2"), [3, 0]),
    "position list": ([2], [2]),
    "slice": (slice(None, None, 2), [0, 2]),
    "index": (pd.Index([1, 2]), [1, 2]),
    "none": (None, [0, 1, 2, 3]),
}


@pytest.mark.parametrize("case", SUBSETS.values(), ids=SUBSETS)
def test_subsets(case):
    subset, expected = case
    table = Table.from_data(plain_frame())
    np.testing.assert_array_equal(table.select(subset).column("y"), Y[expected])


NO_SUBSETS = {
    "length": ([True, False], "subset has length 2, the data 4 rows"),
    "outside": ([4], "outside 0 to 3"),
    "negative": ([-1], "outside 0 to 3"),
    "0/1 mask": ([0, 1, 1, 0], "make it boolean"),
    "no row": ([False] * 4, "leaves no rows"),
    "empty slice": (slice(4, 4), "leaves no rows"),
    "labels slice": (slice("a", "b"), "not of labels"),
    "floats": ([0.5], "boolean or positions, not float64"),
    "labels": (["r1"], "boolean or positions, not category"),
    "text": ("y > 2", "is text; give a boolean mask"),
    "callable": (len, "array-like, not builtin"),
    "scalar": (2, "array-like, not int"),
    "other order": (pd.Series([True] * 4, index=[3, 2, 1, 0]), "another order"),
}


@pytest.mark.parametrize("case", NO_SUBSETS.values(), ids=NO_SUBSETS)
def test_refused_subsets(case):
    subset, text = case
    with pytest.raises(DataError, match=text):
        resolve_subset(subset, Table.from_data(plain_frame()))


@pytest.mark.parametrize(
    "value",
    [
        "i",
        [3, 1, 2, 3],
        np.array([3, 1, 2, 3], dtype="f4"),
        pd.Series([3, 1, 2, 3], index=list("abcd")),
        pd.array([3, 1, 2, 3], dtype="Int64"),
        pl.Series([3, 1, 2, 3]),
        pa.array([3, 1, 2, 3]),
        [Decimal(3), 1, 2, 3.0],
    ],
)
def test_column_or_array(value):
    out = column_or_array(value, Table.from_data(plain_frame()), "weights")
    assert out.dtype == np.float64 and out.tolist() == [3, 1, 2, 3]


def test_column_or_array_keeps_gaps_and_bools():
    table = Table.from_data(plain_frame())
    assert np.isnan(column_or_array([1, None, 2, 3], table, "offset")[1])
    assert column_or_array("b", table, "offset").tolist() == [1, 0, 1, 0]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ([1.0, 2.0], "weights= has length 2, the data 4 rows.*before rows"),
        (2.0, "weights= must be an array-like, not float"),
        (np.array(2.0), "weights= must be an array-like"),
        (np.ones((4, 1)), "weights= must be one-dimensional"),
        (list("abcd"), "weights= must be numeric"),
        ("s", "weights= must be numeric, not category"),
        ([1 + 2j] * 4, "weights= must be numeric, not complex"),
        (pd.date_range("2020", periods=4), "weights= must be numeric, not datetime"),
        (pd.Series(range(4), index=[3, 2, 1, 0]), "another order"),
        ("yy", "asked for by weights="),
    ],
)
def test_column_or_array_refuses(value, text):
    with pytest.raises(DataError, match=text):
        column_or_array(value, Table.from_data(plain_frame()), "weights")


def test_complete_rows_joins_columns_and_arrays():
    table = Table.from_data(gappy_frame())
    arrays = {"weights": np.array([np.nan, 1, 1, 1])}
    mask = complete_rows(table, ["y", "s"], arrays)
    assert mask.tolist() == [False, False, False, True]
    effects = np.array([[1.0, 2], [3, 4], [5, 6], [7, np.nan]])
    assert complete_rows(table, [], {"z": effects}).tolist() == [True] * 3 + [False]
    assert complete_rows(table, [], {"w": np.full(4, np.inf)}) is None
    with pytest.raises(DataError, match="weights= has length 3"):
        complete_rows(table, [], {"weights": np.ones(3)})
    with pytest.raises(MissingColumnError):
        complete_rows(table, ["nope"])


def test_no_complete_row_says_where():
    table = Table.from_data({"a": [1.0, None], "b": [None, 1.0]})
    with pytest.raises(MissingValueError, match=r"of 2 rows.*'a': 1, 'b': 1"):
        complete_rows(table, ["a", "b"])


def test_check_finite():
    labels = pd.Index(list("abcdefgh"))
    values = np.array([1, np.nan, np.inf, -np.inf, np.nan, np.nan, np.nan, 2])
    check_finite("x", values[[0, 7]], labels)
    check_finite("n", np.array([1, 2]), labels)
    with pytest.raises(MissingValueError, match=r"'x' has 4 missing and 2 infinite"):
        check_finite("x", values, labels)
    with pytest.raises(MissingValueError, match=r"rows b, c, d, e, f, \.\.\."):
        check_finite("x", values, labels)
    with pytest.raises(
        MissingValueError, match=r"3 missing and 2 infinite.* rows a, b, c"
    ):
        check_finite("X", values[:6].reshape(3, 2), labels[:3])
    duplicated = pd.MultiIndex.from_tuples([("a", 1), ("a", 1)])
    with pytest.raises(MissingValueError, match=r"\('a', 1\)"):
        check_finite("x", np.array([1, np.nan]), duplicated)


def test_examples_run():
    assert doctest.testmod(module).failed == 0
