"""Diagonal covariance: independent effects, each with its own variance."""

from __future__ import annotations

import numpy as np


class Diagonal:
    """``diag(x | g)``, also written ``(x || g)``: lambda is diagonal.

    Parameters
    ----------
    k : int
        Number of varying effects.

    Examples
    --------
    >>> import numpy as np
    >>> Diagonal(2).factor(np.array([1.0, 2.0])).tolist()
    [[1.0, 0.0], [0.0, 2.0]]
    """

    needs_rank = True

    def __init__(self, k):
        self.k = self.n_par = k
        i = np.arange(k)
        self._derivative = np.zeros((k, k, k))
        self._derivative[i, i, i] = 1.0

    def factor(self, par):
        """Diagonal lambda, (..., k) to (..., k, k)."""
        out = np.zeros((*par.shape, self.k))
        i = np.arange(self.k)
        out[..., i, i] = par
        return out

    def factor_derivative(self, par):
        """Derivative of lambda in each parameter, (..., k, k, k)."""
        return self._derivative

    def canonical(self, par):
        """The nonnegative representative."""
        return np.abs(par)

    def from_covariance(self, cov):
        """Parameters with the variances of `cov`; covariances are ignored."""
        return np.sqrt(np.maximum(np.diagonal(cov, axis1=-2, axis2=-1), 0.0))

    def coordinates(self, linear_map, lengths):
        """Only a change of scale keeps independent effects independent."""
        return np.diag(1.0 / lengths)

    def varying(self):
        """Every effect has a variance of its own."""
        return list(range(self.k))

    def covarying(self):
        """No pair of effects covaries."""
        return []

    def singular_directions(self, null, gradient):
        """The coordinate axes in the null space: the variances that are zero."""
        inside = np.abs(null).sum(axis=1) > 0.5
        return np.eye(self.k)[:, inside]

    def names(self, effects):
        """One parameter per effect, named after it."""
        return list(effects)
