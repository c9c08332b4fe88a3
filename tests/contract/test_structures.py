"""Every covariance structure of the registry keeps the contract."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from statsmodels_mixed.covariance import STRUCTURES

EFFECTS = ("Intercept", "Days", "Age", "Dose")
EVERY = pytest.mark.parametrize(
    "structure",
    [kind(k) for kind in STRUCTURES.values() for k in (1, 2, 3, 4)],
    ids=[f"{name} k={k}" for name in STRUCTURES for k in (1, 2, 3, 4)],
)
# of these every effect has a variance of its own
SEPARATE = pytest.mark.parametrize(
    "structure",
    [STRUCTURES[name](k) for name in ("us", "diag") for k in (1, 2, 3, 4)],
    ids=[f"{name} k={k}" for name in ("us", "diag") for k in (1, 2, 3, 4)],
)


def parameters(structure, count=6):
    """Points of every sign."""
    rng = np.random.default_rng(structure.n_par)
    return rng.standard_normal((count, structure.n_par)) * 1.5


def covariance(structure, par):
    lam = structure.factor(par)
    return lam @ np.swapaxes(lam, -1, -2)


@EVERY
def test_factor_is_lower_triangular_and_uses_every_parameter(structure):
    par = parameters(structure)[0]
    lam = structure.factor(par)
    assert lam.shape == (structure.k, structure.k)
    assert_array_equal(lam, np.tril(lam))
    for i in range(structure.n_par):
        other = par.copy()
        other[i] += 0.5
        assert not np.array_equal(structure.factor(other), lam)


@EVERY
def test_factor_derivative_is_that_of_the_factor(structure):
    h = 1e-6
    for par in parameters(structure):
        derivative = structure.factor_derivative(par)
        assert derivative.shape == (structure.n_par, structure.k, structure.k)
        for i, e in enumerate(np.eye(structure.n_par)):
            up, down = structure.factor(par + h * e), structure.factor(par - h * e)
            # differences of a linear map: 1e-10 seen
            assert_allclose(derivative[i], (up - down) / (2 * h), rtol=0, atol=1e-7)


@EVERY
def test_canonical_keeps_the_covariance(structure):
    for par in parameters(structure):
        canonical = structure.canonical(par)
        size = np.abs(covariance(structure, par)).max()
        assert_allclose(
            covariance(structure, canonical),
            covariance(structure, par),
            rtol=0,
            atol=1e-13 * size,
        )
        assert (np.diag(structure.factor(canonical)) >= 0).all()
        assert_allclose(structure.canonical(canonical), canonical, atol=1e-13 * size)


@EVERY
def test_canonical_does_not_depend_on_the_sign(structure):
    for par in parameters(structure):
        assert_allclose(structure.canonical(-par), structure.canonical(par))


@SEPARATE
def test_canonical_is_one_representative(structure):
    """Signs of the columns of lambda say nothing."""
    rng = np.random.default_rng(0)
    for par in parameters(structure):
        signs = rng.choice([-1.0, 1.0], structure.k)
        # flipping columns keeps the triangle: find its parameters by least squares
        design = structure.factor_derivative(par).reshape(structure.n_par, -1).T
        flipped = (structure.factor(par) * signs).ravel()
        other, gap = np.linalg.lstsq(design, flipped, rcond=None)[:2]
        assert (gap < 1e-20).all()
        assert_allclose(structure.canonical(other), structure.canonical(par))


@EVERY
def test_canonical_of_a_vanishing_diagonal(structure):
    """A zero pivot with something below it has no unique factor; the result has."""
    for par in parameters(structure):
        zeroed = par.copy()
        lam = structure.factor(par)
        first = np.flatnonzero(
            structure.factor_derivative(par)[:, 0, 0]
        )  # parameters that move the first pivot
        zeroed[first] = 0.0
        canonical = structure.canonical(zeroed)
        lam = structure.factor(canonical)
        assert (np.diag(lam) >= 0).all()
        assert_allclose(
            lam @ lam.T, covariance(structure, zeroed), rtol=0, atol=1e-12 * 10
        )
        # below an exact zero of the diagonal there is nothing left
        assert_array_equal(lam[:, np.diag(lam) == 0], 0.0)


@EVERY
def test_from_covariance_undoes_the_covariance(structure):
    for par in parameters(structure):
        found = structure.from_covariance(covariance(structure, par))
        assert_allclose(found, structure.canonical(par), rtol=1e-9, atol=1e-12)


@EVERY
def test_from_covariance_of_zero_is_exactly_zero(structure):
    par = structure.from_covariance(np.zeros((structure.k, structure.k)))
    assert_array_equal(par, np.zeros(structure.n_par))


@SEPARATE
def test_exact_zeros_of_a_variance_stay_exact(structure):
    """Effects without variance have rows of exact zeros in the factor."""
    k = structure.k
    for gone in range(k):
        par = structure.from_covariance(np.diag(np.arange(1.0, k + 1)))
        cov = covariance(structure, par)
        cov[gone], cov[:, gone] = 0.0, 0.0
        lam = structure.factor(structure.from_covariance(cov))
        assert_array_equal(lam[gone], 0.0)
        assert_array_equal(lam[:, gone], 0.0)
        assert_allclose(lam @ lam.T, cov, rtol=1e-14, atol=0)


@pytest.mark.parametrize("k, rank", [(2, 1), (3, 1), (3, 2), (4, 1), (4, 2), (4, 3)])
def test_unstructured_singular_covariance_has_an_exact_zero(k, rank):
    """Rank deficient without any zero variance, as a correlation of one."""
    structure = STRUCTURES["us"](k)
    rng = np.random.default_rng(k)
    for _ in range(20):
        half = rng.integers(1, 4, (k, rank)).astype(float)
        cov = half @ half.T
        lam = structure.factor(structure.from_covariance(cov))
        assert_allclose(lam @ lam.T, cov, rtol=0, atol=1e-12 * cov.max())
        true_rank = np.linalg.matrix_rank(half)
        assert (np.diag(lam) == 0).sum() == k - true_rank


@EVERY
def test_from_covariance_of_any_matrix_is_in_the_structure(structure):
    """The closest one: the total variance survives in every structure."""
    rng = np.random.default_rng(structure.k)
    half = rng.standard_normal((structure.k, structure.k))
    cov = half @ half.T
    found = covariance(structure, structure.from_covariance(cov))
    assert_allclose(np.trace(found), np.trace(cov), rtol=1e-12)


@SEPARATE
def test_from_covariance_of_any_matrix_keeps_the_variances(structure):
    rng = np.random.default_rng(structure.k)
    half = rng.standard_normal((structure.k, structure.k))
    cov = half @ half.T
    found = covariance(structure, structure.from_covariance(cov))
    assert_allclose(np.diag(found), np.diag(cov), rtol=1e-12)


@EVERY
def test_names_one_per_parameter(structure):
    names = structure.names(EFFECTS[: structure.k])
    assert len(names) == structure.n_par == len(set(names))
    assert names[0] == "Intercept"


def test_names_are_those_of_lme4():
    assert STRUCTURES["us"](3).names(("a", "b", "c")) == [
        "a",
        "b.a",
        "c.a",
        "b",
        "c.b",
        "c",
    ]
    assert STRUCTURES["diag"](3).names(("a", "b", "c")) == ["a", "b", "c"]


def test_one_name_for_a_shared_variance():
    assert STRUCTURES["homdiag"](3).names(("a", "b", "c")) == ["a"]


@SEPARATE
def test_names_are_at_the_places_they_name(structure):
    """``b.a`` is what moves lambda[b, a], ``a`` what moves lambda[a, a]."""
    effects = EFFECTS[: structure.k]
    derivative = structure.factor_derivative(parameters(structure)[0])
    for name, d in zip(structure.names(effects), derivative, strict=True):
        row, _, column = name.partition(".")
        assert d[effects.index(row), effects.index(column or row)] == 1.0
        assert np.count_nonzero(d) == 1


@EVERY
def test_coordinates_keep_the_structure(structure):
    """A covariance of the structure is one of the structure in new coordinates."""
    rng = np.random.default_rng(structure.k)
    k = structure.k
    linear = np.triu(rng.standard_normal((k, k))) + 2 * np.eye(k)
    lengths = rng.uniform(0.5, 4.0, k)
    change = structure.coordinates(linear, lengths)
    assert change.shape == (k, k)
    assert np.linalg.cond(change) < 1e6
    inverse = np.linalg.inv(change)
    for par in parameters(structure):
        cov = covariance(structure, par)
        inside = inverse @ cov @ inverse.T
        kept = covariance(structure, structure.from_covariance(inside))
        assert_allclose(kept, inside, rtol=0, atol=1e-11 * np.abs(inside).max())


def in_coordinates(structure):
    rng = np.random.default_rng(structure.k)
    z = rng.standard_normal((50, structure.k)) * 10.0 ** np.arange(structure.k)
    r = np.linalg.qr(z / np.sqrt(len(z)), mode="r")
    linear = np.linalg.inv(r)
    lengths = np.sqrt((z**2).mean(axis=0))
    return z @ structure.coordinates(linear, lengths)


@EVERY
def test_coordinates_bring_the_columns_to_length_one_on_average(structure):
    assert_allclose((in_coordinates(structure) ** 2).mean(), 1.0, rtol=1e-10)


@SEPARATE
def test_coordinates_bring_the_columns_to_length_one(structure):
    new = in_coordinates(structure)
    assert_allclose((new**2).mean(axis=0), 1.0, rtol=1e-10)


@EVERY
@pytest.mark.parametrize("lead", [(5,), (2, 3), (0,)])
def test_leading_axes_are_replicates(structure, lead):
    rng = np.random.default_rng(1)
    par = rng.standard_normal((*lead, structure.n_par))
    k = structure.k
    lam, canonical = structure.factor(par), structure.canonical(par)
    assert lam.shape == (*lead, k, k)
    assert canonical.shape == par.shape
    cov = lam @ np.swapaxes(lam, -1, -2)
    back = structure.from_covariance(cov)
    assert back.shape == par.shape
    d = np.broadcast_to(
        structure.factor_derivative(par), (*lead, structure.n_par, k, k)
    )
    for i in np.ndindex(lead):
        assert_array_equal(lam[i], structure.factor(par[i]))
        assert_allclose(canonical[i], structure.canonical(par[i]), rtol=1e-12)
        assert_allclose(back[i], structure.from_covariance(cov[i]), rtol=1e-12)
        assert_array_equal(d[i], structure.factor_derivative(par[i]))


@EVERY
def test_one_replicate_at_the_boundary_does_not_disturb_the_others(structure):
    par = parameters(structure, 3)
    alone = [structure.canonical(p) for p in par]
    mixed = np.vstack([par, np.zeros((1, structure.n_par))])
    together = structure.canonical(mixed)
    for one, other in zip(alone, together, strict=False):
        assert_allclose(other, one, rtol=1e-9, atol=1e-12)
    assert_array_equal(together[-1], 0.0)


@EVERY
def test_arguments_are_not_modified(structure):
    par = parameters(structure)
    cov = covariance(structure, par)
    kept = par.copy(), cov.copy()
    structure.canonical(par)
    structure.factor(par)
    structure.from_covariance(cov)
    assert_array_equal(par, kept[0])
    assert_array_equal(cov, kept[1])
