"""Importance sampling: exact values, exact gradients, honest errors.

Monte Carlo results are compared within four of the standard errors they state, which
are bounded themselves; seeds are fixed.
"""

import pickle
import sys
import types
from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from reference.loader import table
from reference.truth_glmm import EXACT, IMMUNIZATION

import statsmodels_mixed as smm
from statsmodels_mixed.core import importance_draws
from statsmodels_mixed.core.importance import ImportanceObjective
from statsmodels_mixed.core.importance_draws import Draws
from statsmodels_mixed.errors import ComparisonError, DataError, MixedModelError
from statsmodels_mixed.fitting import montecarlo
from statsmodels_mixed.fitting.montecarlo import (
    importance_objective,
    mcml,
)
from statsmodels_mixed.fitting.start import internal_theta
from statsmodels_mixed.linalg.components import Components

# Salamander matings, pooled, crossed effects: by Monte Carlo of long runs, tolerance
# 5e-4 (entry of glmm_exact.json of the reference laboratory).
SALAMANDER_BETA = [1.018, 0.3213, -1.9412, 0.9967]
SALAMANDER_SD = [1.1764, 1.1134]
SALAMANDER_LOGLIKE = -207.5975
SALAMANDER_TOLERANCE = 5e-4

CASES = {
    "one factor, slope": ("y ~ x + (x|g)", "poisson"),
    "two terms of a factor": ("y ~ x + (x||g)", "negative_binomial"),
    "crossed, slope": ("binary ~ x + (x|g) + (1|h)", "binomial"),
    "nested": ("binary ~ x + (1|g/k)", smm.families.Binomial("cauchit")),
    "dispersion": ("positive ~ x + (1|g) + (1|h)", "gamma"),
}
EVERY = pytest.mark.parametrize("name", CASES)


@cache
def frame():
    rng = np.random.default_rng(11)
    n = 120
    x, g, h = rng.standard_normal(n), rng.integers(0, 12, n), rng.integers(0, 5, n)
    eta = 0.4 * x + 0.8 * rng.standard_normal(12)[g] + 0.5 * rng.standard_normal(5)[h]
    return pd.DataFrame(
        {
            "x": x,
            "g": g,
            "h": h,
            "k": rng.integers(0, 3, n),
            "y": rng.poisson(np.exp(0.5 + eta)) * 1.0,
            "binary": (rng.random(n) < 1 / (1 + np.exp(-eta))) * 1.0,
            "positive": rng.gamma(2.0, np.exp(eta) / 2.0),
        }
    )


@cache
def engine(name):
    formula, family = CASES[name]
    return smm.GLMM.from_formula(formula, frame(), family).engine


@cache
def salamander():
    formula = "Mate ~ 0 + Cross + (1|Female) + (1|Male)"
    return smm.GLMM.from_formula(formula, table("salamander_mating")).engine


@cache
def cbpp():
    data = table("cbpp")
    return smm.GLMM.from_formula(EXACT["cbpp"]["formula"], data).engine


def objective(model, n_draws, seed=0):
    draws = Draws(model.rows.system, n_draws, np.random.default_rng(seed))
    zeta = np.nan if model.family.dispersion_name else 0.0
    parts = model.rows, model.likelihood, model.offset, model.layout
    return ImportanceObjective(*parts, draws, zeta)


def at(model, beta, standard_deviations):
    """x of one intercept per term, in the user's units."""
    theta = internal_theta(model, [[[s**2]] for s in standard_deviations])
    return np.concatenate([theta, np.linalg.solve(model.rows.exog_map, beta)])


def somewhere(model, seed=1):
    rng = np.random.default_rng(seed)
    theta = rng.uniform(0.4, 0.9, model.layout.n_par)
    rest = bool(model.family.dispersion_name) + model.rows.rank
    return np.concatenate([theta, rng.uniform(-0.3, 0.3, rest)])


def exact_x(model, name):
    exact = EXACT[name]
    (factor,) = exact["factor"].values()
    return at(model, list(exact["fixef"].values()), np.diag(factor))


# ---- draws ------------------------------------------------------------------------


def test_salamander_has_six_components():
    assert Components(salamander().rows.system).sizes.tolist() == [20] * 6


