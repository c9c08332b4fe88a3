"""Unstructured covariance: every variance and every covariance is free."""

from __future__ import annotations

import itertools

import numpy as np

from .base import psd_cholesky


class Unstructured:
    """``us(x | g)``: lambda is any lower-triangular matrix, column by column.

    Parameters
    ----------
    k : int
        Number of varying effects.

    Examples
    --------
    >>> import numpy as np
    >>> Unstructured(2).factor(np.array([1.0, 0.5, 2.0])).tolist()
    [[1.0, 0.0], [0.5, 2.0]]
    """

    needs_rank = True

    def __init__(self, k):
        self.k = k
        self.n_par = k * (k + 1) // 2
        cols, rows = np.triu_indices(k)  # lme4's order: down the columns
        self._rows, self._cols = rows, cols
        self._derivative = np.zeros((self.n_par, k, k))
        self._derivative[np.arange(self.n_par), rows, cols] = 1.0

    def factor(self, par):
        """Lower-triangular lambda, (..., n_par) to (..., k, k)."""
        out = np.zeros((*par.shape[:-1], self.k, self.k))
        out[..., self._rows, self._cols] = par
        return out

    def factor_derivative(self, par):
        """Derivative of lambda in each parameter, (..., n_par, k, k)."""
        return self._derivative

    def canonical(self, par):
        """Parameters of the same covariance, diagonal of lambda not negative."""
        lam = self.factor(par)
        i = np.arange(self.k)
        diagonal = lam[..., i, i]
        signs = np.where(diagonal < 0, -1.0, 1.0)
        lam = lam * signs[..., None, :]
        if (diagonal == 0).any():  # directions after a zero pivot may repeat it
            lam = psd_cholesky(lam @ np.swapaxes(lam, -1, -2))
        return lam[..., self._rows, self._cols]

    def from_covariance(self, cov):
        """Parameters with this covariance, which may be singular."""
        return psd_cholesky(cov)[..., self._rows, self._cols]

    def coordinates(self, linear_map, lengths):
        """Any invertible map keeps an unstructured covariance unstructured."""
        return linear_map

    def varying(self):
        """Every effect has a variance of its own."""
        return list(range(self.k))

    def covarying(self):
        """Every pair of effects has a covariance of its own."""
        return list(itertools.combinations(range(self.k), 2))

    def singular_directions(self, null, gradient):
        """Principal axes of the gradient within the null space."""
        _, within = np.linalg.eigh(null.T @ gradient @ null)
        return null @ within

    def names(self, effects):
        """``a`` for lambda[a, a], ``b.a`` for lambda[b, a], as lme4 names theta."""
        return [
            effects[r] if r == c else f"{effects[r]}.{effects[c]}"
            for r, c in zip(self._rows, self._cols, strict=True)
        ]
