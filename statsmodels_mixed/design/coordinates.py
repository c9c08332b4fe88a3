"""Coordinates of X and z in which cross-products keep their digits."""

from __future__ import annotations

import copy

import numpy as np

from ..linalg import BlockGram, Coupling, orthonormal_basis
from .check import check_effects
from .pairs import pair_index


class Coordinates:
    """Columns of a predictor's X and z in well-conditioned coordinates.

    Parameters
    ----------
    design : Design
    weights : ndarray, shape (n,), or None
        Metric in which columns are orthonormal.

    Attributes
    ----------
    nobs : int
    basis : Basis
        Coordinates of X.
    maps : tuple of ndarray, shape (k, k)
        Per term, L with ``z L`` the coordinates used here; ``b = L b'``.
    factors : tuple of tuple of int
        Terms amalgamated by grouping factor.
    columns : tuple of tuple
        Per factor, the columns of z; a constant one is kept as the number it is, so
        that an intercept costs neither memory nor a multiplication.
    codes : tuple of ndarray of int, shape (n,)
    levels : tuple of int
    """

    def __init__(self, design, weights):
        self._design, self._weights = design, weights
        self.nobs = design.nobs
        self.factors = design.factors
        self.basis = orthonormal_basis(design.mean.exog, weights)
        parts = [self._term(term) for term in design.terms]
        self.maps = tuple(linear for linear, _ in parts)
        self.columns = tuple(
            tuple(column for t in terms for column in parts[t][1])
            for terms in self.factors
        )
        groupings = [design.terms[terms[0]].grouping for terms in self.factors]
        self.codes = tuple(g.codes for g in groupings)
        self.levels = tuple(g.n_levels for g in groupings)

    def _term(self, term):
        """Map of one term, and its columns in the new coordinates."""
        n, weights = self.nobs, self._weights
        if term.z is None:
            total = n if weights is None else weights.sum()
            scale = np.sqrt(n / total)
            return np.array([[scale]]), [scale]
        shared = term.z is self._design.mean.exog
        basis = self.basis if shared else orthonormal_basis(term.z, weights)
        check_effects(term, basis.kept)
        squares = np.einsum(
            "ij,ij,i->j", term.z, term.z, np.ones(n) if weights is None else weights
        )
        full = np.eye(term.k)
        if len(basis.kept) == term.k:
            full[basis.kept] = basis.linear_map * np.sqrt(n)
        linear = term.structure.coordinates(full, np.sqrt(squares / n))
        # centred before it is multiplied where it may be: z can be large and narrow
        own = linear is full
        rows = basis.apply(term.z) * np.sqrt(n) if own else term.z @ linear
        return linear, [np.ascontiguousarray(column) for column in rows.T]

    def without_terms(self):
        """The same coordinates of X alone."""
        other = copy.copy(self)
        other.factors = other.maps = other.columns = other.codes = other.levels = ()
        return other

    def rescale(self, unit):
        """Multiply all columns of z by a number; they are this object's own."""
        self.maps = tuple(unit * m for m in self.maps)
        self.columns = tuple(
            tuple(unit * column for column in columns) for columns in self.columns
        )

    def pairs(self):
        """Observed pairs of levels of every two factors.

        Returns
        -------
        dict
            ``(s, t)`` to what `pair_index` gives.
        """
        numbers = range(len(self.factors))
        return {
            (s, t): pair_index(self.codes[s], self.codes[t], self.levels[t])
            for s in numbers
            for t in numbers
            if s < t
        }


def weighted(values, weights):
    """``w * values``; None stands for weights of one."""
    return values if weights is None else weights * values


def level_sums(coordinates, f, values):
    """Sums of ``z_a values`` over the rows of each level of factor f, (m, k)."""
    m, columns = coordinates.levels[f], coordinates.columns[f]
    out = np.empty((m, len(columns)))
    for a, column in enumerate(columns):
        if np.ndim(column) == 0:
            out[:, a] = np.bincount(coordinates.codes[f], values, m) * column
        else:
            out[:, a] = np.bincount(coordinates.codes[f], values * column, m)
    return out


def _products(index, length, left, right, weights):
    """``sum w left_a right_b`` over rows with the same index."""
    out = np.empty((length, len(left), len(right)))
    counts = None
    for a, x in enumerate(left):
        for b, y in enumerate(right):
            if left is right and b < a:
                out[:, a, b] = out[:, b, a]
            elif np.ndim(x) == 0 and np.ndim(y) == 0:
                if counts is None:
                    counts = np.bincount(index, weights, length)
                out[:, a, b] = counts * (x * y)
            else:
                out[:, a, b] = np.bincount(index, weighted(x * y, weights), length)
    return out


def gram(coordinates, pairs, weights):
    """Z'WZ in blocks.

    Parameters
    ----------
    coordinates : Coordinates
    pairs : dict
        From `Coordinates.pairs`.
    weights : ndarray, shape (n,), or None

    Returns
    -------
    BlockGram
    """
    columns = coordinates.columns
    diagonals = tuple(
        _products(codes, m, z, z, weights)
        for codes, m, z in zip(
            coordinates.codes, coordinates.levels, columns, strict=True
        )
    )
    couplings = {
        (s, t): Coupling(
            rows, cols, _products(index, len(rows), columns[s], columns[t], weights)
        )
        for (s, t), (rows, cols, index) in pairs.items()
    }
    return BlockGram(diagonals, couplings)
