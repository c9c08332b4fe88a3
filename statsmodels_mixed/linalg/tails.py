"""The part of H that is factorised as one matrix: none, dense, or sparse.

One interface: ``factorize(storage, factors)`` gives an object with ``logdet``,
``solve(rhs)`` and ``derivatives(bar)``; ``rebind(storage)`` takes new numbers of C,
and ``multiply(x)`` applies the tail of C.
"""

from __future__ import annotations

import copy

import numpy as np
from scipy import sparse
from scipy.linalg import blas, lapack

from .small import symmetric_part
from .supernodal import SymbolicCholesky


def make_tail(plan):
    """The tail that suits the plan, without numbers."""
    if plan.width == 0:
        return NoTail()
    return DenseTail(plan) if plan.rows is None else SparseTail(plan)


class NoTail:
    """Nothing is left after the elimination."""

    logdet = 0.0

    def rebind(self, storage):
        """There are no numbers."""
        return self

    def factorize(self, storage, factors):
        """There is nothing to factorise."""
        return self

    def derivatives(self, bar):
        """No factors, no derivatives."""
        return []


def _slices(sizes):
    at = 0
    for m, k in sizes:
        yield slice(at, at + m * k), m, k
        at += m * k


def _symmetrize(a, block=256):
    """Copy the upper triangle of a square array to its lower one, in place."""
    for i in range(0, len(a), block):
        j = min(i + block, len(a))
        corner = a[i:j, i:j]
        corner[...] = np.triu(corner) + np.triu(corner, 1).T
        a[j:, i:j] = a[i:j, j:].T
    return a


def _scale_rows(a, plan, factors, out=None):
    """``Lambda' a``; factors act on the levels of their slice. `out` may be `a`."""
    out = np.empty_like(a) if out is None else out
    for (part, m, k), factor in zip(_slices(plan.sizes), factors, strict=True):
        if k == 1:
            np.multiply(a[part], factor[0, 0], out=out[part])
        else:
            blocks = a[part].reshape(m, k, -1)
            out[part] = np.matmul(factor.T, blocks).reshape(m * k, -1)
    return out


def _scale_columns(a, plan, factors, out=None):
    """``a Lambda``; `out` may be `a`."""
    out = np.empty_like(a) if out is None else out
    for (part, m, k), factor in zip(_slices(plan.sizes), factors, strict=True):
        if k == 1:
            np.multiply(a[:, part], factor[0, 0], out=out[:, part])
        else:
            blocks = a[:, part].reshape(-1, m, k)
            out[:, part] = np.matmul(blocks, factor).reshape(-1, m * k)
    return out


class DenseTail:
    """Tail kept as a full square of which the upper triangle counts."""

    def __init__(self, plan):
        self.plan = plan

    def rebind(self, storage):
        """The same tail for other numbers."""
        other, width = copy.copy(self), self.plan.width
        other._constant = storage[self.plan.storage].reshape(width, width)
        return other

    def multiply(self, x):
        """Product of the tail of C with the columns of x."""
        a = self._constant.T  # its lower triangle, in Fortran order
        return blas.dsymm(1.0, a, np.asfortranarray(x), lower=1)

    def factorize(self, storage, factors):
        """Cholesky factorisation of ``Lambda' K Lambda + I``."""
        return _DenseFactor(self.plan, storage, factors)


class _DenseFactor:
    def __init__(self, plan, storage, factors):
        self.plan, self.factors = plan, factors
        k = _symmetrize(storage[plan.storage].reshape(plan.width, plan.width))
        self._scaled = _scale_rows(k, plan, factors)
        # K is not needed again, so S takes its place
        s = _scale_columns(self._scaled, plan, factors, out=k)
        s[np.diag_indices_from(s)] += 1.0
        self._chol, info = lapack.dpotrf(s.T, lower=1, clean=0, overwrite_a=1)
        if info:
            raise np.linalg.LinAlgError(f"tail not positive definite ({info})")
        self.logdet = 2.0 * np.log(np.diagonal(self._chol)).sum()

    def solve(self, rhs):
        """``S^-1 Lambda' rhs``."""
        b = _scale_rows(rhs, self.plan, self.factors)
        return lapack.dpotrs(self._chol, b, lower=1)[0]

    def derivatives(self, bar):
        """Derivative of log|S| in each covariance, and level blocks of S^-1.

        Fills `bar`, the derivative in the storage.
        ``d log|S| = 2 tr(S^-1 Lambda' K dLambda)``: the level-diagonal blocks of
        that product need columns of S^-1 against columns of ``Lambda' K`` only.
        """
        inverse, _ = lapack.dpotri(self._chol, lower=1)
        s_inverse = _symmetrize(inverse.T)
        out = []
        parts = zip(_slices(self.plan.sizes), self.factors, strict=True)
        for (part, m, k), factor in parts:
            n = _level_blocks(s_inverse, self._scaled, part, k)
            g = symmetric_part(np.linalg.solve(factor.T, n))
            blocks = s_inverse[part, part].reshape(m, k, m, k)
            levels = np.arange(m)
            out.append((g, blocks[levels, :, levels]))
        transposed = [2.0 * f.T for f in self.factors]
        t = bar[self.plan.storage].reshape(s_inverse.shape)
        _scale_rows(s_inverse, self.plan, transposed, out=t)
        _scale_columns(t, self.plan, [f.T for f in self.factors], out=t)
        t[np.diag_indices_from(t)] *= 0.5
        return out


