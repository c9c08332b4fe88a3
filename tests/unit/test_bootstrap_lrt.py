"""Parametric-bootstrap likelihood-ratio tests: draws, approximations, refusals."""

import builtins
from dataclasses import replace

import numpy as np
import pytest
import statsmodels.formula.api as smf
from numpy.testing import assert_allclose, assert_array_equal
from scipy import stats

import statsmodels_mixed as smm
from statsmodels_mixed.errors import ComparisonError, DataError, MixedModelError
from statsmodels_mixed.inference.bootstrap import bootstrap_lrt as module
from statsmodels_mixed.inference.bootstrap import replicates
from statsmodels_mixed.inference.bootstrap.bootstrap_lrt import bootstrap_lrt

SLEEP = smm.datasets.load("sleepstudy")
CBPP = "cbind(incidence, size - incidence) ~ "


def sleep(formula, reml=True):
    return smm.lmm(f"Reaction ~ {formula}", SLEEP).fit(reml=reml)


def cbpp(formula, **arguments):
    data = smm.datasets.load("cbpp")
    return smm.glmm(CBPP + formula, data, family="binomial").fit(**arguments)


@pytest.fixture(scope="module")
def fixed():
    return sleep("Days + (1 | Subject)"), sleep("1 + (1 | Subject)")


def test_draws_are_refits_of_responses_of_the_restricted_model(fixed):
    full, restricted = (r.model.fit(reml=False) for r in fixed)
    test = bootstrap_lrt(*fixed, n=7, rng=3)
    seed = int(np.random.default_rng(3).integers(2**63))
    (stream,) = np.random.SeedSequence(seed).spawn(1)
    responses = restricted.simulate(7, rng=np.random.default_rng(stream))
    ratios = 2.0 * (full.refit(responses).llf - restricted.refit(responses).llf)
    assert_allclose(test.draws, ratios, rtol=1e-6, atol=1e-8)


def test_criterion_of_the_fits_does_not_matter(fixed):
    by_ml = [r.model.fit(reml=False) for r in fixed]
    tests = [bootstrap_lrt(*pair, n=5, rng=1) for pair in (fixed, by_ml)]
    assert_array_equal(tests[0].draws, tests[1].draws)
    assert tests[0].statistic == tests[1].statistic
    assert_allclose(tests[0].statistic, by_ml[0].compare_lr_test(by_ml[1])[0])


def test_approximations_have_the_moments_of_the_draws():
    draws = np.array([0.5, 1.0, 2.0, 4.5])
    table = module._table(3.0, 2, draws, beyond=1, approximations=True)
    mean, variance = 2.0, draws.var(ddof=1)
    assert_allclose(table.pvalue["chi2"], np.exp(-1.5))
    assert_allclose(table.pvalue["bootstrap"], 2 / 5)
    assert_allclose(table.statistic["bartlett"], 3.0 * 2 / mean)
    gamma = stats.gamma(mean**2 / variance, scale=variance / mean)
    assert_allclose([gamma.mean(), gamma.var()], [mean, variance])
    assert_allclose(table.pvalue["gamma"], gamma.sf(3.0))
    # a mean of one per degree of freedom is that of no F distribution but the limit
    assert table.df_denom["F"] == np.inf
    assert_allclose(table.pvalue["F"], np.exp(-1.5))
    larger = module._table(3.0, 2, 2 * draws, beyond=1, approximations=True)
    df_denom = larger.df_denom["F"]
    assert_allclose(stats.f(2, df_denom).mean(), 4.0 / 2)


def test_interval_and_error_of_the_pvalue():
    test = bootstrap_lrt(*oats(), n=60, rng=1)
    beyond = int((test.draws >= test.statistic).sum())
    assert 0 < beyond < 60 and test.pvalue == (1 + beyond) / 61
    low = stats.beta.ppf(0.025, beyond, 60 - beyond + 1)
    high = stats.beta.ppf(0.975, beyond + 1, 60 - beyond)
    assert_allclose(test.pvalue_interval, (low, high), rtol=1e-6)
    assert_allclose(test.pvalue_se, np.sqrt(test.pvalue * (1 - test.pvalue) / 60))


def oats():
    data, random = smm.datasets.load("oats"), "(1 | Block/Variety)"
    parts = "nitro + Variety", "nitro"
    return [smm.lmm(f"yield ~ {part} + {random}", data).fit() for part in parts]


