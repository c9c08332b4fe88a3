"""Well-conditioned coordinates for the columns of a matrix.

Cross-products square the condition number. Before they are formed, columns are
centred (where a constant column allows it), scaled, and orthonormalised, so the
result does not depend on the units a user happened to choose.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.linalg import lapack

ROWS_PER_CHUNK = 16384
# A column whose residual on its predecessors is below this share of its own
# (centred) length is aliased. R's lm.fit uses 1e-7 on a QR factor; a Gram matrix
# in double precision cannot tell less than about 3e-7 from rounding.
ALIAS_TOLERANCE = 1e-6
# Grams with a larger condition number than this are formed once more in the
# coordinates of the first pass (CholeskyQR2).
WELL_CONDITIONED = 1e6


@dataclass(frozen=True)
class Basis:
    """Coordinates in which columns are orthonormal: ``Q = (A[:, kept] - shift) T``.

    Attributes
    ----------
    kept : ndarray of int
        Columns that are not aliased with earlier ones.
    shift : ndarray, shape (r,)
        Subtracted from the kept columns; nonzero only where a constant column
        stands among them, whose own shift is zero.
    transform : ndarray, shape (r, r)
        Upper triangular T.
    constant : int
        Position of the constant column among the kept ones, -1 if none.
    """

    kept: np.ndarray
    shift: np.ndarray
    transform: np.ndarray
    constant: int
    constant_value: float = 1.0

    @property
    def linear_map(self):
        """The (r, r) matrix L with ``Q = A[:, kept] L``, the shift included."""
        centring = np.eye(len(self.kept))
        if self.constant >= 0:
            centring[self.constant] -= self.shift / self.constant_value
        return centring @ self.transform

    def apply(self, rows):
        """Coordinates of some rows of the matrix, shape (n, r)."""
        return (rows[:, self.kept] - self.shift) @ self.transform


def chunks(n):
    """Slices that cover ``range(n)``, short enough to stay in the cache."""
    return [slice(i, min(i + ROWS_PER_CHUNK, n)) for i in range(0, n, ROWS_PER_CHUNK)]


def _gram(matrix, basis, weights):
    out = np.zeros((len(basis.kept),) * 2)
    for rows in chunks(len(matrix)):
        q = basis.apply(matrix[rows])
        out += q.T @ (q if weights is None else q * weights[rows, None])
    return out


def _moments(matrix, weights):
    """Weighted column means and the first column that is constant (or -1)."""
    # not np.average, which would multiply the whole matrix by the weights
    w = np.ones(len(matrix)) if weights is None else weights
    mean = w @ matrix / w.sum()
    first = matrix[0]
    candidates = np.flatnonzero(
        (first != 0) & (matrix[-1] == first) & (matrix[len(matrix) // 2] == first)
    )
    for j in candidates:
        if (matrix[:, j] == first[j]).all():
            return mean, j
    return mean, -1


def _pivoted_cholesky(gram, tolerance):
    """Cholesky factor in the given order of columns; aliased columns are skipped."""
    kept, factor = [], np.zeros_like(gram)
    for j in range(len(gram)):
        rows = factor[: len(kept), :]
        column = gram[kept, j]
        if kept:
            column = lapack.dtrtrs(rows[:, kept], column, trans=1)[0]
        residual = gram[j, j] - column @ column
        if residual > tolerance**2 * gram[j, j]:
            factor[: len(kept), j] = column
            factor[len(kept), j] = np.sqrt(residual)
            kept.append(j)
    return np.array(kept, dtype=int), factor[: len(kept)][:, kept]


def orthonormal_basis(matrix, weights=None, tolerance=ALIAS_TOLERANCE):
    """Find coordinates in which the columns of a matrix are orthonormal.

    Parameters
    ----------
    matrix : ndarray, shape (n, p)
    weights : ndarray, shape (n,), optional
        Orthonormality holds for ``Q' W Q = I``.
    tolerance : float
        Relative residual length under which a column counts as aliased.

    Returns
    -------
    Basis
        Columns that depend linearly on earlier ones are left out of ``kept``.

    Notes
    -----
    Cholesky QR, repeated in the new coordinates until these are well conditioned
    (CholeskyQR2: Yamamoto, Nakatsukasa, Yanagisawa, Fukaya 2015, ETNA 44, 306-326).

    Examples
    --------
    >>> import numpy as np
    >>> a = np.column_stack([np.ones(4), 1e9 + np.arange(4), 2e9 + 2 * np.arange(4)])
    >>> basis = orthonormal_basis(a)
    >>> basis.kept.tolist(), np.round(basis.apply(a).T @ basis.apply(a), 12).tolist()
    ([0, 1], [[1.0, 0.0], [0.0, 1.0]])
    """
    p = matrix.shape[1]
    mean, constant = _moments(matrix, weights) if p else (np.zeros(0), -1)
    shift = mean.copy() if constant >= 0 else np.zeros(p)
    value = float(matrix[0, constant]) if constant >= 0 else 1.0
    if constant >= 0:
        shift[constant] = 0.0
    order = np.arange(p)
    if constant > 0:  # everything else is centred against it: it comes first
        order = np.r_[constant, np.delete(order, constant)]
    basis = Basis(order, shift[order], np.eye(p), -1, value)
    scale = np.sqrt(np.diag(_gram(matrix, basis, weights)))
    nonzero = scale > 0
    basis = Basis(
        order[nonzero], shift[order][nonzero], np.diag(1 / scale[nonzero]), -1, value
    )
    # columns are dropped in the first pass only: the later ones refine
    for bound in (tolerance, 0.0, 0.0):
        gram = _gram(matrix, basis, weights)
        kept, factor = _pivoted_cholesky(gram, bound)
        condition = np.linalg.cond(factor) ** 2 if len(kept) else 1.0
        inverse = lapack.dtrtri(factor)[0] if len(kept) else factor
        basis = Basis(
            basis.kept[kept],
            basis.shift[kept],
            basis.transform[np.ix_(kept, kept)] @ inverse,
            -1,
            value,
        )
        if condition < WELL_CONDITIONED:
            break
    where = np.flatnonzero(basis.kept == constant)
    found = int(where[0]) if constant >= 0 and len(where) else -1
    return Basis(basis.kept, basis.shift, basis.transform, found, value)
