"""Bad input to generalized models: errors and warnings that name rows and remedies.

How responses are read is tested in test_responses.py; here each way to go wrong comes
once through the door for users. Separation and dispersions at a bound stand below.
"""

import pickle
import time
import warnings
from functools import cache
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

import statsmodels_mixed as smm
from statsmodels_mixed.design.separation import overlaps, runaways
from statsmodels_mixed.errors import (
    DataError,
    FamilyError,
    FormulaError,
    IdentifiabilityError,
    MissingColumnError,
    MissingValueError,
    MixedModelWarning,
    SeparationWarning,
)
from statsmodels_mixed.families import FAMILIES, NegativeBinomial, as_family
from statsmodels_mixed.fitting import search
from statsmodels_mixed.optimize.directions import farthest_direction

N = 120


@cache
def _frame():
    rng = np.random.default_rng(4)
    x, g = rng.normal(size=N), np.arange(N) % 12
    eta = 0.2 + 0.5 * x + 0.5 * rng.normal(size=12)[g]
    n = rng.integers(3, 8, N)
    return pd.DataFrame(
        {
            "x": x,
            "g": g,
            "f": np.array(list("abcd"))[rng.integers(0, 4, N)],
            "y": rng.binomial(1, 1 / (1 + np.exp(-eta))) * 1.0,
            "count": rng.poisson(np.exp(eta)) * 1.0,
            "size": rng.gamma(3.0, np.exp(eta) / 3.0),
            "n": n,
            "s": rng.binomial(n, 0.4),
            "pop": rng.uniform(1.0, 900.0, N),
            "bad": np.where(np.arange(N) == 7, -2.0, 1.0),
        },
        index=[f"row{i}" for i in range(N)],
    )


def frame(**columns):
    return _frame().assign(**columns)


def _with(column, row, value):
    data = frame()
    data[column] = data[column].astype(float)
    data.loc[f"row{row}", column] = value
    return data


def _fit(formula, data=None, family="binomial", fit=None, **kwargs):
    data = frame() if data is None else data
    return smm.glmm(formula, data, family=family, **kwargs).fit(**(fit or {}))


