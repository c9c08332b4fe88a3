"""Bad input: our exceptions, with column, row or term and a remedy in the text."""

import numpy as np
import pandas as pd
import pytest

import statsmodels_mixed as smm
from statsmodels_mixed.errors import (
    DataError,
    FormulaError,
    IdentifiabilityError,
    MissingColumnError,
    MissingValueError,
    MixedModelError,
    NewLevelError,
    RankDeficiencyWarning,
)


def frame(n=24):
    rng = np.random.default_rng(7)
    x = np.linspace(-1.0, 1.0, n)
    g = np.array(list("abcdef"))[np.arange(n) % 6]
    y = 1.0 + x + np.repeat(rng.normal(size=6), n // 6) + rng.normal(size=n)
    labels = [f"row{i}" for i in range(n)]
    return pd.DataFrame({"y": y, "x": x, "g": g, "w": np.ones(n)}, index=labels)


def _with(column, row, value):
    data = frame()
    data[column] = data[column].astype(object if column == "g" else float)
    data.loc[data.index[row], column] = value
    return data


def _fit(data, formula="y ~ x + (1 | g)", **kwargs):
    return smm.lmm(formula, data, **kwargs).fit()


def _with_columns(**columns):
    return frame().assign(**columns)


CASES = {
    "missing column": (
        MissingColumnError,
        ("'yy'", "Did you mean 'y'"),
        lambda: _fit(frame(), "yy ~ x + (1 | g)"),
    ),
    "missing column in the fixed part": (
        MissingColumnError,
        ("'xx'", "Did you mean 'x'"),
        lambda: _fit(frame(), "y ~ xx + (1 | g)"),
    ),
    "missing grouping column": (
        MissingColumnError,
        ("'G'", "Did you mean 'g'"),
        lambda: _fit(frame(), "y ~ x + (1 | G)"),
    ),
    "missing varying column": (
        MissingColumnError,
        ("'z'", "Columns:"),
        lambda: _fit(frame(), "y ~ x + (z | g)"),
    ),
    "missing weights column": (
        MissingColumnError,
        ("'ww'", "weights="),
        lambda: _fit(frame(), weights="ww"),
    ),
    "nan in y, raise": (
        MissingValueError,
        ("1 rows", " y;", "missing='drop'"),
        lambda: _fit(_with("y", 3, np.nan), missing="raise"),
    ),
    "nan in x, raise": (
        MissingValueError,
        ("1 rows", " x;", "missing='drop'"),
        lambda: _fit(_with("x", 3, np.nan), missing="raise"),
    ),
    "missing group, raise": (
        MissingValueError,
        ("1 rows", " g;", "missing='drop'"),
        lambda: _fit(_with("g", 3, None), missing="raise"),
    ),
    "inf in y, raise": (
        MissingValueError,
        ("'y'", "row3", "1 infinite", "remove"),
        lambda: _fit(_with("y", 3, np.inf), missing="raise"),
    ),
    "inf in x, drop": (
        MissingValueError,
        ("'x", "row3", "1 infinite"),
        lambda: _fit(_with("x", 3, -np.inf)),
    ),
    "log of zero": (
        MissingValueError,
        ("np.log(w)", "row2", "log(0)"),
        lambda: _fit(_with("w", 2, 0.0), "y ~ np.log(w) + x + (1 | g)"),
    ),
    "inf in the weights": (
        MissingValueError,
        ("weights=", "row5"),
        lambda: _fit(_with("w", 5, np.inf), weights="w"),
    ),
    "inf in a varying effect": (
        MissingValueError,
        ("(x | g)", "row4"),
        lambda: _fit(_with("x", 4, np.inf), "y ~ 1 + (x | g)"),
    ),
    "log of a negative number": (
        MissingValueError,
        ("np.log(x)", "NaN in 12 rows", "(row0, row1,", "missing='drop'", "subset="),
        lambda: _fit(frame(), "y ~ np.log(x) + (1 | g)"),
    ),
    "log of a negative response": (
        MissingValueError,
        ("np.log(y)", "the response", "where its columns have values", "subset="),
        lambda: _fit(_with("y", 3, -1.0), "np.log(y) ~ x + (1 | g)"),
    ),
    "log of a negative number beside missing values": (
        MissingValueError,
        ("NaN in 11 rows", "(row0, row2,"),
        lambda: _fit(_with("x", 1, np.nan), "y ~ np.log(x) + (1 | g)"),
    ),
    "value outside of bins": (
        MissingValueError,
        ("pd.cut(x, [0, 1, 2]", "NaN in 12 rows", "outside of bins"),
        lambda: _fit(frame(), "y ~ pd.cut(x, [0, 1, 2], labels=['a', 'b']) + (1 | g)"),
    ),
    "subset as text": (
        DataError,
        ("subset='x > 0'", "boolean mask", "data.query"),
        lambda: _fit(frame(), subset="x > 0"),
    ),
    "R's poly": (
        FormulaError,
        ("'poly'", "I(x**2)", "bs(x, df=4)", "\n        ^"),
        lambda: _fit(frame(), "y ~ poly(x, 2) + (1 | g)"),
    ),
    "log without np": (
        FormulaError,
        ("'log'", "np.log", "\n    ^"),
        lambda: _fit(frame(), "log(y) ~ x + (1 | g)"),
    ),
    "a function nobody has defined": (
        FormulaError,
        ("'wiggle'", "define or import it"),
        lambda: _fit(frame(), "y ~ x + (0 + wiggle(x) | g)"),
    ),
    "all rows missing": (
        MissingValueError,
        ("No row is complete", "'x'", "fill"),
        lambda: _fit(_with_columns(x=np.nan)),
    ),
    "one level": (
        IdentifiabilityError,
        ("'g'", "one level (a)", "Drop the term"),
        lambda: _fit(_with_columns(g="a")),
    ),
    "as many levels as rows": (
        IdentifiabilityError,
        ("(1 | id)", "'id'", "as many levels", "drop the term"),
        lambda: _fit(_with_columns(id=np.arange(24)), "y ~ x + (1 | id)"),
    ),
    "more random effects than rows": (
        IdentifiabilityError,
        ("(x | g)", "24 random", "24 rows", "fewer effects"),
        lambda: _fit(_with_columns(g=np.repeat(np.arange(12), 2)), "y ~ x + (x | g)"),
    ),
    "negative weights": (
        DataError,
        ("weights=", "1 negative", "row6", "sigma^2"),
        lambda: _fit(_with("w", 6, -1.0), weights="w"),
    ),
    "all-zero weights": (
        DataError,
        ("weights=", "zero in every row"),
        lambda: _fit(frame(), weights=np.zeros(24)),
    ),
    "constant response": (
        DataError,
        ("'y'", "constant (3)"),
        lambda: _fit(_with_columns(y=3.0)),
    ),
    "collinear varying effects": (
        IdentifiabilityError,
        ("(x + x2 | g)", "x2", "leave them out"),
        lambda: _fit(
            _with_columns(x2=2.0 * frame().x, g=list("abc") * 8), "y ~ x + (x + x2 | g)"
        ),
    ),
    "response is text": (
        DataError,
        ("'y'", "numeric", "convert"),
        lambda: _fit(_with_columns(y=[f"v{i}" for i in range(24)])),
    ),
    "response is a category": (
        DataError,
        ("'y'", "numeric", "convert"),
        lambda: _fit(_with_columns(y=pd.Categorical(frame().g))),
    ),
    "weights are text": (
        DataError,
        ("weights=", "numeric"),
        lambda: _fit(frame(), weights="g"),
    ),
    "short weights": (
        DataError,
        ("weights=", "23", "24 rows"),
        lambda: _fit(frame(), weights=np.ones(23)),
    ),
    "long offset": (
        DataError,
        ("offset=", "25", "24 rows"),
        lambda: _fit(frame(), offset=np.ones(25)),
    ),
    "short subset": (
        DataError,
        ("subset", "3", "24 rows"),
        lambda: _fit(frame(), subset=[True, False, True]),
    ),
    "p >= n": (
        IdentifiabilityError,
        ("24 fixed effects", "24 rows", "drop"),
        lambda: _fit(_with_columns(t=np.arange(24)), "y ~ C(t) + (1 | g)"),
    ),
    "fixed effects reproduce the response": (
        DataError,
        ("fixed effects reproduce the response", "no variance left"),
        lambda: _fit(_with_columns(y=2.0 + 3.0 * frame().x)),
    ),
    "random effects reproduce the response": (
        IdentifiabilityError,
        ("random effects reproduce the response", "constant within"),
        lambda: _fit(_with_columns(y=np.arange(24.0) % 6), "y ~ 1 + (1 | g)"),
    ),
    "no rows": (
        DataError,
        ("no rows", "filtered"),
        lambda: _fit(frame().iloc[:0]),
    ),
    "data of another type": (
        DataError,
        ("data is a int", "DataFrame"),
        lambda: _fit(3),
    ),
    "unknown option": (
        DataError,
        ("missing='ignore'", "'drop'"),
        lambda: _fit(frame(), missing="ignore"),
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_bad_input_is_refused_with_the_place_and_a_remedy(case):
    kind, words, call = CASES[case]
    with pytest.raises(kind) as caught:
        call()
    text = str(caught.value)
    assert isinstance(caught.value, MixedModelError)
    assert [word for word in words if word not in text] == [], text


ARRAY_CASES = {
    "short exog": (DataError, ("exog", "23", "24"), {"exog": np.ones((23, 1))}),
    "text exog": (DataError, ("exog", "numeric"), {"exog": np.full((24, 1), "a")}),
    "short groups": (
        DataError,
        ("random[0]", "23", "24"),
        {"random": [np.arange(23) % 4]},
    ),
    "short effects": (
        DataError,
        ("random[0]", "(23, 1)"),
        {"random": [(np.arange(24) % 4, np.ones(23))]},
    ),
    "text effects": (
        DataError,
        ("random[0]", "numeric"),
        {"random": [(np.arange(24) % 4, np.full(24, "a"))]},
    ),
    "random is no list": (
        DataError,
        ("random=", "list"),
        {"random": np.arange(24) % 4},
    ),
    "short weights": (DataError, ("weights", "23"), {"weights": np.ones(23)}),
    "negative weights": (
        DataError,
        ("weights=", "24 negative"),
        {"weights": -np.ones(24)},
    ),
    "nan in y": (
        MissingValueError,
        ("endog", "1 rows", "missing='drop'"),
        {"endog": np.r_[np.nan, np.arange(23.0)]},
    ),
    "nan in the effects": (
        MissingValueError,
        ("random[0]", "missing='drop'"),
        {"random": [(np.arange(24) % 4, np.r_[np.nan, np.arange(23.0)])]},
    ),
    "inf in x": (
        MissingValueError,
        ("exog", "rows 0", "infinite"),
        {"exog": np.r_[np.inf, np.arange(23.0)]},
    ),
    "text y": (DataError, ("endog", "numeric"), {"endog": list("ab") * 12}),
    "constant y": (DataError, ("constant",), {"endog": np.ones(24)}),
    "p >= n": (
        IdentifiabilityError,
        ("24 fixed effects", "24 rows"),
        {"exog": np.eye(24)},
    ),
    "one level": (IdentifiabilityError, ("one level",), {"random": [np.zeros(24)]}),
    "empty": (DataError, ("empty",), {"endog": [], "exog": None, "random": []}),
    "unknown structure": (
        DataError,
        ("random[0]", "'toep'", "us"),
        {"random": [smm.RandomEffects(np.arange(24) % 4, structure="toep")]},
    ),
}


@pytest.mark.parametrize("case", ARRAY_CASES)
def test_bad_arrays_are_refused_with_the_place_and_a_remedy(case):
    kind, words, changed = ARRAY_CASES[case]
    rng = np.random.default_rng(0)
    good = {
        "endog": rng.normal(size=24),
        "exog": np.ones((24, 1)),
        "random": [np.arange(24) % 4],
    }
    smm.LMM(**good)
    with pytest.raises(kind) as caught:
        smm.LMM(**{**good, **changed})
    text = str(caught.value)
    assert [word for word in words if word not in text] == [], text


def test_unseen_level_of_a_grouping_factor():
    fit = _fit(frame())
    new = frame().assign(g="zz").iloc[:3]
    with pytest.raises(NewLevelError) as caught:
        fit.predict(new, random="conditional")
    text = str(caught.value)
    assert "'g'" in text and "zz" in text and "new_levels='population'" in text
    given = fit.predict(new, random="conditional", new_levels="population")
    np.testing.assert_allclose(given, fit.predict(new), rtol=1e-15)


def test_unseen_level_of_a_fixed_factor():
    data = frame().assign(f=["u", "v"] * 12)
    fit = _fit(data, "y ~ f + (1 | g)")
    with pytest.raises(NewLevelError) as caught:
        fit.predict(data.assign(f="w"))
    assert "f" in str(caught.value) and "w" in str(caught.value)
    assert "u, v" in str(caught.value)


def test_missing_values_and_columns_of_new_data():
    fit = _fit(frame())
    with pytest.raises(MissingColumnError, match="'x'"):
        fit.predict(frame().drop(columns="x"))
    with pytest.raises(MissingValueError, match="row3"):
        fit.predict(_with("x", 3, np.nan))
    with pytest.raises(MissingColumnError, match="'g'"):
        fit.predict(frame().drop(columns="g"), random="conditional")


@pytest.mark.parametrize(
    ("option", "value"), [("random", "both"), ("new_levels", "zero")]
)
def test_unknown_options_of_predict(option, value):
    fit = _fit(frame())
    for new in (None, frame()):
        with pytest.raises(DataError, match=f"{option}='{value}'"):
            fit.predict(new, **{option: value})


def test_start_of_another_size():
    model = smm.lmm("y ~ x + (1 | g)", frame())
    with pytest.raises(DataError, match=r"sizes \[1\]"):
        model.fit(start=[np.eye(2)])


@pytest.mark.parametrize("options", [{"tol": 0.0}, {"max_iter": 0}, {"optimizer": "x"}])
def test_bad_options_of_fit(options):
    with pytest.raises(DataError, match=next(iter(options))):
        smm.lmm("y ~ x + (1 | g)", frame()).fit(**options)


def test_aliased_columns_are_named_and_reported_as_nan():
    data = frame().assign(x2=lambda d: 3.0 - 2.0 * d.x)
    with pytest.warns(RankDeficiencyWarning, match="x2"):
        model = smm.lmm("y ~ x + x2 + (1 | g)", data)
    fit = model.fit()
    plain = _fit(data)
    np.testing.assert_allclose(fit.params, plain.params, rtol=1e-9)
    table = fit.params_table()
    assert table.loc["x2"].isna().all() and table.loc[["Intercept", "x"]].notna().all(
        axis=None
    )
    assert "x2" in fit.summary().as_text()
    np.testing.assert_allclose(fit.predict(data), plain.predict(data), rtol=1e-9)


def test_no_warning_of_another_place():
    # the warning points at the line of the user
    data = frame().assign(x2=lambda d: 2.0 * d.x)
    with pytest.warns(RankDeficiencyWarning) as caught:
        smm.lmm("y ~ x + x2 + (1 | g)", data)
    assert caught[0].filename == __file__
    with pytest.warns(RankDeficiencyWarning) as caught:
        smm.LMM(data.y, data[["x", "x2"]], random=[data.g])
    assert caught[0].filename == __file__


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"weights": "w", "offset": "x"},
        {"subset": np.arange(3, 20)},
        {"missing": "drop"},
    ],
)
def test_the_data_of_the_user_are_not_changed(arguments):
    data = _with("x", 2, np.nan)
    data["f"] = pd.Categorical(["u", "v"] * 12, categories=["v", "u", "never"])
    before = data.copy(deep=True)
    fit = _fit(data, "y ~ x * f + (1 | g)", **arguments)
    fit.predict(data.dropna(), random="conditional")
    fit.simulate(2, rng=1)
    fit.remove_data()
    pd.testing.assert_frame_equal(data, before)
    assert data.f.cat.categories.tolist() == ["v", "u", "never"]


def test_arrays_of_the_user_are_not_changed():
    data = frame()
    arrays = {"y": data.y.to_numpy().copy(), "x": np.c_[np.ones(24), data.x]}
    w = np.linspace(1.0, 2.0, 24)
    kept = [a.copy() for a in (*arrays.values(), w)]
    model = smm.LMM(arrays["y"], arrays["x"], [(data.g, arrays["x"])], weights=w)
    model.fit().refit(arrays["y"] + 1.0)
    for now, then in zip((*arrays.values(), w), kept, strict=True):
        np.testing.assert_array_equal(now, then)


def test_refit_refuses_what_it_cannot_use():
    fit = _fit(frame())
    with pytest.raises(DataError, match="23 rows, the model 24"):
        fit.refit(np.ones(23))
    with pytest.raises(DataError, match="missing or infinite"):
        fit.refit(np.full(24, np.nan))
    with pytest.raises(DataError, match="constant"):
        fit.refit(np.ones(24))
