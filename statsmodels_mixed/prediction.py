"""Predictions for new rows from a fit: fixed part, conditional modes, offsets."""

from __future__ import annotations

import numpy as np

from .design.table import check_finite, column_or_array
from .errors import DataError, NewLevelError, check_option

LEVELS = ("error", "population")
RANDOM = ("none", "conditional")
# Right to 1e-10 for logits with random effects of sd 3 (tests/unit/test_glmm.py)
NODES = 101


def predict_linear(
    fit, data, *, random="none", new_levels="error", offset=None, random_data=None
):
    """Linear predictor for the rows of new data.

    Parameters
    ----------
    fit : Fit
    data : DataFrame, dict, array_like, ...
        All columns the formula mentions, the response excepted; fixed-effects columns
        of a model built from arrays.
    random : {"none", "conditional"}
        ``"none"`` is the population mean ``X beta``, ``"conditional"`` adds the
        conditional modes ``Z b``.
    new_levels : {"error", "population"}
        What to do with levels of a grouping factor that were not there when
        fitting: refuse, or predict with random effects of zero.
    offset : str or array_like, optional
        Needed when the model was given ``offset=`` as an array.
    random_data : sequence of RandomEffects, optional
        Groups and effects of a model built from arrays.

    Returns
    -------
    values : ndarray, shape (n,)
    labels : pandas.Index or None
        Row labels of `data`, None for arrays without.

    Raises
    ------
    MissingColumnError, MissingValueError, NewLevelError, DataError
    """
    check_option("random", random, RANDOM)
    check_option("new_levels", new_levels, LEVELS)
    rows, labels = _open(fit, data, random_data)
    values = _exog(fit, rows) @ fit.beta + _offset(fit.design.mean, rows, offset)
    if random == "conditional":
        values = values + conditional_part(fit, rows, new_levels)
    return values, labels


def _open(fit, data, random_data):
    """New data as something the encoders of the design read, and their labels."""
    return fit.design.reader(data, random_data, _kept(fit))


def _kept(fit):
    """Fixed-effects columns that are not aliased, in the user's order."""
    return np.sort(fit.model.coordinates.basis.kept)


def _exog(fit, rows):
    """Fixed-effects columns that are not aliased, shape (n, p)."""
    return fit.design.mean.encoder.encode(rows)[:, _kept(fit)]


def linear_variances(fit, data=None, random_data=None):
    """Variances about the linear predictor of the population mean.

    Parameters
    ----------
    fit : Fit
    data, random_data
        As for `predict_linear`; the rows of the fit by default. Groups are not
        looked at.

    Returns
    -------
    mean : ndarray, shape (n,)
        Variance of ``X beta``, from the estimation of beta.
    random : ndarray, shape (n,)
        ``diag(Z Sigma Z')``: of new levels of all grouping factors.
    """
    terms = fit.design.terms
    if data is None:
        x = fit.design.mean.exog[:, _kept(fit)]
        effects = [term.z for term in terms]
    else:
        rows, _ = _open(fit, data, random_data)
        x = _exog(fit, rows)
        effects = [term.encoder.effect_values(rows) for term in terms]
    random = np.zeros(len(x))
    for z, cov in zip(effects, fit.covariances, strict=True):
        random += cov[0, 0] if z is None else ((z @ cov) * z).sum(axis=1)
    return ((x @ fit.cov_beta) * x).sum(axis=1), random


def population_variances(fit, data=None, random_data=None):
    """Variances of mean and observation about the mean of a linear mixed model.

    Parameters
    ----------
    fit : Fit
    data, random_data
        As for `linear_variances`.

    Returns
    -------
    mean : ndarray, shape (n,)
        Variance of ``X beta``, from the estimation of beta.
    observation : ndarray, shape (n,)
        Variance of an observation in new levels of all grouping factors about its
        mean: ``diag(Z Sigma Z')`` plus the residual variance (weight 1 in new rows).
    """
    mean, random = linear_variances(fit, data, random_data)
    weights = fit.design.weights if data is None else None
    return mean, random + fit.sigma2 / (1.0 if weights is None else weights)


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
        out += weight * family.mean(value)
    return out


def _offset(mean, table, offset):
    total = sum((e.values(table) for e in mean.offsets), np.zeros(table.nobs))
    if offset is not None:
        values = column_or_array(offset, table, "offset")
        check_finite("offset=", values, table.index)
        return total + values
    if mean.exposure_argument:
        raise DataError(
            "The model was fitted with exposure= as an array: give offset= for the new "
            "rows, with the logarithm of their exposure (zeros, for an exposure of 1)."
        )
    if mean.offset_argument:
        raise DataError(
            "The model was fitted with offset=: give offset= for the new rows too "
            "(zeros, to predict without it)."
        )
    return total


def conditional_part(fit, table, new_levels):
    """``Z b`` at the conditional modes for the rows of a table, shape (n,)."""
    out = np.zeros(table.nobs)
    for term, modes in zip(fit.design.terms, fit.modes, strict=True):
        codes = term.grouping.encode(*term.encoder.group_values(table))
        unknown = codes < 0
        if unknown.any() and new_levels == "error":
            raise NewLevelError(_describe(term, table, unknown))
        b = np.where(unknown[:, None], 0.0, modes[codes])
        z = term.encoder.effect_values(table)
        out += b[:, 0] if z is None else (b * z).sum(axis=1)
    return out


def _describe(term, table, unknown):
    columns = term.encoder.group_values(table)
    rows = np.flatnonzero(unknown)
    seen = []
    for row in rows[:1000]:
        label = ":".join(str(np.asarray(column)[row]) for column in columns)
        if label not in seen:
            seen.append(label)
    return (
        f"The grouping factor {term.group!r} has levels that were not there when "
        f"fitting: {', '.join(seen[:5])}. Use new_levels='population' to predict them "
        "with random effects of zero."
    )
