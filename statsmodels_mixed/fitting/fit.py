"""Minimise a criterion of a design and express the end in the user's units."""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace
from functools import cached_property
from types import SimpleNamespace

import numpy as np

from ..core import Evaluation, GaussianObjective
from ..core.layout import ThetaLayout
from ..design.crossproducts import CrossProducts
from ..design.design import Design
from ..errors import DataError
from ..optimize import DRIVERS, OptimizationRecord
from .boundary import (
    WORTHLESS,
    is_suspicious,
    singular_directions,
    with_exact_zeros,
)
from .convergence import Convergence, negative_directions, predicted_decrease
from .start import moment_start

RESTARTS = 4


@dataclass(frozen=True)
class FitOptions:
    """How to minimise.

    Attributes
    ----------
    start : sequence of ndarray, optional
        Relative covariance matrix (k, k) of each term to start from.
    optimizer : str
        ``"newton"`` (average information) or ``"lbfgs"`` (gradient only).
    tol : float
        Stop when the predicted decrease of the deviance falls below this.
    max_iter : int
        Most evaluations of criterion and gradient.
    """

    start: tuple | None = None
    optimizer: str = "newton"
    tol: float = 1e-8
    max_iter: int = 200

    def __post_init__(self):
        if self.optimizer not in DRIVERS:
            known = ", ".join(map(repr, DRIVERS))
            raise DataError(f"optimizer={self.optimizer!r} is not one of {known}.")
        if not self.tol > 0 or self.max_iter < 1:
            raise DataError("tol must be positive and max_iter at least 1.")


class GaussianModel:
    """A design with its cross-products, ready to be fitted again and again.

    Parameters
    ----------
    design : Design
    """

    def __init__(self, design: Design):
        self.design = design
        self.cross = CrossProducts(design)
        self.layout = ThetaLayout(
            [term.structure for term in design.terms], self.cross.factors
        )

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
        inverses = [np.linalg.inv(m) for m in self.cross.maps]
        return self.layout.from_covariances(
            [
                i @ np.asarray(c, dtype=float) @ i.T
                for i, c in zip(inverses, covariances, strict=True)
            ]
        )

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
        gap = inverse @ params - objective.response.coefficients - at.beta
        r2 = at.r2 + gap @ at.precision @ gap
        n = self.cross.nobs
        scale = r2 / n if scale is None else scale
        value = n * np.log(2.0 * np.pi * scale) + at.logdet + r2 / scale
        value -= self.cross.sum_log_weights
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
            return _fit_single(self, objective, start, options)
        return _fit_many(self, objective, start, options)


def _fit_single(model, objective, start, options):
    """Minimise, put exact zeros, and restart where the certificate says no."""
    theta, spent, first = np.array(start), 0, None
    for _ in range(RESTARTS):
        record = DRIVERS[options.optimizer](
            _single(objective), theta[None], options.tol, options.max_iter
        )
        first = first if first is not None else record
        evaluation, more = _settle(model, objective, record)
        spent += int(record.n_evaluations[0]) + more
        singular = singular_directions(objective, evaluation)
        negative, direction = negative_directions(evaluation.curvature)
        kkt = min((s.slope for s in singular), default=np.inf)
        decrease = float(predicted_decrease(evaluation)[0])
        convergence = Convergence(decrease, int(negative), kkt, spent)
        if not negative and not kkt < 0:
            break
        theta = _leave(model.layout, evaluation.theta, singular, direction)
    value = np.atleast_1d(evaluation.value)
    record = replace(first, end=evaluation.theta[None], value=value)
    return Fit(model, objective, record, evaluation, (convergence,), (singular,))


def _settle(model, objective, record):
    """Evaluation at the end of a minimisation, with exact zeros where they belong.

    The step that would have come next costs nothing extra: derivatives are wanted
    at the final point anyway.
    """
    theta = model.layout.canonical(record.ahead[0])
    evaluation, count = objective.evaluate(theta), 1
    if evaluation.value > record.value[0] + WORTHLESS:
        evaluation, count = objective.evaluate(model.layout.canonical(record.end[0])), 2
    zeroed, _, more = with_exact_zeros(
        objective, evaluation.theta, float(evaluation.value)
    )
    if zeroed is not evaluation.theta:
        evaluation, count = (
            objective.evaluate(model.layout.canonical(zeroed)),
            count + 1,
        )
    return evaluation, count + more


def _leave(layout, theta, singular, direction):
    """A point off the saddle: inside along the worst singular direction, if any."""
    worst = min(singular, key=lambda s: s.slope, default=None)
    if worst is None or worst.slope >= 0:
        return theta + 0.1 * direction
    out, part = theta.copy(), layout.slices[worst.term]
    structure = layout.structures[worst.term]
    lam = structure.factor(theta[part])
    push = 0.1 * np.outer(worst.direction, worst.direction)
    out[part] = structure.from_covariance(lam @ lam.T + push)
    return out


