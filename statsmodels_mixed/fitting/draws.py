"""Random effects of new levels, and responses of new rows, drawn from a fit."""

from __future__ import annotations

import copy
from dataclasses import replace

import numpy as np

# what to do with levels that were not there when fitting
NEW_LEVELS = ("error", "population", "draw")


def effect_draws(cov, n_levels, rng):
    """Effects of new levels, drawn from their normal distribution.

    Parameters
    ----------
    cov : ndarray, shape (k, k)
        Covariance of the effects; may be singular.
    n_levels : int
    rng : numpy.random.Generator

    Returns
    -------
    ndarray, shape (n_levels, k)

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> bool((effect_draws(np.diag([4.0, 0.0]), 3, rng)[:, 1] == 0).all())
    True
    """
    # a square root that exists for singular covariances too
    values, vectors = np.linalg.eigh(cov)
    half = vectors * np.sqrt(np.maximum(values, 0.0))
    return rng.standard_normal((n_levels, len(cov))) @ half.T


def with_rows(fit, weights=None, trials=None):
    """The same fit over rows of other weights and trials: what its draws look at.

    Parameters
    ----------
    fit : Fit, GeneralizedFit or PQLFit
    weights, trials : ndarray, shape (n,), or None

    Returns
    -------
    Fit, GeneralizedFit or PQLFit
        For `draw_rows` only: its design is not that of the rows it was made from.
    """
    model = copy.copy(fit.model)
    model.design = replace(fit.design, weights=weights, trials=trials)
    return replace(fit, model=model)
