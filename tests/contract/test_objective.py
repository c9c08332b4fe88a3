"""The profiled deviance and its derivatives against their dense definitions."""

import hashlib
from functools import cache

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from reference.dense import numerical_gradient
from reference.designs import CASES, dense_z

from statsmodels_mixed.fitting import FitOptions

CRITERIA = pytest.mark.parametrize("reml", [False, True], ids=["ml", "reml"])
EVERY = pytest.mark.parametrize("name", CASES)


@cache
def model(name):
    return CASES[name].model()


def thetas(name, count=3):
    """Random points, the last with negative diagonals as an optimiser may try."""
    layout = model(name).layout
    rng = np.random.default_rng(len(name))
    out = rng.uniform(0.2, 1.5, (count, layout.n_par))
    out *= rng.choice([-1.0, 1.0], out.shape)
    out[0] = layout.canonical(out[0])
    return out


def digest(system):
    return hashlib.sha256(system.storage.tobytes()).hexdigest()


@EVERY
@CRITERIA
def test_deviance_is_the_dense_one(name, reml):
    objective = model(name).objective(reml)
    for theta in thetas(name):
        expected = CASES[name].dense_deviance(model(name), theta, reml)
        value = objective.evaluate(theta, derivatives=False).value
        # largest gap seen: 9e-16 relative
        assert_allclose(value, expected, rtol=1e-12)
        assert objective.evaluate(theta).value == pytest.approx(value, rel=1e-15)


@EVERY
@CRITERIA
def test_gradient_is_that_of_the_dense_deviance(name, reml):
    objective = model(name).objective(reml)
    for theta in thetas(name):
        expected = numerical_gradient(
            lambda t: CASES[name].dense_deviance(model(name), t, reml), theta, 1e-3
        )
        gradient = objective.evaluate(theta).gradient
        # largest gap seen: 3e-10, which is that of the differences
        scale = np.abs(expected).max()
        assert_allclose(gradient, expected, rtol=0, atol=1e-8 * scale)


@pytest.mark.parametrize(
    "name", ["one k=1", "one k=3", "crossed two slopes", "nested plus crossed"]
)
@CRITERIA
def test_gradient_at_zero_variance_is_the_limit_from_inside(name, reml):
    """In the variance, that is: the derivative in theta vanishes there."""
    objective, layout = model(name).objective(reml), model(name).layout
    theta = layout.canonical(thetas(name)[0])
    last = layout.slices[-1]
    theta[last] = 0.0
    size = layout.structures[-1].k
    f = next(i for i, t in enumerate(layout.factors) if len(layout.structures) - 1 in t)

    def at(cov):
        point = theta.copy()
        point[last] = layout.structures[-1].from_covariance(cov)
        return CASES[name].dense_deviance(model(name), point, reml)

    g = objective.evaluate(theta).covariance_gradient[f]
    for j in range(size):
        e = np.zeros((size, size))
        e[j, j] = 1.0
        h = 1e-4  # forward differences of second order
        slope = (-3 * at(0 * e) + 4 * at(h * e) - at(2 * h * e)) / (2 * h)
        assert_allclose(g[j, j], slope, rtol=2e-4, atol=1e-4)


def dense_pieces(name, theta):
    """V^-1, the projection P and y, from n x n matrices."""
    case = CASES[name]
    w = np.ones(len(case.y)) if case.weights is None else case.weights
    y = case.y - (0.0 if case.offset is None else case.offset)
    v = np.diag(1.0 / w)
    for z, codes, lam in case.dense_terms(model(name), theta):
        big = dense_z(codes, z @ lam)
        v += big @ big.T
    v_inverse = np.linalg.inv(v)
    p = v_inverse.copy()
    if case.X.shape[1]:
        vx = v_inverse @ case.X
        p -= vx @ np.linalg.solve(case.X.T @ vx, vx.T)
    return v_inverse, p, y


def dense_curvature(name, theta, reml):
    """``F'PF/s2 - aa'/(dof s2^2)`` plus ``2 tr(G dl_i dl_j')`` within each term."""
    case, m = CASES[name], model(name)
    v_inverse, p, y = dense_pieces(name, theta)
    dof = len(y) - (case.X.shape[1] if reml else 0)
    py = p @ y
    s2 = y @ py / dof
    middle = (p if reml else v_inverse) - np.outer(py, py) / s2
    columns, of_factors = [], np.zeros((m.layout.n_par, m.layout.n_par))
    for t, (codes, *_) in enumerate(case.terms):
        part, eye = m.layout.slices[t], np.eye(codes.max() + 1)
        big = dense_z(codes, case.effects(t) @ m.cross.maps[t])
        lam = m.layout.structures[t].factor(theta[part])
        d = m.layout.structures[t].factor_derivative(theta[part])
        for dl in d:
            d_sigma = dl @ lam.T + lam @ dl.T
            columns.append(big @ np.kron(eye, d_sigma) @ big.T @ py)
        k = len(lam)
        levels = (big.T @ middle @ big).reshape(len(eye), k, len(eye), k)
        g = np.einsum("lalb->ab", levels)
        of_factors[part, part] = 2.0 * np.einsum("ab,iac,jbc->ij", g, d, d)
    f = np.column_stack(columns)
    a = f.T @ py
    return of_factors + f.T @ p @ f / s2 - np.outer(a, a) / (dof * s2**2)