def _single(objective):
    def evaluate(x, index):
        e = objective.evaluate(x[0])
        return SimpleNamespace(
            value=np.atleast_1d(e.value),
            gradient=e.gradient[None],
            curvature=e.curvature[None],
        )

    return evaluate


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
    alone |= evaluation.value > record.value + WORTHLESS
    convergences, singulars = [], []
    parts = {
        i: _fit_single(model, objective.select(i), theta[i], options)
        for i in np.flatnonzero(alone)
    }
    if parts:
        theta = theta.copy()
        for i, fit in parts.items():
            theta[i] = fit.evaluation.theta
        evaluation = objective.evaluate(theta)
    negative, _ = negative_directions(evaluation.curvature)
    decrease = predicted_decrease(evaluation)
    for i in range(len(theta)):
        if i in parts:
            convergences.append(parts[i].convergences[0])
            singulars.append(parts[i].singulars[0])
            continue
        spent = int(record.n_evaluations[i]) + 1
        figures = float(decrease[i]), int(negative[i]), np.inf, spent
        convergences.append(Convergence(*figures))
        singulars.append(())
    return Fit(
        model, objective, record, evaluation, tuple(convergences), tuple(singulars)
    )


@dataclass(frozen=True, eq=False)
class Fit:
    """The end of a minimisation, in the user's units.

    Leading axes of all arrays are responses, when many were fitted at once.

    Attributes
    ----------
    model : GaussianModel
    objective : GaussianObjective
    record : OptimizationRecord
    evaluation : Evaluation
        At the canonical theta, in the coordinates of the fit.
    convergences : tuple of Convergence
        One per response.
    singulars : tuple of tuple of SingularDirection
        One per response.
    """

    model: GaussianModel
    objective: GaussianObjective
    record: OptimizationRecord
    evaluation: Evaluation
    convergences: tuple
    singulars: tuple

    @property
    def design(self):
        """The design that was fitted."""
        return self.model.design

    @property
    def reml(self):
        """Whether the criterion was REML."""
        return self.objective.reml

    @property
    def convergence(self):
        """Certificate of the (first) response."""
        return self.convergences[0]

    @property
    def deviance(self):
        """Minus twice the log-likelihood, or REML criterion, shape (...)."""
        return self.evaluation.value

    @property
    def sigma2(self):
        """Residual variance, shape (...)."""
        return self.evaluation.scale

    @cached_property
    def _exog_map(self):
        """From orthonormal coordinates to the user's columns, in their order."""
        basis = self.model.cross.basis
        return basis.linear_map[np.argsort(basis.kept)]

    @cached_property
    def beta(self):
        """Fixed effects of the columns that are not aliased, (..., p)."""
        total = self.objective.response.coefficients + self.evaluation.beta
        return total @ self._exog_map.T

    @cached_property
    def cov_beta(self):
        """Covariance matrix of `beta`, (..., p, p)."""
        linear = self._exog_map
        inverse = np.linalg.inv(self.evaluation.precision)
        return self.sigma2[..., None, None] * (linear @ inverse @ linear.T)

    @cached_property
    def relative_covariances(self):
        """Covariance of each term's effects relative to sigma^2, (..., k, k)."""
        out = []
        blocks = self.model.layout.term_factors(self.evaluation.theta)
        for lam, linear in zip(blocks, self.model.cross.maps, strict=True):
            half = linear @ lam
            out.append(half @ np.swapaxes(half, -1, -2))
        return tuple(out)

    @cached_property
    def covariances(self):
        """Covariance of each term's effects, in units of the response, (..., k, k)."""
        return tuple(
            self.sigma2[..., None, None] * c for c in self.relative_covariances
        )

    @cached_property
    def theta(self):
        """Relative covariance factors in the user's units, term by term."""
        return self.model.layout.from_covariances(self.relative_covariances)

    @cached_property
    def modes(self):
        """Conditional modes of the random effects, per term (..., m, k)."""
        out, cross = [], self.model.cross
        blocks = self.model.layout.term_factors(self.evaluation.theta)
        for t, (lam, linear) in enumerate(zip(blocks, cross.maps, strict=True)):
            u = self._spherical(t)
            # the exact factor, not the nudged one: zero variances give zero modes
            out.append(u @ np.swapaxes(linear @ lam, -1, -2))
        return tuple(out)

    def _place(self, t):
        layout, system = self.model.layout, self.model.cross.system
        f = next(i for i, terms in enumerate(layout.factors) if t in terms)
        return f, system.slices[f], system.gram.sizes[f], layout.columns[t]

    def _spherical(self, t):
        _, part, (m, size), cols = self._place(t)
        u = self.evaluation.u[..., part]
        return u.reshape(*u.shape[:-1], m, size)[..., cols]

    @cached_property
    def fixed_part(self):
        """``X beta`` plus offset, shape (..., n)."""
        kept = np.sort(self.model.cross.basis.kept)
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

    @cached_property
    def conditional_covariances(self):
        """Conditional covariance of the effects of each level, per term (m, k, k).

        ``sigma^2 [Lambda H^-1 Lambda']_ll`` at the estimates, beta held fixed, as
        lme4's ``ranef(condVar=TRUE)``.
        """
        system, layout = self.model.cross.system, self.model.layout
        theta = self.evaluation.theta
        blocks = system.factorize(layout.matrices(theta)).level_covariances()
        factors = layout.matrices(theta)
        out = []
        for t, linear in enumerate(self.model.cross.maps):
            f, _, _, cols = self._place(t)
            half = factors[f][cols, cols]
            inner = blocks[f][..., cols, cols]
            half = linear @ half
            out.append(self.sigma2 * (half @ inner @ half.T))
        return tuple(out)
