"""The end of a minimisation, expressed in the user's units."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from ..core import Evaluation, GaussianObjective
from ..optimize import OptimizationRecord
from .boundary import flat_terms
from .hessian import inverse_of_curved, variance_hessian


@dataclass(frozen=True, eq=False)
class BaseFit:
    """The end of a minimisation, in the user's units.

    Leading axes of all arrays are responses, when many were fitted at once.

    Attributes
    ----------
    model : GaussianModel or GeneralizedModel
    objective : object
        The criterion.
    record : OptimizationRecord
    evaluation : Evaluation
        At the canonical parameters, in the coordinates of the fit.
    convergences : tuple of Convergence
        One per response.
    singulars : tuple of tuple of SingularDirection
        One per response.
    """

    model: object
    objective: object
    record: OptimizationRecord
    evaluation: Evaluation
    convergences: tuple
    singulars: tuple

    @property
    def design(self):
        """The design that was fitted."""
        return self.model.design

    @property
    def convergence(self):
        """Certificate of the (first) response."""
        return self.convergences[0]

    @property
    def deviance(self):
        """Minus twice the log-likelihood, or REML criterion, shape (...)."""
        return self.evaluation.value

    @cached_property
    def relative_covariances(self):
        """Covariance of each term's effects relative to `scale`, (..., k, k)."""
        out = []
        blocks = self.model.layout.term_factors(self.evaluation.x)
        for lam, linear in zip(blocks, self.model.coordinates.maps, strict=True):
            half = linear @ lam
            out.append(half @ np.swapaxes(half, -1, -2))
        return tuple(out)

    @cached_property
    def covariances(self):
        """Covariance of each term's effects, in units of the response, (..., k, k)."""
        return tuple(self.scale[..., None, None] * c for c in self.relative_covariances)

    @cached_property
    def theta(self):
        """Relative covariance factors in the user's units, term by term."""
        return self.model.layout.from_covariances(self.relative_covariances)

    def flat_terms(self):
        """Terms along whose variances the deviance of a single response is flat.

        Returns
        -------
        tuple of int
        """
        return flat_terms(self.model.layout, self.evaluation)

    @cached_property
    def modes(self):
        """Conditional modes of the random effects, per term (..., m, k)."""
        out, cross = [], self.model.coordinates
        blocks = self.model.layout.term_factors(self.evaluation.x)
        for t, (lam, linear) in enumerate(zip(blocks, cross.maps, strict=True)):
            u = self._spherical(t)
            # the exact factor, not the nudged one: zero variances give zero modes
            out.append(u @ np.swapaxes(linear @ lam, -1, -2))
        return tuple(out)

    def _place(self, t):
        layout, system = self.model.layout, self.model.coordinates.system
        f = next(i for i, terms in enumerate(layout.factors) if t in terms)
        return f, system.slices[f], system.gram.sizes[f], layout.columns[t]

    def _spherical(self, t):
        _, part, (m, size), cols = self._place(t)
        u = self.unit[..., None] * self.evaluation.u[..., part]
        return u.reshape(*u.shape[:-1], m, size)[..., cols]

    @cached_property
    def fixed_part(self):
        """``X beta`` plus offset, shape (..., n)."""
        kept = np.sort(self.model.coordinates.basis.kept)
        mean = self.design.mean
        beta = np.zeros((*self.beta.shape[:-1], mean.exog.shape[1]))
        beta[..., kept] = self.beta
        out = beta @ mean.exog.T
        return out if mean.offset is None else out + mean.offset

    @cached_property
    def random_part(self):
        """``Z b`` at the conditional modes, shape (..., n)."""
        out = np.zeros((*self.deviance.shape, self.design.nobs))
        for term, modes in zip(self.design.terms, self.modes, strict=True):
            rows = modes[..., term.grouping.codes, :]
            out += rows[..., 0] if term.z is None else (rows * term.z).sum(axis=-1)
        return out

    def _level_blocks(self, factorization):
        """``Lambda H^-1 Lambda'`` of each level in the user's effects, per term."""
        factors, out = self.model.layout.matrices(self.evaluation.x), []
        blocks = factorization.level_covariances()
        for t, linear in enumerate(self.model.coordinates.maps):
            f, _, _, cols = self._place(t)
            # the exact factor here too
            half = linear @ factors[f][cols, cols]
            out.append(half @ blocks[f][..., cols, cols] @ half.T)
        return out


@dataclass(frozen=True, eq=False)
class Fit(BaseFit):
    """Fit of a Gaussian response."""

    objective: GaussianObjective

    @property
    def reml(self):
        """Whether the criterion was REML."""
        return self.objective.reml

    @property
    def scale(self):
        """What covariances are relative to: `sigma2`."""
        return self.sigma2

    @property
    def residual_variance(self):
        """Variance of a row of weight 1 given the random effects: `sigma2`."""
        return self.sigma2

    @property
    def n_covariance(self):
        """Number of parameters beside the fixed effects."""
        return self.model.layout.n_par + 1

    # derivative of the logarithm of each scale parameter in log sigma^2
    scale_powers = (0.5,)
    relative_to_scale = True

    @property
    def scale_parameters(self):
        """What `sdcor_names` lists beside the random effects: name to value."""
        return {"sigma": np.sqrt(self.sigma2)}

    def draw_rows(self, mean, rng):
        """Responses with these means, shape (..., n)."""
        sd, weights = np.sqrt(self.sigma2), self.design.weights
        sd = sd if weights is None else sd / np.sqrt(weights)
        return mean + sd * rng.standard_normal(mean.shape[::-1]).T

    def light_objective(self):
        """What of the objective has no entry per row, by name."""
        response = replace(self.objective.response, ze=None)
        return {"reml": self.reml, "response": response}

    @property
    def sigma2(self):
        """Residual variance, shape (...)."""
        return self.evaluation.scale * self.unit**2

    @property
    def unit(self):
        """What the numerics divided the response by, shape (...)."""
        return self.objective.response.unit

    @cached_property
    def exog_map(self):
        """From orthonormal coordinates to the user's columns, in their order."""
        basis = self.model.cross.basis
        return basis.linear_map[np.argsort(basis.kept)]

    @cached_property
    def beta(self):
        """Fixed effects of the columns that are not aliased, (..., p)."""
        change = self.unit[..., None] * self.evaluation.beta
        total = self.objective.response.coefficients + change
        return total @ self.exog_map.T

    @cached_property
    def cov_beta(self):
        """Covariance matrix of `beta`, (..., p, p)."""
        linear = self.exog_map
        inverse = np.linalg.inv(self.evaluation.precision)
        return self.sigma2[..., None, None] * (linear @ inverse @ linear.T)

    @cached_property
    def cov_variance(self):
        """Covariance matrix of the variance parameters of a single fit, (n_v, n_v).

        Of theta in the coordinates of the fit and log sigma^2: the inverse of half
        the Hessian of the deviance, zero along directions that are flat.
        """
        hessian = variance_hessian(self.objective, self.evaluation)
        return 2.0 * inverse_of_curved(hessian)

    @cached_property
    def conditional_covariances(self):
        """Conditional covariance of the effects of each level, per term (m, k, k).

        ``sigma^2 [Lambda H^-1 Lambda']_ll`` at the estimates, beta held fixed, as
        lme4's ``ranef(condVar=TRUE)``.
        """
        factors = self.model.layout.matrices(self.evaluation.x)
        found = self.model.cross.system.factorize(factors)
        return tuple(self.sigma2 * block for block in self._level_blocks(found))
