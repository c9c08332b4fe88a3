"""Least squares within each level of a grouping factor, all levels at once."""

from __future__ import annotations

import numpy as np

# Squared length of a column about its mean in a level, relative to its squared length
# there, below which it does not vary: rounding leaves about 1e-32.
CONSTANT = 1e-22
# smallest eigenvalue of the correlations of columns below which they are collinear
COLLINEAR = 1e-10


class LevelRegressions:
    """Regressions on the same columns within each level.

    Parameters
    ----------
    columns : ndarray, shape (n, k)
    codes : ndarray of int, shape (n,)
        Level of each row.
    n_levels : int
    weights : ndarray, shape (n,), optional
        Prior weights.

    Attributes
    ----------
    determined : ndarray of bool, shape (m,)
        Levels in which the columns are linearly independent.
    counts : ndarray of int, shape (m,)
        Rows of each level.

    Notes
    -----
    Cross-products of columns that are centred in their level, where one of them is
    constant, and of length 1; the residuals are regressed once more, so that little is
    lost by not factorising the columns themselves.
    """

    def __init__(self, columns, codes, n_levels, weights=None):
        self._codes, self._m, self._weights = codes, n_levels, weights
        self.counts = np.bincount(codes, minlength=n_levels)
        self._columns, self._maps, varies = self._coordinates(columns)
        gram = self._products(self._columns)
        smallest = np.linalg.eigvalsh(gram)[:, 0] if columns.shape[1] else np.ones(1)
        self.determined = varies & (smallest > COLLINEAR)
        gram[~self.determined] = np.eye(columns.shape[1])
        self._inverse = np.linalg.inv(gram)

    def _sums(self, values):
        weighted = values if self._weights is None else values * self._weights
        return np.bincount(self._codes, weighted, self._m)

    def _coordinates(self, columns):
        """Columns of length 1, the maps back (m, k, k), and which levels have them."""
        k = columns.shape[1]
        ones = [j for j in range(k) if columns[0, j] and np.ptp(columns[:, j]) == 0.0]
        maps = np.zeros((self._m, k, k))
        out, varies = np.empty_like(columns), np.ones(self._m, dtype=bool)
        total = self._sums(np.ones(len(columns)))
        for j in range(k):
            column, size = columns[:, j], self._sums(columns[:, j] ** 2)
            mean = np.zeros(self._m)
            if ones and j != ones[0]:
                mean = self._sums(column) / total
                column = column - mean[self._codes]
                more = self._sums(column) / total  # what rounding left of the mean
                column, mean = column - more[self._codes], mean + more
            square = self._sums(column**2)
            there = square > CONSTANT * size
            varies &= there
            scale = 1.0 / np.sqrt(np.where(there, square, 1.0))
            out[:, j] = column * scale[self._codes]
            maps[:, j, j] = scale
            if ones and j != ones[0]:
                maps[:, ones[0], j] = -mean * scale / columns[0, ones[0]]
        return out, maps, varies

    def _products(self, others):
        if self._weights is not None:
            others = others * self._weights[:, None]
        return level_products(self._columns, others, self._codes, self._m)

    def regress(self, values):
        """Regress on the columns within each level.

        Parameters
        ----------
        values : ndarray, shape (n, r)

        Returns
        -------
        coefficients : ndarray, shape (m, k, r)
            NaN in the levels that are not `determined`.
        residuals : ndarray, shape (n, r)
            Likewise.
        """
        rest, total = np.array(values, dtype=float), 0.0
        for _ in range(2):
            change = self._inverse @ self._products(rest)
            rest -= np.einsum("ik,ikr->ir", self._columns, change[self._codes])
            total = total + change
        coefficients = self._maps @ total
        coefficients[~self.determined] = np.nan
        rest[~self.determined[self._codes]] = np.nan
        return coefficients, rest

    def inverse(self):
        """``(Z'WZ)^-1`` of each level, (m, k, k), NaN where it is not determined."""
        out = self._maps @ self._inverse @ np.swapaxes(self._maps, -1, -2)
        out[~self.determined] = np.nan
        return out

    def squares(self, residuals):
        """Weighted sum of squares of residuals (n,) in each level, (m,)."""
        return self._sums(residuals**2)


def level_products(left, right, codes, n_levels):
    """``sum x_a y_b`` over the rows of each level, (m, k, r).

    Parameters
    ----------
    left, right : ndarray, shape (n, k) and (n, r)
    codes : ndarray of int, shape (n,)
    n_levels : int
    """
    out = np.empty((n_levels, left.shape[1], right.shape[1]))
    for a, x in enumerate(left.T):
        for b, y in enumerate(right.T):
            out[:, a, b] = np.bincount(codes, x * y, n_levels)
    return out
