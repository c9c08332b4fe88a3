"""Tests of one variance against RLRsim, bootstrap tests against pbkrtest."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

import statsmodels_mixed as smm
from statsmodels_mixed.inference.bootstrap.bootstrap_lrt import bootstrap_lrt
from statsmodels_mixed.inference.likelihood.rlrt import exact_lrt, restricted_lrt

from .loader import golds, table

GOLD = golds("inference")["rlrsim"]
COMPARED = golds("inference")["krmodcomp"]["comparisons"]
SINGLE = "Reaction ~ Days + (1 | Subject)"
APART = "Reaction ~ Days + (1 | Subject) + (0 + Days | Subject)"
TESTS = {
    "sleep_single_int": (SINGLE, "sleepstudy", None),
    "sleep_uncorr_test_intercept": (APART, "sleepstudy", "1 | Subject"),
    "sleep_uncorr_test_slope": (APART, "sleepstudy", "0 + Days | Subject"),
    "dyestuff": ("Yield ~ 1 + (1 | Batch)", "dyestuff", None),
    "dyestuff2": ("Yield ~ 1 + (1 | Batch)", "dyestuff2", None),
}
THEIRS = 100_000  # draws of RLRsim
OURS = 40_000


def near(ours, theirs, n=OURS, m=THEIRS):
    """Whether two Monte Carlo shares agree within four standard errors of both."""
    p = max(theirs, 1.0 / m)
    return abs(ours - theirs) < 4.0 * np.sqrt(p * (1 - p) * (1 / n + 1 / m)) + 1.0 / n


@pytest.mark.parametrize("name", TESTS)
def test_restricted_likelihood_ratios(name):
    formula, data, term = TESTS[name]
    fit = smm.lmm(formula, table(data)).fit().fit_record
    test = restricted_lrt(fit, term, n_sim=OURS, rng=1)
    assert_allclose(test.statistic, GOLD[name]["statistic"], rtol=1e-6, atol=1e-6)
    share = test.pvalue
    if test.statistic == 0.0:
        # theirs is 6e-14 by rounding, so that R gives the chance of a positive one; a
        # ratio of zero is no evidence, and its p-value is 1 as in RLRsim for exact zero
        assert test.pvalue == 1.0
        share = 1.0 - test.p_zero
    assert near(share, GOLD[name]["p.value"])


def test_likelihood_ratio():
    fit = smm.lmm(SINGLE, table("sleepstudy")).fit(reml=False).fit_record
    test = exact_lrt(fit, n_sim=OURS, rng=1)
    gold = GOLD["sleep_exactLRT"]
    assert_allclose(test.statistic, gold["statistic"], rtol=1e-8)
    assert near(test.pvalue, gold["p.value"])
    # of a million draws of RLRsim 3.1.8: LRTSim(X, Z, 0, ...)
    for quantile, share in ((1.1244, 0.1), (2.0440, 0.05), (4.5129, 0.01)):
        assert near((test.draws > quantile).mean(), share, m=1_000_000)


def test_null_distribution():
    fit = smm.lmm(SINGLE, table("sleepstudy")).fit().fit_record
    test, gold = restricted_lrt(fit, n_sim=OURS, rng=2), GOLD["sleep_null_distribution"]
    assert near(test.p_zero, gold["p_zero"], m=200_000)
    for share in (90, 95, 99):
        beyond = (test.draws > gold[f"q{share}"]).mean()
        assert near(beyond, 1.0 - share / 100, m=200_000)


def beets():
    """``beets`` of pbkrtest: sugar of beets sown on five dates, harvested on two."""
    sown = "345213245152341215434132514325"
    sugar = (
        "17.1 16.9 16.6 17.0 17.0 17.0 17.0 16.7 16.4 16.8 16.6 16.9 17.1 16.8 16.9 "
        "17.0 16.8 16.5 16.7 17.0 16.8 16.9 17.0 17.0 16.5 16.7 16.6 16.9 16.9 16.4"
    )
    return pd.DataFrame(
        {
            "sugpct": np.array(sugar.split(), dtype=float),
            "sow": list(sown),
            "block": np.tile(np.repeat(list("123"), 5), 2),
            "harvest": np.repeat(list("121212"), 5),
        }
    )


DATA = {
    "sleep": lambda: table("sleepstudy"),
    "beets": beets,
    "oats": lambda: table("oats"),
}


@pytest.mark.parametrize("name", COMPARED)
def test_bootstrap_of_nested_models(name):
    gold, data = COMPARED[name], DATA[name.partition("_")[0]]()
    full, restricted = (
        smm.lmm(gold[size].replace("factor(", "C(").replace("^", "**"), data).fit()
        for size in ("large", "small")
    )
    test = bootstrap_lrt(full, restricted, n=100, rng=1)
    lrt = gold["LRT_ML"]
    assert_allclose(test.statistic, lrt["Chisq"][1], rtol=1e-6)
    assert_allclose(test.table.pvalue["chi2"], lrt["Pr(>Chisq)"][1], rtol=1e-4)
    assert test.df_diff == lrt["Df"][1] and test.n_failed == 0
    if "PB" in gold:
        theirs, m = gold["PB"]["p.value"][1], gold["PB_nsim"]
        assert near(test.pvalue, theirs, n=100, m=m)
