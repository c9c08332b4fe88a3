"""The end of a minimisation for a response distribution."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ..core.modes import FLAT
from ..errors import DataError
from .convergence import INERTIA_TOLERANCE
from .fit import BaseFit

# Flat directions concern the fixed effects where their share in them is above this.
SHARE = 1e-2


@dataclass(frozen=True, eq=False)
class GeneralizedFit(BaseFit):
    """Fit of a generalized linear mixed model, in the user's units."""

    unit = np.float64(1.0)
    scale = np.float64(1.0)
    reml = False
    residual_variance = None
    loglike_se = 0.0

    relative_to_scale = False

    @property
    def scale_parameters(self):
        """What `sdcor_names` lists beside the random effects: name to value."""
        estimated = self.objective.estimates_dispersion
        return {"dispersion": np.float64(self.dispersion)} if estimated else {}

    @property
    def scale_powers(self):
        """Derivative of the logarithm of each of these in log dispersion."""
        return (1.0,) * len(self.scale_parameters)

    @property
    def beta_mcse(self):
        """Monte Carlo standard errors of `beta`: none."""
        return np.zeros(len(self.beta))

    def remarks(self):
        """Sentences for the summary on the method of estimation."""
        return ()

    @property
    def method(self):
        """How the random effects were integrated out, for the summary."""
        return self.objective.method

    @property
    def n_covariance(self):
        """Number of parameters beside the fixed effects."""
        return self.model.layout.n_par + self.objective.estimates_dispersion

    @property
    def sigma2(self):
        """Dispersion: the residual variance of the Gaussian family."""
        return self.dispersion

    @cached_property
    def mu(self):
        """Mean of the response (of one trial) at the conditional modes, shape (n,)."""
        return self.family.mean(self.eta)

    def draw_rows(self, eta, rng):
        """Responses with these linear predictors, shape (..., n)."""
        outside = self.family.outside(eta)
        if outside is not None and outside.any():
            raise DataError(
                "Random effects were drawn that lead to a linear predictor without a "
                f"mean; the {self.family.link.name} link does not exclude them. Choose "
                "a log link, or draw with random='conditional'."
            )
        mu, design = self.family.mean(eta), self.design
        return self.family.draw(mu, self.dispersion, design.trials, design.weights, rng)

    def light_objective(self):
        """What of the objective has no entry per row, by name."""
        objective = self.objective
        return {
            "beta_place": objective.beta_place,
            "estimates_dispersion": objective.estimates_dispersion,
        }

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
        it is flat have no variance, which is right for rotations of a singular factor;
        but one of fixed effects, estimates that run off to infinity, has the largest
        variance that can be told.
        """
        values, vectors = np.linalg.eigh(self.evaluation.curvature)
        largest = np.abs(values).max(initial=0.0)
        bound = FLAT * largest
        # slightly negative ones are the error of differences
        flat = (values <= bound) & (values >= -INERTIA_TOLERANCE * largest)
        kept = vectors[:, ~flat]
        out = (kept * (2.0 / values[~flat])) @ kept.T
        if not flat.any() or not bound:
            return out
        # within the flat directions, those that have a part in beta
        loose = vectors[:, flat]
        _, share, turn = np.linalg.svd(loose[self.objective.beta_place])
        running = loose @ turn[: len(share)][share > SHARE].T
        return out + (running * (2.0 / bound)) @ running.T

    @property
    def cov_variance(self):
        """Covariance matrix of theta and log dispersion, where it is estimated."""
        n = self.model.layout.n_par + self.objective.estimates_dispersion
        return self.cov_parameters[:n, :n]

    @cached_property
    def cov_beta(self):
        """Covariance matrix of `beta`."""
        linear, x = self.model.rows.exog_map, self.evaluation.x
        own = self.objective.beta_covariance(x, self.cov_parameters)
        return linear @ own @ linear.T

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
