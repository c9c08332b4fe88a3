"""The certificate of a minimum: figures, not heuristics."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..optimize import newton_step

# A fit counts as converged when a Newton step would lower the deviance by less.
CONVERGED = 1e-6
# A deviance with a larger error from rounding says nothing about theta.
UNRESOLVED = 0.1
# Predicted decreases below this are not told apart in print.
NEGLIGIBLE = 1e-9
# Negative eigenvalues of the curvature down to this share of the largest are zero.
INERTIA_TOLERANCE = 1e-7


@dataclass(frozen=True)
class Convergence:
    """How close to a minimum the optimiser ended.

    Attributes
    ----------
    predicted_decrease : float
        Deviance a Newton step still expects to gain, ``g'H^-1 g / 2``.
    negative_eigenvalues : int
        Number of directions of negative curvature (0 at a minimum).
    kkt : float
        Smallest derivative of the deviance in a variance that sits on its bound of
        zero, along any singular direction: not negative at a minimum; inf when no
        variance is at its bound. Per unit of variance relative to sigma^2, effects
        scaled to mean square 1.
    n_evaluations : int
        Evaluations of criterion and derivatives.
    rounding : float
        Error of the deviance from rounding. Large when the residual variance is a
        tiny part of the response's, so that little is left of it in the arithmetic.
    converged : bool
        The verdict: decrease below 1e-6, no negative curvature, KKT sign right.
    """

    predicted_decrease: float
    negative_eigenvalues: int
    kkt: float
    n_evaluations: int
    rounding: float = 0.0

    @property
    def converged(self):
        """Whether all three figures are those of a minimum."""
        return bool(
            self.predicted_decrease < max(CONVERGED, self.rounding)
            and self.negative_eigenvalues == 0
            and self.kkt > -CONVERGED
            and not self.unresolved
        )

    @property
    def unresolved(self):
        """Whether rounding leaves nothing of the residual variance."""
        return self.rounding >= UNRESOLVED

    @property
    def message(self):
        """One line for the summary."""
        verdict = "converged" if self.converged else "NOT converged"
        decrease = f"{self.predicted_decrease:.1e}"
        if self.predicted_decrease < NEGLIGIBLE:  # digits that are only rounding
            decrease = f"below {NEGLIGIBLE:.0e}"
        text = f"{verdict}: predicted decrease {decrease}"
        text += f", {self.n_evaluations} evaluations"
        if self.negative_eigenvalues:
            text += f", {self.negative_eigenvalues} directions of negative curvature"
        if np.isfinite(self.kkt):
            text += f", slope at the bound {self.kkt:.3g}"
        if self.rounding > CONVERGED:
            text += f", deviance known to {self.rounding:.1g} only (rounding)"
        return text


def predicted_decrease(evaluation):
    """What a Newton step from each point would gain, ``g'H^-1 g / 2``, shape (R,)."""
    gradient = np.atleast_2d(evaluation.gradient)
    curvature = evaluation.curvature.reshape(*gradient.shape, gradient.shape[-1])
    return newton_step(gradient, curvature, np.full(len(gradient), np.inf))[1]


def negative_directions(curvature):
    """Clearly negative eigenvalues (how many), and the most negative direction.

    Parameters
    ----------
    curvature : ndarray, shape (..., p, p)

    Returns
    -------
    count : ndarray of int, shape (...)
    direction : ndarray, shape (..., p)
    """
    if not curvature.shape[-1]:
        return np.zeros(curvature.shape[:-2], dtype=int), curvature[..., 0:]
    values, vectors = np.linalg.eigh(curvature)
    bound = -INERTIA_TOLERANCE * np.abs(values).max(axis=-1, keepdims=True)
    return (values < bound).sum(axis=-1), vectors[..., 0]
