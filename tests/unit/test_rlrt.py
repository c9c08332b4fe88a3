"""Restricted likelihood-ratio tests: spectra by dense matrices, and refusals."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from scipy import stats

import statsmodels_mixed as smm
from statsmodels_mixed.errors import ComparisonError, DataError
from statsmodels_mixed.inference.likelihood import spectrum as spectra
from statsmodels_mixed.inference.likelihood.rlrt import exact_lrt, restricted_lrt
from statsmodels_mixed.inference.likelihood.spectrum import component_spectrum
from statsmodels_mixed.inference.likelihood.variance_components import (
    find_component,
    variance_components,
    without_component,
)
from statsmodels_mixed.results.variance_tests import VarianceTests

SLEEP = smm.datasets.load("sleepstudy")


def unbalanced():
    rng = np.random.default_rng(4)
    g = np.repeat(np.arange(9), [2, 2, 2, 2, 3, 3, 5, 8, 8])
    x = rng.normal(size=len(g))
    w = rng.uniform(0.5, 2.0, len(g))
    y = 1.0 + x + rng.normal(size=9)[g] + rng.normal(size=len(g)) / np.sqrt(w)
    return pd.DataFrame({"y": y, "x": x, "g": g, "w": w})


def dense_eigenvalues(fit, term, effects):
    """Positive eigenvalues of Z'MZ and Z'Z from n x n matrices, scaled alike."""
    design = fit.design
    own = design.terms[term]
    w = np.ones(design.nobs) if design.weights is None else design.weights
    z = np.ones((design.nobs, 1)) if own.z is None else own.z
    indicator = np.eye(own.grouping.n_levels)[own.grouping.codes]
    columns = np.hstack([indicator * z[:, [j]] for j in effects]) * np.sqrt(w)[:, None]
    q = np.linalg.qr(design.mean.exog * np.sqrt(w)[:, None])[0]
    free = columns - q @ (q.T @ columns)
    values = [np.linalg.svd(a, compute_uv=False) ** 2 for a in (free, columns)]
    return [v[v > 1e-9 * v.max()] for v in values]


@pytest.mark.parametrize(
    ("formula", "weights", "name"),
    [
        ("y ~ x + (1 | g)", None, None),
        ("y ~ x + (1 | g)", "w", "1 | g"),
        ("y ~ x + (0 + x | g)", "w", "x | g"),
        ("y ~ x + (x || g)", None, "x | g"),
        ("y ~ x + homdiag(1 + x | g)", "w", None),
    ],
)
def test_eigenvalues_are_those_of_dense_matrices(formula, weights, name):
    fit = smm.lmm(formula, unbalanced(), weights=weights).fit().fit_record
    component = find_component(fit.design, name, "")
    found = component_spectrum(fit, component)
    mu, xi = dense_eigenvalues(fit, component.term, component.effects)
    ours = np.sort(np.repeat(found.mu, found.multiplicity))
    theirs = np.sort(np.repeat(found.xi, found.xi_multiplicity))
    # columns of z are scaled inside: only ratios matter
    assert_allclose(ours / theirs.max(), np.sort(mu) / xi.max(), rtol=1e-9)
    assert_allclose(theirs / theirs.max(), np.sort(xi) / xi.max(), rtol=1e-9)


def test_equal_levels_are_counted_not_diagonalised():
    fit = smm.lmm("Reaction ~ Days + (1 | Subject)", SLEEP).fit().fit_record
    found = component_spectrum(fit, variance_components(fit.design)[0])
    assert len(found.mu) == 1 and found.multiplicity.tolist() == [17]


def test_grouped_eigenvalues_move_by_less_than_a_group_is_wide(monkeypatch):
    data = unbalanced()
    fit = smm.lmm("y ~ x + (1 | g)", data, weights="w").fit().fit_record
    component = variance_components(fit.design)[0]
    exact = component_spectrum(fit, component)
    monkeypatch.setattr(spectra, "LARGEST", 6)
    rough = component_spectrum(fit, component)
    assert len(rough.xi) == len(exact.xi) and len(rough.mu) < len(exact.mu)
    ours, theirs = (np.repeat(s.mu, s.multiplicity) for s in (rough, exact))
    assert len(ours) == len(theirs)
    width = np.ptp(np.log(exact.xi)) / 3
    assert np.abs(np.log(ours / theirs)).max() < width


def test_draws_are_the_likelihood_ratios_of_simulated_responses():
    """The distribution from eigenvalues is that of fits to responses of noise."""
    res = smm.lmm("y ~ x + (1 | g)", unbalanced(), weights="w").fit()
    design, rng = res.fit_record.design, np.random.default_rng(5)
    noise = rng.normal(size=(400, design.nobs)) / np.sqrt(design.weights)
    full = res.fit_record.model.fit(True, endog=noise.T).deviance
    component = variance_components(design)[0]
    plain = type(res.fit_record.model)(without_component(design, component))
    ratios = plain.fit(True, endog=noise.T).deviance - full
    draws = restricted_lrt(res.fit_record, n_sim=20_000, rng=6).draws
    assert (
        stats.ks_2samp(np.maximum(ratios, 0.0).round(6), draws.round(6)).pvalue > 0.01
    )


def test_maxima_are_between_the_points_of_the_grid():
    res = smm.lmm("Yield ~ 1 + (1 | Batch)", smm.datasets.load("dyestuff")).fit()
    component = variance_components(res.fit_record.design)[0]
    found = component_spectrum(res.fit_record, component)
    draws = found.restricted_draws(300, np.random.default_rng(1))
    rng = np.random.default_rng(1)
    own = rng.chisquare(found.multiplicity, (300, 1))[:, 0]
    rest = rng.chisquare(24, (300, 1))[:, 0]
    # one eigenvalue: the maximum has a closed form
    ratio = np.maximum(own * 24 / (5 * rest), 1.0)
    exact = 29 * np.log((own / ratio + rest) / (own + rest)) + 5 * np.log(ratio)
    # a parabola errs by the third power of the step of 0.09, the grid alone by 4e-3
    assert_allclose(draws, -exact, atol=2e-4)


def test_the_seed_decides():
    fit = smm.lmm("Yield ~ 1 + (1 | Batch)", smm.datasets.load("dyestuff")).fit()
    first, again, other = (
        restricted_lrt(fit.fit_record, n_sim=50, rng=seed).draws for seed in (1, 1, 2)
    )
    assert (first == again).all() and (first != other).any()


def test_a_variance_estimated_as_zero_has_a_pvalue_of_one():
    res = smm.lmm("Yield ~ 1 + (1 | Batch)", smm.datasets.load("dyestuff2")).fit()
    test = restricted_lrt(res.fit_record, rng=1)
    assert test.statistic == 0.0 and test.pvalue == 1.0
    assert 0.5 < test.p_zero < 0.6


def test_criterion_of_the_fit_does_not_matter():
    model = smm.lmm("Yield ~ 1 + (1 | Batch)", smm.datasets.load("dyestuff"))
    reml, ml = model.fit().fit_record, model.fit(reml=False).fit_record
    for test, own, other, word in (
        (restricted_lrt, reml, ml, "by REML"),
        (exact_lrt, ml, reml, "by ML"),
    ):
        same, changed = (test(fit, n_sim=20, rng=1) for fit in (own, other))
        assert_allclose(changed.statistic, same.statistic, rtol=1e-9)
        assert same.notes == () and word in repr(changed)


def test_effects_of_a_diagonal_term_are_tested_one_by_one():
    together = smm.lmm("Reaction ~ Days + (Days || Subject)", SLEEP).fit().fit_record
    apart = "Reaction ~ Days + (1 | Subject) + (0 + Days | Subject)"
    apart = smm.lmm(apart, SLEEP).fit().fit_record
    for ours, theirs in (("Intercept|Subject", "1 | Subject"), ("Days | Subject",) * 2):
        tests = (
            restricted_lrt(together, ours, n_sim=10, rng=1),
            restricted_lrt(apart, f"({theirs})", n_sim=10, rng=1),
        )
        assert_allclose(tests[0].statistic, tests[1].statistic, rtol=1e-8)
        assert_allclose(tests[0].draws, tests[1].draws, rtol=1e-6, atol=1e-9)
        assert "treated as known" in repr(tests[0])


def test_correlated_effects_are_refused_with_the_remedy():
    fit = smm.lmm("Reaction ~ Days + (Days | Subject)", SLEEP).fit().fit_record
    for name in (None, "Days | Subject", "Subject", "1 | Subject"):
        with pytest.raises(ComparisonError, match=r"correlated.*ranova.*bootstrap_lrt"):
            restricted_lrt(fit, name)
    with pytest.raises(ComparisonError, match=r"write \|\| in place of \|"):
        restricted_lrt(fit)


def test_terms_are_named():
    fit = smm.lmm("Reaction ~ Days + (Days || Subject)", SLEEP).fit().fit_record
    listed = r"'\(1 | Subject\)', '\(0 \+ Days | Subject\)'"
    with pytest.raises(DataError, match=rf"^Say which.*{listed}".replace("|", r"\|")):
        restricted_lrt(fit)
    with pytest.raises(DataError, match=r"term='1 \| item' is not one of them"):
        restricted_lrt(fit, "1 | item")
    plain = smm.lmm("Reaction ~ Days", SLEEP).fit().fit_record
    with pytest.raises(DataError, match="no random effects"):
        restricted_lrt(plain)


def test_numbers_of_draws_models_and_terms_that_do_not_go():
    fit = smm.lmm("Reaction ~ Days + (Days || Subject)", SLEEP).fit().fit_record
    with pytest.raises(DataError, match="n_sim=0"):
        restricted_lrt(fit, "Days | Subject", n_sim=0)
    with pytest.raises(ComparisonError, match="one variance beside"):
        exact_lrt(fit, "Days | Subject")
    counts = smm.glmm("Days ~ 1 + (1 | Subject)", SLEEP, family="poisson").fit()
    for test in (counts.restricted_lrt, counts.exact_lrt):
        with pytest.raises(DataError, match="linear mixed models only; use bootstrap_"):
            test()


def test_a_pvalue_that_no_draw_reaches_is_a_bound():
    res = smm.lmm("Reaction ~ Days + (1 | Subject)", SLEEP).fit()
    for n, said in ((10_000, "0.0001"), (300, "0.004")):
        test = restricted_lrt(res.fit_record, n_sim=n, rng=1)
        assert f", p < {said} (none of {n} draws as large)" in repr(test)
        assert test.pvalue == 1 / (1 + n)


def test_a_larger_fit_that_is_worse_is_refused(monkeypatch):
    from statsmodels_mixed.inference.likelihood import rlrt

    fit = smm.lmm("Reaction ~ Days + (1 | Subject)", SLEEP).fit().fit_record
    better = smm.lmm("Reaction ~ Days + (Days | Subject)", SLEEP).fit().fit_record
    monkeypatch.setattr(rlrt, "fit_design", lambda *_: better)
    with pytest.raises(ComparisonError, match="has not converged"):
        restricted_lrt(fit, n_sim=10)


def test_methods_of_results_pass_everything_on():
    res = smm.lmm("Yield ~ 1 + (1 | Batch)", smm.datasets.load("dyestuff")).fit()
    for method, test in (
        (VarianceTests.restricted_lrt, restricted_lrt),
        (VarianceTests.exact_lrt, exact_lrt),
    ):
        ours = method(res, "1 | Batch", n_sim=30, rng=1)
        theirs = test(res.fit_record, "1 | Batch", 30, 1)
        assert (ours.draws == theirs.draws).all() and ours.term == "(1 | Batch)"
    smaller = smm.lmm("Yield ~ 1", smm.datasets.load("dyestuff")).fit()
    boot = VarianceTests.bootstrap_lrt(res, smaller, n=6, rng=1)
    assert len(boot.draws) == 6
    res.remove_data()
    with pytest.raises(DataError, match="remove_data"):
        VarianceTests.restricted_lrt(res)
