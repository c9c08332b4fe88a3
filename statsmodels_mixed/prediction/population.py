"""Means and variances over the population of random effects."""

from __future__ import annotations

import numpy as np

from ..errors import DataError
from ..linalg.basis import chunks
from .rows import own_rows

# Right to 1e-10 for logits with random effects of sd 3 (tests/unit/test_glmm.py)
NODES = 101


def fixed_variance(exog, cov_beta):
    """Variance of ``X beta`` of each row, shape (n,)."""
    out = np.empty(len(exog))
    for part in chunks(len(exog)):
        x = exog[part]
        out[part] = ((x @ cov_beta) * x).sum(axis=1)
    return out


def effect_variance(rows, t, chosen):
    """Variance ``z' Sigma z`` of the chosen effects of term t of a new level, (n,)."""
    z, cov = rows.effects[t], rows.fit.covariances[t] * np.outer(chosen, chosen)
    if z is None:
        return np.full(rows.nobs, cov[0, 0])
    return fixed_variance(z, cov)


def linear_variances(fit, rows=None):
    """Variances about the linear predictor of the population mean.

    Parameters
    ----------
    fit : Fit, GeneralizedFit or PQLFit
    rows : Rows, optional
        The rows of the fit by default. Groups are not looked at.

    Returns
    -------
    mean : ndarray, shape (n,)
        Variance of ``X beta``, from the estimation of beta.
    random : ndarray, shape (n,)
        ``diag(Z Sigma Z')``: of new levels of all grouping factors.
    """
    rows = own_rows(fit) if rows is None else rows
    random = np.zeros(rows.nobs)
    for t, term in enumerate(rows.terms):
        random += effect_variance(rows, t, np.ones(term.k, dtype=bool))
    return fixed_variance(rows.exog, fit.cov_beta), random


def marginal_mean(family, eta, variance):
    """Mean of the response over normal random effects.

    ``E[g^-1(eta + s x)]`` with x standard normal, by Gauss-Hermite quadrature: the
    random part of one row is a single normal variable, whatever the terms.

    Parameters
    ----------
    family : Family
    eta : ndarray, shape (n,)
        Linear predictor of the fixed effects.
    variance : ndarray, shape (n,)
        Of the random part, ``s^2``.

    Returns
    -------
    ndarray, shape (n,)

    Raises
    ------
    DataError
        The link has no mean for some of the linear predictors.
    """
    return _averaged(family, family.mean, eta, variance)


def marginal_slope(family, eta, variance):
    """Derivative of `marginal_mean` in eta, shape (n,); parameters as there."""
    return _averaged(family, family.mean_derivative, eta, variance)


def _averaged(family, function, eta, variance):
    x, w = np.polynomial.hermite_e.hermegauss(NODES)
    sd = np.sqrt(variance)
    out = np.zeros(len(eta))
    for node, weight in zip(x, w / w.sum(), strict=True):
        value = eta + node * sd
        outside = family.outside(value)
        if outside is not None and (outside & (sd > 0)).any():
            raise DataError(
                f"With the {family.link.name} link normal random effects lead to "
                "linear predictors that have no mean, so a mean over them does not "
                "exist. Use random='none' or 'conditional'."
            )
        out += weight * function(value)
    return out
