"""How conditional modes move with the parameters, and Hessians made of that."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

import statsmodels_mixed as smm
from statsmodels_mixed.core.modes import Tangent
from statsmodels_mixed.fitting import FitOptions

CASES = {
    "crossed": ("y ~ x + (x | g) + (1 | h)", "binomial"),
    "dispersion": ("w ~ x + (x | g)", smm.families.Gamma("log")),
    "nested": ("c ~ x + (1 | h / g)", "poisson"),
}


def engine(name):
    rng = np.random.default_rng(3)
    n = 240
    data = {"g": rng.integers(0, 12, n), "h": rng.integers(0, 5, n)}
    data["x"] = rng.standard_normal(n)
    eta = 0.4 * data["x"] + rng.standard_normal(12)[data["g"]] * 0.7
    data["y"] = (rng.random(n) < 1 / (1 + np.exp(-eta))).astype(float)
    data["w"], data["c"] = rng.gamma(3.0, np.exp(eta) / 3.0), rng.poisson(np.exp(eta))
    formula, family = CASES[name]
    return smm.glmm(formula, data, family=family).engine


def somewhere(model, nagq):
    """An objective, and parameters that are not the optimum."""
    objective = model.objective(nagq)
    start, beta = model.start(FitOptions())
    x = np.concatenate([start, beta])[: objective.n_par]
    objective.start_from(np.zeros(model.rows.system.width), beta)
    return objective, x + 0.1 * np.cos(np.arange(len(x)))


@pytest.mark.parametrize("nagq", [0, 1])
@pytest.mark.parametrize("name", CASES)
def test_the_tangent_is_the_derivative_of_the_mode(name, nagq):
    objective, x = somewhere(engine(name), nagq)
    objective.tolerance = 1e-24
    tangent = Tangent.of(objective.point(x), objective, x)
    step = 1e-5
    for j, move in enumerate(step * np.eye(len(x))):
        ends = [objective.point(x + sign * move) for sign in (1.0, -1.0)]
        du = (ends[0].u - ends[1].u) / (2 * step)
        assert_allclose(tangent.du[:, j], du, atol=1e-6 * np.abs(du).max())
        if nagq == 0:
            dbeta = (ends[0].beta - ends[1].beta) / (2 * step)
            assert_allclose(tangent.dbeta[:, j], dbeta, atol=1e-6)


@pytest.mark.parametrize(
    "name, nagq", [("crossed", 0), ("crossed", 1), ("dispersion", 7)]
)
def test_differences_do_not_see_the_error_of_the_tangent(name, nagq):
    objective, x = somewhere(engine(name), nagq)
    step = 5e-4
    for move in step * np.eye(len(x)):
        trials = [x + move, x - move]
        ahead, behind = objective.gradients_near(x, trials)
        exact = [objective.evaluate(t, curvature=False).gradient for t in trials]
        found, expected = ahead - behind, exact[0] - exact[1]
        assert_allclose(found, expected, atol=1e-5 * np.abs(expected).max())


def test_an_evaluation_does_not_depend_on_the_ones_before():
    objective, x = somewhere(engine("crossed"), 1)
    first = objective.evaluate(x)
    for other in (x + 0.3, x - 0.2, x + 1e-3):
        objective.evaluate(other)
    again = objective.evaluate(x)
    assert again.value == pytest.approx(first.value, abs=1e-9)
    assert_allclose(again.gradient, first.gradient, atol=1e-6)
