"""Rows against levels: what a criterion needs that visits every row.

For a response that is not Gaussian the weights change with every step, so
cross-products are formed anew; which levels meet in which rows does not change.
"""

from __future__ import annotations

import copy
from functools import cached_property

import numpy as np
from scipy import sparse

from ..linalg import BlockGram, BlockSystem
from ..linalg.basis import ROWS_PER_CHUNK, chunks
from .coordinates import Coordinates, gram, level_sums


class RowProducts:
    """Products of rows with Z and X of one linear predictor.

    Vectors over all scalar random effects are in elimination order of `system`.

    Parameters
    ----------
    design : Design

    Attributes
    ----------
    nobs, rank : int
        Rows, and columns of X that are not aliased.
    exog : ndarray, shape (n, rank)
        Orthogonal columns of mean square ``unit^2`` that span X.
    unit : float
        Of the linear predictor: see `rescale`.
    basis : Basis
    maps : tuple of ndarray, shape (k, k)
        Per term, L with ``z L`` the coordinates used here.
    factors : tuple of tuple of int
        Terms amalgamated by grouping factor.
    system : BlockSystem
        Z'Z.
    """

    def __init__(self, design):
        self._coordinates, self.unit = Coordinates(design, None), 1.0
        self.nobs = design.nobs
        self.basis, self.maps = self._coordinates.basis, self._coordinates.maps
        self.factors = self._coordinates.factors
        self.rank = len(self.basis.kept)
        self.exog = np.empty((self.nobs, self.rank), order="F")
        for rows in chunks(self.nobs):
            q = self.basis.apply(design.mean.exog[rows])
            self.exog[rows] = q * np.sqrt(self.nobs)
        self._pairs = self._coordinates.pairs()
        self.system = BlockSystem(gram(self._coordinates, self._pairs, None))

    @property
    def codes(self):
        """Level of each row, one array (n,) per factor."""
        return self._coordinates.codes

    @property
    def exog_map(self):
        """From coefficients on `exog` to those of the user's kept columns, in order."""
        basis = self.basis
        scale = self.unit * np.sqrt(self.nobs)
        return scale * basis.linear_map[np.argsort(basis.kept)]

    def has_constant(self):
        """Whether a column of ones is a combination of the columns of X."""
        if self.basis.constant >= 0:
            return True
        rest = 1.0 - self.exog @ self.exog.mean(axis=0) / self.unit**2
        return bool(self.rank and (np.abs(rest) < 1e-8).all())

    def rescale(self, unit):
        """Measure the linear predictor in another unit from now on.

        Columns are multiplied, in place, so parameters become smaller by as much:
        thresholds on them then mean the same whatever the units of the response.
        A part of the set-up, before anything is computed that keeps parameters.
        """
        self._coordinates.rescale(unit)
        self.exog *= unit
        self.unit *= unit
        self.maps = self._coordinates.maps
        self.system = self.reweighted(None)
        vars(self).pop("_pieces", None)

    def fixed_only(self):
        """The same rows as if there were no random effects."""
        other = copy.copy(self)
        other._coordinates = self._coordinates.without_terms()
        other.factors = other.maps = ()
        other._pairs, other.system = {}, BlockSystem(BlockGram((), {}))
        vars(other).pop("_pieces", None)
        return other

    def reweighted(self, w):
        """The system Z'WZ for weights w of the rows."""
        return self.system.with_gram(gram(self._coordinates, self._pairs, w))

    def _blocks(self, values, f):
        """The part of factor f, level by level: (..., m, k)."""
        part = values[..., self.system.slices[f]]
        return part.reshape(*values.shape[:-1], *self.system.gram.sizes[f])

    def levels(self, values):
        """Values in elimination order as one array (..., m, k) per factor."""
        return [self._blocks(values, f) for f in range(len(self.factors))]

    def random_part(self, b):
        """``Z b``, shape (..., q) to (..., n)."""
        out = np.zeros((*b.shape[:-1], self.nobs))
        for f, columns in enumerate(self._coordinates.columns):
            codes, blocks = self._coordinates.codes[f], self._blocks(b, f)
            for a, column in enumerate(columns):
                out += column * blocks[..., a][..., codes]
        return out

    def collect(self, values):
        """``Z' values``, shape (n,) to (q,)."""
        out = np.empty(self.system.width)
        for f, part in enumerate(self.system.slices):
            out[part] = level_sums(self._coordinates, f, values).ravel()
        return out

    def exog_products(self, w):
        """``Z'WX``, shape (q, p), and ``X'WX``, shape (p, p)."""
        sizes, p = self.system.gram.sizes, self.rank
        sums = [np.zeros((m, k, p)) for m, k in sizes]
        xx = np.zeros((p, p))
        for rows, factors in self._pieces:
            x = self.exog[rows]
            wx = np.multiply(x, w[rows, None], order="C")
            xx += wx.T @ x
            for out, columns in zip(sums, factors, strict=True):
                for a, z in enumerate(columns):
                    out[:, a] += z @ wx
        zx = np.empty((self.system.width, p))
        for part, own, (m, k) in zip(self.system.slices, sums, sizes, strict=True):
            zx[part] = own.reshape(m * k, p)
        return zx, xx

    @cached_property
    def _pieces(self):
        """Slices of rows, each with its Z': one matrix per factor and effect."""
        c, out = self._coordinates, []
        size = max(ROWS_PER_CHUNK, 4 * max(c.levels, default=0))
        for first in range(0, self.nobs, size):
            rows = slice(first, min(first + size, self.nobs))
            n = rows.stop - first
            factors = [
                [_transposed(z, codes[rows], rows, (m, n)) for z in columns]
                for m, codes, columns in zip(c.levels, c.codes, c.columns, strict=True)
            ]
            out.append((rows, factors))
        return out

    def leverages(self, diagonals, couplings):
        """Diagonal of ``Z G Z'`` for a symmetric G known on the pattern of Z'Z.

        Parameters
        ----------
        diagonals, couplings
            Of G, as `Factorization.gram_derivatives` gives them: entries between
            factors stand for both sides.

        Returns
        -------
        ndarray, shape (n,)
        """
        out, c = np.zeros(self.nobs), self._coordinates
        for codes, columns, g in zip(c.codes, c.columns, diagonals, strict=True):
            out += _quadratic(columns, columns, g, codes)
        for (s, t), g in couplings.items():
            index = self._pairs[s, t][2]
            out += _quadratic(c.columns[s], c.columns[t], g, index)
        return out


def _transposed(z, codes, rows, shape):
    """Levels x rows, the values of one effect in each row's level."""
    values = np.full(shape[1], z) if np.ndim(z) == 0 else z[rows]
    return sparse.csc_matrix((values, codes, np.arange(shape[1] + 1)), shape)


def _quadratic(left, right, g, index):
    """``sum_ab left_a g_ab right_b``, g of the level or pair of each row."""
    out = 0.0
    for a, x in enumerate(left):
        for b, y in enumerate(right):
            if left is right and b < a:
                continue
            entries = g[:, a, b] if left is not right or a == b else 2.0 * g[:, a, b]
            out = out + x * y * entries[index]
    return out
