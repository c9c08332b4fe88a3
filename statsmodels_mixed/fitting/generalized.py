"""A design with a response distribution, ready to be fitted."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property

import numpy as np

from ..core import LaplaceObjective, Penalised
from ..core.layout import ThetaLayout
from ..design.rows import RowProducts
from ..errors import IdentifiabilityError
from ..optimize import DRIVERS
from .generalized_fit import GeneralizedFit
from .hessian import gradient_differences
from .search import FitOptions, certify, search, single

# Predicted decrease of the deviance at which nagq=0 is near enough to start from: its
# optimum is not that of the criterion wanted, so digits would be wasted.
ROUGH = 0.1


class GeneralizedModel:
    """A design and a family, ready to be fitted.

    Parameters
    ----------
    design : Design
    family : Family
    """

    def __init__(self, design, family):
        self.design, self.family = design, family
        self.rows = RowProducts(design)
        self.layout = ThetaLayout(
            [term.structure for term in design.terms], self.rows.factors
        )
        self.likelihood = family.observe(design.endog, design.trials, design.weights)
        self.offset = 0.0 if design.mean.offset is None else design.mean.offset

    @cached_property
    def plain(self):
        """Fit without random effects: beta, zeta, and whether it exists."""
        return _plain_fit(self)

    def objective(self, free, zeta=np.nan):
        """Laplace deviance; with beta found by PIRLS when `free` (``nagq=0``)."""
        known = zeta if self.family.dispersion_name else 0.0
        return LaplaceObjective(
            self.rows, self.likelihood, self.offset, self.layout, free, known
        )

    def start(self, options):
        """Starting (theta, zeta) and beta."""
        beta, zeta = self.plain
        if options.start is None:
            ks = [s.k for s in self.layout.structures]
            theta = self.layout.from_covariances([np.eye(k) for k in ks])
        else:
            theta = self.internal_theta(options.start)
        dispersion = [zeta] if self.family.dispersion_name else []
        return np.concatenate([theta, dispersion]), beta

    def internal_theta(self, covariances):
        """theta in the coordinates of the fit, from covariances."""
        inverses = [np.linalg.inv(m) for m in self.rows.maps]
        return self.layout.from_covariances(
            [
                i @ np.asarray(c, dtype=float) @ i.T
                for i, c in zip(inverses, covariances, strict=True)
            ]
        )

    def fit(self, nagq=1, options=None):
        """Fit by the Laplace approximation, beta in the outer problem or inside."""
        options = options or FitOptions()
        start, beta = self.start(options)
        profile = self.objective(free=True)
        profile.start_from(np.zeros(self.rows.system.width), beta)
        if nagq == 0:
            found = search(profile, start, options)
            return self._finish(profile, found, 0)
        objective = self.objective(free=False)
        x, spent = self._near_start(profile, start, options)
        objective.start_from(*profile.near)
        found = search(objective, x, options)
        return self._finish(objective, found, spent)

    def _near_start(self, profile, start, options):
        """x near the optimum of ``nagq=0``, and the evaluations it took."""
        record = DRIVERS[options.optimizer](
            single(profile), start[None], max(options.tol, ROUGH), options.max_iter
        )
        x = np.concatenate([record.ahead[0], profile.near[1]])
        return x, int(record.n_evaluations[0])

    def _finish(self, objective, found, spent):
        """The fit with the exact Hessian, which the certificate is judged by."""
        evaluation = found.evaluation
        spent += found.convergence.n_evaluations
        hessian = gradient_differences(objective, evaluation)
        evaluation = replace(evaluation, curvature=hessian)
        convergence = certify(evaluation, found.singular, spent)
        return GeneralizedFit(
            self,
            objective,
            found.record,
            evaluation,
            (convergence,),
            (found.singular,),
        )


def _plain_fit(model):
    """Fixed effects of the generalized linear model without random effects."""
    family, design = model.family, model.design
    mean = family.start_mean(design.endog, design.trials, design.weights)
    working = family.linear_predictor(mean) - model.offset
    beta = np.linalg.lstsq(model.rows.exog, working, rcond=None)[0]
    zeta = 0.0
    if family.dispersion_name:
        size = family.start_dispersion(design.endog, mean, design.weights)
        zeta = float(np.log(size))
    empty = [np.zeros((k, k)) for k in model.layout.sizes]
    problem = Penalised(
        model.rows, model.likelihood, model.offset, empty, zeta, free=True
    )
    point = problem.mode(np.zeros(model.rows.system.width), beta)
    if not np.isfinite(point.value):
        raise IdentifiabilityError(
            f"The {family.name} response has no density at the starting values of the "
            f"{family.link.name} link. Give start values or choose another link."
        )
    return point.beta, zeta
