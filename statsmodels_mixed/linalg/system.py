"""The system ``H = Lambda' C Lambda + I`` for changing Lambda and a fixed C."""

from __future__ import annotations

import copy
from functools import cached_property

import numpy as np
from scipy import sparse

from .blocks import BlockGram
from .factorization import Factorization
from .plan import make_plan
from .schur import (
    FULL_GAIN,
    FULL_LIMIT,
    PAIR_LIMIT,
    FullProducts,
    LevelProducts,
    PairMap,
    count_pairs,
)
from .small import shared_product, stacked_product
from .tails import make_tail


class BlockSystem:
    """Blocked Gram matrix C, prepared for repeated factorisation of H.

    Parameters
    ----------
    gram : BlockGram

    Notes
    -----
    Vectors over all scalar columns are in *elimination order*; `slices` gives the
    place of each factor of `gram` in them.
    """

    def __init__(self, gram: BlockGram):
        self.plan = make_plan(gram)
        self.width = self.plan.width
        self.slices = self._factor_slices(gram)
        self._places = self._storage_places(gram)
        self._maps = self._pair_maps()
        self.tail = make_tail(self.plan.tail)
        self._load(gram)

    def with_gram(self, gram: BlockGram) -> BlockSystem:
        """The same system for other numbers in the same pattern.

        What depends on the pattern alone (order of elimination, places, lists of
        pairs, symbolic factorisation) is shared.
        """
        other = copy.copy(self)
        vars(other).pop("_matrices", None)
        other._load(gram)
        return other

    def _load(self, gram):
        """Put the numbers of a Gram matrix in their places."""
        self.gram = gram
        self.storage = np.zeros(self.plan.size)
        diagonals, couplings = self._places
        for (place, upper), block in zip(diagonals, gram.diagonals, strict=True):
            self.storage[place] = block[:, upper[0], upper[1]].ravel()
        for key, place in couplings.items():
            self.storage[place] = gram.couplings[key].data.ravel()
        self.tail = self.tail.rebind(self.storage)
        self._products = self._constant_products()

    @cached_property
    def _matrices(self):
        """Couplings of C itself, one sequence of matrices per step."""
        steps = self.plan.steps
        first = getattr(self._products, "full", None)
        return tuple(
            first
            if i == 0 and first is not None
            else self.coupling_matrices(step, self.storage[step.coupling])
            for i, step in enumerate(steps)
        )

    @property
    def batched(self):
        """Whether factors Lambda may carry leading axes (one factor, no tail)."""
        return len(self.plan.order) <= 1

    def factorize(self, factors) -> Factorization:
        """Factorise H for one factor matrix (k_t, k_t) per grouping factor."""
        return Factorization(self, factors)

    def _factor_slices(self, gram):
        starts, at = {}, 0
        for f in self.plan.order:
            starts[f] = slice(at, at + gram.widths[f])
            at = starts[f].stop
        return tuple(starts[f] for f in range(len(starts)))

    def _destination(self, row, col):
        """Storage places of entries (row, col) of the Gram matrix, row <= col."""
        place = np.full(len(row), -1)
        for step in self.plan.steps:
            mine = (row >= step.start) & (row < step.columns.stop)
            if not mine.any():
                continue
            level, a = np.divmod(row[mine] - step.start, step.k)
            other = col[mine]
            own = other < step.columns.stop
            b = other - step.start - level * step.k
            inside = step.diagonal.start + (level * step.k + a) * step.k + b
            keys = step.level * self.width + step.column
            entry = np.searchsorted(keys, level * self.width + other)
            coupled = step.coupling.start + entry * step.k + a
            place[mine] = np.where(own, inside, coupled)
        mine = row >= self.plan.tail.start
        base = self.plan.tail.start
        place[mine] = self.plan.tail.positions(row[mine] - base, col[mine] - base)
        return place

    def _storage_places(self, gram):
        """Where the numbers of a Gram matrix stand in the storage.

        Returns
        -------
        diagonals : list of (ndarray, tuple)
            Per factor, places of the upper triangles, and these triangles' indices.
        couplings : dict
            Key of the coupling to places of its entries.
        """
        diagonals, couplings = [], {}
        for f, (m, k) in enumerate(gram.sizes):
            first = self.slices[f].start + np.arange(m)[:, None] * k
            a, b = np.triu_indices(k)
            place = self._destination((first + a).ravel(), (first + b).ravel())
            diagonals.append((place, (a, b)))
        for (s, t), c in gram.couplings.items():
            k_s, k_t = c.data.shape[1:]
            row = self.slices[s].start + c.rows[:, None, None] * k_s
            row = row + np.arange(k_s)[:, None] + np.zeros(k_t, int)
            col = self.slices[t].start + c.cols[:, None, None] * k_t
            col = col + np.arange(k_t) + np.zeros((k_s, 1), int)
            row, col = np.minimum(row, col).ravel(), np.maximum(row, col).ravel()
            couplings[s, t] = self._destination(row, col)
        return diagonals, couplings

    def gram_shaped(self, bar):
        """Derivatives in the storage as derivatives in the Gram matrix's numbers.

        Parameters
        ----------
        bar : ndarray
            Derivative in each stored number.

        Returns
        -------
        diagonals : tuple of ndarray, shape (m, k, k)
            Symmetric: ``sum(diagonals * dC_ll)`` over full blocks.
        couplings : dict of ndarray, shape (pairs, k_s, k_t)
        """
        diagonals, places = [], self._places
        for (place, (a, b)), (m, k) in zip(places[0], self.gram.sizes, strict=True):
            block = np.empty((m, k, k))
            # one stored number stands for two entries of the symmetric block
            half = bar[place].reshape(m, -1) * np.where(a == b, 1.0, 0.5)
            block[:, a, b], block[:, b, a] = half, half
            diagonals.append(block)
        couplings = {
            key: bar[place].reshape(self.gram.couplings[key].data.shape)
            for key, place in places[1].items()
        }
        return tuple(diagonals), couplings

    def _pair_maps(self):
        """Per step the list of its products, None where they need none."""
        size = self.plan.size
        return tuple(
            None
            if not len(step.level) or (i == 0 and self._unlisted(step))
            else PairMap(step, self._destination, step.coupling.stop, size)
            for i, step in enumerate(self.plan.steps)
        )

    def _unlisted(self, step):
        """What forms the products of the first step without a list, if that is better.

        Only what goes into a dense tail can do without.
        """
        tail, listed = self.plan.tail, count_pairs(step.level)
        if len(self.plan.steps) > 1 or tail.rows is not None or not tail.width:
            return None
        numbers = float(step.m) * step.k * tail.width
        full = step.m * float(tail.width) ** 2 <= FULL_GAIN * listed
        if full and numbers <= FULL_LIMIT:
            return FullProducts
        return LevelProducts if listed * step.k**2 > PAIR_LIMIT else None

    def _constant_products(self):
        """Products of the first step: nothing was eliminated before it."""
        if not self.plan.steps or not len(self.plan.steps[0].level):
            return None
        step = self.plan.steps[0]
        b = self.storage[step.coupling].reshape(step.shape)
        if self._maps[0] is None:
            return self._unlisted(step)(step, self.plan.tail, b)
        return self._maps[0].bind(b)

    def matrices(self, i, storage):
        """Coupling matrices of step i as they stand in `storage`."""
        if i == 0:  # nothing was eliminated before: they are those of C
            return self._matrices[0]
        step = self.plan.steps[i]
        return self.coupling_matrices(step, storage[step.coupling])

    def products(self, i, storage):
        """Schur products of step i for the couplings as they stand in `storage`."""
        if i == 0:
            return self._products
        step = self.plan.steps[i]
        return self._maps[i].bind(storage[step.coupling].reshape(step.shape))

    def coupling_matrices(self, step, numbers):
        """Sparse matrix levels x later columns per varying effect of the step's factor.

        None for a factor that is coupled with nothing that is left.
        """
        if not len(step.level):
            return ()
        indptr = np.searchsorted(step.level, np.arange(step.m + 1))
        numbers, column = numbers.reshape(step.shape), step.column - step.after.start
        shape = step.m, self.width - step.after.start
        return [
            sparse.csr_matrix(
                (np.ascontiguousarray(numbers[:, c]), column, indptr), shape
            )
            for c in range(step.k)
        ]

    def per_level(self, u, matrices):
        """One (k_t, k_t) matrix per factor times each of its levels.

        Parameters
        ----------
        u : ndarray, shape (..., width, columns)
            In elimination order.
        matrices : sequence of ndarray, shape (..., k_t, k_t)
        """
        out = np.empty_like(u)
        for f, (m, k) in enumerate(self.gram.sizes):
            part = u[..., self.slices[f], :]
            blocks = part.reshape(*part.shape[:-2], m, k, part.shape[-1])
            result = shared_product(matrices[f], blocks)
            out[..., self.slices[f], :] = result.reshape(part.shape)
        return out

    def multiply(self, x):
        """``C x`` for a matrix x, shape (..., width, columns)."""
        out = np.zeros_like(x)
        for position, step in enumerate(self.plan.steps):
            own = x[..., step.columns, :]
            blocks = own.reshape(*own.shape[:-2], step.m, step.k, own.shape[-1])
            diagonal = self.gram.diagonals[step.factor]
            product = stacked_product(diagonal, blocks)
            out[..., step.columns, :] += product.reshape(own.shape)
            if not len(step.level):
                continue
            result = out[step.columns].reshape(step.m, step.k, -1)
            for c, b in enumerate(self._matrices[position]):
                result[:, c] += b @ x[step.after]
                out[step.after] += b.T @ np.ascontiguousarray(blocks[:, c])
        if self.plan.tail.width:
            last = slice(self.plan.tail.start, self.width)
            out[last] += self.tail.multiply(x[last])
        return out
