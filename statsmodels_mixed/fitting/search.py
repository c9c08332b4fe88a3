"""Minimise a criterion: boundary, restarts, certificate."""

from __future__ import annotations

from dataclasses import dataclass, replace
from types import SimpleNamespace

import numpy as np

from ..errors import DataError, IdentifiabilityError
from ..optimize import DRIVERS, OptimizationRecord
from .boundary import WORTHLESS, singular_directions, with_exact_zeros
from .convergence import CONVERGED, Convergence, negative_directions, predicted_decrease

RESTARTS = 4


@dataclass(frozen=True)
class Sampling:
    """Monte Carlo estimation.

    Attributes
    ----------
    n_draws : int
        Draws of the random effects, in the first round.
    seed : int
        Of the draws of every fit.
    progress : bool
        Whether to show a progress bar.
    """

    n_draws: int
    seed: int
    progress: bool = False

    def __post_init__(self):
        if not isinstance(self.n_draws, (int, np.integer)) or self.n_draws < 2:
            raise DataError(
                f"n_draws={self.n_draws!r}: give a whole number, 2 or more."
            )

    @classmethod
    def seeded(cls, n_draws, rng=None, progress=False):
        """With a seed drawn from a generator, or from what makes one."""
        seed = int(np.random.default_rng(rng).integers(2**63))
        return cls(n_draws, seed, progress)

    @property
    def rng(self):
        """A new generator, always the same."""
        return np.random.default_rng(self.seed)


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
        Stop when the predicted decrease of the deviance falls below this; the step
        that predicts it is still taken.
    max_iter : int
        Most evaluations of criterion and gradient.
    nagq : int or tuple of int
        Integration over the random effects: see `GLMM.fit`.
    method : str
        Of a generalized linear mixed model: see `GLMM.fit`.
    sampling : Sampling, optional
    """

    start: tuple | None = None
    optimizer: str = "newton"
    tol: float = 1e-8
    max_iter: int = 200
    nagq: int | tuple = 1
    method: str = "ml"
    sampling: Sampling | None = None

    def __post_init__(self):
        if self.optimizer not in DRIVERS:
            known = ", ".join(map(repr, DRIVERS))
            raise DataError(f"optimizer={self.optimizer!r} is not one of {known}.")
        if not self.tol > 0 or self.max_iter < 1:
            raise DataError("tol must be positive and max_iter at least 1.")


@dataclass(frozen=True, eq=False)
class Found:
    """Where a search ended.

    Attributes
    ----------
    record : OptimizationRecord
    evaluation : Evaluation
        At the canonical end.
    convergence : Convergence
    singular : tuple of SingularDirection
    """

    record: OptimizationRecord
    evaluation: object
    convergence: Convergence
    singular: tuple


def search(objective, start, options) -> Found:
    """Minimise, put exact zeros, and restart where the certificate says no.

    Parameters
    ----------
    objective : object
        With ``layout`` and ``evaluate``.
    start : ndarray, shape (n,)
    options : FitOptions
    """
    x, spent, driven = np.array(start), 0, 0
    rounds, certificates = [], []
    for _ in range(RESTARTS):
        record = DRIVERS[options.optimizer](
            single(objective), x[None], options.tol, options.max_iter - spent
        )
        evaluation, singular, more = _settle(objective, record)
        driven += int(record.n_evaluations[0])
        spent += int(record.n_evaluations[0]) + more
        certificate = certify(evaluation, singular, spent)
        rounds.append((float(evaluation.value), len(rounds), evaluation, singular))
        certificates.append(certificate)
        if not _is_wrong(certificate) or spent >= options.max_iter:
            break
        x = _next_start(objective.layout, evaluation, singular, certificate)
        if not np.isfinite(objective.evaluate(x, derivatives=False).value):
            break  # off the saddle, but out of the domain of the response
    _, which, evaluation, singular = min(rounds, key=lambda r: r[:2])
    convergence = replace(certificates[which], n_evaluations=spent)
    record = replace(
        record,
        start=np.array(start)[None],
        end=evaluation.x[None],
        value=np.atleast_1d(evaluation.value),
        predicted_decrease=np.array([convergence.predicted_decrease]),
        n_evaluations=np.array([driven]),
        reached=np.array([convergence.predicted_decrease <= options.tol]),
    )
    return Found(record, evaluation, convergence, singular)


def certify(evaluation, singular, spent):
    """The certificate of an evaluation with its curvature."""
    negative, _ = negative_directions(evaluation.curvature)
    return Convergence(
        float(predicted_decrease(evaluation)[0]),
        int(negative),
        min((s.slope for s in singular), default=np.inf),
        spent,
        float(evaluation.rounding),
    )


def _is_wrong(certificate):
    """Whether there is a way down from here, whatever the digits."""
    c = certificate
    left = c.predicted_decrease > max(CONVERGED, c.rounding)
    return c.negative_eigenvalues or c.kkt < 0 or left


def _next_start(layout, evaluation, singular, certificate):
    """Where to go on from: off a saddle or a wrong bound, else from here."""
    if not certificate.negative_eigenvalues and certificate.kkt >= 0:
        return evaluation.x
    _, direction = negative_directions(evaluation.curvature)
    return _leave(layout, evaluation.x, singular, direction)


def _settle(objective, record):
    """Evaluation at the end of a minimisation, with exact zeros where they belong.

    The step that would have come next costs nothing extra: derivatives are wanted
    at the final point anyway. A zero stays only if the deviance does not fall when
    the variance leaves it: nearly nothing may still be something.
    """
    x = objective.layout.canonical(record.ahead[0])
    evaluation, count = _evaluated(objective, x), 1
    if evaluation.value > record.value[0] + WORTHLESS + evaluation.rounding:
        x = objective.layout.canonical(record.end[0])
        evaluation, count = objective.evaluate(x), 2
    if not np.isfinite(evaluation.value):
        raise IdentifiabilityError(
            "The search ended where the criterion has no value: at the border of what "
            "the link allows, or where random effects reproduce the response. Choose a "
            "link that keeps the mean in its range, look for a response that is "
            "constant within levels, or give other start= values."
        )
    zeroed, _, more = with_exact_zeros(objective, x, float(evaluation.value))
    if zeroed is not x:
        at_zero = objective.evaluate(objective.layout.canonical(zeroed))
        singular = singular_directions(objective, at_zero)
        count += 1
        if min((s.slope for s in singular), default=np.inf) >= 0:
            return at_zero, singular, count + more
    return evaluation, singular_directions(objective, evaluation), count + more


def _leave(layout, x, singular, direction):
    """A point off the saddle: inside along the worst singular direction, if any."""
    worst = min(singular, key=lambda s: s.slope, default=None)
    if worst is None or worst.slope >= 0:
        return x + 0.1 * direction
    out, part = x.copy(), layout.slices[worst.term]
    structure = layout.structures[worst.term]
    lam = structure.factor(x[part])
    push = 0.1 * np.outer(worst.direction, worst.direction)
    out[part] = structure.from_covariance(lam @ lam.T + push)
    return out


def _evaluated(objective, x):
    """An evaluation; of infinite value where rounding leaves no positive definite H.

    Variances of 1e16 are steps too far, to be taken back like any that climbs.
    """
    try:
        return objective.evaluate(x)
    except np.linalg.LinAlgError:
        nan = np.full(x.shape, np.nan)
        curvature = np.full((len(x), len(x)), np.nan)
        return SimpleNamespace(
            value=np.inf, rounding=0.0, gradient=nan, curvature=curvature
        )


def single(objective):
    """The evaluator of one problem, as the drivers want it."""

    def evaluate(x, index):
        e = _evaluated(objective, x[0])
        return SimpleNamespace(
            value=np.atleast_1d(e.value),
            rounding=np.atleast_1d(e.rounding),
            gradient=e.gradient[None],
            curvature=e.curvature[None],
        )

    return evaluate