def _level_blocks(s_inverse, scaled, part, k):
    """``sum over levels of [S^-1 Lambda' K]_ll`` for one factor, (k, k)."""
    left, right = s_inverse[:, part], scaled[:, part]
    out = np.empty((k, k))
    for a, b in np.ndindex(k, k):
        out[a, b] = np.einsum("ij,ij->", left[:, a::k], right[:, b::k])
    return out


class SparseTail:
    """Tail with a sparse pattern, factorised by a supernodal Cholesky."""

    def __init__(self, plan):
        self.plan = plan
        self._symbolic = SymbolicCholesky(plan.width, plan.rows, plan.cols)

    def rebind(self, storage):
        """The same tail for other numbers; the symbolic factorisation is shared."""
        other, plan = copy.copy(self), self.plan
        other._upper = sparse.csr_matrix(
            (storage[plan.storage].copy(), (plan.rows, plan.cols)),
            (plan.width, plan.width),
        )
        return other

    def multiply(self, x):
        """Product of the tail of C with the columns of x."""
        upper = self._upper
        diagonal = upper.diagonal()[:, None]
        return upper @ x + upper.T @ x - diagonal * x

    def factorize(self, storage, factors):
        """Sparse Cholesky factorisation of ``Lambda' K Lambda + I``."""
        return _SparseFactor(self, storage, factors)


class _SparseFactor:
    def __init__(self, tail, storage, factors):
        self.plan, self._symbolic, self.factors = tail.plan, tail._symbolic, factors
        plan = self.plan
        upper = sparse.csr_matrix(
            (storage[plan.storage], (plan.rows, plan.cols)), (plan.width,) * 2
        )
        k = (upper + sparse.triu(upper, 1).T).tocsr()
        self._lam = self._block_factor(factors)
        self._scaled = (self._lam.T @ k).tocsr()
        s = (self._scaled @ self._lam + sparse.identity(plan.width)).tocsr()
        self._chol = self._symbolic.factor(_picked(s, plan))
        self.logdet = self._chol.logdet

    def _block_factor(self, factors):
        parts = [
            sparse.kron(sparse.identity(m), factor)
            for factor, (m, _) in zip(factors, self.plan.sizes, strict=True)
        ]
        return sparse.block_diag(parts, format="csr")

    def solve(self, rhs):
        """``S^-1 Lambda' rhs``."""
        return self._chol.solve(self._lam.T @ rhs)

    def derivatives(self, bar):
        """As for a dense tail, with the inverse on the pattern only."""
        plan = self.plan
        values = self._chol.inverse_on_pattern()
        upper = sparse.csr_matrix((values, (plan.rows, plan.cols)), (plan.width,) * 2)
        s_inverse = (upper + sparse.triu(upper, 1).T).tocsr()
        out = []
        scaled = self._scaled.T.tocsr()
        parts = zip(_slices(plan.sizes), self.factors, strict=True)
        for (part, _, k), factor in parts:
            left, right = s_inverse[part], scaled[part]
            n = np.array(
                [
                    [left[a::k].multiply(right[b::k]).sum() for b in range(k)]
                    for a in range(k)
                ]
            )
            blocks = np.empty((len(range(*part.indices(plan.width))) // k, k, k))
            own = s_inverse[part, part]
            for a, b in np.ndindex(k, k):
                blocks[:, a, b] = own[a::k, b::k].diagonal()
            out.append((symmetric_part(np.linalg.solve(factor.T, n)), blocks))
        t = (self._lam @ s_inverse @ self._lam.T).tocsr()
        picked = 2.0 * _picked(t, plan)
        picked[plan.rows == plan.cols] *= 0.5
        bar[plan.storage] = picked
        return out


def _picked(matrix, plan):
    """Entries of a sparse matrix on the pattern of the tail."""
    return np.asarray(matrix[plan.rows, plan.cols]).ravel()
