"""Monte Carlo maximum likelihood, and the check of other fits by its first step."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from ..core.importance import ImportanceObjective
from ..core.importance_draws import Draws
from ..errors import ConvergenceWarning, MixedModelError, warn_user
from ..optimize import newton_step
from .convergence import CONVERGED
from .generalized_fit import GeneralizedFit
from .hessian import gradient_differences
from .search import FitOptions, certify, search

N_DRAWS = 10_000
ROUNDS = 3  # searches at most, each with twice the draws of the one before
POOR = 100.0  # effective draws of a component, below which more are made
# The gradient in fresh draws has twice the noise of one set of draws. That its length
# exceeds this many times the noise has a chance of some percent with one parameter.
FAR = 10.0


@dataclass(frozen=True, eq=False)
class MonteCarloFit(GeneralizedFit):
    """Fit of a generalized linear mixed model by Monte Carlo maximum likelihood.

    The estimates minimise the Monte Carlo deviance of one set of draws. The deviance
    of the fit is that of other, fresh draws at the estimates, since the minimum of the
    first is too low on average.

    Attributes
    ----------
    n_draws : int
        Draws of each component.
    error : MonteCarloError
        Of the fresh draws at the estimates.
    """

    n_draws: int
    error: object

    @property
    def loglike_se(self):
        """Monte Carlo standard error of the log-likelihood."""
        return self.error.loglike_se

    @property
    def ess(self):
        """Smallest effective number of draws of a component."""
        return float(self.error.ess.min())

    def remarks(self):
        """Sentences for the summary on the method of estimation."""
        return (
            f"Monte Carlo: {self.n_draws} draws, log-likelihood known to "
            f"{self.loglike_se:.2g} (standard error), smallest effective number of "
            f"draws {self.ess:.0f}.",
        )

    @cached_property
    def _noise(self):
        """Errors of the estimates by batch, coordinates of the fit, (batches, n)."""
        return 0.5 * self.error.gradient_noise @ self.cov_parameters

    @cached_property
    def beta_mcse(self):
        """Monte Carlo standard errors of `beta`, shape (p,)."""
        noise = self._noise[:, self.objective.beta_place]
        return _length(noise @ self.model.rows.exog_map.T)

    @cached_property
    def covariances_mcse(self):
        """Monte Carlo standard errors of `covariances`, per term (k, k)."""
        layout, out = self.model.layout, []
        theta = self.evaluation.x
        maps = self.model.rows.maps
        for structure, part, linear in zip(
            layout.structures, layout.slices, maps, strict=True
        ):
            lam = structure.factor(theta[part])
            change = structure.factor_derivative(theta[part]) @ lam.T
            change = linear @ (change + np.swapaxes(change, -1, -2)) @ linear.T
            out.append(_length(np.tensordot(self._noise[:, part], change, 1)))
        return tuple(out)

    @property
    def dispersion_mcse(self):
        """Monte Carlo standard error of `dispersion`; 0 for a family without one."""
        if not self.objective.estimates_dispersion:
            return 0.0
        noise = self._noise[:, self.model.layout.n_par]
        return float(self.dispersion * _length(noise))


def _length(noise):
    """Standard error of a sum of independent batches along the first axis."""
    return np.sqrt((noise**2).sum(axis=0))


def importance_objective(model, evaluation, n_draws, rng):
    """Monte Carlo deviance with new draws, and the x at which another fit ended.

    Parameters
    ----------
    model : GeneralizedModel
    evaluation : ModeEvaluation
        Of any criterion of this model.
    n_draws : int
    rng : numpy.random.Generator

    Returns
    -------
    ImportanceObjective, and ndarray, shape (n,)
    """
    zeta = np.nan if model.family.dispersion_name else 0.0
    draws = Draws(model.rows.system, n_draws, rng)
    parts = model.rows, model.likelihood, model.offset, model.layout
    objective = ImportanceObjective(*parts, draws, zeta)
    objective.start_from(evaluation.u, evaluation.beta)
    x = evaluation.x[: objective.beta_place.start]
    return objective, np.concatenate([x, evaluation.beta])


def mcml(model, start, rng, n_draws=N_DRAWS, options=None, progress=False):
    """Maximise the likelihood by importance sampling (Geyer and Thompson 1992).

    The Monte Carlo deviance of one set of draws is minimised. Fresh draws give the
    log-likelihood at the end, and say whether it is where they would have led within
    Monte Carlo error. If not, or if few draws are effective, there is another round
    with twice as many.

    Parameters
    ----------
    model : GeneralizedModel
    start : GeneralizedFit
        By any other criterion.
    rng : numpy.random.Generator
    n_draws : int
        Draws of each component, in the first round.
    options : FitOptions, optional
    progress : bool
        Show a progress bar (needs the package tqdm).

    Returns
    -------
    MonteCarloFit
    """
    options = options or FitOptions()
    evaluation, spent = start.evaluation, 0
    with _watching(progress) as report:
        for more in 2 ** np.arange(ROUNDS):
            size = int(more) * n_draws
            objective, x = importance_objective(model, evaluation, size, rng)
            watched = _Watched(objective, report)
            found = search(watched, x, options)
            evaluation = found.evaluation
            spent += found.convergence.n_evaluations
            fresh, x = importance_objective(model, evaluation, size, rng)
            error = fresh.error(x)
            settled = _is_within_noise(error)
            if settled and error.ess.min() >= POOR:
                break
        hessian = gradient_differences(objective, evaluation)
    if not settled:
        warn_user(
            f"Monte Carlo maximum likelihood with {size} draws (of which "
            f"{error.ess.min():.0f} are effective) ends elsewhere with other draws, by "
            "more than its Monte Carlo error. Raise n_draws.",
            ConvergenceWarning,
        )
    if np.isfinite(hessian).all():  # not at the border of the domain
        evaluation = replace(evaluation, curvature=hessian)
    convergence = certify(evaluation, found.singular, spent)
    evaluation = replace(evaluation, value=np.float64(-2.0 * error.loglike))
    ends = (convergence,), (found.singular,)
    n_draws = objective.draws.n_draws
    return MonteCarloFit(
        model, objective, found.record, evaluation, *ends, n_draws, error
    )


def _is_within_noise(error):
    """Whether the gradient promises no more than its noise would."""
    every = np.vstack([error.gradient, error.gradient_noise])
    curvature = np.broadcast_to(error.curvature, (len(every), *error.curvature.shape))
    decrease = newton_step(every, curvature, np.full(len(every), np.inf))[1]
    return bool(decrease[0] <= max(CONVERGED, FAR * decrease[1:].sum()))


class _Watched:
    """An objective that reports each evaluation."""

    def __init__(self, objective, report):
        self._objective, self._report = objective, report
        self.layout = objective.layout

    def evaluate(self, x, **wanted):
        """As of the objective."""
        evaluation = self._objective.evaluate(x, **wanted)
        self._report(evaluation)
        return evaluation


@contextmanager
def _watching(progress):
    """What to call after each evaluation."""
    if not progress:
        yield lambda evaluation: None
        return
    try:
        from tqdm.auto import tqdm
    except ImportError as error:
        raise MixedModelError(
            "progress=True needs tqdm: pip install 'statsmodels-mixed[progress]'."
        ) from error
    with tqdm(unit=" evaluations") as bar:

        def report(evaluation):
            bar.set_postfix_str(f"deviance {evaluation.value:.4f}", refresh=False)
            bar.update()

        yield report
