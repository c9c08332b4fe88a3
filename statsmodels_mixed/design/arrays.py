"""Arrays to `Design`: the second door, with the same checks as the formula's."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ..errors import DataError, MissingValueError
from .check import check_design, check_weights
from .design import Design, PredictorDesign
from .matrices import as_matrix, default_names
from .newrows import ArrayEncoder, ArrayReader
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


def _weighty(rows, weights):
    """Positions without those of weight zero: as in least squares, they say nothing."""
    if weights is None or (weights != 0).all():
        return rows
    positions = np.arange(len(weights))[rows]
    positions = positions[weights[positions] != 0]
    if not len(positions):
        raise MissingValueError("Every complete row has weight zero: none is left.")
    return positions


def design_from_arrays(endog, exog, terms, weights, offset, missing):
    """Build and check a design from arrays.

    Parameters
    ----------
    endog : array_like, shape (n,)
    exog : array_like, shape (n, p), or None
    terms : sequence of RandomEffects
    weights, offset : array_like, shape (n,), or None
    missing : {"raise", "drop"}

    Returns
    -------
    Design
    """
    if missing not in MISSING:
        raise DataError(f"missing={missing!r}: use 'raise' or 'drop'.")
    y = _column(endog, "endog", None)
    nobs = len(y)
    if not nobs:
        raise DataError("The data are empty.")
    x, given_names = _matrix(exog, nobs)
    names = tuple(default_names(x)) if given_names is None else given_names
    parts = {
        "endog": y,
        "exog": x,
        "weights": _column(weights, "weights", nobs),
        "offset": _column(offset, "offset", nobs),
    }
    labels = _labels(endog, exog, nobs)
    _check_labels(terms, {"exog": exog, "weights": weights, "offset": offset}, labels)
    check_weights(parts["weights"], labels)
    rows = _weighty(_complete(parts, terms, missing, nobs), parts["weights"])
    labels = labels[rows]
    parts = {k: None if v is None else v[rows] for k, v in parts.items()}
    parts["exog"] = np.asfortranarray(parts["exog"])
    for name, values in parts.items():
        if values is not None:
            check_finite(name, values, labels)
    mean = _mean(parts, names, terms, rows, labels, nobs)
    design = Design(
        endog=parts["endog"],
        endog_name=str(getattr(endog, "name", None) or "y"),
        predictors=(mean,),
        weights=parts["weights"],
        row_labels=labels,
        rows=rows,
        nobs_given=nobs,
        reader=_reader(mean, given_names is not None),
    )
    check_design(design)
    return design


def _check_labels(terms, given, labels):
    """Refuse pandas arguments with the rows in another order."""
    for i, term in enumerate(terms):
        given |= {f"random[{i}]: groups": term.groups, f"random[{i}]: exog": term.exog}
    for name, values in given.items():
        check_order(values, labels, name)


def _mean(parts, names, terms, rows, labels, nobs):
    """Predictor of the mean over the rows that are used."""
    fixed = parts["exog"], names
    random = [term.design(i, nobs, rows, labels, fixed) for i, term in enumerate(terms)]
    return PredictorDesign(
        name="mean",
        exog=parts["exog"],
        exog_names=names,
        terms=tuple(random),
        offset=parts["offset"],
        encoder=ArrayEncoder(names),
        offset_argument=parts["offset"] is not None,
    )


def _reader(mean, named):
    texts = tuple(term.text for term in mean.terms)
    groups = tuple(term.group for term in mean.terms)
    return ArrayReader(mean.exog_names, named, texts, groups)
