"""Schur complement of one eliminated factor: ``K - B' blkdiag(W) B`` and its adjoint.

The entries of the complement are linear in the blocks W, and quadratic in the
couplings B. A `PairMap` lists every product once, so an evaluation is one sparse
matrix-vector product and the gradient its transpose. Where that list would be too
long for memory, `LevelProducts` forms the same sums from sparse products.
"""

from __future__ import annotations

import itertools

import numpy as np
from scipy import sparse

from .small import stacked_product, symmetric_part

# Pairs of coupling entries beyond this are not listed: 12 bytes each (times k^2).
PAIR_LIMIT = 24_000_000
CHUNK = 1 << 16  # pairs worked on at a time while the list is made
# A matrix product does so many multiplications in the time of one product of a list,
# and a full array of couplings may have so many numbers.
FULL_GAIN, FULL_LIMIT = 16, 1 << 24
KEPT = 1 << 20  # up to this many pairs, their indices are kept (16 bytes each)


def _pair_chunks(level):
    """Index pairs (i, j), i <= j, of entries that share a level, piece by piece.

    Yields the pairs and their slice in the list of all; entries are sorted by
    level. Pieces stay small because fresh memory costs more than the arithmetic.
    """
    n = len(level)
    counts = np.searchsorted(level, level, side="right") - np.arange(n)
    ends = np.cumsum(counts)
    cuts = np.searchsorted(ends, np.arange(CHUNK, ends[-1] if n else 0, CHUNK))
    cuts = np.unique(np.concatenate([[0], cuts, [n]]))
    for first, last in itertools.pairwise(cuts):
        count = counts[first:last]
        i = np.repeat(np.arange(first, last), count)
        begin = ends[first] - counts[first]
        offset = np.repeat(ends[first:last] - count - begin, count)
        j = i + np.arange(len(i)) - offset
        yield i, j, slice(begin, begin + len(i))


def count_pairs(level):
    """Number of index pairs that `PairMap` would list."""
    degree = np.bincount(level).astype(float) if len(level) else np.zeros(1)
    return float((degree * (degree + 1) / 2).sum())


