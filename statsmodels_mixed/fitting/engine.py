"""A design ready to be fitted: starting values, minimisation, boundary, restarts."""

from __future__ import annotations

import copy
from dataclasses import replace
from functools import cached_property

import numpy as np

from ..core import GaussianObjective
from ..core.evaluation import replace_evaluations
from ..core.gaussian import gaussian_deviance
from ..core.layout import ThetaLayout
from ..design.check import check_absorbed
from ..design.crossproducts import CrossProducts
from ..design.design import Design
from ..optimize import DRIVERS
from .boundary import WORTHLESS, is_suspicious
from .convergence import CONVERGED, Convergence, negative_directions, predicted_decrease
from .fit import Fit
from .search import FitOptions, search
from .start import internal_theta, moment_start

RESTARTS = 4
# ratio of the response's sum of squares to the residual's that calls for a look
DELICATE = 1e6


class GaussianModel:
    """A design with its cross-products, ready to be fitted again and again.

    Parameters
    ----------
    design : Design
    """

    def __init__(self, design: Design):
        self.design = design
        self.cross = CrossProducts(design)
        check_absorbed(design, self.cross)
        self.layout = ThetaLayout(
            [term.structure for term in design.terms], self.cross.factors
        )

    @property
    def coordinates(self):
        """Where the coordinates of X and z are."""
        return self.cross

    @cached_property
    def has_constant(self):
        """Whether a constant column is a combination of the fixed effects."""
        return self.cross.has_constant()

    def with_design(self, design):
        """The same cross-products for a design that differs in the response only."""
        other = copy.copy(self)
        other.design = design
        return other

    def objective(self, reml, endog=None):
        """Deviance as a function of theta, of the design's response or others."""
        endog = self.design.endog if endog is None else endog
        offset = self.design.mean.offset
        if offset is not None:
            endog = endog - (offset if endog.ndim == 1 else offset[:, None])
        return GaussianObjective(
            self.cross, self.cross.response(endog), self.layout, reml
        )

    def internal_theta(self, covariances):
        """theta in the coordinates of the fit, from relative covariances."""
        return internal_theta(self, covariances)

    def gaussian_loglike(self, params, covariances, scale=None):
        """Log-likelihood of fixed effects, its gradient and Hessian in them.

        Parameters
        ----------
        params : ndarray, shape (p,)
        covariances : sequence of ndarray
            Covariance of each term relative to sigma^2.
        scale : float, optional
            sigma^2; its maximum-likelihood value at `params` by default.
        """
        objective = self.objective(False)
        at = objective.evaluate(self.internal_theta(covariances), derivatives=False)
        basis = self.cross.basis
        to_user = basis.linear_map[np.argsort(basis.kept)]
        inverse = np.linalg.inv(to_user)
        unit = objective.response.unit
        gap = inverse @ params - objective.response.coefficients - unit * at.beta
        r2 = unit**2 * at.r2 + gap @ at.precision @ gap
        n = self.cross.nobs
        scale = r2 / n if scale is None else scale
        value = gaussian_deviance(n, at.logdet, r2, scale) - self.cross.sum_log_weights
        score = -(inverse.T @ at.precision @ gap) / scale
        hessian = -(inverse.T @ at.precision @ inverse) / scale
        return -0.5 * float(value), score, hessian

    def start(self, objective, options):
        """Starting theta, with the leading axes of the objective's responses."""
        if options.start is None:
            return moment_start(self.cross, objective.response, self.layout)
        theta = self.internal_theta(options.start)
        return np.broadcast_to(theta, (*objective.response.ee.shape, len(theta)))

    def fit(self, reml=True, options=None, endog=None) -> Fit:
        """Fit one response, or many at once (columns of a matrix `endog`)."""
        options = options or FitOptions()
        objective = self.objective(reml, endog)
        start = self.start(objective, options)
        if objective.n_replicates is None:
            fit = _fit_single(self, objective, start, options)
            return _checked_by_rows(fit, self.design.endog if endog is None else endog)
        return _fit_many(self, objective, start, options)


def _fit_single(model, objective, start, options):
    found = search(objective, start, options)
    ends = (found.convergence,), (found.singular,)
    return Fit(model, objective, found.record, found.evaluation, *ends)


def _checked_by_rows(fit, endog):
    """The fit, its rounding error measured on the rows where it may be large.

    Cross-products leave little of a residual sum of squares that is a millionth of
    the response's; the rows still hold it.
    """
    response, evaluation = fit.objective.response, fit.evaluation
    if response.ee < DELICATE * evaluation.r2:
        return fit
    weights = fit.design.weights
    residual = (endog - fit.fixed_part - fit.random_part) / fit.unit
    squares = residual**2 if weights is None else weights * residual**2
    gap = abs(squares.sum() + (evaluation.u**2).sum() - evaluation.r2) / evaluation.r2
    rounding = max(fit.convergence.rounding, float(fit.objective.dof * gap))
    convergence = replace(fit.convergence, rounding=rounding)
    return replace(fit, convergences=(convergence,))


def _fit_many(model, objective, start, options):
    """All responses at once; those near a boundary are settled one by one."""

    def evaluate(x, index):
        return objective.select(index).evaluate(x)

    record = DRIVERS[options.optimizer](
        evaluate, np.array(start), options.tol, options.max_iter
    )
    theta = model.layout.canonical(record.ahead)
    evaluation = objective.evaluate(theta)
    alone = is_suspicious(model.layout, theta)
    alone |= evaluation.value > record.value + WORTHLESS + evaluation.rounding
    alone |= predicted_decrease(evaluation) > CONVERGED
    alone |= negative_directions(evaluation.curvature)[0] > 0
    convergences, singulars = [], []
    parts = {
        i: _fit_single(model, objective.select(i), theta[i], options)
        for i in np.flatnonzero(alone)
    }
    if parts:
        index = np.flatnonzero(alone)
        settled = np.stack([parts[i].evaluation.x for i in index])
        anew = objective.select(index).evaluate(settled)
        evaluation = replace_evaluations(evaluation, index, anew)
    negative, _ = negative_directions(evaluation.curvature)
    decrease = predicted_decrease(evaluation)
    for i in range(len(theta)):
        if i in parts:
            convergences.append(parts[i].convergences[0])
            singulars.append(parts[i].singulars[0])
            continue
        spent = int(record.n_evaluations[i]) + 1
        figures = float(decrease[i]), int(negative[i]), np.inf, spent
        convergences.append(Convergence(*figures, float(evaluation.rounding[i])))
        singulars.append(())
    return Fit(
        model, objective, record, evaluation, tuple(convergences), tuple(singulars)
    )