def test_draws_are_the_same_on_every_pass_and_for_every_length_of_chunk():
    system = engine("crossed, slope").rows.system
    draws = Draws(system, 500, np.random.default_rng(4))
    whole = [np.concatenate(part) for part in zip(*_passes(draws, 10), strict=True)]
    parts = [np.concatenate(part) for part in zip(*_passes(draws, 60_000), strict=True)]
    for a, b in zip(whole, parts, strict=True):
        assert len(a) == draws.n_draws
        assert_allclose(np.sort(a, axis=0), np.sort(b, axis=0), rtol=1e-14)


def _passes(draws, nobs):
    return [(t, log_density) for _, t, log_density in draws.chunks(nobs)]


def test_large_components_are_refused(monkeypatch):
    monkeypatch.setattr(importance_draws, "LARGEST", 19)
    with pytest.raises(MixedModelError, match=r"over 20 random effects.* handle 19"):
        Draws(salamander().rows.system, 100, np.random.default_rng(0))


# ---- the criterion ----------------------------------------------------------------


@EVERY
def test_gradient_is_that_of_the_criterion(name):
    model = engine(name)
    criterion, x = objective(model, 96), somewhere(model)
    gradient, expected = criterion.evaluate(x).gradient, np.empty(len(x))
    for j, unit in enumerate(np.eye(len(x))):
        ends = [
            criterion.evaluate(x + h * unit, derivatives=False).value
            for h in (2e-4, 1e-4, -1e-4, -2e-4)
        ]
        expected[j] = (8 * (ends[1] - ends[2]) - (ends[0] - ends[3])) / 12e-4
    assert_allclose(gradient, expected, atol=1e-7 * np.abs(expected).max())


@EVERY
def test_opposite_columns_of_a_factor_are_the_same_model(name):
    model = engine(name)
    criterion, x = objective(model, 200), somewhere(model)
    value = criterion.evaluate(x, derivatives=False).value
    for factor, sizes in enumerate(model.layout.sizes):
        for column in range(sizes):
            index, derivative = model.layout.derivatives(x, factor)
            other = x.copy()
            other[index[derivative[:, :, column].any(axis=1)]] *= -1.0
            assert (other != x).any()
            turned = criterion.evaluate(other, derivatives=False).value
            assert turned == pytest.approx(value, rel=1e-12)


@pytest.mark.parametrize(
    "name", ["two terms of a factor", "crossed, slope", "nested", "dispersion"]
)
def test_a_variance_of_zero_is_stationary_with_the_slope_of_the_likelihood(name):
    model = engine(name)
    criterion, x = objective(model, 2000), somewhere(model)
    last = model.layout.slices[-1]
    x[last] = 0.0
    at_zero = criterion.evaluate(x)
    assert_allclose(at_zero.gradient[last], 0.0, atol=1e-3)
    factor = len(model.layout.factors) - 1
    g = at_zero.covariance_gradient[factor][-1, -1]
    variance = 1e-3
    x[last.stop - 1] = np.sqrt(variance)
    rise = criterion.evaluate(x, derivatives=False).value - at_zero.value
    assert g == pytest.approx(rise / variance, rel=0.15, abs=0.5)


def test_gaussian_response_has_its_known_likelihood():
    model = smm.GLMM.from_formula("x ~ y + (1|g) + (1|h)", frame(), "gaussian").engine
    x = somewhere(model)
    exact = -0.5 * model.objective(1).evaluate(x).value
    error = objective(model, 4000).error(x)
    assert error.loglike_se < 0.05
    assert abs(error.loglike - exact) < 4 * error.loglike_se


def test_salamander_likelihood():
    model = salamander()
    error = objective(model, 10_000).error(at(model, SALAMANDER_BETA, SALAMANDER_SD))
    assert error.loglike_se < 0.02
    gap = abs(error.loglike - SALAMANDER_LOGLIKE)
    assert gap < 4 * error.loglike_se + SALAMANDER_TOLERANCE
    assert error.ess.min() > 5000  # 6500 seen


def test_three_levels():
    exact = IMMUNIZATION
    model = smm.GLMM.from_formula(exact["formula"], table("guimmun")).engine
    names = model.design.mean.exog_names
    beta = [exact["fixef"][n.replace("[T.", "").replace("]", "")] for n in names]
    x = at(model, beta, [exact["factor"][t.group][0][0] for t in model.design.terms])
    error = objective(model, 3000).error(x)
    assert error.loglike_se < 0.4  # Laplace is wrong by 48 here
    assert abs(error.loglike - exact["loglik"]) < 4 * error.loglike_se


