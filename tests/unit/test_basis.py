"""Orthonormal coordinates: rank, aliased columns, and columns of any unit."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from statsmodels_mixed.linalg import basis as module
from statsmodels_mixed.linalg import orthonormal_basis

N = 200


def columns(seed=0, p=3):
    return np.random.default_rng(seed).standard_normal((N, p))


def assert_orthonormal(matrix, basis, weights=None, tolerance=1e-12):
    q = basis.apply(matrix)
    w = np.ones(len(matrix)) if weights is None else weights
    gap = np.abs((q * w[:, None]).T @ q - np.eye(q.shape[1])).max(initial=0.0)
    assert gap < tolerance, gap
    return q


def spans(matrix, q, weights=None):
    """Whether every column of the matrix is a combination of q (relative 1e-7)."""
    w = np.ones(len(matrix)) if weights is None else weights
    rest = matrix - q @ ((q * w[:, None]).T @ matrix)
    return np.linalg.norm(rest, axis=0) <= 1e-7 * np.linalg.norm(matrix, axis=0)


@pytest.mark.parametrize("p", [1, 2, 5, 12])
@pytest.mark.parametrize("constant", [None, 0, -1, "middle"])
@pytest.mark.parametrize("weighted", [False, True])
def test_full_rank(p, constant, weighted):
    a = columns(p, p)
    at = {None: None, 0: 0, -1: p - 1, "middle": p // 2}[constant]
    if at is not None:
        a[:, at] = 2.5
    weights = np.random.default_rng(1).uniform(0.1, 5.0, N) if weighted else None
    basis = orthonormal_basis(a, weights)
    assert sorted(basis.kept) == list(range(p))
    q = assert_orthonormal(a, basis, weights)
    assert spans(a, q, weights).all()
    assert_allclose(a[:, basis.kept] @ basis.linear_map, q, atol=1e-12)
    assert_array_equal(basis.transform, np.triu(basis.transform))
    if at is None:
        assert basis.constant == -1
        assert not basis.shift.any()
    else:
        assert basis.kept[basis.constant] == at
        assert basis.constant == 0  # everything else is centred against it
        assert basis.shift[basis.constant] == 0.0
        assert basis.constant_value == 2.5


@pytest.mark.parametrize("where", [0, 1, 2, 3])
def test_a_constant_column_is_found_anywhere_and_absorbs_offsets(where):
    a = 1e9 + columns()
    a = np.insert(a, where, -3.0, axis=1)
    basis = orthonormal_basis(a)
    assert sorted(basis.kept) == [0, 1, 2, 3]
    # 1e9 leaves seven digits of the columns; these are all kept
    assert_orthonormal(a, basis)
    centred = a - a.mean(axis=0)
    expected = centred[:, [j for j in range(4) if j != where]]
    q = basis.apply(a)
    assert spans(expected, q).all()


def test_huge_offsets_do_not_hide_rank():
    """lm and lme4 call such columns collinear with the intercept."""
    x = np.arange(N) * 1e-3
    a = np.column_stack([np.ones(N), 1e9 + x, 2e9 + x**2])
    basis = orthonormal_basis(a)
    assert basis.kept.tolist() == [0, 1, 2]
    assert_orthonormal(a, basis)


@pytest.mark.parametrize("scale", [1e-150, 1e-8, 1.0, 1e8, 1e100])
def test_units_do_not_matter(scale):
    a = np.column_stack([np.ones(N), columns()])
    b = a * [1.0, scale, 1.0, 1.0 / scale]
    one, other = orthonormal_basis(a), orthonormal_basis(b)
    assert_array_equal(one.kept, other.kept)
    assert_allclose(other.apply(b), one.apply(a), atol=1e-12)


def test_aliased_columns_are_left_out():
    a = columns(p=5)
    a[:, 2] = a[:, 0] - 2.0 * a[:, 1]
    a[:, 4] = a[:, 3]
    basis = orthonormal_basis(a)
    assert basis.kept.tolist() == [0, 1, 3]
    q = assert_orthonormal(a, basis)
    assert spans(a, q).all()


def test_zero_columns_are_aliased():
    a = columns(p=3)
    a[:, 1] = 0.0
    assert orthonormal_basis(a).kept.tolist() == [0, 2]


def test_second_constant_is_aliased():
    a = np.column_stack([columns(p=1), np.full(N, 2.0), np.full(N, 7.0)])
    basis = orthonormal_basis(a)
    assert sorted(basis.kept) == [0, 1]
    assert basis.constant >= 0


def test_dummies_beside_an_intercept():
    codes = np.arange(N) % 4
    a = np.column_stack([np.ones(N), np.eye(4)[codes]])
    assert orthonormal_basis(a).kept.tolist() == [0, 1, 2, 3]
    # the intercept is kept wherever it stands; the last dummy goes
    assert sorted(orthonormal_basis(a[:, ::-1]).kept) == [0, 1, 2, 4]


def test_the_intercept_as_a_sum_is_no_constant_column():
    """Dummies of every level span the constant without holding one."""
    a = np.eye(4)[np.arange(N) % 4]
    basis = orthonormal_basis(a)
    assert basis.kept.tolist() == [0, 1, 2, 3]
    assert basis.constant == -1
    assert_orthonormal(a, basis)


@pytest.mark.parametrize("gap, rank", [(1e-4, 3), (1e-5, 3), (1e-8, 2), (1e-12, 2)])
def test_where_nearly_collinear_becomes_collinear(gap, rank):
    """The line is ALIAS_TOLERANCE, 1e-6 of the column's length."""
    a = np.column_stack([np.ones(N), columns(p=2)])
    unit = a[:, 1] / np.linalg.norm(a[:, 1]) * np.linalg.norm(a[:, 2])
    a[:, 2] = unit + gap * a[:, 2]
    basis = orthonormal_basis(a)
    assert len(basis.kept) == rank
    # a second pass is made beyond a condition of 1e6: 1e-16 * 1e6 at worst
    assert_orthonormal(a, basis, tolerance=1e-10)
    assert basis.kept.tolist() == list(range(rank))


