"""Conditional deviance of a fit: rows against their means at the modes."""

from __future__ import annotations

import numpy as np


def mean_rows(fit):
    """Response on the scale of the mean, mean, and weights of the rows.

    Parameters
    ----------
    fit : GeneralizedFit or PQLFit

    Returns
    -------
    ndarray, ndarray, ndarray, shape (n,)
    """
    design = fit.design
    weights = np.ones(design.nobs) if design.weights is None else design.weights
    if design.trials is None:
        return design.endog, fit.mu, weights
    return design.endog / design.trials, fit.mu, weights * design.trials


def deviance_residuals(fit):
    """Signed square roots of the contributions to the conditional deviance."""
    y, mu, weights = mean_rows(fit)
    unit = fit.family.unit_deviance(y, mu, fit.dispersion)
    return np.sign(y - mu) * np.sqrt(weights * np.maximum(unit, 0.0))


def conditional_deviance(fit):
    """Sum of the squared deviance residuals at the conditional modes."""
    return float((deviance_residuals(fit) ** 2).sum())
