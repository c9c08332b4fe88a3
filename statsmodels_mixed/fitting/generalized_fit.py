"""The end of a minimisation for a response distribution."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from .fit import BaseFit

# Directions of the exact Hessian flatter than this share of the steepest say nothing.
FLAT = 1e-12


@dataclass(frozen=True, eq=False)
class GeneralizedFit(BaseFit):
    """Fit of a generalized linear mixed model, in the user's units."""

    unit = np.float64(1.0)
    scale = np.float64(1.0)
    reml = False

    @property
    def _coordinates(self):
        return self.model.rows

    @property
    def family(self):
        """The response distribution."""
        return self.model.family

    @cached_property
    def beta(self):
        """Fixed effects of the columns that are not aliased, shape (p,)."""
        return self.model.rows.exog_map @ self.evaluation.beta

    @cached_property
    def cov_parameters(self):
        """Covariance of all estimates in the coordinates of the fit.

        The inverse of half the exact Hessian of the deviance. Directions along which
        it is flat (rotations of a singular factor) have no variance.
        """
        values, vectors = np.linalg.eigh(self.evaluation.curvature)
        flat = np.abs(values) <= FLAT * np.abs(values).max(initial=0.0)
        inverse = np.where(flat, 0.0, 2.0 / np.where(flat, 1.0, values))
        return (vectors * inverse) @ vectors.T

    @cached_property
    def cov_beta(self):
        """Covariance matrix of `beta`."""
        linear, place = self.model.rows.exog_map, self.objective.beta_place
        return linear @ self.cov_parameters[place, place] @ linear.T

    @cached_property
    def dispersion(self):
        """Dispersion on its natural scale; 1 for a family without one."""
        return float(np.exp(self.evaluation.zeta))

    @cached_property
    def eta(self):
        """Linear predictor at the conditional modes."""
        return self.fixed_part + self.random_part

    @cached_property
    def conditional_covariances(self):
        """Conditional covariance of the effects of each level, per term (m, k, k).

        ``[Lambda H^-1 Lambda']_ll`` with the observed weights at the mode, all
        parameters held fixed.
        """
        found = self.objective.point(self.evaluation.x).observed_factorization
        return tuple(self._level_blocks(found))
