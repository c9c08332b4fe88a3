"""Arrays to `Design`: the second door, with the same checks as the formula's."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ..errors import DataError, MissingValueError
from .check import check_design, check_weights
from .columns import as_column
from .design import Design, PredictorDesign
from .matrices import as_matrix, default_names
from .newrows import ArrayEncoder, ArrayReader
from .offsets import Known, check_exposure_argument
from .response import (
    SILENT_AT_ZERO,
    RawResponse,
    check_trials_argument,
    is_number,
    read_response,
    takes_trials,
)
from .table import check_finite, check_order

MISSING = ("raise", "drop")


def _column(values, name, nobs):
    """One column of numbers, shape (n,), or None."""
    if values is None:
        return None
    try:
        out = np.array(values, dtype=float)  # a copy: the user's may change
    except (TypeError, ValueError):
        raise DataError(f"{name} must be numeric.") from None
    if out.ndim == 2 and out.shape[1] == 1:
        out = out[:, 0]
    if out.ndim != 1:
        raise DataError(f"{name} must be one-dimensional, not of shape {out.shape}.")
    if nobs is not None and len(out) != nobs:
        raise DataError(f"{name} has length {len(out)}, endog {nobs}.")
    return out


def _matrix(exog, nobs):
    """Fixed-effects columns and the names they carry."""
    if exog is None:
        return np.empty((nobs, 0)), None
    out, names = as_matrix(exog, "exog", "F")
    if len(out) != nobs:
        raise DataError(f"exog has shape {out.shape}, endog {nobs} rows.")
    return out, names


def _labels(endog, exog, nobs):
    for values in (endog, exog):
        if isinstance(values, (pd.Series, pd.DataFrame)):
            return values.index
    return pd.RangeIndex(nobs)


def _response(endog, family):
    """Columns of the response, their names, and numbers that are NaN where missing."""
    if takes_trials(family):
        columns, names, y = _trials_response(endog)
    else:
        y = _column(endog, "endog", None)
        columns, names = (y,), ("endog",)
    if not len(y):
        raise DataError("The data are empty.")
    return columns, names, y


def _trials_response(endog):
    try:
        shape = np.shape(endog)
    except ValueError:  # lists of different lengths
        raise DataError("endog must be one column, or two of one length.") from None
    if len(shape) == 2 and shape[1] == 2:
        pair, names = as_matrix(endog, "endog", "F")
        return tuple(pair.T), names or ("endog[:, 0]", "endog[:, 1]"), pair
    if len(shape) == 2 and shape[1] == 1:
        endog = endog.iloc[:, 0] if hasattr(endog, "iloc") else np.asarray(endog)[:, 0]
    elif len(shape) != 1:
        raise DataError(
            f"endog has shape {shape}; give one column, or two, the numbers of "
            "successes and of failures."
        )
    y = as_column(endog, "endog")
    y = y if isinstance(y, pd.Categorical) else y.copy()  # the user's may change
    return (y,), ("endog",), np.where(pd.isna(y), np.nan, 0.0)


def _complete(parts, terms, missing, nobs):
    """Positions of the rows in which nothing is missing (or all)."""
    bad, holes = np.zeros(nobs, dtype=bool), []
    for name, values in parts.items():
        if values is not None and values.size:
            rows = np.isnan(values)
            rows = rows.any(axis=1) if rows.ndim == 2 else rows
            bad, holes = bad | rows, holes + [name] * bool(rows.any())
    for i, term in enumerate(terms):
        rows = term.incomplete(i, nobs)
        bad, holes = bad | rows, holes + [f"random[{i}]"] * bool(rows.any())
    if not bad.any():
        return slice(None)
    if missing == "raise":
        raise MissingValueError(
            f"{bad.sum()} rows have missing values in {', '.join(holes)}; drop or fill "
            "them, or use missing='drop'."
        )
    if bad.all():
        raise MissingValueError("No row is complete.")
    return np.flatnonzero(~bad)


def _silent(raw, parts):
    """Rows of weight zero or without trials."""
    zeros = [parts[name] == 0 for name in SILENT_AT_ZERO if parts[name] is not None]
    return np.logical_or.reduce([raw.silent, *zeros])


def _weighty(rows, silent):
    """Positions without those of weight zero: as in least squares, they say nothing."""
    if not silent.any():
        return rows
    positions = np.arange(len(silent))[rows]
    positions = positions[~silent[positions]]
    if not len(positions):
        raise MissingValueError(
            "Every complete row has weight zero, or no trials: none is left."
        )
    return positions


def design_from_arrays(
    endog,
    exog,
    terms,
    weights,
    offset,
    missing,
    family=None,
    n_trials=None,
    exposure=None,
):
    """Build and check a design from arrays.

    Parameters
    ----------
    endog : array_like, shape (n,)
        Or (n, 2) for the binomial family, successes and failures; or two classes.
    exog : array_like, shape (n, p), or None
    terms : sequence of RandomEffects
    weights, offset : array_like, shape (n,), or None
    missing : {"raise", "drop"}
    family : Family, optional
        Distribution of the response; None for a linear mixed model.
    n_trials : array_like, shape (n,), or int, optional
        Numbers of trials of proportions (binomial family).
    exposure : array_like, shape (n,), optional
        What counts are proportional to (log link): its logarithm joins the offset.

    Returns
    -------
    Design
    """
    if missing not in MISSING:
        raise DataError(f"missing={missing!r}: use 'raise' or 'drop'.")
    check_trials_argument(family, n_trials)
    check_exposure_argument(family, exposure)
    columns, column_names, y = _response(endog, family)
    nobs = len(y)
    x, given_names = _matrix(exog, nobs)
    if is_number(n_trials):
        n_trials = np.full(nobs, n_trials)
    given = dict(weights=weights, offset=offset, n_trials=n_trials, exposure=exposure)
    arguments = {name: _column(v, name, nobs) for name, v in given.items()}
    parts = {"endog": y, "exog": x} | arguments
    labels = _labels(endog, exog, nobs)
    _check_labels(terms, {"exog": exog} | given, labels)
    check_weights(parts["weights"], labels)
    raw = RawResponse(columns, column_names, _name_of(endog), labels)
    rows = _weighty(_complete(parts, terms, missing, nobs), _silent(raw, parts))
    raw, labels = raw.take(rows), labels[rows]
    parts = {k: None if v is None else v[rows] for k, v in parts.items()}
    parts["exog"] = np.asfortranarray(parts["exog"])
    for name, values in parts.items():
        if values is not None:
            check_finite(name, values, labels)
    names = tuple(default_names(x)) if given_names is None else given_names
    mean = _mean(parts, names, terms, rows, labels, nobs, family)
    observed = read_response(family, raw.among(parts))
    design = Design(
        endog=observed.endog,
        endog_name=raw.name,
        predictors=(mean,),
        weights=observed.weights,
        row_labels=labels,
        rows=rows,
        nobs_given=nobs,
        trials=observed.trials,
        response_note=observed.note,
        reader=_reader(mean, given_names is not None),
    )
    check_design(design, family)
    return design


def _name_of(endog):
    return str(getattr(endog, "name", None) or "y")


def _check_labels(terms, given, labels):
    """Refuse pandas arguments with the rows in another order."""
    for i, term in enumerate(terms):
        given |= {f"random[{i}]: groups": term.groups, f"random[{i}]: exog": term.exog}
    for name, values in given.items():
        check_order(values, labels, name)


def _mean(parts, names, terms, rows, labels, nobs, family):
    """Predictor of the mean over the rows that are used."""
    fixed = parts["exog"], names
    random = [term.design(i, nobs, rows, labels, fixed) for i, term in enumerate(terms)]
    known = Known(parts["offset"], parts["exposure"])
    return PredictorDesign(
        name="mean",
        exog=parts["exog"],
        exog_names=names,
        terms=tuple(random),
        offset=known.total(labels, family),
        encoder=ArrayEncoder(names),
        offset_argument=known.beyond_new_data,
        exposure_argument=known.exposure_beyond_new_data,
    )


def _reader(mean, named):
    texts = tuple(term.text for term in mean.terms)
    groups = tuple(term.group for term in mean.terms)
    return ArrayReader(mean.exog_names, named, texts, groups)
