"""Linear functions of the fixed effects, and which of them the data determine."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

# Departures from the relations between columns below this are rounding (relative
# to the size of the column); the columns were found to be aliased up to 1e-6.
ROUNDING = 1e-6


@dataclass(frozen=True, eq=False)
class LinearFunctions:
    """Values ``offset + L beta`` and whether they are estimable.

    A row of all columns is estimable if it satisfies the relations by which the
    aliased columns follow from the others (Searle 1971, Linear Models, section 5.4);
    `departure` says by how much it fails each. All three are linear, so combinations
    may be estimable where their parts are not.

    Attributes
    ----------
    matrix : ndarray, shape (r, p)
        Coefficients L of the columns that are not aliased.
    offset : ndarray, shape (r,)
    departure : ndarray, shape (r, m)
        Zero in the rows that are estimable.
    """

    matrix: np.ndarray
    offset: np.ndarray
    departure: np.ndarray

    @property
    def estimable(self):
        """Which rows the data determine, shape (r,)."""
        return (np.abs(self.departure) < ROUNDING).all(axis=1)

    def averaged(self, positions, weights):
        """Weighted sums of some of the rows.

        Parameters
        ----------
        positions : ndarray of int, shape (k, s)
            The rows each sum is over.
        weights : ndarray, shape (k, s) or (1, s)
            NaN where there is nothing to sum, which is then not estimable.
        """
        weights = np.broadcast_to(weights, positions.shape)
        nothing = np.isnan(weights).any(axis=1)
        weights = np.where(nothing[:, None], 0.0, weights)

        def total(values):
            return np.einsum("ks,ks...->k...", weights, values[positions])

        own = np.eye(len(positions))[:, nothing]  # one relation each: none cancels
        departure = np.hstack([total(self.departure), own])
        return LinearFunctions(total(self.matrix), total(self.offset), departure)

    def combined(self, coefficients):
        """Linear combinations of the rows, coefficients (k, r)."""
        return LinearFunctions(
            coefficients @ self.matrix,
            coefficients @ self.offset,
            coefficients @ self.departure,
        )

    def take(self, rows):
        """Some of the rows."""
        return LinearFunctions(
            self.matrix[rows], self.offset[rows], self.departure[rows]
        )

    def slopes(self, other, steps, unit):
        """Difference quotients: these rows minus others, over steps (r,).

        Offsets are no part of them; `unit` is a distance along which departures show.
        """
        change = (self.departure - other.departure) * unit
        return LinearFunctions(
            (self.matrix - other.matrix) / steps[:, None],
            np.zeros(len(steps)),
            change / steps[:, None],
        )

    def estimable_part(self):
        """As many combinations of the rows as the data determine."""
        if self.estimable.all():
            return self
        departure = np.where(np.abs(self.departure) < ROUNDING, 0.0, self.departure)
        u, s, _ = np.linalg.svd(departure)
        rank = int((s > ROUNDING * s.max(initial=0.0)).sum())
        return self.combined(u[:, rank:].T)


def stacked(parts):
    """The rows of several in one, in this order."""
    return LinearFunctions(
        *(
            np.concatenate([getattr(part, name) for part in parts])
            for name in ("matrix", "offset", "departure")
        )
    )


def linear_functions(fit, exog, offset):
    """The linear predictor of some rows.

    Parameters
    ----------
    fit : Fit
    exog : ndarray, shape (r, all columns)
        Aliased columns included.
    offset : ndarray, shape (r,)

    Returns
    -------
    LinearFunctions
    """
    kept = np.sort(fit.model.coordinates.basis.kept)
    return LinearFunctions(exog[:, kept], offset, _departures(fit, exog))


def _departures(fit, exog):
    """How far rows are from the relations between columns of X, (r, aliased)."""
    basis, own = fit.model.coordinates.basis, fit.design.mean.exog
    aliased = np.setdiff1d(np.arange(own.shape[1]), basis.kept)
    if not len(aliased):
        return np.zeros((len(exog), 0))
    relations, *_ = np.linalg.lstsq(basis.apply(own), own[:, aliased], rcond=None)
    size = np.abs(own[:, aliased]).max(axis=0)
    out = exog[:, aliased] - basis.apply(exog) @ relations
    return out / np.where(size > 0, size, 1.0)
