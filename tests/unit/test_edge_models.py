"""Models without random effects, without fixed effects, of data that are no frames."""

import pickle

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from numpy.testing import assert_allclose
from scipy import optimize, stats

import statsmodels_mixed as smm
from statsmodels_mixed.design.grouping import code_factor, cross, outermost
from statsmodels_mixed.errors import (
    DataError,
    MissingColumnError,
    check_count,
    check_level,
)
from statsmodels_mixed.inference.likelihood.ratio import (
    contradicts,
    exact_zero,
    ratio_error,
)

N = 60
RISE = stats.chi2.ppf(0.95, 1)


def make_data():
    rng = np.random.default_rng(0)
    g = np.arange(N) % 6
    x = rng.standard_normal(N)
    return pd.DataFrame(
        {
            "x": x,
            "f": rng.choice(["a", "b"], N),
            "g": g,
            "y": x + rng.standard_normal(6)[g] + rng.standard_normal(N),
            "count": rng.poisson(np.exp(0.3 * x)),
            "positive": rng.gamma(2.0, 1.0, N),
            "o": np.linspace(0.0, 0.1, N),
            "e": np.linspace(1.0, 1.1, N),
            "w": np.ones(N),
        }
    )


DATA = make_data()
WITHOUT = {
    "linear": (lambda: smm.lmm("y ~ x", DATA), ["sigma"]),
    "poisson": (lambda: smm.glmm("count ~ x + f", DATA, family="poisson"), []),
    "gamma": (lambda: smm.glmm("positive ~ x", DATA, family="gamma"), ["dispersion"]),
}


# ---- without random effects ----------------------------------------------------------


@pytest.mark.parametrize("kind", WITHOUT)
def test_tables_of_models_without_random_effects(kind):
    make, scales = WITHOUT[kind]
    res = make().fit()
    params = list(res.params.index)
    assert list(res.variance_params().index) == scales
    assert len(res.tidy()) == len(params) + len(scales)
    assert list(res.intervals().index) == params + scales
    draws = res.bootstrap(10, rng=1)
    assert np.isfinite(draws.conf_int().to_numpy()).all()
    assert set(draws.conf_int().index) == set(params + scales)


def test_profile_of_a_regression_is_that_of_least_squares():
    found = smm.lmm("y ~ x", DATA).fit(reml=False).profile().conf_int()
    ols = sm.OLS(DATA.y, sm.add_constant(DATA.x)).fit()
    rss, slope = ols.ssr, ols.params["x"]
    inverse = ols.normalized_cov_params.loc["x", "x"]
    half = np.sqrt(rss * np.expm1(RISE / N) * inverse)
    assert_allclose(found.loc["x"], [slope - half, slope + half], rtol=1e-8)

    def rise(sigma):
        return N * np.log(sigma**2 * N / rss) + rss / sigma**2 - N - RISE

    best = np.sqrt(rss / N)
    limits = [optimize.brentq(rise, *sorted((best, best * k))) for k in (0.3, 3)]
    assert_allclose(found.loc["sigma"], limits, rtol=1e-8)


def test_profile_of_a_generalized_linear_model():
    found = smm.glmm("count ~ x + f", DATA, family="poisson").fit().profile()
    rest = sm.add_constant((DATA.f == "b").astype(float))
    family = sm.families.Poisson()
    full = sm.GLM(DATA["count"], rest.assign(x=DATA.x), family=family).fit()

    def rise(slope):
        model = sm.GLM(DATA["count"], rest, family=family, offset=slope * DATA.x)
        return 2.0 * (full.llf - model.fit(tol=1e-12).llf) - RISE

    best = full.params["x"]
    limits = [optimize.brentq(rise, *sorted((best, best + k))) for k in (-1, 1)]
    assert_allclose(found.conf_int().loc["x"], limits, rtol=1e-6)
    assert found.points.zeta.notna().all()


# ---- without fixed effects -----------------------------------------------------------


