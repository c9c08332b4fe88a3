"""The system ``H = Lambda' C Lambda + I`` for changing Lambda and a fixed C."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from .blocks import BlockGram
from .factorization import Factorization
from .plan import make_plan
from .schur import PAIR_LIMIT, LevelProducts, PairMap, count_pairs
from .small import stacked_product
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
        self.gram = gram
        self.plan = make_plan(gram)
        self.width = self.plan.width
        self.slices = self._factor_slices()
        self.storage = np.zeros(self.plan.size)
        self._fill_storage()
        self.tail = make_tail(self.plan.tail, self.storage)
        self._matrices = tuple(
            self.coupling_matrices(step, self.storage[step.coupling])
            for step in self.plan.steps
        )
        self._maps, self._products = self._pair_maps(), self._constant_products()

    @property
    def batched(self):
        """Whether factors Lambda may carry leading axes (one factor, no tail)."""
        return len(self.plan.order) <= 1

    def factorize(self, factors) -> Factorization:
        """Factorise H for one factor matrix (k_t, k_t) per grouping factor."""
        return Factorization(self, factors)

    def _factor_slices(self):
        starts, at = {}, 0
        for f in self.plan.order:
            starts[f] = slice(at, at + self.gram.widths[f])
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

    def _fill_storage(self):
        for f, (m, k) in enumerate(self.gram.sizes):
            lower = self.slices[f].start + np.arange(m)[:, None, None] * k
            a, b = np.triu_indices(k)
            row, col = (lower[:, 0] + a).ravel(), (lower[:, 0] + b).ravel()
            values = self.gram.diagonals[f][:, a, b].ravel()
            self.storage[self._destination(row, col)] = values
        for (s, t), c in self.gram.couplings.items():
            k_s, k_t = c.data.shape[1:]
            row = self.slices[s].start + c.rows[:, None, None] * k_s
            row = row + np.arange(k_s)[:, None] + np.zeros(k_t, int)
            col = self.slices[t].start + c.cols[:, None, None] * k_t
            col = col + np.arange(k_t) + np.zeros((k_s, 1), int)
            row, col = np.minimum(row, col).ravel(), np.maximum(row, col).ravel()
            self.storage[self._destination(row, col)] = c.data.ravel()

    def _pair_maps(self):
        """One per step after the first, whose couplings change with Lambda."""
        later = (
            PairMap(step, self._destination, step.coupling.stop, self.plan.size)
            for step in self.plan.steps[1:]
        )
        return (None, *later)

    def _constant_products(self):
        """Products of the first step: nothing was eliminated before it."""
        if not self.plan.steps or not len(self.plan.steps[0].level):
            return None
        step, tail = self.plan.steps[0], self.plan.tail
        b = self.storage[step.coupling].reshape(step.shape)
        listed = count_pairs(step.level) * step.k**2
        if listed > PAIR_LIMIT and len(self.plan.steps) == 1 and tail.rows is None:
            return LevelProducts(step, tail, b)
        base, size = step.coupling.stop, self.plan.size
        return PairMap(step, self._destination, base, size).bind(b)

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
        """One (m, width) sparse matrix per varying effect of the step's factor.

        None for a factor that is coupled with nothing that is left.
        """
        if not len(step.level):
            return ()
        indptr = np.searchsorted(step.level, np.arange(step.m + 1))
        numbers = numbers.reshape(step.shape)
        return [
            sparse.csr_matrix(
                (np.ascontiguousarray(numbers[:, c]), step.column, indptr),
                (step.m, self.width),
            )
            for c in range(step.k)
        ]

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
                result[:, c] += b @ x
                out += b.T @ np.ascontiguousarray(blocks[:, c])
        if self.plan.tail.width:
            last = slice(self.plan.tail.start, self.width)
            out[last] += self.tail.multiply(x[last])
        return out
