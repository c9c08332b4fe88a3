"""Sparse Cholesky factorisation with selected inverse, for one pattern many times.

The method is multifrontal (Duff and Reid 1983, ACM Trans. Math. Softw. 9, 302-325;
Liu 1992, SIAM Review 34, 82-109): every supernode gathers its entries and what its
children left over in a dense front, eliminates its pivots there and hands the rest
to its parent. Supernodes of one height of the tree are independent; those of
similar size are padded to one size and eliminated together, as a stack of
matrices, so that the Python steps grow with the height of the tree, not its size.

The inverse on the pattern runs down the same tree (Takahashi, Fagan and Chin 1973;
Erisman and Tinney 1975, Commun. ACM 18, 177-179; multifrontal form Campbell and
Davis 1995, Univ. of Florida TR-95-021): a front of the inverse needs the part of
its parent's front that they share and its own columns of the factor.
"""

from __future__ import annotations

from math import prod

import numpy as np
from numpy.linalg import LinAlgError
from scipy.linalg import blas, lapack

from .frontal_plan import FrontalPlan
from .symbolic import analyse


class _StackedFactor:
    """Columns of the factor for a stack of small fronts.

    Triangular solves become products with inverted diagonal blocks, which exist for
    stacks. Their error grows with the condition of one diagonal block of L, the
    square root of that of A, and diagonals are scaled to one beforehand.
    """

    def __init__(self, front, k, update):
        pivot = np.linalg.cholesky(front[:, :k, :k])
        self.logdet = 2.0 * np.log(np.einsum("gii->gi", pivot)).sum()
        self.inverted = 1.0 / pivot if k == 1 else np.linalg.inv(pivot)
        self.below = front[:, k:, :k] @ self.inverted.transpose(0, 2, 1)
        if update.size:
            product = self.below @ self.below.transpose(0, 2, 1)
            np.subtract(front[:, k:, k:], product, out=update)

    def forward(self, b):
        """Solve at the pivots, and what that takes off the rows below."""
        y = self.inverted @ b
        return y, self.below @ y

    def backward(self, y, x_below):
        """Solution at the pivots, given that at the rows below."""
        rest = y - self.below.transpose(0, 2, 1) @ x_below
        return self.inverted.transpose(0, 2, 1) @ rest

    def inverse(self, shared):
        """Fronts of the inverse, given their blocks below the pivots."""
        g, r, k = self.below.shape
        out = np.empty((g, k + r, k + r))
        scaled = self.below @ self.inverted
        cross = shared @ scaled
        out[:, :k, :k] = self.inverted.transpose(0, 2, 1) @ self.inverted
        out[:, :k, :k] += scaled.transpose(0, 2, 1) @ cross
        np.negative(cross, out=out[:, k:, :k])
        out[:, :k, k:] = out[:, k:, :k].transpose(0, 2, 1)
        out[:, k:, k:] = shared
        return out


class _LargeFactor:
    """Columns of the factor for one large front, by LAPACK.

    The rows below are held transposed: C order here is Fortran order there, and
    LAPACK overwrites them and the update in place.
    """

    def __init__(self, front, k, update):
        front = front[0]
        self.pivot, info = lapack.dpotrf(
            np.asfortranarray(front[:k, :k]), lower=1, clean=1, overwrite_a=1
        )
        if info:
            raise LinAlgError("Matrix is not positive definite")
        self.logdet = 2.0 * np.log(np.diagonal(self.pivot)).sum()
        transposed = np.ascontiguousarray(front[k:, :k]).T
        self.below_t = self._solve(transposed, overwrite_b=1)
        if update.size:
            update[0] = front[k:, k:]
            # The upper triangle of the transpose is the lower one of the update.
            blas.dsyrk(
                -1.0, self.below_t, 1.0, update[0].T, trans=1, lower=0, overwrite_c=1
            )

    def _solve(self, b, **options):
        if not b.size:
            return b
        return blas.dtrsm(1.0, self.pivot, b, lower=1, **options)

    def forward(self, b):
        """Solve at the pivots, and what that takes off the rows below."""
        y = self._solve(b[0])
        return y[None], (self.below_t.T @ y)[None]

    def backward(self, y, x_below):
        """Solution at the pivots, given that at the rows below."""
        return self._solve(y[0] - self.below_t @ x_below[0], trans_a=1)[None]

    def inverse(self, shared):
        """The front of the inverse, given its block below the pivots."""
        k, r = self.below_t.shape
        out = np.empty((k + r, k + r))
        pivot, _ = lapack.dpotri(self.pivot, lower=1)
        lower = np.tril(pivot)
        out[:k, :k] = lower + np.tril(lower, -1).T
        if r:
            scaled_t = self._solve(self.below_t, trans_a=1)
            cross_t = scaled_t @ shared[0]
            out[:k, :k] += cross_t @ scaled_t.T
            np.negative(cross_t, out=out[:k, k:])
            out[k:, :k] = out[:k, k:].T
            out[k:, k:] = shared[0]
        return out[None]


