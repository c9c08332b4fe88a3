"""Coverage of 95% intervals in a small unbalanced design, by simulation (slow)."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import statsmodels_mixed as smm

N = 1500
TRUTH = np.array([1.0, 0.5, -0.4])


@pytest.fixture(scope="module")
def model():
    """Six groups of 2 to 7 rows, one covariate within and one between them."""
    rng = np.random.default_rng(11)
    g = np.repeat(np.arange(6), [2, 3, 4, 5, 6, 7])
    data = pd.DataFrame({"g": g, "x": rng.normal(size=len(g)), "w": g % 2})
    data["y"] = 0.0
    data.loc[0, "y"] = 1.0  # a response that is not constant; others take its place
    return smm.lmm("y ~ x + w + (1 | g)", data)


@pytest.fixture(scope="module")
def responses(model):
    rng = np.random.default_rng(12)
    design = model.design
    codes = design.terms[0].grouping.codes
    effects = rng.normal(size=(6, N))[codes]
    noise = rng.normal(size=(design.nobs, N))
    return (design.mean.exog @ TRUTH)[:, None] + effects + noise


def coverage(model, responses, interval):
    """Share of intervals that hold the truth, per coefficient."""
    inside = np.zeros(len(TRUTH))
    for y in responses.T:
        low, high = interval(model.with_response(y)).T
        inside += (low <= TRUTH) & (high >= TRUTH)
    return inside / responses.shape[1]


def assert_nominal(shares, n, below=0.0):
    """Within three Monte Carlo standard errors of 95%, or above."""
    error = 3 * np.sqrt(0.95 * 0.05 / n)
    assert (shares > 0.95 - below - error).all(), shares
    assert (shares < 0.99).all(), shares


@pytest.mark.slow
@pytest.mark.parametrize("method", ["satterthwaite", "kenward-roger"])
def test_wald_intervals(model, responses, method):
    def interval(one):
        return np.asarray(one.fit(df_method=method).conf_int())

    assert_nominal(coverage(model, responses, interval), N)


@pytest.mark.slow
def test_normal_intervals_are_too_short(model, responses):
    def interval(one):
        return np.asarray(one.fit(df_method="normal").conf_int())

    shares = coverage(model, responses, interval)
    assert shares[[0, 2]].max() < 0.92  # what varies between the six groups


@pytest.mark.slow
def test_profile_intervals(model, responses):
    """Likelihood intervals are those of many groups: a little short with six."""
    few = responses[:, :400]

    def interval(one):
        return np.asarray(one.fit().conf_int(method="profile", which="fixed"))

    shares = coverage(model, few, interval)
    assert_nominal(shares[[1]], 400)
    # what t with 4 degrees of freedom leaves of the normal's 95%, at the worst
    floor = 2 * stats.t.cdf(stats.norm.ppf(0.975), 4) - 1
    assert (shares > floor - 3 * np.sqrt(0.09 / 400)).all(), shares


@pytest.mark.slow
def test_profile_intervals_with_24_groups():
    """Within groups and for sigma nominal; short by up to .03 for what groups tell."""
    rng = np.random.default_rng(13)
    g = np.repeat(np.arange(24), [2, 3, 4, 5, 6, 7] * 4)
    n, draws = len(g), 1000
    data = pd.DataFrame({"g": g, "x": rng.normal(size=n), "w": g % 2})
    data["y"] = rng.normal(size=n)
    model = smm.lmm("y ~ x + w + (1 | g)", data)
    y = (model.design.mean.exog @ TRUTH)[:, None] + rng.normal(size=(24, draws))[g]
    y += rng.normal(size=(n, draws))
    truth = dict(zip(model.exog_names, TRUTH, strict=True))
    truth |= {"sd_Intercept|g": 1.0, "sigma": 1.0}
    inside = 0.0
    for column in y.T:
        table = model.with_response(column).fit().profile().conf_int()
        values = pd.Series(truth)[table.index]
        inside = inside + ((table.lower <= values) & (values <= table.upper))
    shares = inside / draws
    assert_nominal(shares[["x", "sigma"]], draws)
    assert_nominal(shares, draws, below=0.03)
