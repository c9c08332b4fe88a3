"""The exact Hessian of a criterion, by differences of its exact gradient."""

from __future__ import annotations

import numpy as np

from ..core.sensitivity import Sensitivity

STEP = 1e-3  # in units of the parameter's own standard error
# Share of the largest below which the curvature along a direction is none
FLAT = 1e-7


def gradient_differences(objective, evaluation):
    """Hessian of the deviance by central differences of the gradient.

    Steps are a thousandth of a standard error, as the curvature of the evaluation
    tells it, so the error is of order 1e-6 whatever the scales of the parameters.

    Parameters
    ----------
    objective : ModeObjective
    evaluation : Evaluation
        With gradient and curvature.

    Returns
    -------
    ndarray, shape (n, n)
    """
    x, n = evaluation.x, len(evaluation.x)
    size = np.abs(np.diag(evaluation.curvature))
    floor = 1e-8 * size.max(initial=1.0)
    steps = STEP / np.sqrt(np.maximum(0.5 * size, floor))
    ends = (x + sign * move for move in np.diag(steps) for sign in (1.0, -1.0))
    gradients = np.reshape(list(objective.gradients_near(x, ends)), (n, 2, n))
    out = (gradients[:, 0] - gradients[:, 1]) / (2.0 * steps[:, None])
    return 0.5 * (out + out.T)


def variance_hessian(objective, evaluation):
    """Hessian of the deviance of a linear mixed model in theta and log sigma^2.

    By differences of the exact gradient of the profiled deviance; what sigma adds is
    known: the deviance is ``... + dof s + r2 exp(-s)`` in s = log sigma^2.

    Parameters
    ----------
    objective : GaussianObjective
    evaluation : GaussianEvaluation
        At the optimum.

    Returns
    -------
    ndarray, shape (n_par + 1, n_par + 1)
    """
    n = len(evaluation.x)
    cross = -Sensitivity(objective, evaluation.x).r2_gradient() / evaluation.scale
    out = np.empty((n + 1, n + 1))
    out[:n, :n] = np.outer(cross, cross) / objective.dof
    if n:
        out[:n, :n] += gradient_differences(objective, evaluation)
    out[n, :n] = out[:n, n] = cross
    out[n, n] = objective.dof
    return out


def inverse_of_curved(hessian):
    """Inverse on the directions that have curvature, zero on the others.

    Directions are told flat after scaling to a unit diagonal.
    """
    size = np.sqrt(np.maximum(np.diag(hessian), 0.0))
    size[size == 0] = 1.0
    values, vectors = np.linalg.eigh(hessian / np.outer(size, size))
    curved = values > FLAT * values.max(initial=0.0)
    kept = vectors[:, curved] / size[:, None]
    return (kept / values[curved]) @ kept.T
