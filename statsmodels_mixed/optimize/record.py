"""What an optimisation leaves behind."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class OptimizationRecord:
    """Course and end of a minimisation; leading axes are replicates.

    Attributes
    ----------
    start, end : ndarray, shape (R, p)
        `end` is the last point that was evaluated.
    ahead : ndarray, shape (R, p)
        Where the last step leads that was found but not evaluated; `end` for
        problems that did not reach the tolerance.
    value : ndarray, shape (R,)
        At `end`.
    predicted_decrease : ndarray, shape (R,)
        How much lower a Newton step expects to get, ``g' H^-1 g / 2``.
    n_evaluations : ndarray of int, shape (R,)
    reached : ndarray of bool, shape (R,)
        Whether the predicted decrease fell below the tolerance.
    trace : tuple of (float, float)
        Value and predicted decrease of the first replicate at each accepted point.
    """

    start: np.ndarray
    end: np.ndarray
    ahead: np.ndarray
    value: np.ndarray
    predicted_decrease: np.ndarray
    n_evaluations: np.ndarray
    reached: np.ndarray
    trace: tuple