@pytest.mark.parametrize("method", ["restricted_lrt", "exact_lrt"])
def test_exact_tests_without_fixed_effects(method):
    res = smm.lmm("y ~ 0 + (1 | g)", DATA).fit()
    test = getattr(res, method)(n_sim=4000, rng=1)
    null = smm.lmm("y ~ 0 + (1 | g)", DATA).fit(reml=False).llf
    plain = stats.norm.logpdf(DATA.y, 0.0, np.sqrt((DATA.y**2).mean())).sum()
    assert test.statistic == pytest.approx(2.0 * (null - plain), rel=1e-6)
    # zero where the groups have less than their share of the sum of squares
    share = stats.beta.cdf(6 / N, 3.0, (N - 6) / 2)
    error = np.sqrt(share * (1 - share) / 4000)
    assert abs(test.p_zero - share) < 4 * error


# ---- data that are no frames ---------------------------------------------------------


def as_polars(data):
    return pytest.importorskip("polars").from_pandas(data)


def as_dict(data):
    return data.to_dict("list")


@pytest.mark.parametrize("kind", [as_dict, as_polars])
def test_columns_that_arguments_name_are_kept(kind):
    options = {"offset": "o", "exposure": "e", "weights": "w", "family": "poisson"}
    formula = "count ~ f + (1 | g)"
    model = smm.glmm(formula, kind(DATA), **options)
    assert set(model.data.frame.columns) == {"count", "f", "g", "o", "e", "w"}
    half = smm.glmm(formula, kind(DATA), subset=slice(0, 30), **options)
    assert half.data.frame.shape == (30, 6)
    expected = smm.glmm(formula, DATA, **options).fit().emmeans("f").summary_frame()
    got = model.fit().emmeans("f").summary_frame()
    assert_allclose(got["mean"], expected["mean"], rtol=1e-10)
    words = smm.glmm(formula, kind(DATA), missing="raise", family="poisson")
    assert set(words.data.frame.columns) == {"count", "f", "g"}


# ---- what they share -----------------------------------------------------------------


@pytest.mark.parametrize("level", [0.95, np.float32(0.5), np.float64(1e-6)])
def test_levels(level):
    check_level(level)


@pytest.mark.parametrize(
    "level, words",
    [
        (95, r"level=95: .*between 0 and 1; 95 percent is 0\.95"),
        (0, r"level=0: .*between 0 and 1\."),
        (1.0, "between 0 and 1"),
        (True, "level=True"),
        ("0.9", "level='0.9'"),
        (None, "level=None"),
        (np.nan, "level=nan"),
        ([0.9], "level="),
    ],
)
def test_no_levels(level, words):
    with pytest.raises(DataError, match=words):
        check_level(level)


def test_alpha_is_named():
    with pytest.raises(DataError, match=r"alpha=5: .*5 percent is 0\.05"):
        check_level(5, "alpha")


def test_counts():
    check_count("n", 1)
    check_count("n", np.int32(4), least=2)
    for bad in (0, -1, 2.5, 3.0, True, "3", None):
        with pytest.raises(DataError, match=rf"n={bad!r}: give a whole number, 1"):
            check_count("n", bad)
    with pytest.raises(DataError, match="2 or more"):
        check_count("n", 1, least=2)


def test_missing_column_keeps_its_remedy():
    error = MissingColumnError("h", ["g"]).advised("Do without it.")
    for again in (error, pickle.loads(pickle.dumps(error)), error.located("y ~ h")):
        assert "'h'" in str(again) and "Do without it." in str(again)


def test_outermost_factor():
    school = code_factor(np.repeat([1, 2, 3], 4), "school")
    room = cross([school, code_factor(np.tile([1, 1, 2, 2], 3), "room")])
    other = code_factor(np.arange(12) % 5, "other")
    assert outermost([room, school]) is school
    assert outermost([room]) is room
    assert outermost([room, other]) is None
    assert outermost([]) is None


def test_ratios_that_are_zero_up_to_rounding():
    assert exact_zero(1.6e-11) == 0.0 and isinstance(exact_zero(1e-9), float)
    assert exact_zero(1e-6) == 1e-6
    assert exact_zero(np.array([-1e-9, 2.0])).tolist() == [0.0, 2.0]
    assert contradicts(-2e-4) and not contradicts(-2e-4, error=1e-4)
    fits = smm.lmm("y ~ x", DATA).fit().fit_record, None
    assert ratio_error(*fits) == 0.0
