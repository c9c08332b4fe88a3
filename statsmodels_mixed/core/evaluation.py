"""What a criterion gives back at one parameter value."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """A criterion at one point (or at one per replicate, along leading axes).

    Attributes
    ----------
    x : ndarray, shape (..., n)
        Parameters: theta, followed by those the criterion has beside theta.
    value : ndarray, shape (...)
        Deviance: minus twice the log-likelihood or REML criterion.
    rounding : ndarray, shape (...)
        Error to expect in `value` from cancellation.
    gradient : ndarray, shape (..., n), or None
    curvature : ndarray, shape (..., n, n), or None
        Average information plus the curvature of ``lambda lambda'``.
    covariance_gradient : tuple of ndarray, shape (..., K_f, K_f), or None
        Derivative in the relative covariance of each grouping factor.
    """

    x: np.ndarray
    value: np.ndarray
    rounding: np.ndarray
    gradient: np.ndarray | None = None
    curvature: np.ndarray | None = None
    covariance_gradient: tuple | None = None


@dataclass(frozen=True, kw_only=True)
class GaussianEvaluation(Evaluation):
    """Profiled deviance of a Gaussian response; `x` is theta.

    Attributes
    ----------
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
    """

    beta: np.ndarray
    u: np.ndarray
    r2: np.ndarray
    scale: np.ndarray
    precision: np.ndarray
    logdet: np.ndarray


def stack_evaluations(parts):
    """One evaluation with a leading axis from several without."""
    out = {}
    for name in (field.name for field in fields(parts[0])):
        values = [getattr(part, name) for part in parts]
        if values[0] is None:
            out[name] = None
        elif isinstance(values[0], tuple):
            out[name] = tuple(np.stack(v) for v in zip(*values, strict=True))
        else:
            out[name] = np.stack(values)
    return type(parts[0])(**out)


def replace_evaluations(evaluation, index, part):
    """An evaluation of many replicates with some of them evaluated anew.

    Parameters
    ----------
    evaluation, part : Evaluation
        `part` is of the replicates in `index`.
    index : ndarray of int

    Returns
    -------
    Evaluation
    """
    out = {}
    for name in (field.name for field in fields(evaluation)):
        old, new = getattr(evaluation, name), getattr(part, name)
        several = isinstance(old, tuple)
        pairs = zip(old, new, strict=True) if several else [(old, new)]
        merged = tuple(None if a is None else _put(a, index, b) for a, b in pairs)
        out[name] = merged if several else merged[0]
    return type(evaluation)(**out)


def _put(values, index, new):
    values = np.array(values)
    values[index] = new
    return values
