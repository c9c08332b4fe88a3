"""Columns of formula pieces are those of patsy, for new data and after pickle too."""

import pickle

import numpy as np
import pandas as pd
import patsy
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from statsmodels_mixed.design.encode import Encoder
from statsmodels_mixed.design.table import Table
from statsmodels_mixed.errors import (
    DataError,
    MissingColumnError,
    MissingValueError,
    NewLevelError,
)


def frame(n=60, seed=0):
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "x": rng.uniform(0.1, 5.0, n),
            "y": rng.standard_normal(n),
            "i": rng.integers(1, 9, n),
            "b": rng.integers(0, 2, n) == 1,
            "f": rng.choice(["lo", "mid", "hi"], n),
            "g": pd.Categorical(
                rng.choice(["u", "v", "w", "z"], n), ["z", "w", "v", "u"]
            ),
            "h": rng.choice(["p", "q"], n),
            "a b": rng.standard_normal(n),
        }
    )


def cube(values):
    """A function of the caller, found by pickle in this module."""
    return np.asarray(values) ** 3


RIGHT_HAND_SIDES = [
    "1",
    "0 + x",
    "x",
    "x + y + x:y",
    "x - 1",
    "f",
    "0 + f",
    "g",
    "f + g",
    "f*g",
    "f:g",
    "0 + f:g",
    "f:x",
    "f*x",
    "0 + f:x",
    "x:f + y",
    "x*y*f",
    "f*g*h",
    "f:g:h",
    "f:g:x + h",
    "x*f:g",
    "f/x",
    "f/g",
    "(x + y + f)**2",
    "b",
    "0 + b",
    "b:x",
    "b*f",
    "C(i)",
    "C(i):x",
    "C(f, Sum)",
    "C(f, Sum)*x",
    "C(f, Sum):C(g, Helmert)",
    "C(f, Treatment('lo'))",
    "C(f, Treatment(reference='mid')):y",
    "C(g, Diff)",
    "C(i, Poly)",
    "C(f, Poly)*x",
    "C(f, levels=['hi', 'mid', 'lo'])",
    "I(x**2)",
    "x + I(x**2) + I(x*y)",
    "I(2*x - 1):f",
    "np.log(x)",
    "np.log(x)*f",
    "np.exp(-x) + np.sqrt(x):h",
    "I(x > 2)",
    "x > 2",
    "bs(x, df=4)",
    "bs(x, df=5, degree=2):f",
    "cr(x, df=4)",
    "cc(x, df=4)",
    "te(cr(x, df=3), cr(y, df=3))",
    "center(x)",
    "standardize(x)*f",
    "scale(y)",
    "center(np.log(x))",
    "Q('a b')",
    "Q('a b'):f",
    "cube(x)",
    "center(cube(x)):f",
    "0 + f + g:x",
    "f + x:f + g:f",
    "h + f:g + f:g:h",
]
EVERY = pytest.mark.parametrize("text", RIGHT_HAND_SIDES)
NAMES = {"np": np, "cube": cube}


def encoder(text, data=None, names=NAMES, where="the fixed effects"):
    data = frame() if data is None else data
    return Encoder(text, Table.from_data(data), names, where)


def by_patsy(text, data):
    return patsy.dmatrix(text, data, patsy.EvalEnvironment([NAMES]))


@EVERY
def test_columns_are_those_of_patsy(text):
    data = frame()
    expected = by_patsy(text, data)
    own = encoder(text)
    columns = own.encode(Table.from_data(data))
    assert own.names == tuple(expected.design_info.column_names)
    assert columns.flags.f_contiguous
    assert_allclose(columns, np.asarray(expected), rtol=1e-14, atol=1e-15)


@EVERY
def test_new_data_are_coded_as_the_old(text):
    """Levels that are missing from the new rows, other means, other knots."""
    data = frame()
    info = by_patsy(text, data).design_info
    new = data.iloc[[3, 4, 5, 3]].assign(x=[0.2, 0.7, 3.0, 4.9])
    (expected,) = patsy.build_design_matrices([info], new)
    columns = encoder(text).encode(Table.from_data(new))
    assert_allclose(columns, np.asarray(expected), rtol=1e-13, atol=1e-14)


