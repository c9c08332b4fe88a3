"""Penalised quasi-likelihood against MASS::glmmPQL and its own fixed point.

The values of MASS 7.3 were written by gold_glmm.R of the reference laboratory
(pql_bacteria.json, pql_epil.json). It stops when eta changes by a thousandth of its
length, so they have three to four digits.
"""

import pickle
from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from reference.loader import table

import statsmodels_mixed as smm
from statsmodels_mixed.errors import (
    ComparisonError,
    ConvergenceWarning,
    DataError,
    FamilyError,
)
from statsmodels_mixed.fitting import GaussianModel, pql
from statsmodels_mixed.fitting.pql import fit_pql

MASS = {
    "bacteria": {
        "formula": "y ~ trt + late + (1 | ID)",
        "family": "binomial",
        "beta": {
            "Intercept": 3.4120139670601177,
            "trt[T.drug]": -1.247355261556551,
            "trt[T.drug+]": -0.7543273386037647,
            "late": -1.607256980099826,
        },
        "se": {
            "Intercept": 0.5185032568772261,
            "trt[T.drug]": 0.6440634799210956,
            "trt[T.drug+]": 0.645397790514179,
            "late": 0.35833789604812744,
        },
        "sigma": 0.7800511082865396,
        "sd": 1.4106368351625709,
        "modes": [0.6361438191031575, -0.4027188057645489, 1.3973745905975046],
        "eta": [4.048157786163276, 4.048157786163276, 2.4409008060634494],
    },
    "epil": {
        "formula": "y ~ lbase * trt + lage + V4 + (1 | subject)",
        "family": "poisson",
        "beta": {
            "Intercept": 1.869667746574235,
            "lbase": 0.8818227601244177,
            "trt[T.progabide]": -0.309525320239739,
            "lage": 0.5335460333945744,
            "V4": -0.15976960057667472,
            "lbase:trt[T.progabide]": 0.3415425269503645,
        },
        "se": {
            "Intercept": 0.10556203619563183,
            "lbase": 0.1292834266149901,
            "trt[T.progabide]": 0.14904383153783493,
            "lage": 0.34631192389449017,
            "V4": 0.07745207188615029,
            "lbase:trt[T.progabide]": 0.20333245059333818,
        },
        "sigma": 1.4008069153780676,
        "sd": 0.4442704238379032,
        "modes": [0.015603554613304371, 0.025770775841122914],
        "eta": [],
    },
}
EVERY = pytest.mark.parametrize("name", MASS)


def data_of(name):
    data = table(name)
    if name == "bacteria":
        data = data.assign(late=(data.week > 2) * 1.0, y=(data.y == "y") * 1.0)
    return data


@cache
def engine(name):
    gold = MASS[name]
    return smm.GLMM.from_formula(gold["formula"], data_of(name), gold["family"]).engine


@cache
def fitted(name):
    return fit_pql(engine(name))


@EVERY
def test_estimates_are_those_of_mass(name):
    fit, gold = fitted(name), MASS[name]
    names = engine(name).design.mean.exog_names
    assert set(names) == set(gold["beta"])
    assert_allclose(fit.beta, [gold["beta"][n] for n in names], atol=1e-3)
    # nlme reports standard errors of maximum likelihood with n - p
    n, p = engine(name).design.nobs, len(names)
    se = np.sqrt(np.diag(fit.cov_beta) * n / (n - p))
    assert_allclose(se, [gold["se"][n] for n in names], rtol=1e-3)
    assert np.sqrt(fit.sigma2) == pytest.approx(gold["sigma"], abs=1e-3)
    assert np.sqrt(fit.covariances[0][0, 0]) == pytest.approx(gold["sd"], abs=1e-3)
    modes = fit.modes[0][: len(gold["modes"]), 0]
    assert_allclose(modes, gold["modes"], atol=1e-3)
    assert_allclose(fit.eta[: len(gold["eta"])], gold["eta"], atol=1e-3)


