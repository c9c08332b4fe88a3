"""Penalised quasi-likelihood: a sequence of working linear mixed models."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from ..errors import ComparisonError, ConvergenceWarning, FamilyError, warn_user
from .convergence import Convergence
from .engine import GaussianModel
from .fit import Fit
from .search import FitOptions

TOLERANCE = 1e-8  # change of eta, relative to its length
MAX_ITER = 100
SHORTEST = 1.0 / 16.0  # of the steps that are damped where the iteration circles
# A weight below this share of the mean one is raised to it: the working model has no
# rows of infinite variance.
LEAST = 1e-10

# of the last working linear mixed model
SHARED = frozenset(
    {
        "beta",
        "cov_beta",
        "scale_parameters",
        "sigma2",
        "scale",
        "residual_variance",
        "n_covariance",
        "covariances",
        "relative_covariances",
        "theta",
        "modes",
        "conditional_covariances",
        "fixed_part",
        "random_part",
        "record",
        "evaluation",
        "objective",
        "singulars",
    }
)


@dataclass(frozen=True)
class PQLConvergence:
    """Whether penalised quasi-likelihood reached its fixed point.

    Attributes
    ----------
    change : float
        Last change of the linear predictor, relative to its length.
    n_evaluations : int
        Working models that were fitted.
    last : Convergence
        Certificate of the last working model.
    converged : bool
        The verdict: change below 1e-8, and the last working model at its minimum.
    """

    change: float
    n_evaluations: int
    last: Convergence

    @property
    def converged(self):
        """Whether the linear predictor stopped changing, at a minimum."""
        return bool(self.change <= TOLERANCE and self.last.converged)

    @property
    def message(self):
        """One line for the summary."""
        verdict = "converged" if self.converged else "NOT converged"
        text = f"{verdict}: relative change of eta {self.change:.1e}"
        text += f", {self.n_evaluations} working models"
        if not self.last.converged:
            text += f", the last one {self.last.message}"
        return text


@dataclass(frozen=True, eq=False)
class PQLFit:
    """End of penalised quasi-likelihood: no likelihood, no deviance.

    Attributes
    ----------
    model : GeneralizedModel
    lmm : Fit
        The last working linear mixed model.
    eta : ndarray, shape (n,)
        Linear predictor at the conditional modes.
    n_iterations : int
        Working models that were fitted.
    change : float
        Last relative change of eta.
    """

    model: object
    lmm: Fit
    eta: np.ndarray
    n_iterations: int
    change: float

    @property
    def converged(self):
        """Whether eta stopped changing."""
        return self.convergence.converged

    @property
    def convergence(self):
        """What there is in place of the certificate of a minimum."""
        last = self.lmm.convergence
        return PQLConvergence(self.change, self.n_iterations, last)

    @property
    def convergences(self):
        """The same, as the only one."""
        return (self.convergence,)

    @property
    def deviance(self):
        """There is none."""
        raise ComparisonError(
            "Penalised quasi-likelihood has no likelihood, so there is no log-"
            "likelihood, AIC or likelihood-ratio test. Fit by nagq= or method='mcml'."
        )

    reml = False
    unit = np.float64(1.0)
    method = "PQL (quasi-likelihood)"
    loglike_se = np.nan

    def __getattr__(self, name):
        """What the last working model says as well."""
        if name in SHARED:
            return getattr(self.lmm, name)
        raise AttributeError(f"{type(self).__name__} has no attribute {name!r}.")

    @property
    def design(self):
        """The design that was fitted, with the response as it is."""
        return self.model.design

    @property
    def family(self):
        """The response distribution."""
        return self.model.family

    @property
    def dispersion(self):
        """Residual variance of the working model."""
        return float(self.lmm.sigma2)

    @property
    def beta_mcse(self):
        """Monte Carlo standard errors of `beta`: none."""
        return np.zeros(len(self.lmm.beta))

    def remarks(self):
        """Sentences for the summary on the method of estimation."""
        return (
            "Penalised quasi-likelihood is no likelihood: there is no AIC and no "
            "likelihood-ratio test. Variances are too small for binary rows in small "
            "groups (Breslow and Lin 1995, Biometrika 82, 81-91).",
            f"{self.n_iterations} working linear mixed models were fitted.",
        )

    def draw_rows(self, eta, rng):
        """Responses with these linear predictors, shape (..., n)."""
        mu, design = self.family.mean(eta), self.design
        return self.family.draw(mu, self.dispersion, design.trials, design.weights, rng)

    def light_objective(self):
        """Nothing of the objective is needed without rows."""
        return {}

    @cached_property
    def mu(self):
        """Mean of the response (of one trial) at the conditional modes, shape (n,)."""
        return self.model.family.mean(self.eta)


def fit_pql(model, options=None):
    """Fit by penalised quasi-likelihood (Breslow and Clayton 1993, section 2).

    Each round fits the linear mixed model of the working response ``eta + l'/I``
    with weights I, the Fisher information of the rows in eta (``(y - mu)/mu'`` and
    ``mu'^2/V`` in an exponential family), by maximum likelihood. Its residual
    variance is estimated, also where the family has none, as by glmmPQL of the R
    package MASS (Venables and Ripley 2002, section 10.4).

    Parameters
    ----------
    model : GeneralizedModel
    options : FitOptions, optional
        Of each working model.

    Returns
    -------
    PQLFit

    Raises
    ------
    FamilyError
        The family has a dispersion that is not a factor of its variance.

    Warns
    -----
    ConvergenceWarning
        The linear predictor still changes after `MAX_ITER` rounds.

    References
    ----------
    Breslow and Clayton (1993), Journal of the American Statistical Association 88,
    9-25.
    """
    options = options or FitOptions()
    eta = model.plain.eta
    _check_scale(model.family, eta)
    step, change, rounds = 1.0, np.inf, 0
    while change > TOLERANCE and rounds < MAX_ITER:
        rounds += 1
        lmm = _working_model(model, eta).fit(reml=False, options=options)
        ahead = lmm.fixed_part + lmm.random_part
        before, change = change, _relative(ahead - eta, ahead)
        if change > before:
            step = max(0.5 * step, SHORTEST)
        eta = eta + step * (ahead - eta)
        options = replace(options, start=lmm.relative_covariances)
    if change > TOLERANCE:
        warn_user(
            f"Penalised quasi-likelihood did not converge: after {MAX_ITER} rounds the "
            f"linear predictor still changes by {change:.1e} of its length. Fit by the "
            "Laplace approximation, or look for rows that can be told apart perfectly.",
            ConvergenceWarning,
        )
    return PQLFit(model, lmm, eta, rounds, change)


def _working_model(model, eta):
    """Linear mixed model of the working response."""
    # whatever the dispersion, it cancels in l'/I and goes into the residual variance
    zeta = 0.0
    weights = model.likelihood.expected_weights(eta, zeta)
    weights = np.maximum(weights, LEAST * weights.mean())
    score = model.likelihood.derivatives(eta, zeta, order=1).d1
    design = replace(
        model.design, endog=eta + score / weights, weights=weights, trials=None
    )
    return GaussianModel(design)


def _relative(change, values):
    """Length of a change relative to the length of the values."""
    length = max(np.linalg.norm(values), np.finfo(float).tiny)
    return float(np.linalg.norm(change) / length)


def _check_scale(family, eta):
    """Refuse a family whose variance is not proportional to its dispersion."""
    if not family.dispersion_name:
        return
    mu = family.mean(eta)
    once, twice = family.variance(mu, 1.0), family.variance(mu, 2.0)
    if not np.allclose(twice, 2.0 * once):
        raise FamilyError(
            f"Quasi-likelihood cannot estimate the {family.dispersion_name} of the "
            f"{family.name} family, which is no factor of its variance. Fix it, or fit "
            "by the Laplace approximation."
        )
