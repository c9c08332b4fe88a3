"""What a criterion gives back at one parameter value."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Evaluation:
    """A criterion at one theta (or at one per replicate, along leading axes).

    Attributes
    ----------
    theta : ndarray, shape (..., n_par)
    value : ndarray, shape (...)
        Deviance: minus twice the log-likelihood or REML criterion.
    beta : ndarray, shape (..., p)
        Fixed effects on the orthonormal columns of X, relative to the
        least-squares fit.
    u : ndarray, shape (..., q)
        Spherical random effects in elimination order.
    r2 : ndarray, shape (...)
        Penalised residual sum of squares.
    scale : ndarray, shape (...)
        sigma^2: r2 over its degrees of freedom.
    precision : ndarray, shape (..., p, p)
        ``X'V^-1X`` on the orthonormal columns.
    logdet : ndarray, shape (...)
        ``log|H|``.
    gradient : ndarray, shape (..., n_par), or None
    curvature : ndarray, shape (..., n_par, n_par), or None
        Average information plus the curvature of ``lambda lambda'``.
    covariance_gradient : tuple of ndarray, shape (..., K_f, K_f), or None
        Derivative in the relative covariance of each grouping factor.
    """

    theta: np.ndarray
    value: np.ndarray
    beta: np.ndarray
    u: np.ndarray
    r2: np.ndarray
    scale: np.ndarray
    precision: np.ndarray
    logdet: np.ndarray
    gradient: np.ndarray | None = None
    curvature: np.ndarray | None = None
    covariance_gradient: tuple | None = None