def test_standard_errors_are_honest():
    model, x = cbpp(), exact_x(cbpp(), "cbpp")
    errors = [objective(model, 300, seed).error(x) for seed in range(40)]
    values = np.array([e.loglike for e in errors])
    stated = np.sqrt(np.mean([e.loglike_se**2 for e in errors]))
    # the standard deviation of 40 values is known to 11 percent
    assert 0.65 < values.std(ddof=1) / stated < 1.35
    assert abs(values.mean() - EXACT["cbpp"]["loglik"]) < 4 * stated / np.sqrt(40)
    gradients = np.array([e.gradient for e in errors]).std(axis=0, ddof=1)
    noise = np.mean([(e.gradient_noise**2).sum(axis=0) for e in errors], axis=0)
    ratio = gradients / np.sqrt(noise)
    assert ratio.min() > 0.6 and ratio.max() < 1.4


# ---- fits -------------------------------------------------------------------------


def test_salamander_estimates():
    model = salamander()
    fit = mcml(model, model.fit(), np.random.default_rng(5), n_draws=2000)
    assert fit.convergence.converged
    assert fit.n_draws >= 2000 and fit.ess > 1000
    # the maximum is flat: the value there has the Monte Carlo error of the draws only
    assert fit.loglike_se < 0.05
    assert abs(-0.5 * fit.deviance - SALAMANDER_LOGLIKE) < 4 * fit.loglike_se
    assert fit.beta_mcse.max() < 0.005
    gap = np.abs(fit.beta - SALAMANDER_BETA)
    assert (gap < 4 * fit.beta_mcse + SALAMANDER_TOLERANCE).all()
    variances = np.ravel(fit.covariances)
    mcse = np.ravel(fit.covariances_mcse)
    assert mcse.max() < 0.03
    wrong = 2 * np.array(SALAMANDER_SD) * SALAMANDER_TOLERANCE
    assert (np.abs(variances - np.square(SALAMANDER_SD)) < 4 * mcse + wrong).all()


def test_one_factor_agrees_with_exact_maximum_likelihood():
    model, exact = cbpp(), EXACT["cbpp"]
    fit = mcml(model, model.fit(), np.random.default_rng(1), n_draws=2000)
    assert (np.abs(fit.beta - list(exact["fixef"].values())) < 4 * fit.beta_mcse).all()
    assert fit.beta_mcse.max() < 0.002
    assert_allclose(
        np.sqrt(np.diag(fit.cov_beta)), list(exact["se"].values()), rtol=2e-3
    )
    assert fit.dispersion_mcse == 0.0


def test_the_result_depends_on_the_generator_alone():
    model = cbpp()
    start = model.fit()
    first, again, other = (
        mcml(model, start, np.random.default_rng(seed), n_draws=200)
        for seed in (3, 3, 4)
    )
    assert_array_equal(first.evaluation.x, again.evaluation.x)
    assert first.deviance == again.deviance != other.deviance


def test_a_variance_that_is_zero_stays_zero():
    rng = np.random.default_rng(3)
    data = pd.DataFrame({"g": rng.integers(0, 20, 200), "x": rng.standard_normal(200)})
    data["y"] = (rng.random(200) < 0.55) * 1.0
    model = smm.GLMM.from_formula("y ~ x + (1|g)", data).engine
    start = model.fit()
    assert start.covariances[0] == 0.0
    fit = mcml(model, start, np.random.default_rng(0), n_draws=200)
    assert fit.covariances[0] == 0.0 and fit.covariances_mcse[0] == 0.0
    assert fit.convergence.converged and 0 < fit.convergence.kkt < np.inf
    assert abs(fit.deviance - start.deviance) < 8 * fit.loglike_se < 0.5


def test_dispersion_is_estimated():
    model = engine("dispersion")
    start = model.fit()
    fit = mcml(model, start, np.random.default_rng(0), n_draws=500)
    assert fit.convergence.converged
    assert 0 < fit.dispersion_mcse < 0.01 * fit.dispersion
    assert fit.dispersion == pytest.approx(start.dispersion, rel=0.05)


def test_x_of_a_joint_fit_has_beta():
    model = cbpp()
    fit = model.fit(smm.fitting.FitOptions(nagq=0))
    _, x = importance_objective(model, fit.evaluation, 32, np.random.default_rng(0))
    assert_array_equal(x, np.concatenate([fit.evaluation.x, fit.evaluation.beta]))


# ---- progress ---------------------------------------------------------------------


def test_progress_without_tqdm_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "tqdm.auto", None)
    model = cbpp()
    with pytest.raises(MixedModelError, match=r"statsmodels-mixed\[progress\]"):
        mcml(model, model.fit(), np.random.default_rng(0), 100, progress=True)


