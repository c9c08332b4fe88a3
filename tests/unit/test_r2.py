"""Explained variance: definitions by hand, invariances, messages."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from reference.loader import table
from scipy.special import polygamma

import statsmodels_mixed as smm
from statsmodels_mixed.errors import DataError
from statsmodels_mixed.inference.variances.distribution_variance import (
    distribution_variance,
    methods_for,
    null_predictor,
)
from statsmodels_mixed.inference.variances.r2 import icc, r2, vcomp_shares
from statsmodels_mixed.results.explained import ExplainedVariance

SLEEP = "Reaction ~ Days + (Days | Subject)"
EPIL = "y ~ lbase * trt + lage + V4 + (1 | subject)"


def linear(formula, data, **arguments):
    return smm.lmm(formula, data, **arguments).fit().fit_record


def generalized(formula, data, family, **arguments):
    return smm.glmm(formula, data, family=family, **arguments).fit().fit_record


def measures(fit):
    found, correlation = r2(fit), icc(fit)
    return (
        found.marginal,
        found.conditional,
        correlation.adjusted,
        correlation.unadjusted,
    )


@pytest.fixture(scope="module")
def poisson():
    return generalized(EPIL, table("epil"), "poisson")


def test_of_a_linear_model_by_hand():
    fit = linear(SLEEP, table("sleepstudy"))
    x = fit.design.mean.exog
    fixed = np.var(x @ fit.beta, ddof=1)
    random = np.mean(np.diag(x @ fit.covariances[0] @ x.T))
    total = fixed + random + fit.sigma2
    expected = fixed / total, (fixed + random) / total
    assert_allclose(measures(fit)[:2], expected, rtol=1e-12)
    expected = random / (random + fit.sigma2), random / total
    assert_allclose(measures(fit)[2:], expected, rtol=1e-12)


def test_neither_the_origin_of_a_slope_nor_units_matter():
    data = table("sleepstudy")
    other = data.assign(Days=(data.Days - 4.5) * 24, Reaction=data.Reaction / 1000)
    mine, theirs = measures(linear(SLEEP, data)), measures(linear(SLEEP, other))
    assert_allclose(mine, theirs, rtol=1e-5)


def test_the_size_of_weights_does_not_matter():
    data = table("sleepstudy").assign(w=np.tile([1.0, 2.0, 0.5, 3.0, 1.0], 36))
    once = linear(SLEEP, data, weights="w")
    more = linear(SLEEP, data.assign(w=50.0 * data.w), weights="w")
    assert_allclose(measures(once), measures(more), rtol=1e-5)
    expected = once.sigma2 * (1.0 / data.w).mean()
    assert r2(once).variances.distribution == pytest.approx(expected)
    assert "mean residual variance sigma^2/w" in r2(once).definition


def test_aliased_columns_and_offsets_are_left_out():
    data = table("sleepstudy").assign(hours=lambda d: 24 * d.Days, known=5.0)
    with pytest.warns(UserWarning, match="hours"):
        fit = linear("Reaction ~ Days + hours + (Days | Subject)", data)
    assert_allclose(measures(fit), measures(linear(SLEEP, data)), rtol=1e-6)
    data["known"] = 5.0 * data.Days
    shifted = linear(SLEEP, data, offset="known")
    slope = shifted.beta[1]
    expected = np.var(slope * data.Days, ddof=1)
    assert r2(shifted).variances.fixed == pytest.approx(expected)


def test_gaussian_family_is_the_linear_model():
    data = table("sleepstudy").assign(w=np.tile([1.0, 2.0, 0.5, 3.0], 45))
    for arguments in ({}, {"weights": "w"}):
        model = smm.lmm(SLEEP, data, **arguments).fit(reml=False, tol=1e-12)
        family = smm.glmm(SLEEP, data, "gaussian", **arguments).fit(tol=1e-12)
        mine, theirs = measures(family.fit_record), measures(model.fit_record)
        assert_allclose(mine, theirs, rtol=1e-6)


def test_intercept_alone_explains_nothing():
    fit = linear("diameter ~ 1 + (1 | plate) + (1 | sample)", table("penicillin"))
    found, correlation = r2(fit), icc(fit)
    assert found.marginal == 0.0
    assert found.conditional == correlation.adjusted == correlation.unadjusted
    assert correlation.by_group.index.tolist() == ["plate", "sample"]
    assert correlation.by_group.sum() == pytest.approx(correlation.adjusted)
    residual = fit.sigma2 + fit.covariances[1][0, 0]
    expected = fit.covariances[0][0, 0] / (fit.covariances[0][0, 0] + residual)
    assert correlation.by_group["plate"] == pytest.approx(expected)


def test_no_fixed_effects_and_singular_fits():
    data = table("sleepstudy")
    assert r2(linear("Reaction ~ 0 + (1 | Subject)", data)).marginal == 0.0
    singular = linear("Yield ~ 1 + (1 | Batch)", table("dyestuff2"))
    assert_allclose(measures(singular), 0.0, atol=1e-20)


def test_log_link_of_counts_by_hand(poisson):
    null = generalized("y ~ 1 + (1 | subject)", table("epil"), "poisson")
    mean = np.exp(null.beta[0] + null.covariances[0][0, 0] / 2)
    expected = {
        "lognormal": np.log1p(1 / mean),
        "delta": 1 / mean,
        "trigamma": polygamma(1, mean),
    }
    for method, value in expected.items():
        found, _ = distribution_variance(poisson, method)
        assert found == pytest.approx(value, rel=1e-6), method
    assert methods_for(poisson.family) == tuple(expected)
    assert r2(poisson) == r2(poisson, "lognormal")
    assert "log(1 + V(mu)/mu^2), mu the mean over" in r2(poisson).definition


def test_overdispersed_counts_and_durations_by_hand():
    data = table("epil")
    fit = generalized(EPIL, data, "negative_binomial")
    eta, variance, _ = null_predictor(fit)
    squared = np.exp(-eta[0] - variance[0] / 2) + fit.dispersion
    for method, value in (
        ("lognormal", np.log1p(squared)),
        ("delta", squared),
        ("trigamma", polygamma(1, 1 / squared)),
    ):
        assert distribution_variance(fit, method)[0] == pytest.approx(value), method
    fit = generalized("Reaction ~ Days + (1 | Subject)", table("sleepstudy"), "gamma")
    for method, value in (
        ("lognormal", np.log1p(fit.dispersion)),
        ("delta", fit.dispersion),
        ("trigamma", polygamma(1, 1 / fit.dispersion)),  # exact: of log y
    ):
        assert distribution_variance(fit, method)[0] == pytest.approx(value), method


def test_binomial_responses_by_hand():
    formula = "cbind(incidence, size - incidence) ~ period + (1 | herd)"
    data = table("cbpp")
    fit = generalized(formula, data, "binomial")
    assert r2(fit).variances.distribution == np.pi**2 / 3
    null = smm.glmm(formula.replace("period", "1"), data, family="binomial").fit()
    p = null.fitted_marginal.iloc[0]
    found, text = distribution_variance(fit, "delta")
    assert found == pytest.approx(1 / (p * (1 - p)), rel=1e-6)
    assert text.startswith("delta method")
    cauchit = generalized(formula, data, smm.families.Binomial("cauchit"))
    assert methods_for(cauchit.family) == ("delta",)
    assert 0 < r2(cauchit).marginal < r2(cauchit).conditional < 1


def test_exposure_counts_as_known():
    data = table("epil").assign(weeks=2.0)
    plain = generalized(EPIL, data, "poisson")
    exposed = generalized(EPIL, data, "poisson", exposure="weeks")
    assert_allclose(measures(plain), measures(exposed), rtol=1e-6)


def test_one_level_per_row_is_overdispersion(poisson):
    data = table("epil").assign(row=lambda d: np.arange(len(d)))
    fit = generalized(EPIL + " + (1 | row)", data, "poisson")
    v, found = r2(fit).variances, r2(fit)
    assert v.dispersion == pytest.approx(fit.covariances[1][0, 0])
    assert v.random == pytest.approx(fit.covariances[0][0, 0])
    assert found.conditional == pytest.approx((v.fixed + v.random) / v.total)
    assert icc(fit).by_group.index.tolist() == ["subject"]
    shares = vcomp_shares(fit)
    assert shares.component.tolist()[2:] == ["overdispersion", "distribution"]
    assert "overdispersion 0." in repr(found)
    assert r2(poisson).variances.dispersion == 0.0


def test_links_without_a_mean_over_random_effects():
    data = table("epil")
    fit = generalized(EPIL, data, smm.families.Poisson("sqrt"))
    found, text = distribution_variance(fit)
    assert found == pytest.approx(0.25)  # whatever the mean
    assert text.endswith("at random effects of zero in the model without fixed effects")


def test_quasi_likelihood_has_them_too():
    fit = smm.glmm(EPIL, table("epil"), family="poisson").fit(method="pql").fit_record
    v = r2(fit).variances
    assert v.fixed == pytest.approx(np.var(fit.design.mean.exog @ fit.beta, ddof=1))
    assert v.random == pytest.approx(fit.covariances[0][0, 0])
    eta, variance, _ = null_predictor(fit)
    mean = np.exp(eta[0] + variance[0] / 2)
    assert v.distribution == pytest.approx(np.log1p(1 / mean))


def test_shares_add_up():
    fit = linear("yield ~ nitro + (1 | Block) + (1 | Block:Variety)", table("oats"))
    shares = vcomp_shares(fit)
    assert shares.component.tolist() == [
        "fixed effects",
        "random effects",
        "random effects",
        "residual",
    ]
    assert shares.group.tolist()[1:3] == ["Block", "Block:Variety"]
    assert shares.share.isna().tolist() == [True, False, False, False]
    assert shares.share.sum() == pytest.approx(1.0)
    assert shares.share_total.sum() == pytest.approx(1.0)
    assert shares.share_total[0] == pytest.approx(r2(fit).marginal)
    assert_allclose(shares.share[1:3], icc(fit).by_group)


def test_messages(poisson):
    with pytest.raises(DataError, match="'latent' is not defined for the poisson"):
        r2(poisson, "latent")
    with pytest.raises(DataError, match="method='best': use 'latent' or"):
        icc(poisson, "best")
    with pytest.raises(DataError, match="'delta' is for generalized models"):
        vcomp_shares(linear(SLEEP, table("sleepstudy")), "delta")


def test_what_is_printed():
    fit = linear("strength ~ 1 + (1 | batch/cask)", table("pastes"))
    assert repr(r2(fit)).splitlines()[:2] == [
        "R2 marginal (fixed effects)               0.0000",
        "R2 conditional (fixed and random effects) 0.9370",
    ]
    assert repr(r2(fit)).endswith(
        "Nakagawa and Schielzeth (2013); residual variance sigma^2."
    )
    lines = repr(icc(fit)).splitlines()
    assert lines[:4] == [
        "ICC adjusted   0.9370",
        "ICC unadjusted 0.9370",
        "  batch: 0.1539",
        "  batch:cask: 0.7831",
    ]
    slopes = linear(SLEEP, table("sleepstudy"))
    assert "random slopes by Johnson (2014)" in repr(icc(slopes))


class Results(ExplainedVariance):
    """What the mixin asks for."""

    def __init__(self, fit):
        self.fit = fit

    def _fit_with_rows(self, what):
        assert what in ("r2", "icc", "vcomp_shares")
        return self.fit


def test_methods_of_results(poisson):
    res = Results(poisson)
    assert res.r2("delta") == r2(poisson, "delta")
    assert res.icc("trigamma").adjusted == icc(poisson, "trigamma").adjusted
    pd.testing.assert_frame_equal(res.vcomp_shares(), vcomp_shares(poisson))