class SymbolicCholesky:
    """Everything about a factorisation that depends on the pattern alone.

    Parameters
    ----------
    n : int
        Order of the matrix.
    rows, cols : array_like of int
        The upper triangle with the whole diagonal, ``rows <= cols``, each pair once.

    Attributes
    ----------
    n : int
    fill : int
        Entries of the factor, diagonal included, without the zeros that merged
        supernodes store.
    n_supernodes, n_batches : int
        Fronts, and stacks of fronts (the steps of the loops in Python).
    flops : int
        Floating-point operations of the factorisation, without those on zeros.
    """

    def __init__(self, n, rows, cols):
        self.n = int(n)
        self.rows = np.asarray(rows, dtype=np.int64)
        self.cols = np.asarray(cols, dtype=np.int64)
        self.diagonal = np.flatnonzero(self.rows == self.cols)
        self._check_pattern()
        off = self.rows != self.cols
        nodes = analyse(self.n, self.rows[off], self.cols[off])
        self.order, self.fill, self.flops = nodes.order, nodes.fill, nodes.flops
        self.n_supernodes = len(nodes.parent)
        plan = FrontalPlan(nodes, self.rows, self.cols)
        self.batches = plan.batches
        self.n_batches = len(self.batches)
        self.workspace_size, self.arena_size = plan.workspace_size, plan.arena_size

    def _check_pattern(self):
        rows, cols = self.rows, self.cols
        if (rows > cols).any():
            raise ValueError("The pattern must be that of an upper triangle.")
        diagonal = np.sort(rows[self.diagonal])
        if self.n < 1 or not np.array_equal(diagonal, np.arange(self.n)):
            raise ValueError("The pattern must hold every diagonal entry, once.")
        if rows.min() < 0 or cols.max() >= self.n:
            raise ValueError("The pattern has entries outside the matrix.")
        if (np.diff(np.sort(rows * self.n + cols)) == 0).any():
            raise ValueError("The pattern holds an entry twice.")

    def factor(self, values):
        """Numeric factorisation.

        Parameters
        ----------
        values : array_like, shape (nnz,)
            Entries at ``(rows, cols)``.

        Returns
        -------
        NumericCholesky

        Raises
        ------
        numpy.linalg.LinAlgError
            If the matrix is not positive definite in floating-point arithmetic.
        """
        return NumericCholesky(self, np.asarray(values, dtype=float))


class NumericCholesky:
    """Cholesky factor of one matrix; see `SymbolicCholesky.factor`.

    Attributes
    ----------
    logdet : float
        Logarithm of the determinant.
    """

    def __init__(self, symbolic, values):
        if values.shape != symbolic.rows.shape:
            raise ValueError("There must be one value for each entry of the pattern.")
        diagonal = np.empty(symbolic.n)
        diagonal[symbolic.rows[symbolic.diagonal]] = values[symbolic.diagonal]
        if not (np.isfinite(values).all() and (diagonal > 0).all()):
            raise LinAlgError("Matrix is not positive definite")
        self._symbolic = symbolic
        # Powers of two: the diagonal comes within 1/2..2 and nothing is rounded.
        self._scale = np.ldexp(1.0, -(np.frexp(diagonal)[1] // 2))
        nnz = len(values)
        workspace = np.empty(symbolic.workspace_size)
        workspace[:nnz] = values * self._scale[symbolic.rows]
        workspace[:nnz] *= self._scale[symbolic.cols]
        workspace[nnz] = 1.0
        self._factors = []
        for batch in symbolic.batches:
            front = batch.assemble(workspace)
            kind = _LargeFactor if batch.large else _StackedFactor
            self._factors.append(kind(front, batch.k, batch.update(workspace)))
        self.logdet = float(
            sum(f.logdet for f in self._factors) - 2.0 * np.log(self._scale).sum()
        )

    def solve(self, b):
        """Solution of ``A x = b``.

        Parameters
        ----------
        b : array_like, shape (n,) or (n, c)

        Returns
        -------
        ndarray
            Of the shape of `b`.
        """
        b = np.asarray(b, dtype=float)
        symbolic, scale = self._symbolic, self._scale[:, None]
        columns = b.reshape(symbolic.n, prod(b.shape[1:]))
        # One more row: padded pivots and rows read and write zeros there.
        x = np.zeros((symbolic.n + 1, columns.shape[1]))
        x[:-1] = (scale * columns)[symbolic.order]
        steps = list(zip(symbolic.batches, self._factors, strict=True))
        for batch, factor in steps:
            y, change = factor.forward(x[batch.pivots])
            x[batch.pivots] = y
            _subtract_at(x, batch.rows, change)
        for batch, factor in reversed(steps):
            x[batch.pivots] = factor.backward(x[batch.pivots], x[batch.rows])
        out = np.empty((symbolic.n, x.shape[1]))
        out[symbolic.order] = x[:-1]
        return (out * scale).reshape(b.shape)

    def inverse_on_pattern(self):
        """Entries of the inverse at the ``(rows, cols)`` of the pattern.

        With pivots 1, rows below 2 and ``W = L21 / L11``, the front of the inverse
        is ``Z21 = -Z22 W`` and ``Z11 = inv(L11 L11') - W' Z21``; Z22 is part of the
        parent's front.

        Returns
        -------
        ndarray, shape (nnz,)
        """
        symbolic = self._symbolic
        arena = np.empty(symbolic.arena_size)
        out = np.empty(len(symbolic.rows))
        steps = zip(symbolic.batches, self._factors, strict=True)
        for batch, factor in reversed(list(steps)):
            inverse = factor.inverse(batch.shared_inverse(arena)).ravel()
            if batch.inverse_at >= 0:
                arena[batch.inverse_at : batch.inverse_at + inverse.size] = inverse
            entries = slice(0, batch.n_entries)
            out[batch.source[entries]] = inverse[batch.target[entries]]
        return out * self._scale[symbolic.rows] * self._scale[symbolic.cols]


def _subtract_at(x, rows, change):
    """Subtract a stack of row blocks from x; a row may occur in several of them."""
    if not rows.size:
        return
    width = x.shape[1]
    index = rows.reshape(-1, 1) * width + np.arange(width)
    np.subtract.at(x.reshape(-1), index.ravel(), change.reshape(-1))
