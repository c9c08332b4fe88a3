"""The package against exact maximum likelihood, by quadrature with enough nodes."""

import numpy as np
import pytest

import statsmodels_mixed as smm

from .compare import coefficients
from .loader import DERIVE, coefficient_key, group_key, table
from .truth_glmm import EXACT, IMMUNIZATION

SE_RTOL = 1e-4


def fit(exact):
    data = table(exact["data"]).copy()
    data = DERIVE[exact["derive"]](data) if "derive" in exact else data
    model = smm.glmm(exact["formula"], data, family=exact["family"])
    return model.fit(nagq=exact["nagq"])


def compare(res, exact):
    params, bse, atol = coefficients(res.params), coefficients(res.bse), exact["atol"]
    for name, value in exact["fixef"].items():
        assert params[coefficient_key(name)] == pytest.approx(value, rel=0, abs=atol)
    for name, value in exact["se"].items():
        assert bse[coefficient_key(name)] == pytest.approx(value, rel=SE_RTOL)
    covariances = {group_key(g): np.asarray(cov) for g, cov in res.cov_re.items()}
    assert len(covariances) == len(exact["factor"])
    for group, factor in exact["factor"].items():
        mine = np.linalg.cholesky(covariances[group_key(group)])
        np.testing.assert_allclose(mine, factor, rtol=0, atol=atol)


@pytest.mark.parametrize("name", list(EXACT))
def test_exact_maximum_likelihood(name):
    exact = EXACT[name]
    res = fit(exact)
    assert res.converged
    assert res.llf == pytest.approx(exact["loglik"], rel=0, abs=1e-6)
    compare(res, exact)


def test_three_levels_by_nested_quadrature():
    res = fit(IMMUNIZATION)
    assert res.converged
    assert res.llf == pytest.approx(IMMUNIZATION["loglik"], rel=0, abs=1e-3)
    compare(res, IMMUNIZATION)
