"""Rows by level of one grouping factor, with leading axes."""

from __future__ import annotations

import numpy as np
from scipy import sparse


class GroupRows:
    """Products of rows with the block of Z that belongs to one factor.

    Leading axes of the arguments are points at which a criterion is wanted.

    Parameters
    ----------
    codes : ndarray of int, shape (n,)
        Level of each row.
    columns : sequence of ndarray, shape (n,), or float
        Columns of z; a constant one may be given as a number.
    m : int
        Number of levels.
    """

    def __init__(self, codes, columns, m):
        self.codes, self.columns, self.m = codes, columns, m
        self.k = len(columns)
        n = len(codes)
        ones = np.ones(n)
        self._indicator = sparse.csr_array((ones, codes, np.arange(n + 1)), (n, m))

    @classmethod
    def of(cls, rows, f):
        """The rows of a `RowProducts` by level of its factor f."""
        c = rows._coordinates
        return cls(rows.codes[f], c.columns[f], c.levels[f])

    def total(self, values):
        """Sums over the rows of each level, (..., n) to (..., m)."""
        flat = values.reshape(-1, values.shape[-1]) @ self._indicator
        return flat.reshape(*values.shape[:-1], self.m)

    def collect(self, values):
        """``Z' values``, (..., n) to (..., m, k)."""
        sums = [
            column * self.total(values)
            if np.ndim(column) == 0
            else self.total(column * values)
            for column in self.columns
        ]
        return np.stack(sums, axis=-1)

    def spread(self, b):
        """``Z b``, (..., m, k) to (..., n)."""
        return sum(
            column * b[..., a].take(self.codes, axis=-1)
            for a, column in enumerate(self.columns)
        )

    def gram(self, w):
        """``sum w z z'`` of each level, (..., n) to (..., m, k, k)."""
        return np.stack([self.collect(w * column) for column in self.columns], axis=-1)

    def quadratic(self, g):
        """``z' g z`` of each row for one matrix a level, (..., m, k, k) to (..., n)."""
        return sum(
            column * self.spread(g[..., a]) for a, column in enumerate(self.columns)
        )
