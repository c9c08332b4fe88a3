"""Tables behind the classical pictures of residuals and of conditional modes."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import stats

from ..design.table import check_order
from ..errors import DataError, check_level, check_option
from .working import working_rows

RANDOM = ("none", "conditional")


def normal_quantiles(values):
    """Normal scores of a sample, at Blom's points ``(i - 3/8) / (n + 1/4)``.

    Parameters
    ----------
    values : array_like, shape (n,)

    Returns
    -------
    ndarray, shape (n,)
        In the order of the values.

    Examples
    --------
    >>> normal_quantiles([3.0, 1.0, 2.0]).round(3).tolist()
    [0.869, -0.869, 0.0]
    """
    ranks = stats.rankdata(values, method="ordinal")
    return stats.norm.ppf((ranks - 0.375) / (len(ranks) + 0.25))


def mode_table(fit, level=0.95):
    """Conditional modes with intervals, and their normal scores.

    Parameters
    ----------
    fit : Fit, GeneralizedFit or PQLFit
    level : float
        Of the intervals, from the conditional variances of the effects.

    Returns
    -------
    DataFrame
        Columns group, effect, level, mode, se, lower, upper and quantile, which is the
        normal score of the mode among those of its effect.
    """
    check_level(level)
    z, parts = stats.norm.ppf(0.5 + 0.5 * level), []
    for term, modes, cov in zip(
        fit.design.terms, fit.modes, fit.conditional_covariances, strict=True
    ):
        for j, effect in enumerate(term.effects):
            mode, se = modes[:, j], np.sqrt(np.maximum(cov[:, j, j], 0.0))
            part = {
                "group": term.group,
                "effect": effect,
                "level": term.grouping.labels(),
                "mode": mode,
                "se": se,
                "lower": mode - z * se,
                "upper": mode + z * se,
                "quantile": normal_quantiles(mode),
            }
            parts.append(pd.DataFrame(part))
    if not parts:
        raise DataError("The model has no random effects.")
    return pd.concat(parts, ignore_index=True)


def binned_residuals(fitted, resid, n_bins=None):
    """Mean residual in bins of the fitted values, or of something else.

    Residuals of a binary response form two lines, whatever the fit; their means over
    bins of rows with near fitted values should stay between the bounds for 19 of 20
    bins (Gelman and Hill 2007, Data Analysis Using Regression, section 5.6).

    Parameters
    ----------
    fitted, resid : array_like, shape (n,)
    n_bins : int, optional
        ``sqrt(n)`` for 100 rows or more, 10 for more than 10, else n / 2, as there.

    Returns
    -------
    DataFrame
        Columns fitted, resid (means of the bin), n, and bound: twice the standard
        error of the mean; NaN for a single row.

    Raises
    ------
    DataError
        `n_bins` is not a whole number between 1 and n; lengths differ, or values are
        missing.

    Examples
    --------
    >>> table = binned_residuals([0.1, 0.2, 0.8, 0.9], [-0.1, 0.8, -0.8, 0.1], 2)
    >>> table.round(3).to_numpy().tolist()
    [[0.15, 0.35, 2.0, 0.9], [0.85, -0.35, 2.0, 0.9]]
    """
    fitted, resid = np.asarray(fitted, float), np.asarray(resid, float)
    n = len(resid)
    if fitted.shape != resid.shape or not np.isfinite(fitted).all():
        raise DataError(
            f"Bins need one value per row that was used ({n}), none of them missing; "
            f"these have shape {fitted.shape}."
        )
    if n_bins is None:
        n_bins = int(np.sqrt(n)) if n >= 100 else 10 if n > 10 else max(1, n // 2)
    if not isinstance(n_bins, (int, np.integer)) or not 1 <= n_bins <= n:
        raise DataError(f"n_bins={n_bins!r}: give a whole number from 1 to {n}.")
    order = np.argsort(fitted, kind="stable")
    rows = []
    for part in np.array_split(order, n_bins):
        own = resid[part]
        several = len(part) > 1
        bound = 2.0 * own.std(ddof=1) / np.sqrt(len(part)) if several else np.nan
        rows.append((fitted[part].mean(), own.mean(), len(part), bound))
    return pd.DataFrame(rows, columns=["fitted", "resid", "n", "bound"])


def added_variable(fit, names, variable, random="none"):
    """A covariate and the response, both adjusted for the other fixed effects.

    By generalised least squares at the estimated variances, so the slope is the
    coefficient of the model (of a covariate that is not in it: the one that it would
    have at these variances). For a generalized model the response is the working one,
    on the scale of the link.

    Parameters
    ----------
    fit : Fit, GeneralizedFit or PQLFit
    names : sequence of str
        Of the fixed effects.
    variable : str or array_like, shape (n,)
        One of these, or values of a covariate that is not in the model.
    random : {"none", "conditional"}
        Whether the response keeps its random effects, or they are taken away too.

    Returns
    -------
    table : DataFrame
        Columns covariate and response, in the rows of the data.
    slope : float

    Raises
    ------
    DataError
        No such fixed effect, other lengths, values that are missing, or that are a
        combination of the columns of the model.
    """
    check_option("random", random, RANDOM)
    rows = working_rows(fit)
    if isinstance(variable, str):
        adjusted, slope = _of_model(fit, list(names), variable)
    else:
        adjusted, slope = _of_covariate(fit, rows, variable)
    root = _root(rows)
    resid = rows.resid if random == "conditional" else rows.marginal_resid
    resid = resid / root
    inside = isinstance(variable, str)
    response = resid + slope * adjusted if inside else resid
    table = pd.DataFrame(
        {"covariate": adjusted, "response": response}, fit.design.row_labels
    )
    return table, float(slope)


def _root(rows):
    """What rows were multiplied by."""
    return 1.0 if rows.weights is None else np.sqrt(rows.weights)


def _of_model(fit, names, variable):
    if variable not in names:
        known = ", ".join(names)
        raise DataError(
            f"{variable!r} is no fixed effect of the model ({known}); give one, or the "
            "values of a new covariate."
        )
    j = names.index(variable)
    kept = np.sort(fit.model.coordinates.basis.kept)
    cov = fit.cov_beta[:, j]
    return fit.design.mean.exog[:, kept] @ (cov / cov[j]), fit.beta[j]


def _of_covariate(fit, rows, variable):
    design = fit.design
    values = np.asarray(variable, dtype=float)
    if values.ndim != 1 or len(values) not in (design.nobs, design.nobs_given):
        raise DataError(
            f"The covariate has shape {values.shape}; give one value per row that was "
            f"used ({design.nobs})."
        )
    if len(values) == design.nobs:
        check_order(variable, design.row_labels, "The covariate")
    else:
        values = values[design.rows]
    if not np.isfinite(values).all():
        raise DataError("The covariate has missing or infinite values.")
    root = _root(rows)
    own = values * root
    inverse = (
        own
        - rows.random
        @ rows.found.apply_factor(
            rows.found.solve((rows.random.T @ own)[:, None])
        ).ravel()
    )
    coefficients = rows.inverse @ (rows.exog.T @ inverse)
    left = own - rows.exog @ coefficients
    size = left @ (inverse - rows.exog_resid @ coefficients)
    if not size > 1e-12 * (own @ own):
        raise DataError(
            "The covariate is a combination of the fixed effects, so it adds nothing."
        )
    return left / root, left @ rows.resid / size
