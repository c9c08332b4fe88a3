"""The exact Hessian of a criterion, by differences of its exact gradient."""

from __future__ import annotations

import numpy as np

STEP = 1e-3  # in units of the parameter's own standard error


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
