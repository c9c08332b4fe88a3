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
        least-squares fit, in units of the response.
    u : ndarray, shape (..., q)
        Spherical random effects in elimination order.
    r2 : ndarray, shape (...)
        Penalised residual sum of squares of the response in its unit.
    scale : ndarray, shape (...)
        r2 over its degrees of freedom: sigma^2 in squared units of the response.
    precision : ndarray, shape (..., p, p)
        ``X'V^-1X`` on the orthonormal columns.
    logdet : ndarray, shape (...)
        ``log|H|``.
    rounding : ndarray, shape (...)
        Error to expect in `value` from cancellation.
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
    rounding: np.ndarray
    gradient: np.ndarray | None = None
    curvature: np.ndarray | None = None
    covariance_gradient: tuple | None = None
