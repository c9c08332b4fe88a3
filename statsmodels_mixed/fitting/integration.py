"""How far the integral a fit was made with is from the truth, at its estimates."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..core.criteria import MOST_NODES, MOST_PRODUCTS
from ..errors import DataError
from .montecarlo import importance_objective

# nodes per effect that leave nothing to be seen, by number of effects of a level; the
# check takes more where the fit has so many
FINE = {1: 61, 2: 21, 3: 11}
FINE_NESTED = (11, 31)


@dataclass(frozen=True)
class IntegrationCheck:
    """A better integral at the estimates of a fit, and the step it would take.

    Attributes
    ----------
    method : str
        How the better integral was computed.
    difference : float
        Its log-likelihood at the estimates minus that of the fit.
    difference_se : float
        Monte Carlo standard error of it, 0 for quadrature.
    step : ndarray, shape (n,)
        Newton step from the estimates, in the coordinates of x = (theta, zeta, beta).
    step_se : ndarray, shape (n,)
        Monte Carlo standard errors of the step.
    covariance : ndarray, shape (n, n)
        Of the estimates.
    ess : float
        Smallest effective number of draws of a component, infinite for quadrature.
    """

    method: str
    difference: float
    difference_se: float
    step: np.ndarray
    step_se: np.ndarray
    covariance: np.ndarray
    ess: float


def check_by_quadrature(fit, own=1):
    """Compare a fit with many nodes.

    Parameters
    ----------
    fit : GeneralizedFit
    own : int or tuple of int
        Nodes of the fit, one for each level if there are several.

    Returns
    -------
    IntegrationCheck

    Raises
    ------
    DataError
        There is no quadrature for this structure.
    """
    nodes, method = _finer(fit.model.layout.sizes, own)
    objective = fit.model.objective(nodes)
    x = _start(objective, fit.evaluation)
    found = objective.evaluate(x)
    covariance = _covariance(fit, found.curvature)
    return IntegrationCheck(
        method,
        0.5 * float(fit.deviance - found.value),
        0.0,
        -0.5 * covariance @ found.gradient,
        np.zeros(len(x)),
        covariance,
        np.inf,
    )


def _finer(sizes, own):
    """Nodes to compare a fit with, at least its own, and words for them."""
    if not sizes:
        return 1, "the likelihood, which holds no integral"
    if len(sizes) == 1 and sizes[0] not in FINE:
        raise DataError("There is no quadrature over so many effects of a level.")
    least = np.array([FINE[sizes[0]]] if len(sizes) == 1 else FINE_NESTED)
    own = np.broadcast_to(own, least.shape)
    effects = sizes[0] if len(sizes) == 1 else 1
    most = min(MOST_NODES, int(MOST_PRODUCTS ** (1.0 / effects) + 1e-9))
    nodes = tuple(int(k) for k in np.maximum(least, np.minimum(2 * own, most)))
    method = f"quadrature with {' x '.join(map(str, nodes))} nodes"
    if (np.array(nodes) == own).all():
        method += ", those of the fit and the most there can be"
    return (nodes if len(nodes) > 1 else nodes[0]), method


def check_by_sampling(fit, rng, n_draws):
    """Compare a fit with importance sampling around its modes.

    Parameters
    ----------
    fit : GeneralizedFit
    rng : numpy.random.Generator
    n_draws : int

    Returns
    -------
    IntegrationCheck
    """
    objective, x = importance_objective(fit.model, fit.evaluation, n_draws, rng)
    error = objective.error(x)
    # the gradient, and what each batch of draws contributes to its error
    every = np.vstack([error.gradient, error.gradient_noise])
    covariance = _covariance(fit, error.curvature)
    steps = -0.5 * every @ covariance
    return IntegrationCheck(
        f"importance sampling with {objective.draws.n_draws} draws",
        error.loglike + 0.5 * float(fit.deviance),
        error.loglike_se,
        steps[0],
        np.sqrt((steps[1:] ** 2).sum(axis=0)),
        covariance,
        float(error.ess.min()),
    )


def _start(objective, evaluation):
    """x of another criterion's end, with beta where that found it by PIRLS."""
    objective.start_from(evaluation.u, evaluation.beta)
    x = evaluation.x[: objective.beta_place.start]
    return np.concatenate([x, evaluation.beta])


def _covariance(fit, curvature):
    """Covariance of x at the estimates: by the exact Hessian, if it holds all of x."""
    known = fit.cov_parameters
    if len(known) == len(curvature):
        return known
    values, vectors = np.linalg.eigh(curvature)  # of the working model, made positive
    size = np.maximum(np.abs(values), np.finfo(float).eps * np.abs(values).max())
    return (vectors * (2.0 / size)) @ vectors.T
