"""The package against R: criterion at stored parameters first, then the fits.

The deviance may be lower than R's, never higher; estimates have a tolerance each.
"""

from types import SimpleNamespace

import numpy as np
import pytest

import statsmodels_mixed as smm

from .compare import coefficients, random_effects, variance_components
from .loader import (
    arguments_of,
    coefficient_key,
    covariance_entries,
    covariance_of,
    data_of,
    golds,
    group_key,
    level_key,
)

# How far below R's optimum a fit may end before the two are different problems.
GAIN = 1e-4


@pytest.fixture(scope="module", params=list(golds()), ids=str)
def case(request):
    """One stored fit and ours; pytest runs all tests of one before the next."""
    gold = golds()[request.param]
    model = smm.lmm(gold["formula"], data_of(gold), **arguments_of(gold))
    return SimpleNamespace(gold=gold, model=model, res=model.fit(reml=gold["reml"]))


def sds_of(gold):
    """Return {(group, effect): sd}, at least 1e-4 of sigma: a scale for tolerances."""
    stored = variance_components(gold["varcorr"])
    return {
        key[:2]: max(sd, 1e-4 * gold["sigma"])
        for key, (_, sd) in stored.items()
        if key != "Residual" and key[1] == key[2]
    }


def test_criterion_at_stored_parameters(case):
    entries = covariance_entries(case.gold)
    covariances = [
        covariance_of(entries, term.group, term.effects) for term in case.model.terms
    ]
    value = case.model.deviance_at(covariances, case.gold["reml"])
    assert value == pytest.approx(case.gold["criterion"], rel=1e-10)


def test_criterion_at_the_optimum(case):
    stored = case.gold["criterion"]
    assert case.res.converged
    assert case.res.deviance == pytest.approx(-2 * case.res.llf, rel=1e-14)
    assert case.res.deviance <= stored + 1e-6
    assert case.res.deviance >= stored - GAIN


def test_singular_flag(case):
    if case.gold["singular"] is None:
        pytest.skip("only lme4 1.1 reports it")
    assert bool(case.res.singular) == case.gold["singular"]


def test_number_of_observations(case):
    assert case.res.nobs == case.gold["nobs"]


def test_fixed_effects(case):
    params, bse = coefficients(case.res.params), coefficients(case.res.bse)
    for name, stored in case.gold["fixef"].items():
        key, se = coefficient_key(name), case.gold["se"][name]
        assert bse[key] == pytest.approx(se, rel=1e-5), name
        # an estimate may be zero by design: then its error counts in standard errors
        assert params[key] == pytest.approx(stored, rel=1e-5, abs=1e-6 * se), name


def test_residual_standard_deviation(case):
    assert case.res.sigma == pytest.approx(case.gold["sigma"], rel=1e-5)


def test_variance_components(case):
    table = case.res.varcorr()[["group", "effect", "effect2", "vcov", "sdcor"]]
    mine = variance_components(table.itertuples(index=False, name=None))
    stored = variance_components(case.gold["varcorr"])
    sds, floor = sds_of(case.gold), 1e-4 * case.gold["sigma"]
    assert mine["Residual"][1] == pytest.approx(case.gold["sigma"], rel=1e-5)
    for key, (vcov, sdcor) in stored.items():
        if key == "Residual":
            continue
        group, first, second = key
        if first == second:
            absolute = floor if sdcor < floor else 0.0
            assert mine[key][1] == pytest.approx(sdcor, rel=1e-4, abs=absolute), key
        else:
            scale = sds[group, first] * sds[group, second]
            found = mine.get(key, (0.0, 0.0))[0]  # a diag term has no such row
            assert found == pytest.approx(vcov, abs=2e-4 * scale), key


def test_random_effects(case):
    mine, sds = random_effects(case.res.random_effects), sds_of(case.gold)
    for group, entry in case.gold["ranef"].items():
        where = group_key(group)
        effects = [coefficient_key(name) for name in entry["effects"]]
        for level, row in zip(entry["levels"], entry["b"], strict=True):
            for effect, stored in zip(effects, row, strict=True):
                key = where, level_key(group, level), effect
                tolerance = 1e-4 * sds[where, effect]
                assert mine[key] == pytest.approx(stored, abs=tolerance), key
        levels = {level for g, level, _ in mine if g == where}
        assert len(levels) == entry["nlevels"]


def test_fitted_values(case):
    fitted = np.asarray(case.res.fittedvalues, float)
    fitted = fitted[~np.isnan(fitted)][:10]  # rows with a missing response, if kept
    np.testing.assert_allclose(
        fitted, case.gold["fitted"], rtol=0, atol=1e-4 * case.gold["sigma"]
    )