@EVERY
def test_pickle_keeps_columns_names_and_states(text):
    own = encoder(text)
    back = pickle.loads(pickle.dumps(own))
    new = Table.from_data(frame(n=7, seed=0).assign(x=np.linspace(0.3, 4.0, 7)))
    assert back.names == own.names
    assert_array_equal(back.encode(new), own.encode(new))
    again = pickle.loads(pickle.dumps(back))
    assert_array_equal(again.encode(new), own.encode(new))


def test_coding_is_learnt_from_the_rows_given():
    data = frame()
    own = encoder("center(x) + bs(y, df=4)", data)
    one = Table.from_data(data.iloc[[5]])
    assert_allclose(own.encode(one)[0, 1], data.x[5] - data.x.mean())
    assert_array_equal(own.encode(one)[0], own.encode(Table.from_data(data))[5])


def test_unused_categories_have_columns_as_in_patsy():
    data = frame()
    data["g"] = data.g.cat.add_categories(["never"])
    expected = by_patsy("g", data)
    own = encoder("g", data)
    assert own.names == tuple(expected.design_info.column_names)
    assert_array_equal(own.encode(Table.from_data(data)), np.asarray(expected))


@pytest.mark.parametrize("kind", ["object", "category", "string"])
def test_types_of_text_do_not_matter(kind):
    data = frame()
    new = data.assign(f=data.f.astype(kind), h=data.h.astype(kind))
    expected = np.asarray(by_patsy("f*h", data))
    assert_array_equal(encoder("f*h", new).encode(Table.from_data(new)), expected)
    # learnt from one type, used with another
    assert_array_equal(encoder("f*h", data).encode(Table.from_data(new)), expected)


@pytest.mark.parametrize("dtype", ["int8", "int64", "float32", "Int64", "Float64"])
def test_types_of_numbers_do_not_matter(dtype):
    data = frame()
    new = data.assign(i=data.i.astype(dtype))
    for text in ("i", "i:f", "I(i**2)", "C(i)"):
        # int8 squares of 8 stay in range
        expected = np.asarray(by_patsy(text, data))
        found = encoder(text, new).encode(Table.from_data(new))
        assert_allclose(found, expected)


def test_categories_in_another_order_are_matched_by_name():
    data = frame()
    own = encoder("g*x", data)
    other = data.assign(g=pd.Categorical(data.g.astype(str), ["u", "v", "w", "z"]))
    assert_array_equal(
        own.encode(Table.from_data(other)), own.encode(Table.from_data(data))
    )


def test_bool_columns_keep_both_levels_in_one_row():
    data = frame()
    own = encoder("b", data)
    for value in (True, False):
        one = data.iloc[[0]].assign(b=value)
        assert_array_equal(own.encode(Table.from_data(one)), [[1.0, float(value)]])


def test_a_scalar_expression_is_repeated():
    data = frame()
    columns = encoder("0 + I(2) + x", data).encode(Table.from_data(data))
    assert (columns == 2.0).all(axis=0).any()


def test_encode_does_not_change_the_data():
    data = frame()
    kept = data.copy(deep=True)
    own = encoder("f*x + center(y) + I(x**2)", data)
    own.encode(Table.from_data(data))[:] = 0.0
    pd.testing.assert_frame_equal(data, kept)
    assert own.encode(Table.from_data(data)).any()


# ---- errors -----------------------------------------------------------------------


@pytest.mark.parametrize("text", ["f", "f*x", "C(f, Sum)", "f:g", "C(i)", "h + g"])
def test_a_new_level_is_named(text):
    own = encoder(text)
    new = frame().iloc[:2]
    if "f" in text:
        new = new.assign(f=["lo", "huge"])
        level = "huge"
    elif "i" in text:
        new = new.assign(i=[1, 77])
        level = "77"
    else:
        new = new.assign(g=["v", "nowhere"])
        level = "nowhere"
    with pytest.raises(NewLevelError, match=level) as caught:
        own.encode(Table.from_data(new))
    assert "the fixed effects" in str(caught.value)
    assert "Known levels" in str(caught.value)
    assert level not in str(caught.value).split("Known levels")[1]


