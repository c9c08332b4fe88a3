"""Arrays to `Design`: the second door, with the same checks as the formula's."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ..errors import DataError, MissingValueError
from .check import check_design, check_weights
from .design import Design, PredictorDesign
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
    """Fixed-effects columns and their names."""
    if exog is None:
        return np.empty((nobs, 0)), ()
    names = getattr(exog, "columns", None)
    if names is None and getattr(exog, "name", None) is not None:
        names = [exog.name]
    try:
        out = np.array(exog, dtype=float, order="F")
    except (TypeError, ValueError):
        raise DataError(
            "exog must be numeric; code factors first, or use a formula."
        ) from None
    out = out[:, None] if out.ndim == 1 else out
    if out.ndim != 2 or len(out) != nobs:
        raise DataError(f"exog has shape {out.shape}, endog {nobs} rows.")
    if names is None:
        names = default_names(out)
    return out, tuple(map(str, names))


def default_names(matrix):
    """statsmodels' names: const, x1, x2, ..."""
    names, count = [], 0
    for column in matrix.T:
        if len(column) and (column == column[0]).all() and "const" not in names:
            names.append("const")
        else:
            count += 1
            names.append(f"x{count}")
    return names


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
    x, names = _matrix(exog, nobs)
    parts = {
        "endog": y,
        "exog": x,
        "weights": _column(weights, "weights", nobs),
        "offset": _column(offset, "offset", nobs),
    }
    labels = _labels(endog, exog, nobs)
    given = {"exog": exog, "weights": weights, "offset": offset}
    for i, term in enumerate(terms):
        given |= {f"random[{i}]: groups": term.groups, f"random[{i}]: exog": term.exog}
    for name, values in given.items():
        check_order(values, labels, name)
    check_weights(parts["weights"], labels)
    rows = _weighty(_complete(parts, terms, missing, nobs), parts["weights"])
    labels = labels[rows]
    parts = {k: None if v is None else v[rows] for k, v in parts.items()}
    parts["exog"] = np.asfortranarray(parts["exog"])
    for name, values in parts.items():
        if values is not None:
            check_finite(name, values, labels)
    random = [term.design(i, nobs, rows, labels) for i, term in enumerate(terms)]
    design = Design(
        endog=parts["endog"],
        endog_name=str(getattr(endog, "name", None) or "y"),
        predictors=(
            PredictorDesign(
                name="mean",
                exog=parts["exog"],
                exog_names=names,
                terms=tuple(random),
                offset=parts["offset"],
                offset_argument=offset is not None,
            ),
        ),
        weights=parts["weights"],
        row_labels=labels,
        rows=rows,
        nobs_given=nobs,
    )
    check_design(design)
    return design