PAIR = "cbind(s, n - s) ~ x + (1 | g)"
CASES = {
    "unknown family": (
        FamilyError,
        ("'poison'", "Did you mean 'poisson'"),
        lambda: _fit("count ~ x + (1 | g)", family="poison"),
    ),
    "family of another kind": (
        FamilyError,
        ("Tweedie", "Use one of binomial"),
        lambda: _fit("count ~ x + (1 | g)", family=sm.families.Tweedie()),
    ),
    "a number for a family": (
        FamilyError,
        ("3 is no family",),
        lambda: _fit("count ~ x + (1 | g)", family=3),
    ),
    "family and link that do not go together": (
        FamilyError,
        ("poisson family has no logit link", "log"),
        lambda: as_family("poisson", "logit"),
    ),
    "unknown link": (
        FamilyError,
        ("'logist'", "Did you mean 'logit'"),
        lambda: as_family("binomial", "logist"),
    ),
    "alpha that is not positive": (
        FamilyError,
        ("alpha=0", "poisson"),
        lambda: NegativeBinomial(alpha=0.0),
    ),
    "negative count": (
        DataError,
        ("'count'", "-1 in row row5", "0 or more"),
        lambda: _fit("count ~ x + (1 | g)", _with("count", 5, -1.0), "poisson"),
    ),
    "count that is not whole": (
        DataError,
        ("2.5 in row row9", "whole number"),
        lambda: _fit("count ~ x + (1|g)", _with("count", 9, 2.5), "negative_binomial"),
    ),
    "response that is not positive": (
        DataError,
        ("0 in row row3", "gamma", "zeros"),
        lambda: _fit("size ~ x + (1 | g)", _with("size", 3, 0.0), "gamma"),
    ),
    "proportions of unknown trials": (
        DataError,
        ("unknown numbers of trials", "row row0", "n_trials="),
        lambda: _fit("I(s / n) ~ x + (1 | g)"),
    ),
    "more successes than trials": (
        DataError,
        ("row7", "more successes than trials"),
        lambda: _fit(PAIR, _with("s", 7, 99.0)),
    ),
    "trials for counts": (
        DataError,
        ("n_trials=", "binomial"),
        lambda: _fit("count ~ x + (1 | g)", family="poisson", n_trials="n"),
    ),
    "successes and failures for counts": (
        FormulaError,
        ("'cbind'", "binomial", "\n    ^"),
        lambda: _fit(PAIR, family="poisson"),
    ),
    "three classes": (
        DataError,
        ("two levels", "'f' has 4"),
        lambda: _fit("f ~ x + (1 | g)"),
    ),
    "all responses zero": (
        DataError,
        ("'y' is constant", "nothing to model"),
        lambda: _fit("y ~ x + (1 | g)", frame(y=0.0)),
    ),
    "all trials successes": (
        DataError,
        ("constant", "of the trials"),
        lambda: _fit(PAIR, frame(s=frame().n)),
    ),
    "missing response": (
        MissingValueError,
        (" y;", "missing='drop'"),
        lambda: _fit("y ~ x + (1 | g)", _with("y", 3, np.nan), missing="raise"),
    ),
    "infinite offset": (
        MissingValueError,
        ("offset", "row4"),
        lambda: _fit("y ~ x + (1 | g)", _with("bad", 4, np.inf), offset="bad"),
    ),
    "negative weights": (
        DataError,
        ("weights=", "row7"),
        lambda: _fit("y ~ x + (1 | g)", weights="bad"),
    ),
    "column of weights that is not there": (
        MissingColumnError,
        ("'ww'", "weights="),
        lambda: _fit("y ~ x + (1 | g)", weights="ww"),
    ),
    "exposure that is not positive": (
        DataError,
        ("exposure=", "-2 in row row7"),
        lambda: _fit("count ~ x + (1 | g)", family="poisson", exposure="bad"),
    ),
    "exposure without a log link": (
        DataError,
        ("exposure=", "logit link", "offset="),
        lambda: _fit("y ~ x + (1 | g)", exposure="pop"),
    ),
    "negative nodes": (
        DataError,
        ("nagq=-1", "Laplace"),
        lambda: _fit("y ~ x + (1 | g)", fit={"nagq": -1}),
    ),
    "nodes that are not whole": (
        DataError,
        ("nagq=2.5",),
        lambda: _fit("y ~ x + (1 | g)", fit={"nagq": 2.5}),
    ),
    "nodes as text": (
        DataError,
        ("nagq='7'",),
        lambda: _fit("y ~ x + (1 | g)", fit={"nagq": "7"}),
    ),
    "no nodes": (
        DataError,
        ("nagq=[]",),
        lambda: _fit("y ~ x + (1 | g)", fit={"nagq": []}),
    ),
    "quadrature of crossed factors": (
        DataError,
        ("one grouping factor", "nagq=1 (Laplace)"),
        lambda: _fit("y ~ x + (1 | g) + (1 | f)", fit={"nagq": 5}),
    ),
    "start of another shape": (
        DataError,
        ("start=", "term, of sizes [1]"),
        lambda: _fit("y ~ x + (1 | g)", fit={"start": [np.eye(2)]}),
    ),
    "start for too few terms": (
        DataError,
        ("start=", "sizes [1, 1]"),
        lambda: _fit("y ~ x + (1 | g) + (1 | f)", fit={"start": [np.eye(1)]}),
    ),
    "start that is no covariance": (
        DataError,
        ("start=", "negative eigenvalue"),
        lambda: _fit("y ~ x + (1 | g)", fit={"start": [[[-1.0]]]}),
    ),
    "unknown optimiser": (
        DataError,
        ("optimizer='bobyqa'", "newton"),
        lambda: _fit("y ~ x + (1 | g)", fit={"optimizer": "bobyqa"}),
    ),
    "tolerance of zero": (
        DataError,
        ("tol",),
        lambda: _fit("y ~ x + (1 | g)", fit={"tol": 0.0}),
    ),
    "as many levels as rows, gaussian": (
        IdentifiabilityError,
        ("as many levels as there are rows",),
        lambda: _fit("size ~ x + (1 | r)", frame(r=np.arange(N)), "gaussian"),
    ),
    "mean outside of the range of the link": (
        IdentifiabilityError,
        ("gaussian", "inverse link", "Choose a link"),
        lambda: _refused_start(),
    ),
}


