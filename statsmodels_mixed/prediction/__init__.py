"""Predictions from a fit: means, their errors, and intervals of new observations."""

from .errors import JointErrors, joint_errors
from .linear import (
    RANDOM,
    LinearPrediction,
    conditional_part,
    predict_linear,
    predict_rows,
)
from .observation import observation_quantiles
from .population import linear_variances, marginal_mean, marginal_slope
from .rows import Rows, new_rows, own_rows
from .selection import select_effects

__all__ = [
    "RANDOM",
    "JointErrors",
    "LinearPrediction",
    "Rows",
    "conditional_part",
    "joint_errors",
    "linear_variances",
    "marginal_mean",
    "marginal_slope",
    "new_rows",
    "observation_quantiles",
    "own_rows",
    "predict_linear",
    "predict_rows",
    "select_effects",
]
