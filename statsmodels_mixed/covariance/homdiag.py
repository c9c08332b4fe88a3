"""Homogeneous diagonal covariance: independent effects that share one variance."""

from __future__ import annotations

import numpy as np


class HomogeneousDiagonal:
    """``homdiag(x | g)``: lambda is a multiple of the identity.

    A variance component of statsmodels' MixedLM: all columns of its design vary
    independently and with the same variance.

    Parameters
    ----------
    k : int
        Number of varying effects.

    Examples
    --------
    >>> import numpy as np
    >>> HomogeneousDiagonal(2).factor(np.array([3.0])).tolist()
    [[3.0, 0.0], [0.0, 3.0]]
    """

    # collinear columns do no harm: there is nothing else for them to share
    needs_rank = False

    def __init__(self, k):
        self.k, self.n_par = k, 1

    def factor(self, par):
        """A multiple of the identity, (..., 1) to (..., k, k)."""
        return par[..., None] * np.eye(self.k)

    def factor_derivative(self, par):
        """Derivative of lambda in the parameter, (..., 1, k, k)."""
        return np.eye(self.k)[None]

    def canonical(self, par):
        """The nonnegative representative."""
        return np.abs(par)

    def from_covariance(self, cov):
        """Parameter with the mean variance of `cov`; covariances are ignored."""
        variances = np.diagonal(cov, axis1=-2, axis2=-1)
        return np.sqrt(np.maximum(variances.mean(axis=-1, keepdims=True), 0.0))

    def coordinates(self, linear_map, lengths):
        """Only one scale for all columns keeps their variances the same."""
        return np.eye(self.k) / np.sqrt(np.mean(lengths**2))

    def varying(self):
        """The first effect's variance is that of all."""
        return [0]

    def covarying(self):
        """No pair of effects covaries."""
        return []

    def singular_directions(self, null, gradient):
        """One direction, with the mean slope: all variances are zero, or none is."""
        _, vectors = np.linalg.eigh(gradient)
        return vectors.sum(axis=1, keepdims=True) / np.sqrt(self.k)

    def names(self, effects):
        """One parameter, named after the first of the effects that share it."""
        return [effects[0]]