def test_progress_counts_evaluations(monkeypatch):
    seen = []

    class Bar:
        def __init__(self, unit):
            self.unit = unit

        def __enter__(self):
            return self

        def __exit__(self, *error):
            seen.append("closed")

        def set_postfix_str(self, text, refresh):
            seen.append(text)

        def update(self):
            pass

    module = types.SimpleNamespace(tqdm=Bar)
    monkeypatch.setitem(sys.modules, "tqdm.auto", module)
    model = cbpp()
    fit = mcml(model, model.fit(), np.random.default_rng(0), 100, progress=True)
    assert len(seen) == fit.convergence.n_evaluations + 1
    assert seen[-1] == "closed" and seen[0].startswith("deviance 18")


# ---- results ----------------------------------------------------------------------

CBPP = "cbind(incidence, size - incidence) ~ period + (1 | herd)"


def sampled(formula=CBPP, rng=1, **options):
    model = smm.glmm(formula, smm.datasets.load("cbpp"), family="binomial")
    return model.fit(method="mcml", rng=rng, n_draws=300, **options)


@pytest.mark.parametrize("touched", [False, True])
def test_errors_are_there_without_the_rows(touched):
    res, whole = sampled(), sampled()
    if touched:
        res.params_mcse
    res.remove_data()
    for short in (res, pickle.loads(pickle.dumps(res))):
        assert short.llf_se == whole.llf_se > 0
        assert short.params_mcse.equals(whole.params_mcse)
        fits = short.fit_record, whole.fit_record
        assert_array_equal(*(fit.covariances_mcse[0] for fit in fits))
        assert short.summary().as_text() == whole.summary().as_text()


def test_without_random_effects_there_is_nothing_to_sample():
    with pytest.raises(DataError, match=r"no random effects.*nagq=1"):
        sampled("cbind(incidence, size - incidence) ~ period")


def test_refits_draw_the_same_numbers():
    res = sampled(rng=np.random.default_rng(2))
    y = res.model.endog
    first, second = res.refit(y), res.refit(y)
    many = res.refit(np.column_stack([y, y]))
    assert first.llf == second.llf == many.llf[0] == many.llf[1]
    assert first.llf == pytest.approx(res.llf, rel=1e-10)  # other starting values
    assert_array_equal(first.params, many.params.loc[1])
    assert_allclose(first.params, res.params, rtol=1e-7)
    again = sampled(rng=np.random.default_rng(2))
    assert again.llf == res.llf != sampled(rng=3).llf


def test_likelihood_ratio_allows_for_monte_carlo_error():
    full, small = sampled(), sampled(CBPP.replace("period", "1"))
    test = full.compare_lr_test(small)
    error = 2 * np.hypot(full.llf_se, small.llf_se)
    assert f"standard error of {error:.2g}" in test.note
    data, formulas = smm.datasets.load("cbpp"), (CBPP, CBPP.replace("period", "1"))
    larger, smaller = (smm.glmm(f, data).fit(nagq=25) for f in formulas)
    exact = larger.compare_lr_test(smaller)
    assert abs(test.statistic - exact.statistic) < 4 * error and exact.note == ""


@pytest.mark.parametrize("below, refused", [(3.0, False), (5.0, True)])
def test_a_restricted_fit_may_be_better_by_its_error(monkeypatch, below, refused):
    full, small = sampled(), sampled(CBPP.replace("period", "1"))
    error = 2 * np.hypot(full.llf_se, small.llf_se)
    fit = small.fit_record
    value = -2 * full.llf - below * error
    evaluation = replace(fit.evaluation, value=np.float64(value))
    small._results.fit_record = replace(fit, evaluation=evaluation)
    if refused:
        with pytest.raises(ComparisonError, match="fits better"):
            full.compare_lr_test(small)
    else:
        test = full.compare_lr_test(small)
        assert test.statistic == pytest.approx(-below * error) and test.pvalue == 1.0


def test_a_hessian_that_is_not_finite_is_not_used(monkeypatch):
    nan = lambda objective, evaluation: np.full((len(evaluation.x),) * 2, np.nan)  # noqa: E731
    monkeypatch.setattr(montecarlo, "gradient_differences", nan)
    model = cbpp()
    fit = mcml(model, model.fit(), np.random.default_rng(0), n_draws=200)
    assert np.isfinite(fit.cov_beta).all() and np.isfinite(fit.beta_mcse).all()