class PairMap:
    """Explicit list of the products that make up a Schur complement.

    Parameters
    ----------
    step : Step
        The factor eliminated.
    destination : callable
        Places in the storage vector for arrays of scalar columns (row <= col).
    base : int
        Where the storage of later factors starts.
    size : int
        Length of the storage vector.
    """

    def __init__(self, step, destination, base, size):
        self.level = step.level
        total = int(count_pairs(step.level))
        self._kept = list(_pair_chunks(step.level)) if total <= KEPT else None
        self.place = np.empty(total, np.int32 if size < 2**31 else np.int64)
        for i, j, part in self.pairs():
            place = destination(step.column[i], step.column[j])
            self.place[part] = place - base
        # pairs come sorted by level, which is the order of a sparse matrix by rows
        degree = np.bincount(step.level, minlength=step.m)
        listed = np.concatenate([[0], np.cumsum(degree * (degree + 1) // 2)])
        self.indptr = listed.astype(self.place.dtype)
        self.shape = (step.m, size - base)
        self.target = slice(base, size)

    def pairs(self):
        """Index pairs of entries and their slices, piece by piece."""
        return _pair_chunks(self.level) if self._kept is None else self._kept

    def bind(self, b):
        """The products for given coupling numbers, shape (entries, k)."""
        return PairProducts(self, b)


class PairProducts:
    """A `PairMap` with its numbers."""

    def __init__(self, pairs, b):
        self._pairs, self._b = pairs, b
        keys = list(np.ndindex(b.shape[1], b.shape[1]))
        data = {key: np.empty(len(pairs.place)) for key in keys}
        for i, j, part in pairs.pairs():
            for c, d in keys:
                np.multiply(b[i, c], b[j, d], out=data[c, d][part])
        self._maps = {
            key: sparse.csr_matrix((data[key], pairs.place, pairs.indptr), pairs.shape)
            for key in keys
        }

    def subtract(self, w, storage):
        """``storage -= B' blkdiag(w) B`` (upper triangles)."""
        for (c, d), rows in self._maps.items():
            storage[self._pairs.target] -= rows.T @ np.ascontiguousarray(w[:, c, d])

    def adjoint(self, bar, shape):
        """Derivative of ``<bar, B' blkdiag(w) B>`` in w, not symmetrised."""
        out = np.empty(shape)
        for (c, d), rows in self._maps.items():
            out[:, c, d] = rows @ bar[self._pairs.target]
        return out

    def weighted_adjoint(self, bar, f):
        """``sum over levels of f_l P_l f_l'``, P the symmetrised `adjoint`."""
        return _weighted(self, bar, f)

    def couplings_adjoint(self, w, bar):
        """Derivative of ``<bar, B' blkdiag(w) B>`` in the coupling numbers."""
        pairs, b = self._pairs, self._b
        bar, out = bar[pairs.target], np.zeros_like(b)
        for i, j, part in pairs.pairs():
            weight, block = bar[pairs.place[part]], w[pairs.level[i]]
            for c, d in np.ndindex(b.shape[1], b.shape[1]):
                scaled = weight * block[:, c, d]
                out[:, c] += np.bincount(i, scaled * b[j, d], len(b))
                out[:, d] += np.bincount(j, scaled * b[i, c], len(b))
        return out


class FullProducts:
    """The same sums for a dense tail with which nearly every level is coupled.

    Parameters
    ----------
    step : Step
    tail : TailPlan
    b : ndarray, shape (entries, k)

    Attributes
    ----------
    full : ndarray, shape (k, m, width of the tail)
        Couplings with their zeros.
    """

    def __init__(self, step, tail, b):
        self._tail, self._step = tail, step
        self._column = step.column - tail.start
        self.full = np.zeros((b.shape[1], step.m, tail.width))
        self.full[:, step.level, self._column] = b.T

    def _square(self, values):
        return values[self._tail.storage].reshape((self._tail.width,) * 2)

    def _doubled(self, bar):
        """``U + U'`` for the upper triangle U of the square.

        The tail fills it symmetrically, and the diagonal counts once in U.
        """
        square = self._square(bar)
        return square + np.diag(square.diagonal())

    def subtract(self, w, storage):
        """``storage -= B' blkdiag(w) B`` (upper triangles)."""
        square = self._square(storage)
        for c, d in np.ndindex(*w.shape[1:]):
            square -= (self.full[c] * w[:, c, d, None]).T @ self.full[d]

    def adjoint(self, bar, shape):
        """Derivative of ``<bar, B' blkdiag(w) B>`` in w, not symmetrised."""
        product, out = self.full @ self._doubled(bar), np.empty(shape)
        for c, d in np.ndindex(*shape[1:]):
            out[:, c, d] = 0.5 * np.einsum("ij,ij->i", product[c], self.full[d])
        return out

    def weighted_adjoint(self, bar, f):
        """``sum over levels of f_l P_l f_l'``, P the symmetrised `adjoint`."""
        return _weighted(self, bar, f)

    def couplings_adjoint(self, w, bar):
        """Derivative of ``<bar, B' blkdiag(w) B>`` in the coupling numbers."""
        product = self.full @ self._doubled(bar)
        product = np.einsum("mcd,dmj->cmj", w, product)
        return product[:, self._step.level, self._column].T


def _weighted(products, bar, f):
    """``sum over levels of f_l P_l f_l'``."""
    p = symmetric_part(products.adjoint(bar, f.shape))
    product = stacked_product(stacked_product(f, p), np.swapaxes(f, -1, -2))
    return product.sum(axis=0)


class LevelProducts:
    """The same sums for a dense tail, without a list of pairs.

    Memory is that of the couplings and of the tail itself.
    """

    def __init__(self, step, tail, b):
        self._tail, self._step = tail, step
        index = (step.column - tail.start).astype(np.int32)
        indptr = np.searchsorted(step.level, np.arange(step.m + 1))
        self._index, shape = (index, indptr), (step.m, tail.width)
        self._rows = [
            sparse.csr_matrix((np.ascontiguousarray(column), index, indptr), shape)
            for column in b.T
        ]
        self._by_column = [rows.T.tocsr() for rows in self._rows]

    def _combined(self, blocks, c):
        """Row c of every level of ``blkdiag(blocks) B``, a sparse matrix."""
        return sum(
            rows.multiply(blocks[:, c, d][:, None]).tocsr()
            for d, rows in enumerate(self._rows)
        )

    def subtract(self, w, storage):
        """``storage -= B' blkdiag(w) B`` (upper triangles)."""
        width = self._tail.width
        square = storage[self._tail.storage].reshape(width, width)
        for c, left in enumerate(self._by_column):
            for part, product in _upper_products(left, self._combined(w, c)):
                square[part] -= product

    def weighted_adjoint(self, bar, f):
        """``sum over levels of f_l P_l f_l'``, P the symmetrised `adjoint`.

        Entry (a, b) is ``<T, (fB)_a' (fB)_b>``: a product of sparse matrices, much
        cheaper than every P_l.
        """
        width, k = self._tail.width, self._step.k
        square = bar[self._tail.storage].reshape(width, width)
        parts = [self._combined(f, c) for c in range(k)]
        out = np.zeros((k, k))
        for a, b in np.ndindex(k, k):
            for part, product in _upper_products(parts[a].T.tocsr(), parts[b]):
                out[a, b] += np.einsum("ij,ij->", np.triu(product), square[part])
        return symmetric_part(out)

    def adjoint(self, bar, shape):
        """Derivative of ``<bar, B' blkdiag(w) B>`` in w, not symmetrised.

        The tail fills its square with ``2 T - diag(T)``: right for the upper
        triangle alone, which is what is stored. Over the full square that counts
        ``2 B T B' - B diag(T) B'``, hence the second term.
        """
        width, k = self._tail.width, self._step.k
        square = bar[self._tail.storage].reshape(width, width)
        own = square.diagonal()
        out = np.zeros(shape)
        index, indptr = self._index
        for part in _row_parts(self._step.m):
            lo, hi = indptr[part.start], indptr[part.stop]
            level = self._step.level[lo:hi] - part.start
            for c in range(k):
                product = self._rows[c][part] @ square
                picked = product[level, index[lo:hi]]
                picked = 0.5 * (picked + self._rows[c].data[lo:hi] * own[index[lo:hi]])
                for d in range(k):
                    out[part, c, d] = np.bincount(
                        level,
                        picked * self._rows[d].data[lo:hi],
                        minlength=part.stop - part.start,
                    )
        return out

    def couplings_adjoint(self, w, bar):
        """Derivative of ``<bar, B' blkdiag(w) B>`` in the coupling numbers.

        ``W B (U + U')`` on the pattern of B, with U the upper triangle of the square.
        """
        width = self._tail.width
        square = bar[self._tail.storage].reshape(width, width)
        own = square.diagonal()
        out = np.empty(self._step.shape)
        index, indptr = self._index
        for c in range(self._step.k):
            combined = self._combined(w, c)
            for part in _row_parts(self._step.m):
                lo, hi = indptr[part.start], indptr[part.stop]
                level = self._step.level[lo:hi] - part.start
                picked = (combined[part] @ square)[level, index[lo:hi]]
                doubled = combined[self._step.level[lo:hi], index[lo:hi]]
                out[lo:hi, c] = picked + np.asarray(doubled).ravel() * own[index[lo:hi]]
        return out


def _upper_products(left, right):
    """Dense pieces of the upper triangle of ``left @ right``, with their places.

    A piece starts on the diagonal; what it holds below that is not meant.
    """
    for part in _row_parts(left.shape[0]):
        later = slice(part.start, right.shape[1])
        yield (part, later), (left[part] @ right[:, later]).toarray()


def _row_parts(n, rows=512):
    return [slice(i, min(i + rows, n)) for i in range(0, n, rows)]
