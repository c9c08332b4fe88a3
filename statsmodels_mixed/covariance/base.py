"""What every covariance structure of a random-effects term provides."""

from __future__ import annotations

from typing import Protocol

import numpy as np

# A pivot below this share of its variance is rounding: the covariance is singular.
PIVOT_TOLERANCE = 1e-13


class CovarianceStructure(Protocol):
    """Maps parameters to the relative covariance factor of one term.

    A term has k varying effects with covariance ``sigma^2 lambda lambda'``. The
    parameters are unbounded; a sign change of a column of lambda leaves the
    covariance as it is, and `canonical` picks one representative. Leading axes of
    `par` are replicates.
    """

    k: int
    n_par: int
    needs_rank: bool  # whether collinear effects leave parameters undetermined

    def factor(self, par: np.ndarray) -> np.ndarray:
        """Lower-triangular lambda, (..., n_par) to (..., k, k)."""

    def factor_derivative(self, par: np.ndarray) -> np.ndarray:
        """Derivative of lambda in each parameter, (..., n_par, k, k)."""

    def canonical(self, par: np.ndarray) -> np.ndarray:
        """Parameters of the same covariance, diagonal of lambda not negative."""

    def from_covariance(self, cov: np.ndarray) -> np.ndarray:
        """Parameters whose covariance is (closest to) `cov`; may be singular."""

    def coordinates(self, linear_map: np.ndarray, lengths: np.ndarray) -> np.ndarray:
        """Change of coordinates of the effects that stays within the structure.

        Parameters
        ----------
        linear_map : ndarray, shape (k, k)
            Map L that orthonormalises the columns, ``z L``.
        lengths : ndarray, shape (k,)
            Root mean squares of the columns of z.

        Returns
        -------
        ndarray, shape (k, k)
            Invertible L such that ``L' cov L``-type changes keep the structure, and
            the columns of ``z L`` have mean square 1 (on average, if the structure
            allows one scale only).
        """

    def varying(self) -> list:
        """Effects whose variance is a parameter; others share that of one of these."""

    def covarying(self) -> list:
        """Pairs (i, j), i < j, of effects whose covariance is a parameter."""

    def singular_directions(self, null: np.ndarray, gradient: np.ndarray):
        """Directions along which the structure could add variance to a null space.

        Parameters
        ----------
        null : ndarray, shape (k, r)
            Orthonormal basis of the null space of the covariance.
        gradient : ndarray, shape (k, k)
            Derivative of the criterion in the covariance.

        Returns
        -------
        ndarray, shape (k, r)
            Unit vectors v; ``v' gradient v`` is the slope in the variance along v,
            the smallest of which decides whether zero is a minimum.
        """

    def names(self, effects) -> list:
        """Names of the parameters, lme4's: ``a`` or ``b.a`` for lambda[b, a]."""


def psd_cholesky(cov):
    """Lower-triangular factor of a positive semidefinite matrix, exact zeros kept.

    A column whose pivot vanishes (relative to its own variance) is set to zero, so
    a singular covariance gets a factor with an exact zero on the diagonal.
    """
    k = cov.shape[-1]
    factor = np.zeros(cov.shape)
    rest = np.array(cov, dtype=float)
    for j in range(k):
        pivot = rest[..., j, j]
        scale = np.maximum(cov[..., j, j], 0.0)
        good = pivot > PIVOT_TOLERANCE * scale
        root = np.sqrt(np.where(good, pivot, 1.0))
        column = np.where(good[..., None], rest[..., :, j] / root[..., None], 0.0)
        column[..., :j] = 0.0
        factor[..., :, j] = column
        rest -= column[..., :, None] * column[..., None, :]
    return factor