def test_a_variance_is_tested_with_its_mass_at_zero():
    data = smm.datasets.load("dyestuff")
    full = smm.lmm("Yield ~ 1 + (1 | Batch)", data).fit()
    test = bootstrap_lrt(full, smm.lmm("Yield ~ 1", data).fit(), n=300, rng=1)
    assert list(test.table.index) == ["chi2", "bootstrap"]
    # RLRsim gives 66% of zeros for this design
    assert 0.55 < (test.draws == 0.0).mean() < 0.77
    assert test.pvalue < test.table.pvalue["chi2"]
    assert "do not apply" in repr(test)


def test_generalized_models_are_fitted_one_by_one():
    full, restricted = cbpp("period + (1 | herd)"), cbpp("1 + (1 | herd)")
    test = bootstrap_lrt(full, restricted, n=4, rng=1)
    assert_allclose(test.statistic, full.compare_lr_test(restricted)[0])
    assert len(test.draws) == 4 and (test.draws < test.statistic).all()
    assert test.df_diff == 3 and test.pvalue == 1 / 5


def test_failed_fits_are_left_out_and_counted(fixed, monkeypatch):
    whole = bootstrap_lrt(*fixed, n=6, rng=1)
    original = module.Refitter.responses

    def failing(self, endog):
        out = original(self, endog)
        converged = out.converged.copy()
        converged[[1, 4]] = False
        return replace(out, converged=converged)

    monkeypatch.setattr(module.Refitter, "responses", failing)
    test = bootstrap_lrt(*fixed, n=6, rng=1)
    assert test.n_failed == 2 and "4 draws, 2 more failed" in repr(test)
    assert_array_equal(test.draws, np.delete(whole.draws, [1, 4]))

    def never(self, endog):
        return replace(original(self, endog), converged=np.zeros(6, dtype=bool))

    monkeypatch.setattr(module.Refitter, "responses", never)
    with pytest.raises(ComparisonError, match="None of 6 simulated"):
        bootstrap_lrt(*fixed, n=6, rng=1)


def test_an_interruption_gives_what_is_done(fixed, monkeypatch):
    monkeypatch.setattr(module.Refitter, "chunk_size", lambda self: 2)
    whole = bootstrap_lrt(*fixed, n=6, rng=1)
    calls = []

    def stopping(fit, count, rng):
        calls.append(count)
        if len(calls) > stop:
            raise KeyboardInterrupt
        return draw(fit, count, rng=rng)

    draw, stop = module.simulate_responses, 2
    monkeypatch.setattr(module, "simulate_responses", stopping)
    test = bootstrap_lrt(*fixed, n=6, rng=1)
    assert test.interrupted and "interrupted" in repr(test) and not whole.interrupted
    assert_array_equal(test.draws, whole.draws[:4])
    calls, stop = [], 0
    with pytest.raises(KeyboardInterrupt):
        bootstrap_lrt(*fixed, n=6, rng=1)


def test_progress_needs_tqdm(fixed, monkeypatch, capsys):
    bootstrap_lrt(*fixed, n=3, rng=1, progress=True)
    assert "3/3" in capsys.readouterr().err
    original = builtins.__import__

    def without(name, *args):
        if name.startswith("tqdm"):
            raise ImportError(name)
        return original(name, *args)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(MixedModelError, match="pip install"):
        bootstrap_lrt(*fixed, n=3, rng=1, progress=True)
    assert replicates.run_chunks(lambda rng, count: count, 3, 2)[0] == [2, 1]


def test_comparisons_that_do_not_go(fixed):
    full, restricted = fixed
    with pytest.raises(ComparisonError, match="at least as many parameters"):
        bootstrap_lrt(restricted, full, n=5)
    ols = smf.ols("Reaction ~ 1", SLEEP).fit()
    with pytest.raises(ComparisonError, match=r"smm\.lmm\('y ~ x', data\)"):
        bootstrap_lrt(full, ols, n=5)
    half = smm.lmm("Reaction ~ 1 + (1 | Subject)", SLEEP[:90]).fit()
    with pytest.raises(ComparisonError, match="180 and 90 rows"):
        bootstrap_lrt(full, half, n=5)
    quasi = cbpp("period + (1 | herd)", method="pql")
    with pytest.raises(ComparisonError, match="quasi-likelihood has no likelihood"):
        bootstrap_lrt(quasi, cbpp("1 + (1 | herd)"), n=5)
    with pytest.raises(DataError, match="n=0"):
        bootstrap_lrt(full, restricted, n=0)
    small = sleep("1 + (1 | Subject)")
    small.remove_data()
    with pytest.raises(ComparisonError, match="remove_data"):
        bootstrap_lrt(full, small, n=5)