@EVERY
@CRITERIA
def test_curvature_is_average_information_and_that_of_the_factors(name, reml):
    objective, theta = model(name).objective(reml), thetas(name)[1]
    curvature = objective.evaluate(theta).curvature
    expected = dense_curvature(name, theta, reml)
    # largest gap seen: 4e-13
    assert_allclose(curvature, expected, rtol=0, atol=1e-11 * np.abs(expected).max())
    assert_allclose(curvature, curvature.T, rtol=0, atol=1e-13 * np.abs(expected).max())


@EVERY
@CRITERIA
def test_curvature_is_positive_definite_at_an_interior_optimum(name, reml):
    fit = model(name).fit(reml, FitOptions(tol=1e-12))
    assert not fit.singulars[0], "these designs have their optima inside"
    values = np.linalg.eigvalsh(fit.evaluation.curvature)
    assert values.min() > 1e-6 * values.max()
    # and so is the true Hessian, by differences of the exact gradient
    h = 1e-4
    theta, objective = fit.evaluation.x, fit.objective
    hessian = np.array(
        [
            (
                objective.evaluate(theta + h * e).gradient
                - objective.evaluate(theta - h * e).gradient
            )
            / (2 * h)
            for e in np.eye(len(theta))
        ]
    )
    assert np.linalg.eigvalsh((hessian + hessian.T) / 2).min() > 0


@EVERY
@CRITERIA
def test_estimates_at_theta_are_the_dense_ones(name, reml):
    """beta on the orthonormal columns, scale, log-determinants, and y'Py."""
    case, m, theta = CASES[name], model(name), thetas(name)[2]
    at = m.objective(reml).evaluate(theta)
    v_inverse, p, y = dense_pieces(name, theta)
    dof = len(y) - (case.X.shape[1] if reml else 0)
    response = m.objective(reml).response
    assert_allclose(at.r2 * response.unit**2, y @ p @ y, rtol=1e-10)
    assert_allclose(at.scale * response.unit**2, y @ p @ y / dof, rtol=1e-10)
    w = np.ones(len(y)) if case.weights is None else case.weights
    logdet = -np.linalg.slogdet(v_inverse)[1] + np.log(w).sum()
    assert_allclose(at.logdet, logdet, rtol=1e-10)
    basis = m.cross.basis
    q = basis.apply(case.X)
    assert_allclose(at.precision, q.T @ v_inverse @ q, rtol=0, atol=1e-12)
    total = response.coefficients + response.unit * at.beta
    expected = np.linalg.lstsq(q.T @ v_inverse @ q, q.T @ v_inverse @ y, rcond=None)[0]
    assert_allclose(total, expected, rtol=1e-9)


@EVERY
@CRITERIA
def test_evaluation_has_no_side_effects(name, reml):
    objective = model(name).objective(reml)
    first, second, third = thetas(name)
    before, given = digest(model(name).cross.system), first.copy()
    alone = objective.evaluate(first)
    objective.evaluate(second, derivatives=False)
    objective.evaluate(third)
    objective.with_response(objective.response).evaluate(second)
    again = model(name).objective(reml).evaluate(first)
    assert_array_equal(first, given)
    for field in ("value", "gradient", "curvature", "beta", "u", "precision"):
        assert_array_equal(getattr(alone, field), getattr(again, field))
    assert digest(model(name).cross.system) == before


@EVERY
def test_results_do_not_share_memory_with_later_ones(name):
    objective = model(name).objective(True)
    first, second, _ = thetas(name)
    at = objective.evaluate(first)
    kept = {f: np.array(getattr(at, f)) for f in ("gradient", "curvature", "u", "beta")}
    objective.evaluate(second)
    for field, values in kept.items():
        assert_array_equal(getattr(at, field), values)


@EVERY
@CRITERIA
def test_many_thetas_at_once_are_a_loop(name, reml):
    case, theta = CASES[name], thetas(name, 4)
    rng = np.random.default_rng(5)
    endog = case.y[:, None] + rng.standard_normal((len(case.y), 4))
    many = model(name).objective(reml, endog)
    assert many.n_replicates == 4
    at = many.evaluate(theta)
    for r in range(4):
        single = model(name).objective(reml, endog[:, r]).evaluate(theta[r])
        dense = case.dense_deviance(model(name), theta[r], reml, endog[:, r])
        assert_allclose(at.value[r], dense, rtol=1e-12)
        assert_allclose(many.select(r).evaluate(theta[r]).value, dense, rtol=1e-12)
        for field in ("value", "gradient", "curvature", "beta", "u", "r2", "scale"):
            one, other = getattr(at, field)[r], getattr(single, field)
            size = np.abs(other).max() if np.size(other) else 1.0
            assert_allclose(one, other, rtol=0, atol=1e-11 * size, err_msg=field)
        for one, other in zip(
            at.covariance_gradient, single.covariance_gradient, strict=True
        ):
            assert_allclose(one[r], other, rtol=0, atol=1e-11 * np.abs(other).max())
    picked = many.select(np.array([2, 0])).evaluate(theta[[2, 0]])
    assert_allclose(picked.value, at.value[[2, 0]], rtol=1e-14)


@CRITERIA
def test_a_model_without_random_terms_is_least_squares(reml):
    case = CASES["one k=1"]
    bare = type(case)(case.y, case.X, (), None, None)
    at = bare.model().objective(reml).evaluate(np.zeros(0))
    n, p = case.X.shape
    rss = np.linalg.lstsq(case.X, case.y, rcond=None)[1][0]
    dof = n - p if reml else n
    expected = dof * (1 + np.log(2 * np.pi * rss / dof))
    if reml:
        expected += np.linalg.slogdet(case.X.T @ case.X)[1]
    assert_allclose(at.value, expected, rtol=1e-12)
    assert at.gradient.shape == (0,)
