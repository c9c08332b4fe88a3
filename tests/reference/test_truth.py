"""The package against exact values of balanced designs, to eight digits."""

import pytest

import statsmodels_mixed as smm
from statsmodels_mixed import datasets

from .compare import coefficients, variance_components
from .loader import coefficient_key, group_key
from .truth import EXACT, SLEEPSTUDY_T_DAYS

RTOL = 1e-8


def fit(exact):
    model = smm.lmm(exact["formula"], datasets.load(exact["data"]))
    return model.fit(reml=exact["reml"])


@pytest.mark.parametrize("name", list(EXACT))
def test_exact_values(name):
    exact = EXACT[name]
    res = fit(exact)
    if exact["deviance"] is not None:
        assert res.deviance == pytest.approx(exact["deviance"], rel=RTOL)
    params, bse = coefficients(res.params), coefficients(res.bse)
    for effect, value in exact["fixef"].items():
        assert params[effect] == pytest.approx(value, rel=RTOL)
    for effect, value in exact["se"].items():
        assert bse[effect] == pytest.approx(value, rel=RTOL)
    assert res.sigma**2 == pytest.approx(exact["sigma2"], rel=RTOL)


@pytest.mark.parametrize("name", list(EXACT))
def test_exact_variances(name):
    exact = EXACT[name]
    table = fit(exact).varcorr()[["group", "effect", "effect2", "vcov", "sdcor"]]
    mine = variance_components(table.itertuples(index=False, name=None))
    for (group, *effects), value in exact["vcov"].items():
        key = (group_key(group), *sorted(map(coefficient_key, effects)))
        # a covariance may be near zero: its scale is the two standard deviations
        variances = [exact["vcov"][group, e, e] for e in effects]
        scale = (variances[0] * variances[1]) ** 0.5
        # on the boundary the scale is zero, and so must be the variance, exactly
        assert mine[key][0] == pytest.approx(value, rel=0, abs=RTOL * scale)


def test_exact_t_statistic():
    res = fit(EXACT["sleepstudy_reml"])
    tvalues = coefficients(res.tvalues)
    assert tvalues["Days"] == pytest.approx(SLEEPSTUDY_T_DAYS[0], rel=RTOL)