def _refused_start():
    # every mean is zero under this offset, where 1/mu is infinite
    family = as_family("gaussian", "inverse")
    model = smm.glmm("size ~ 0 + (1 | g)", frame(), family=family)
    return model.fit()


@pytest.mark.parametrize("name", CASES)
def test_errors_name_cause_and_remedy(name):
    kind, words, call = CASES[name]
    with pytest.raises(kind) as found:
        call()
    assert isinstance(found.value, smm.errors.MixedModelError)
    for word in words:
        assert word in str(found.value)


def test_a_raw_offset_is_warned_of():
    with pytest.warns(MixedModelWarning, match="exposure=, or its logarithm"):
        smm.glmm("count ~ x + (1 | g)", frame(), family="poisson", offset="pop")


def test_a_family_object_is_left_alone():
    """statsmodels' own GLM writes numbers of trials into the family it is given."""
    family = sm.families.Binomial()
    before = pickle.dumps(family)
    _fit(PAIR, family=family)
    assert pickle.dumps(family) == before


def test_empty_levels_do_not_matter():
    levels = pd.Categorical(frame().g, [*range(12), 99])
    fit = _fit("y ~ x + (1 | g)", frame(g=levels))
    assert fit.ngroups == {"g": 12}
    np.testing.assert_allclose(fit.llf, _fit("y ~ x + (1 | g)").llf, rtol=1e-12)


def test_no_fixed_effects():
    fit = _fit("y ~ 0 + (1 | g)")
    assert len(fit.params) == 0 and np.isfinite(fit.llf)
    assert "Random effects" in fit.summary().as_text()
    assert (fit.predict(frame()) == 0.5).all()


# ---- a dispersion at its bound --------------------------------------------------


def _underdispersed():
    rng = np.random.default_rng(0)
    return frame(count=rng.binomial(20, 0.3, N) * 1.0)


def test_the_poisson_limit_is_reported():
    formula = "count ~ x + (1 | g)"
    with pytest.warns(MixedModelWarning, match=r"alpha .* bound .*family='poisson'"):
        fit = _fit(formula, _underdispersed(), "negative_binomial")
    simple = _fit(formula, _underdispersed(), "poisson")
    assert fit.simpler_family == "poisson" and simple.simpler_family is None
    assert fit.converged
    np.testing.assert_allclose(fit.llf, simple.llf, atol=1e-5)
    np.testing.assert_allclose(fit.params, simple.params, atol=1e-5)
    np.testing.assert_allclose(fit.bse, simple.bse, rtol=1e-4)
    assert fit.simpler_message in fit.summary().as_text().replace("\n", " ")
    fit.remove_data()
    assert fit.simpler_message in fit.summary().as_text().replace("\n", " ")


