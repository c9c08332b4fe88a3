"""A design with a response distribution, ready to be fitted."""

from __future__ import annotations

import copy
from dataclasses import replace
from functools import cached_property

import numpy as np

from ..core import LaplaceObjective, Penalised, quadrature_objective
from ..core.layout import ThetaLayout
from ..design.rows import RowProducts
from ..errors import DataError, IdentifiabilityError
from ..optimize import DRIVERS
from .generalized_fit import GeneralizedFit
from .hessian import gradient_differences
from .search import FitOptions, certify, search, single
from .start import internal_theta, score_start

# Predicted decrease of the deviance at which nagq=0 is near enough to start from: its
# optimum is not that of the criterion wanted, so more would be wasted.
ROUGH = 30.0
ROUGH_MODE = 1e-8  # how closely modes are found on the way there
SMALLEST_UNIT = 1e-15
# times that starting standard deviations are divided by 10 to find a density
SHRINKS = 6


class GeneralizedModel:
    """A design and a family, ready to be fitted.

    Parameters
    ----------
    design : Design
    family : Family

    Attributes
    ----------
    plain : Point
        The fit without random effects.
    """

    def __init__(self, design, family):
        self.design, self.family = design, family
        self.rows = RowProducts(design)
        self.layout = ThetaLayout(
            [term.structure for term in design.terms], self.rows.factors
        )
        self.likelihood = family.observe(design.endog, design.trials, design.weights)
        self.offset = 0.0 if design.mean.offset is None else design.mean.offset
        self.plain = _plain_fit(self)
        self._choose_unit()

    def _choose_unit(self):
        """Measure eta by the precision with which one row tells of it.

        As sigma is the unit of a linear mixed model. Without random effects the rows
        have the weights W, and the unit is ``mean(W)^(-1/2)``.
        """
        information = self.plain.weights.mean() if self._has_density else np.nan
        unit = information**-0.5
        if SMALLEST_UNIT < unit < 1.0 / SMALLEST_UNIT:  # not of weights that vanish
            self.rows.rescale(unit)
            beta, zeta = self.plain.beta / unit, self.plain.problem.zeta
            self.plain = _plain_point(self, beta, zeta)

    @property
    def _has_density(self):
        """Whether there are fixed effects at which the response has a density."""
        return np.isfinite(self.plain.value)

    @property
    def coordinates(self):
        """Where the coordinates of X and z are."""
        return self.rows

    @cached_property
    def has_constant(self):
        """Whether a constant column is a combination of the fixed effects."""
        return self.rows.has_constant()

    def with_design(self, design):
        """The same products for a design that differs in the response only."""
        other = copy.copy(self)
        other.design = design
        other.likelihood = self.family.observe(
            design.endog, design.trials, design.weights
        )
        other.plain = _plain_fit(other)
        return other

    def objective(self, nagq):
        """Deviance by `nagq` nodes; 1 is Laplace, 0 finds beta by PIRLS."""
        zeta = np.nan if self.family.dispersion_name else 0.0
        parts = self.rows, self.likelihood, self.offset, self.layout
        if nagq == 0:
            return LaplaceObjective(*parts, free=True, zeta=zeta)
        return quadrature_objective(*parts, zeta, nagq if self.design.terms else 1)

    def start(self, options):
        """Starting (theta, zeta) and beta."""
        point = self.plain
        if options.start is None:
            theta = score_start(self.rows, point, self.layout)
        else:
            theta = internal_theta(self, options.start)
        zeta = [point.problem.zeta] if self.family.dispersion_name else []
        return np.concatenate([theta, zeta]), point.beta

    def fit(self, options=None):
        """Fit by the criterion that ``options.nagq`` names."""
        options = options or FitOptions()
        _check_start(self)
        start, beta = self.start(options)
        objective = self.objective(options.nagq)
        profile = self.objective(0)
        if options.nagq != 0:
            profile.tolerance = ROUGH_MODE
        profile.start_from(np.zeros(self.rows.system.width), beta)
        start = self._inside(profile, start)
        if options.nagq == 0:
            return self._finish(profile, search(profile, start, options), 0)
        x, spent = self._near_start(profile, start, options, objective)
        left = replace(options, max_iter=max(options.max_iter - spent, 1))
        return self._finish(objective, search(objective, x, left), spent)

    def _inside(self, profile, start):
        """A start with a density: smaller variances, where these lead outside."""
        theta, out = slice(0, self.layout.n_par), start.copy()
        for _ in range(SHRINKS):
            if _has_value(profile, out):
                return out
            out[theta] *= 0.1
        raise _no_density(self.family)

    def loglike(self, params, covariances, dispersion=None, nagq=1):
        """Log-likelihood at parameters in the user's units."""
        objective = self.objective(nagq)
        zeta = [] if dispersion is None else [np.log(dispersion)]
        beta = np.linalg.solve(self.rows.exog_map, np.asarray(params, dtype=float))
        x = np.concatenate([internal_theta(self, covariances), zeta, beta])
        objective.start_from(np.zeros(self.rows.system.width), beta)
        return -0.5 * float(objective.evaluate(x, derivatives=False).value)

    def _near_start(self, profile, start, options, objective):
        """x near the optimum of ``nagq=0``, and the evaluations it took."""
        record = DRIVERS[options.optimizer](
            single(profile), start[None], max(options.tol, ROUGH), options.max_iter
        )
        spent = int(record.n_evaluations[0])
        x = np.concatenate([record.ahead[0], profile.near[1]])
        objective.start_from(*profile.near)
        if _has_value(objective, x):
            return x, spent
        # the step that was not taken leads outside; find beta where the search ended
        if _has_value(profile, record.end[0]):
            x = np.concatenate([record.end[0], profile.near[1]])
            objective.start_from(*profile.near)
        if not _has_value(objective, x):
            raise _no_density(self.family)
        return x, spent

    def _finish(self, objective, found, spent):
        """The fit with the exact Hessian, which the certificate is judged by."""
        evaluation = found.evaluation
        spent += found.convergence.n_evaluations
        hessian = gradient_differences(objective, evaluation)
        if np.isfinite(hessian).all():  # not at the border of the domain
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


