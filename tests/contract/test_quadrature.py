"""Adaptive Gauss-Hermite criteria against Laplace, differences and exact values."""

from functools import cache

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

import statsmodels_mixed as smm
from statsmodels_mixed import families
from statsmodels_mixed.core import (
    LaplaceObjective,
    NestedQuadratureObjective,
    QuadratureObjective,
    quadrature_objective,
)
from statsmodels_mixed.core.grids import gauss_hermite
from statsmodels_mixed.core.levelrule import inverse_root
from statsmodels_mixed.errors import DataError

FAMILIES = {
    "logit": (families.Binomial(), "binary"),
    "probit": (families.Binomial("probit"), "binary"),
    "cloglog": (families.Binomial("cloglog"), "binary"),
    "cauchit": (families.Binomial("cauchit"), "binary"),  # not log-concave
    "poisson": (families.Poisson(), "count"),
    "gamma": (families.Gamma("log"), "positive"),
    "negative binomial": (families.NegativeBinomial(), "count"),
}
ONE_FACTOR = ["(1|g)", "(0+x|g)", "(x|g)", "(1|g) + (0+x|g)", "(x+v|g)"]
NESTED = ["(1|h/g)", "(0+x|h) + (1|g)"]


@cache
def frame():
    rng = np.random.default_rng(3)
    n, m = 200, 40
    g = np.r_[np.arange(m), rng.integers(0, m, n - m)]
    x, v = rng.standard_normal((2, n))
    eta = 0.3 + 0.5 * x + 0.6 * rng.standard_normal(8)[g // 5]
    eta += 0.7 * rng.standard_normal(m)[g]
    return pd.DataFrame(
        {
            "g": g,
            "h": g // 5,
            "c": rng.integers(0, 10, n),
            "x": x,
            "v": v,
            "binary": rng.binomial(1, 1 / (1 + np.exp(-eta))),
            "count": rng.poisson(np.exp(0.5 * eta)),
            "positive": rng.gamma(2.0, np.exp(0.5 * eta) / 2),
        }
    )


@cache
def engine(random, name="logit"):
    family, response = FAMILIES[name]
    return smm.GLMM.from_formula(f"{response} ~ x + {random}", frame(), family).engine


def arguments(model):
    zeta = np.nan if model.family.dispersion_name else 0.0
    return model.rows, model.likelihood, model.offset, model.layout, zeta


def objective(model, nodes):
    return quadrature_objective(*arguments(model), nodes)


def unit_start(model):
    """Relative covariances of one, everything else zero."""
    theta = model.layout.from_covariances(
        [np.eye(s.k) for s in model.layout.structures]
    )
    dispersion = [0.0] if model.family.dispersion_name else []
    return np.concatenate([theta, dispersion, np.zeros(model.rows.rank)])


def somewhere(model):
    """A point like those an optimiser visits."""
    x = unit_start(model)
    x += 0.3 * np.random.default_rng(len(x)).standard_normal(len(x))
    in_units = np.ones(len(x), dtype=bool)  # of eta, as all but a dispersion are
    in_units[model.layout.n_par : len(x) - model.rows.rank] = False
    return np.where(in_units, x / model.rows.unit, x)


def differences(criterion, x, h=1e-4):
    out = np.empty(len(x))
    for j in range(len(x)):
        ends = []
        for sign in (1.0, -1.0):
            trial = x.copy()
            trial[j] += sign * h
            ends.append(criterion.evaluate(trial, derivatives=False).value)
        out[j] = (ends[0] - ends[1]) / (2 * h)
    return out


# ---- rules -----------------------------------------------------------------------


@pytest.mark.parametrize("k", [1, 2, 3])
@pytest.mark.parametrize("count", [1, 3, 8, 15])
def test_product_rule_integrates_polynomials(count, k):
    nodes, weights = gauss_hermite(count, k)
    assert weights.sum() == pytest.approx(1.0, abs=1e-11)
    assert_allclose(weights @ nodes, 0.0, atol=1e-14)
    if count > 2:
        assert_allclose(nodes.T @ (weights[:, None] * nodes), np.eye(k), atol=1e-9)
        assert (weights * nodes[:, 0] ** 4).sum() == pytest.approx(3.0, abs=1e-8)


def test_nodes_left_out_are_beyond_the_ends_of_the_axes():
    for count in (15, 40):
        kept, _ = gauss_hermite(count, 2)
        longest = gauss_hermite(count, 1)[0].max()
        assert len(kept) < count**2
        lengths = np.sqrt((kept**2).sum(axis=1))
        assert lengths.max() >= longest
        x = gauss_hermite(count, 1)[0][:, 0]
        grid = np.array([(a, b) for a in x for b in x])
        outside = {tuple(node) for node in grid} - {tuple(node) for node in kept}
        assert min(np.hypot(*node) for node in outside) > longest


def test_inverse_root():
    rng = np.random.default_rng(0)
    a = rng.standard_normal((5, 3, 4))
    h = a @ np.swapaxes(a, -1, -2) + np.eye(3)
    expected = np.swapaxes(np.linalg.inv(np.linalg.cholesky(h)), -1, -2)
    assert_allclose(inverse_root(h), expected, rtol=1e-12, atol=1e-13)
    assert np.isnan(inverse_root(np.diag([1.0, -1.0]))).any()


# ---- one grouping factor ---------------------------------------------------------


@pytest.mark.parametrize("random", ONE_FACTOR)
@pytest.mark.parametrize("name", FAMILIES)
def test_one_node_is_laplace(random, name):
    model = engine(random, name)
    x = somewhere(model)
    *start, zeta = arguments(model)
    laplace = LaplaceObjective(*start, zeta=zeta)
    laplace.tolerance = QuadratureObjective.tolerance
    expected = laplace.evaluate(x)
    found = QuadratureObjective(*start, 1, zeta).evaluate(x)
    assert found.value == pytest.approx(expected.value, rel=1e-13)
    # largest gap seen: 3e-10, of a mode that is not log-concave
    scale = np.abs(expected.gradient).max()
    assert_allclose(found.gradient, expected.gradient, rtol=0, atol=1e-8 * scale)
    for a, b in zip(
        found.covariance_gradient, expected.covariance_gradient, strict=True
    ):
        assert_allclose(a, b, rtol=0, atol=1e-7 * np.abs(b).max())


@pytest.mark.parametrize("random", ONE_FACTOR)
@pytest.mark.parametrize("name", FAMILIES)
def test_gradient_is_that_of_the_rule(random, name):
    """Few nodes, where the rule is far from the integral it stands for."""
    model = engine(random, name)
    criterion, x = objective(model, 3), somewhere(model)
    expected = differences(criterion, x)
    # largest gap seen: 6e-8, that of the differences
    atol = 1e-6 * np.abs(expected).max()
    assert_allclose(criterion.evaluate(x).gradient, expected, rtol=0, atol=atol)


def test_value_is_that_of_the_integral():
    model = engine("(x|g)")
    x = somewhere(model)
    values = [objective(model, count).evaluate(x).value for count in (7, 11, 25, 30)]
    assert_allclose(values[0], values[-1], rtol=0, atol=2e-3)
    assert_allclose(values[1], values[-1], rtol=0, atol=5e-5)
    assert_allclose(values[2], values[-1], rtol=0, atol=1e-7)


def test_chunks_of_nodes_do_not_matter(monkeypatch):
    model = engine("(x|g)", "negative binomial")
    x = somewhere(model)
    whole = objective(model, 5).evaluate(x)
    monkeypatch.setattr("statsmodels_mixed.core.levelrule.CHUNK", 1)
    single = objective(model, 5).evaluate(x)
    assert single.value == pytest.approx(whole.value, rel=1e-14)
    assert_allclose(single.gradient, whole.gradient, rtol=1e-10, atol=1e-10)


# ---- nested factors --------------------------------------------------------------


@pytest.mark.parametrize("random", NESTED)
@pytest.mark.parametrize("name", FAMILIES)
def test_gradient_of_nested_rules(random, name):
    model = engine(random, name)
    criterion, x = objective(model, (3, 4)), somewhere(model)
    assert isinstance(criterion, NestedQuadratureObjective)
    expected = differences(criterion, x)
    # largest gap seen: 2e-8
    atol = 1e-6 * np.abs(expected).max()
    assert_allclose(criterion.evaluate(x).gradient, expected, rtol=0, atol=atol)


def test_nested_integral_against_brute_force():
    """Sums over a fine grid of both effects."""
    model = engine("(1|h/g)")
    x = somewhere(model)
    # the factor with fewer levels is the outer one
    order = np.argsort([codes.max() for codes in model.rows.codes])
    (h, g), n = (model.rows.codes[f] for f in order), model.rows.nobs
    scale_h, scale_g = (model.layout.matrices(x)[f][0, 0] for f in order)
    column = model.rows.maps[0][0, 0]  # of the intercepts, in their coordinates
    grid = np.linspace(-6.0, 6.0, 121)
    density = np.exp(-0.5 * grid**2) / np.sqrt(2 * np.pi) * (grid[1] - grid[0])
    effects = column * (scale_h * grid[:, None] + scale_g * grid)
    fixed = model.rows.exog @ x[model.layout.n_par :]
    logs = model.likelihood.value(fixed + effects[..., None].reshape(-1, 1))
    logs = logs.reshape(*effects.shape, n)
    parent = np.array([h[g == j][0] for j in range(g.max() + 1)])
    by_g = np.stack([logs[..., g == j].sum(axis=-1) for j in range(len(parent))])
    inner = np.log(np.exp(by_g) @ density)
    by_h = np.stack([inner[parent == c].sum(axis=0) for c in range(h.max() + 1)])
    total = np.log(np.exp(by_h) @ density).sum()
    value = objective(model, (15, 25)).evaluate(x).value
    assert value == pytest.approx(-2.0 * total, abs=1e-6)


@pytest.mark.parametrize(
    "family", [families.Poisson("sqrt"), families.Poisson("identity")]
)
def test_nested_where_some_effects_are_impossible(family):
    """An outer node may leave a mean positive at other inner effects only."""
    model = smm.GLMM.from_formula("count ~ x + (1|h/g)", frame(), family).engine
    x = np.concatenate([[0.2, 0.2], np.linalg.solve(model.rows.exog_map, [1.5, 0.1])])
    criterion = objective(model, (3, 4))
    criterion.start_from(np.zeros(model.rows.system.width), x[2:])
    expected = differences(criterion, x)
    atol = 1e-5 * np.abs(expected).max()
    assert_allclose(criterion.evaluate(x).gradient, expected, rtol=0, atol=atol)


def test_points_held_at_a_time_do_not_matter(monkeypatch):
    model = engine("(1|h/g)", "negative binomial")
    x = somewhere(model)
    whole = objective(model, (3, 4)).evaluate(x)
    monkeypatch.setattr("statsmodels_mixed.core.nestedrule.MANY", 1)
    single = objective(model, (3, 4)).evaluate(x)
    assert single.value == pytest.approx(whole.value, rel=1e-13)
    assert_allclose(single.gradient, whole.gradient, rtol=1e-9, atol=1e-9)


def test_nested_value_does_not_depend_on_where_searches_begin():
    model = engine("(1|h/g)")
    x = somewhere(model)
    fresh = objective(model, (3, 4)).evaluate(x)
    used = objective(model, (3, 4))
    used.evaluate(3.0 * x)
    again = used.evaluate(x)
    assert again.value == pytest.approx(fresh.value, rel=1e-13)
    assert_allclose(again.gradient, fresh.gradient, rtol=1e-9, atol=1e-9)


# ---- boundary --------------------------------------------------------------------


@pytest.mark.parametrize(
    "random, nodes, place",
    [("(1|g)", 7, 0), ("(x|g)", 7, 2), ("(1|h/g)", (3, 7), 0), ("(1|h/g)", (3, 7), 1)],
)
def test_derivative_in_a_variance_of_zero(random, nodes, place):
    model = engine(random)
    criterion, x = objective(model, nodes), somewhere(model)
    x[place] = 0.0

    def at(variance):
        trial = x.copy()
        trial[place] = np.sqrt(variance)
        return criterion.evaluate(trial, derivatives=False).value

    h = 1e-4  # forward differences of second order
    slope = (-3 * at(0.0) + 4 * at(h) - at(2 * h)) / (2 * h)
    found = criterion.evaluate(x)
    g = [m[-1, -1] for m in found.covariance_gradient]
    f = next(i for i, t in enumerate(model.layout.indices) if place in t)
    assert g[f] == pytest.approx(slope, rel=1e-3)
    assert abs(found.gradient[place]) < 1e-5 * abs(g[f])


# ---- which structures ------------------------------------------------------------


def test_one_node_is_laplace_for_every_structure():
    assert isinstance(objective(engine("(1|g) + (x|c)"), 1), LaplaceObjective)


@pytest.mark.parametrize(
    "random, nodes, words",
    [
        ("(1|g) + (1|c)", 5, "2 grouping factors"),
        ("(1|h) + (x|g)", 5, "a single effect"),
        ("(1|g) + (1|h) + (1|c)", 5, "3 grouping factors"),
        ("(x + v + I(x*v)|g)", 5, "4 effects"),
        ("(1|g)", 101, "nagq=100"),
        ("(x+v|g)", 28, "nagq=27"),
        ("(1|g)", (3, 5), "has 2 numbers"),
        ("(1|h/g)", (3, 5, 7), "has 3 numbers"),
    ],
)
def test_refusals_say_what_there_is(random, nodes, words):
    with pytest.raises(DataError, match=words):
        objective(engine(random), nodes)


def test_a_number_of_nodes_for_each_level():
    model = engine("(1|h/g)")
    x = somewhere(model)
    same = objective(model, 4).evaluate(x).value
    assert objective(model, (4, 4)).evaluate(x).value == same
    # the outer one comes first
    assert abs(objective(model, (2, 25)).evaluate(x).value - same) > 1e-4