@EVERY
def test_end_is_a_fixed_point(name):
    fit, model = fitted(name), engine(name)
    assert fit.converged and fit.change <= 1e-8
    mu = model.family.mean(fit.eta)
    slope = model.family.mean_derivative(fit.eta)
    assert_allclose(fit.mu, mu)
    # textbook working response and weights, not the score form of the package
    weights = slope**2 / model.family.variance(mu)
    working = fit.eta + (model.design.endog - mu) / slope
    design = replace(model.design, endog=working, weights=weights)
    lmm = GaussianModel(design).fit(reml=False)
    assert_allclose(lmm.beta, fit.beta, rtol=1e-6)
    assert_allclose(lmm.sigma2, fit.sigma2, rtol=1e-6)
    assert_allclose(lmm.covariances[0], fit.covariances[0], rtol=1e-6)


def test_a_gaussian_response_is_fitted_in_two_rounds():
    data = table("sleepstudy")
    formula = "Reaction ~ Days + (Days | Subject)"
    fit = fit_pql(smm.GLMM.from_formula(formula, data, "gaussian").engine)
    exact = smm.LMM.from_formula(formula, data).fit(reml=False)
    assert fit.n_iterations == 2
    assert_allclose(fit.beta, exact.fe_params, rtol=1e-9)
    assert fit.sigma2 == pytest.approx(exact.scale, rel=1e-7)


def test_trials_weigh_proportions():
    formula = "cbind(incidence, size - incidence) ~ period + (1|herd)"
    model = smm.GLMM.from_formula(formula, table("cbpp")).engine
    fit, trials = fit_pql(model), table("cbpp")["size"].to_numpy(float)
    variance = fit.mu * (1 - fit.mu)
    working = fit.eta + (model.design.endog / trials - fit.mu) / variance
    design = replace(model.design, endog=working, weights=trials * variance)
    lmm = GaussianModel(design).fit(reml=False)
    assert_allclose(lmm.beta, fit.beta, rtol=1e-6)
    assert_allclose(lmm.sigma2, fit.sigma2, rtol=1e-6)


def test_offset_is_part_of_the_predictor():
    data = table("epil").assign(off=0.3)
    formula = MASS["epil"]["formula"]
    with_offset = fit_pql(
        smm.GLMM.from_formula(formula, data, "poisson", offset="off").engine
    )
    expected = fitted("epil").beta.copy()
    expected[0] -= 0.3
    assert_allclose(with_offset.beta, expected, atol=1e-7)
    assert_allclose(with_offset.eta, fitted("epil").eta, atol=1e-7)


def test_scale_of_the_gamma_family_is_the_residual_variance():
    data = table("sleepstudy")
    formula = "Reaction ~ Days + (1 | Subject)"
    model = smm.GLMM.from_formula(formula, data, "gamma").engine
    fit, laplace = fit_pql(model), model.fit()
    assert fit.converged
    assert fit.sigma2 == pytest.approx(laplace.dispersion, rel=0.02)
    assert_allclose(fit.beta, laplace.beta, rtol=5e-3)


def test_a_dispersion_that_is_no_scale_is_refused():
    formula = MASS["epil"]["formula"]
    free = smm.families.NegativeBinomial()
    with pytest.raises(FamilyError, match="alpha of the negative_binomial"):
        fit_pql(smm.GLMM.from_formula(formula, table("epil"), free).engine)
    known = smm.families.NegativeBinomial(alpha=0.2)
    assert fit_pql(
        smm.GLMM.from_formula(formula, table("epil"), known).engine
    ).converged


def test_no_convergence_warns(monkeypatch):
    monkeypatch.setattr(pql, "MAX_ITER", 2)
    with pytest.warns(ConvergenceWarning, match="after 2 rounds"):
        fit = fit_pql(engine("bacteria"))
    assert not fit.converged and fit.n_iterations == 2