def check_nodes(nagq):
    """Numbers of quadrature nodes: one integer, or a tuple of one per level."""
    counts = nagq if isinstance(nagq, (tuple, list)) else [nagq]
    whole = all(isinstance(k, (int, np.integer)) and k >= 0 for k in counts)
    if not whole or not counts or (len(counts) > 1 and min(counts) < 1):
        raise DataError(
            f"nagq={nagq!r}: give 0, 1 (Laplace) or a number of quadrature nodes, for "
            "nested factors also one number per level."
        )
    return tuple(map(int, counts)) if len(counts) > 1 else int(counts[0])


def _plain_fit(model):
    """The generalized linear model without random effects."""
    family, design = model.family, model.design
    mean = family.start_mean(design.endog, design.trials, design.weights)
    # regression of the working responses, or a constant, which stays in the domain
    for start in (mean, np.full(len(mean), np.mean(mean))):
        working = family.linear_predictor(start) - model.offset
        beta = working @ model.rows.exog / (model.rows.unit**2 * model.rows.nobs)
        point = _plain_point(model, beta, 0.0)
        if np.isfinite(point.value):
            break
    if not family.dispersion_name or not np.isfinite(point.value):
        return point
    mean = family.mean(point.eta)
    size = family.start_dispersion(design.endog, mean, design.weights)
    return _plain_point(model, point.beta, float(np.log(size)))


def _plain_point(model, beta, zeta):
    rows = model.rows.fixed_only()
    problem = Penalised(rows, model.likelihood, model.offset, (), zeta, free=True)
    return problem.mode(np.zeros(0), beta)


def _has_value(objective, x):
    return np.isfinite(objective.evaluate(x, derivatives=False).value)


def _check_start(model):
    """Refuse a model whose response has no density without random effects."""
    if not model._has_density:
        raise _no_density(model.family)


def _no_density(family):
    return IdentifiabilityError(
        f"No fixed effects were found at which the {family.name} response has a "
        f"density with the {family.link.name} link. Choose a link that keeps the mean "
        "in its range, or rescale the columns."
    )
