"""Directions in which columns vary within groups, and covariances they determine."""

from __future__ import annotations

import numpy as np

# Length left of a column, as a share, below which it is a combination of others.
TOLERANCE = 1e-9
# Smallest eigenvalue, as a share, of a map from covariances that can be inverted.
DETERMINED = 1e-9
MOST_EFFECTS = 40  # the map has their fourth power of elements
MOST_GROUPS = 2000


class WithinGroups:
    """Rows sorted by group, to orthogonalise columns within all groups at once.

    Parameters
    ----------
    codes : ndarray of int, shape (n,)
        Group of each row, each of 0, ..., m - 1 at least once.

    Examples
    --------
    >>> groups = WithinGroups(np.array([0, 0, 1, 1]))
    >>> basis = groups.extend([], np.ones((4, 1)))[0]
    >>> groups.extend(basis, np.array([[1.0], [2.0], [3.0], [3.0]]))[1]
    array([1, 0])
    """

    def __init__(self, codes):
        self._order = np.argsort(codes, kind="stable")
        self.sizes = np.bincount(codes)
        self._starts = np.append(0, np.cumsum(self.sizes)[:-1])
        self._group = codes[self._order]

    def extend(self, basis, block):
        """Add columns to orthonormal directions within each group.

        Parameters
        ----------
        basis : list of ndarray, shape (n,)
            Directions, rows sorted by group; zero in groups that lack one.
        block : ndarray, shape (n, k)
            Columns in the order of the data.

        Returns
        -------
        basis : list of ndarray
            With those the columns add.
        gains : ndarray of int, shape (m,)
            Number of directions they add in each group.
        """
        basis, gains = list(basis), np.zeros(len(self.sizes), dtype=np.intp)
        for column in block.T:
            rest = column[self._order]
            length = self._lengths(rest)
            for _ in range(2):  # once leaves rounding errors of what was taken out
                for direction in basis:
                    rest = rest - direction * self._sums(direction * rest)[self._group]
            left = self._lengths(rest)
            new = left > TOLERANCE * length
            if new.any():
                scale = np.where(new, 1.0 / np.where(new, left, 1.0), 0.0)
                basis.append(rest * scale[self._group])
                gains += new
        return basis, gains

    def grams(self, columns):
        """Cross-products of columns (n, k) within each group, shape (m, k, k)."""
        k = columns.shape[1]
        columns = columns[self._order]
        out = np.empty((len(self.sizes), k, k))
        for a in range(k):
            for b in range(a, k):
                product = self._sums(columns[:, a] * columns[:, b])
                out[:, a, b] = out[:, b, a] = product
        return out

    def _sums(self, values):
        return np.add.reduceat(values, self._starts)

    def _lengths(self, values):
        return np.sqrt(self._sums(values**2))


def determines_covariance(groups, columns, ranks):
    """Whether the covariances Z_j S Z_j' of all groups determine S.

    One group with independent columns is enough; otherwise groups must show every pair
    of effects together, as in incomplete blocks.

    Parameters
    ----------
    groups : WithinGroups
    columns : ndarray, shape (n, k)
    ranks : ndarray of int, shape (m,)
        Rank of the columns within each group.

    Returns
    -------
    bool
        False without a look where there are more than 40 effects of which no group
        shows all.
    """
    k = columns.shape[1]
    if ranks.max() == k:
        return True
    if k > MOST_EFFECTS:
        return False
    q, r = np.linalg.qr(columns)
    diagonal = np.abs(np.diag(r))
    if diagonal.min() <= TOLERANCE * diagonal.max():
        return False
    best = np.argsort(-ranks, kind="stable")[:MOST_GROUPS]
    grams = groups.grams(q)[best].reshape(len(best), k * k)
    # sum over groups of G (x) G acts on S; on symmetric S by its upper triangle
    both = (grams.T @ grams).reshape(k, k, k, k)
    both = 0.5 * (both.transpose(0, 2, 1, 3) + both.transpose(0, 2, 3, 1))
    first, second = np.triu_indices(k)
    upper = first * k + second
    quadratic = both.reshape(k * k, k * k)[np.ix_(upper, upper)]
    scale = np.sqrt(np.diag(quadratic))
    if scale.min() <= 0:
        return False
    values = np.linalg.eigvalsh(quadratic / np.outer(scale, scale))
    return bool(values[0] > DETERMINED * values[-1])