def test_a_variance_of_zero():
    rng = np.random.default_rng(3)
    data = pd.DataFrame({"g": rng.integers(0, 20, 200), "x": rng.standard_normal(200)})
    data["y"] = rng.poisson(np.exp(0.5 + 0.3 * data.x)) * 1.0
    model = smm.GLMM.from_formula("y ~ x + (1|g)", data, "poisson").engine
    fit = fit_pql(model)
    assert fit.converged and fit.covariances[0] == 0.0
    # the generalized linear model
    assert_allclose(fit.eta, model.plain.eta, atol=1e-7)


# ---- results ----------------------------------------------------------------------


def results(name="bacteria"):
    gold = MASS[name]
    model = smm.glmm(gold["formula"], data_of(name), gold["family"])
    return model.fit(method="pql")


def test_the_certificate_is_of_the_fixed_point(monkeypatch):
    res = results()
    assert res.convergence.n_evaluations == res.fit_record.n_iterations > 2
    assert res.mle_retvals["fcalls"] == res.convergence.n_evaluations
    words = "converged: relative change of eta"
    assert f"Optimiser: {words}" in res.summary().as_text()
    monkeypatch.setattr(pql, "MAX_ITER", 2)
    with pytest.warns(ConvergenceWarning, match="after 2 rounds"):
        res = results()
    assert not res.converged and not res.convergence.converged
    assert not res.mle_retvals["converged"] and res.mle_retvals["warnflag"] == 1
    text = res.summary().as_text()
    assert f"NOT {words}" in text and "2 working models" in text
    with pytest.warns(ConvergenceWarning, match="after 2 rounds"):
        many = res.refit(np.column_stack([res.model.endog] * 2))
    assert not many.converged.any()


def test_a_working_model_off_its_minimum_is_no_convergence():
    fit = fitted("bacteria")
    last = replace(fit.lmm.convergence, predicted_decrease=1.0)
    found = replace(fit, lmm=replace(fit.lmm, convergences=(last,)))
    assert found.change <= 1e-8 and not found.converged
    assert "the last one NOT converged" in found.convergence.message


def test_refits_have_no_likelihood():
    res = results()
    many = res.refit(np.column_stack([res.model.endog] * 2))
    assert many.converged.all()
    assert_allclose(many.params.loc[0], res.params, rtol=1e-8)
    assert_allclose(many.deviance, [res.deviance] * 2)
    assert_allclose(many.dispersion, [res.dispersion] * 2)
    with pytest.raises(ComparisonError, match="no likelihood"):
        many.llf


@pytest.mark.parametrize("touched", [False, True])
def test_remove_data(touched):
    res, whole = results(), results()
    new = data_of("bacteria").iloc[::9]
    if touched:
        res.random_effects_sd, res.resid
    res.remove_data()
    res.remove_data()
    for short in (res, pickle.loads(pickle.dumps(res))):
        assert short.summary().as_text() == whole.summary().as_text()
        for random in ("none", "conditional", "marginal"):
            expected = whole.predict(new, random=random)
            pd.testing.assert_series_equal(short.predict(new, random=random), expected)
        assert short.random_effects["ID"].equals(whole.random_effects["ID"])
        assert short.varcorr().equals(whole.varcorr())
        assert (short.params_mcse == 0).all() and short.converged
        for call in (lambda r: r.resid, lambda r: r.simulate(), lambda r: r.predict()):
            with pytest.raises(DataError, match="remove_data"):
                call(short)
        if touched:
            sds = short.random_effects_sd["ID"]
            assert sds.equals(whole.random_effects_sd["ID"])
    assert "mu" not in vars(res.fit_record) and not len(res.fit_record.eta)


def test_start_is_refused():
    gold = MASS["bacteria"]
    model = smm.glmm(gold["formula"], data_of("bacteria"), gold["family"])
    with pytest.raises(DataError, match="start= is not for method='pql'"):
        model.fit(method="pql", start=[[[1.0]]])