def test_an_alpha_inside_is_not_reported():
    rng = np.random.default_rng(1)
    data = frame(count=rng.poisson(rng.gamma(2.0, 1.5, N)) * 1.0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fit = _fit("count ~ x + (1 | g)", data, "negative_binomial")
    assert fit.simpler_family is None and fit.alpha > 0.1
    fixed = _fit("count ~ x + (1 | g)", data, NegativeBinomial(alpha=1e-9))
    assert fixed.simpler_family is None  # as the user wished


# ---- separation -----------------------------------------------------------------


def _separated(left, data, family="binomial", columns=(), words=(), fixed="x + f"):
    with pytest.warns(SeparationWarning) as caught:
        fit = _fit(f"{left} ~ {fixed} + (1 | g)", data, family)
    assert len([w for w in caught if w.category is SeparationWarning]) == 1
    text = str(caught[0].message)
    assert fit.separation.columns == tuple(columns)
    for word in (*columns, *words, "Merge or drop"):
        assert word in text
    assert text in fit.summary().as_text().replace("\n", " ")
    return fit


@pytest.mark.filterwarnings("ignore::statsmodels_mixed.errors.MixedModelWarning")
@pytest.mark.parametrize("link", ["logit", "probit", "cloglog", "loglog", "cauchit"])
@pytest.mark.parametrize("value", [0.0, 1.0])
def test_a_level_with_one_response(link, value):
    data = frame()
    data.loc[data.f == "c", "y"] = value
    rows = int((data.f == "c").sum())
    fit = _separated(
        "y", data, as_family("binomial", link), ["f[T.c]"], [f"in {rows} rows"]
    )
    assert (fit.params["f[T.c]"] > 0) == bool(value)
    if link == "logit":
        assert fit.pvalues["f[T.c]"] > 0.9  # not a small standard error
        assert fit.bse[["x", "f[T.b]", "f[T.d]"]].max() < 2.0


def test_the_reference_level():
    data = frame()
    data.loc[data.f == "a", "y"] = 1.0
    names = ["Intercept", "f[T.b]", "f[T.c]", "f[T.d]"]
    _separated("y", data, columns=names, words=["the reference level of f"])


def test_a_level_of_trials_and_of_classes():
    data = frame()
    data.loc[data.f == "b", "s"] = 0
    _separated("cbind(s, n - s)", data, columns=["f[T.b]"])
    data = frame(y=np.where(frame().y == 1, "yes", "no"))
    data.loc[data.f == "b", "y"] = "yes"
    _separated("y", data, columns=["f[T.b]"])


@pytest.mark.filterwarnings("ignore::statsmodels_mixed.errors.MixedModelWarning")
@pytest.mark.parametrize("family", ["poisson", "negative_binomial"])
def test_a_level_of_counts_that_are_zero(family):
    data = frame()
    data.loc[data.f == "d", "count"] = 0.0
    fit = _separated("count", data, family, ["f[T.d]"])
    assert fit.pvalues["f[T.d]"] > 0.9


@pytest.mark.filterwarnings("ignore::statsmodels_mixed.errors.SeparationWarning")
@pytest.mark.parametrize("nagq", [0, 1, 5])
def test_no_small_standard_errors_of_infinite_estimates(nagq):
    data = frame()
    data.loc[data.f == "c", "y"] = 0.0
    fit = _fit("y ~ x + f + (1 | g)", data, fit={"nagq": nagq})
    assert fit.bse["f[T.c]"] > 1e4 and fit.bse.drop("f[T.c]").max() < 2.0
    reference = data.copy()
    reference["f"] = pd.Categorical(reference.f, list("cabd"))
    fit = _fit("y ~ x + f + (1 | g)", reference, fit={"nagq": nagq})
    assert fit.bse.drop("x").min() > 1e4 and fit.bse["x"] < 2.0


def test_a_level_of_large_counts_is_nothing():
    data = frame()
    data.loc[data.f == "d", "count"] = 9.0
    with warnings.catch_warnings():
        warnings.simplefilter("error", SeparationWarning)
        assert _fit("count ~ f + (1 | g)", data, "poisson").separation is None


@pytest.mark.filterwarnings("ignore::statsmodels_mixed.errors.MixedModelWarning")
def test_a_covariate_that_divides_the_responses():
    data = frame(y=(frame().x > 0.3) * 1.0)
    names = ["Intercept", "x"]
    _separated("y", data, columns=names, fixed="x")
    moved = frame(y=(frame().x > 0.3) * 1.0, x=frame().x * 1e-3 + 50.0)
    _separated("y", moved, columns=names, fixed="x")
    one = data.copy()
    i, j = one.x.argmax(), one.x.argmin()
    one.iloc[[i, j], one.columns.get_loc("y")] = [0.0, 1.0]
    assert smm.glmm("y ~ x + (1 | g)", one).separation is None


def test_a_cell_of_two_factors():
    data = frame(h=np.where(np.arange(N) % 3 == 0, "u", "v"))
    cell = (data.f == "b") & (data.h == "v")
    data.loc[cell, "y"] = 0.0
    data.loc[(data.f == "b") & (data.h == "u"), "y"] = (
        np.arange(20)[: ((data.f == "b") & (data.h == "u")).sum()] % 2 * 1.0
    )
    _separated(
        "y",
        data,
        columns=["f[T.b]:h[T.v]"],
        fixed="f * h",
        words=[f"in {cell.sum()} rows"],
    )


def test_aliased_columns_do_not_hide_a_separation():
    data = frame()
    data.loc[data.f == "c", "y"] = 0.0
    data["copy"] = (data.f == "c") * 2.0
    with pytest.warns(smm.errors.RankDeficiencyWarning):
        model = smm.glmm("y ~ x + f + copy + (1 | g)", data)
    assert model.separation.columns == ("f[T.c]",)


def test_refits_look_at_their_own_response():
    fit = _fit("y ~ x + f + (1 | g)")
    assert fit.separation is None
    data = frame()
    data.loc[data.f == "c", "y"] = 0.0
    again = fit.refit(data.y)
    assert again.separation.columns == ("f[T.c]",) and fit.model.separation is None
    assert pickle.loads(pickle.dumps(again)).separation == again.separation
    again.remove_data()
    assert "f[T.c]" in again.summary().as_text()


def test_the_programme_agrees_with_the_shortcut():
    """Over random small designs, the proof of overlap is never wrong."""
    rng = np.random.default_rng(5)
    found = {True: 0, False: 0}
    for n in [8, 14] * 30:
        data = pd.DataFrame(
            {
                "y": rng.integers(0, 2, n) * 1.0,
                "u": rng.integers(0, 3, n),
                "v": rng.normal(size=n).round(1),
                "g": np.arange(n) % 4,
            }
        )
        if data.y.nunique() < 2:
            continue
        model = smm.glmm("y ~ u + v + (1 | g)", data)
        x = model.exog
        signs = runaways(model.engine.likelihood, n)
        np.testing.assert_array_equal(signs, 2.0 * data.y - 1.0)
        d = farthest_direction(x * signs[:, None], np.zeros((0, 3)))
        separated = bool((np.abs(x @ d) > 1e-6).any())
        point = model.engine.plain
        if overlaps(model.engine.rows.exog, point.derivatives.d1):
            assert not separated
        assert (model.separation is not None) == separated
        found[separated] += 1
    assert min(found.values()) > 5


EXPECTED = {  # signs of the responses 0 and 2 (of 2 trials if binomial)
    **{("binomial", link): (-1, 1) for link in ("logit", "probit", "cloglog")},
    **{("binomial", link): (-1, 1) for link in ("loglog", "cauchit")},
    ("binomial", "log"): (-1, 0),
    ("binomial", "inverse"): (1, 0),
    ("binomial", "inverse_squared"): (1, 0),
    ("poisson", "log"): (-1, 0),
    ("poisson", "inverse"): (1, 0),
    ("poisson", "inverse_squared"): (1, 0),
    ("negative_binomial", "log"): (-1, 0),
    ("negative_binomial", "inverse"): (1, 0),
    ("negative_binomial", "inverse_squared"): (1, 0),
}


@pytest.mark.parametrize(
    "family,link",
    [(f, k) for f, kind in FAMILIES.items() for k in kind.links if k != "power"],
)
def test_where_densities_rise_for_ever(family, link):
    kind = as_family(family, link)
    y, trials = np.array([0.0, 2.0]), np.array([2.0, 2.0])
    if family not in ("binomial", "poisson", "negative_binomial"):
        y = np.array([0.5, 1e5])
    found = runaways(kind.observe(y, trials if family == "binomial" else None), 2)
    assert tuple(found) == EXPECTED.get((family, link), (0, 0))


SHIPPED = {
    "cbpp": ("cbind(incidence, size - incidence) ~ period + (1 | herd)", "binomial"),
    "verbagg": ("r2 ~ Anger + Gender + btype + situ + (1|id) + (1|item)", "binomial"),
    "contraception": (
        "use ~ age + I(age**2) + urban + livch + (urban | district)",
        "binomial",
    ),
    "guimmun": (
        "immun ~ kid2p + mom25p + ord + ethn + momEd + husEd + momWork + rural"
        " + pcInd81 + (1 | mom) + (1 | comm)",
        "binomial",
    ),
    "grouseticks": ("TICKS ~ YEAR + cHEIGHT + (1 | BROOD)", "poisson"),
    "arabidopsis": (
        "total_fruits ~ nutrient * amd + rack + status + (1 | gen)",
        "negative_binomial",
    ),
    "salamanders": ("count ~ spp + mined + (1 | site)", "poisson"),
    "toenail": ("outcome ~ treatment * time + (1 | patientID)", "binomial"),
    "epil": ("y ~ base + trt + (1 | subject)", "poisson"),
}


@pytest.mark.parametrize("name", SHIPPED)
def test_no_false_alarms(name):
    formula, family = SHIPPED[name]
    model = smm.glmm(formula, smm.datasets.load(name), family=family)
    assert model.separation is None
    # nor if the shortcut had proved nothing
    rows = model.engine.rows
    assert overlaps(rows.exog, model.engine.plain.derivatives.d1)


def test_looking_for_a_separation_is_cheap():
    model = smm.glmm(SHIPPED["verbagg"][0], smm.datasets.load("verbagg"))
    model.engine.plain
    started = time.process_time()
    model.separation
    assert time.process_time() - started < 0.02
    data = frame()
    data.loc[data.f == "c", "y"] = 0.0
    model = smm.glmm("y ~ x + f + (1 | g)", data)
    model.engine.plain
    started = time.process_time()
    model.separation
    assert time.process_time() - started < 0.1


def test_many_rows_are_searched_column_by_column(monkeypatch):
    monkeypatch.setattr("statsmodels_mixed.design.separation.MOST_ROWS", 10)
    data = frame()
    data.loc[data.f == "c", "y"] = 0.0
    model = smm.glmm("y ~ x + f + (1 | g)", data)
    assert model.separation.columns == ("f[T.c]",)
    assert f"in {(data.f == 'c').sum()} rows" in model.separation.message
    data.loc[data.f == "d", "count"] = 0.0
    counts = smm.glmm("count ~ x + f + (1 | g)", data, family="poisson")
    assert counts.separation.columns == ("f[T.d]",)


def test_groups_of_one_outcome_are_named():
    data = frame()
    outcome = np.random.default_rng(0).integers(0, 2, data.g.nunique())
    data["y"] = outcome[np.unique(data.g, return_inverse=True)[1]] * 1.0
    with pytest.warns(SeparationWarning, match="Within every level of g "):
        smm.glmm("y ~ x + (1 | g)", data, family="binomial").fit()


def test_a_summary_without_random_effects_has_no_table_of_them():
    data = frame()
    text = smm.glmm("y ~ x", data, family="binomial").fit().summary().as_text()
    assert "Random effects" not in text and "Intercept" in text


def test_a_search_that_ends_without_a_density_is_refused():
    nowhere = SimpleNamespace(value=np.inf, rounding=0.0)
    objective = SimpleNamespace(
        layout=SimpleNamespace(canonical=lambda x: x), evaluate=lambda x: nowhere
    )
    place = np.zeros((1, 1))
    record = SimpleNamespace(ahead=place, end=place, value=np.zeros(1))
    with pytest.raises(IdentifiabilityError, match="border of what the link allows"):
        search._settle(objective, record)
