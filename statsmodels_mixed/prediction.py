"""Predictions for new rows from a fit: fixed part, conditional modes, offsets."""

from __future__ import annotations

import numpy as np

from .design.table import Table, check_finite, column_or_array
from .errors import DataError, NewLevelError, check_option

LEVELS = ("error", "population")
RANDOM = ("none", "conditional")


def predict_linear(fit, data, *, random="none", new_levels="error", offset=None):
    """Linear predictor for the rows of new data.

    Parameters
    ----------
    fit : Fit
        Of a model built from a formula.
    data : DataFrame, dict, ...
        All columns the formula mentions, the response excepted.
    random : {"none", "conditional"}
        ``"none"`` is the population mean ``X beta``, ``"conditional"`` adds the
        conditional modes ``Z b``.
    new_levels : {"error", "population"}
        What to do with levels of a grouping factor that were not there when
        fitting: refuse, or predict with random effects of zero.
    offset : str or array_like, optional
        Needed when the model was given ``offset=`` as an array.

    Returns
    -------
    values : ndarray, shape (n,)
    index : pandas.Index
        Row labels of `data`.

    Raises
    ------
    MissingColumnError, MissingValueError, NewLevelError, DataError
    """
    check_option("random", random, RANDOM)
    check_option("new_levels", new_levels, LEVELS)
    table = Table.from_data(data)
    values = _exog(fit, table) @ fit.beta + _offset(fit.design.mean, table, offset)
    if random == "conditional":
        values = values + conditional_part(fit, table, new_levels)
    return values, table.index


def _exog(fit, table):
    """Fixed-effects columns that are not aliased, shape (n, p)."""
    return fit.design.mean.encoder.encode(table)[:, np.sort(fit.model.cross.basis.kept)]


def population_variances(fit, data=None):
    """Variances about the population mean for new rows, or the rows of the fit.

    Parameters
    ----------
    fit : Fit
        Of a model built from a formula, when `data` are given.
    data : DataFrame, dict, ..., optional

    Returns
    -------
    mean : ndarray, shape (n,)
        Variance of ``X beta``, from the estimation of beta.
    observation : ndarray, shape (n,)
        Variance of an observation in new levels of all grouping factors about its
        mean: ``diag(Z Sigma Z')`` plus the residual variance (weight 1 in new rows).
    """
    terms, weights = fit.design.terms, 1.0
    if data is None:
        x = fit.design.mean.exog[:, np.sort(fit.model.cross.basis.kept)]
        effects = [term.z for term in terms]
        weights = 1.0 if fit.design.weights is None else fit.design.weights
    else:
        table = Table.from_data(data)
        x = _exog(fit, table)
        effects = [term.encoder.effect_values(table) for term in terms]
    observation = np.full(len(x), fit.sigma2 / weights)
    for z, cov in zip(effects, fit.covariances, strict=True):
        observation += cov[0, 0] if z is None else ((z @ cov) * z).sum(axis=1)
    return ((x @ fit.cov_beta) * x).sum(axis=1), observation


def _offset(mean, table, offset):
    total = sum((e.values(table) for e in mean.offsets), np.zeros(table.nobs))
    if offset is not None:
        values = column_or_array(offset, table, "offset")
        check_finite("offset=", values, table.index)
        return total + values
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