def test_a_missing_category_is_no_new_level():
    """A missing value in a factor: an error that says so, not a wrong column."""
    own = encoder("f")
    new = frame().iloc[:3].assign(f=["lo", None, "hi"])
    with pytest.raises(DataError):
        own.encode(Table.from_data(new))


def test_a_missing_column_is_named_with_the_nearest():
    with pytest.raises(MissingColumnError, match=r"'xx'.*the fixed effects"):
        encoder("xx + y")
    own = encoder("x + y")
    with pytest.raises(MissingColumnError, match="'x'"):
        own.encode(Table.from_data(frame().drop(columns="x")))


@pytest.mark.parametrize("text", ["x", "np.log(x)", "I(1/x)", "x:f"])
@pytest.mark.parametrize("value", [np.nan, np.inf, 0.0])
def test_values_that_are_not_finite_are_refused(text, value):
    own = encoder(text)
    new = frame().iloc[:3].assign(x=[1.0, value, 2.0])
    if value == 0.0 and text in ("x", "x:f"):
        assert np.isfinite(own.encode(Table.from_data(new))).all()
        return
    if np.isinf(value) and text == "I(1/x)":
        assert own.encode(Table.from_data(new))[1, 1] == 0.0
        return
    # inf times a zero dummy warns on the way to the error
    with np.errstate(all="ignore"), pytest.raises(MissingValueError):
        own.encode(Table.from_data(new))


@pytest.mark.parametrize("text", ["bs(x, df=1)", "C(f, Sums)", "x +* y", "cube(f)"])
def test_what_patsy_refuses_is_our_error_with_the_text(text):
    with pytest.raises(DataError) as caught:
        encoder(text)
    assert text.split("(")[0] in str(caught.value)


def test_a_spline_outside_its_knots_is_our_error():
    own = encoder("bs(x, df=4)")
    new = frame().iloc[:1].assign(x=99.0)
    with pytest.raises(DataError, match="bs"):
        own.encode(Table.from_data(new))


def test_a_function_of_the_module_survives_pickle():
    own = encoder("cube(x)")
    back = pickle.loads(pickle.dumps(own))
    table = Table.from_data(frame())
    assert_array_equal(back.encode(table)[:, 1], frame().x ** 3)


@pytest.mark.parametrize("kind", ["local function", "lambda"])
def test_a_local_function_is_lost_with_a_message(kind):
    def local(values):
        return np.asarray(values) + 1.0

    function = local if kind == "local function" else (lambda v: np.asarray(v) + 1.0)
    own = encoder("shift(x)", names={"shift": function})
    table = Table.from_data(frame())
    assert_allclose(own.encode(table)[:, 1], frame().x + 1.0)
    back = pickle.loads(pickle.dumps(own))
    assert back.names == own.names
    with pytest.raises(DataError, match=r"lost in a saved model"):
        back.encode(table)


def test_variables_of_the_caller_survive_pickle():
    own = encoder("I(x > limit)", names={"limit": 2.0, "unused": lambda: 0})
    back = pickle.loads(pickle.dumps(own))
    table = Table.from_data(frame())
    assert_array_equal(back.encode(table), own.encode(table))


def test_names_that_are_not_used_are_not_kept():
    """The caller's namespace may hold gigabytes."""
    big = np.zeros(1_000_000)
    own = encoder("x + np.log(y**2 + 1)", names={"np": np, "big": big})
    assert len(pickle.dumps(own)) < 50_000


# ---- grouping labels --------------------------------------------------------------


@pytest.mark.parametrize("text", ["f", "g", "C(i)", "i"])
def test_labels_are_the_values(text):
    data = frame()
    column = data[text.strip("C()")]
    found = encoder(f"0 + {text}").labels(Table.from_data(data))
    assert_array_equal(np.asarray(found), column.to_numpy())


def test_labels_of_new_data_may_be_new():
    own = encoder("0 + C(i)")
    new = frame().iloc[:2].assign(i=[3, 99])
    assert_array_equal(np.asarray(own.labels(Table.from_data(new))), [3, 99])
