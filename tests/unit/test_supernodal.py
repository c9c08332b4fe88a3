"""Sparse Cholesky with selected inverse against dense NumPy."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from scipy.linalg import cho_factor, cho_solve

from statsmodels_mixed.linalg import frontal_plan, symbolic
from statsmodels_mixed.linalg.supernodal import SymbolicCholesky


def spd_with_pattern(mask, rng):
    """A diagonally dominant matrix with random numbers at the mask."""
    upper = np.triu(rng.normal(size=mask.shape) * mask, 1)
    a = upper + upper.T
    return a + np.diag(np.abs(a).sum(axis=1) + rng.uniform(0.01, 1.0, len(a)))


def pattern_of(mask):
    return np.nonzero(np.triu(mask | np.eye(len(mask), dtype=bool)))


def laplacian(n, edges, ridge):
    """Laplacian of a graph, plus a multiple of the identity."""
    i, j = edges
    w = sparse.coo_matrix((np.ones(len(i)), (i, j)), (n, n)).toarray()
    w = w + w.T
    return np.diag(w.sum(axis=1) + ridge) - w


def grid_edges(side):
    at = np.arange(side * side).reshape(side, side)
    start = np.r_[at[:-1].ravel(), at[:, :-1].ravel()]
    return start, np.r_[at[1:].ravel(), at[:, 1:].ravel()]


def local_edges(n, degree, far, rng):
    """Edges to near nodes on a ring, a share of them to any node."""
    i = rng.integers(0, n, n * degree // 2)
    j = (i + np.rint(rng.normal(0, 6, len(i))).astype(int)) % n
    away = rng.random(len(i)) < far
    j[away] = rng.integers(0, n, away.sum())
    return i[i != j], j[i != j]


def assert_matches_dense(symbolic_cholesky, a, tolerance):
    """Log-determinant, solutions and inverse, in units in which diag(A) is one.

    Returns the largest of the relative errors.
    """
    rows, cols = symbolic_cholesky.rows, symbolic_cholesky.cols
    factor = symbolic_cholesky.factor(a[rows, cols])
    unit = 1 / np.sqrt(np.diag(a))
    scaled = a * unit * unit[:, None]
    inverse = np.linalg.inv(scaled)
    logdet = np.linalg.slogdet(scaled)[1] - 2 * np.log(unit).sum()
    b = np.random.default_rng(len(a)).normal(size=(len(a), 3))
    expected = inverse @ (b * unit[:, None])
    x = factor.solve(b) / unit[:, None]
    z = factor.inverse_on_pattern() / (unit[rows] * unit[cols])
    size = np.sqrt(np.diag(inverse))
    errors = [
        abs(factor.logdet - logdet) / max(1.0, abs(logdet)),
        np.abs(x - expected).max() / np.abs(expected).max(),
        (np.abs(z - inverse[rows, cols]) / (size[rows] * size[cols])).max(),
    ]
    assert max(errors) < tolerance, errors
    return max(errors)


def masks_by_name(n):
    rng = np.random.default_rng(n)
    i, j = np.indices((n, n))
    arrow = (i >= n - 3) | (j >= n - 3)
    return {
        "diagonal": i == j,
        "arrow up": arrow[::-1, ::-1],
        "arrow down": arrow,
        "tridiagonal": np.abs(i - j) <= 1,
        "banded": np.abs(i - j) <= 5,
        "dense": np.ones((n, n), dtype=bool),
        "blocks": i // 7 == j // 7,
        "blocks and border": (i // 5 == j // 5) | arrow,
        "two components": (i < n // 2) == (j < n // 2),
        "sparse": rng.random((n, n)) < 2.0 / n,
    }


@pytest.fixture(params=["stacks", "mixed", "LAPACK"])
def front_sizes(request, monkeypatch):
    """Limits that send small test problems through every kind of front."""
    pivots, rows = {"stacks": (32, 128), "mixed": (3, 6), "LAPACK": (0, 0)}[
        request.param
    ]
    monkeypatch.setattr(frontal_plan, "STACKED_PIVOTS", pivots)
    monkeypatch.setattr(frontal_plan, "STACKED_ROWS", rows)
    monkeypatch.setattr(frontal_plan, "ROWS_AT_ONCE", 4)


@pytest.mark.parametrize("name", list(masks_by_name(3)))
@pytest.mark.parametrize("n", [1, 2, 9, 60])
def test_structured_patterns(name, n, front_sizes):
    mask = masks_by_name(n)[name]
    a = spd_with_pattern(mask | mask.T, np.random.default_rng(1))
    # Seen: 2e-15.
    assert_matches_dense(SymbolicCholesky(n, *pattern_of(mask | mask.T)), a, 1e-13)


@settings(max_examples=200, deadline=None)
@given(
    n=st.integers(1, 60),
    density=st.floats(0, 1),
    sizes=st.sampled_from([(32, 128), (2, 6), (0, 0)]),
    spread=st.sampled_from([0.0, 4.0]),
    seed=st.integers(0, 2**32 - 1),
)
def test_random_patterns(n, density, sizes, spread, seed):
    rng = np.random.default_rng(seed)
    # The cube favours sparse patterns, most of which are disconnected.
    mask = np.triu(rng.random((n, n)) < density**3)
    a = spd_with_pattern(mask, rng)
    unit = 10 ** rng.uniform(-spread, spread, n)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(frontal_plan, "STACKED_PIVOTS", sizes[0])
        patch.setattr(frontal_plan, "STACKED_ROWS", sizes[1])
        analysed = SymbolicCholesky(n, *pattern_of(mask))
    # Seen: 1e-14 in 2,000 draws; a draw may be worse conditioned than those.
    assert_matches_dense(analysed, a * unit * unit[:, None], 1e-12)


@pytest.mark.parametrize("relaxation", [((1 << 30, 0.0),), ((1 << 30, 0.9),)])
def test_merging_supernodes_changes_no_result(relaxation, monkeypatch, front_sizes):
    monkeypatch.setattr(symbolic, "RELAXATION", relaxation)
    a = laplacian(400, grid_edges(20), ridge=0.1)
    assert_matches_dense(SymbolicCholesky(400, *pattern_of(a != 0)), a, 1e-12)


@pytest.mark.parametrize(
    "edges",
    [
        grid_edges(30),
        local_edges(900, 10, 0.0, np.random.default_rng(2)),
        local_edges(900, 10, 0.1, np.random.default_rng(3)),
    ],
    ids=["grid", "local", "local and far"],
)
@pytest.mark.parametrize("ridge", [1.0, 1e-6])
def test_graph_laplacians(edges, ridge):
    a = laplacian(900, edges, ridge)
    # The condition number grows as 1 / ridge. Seen: 2e-15 and 4e-10.
    tolerance = 1e-14 / ridge
    assert_matches_dense(SymbolicCholesky(900, *pattern_of(a != 0)), a, tolerance)


def test_nearly_singular_laplacian_is_as_accurate_as_dense_cholesky(front_sizes):
    edges = local_edges(500, 6, 0.02, np.random.default_rng(4))
    a = laplacian(500, edges, ridge=1e-8)
    rows, cols = pattern_of(a != 0)
    b = np.random.default_rng(5).normal(size=500)
    x = SymbolicCholesky(500, rows, cols).factor(a[rows, cols]).solve(b)
    dense = cho_solve(cho_factor(a), b)
    # Condition number 2e9. Seen: 1.4 times the residual of LAPACK.
    assert np.abs(a @ x - b).max() < 4 * np.abs(a @ dense - b).max()


def test_one_analysis_serves_many_matrices():
    rng = np.random.default_rng(6)
    mask = rng.random((50, 50)) < 0.1
    mask = mask | mask.T
    analysed = SymbolicCholesky(50, *pattern_of(mask))
    matrices = [spd_with_pattern(mask, rng) for _ in range(3)]
    factors = [analysed.factor(a[analysed.rows, analysed.cols]) for a in matrices]
    for a, factor in zip(matrices, factors, strict=True):
        assert_matches_dense(analysed, a, 1e-12)
        assert_allclose(factor.logdet, np.linalg.slogdet(a)[1], rtol=1e-13)


def test_results_are_repeatable_and_arguments_untouched():
    a = laplacian(100, grid_edges(10), ridge=0.5)
    rows, cols = pattern_of(a != 0)
    values, b = a[rows, cols], np.ones((100, 2))
    kept = values.copy()
    factor = SymbolicCholesky(100, rows, cols).factor(values)
    first = factor.solve(b), factor.inverse_on_pattern()
    again = factor.solve(b), factor.inverse_on_pattern()
    assert_array_equal(first[0], again[0])
    assert_array_equal(first[1], again[1])
    assert_array_equal(values, kept)
    assert_array_equal(b, np.ones((100, 2)))


def test_solve_keeps_the_shape_of_the_right_hand_side(front_sizes):
    a = laplacian(49, grid_edges(7), ridge=0.5)
    rows, cols = pattern_of(a != 0)
    factor = SymbolicCholesky(49, rows, cols).factor(a[rows, cols])
    b = np.arange(98.0).reshape(49, 2)
    assert factor.solve(b).shape == (49, 2)
    assert factor.solve(b[:, :0]).shape == (49, 0)
    assert_allclose(factor.solve(b[:, 1]), factor.solve(b)[:, 1], rtol=1e-13)
    with pytest.raises(ValueError):
        factor.solve(np.ones(98))


def test_power_of_two_scaling_changes_no_digit():
    a = laplacian(100, grid_edges(10), ridge=0.5)
    unit = 4.0 ** np.random.default_rng(7).integers(-60, 60, 100)
    rows, cols = pattern_of(a != 0)
    analysed = SymbolicCholesky(100, rows, cols)
    plain = analysed.factor(a[rows, cols]).inverse_on_pattern()
    scaled = analysed.factor(a[rows, cols] * unit[rows] * unit[cols])
    assert_array_equal(scaled.inverse_on_pattern() * unit[rows] * unit[cols], plain)


@pytest.mark.parametrize(
    "change", [-1.0, np.nan, np.inf, 0.0], ids=["negative", "nan", "inf", "zero"]
)
def test_bad_diagonal_is_not_positive_definite(change):
    rows, cols = pattern_of(np.eye(4, dtype=bool))
    with pytest.raises(np.linalg.LinAlgError):
        SymbolicCholesky(4, rows, cols).factor([1.0, 2.0, change, 1.0])


def test_indefinite_matrix_is_refused_and_the_analysis_survives(front_sizes):
    a = laplacian(49, grid_edges(7), ridge=0.5)
    rows, cols = pattern_of(a != 0)
    analysed = SymbolicCholesky(49, rows, cols)
    with pytest.raises(np.linalg.LinAlgError):
        analysed.factor((a - np.eye(49))[rows, cols])
    assert_matches_dense(analysed, a, 1e-12)


@pytest.mark.parametrize(
    ("rows", "cols"),
    [
        ([0, 1, 1], [0, 0, 1]),
        ([0, 0], [0, 1]),
        ([0, 1, 1], [0, 1, 1]),
        ([0, 0, 0, 1], [0, 1, 1, 1]),
        ([0, 0, 1], [0, 2, 1]),
    ],
    ids=["lower", "no diagonal", "diagonal twice", "pair twice", "outside"],
)
def test_patterns_that_are_refused(rows, cols):
    with pytest.raises(ValueError, match="pattern"):
        SymbolicCholesky(2, rows, cols)


def test_a_wrong_number_of_values_is_refused():
    with pytest.raises(ValueError, match="one value"):
        SymbolicCholesky(2, [0, 1], [0, 1]).factor([1.0])


@pytest.mark.parametrize("seed", range(20))
def test_column_counts_and_structures_against_elimination(seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 50))
    mask = np.triu(rng.random((n, n)) < rng.uniform(0, 0.2), 1)
    nodes = symbolic.analyse(n, *np.nonzero(mask))
    filled = (mask | mask.T | np.eye(n, dtype=bool))[np.ix_(nodes.order, nodes.order)]
    for j in range(n):
        below = np.flatnonzero(filled[j + 1 :, j]) + j + 1
        filled[np.ix_(below, below)] = True
    assert nodes.fill == np.tril(filled).sum()
    assert nodes.flops == (np.tril(filled).sum(axis=0) ** 2).sum()
    for s, (start, stop) in enumerate(
        zip(nodes.first[:-1], nodes.first[1:], strict=True)
    ):
        rows = nodes.rows[nodes.row_start[s] : nodes.row_start[s + 1]]
        needed = np.flatnonzero(filled[stop:, start:stop].any(axis=1)) + stop
        assert set(needed) <= set(rows)
        assert (np.diff(rows) > 0).all()
        assert (nodes.parent[s] < 0) == (len(rows) == 0)


def test_dense_rows_go_last():
    n = 2000
    rows = np.r_[np.arange(1, n), np.arange(2, n)]
    cols = np.r_[np.zeros(n - 1, int), np.ones(n - 2, int)]
    order = symbolic.fill_reducing_order(n, rows, cols)
    assert set(order[-2:]) == {0, 1}
    assert (
        SymbolicCholesky(n, np.r_[cols, np.arange(n)], np.r_[rows, np.arange(n)]).fill
        == 3 * (n - 2) + 3
    )


def test_blocks_of_one_size_are_one_step():
    # The aim of the stacks: the number of steps does not grow with the matrix.
    i, j = np.triu_indices(20)
    at = 20 * np.arange(500)[:, None]
    rows, cols = (at + i).ravel(), (at + j).ravel()
    analysed = SymbolicCholesky(10_000, rows, cols)
    assert analysed.n_supernodes == 500
    assert analysed.n_batches == 1
    factor = analysed.factor(np.where(rows == cols, 21.0, 1.0))
    assert_allclose(factor.logdet, 500 * (19 * np.log(20) + np.log(40)), rtol=1e-14)
    inverse = np.linalg.inv(20 * np.eye(20) + 1)
    assert_allclose(
        factor.inverse_on_pattern(), np.tile(inverse[i, j], 500), rtol=1e-13
    )