def test_ill_conditioned_columns_are_orthonormal_all_the_same():
    """Raw powers: the condition 5e8 is squared in a Gram matrix."""
    x = np.linspace(1.0, 2.0, N)
    a = np.vander(x, 8, increasing=True)
    assert np.linalg.cond(a) > 1e8
    basis = orthonormal_basis(a)
    assert len(basis.kept) == 8
    q = assert_orthonormal(a, basis, tolerance=1e-9)
    assert spans(a, q).all()


def test_the_tolerance_is_an_argument():
    a = columns(p=2)
    a[:, 1] = a[:, 0] + 1e-3 * a[:, 1]
    assert len(orthonormal_basis(a).kept) == 2
    assert len(orthonormal_basis(a, tolerance=1e-2).kept) == 1


@pytest.mark.parametrize("n", [0, 5])
def test_no_columns(n):
    basis = orthonormal_basis(np.empty((n, 0)))
    assert len(basis.kept) == 0
    assert basis.apply(np.empty((n, 0))).shape == (n, 0)
    assert basis.linear_map.shape == (0, 0)
    assert basis.constant == -1


def test_more_columns_than_rows():
    a = columns(p=8)[:5]
    basis = orthonormal_basis(a)
    assert basis.kept.tolist() == [0, 1, 2, 3, 4]
    assert_orthonormal(a, basis, tolerance=1e-9)


def test_weight_two_is_a_repeated_row():
    a = np.column_stack([np.ones(N), 5.0 + columns()])
    weights = np.ones(N)
    weights[:50] = 2.0
    repeated = np.vstack([a, a[:50]])
    one, other = orthonormal_basis(a, weights), orthonormal_basis(repeated)
    assert_allclose(one.linear_map, other.linear_map, rtol=1e-10, atol=1e-13)


def test_rows_in_chunks_are_all_the_rows(monkeypatch):
    a = np.column_stack([np.ones(N), columns()])
    weights = np.random.default_rng(3).uniform(size=N)
    whole = orthonormal_basis(a, weights)
    monkeypatch.setattr(module, "ROWS_PER_CHUNK", 7)
    assert_allclose(orthonormal_basis(a, weights).linear_map, whole.linear_map)


def test_nearly_constant_is_not_constant():
    """Same first, middle and last value, and another one in between."""
    a = np.column_stack([np.ones(N), columns(p=1)])
    a[3, 0] = 1.5
    assert orthonormal_basis(a).constant == -1


@given(st.integers(0, 2**31), st.integers(2, 8), st.integers(1, 8), st.booleans())
@settings(max_examples=60, deadline=None)
def test_rank_of_random_products(seed, p, rank, with_constant):
    rng = np.random.default_rng(seed)
    rank = min(rank, p)
    a = rng.standard_normal((40, rank)) @ rng.integers(-2, 3, (rank, p))
    if with_constant:
        a[:, rng.integers(p)] = 4.0
    a = a * 10.0 ** rng.integers(-9, 10, p)
    true = np.linalg.matrix_rank(a / np.maximum(np.linalg.norm(a, axis=0), 1e-300))
    basis = orthonormal_basis(a)
    assert len(basis.kept) == true
    q = assert_orthonormal(a, basis, tolerance=1e-9)
    nonzero = np.linalg.norm(a, axis=0) > 0
    assert spans(a[:, nonzero], q).all()
