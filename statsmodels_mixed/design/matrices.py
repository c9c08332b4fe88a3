"""Matrices of the user as arrays, and which column of them is which."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ..errors import DataError, MissingColumnError


def as_matrix(values, what, order="K"):
    """Columns of numbers and the names they carry.

    Parameters
    ----------
    values : array_like, shape (n,) or (n, k)
    what : str
        What the values are, for error messages.
    order : {"K", "C", "F"}
        Memory order, as for `numpy.array`.

    Returns
    -------
    matrix : ndarray, shape (n, k)
        A copy: the user's may change.
    names : tuple of str, or None
        None for values without names.

    Examples
    --------
    >>> import pandas as pd
    >>> as_matrix(pd.Series([1, 2], name="x"), "exog")
    (array([[1.],
           [2.]]), ('x',))
    """
    names = _names_of(values)
    try:
        out = np.array(values, dtype=float, order=order)
    except (TypeError, ValueError):
        raise DataError(
            f"{what} must be numeric; code factors first, or use a formula."
        ) from None
    out = out[:, None] if out.ndim == 1 else out
    if out.ndim != 2:
        raise DataError(f"{what} has shape {out.shape}; give one row per observation.")
    return out, names


def _names_of(values):
    names = getattr(values, "columns", None)
    if names is None and getattr(values, "name", None) not in (None, ""):
        names = [values.name]
    return None if names is None else tuple(map(str, names))


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


def same_columns(matrix, others):
    """Position among other columns of each column of a matrix, None if not there.

    Parameters
    ----------
    matrix : ndarray, shape (n, k)
    others : ndarray, shape (n, p)

    Examples
    --------
    >>> same_columns(np.array([[3.0, 5.0]]), np.array([[1.0, 3.0]]))
    [1, None]
    """
    out = []
    for column in matrix.T:
        near = np.flatnonzero(others[0] == column[0]) if len(column) else ()
        same = (int(j) for j in near if np.array_equal(others[:, j], column))
        out.append(next(same, None))
    return out


def place_columns(values, names, kept, what, named=False):
    """New rows of a matrix, each column at its place among those of the model.

    Parameters
    ----------
    values : array_like, shape (n, p), (n, len(kept)), (n,) or (p,)
        One-dimensional values are one row, unless the model has a single column.
        Columns that carry the names of the model are taken by name.
    names : sequence of str, length p
        Columns of the model.
    kept : sequence of int
        Columns that are needed.
    what : str
        What the values are, for error messages.
    named : bool
        Whether the user gave the names, so that others must be a mistake.

    Returns
    -------
    ndarray, shape (n, p)
        NaN in columns that are not needed and were not given.

    Raises
    ------
    MissingColumnError, DataError
        A column that is needed is not there; another number of columns.

    Examples
    --------
    >>> place_columns([[1.0, 2.0]], ["const", "twice", "x"], [0, 2], "exog")
    array([[ 1., nan,  2.]])
    """
    given, row = _names_of(values), False
    if np.ndim(values) == 1 and len(kept) != 1:
        row = len(values) in (len(names), len(kept))
    if row:
        labels = (
            tuple(map(str, values.index)) if isinstance(values, pd.Series) else None
        )
        values, given = np.asarray(values)[None], labels
    source = _by_name(given, names, kept, what, named and not row)
    if source is not None and isinstance(values, pd.DataFrame):
        values = values.iloc[:, list(source.values())]  # others may not be numbers
        source = {position: j for j, position in enumerate(source)}
    matrix, _ = as_matrix(values, what)
    if source is None:
        source = _by_position(matrix.shape, names, kept, what)
    out = np.full((len(matrix), len(names)), np.nan)
    for position, column in source.items():
        out[:, position] = matrix[:, column]
    return out


def _by_name(given, names, kept, what, named):
    """Column of the data for each column of the model; None where names say nothing."""
    if given is None or len(set(given)) < len(given) or len(set(names)) < len(names):
        return None
    missing = [names[j] for j in kept if names[j] not in given]
    if missing and named:
        raise MissingColumnError(missing[0], given, what)
    if missing:
        return None
    return {j: given.index(name) for j, name in enumerate(names) if name in given}


def _by_position(shape, names, kept, what):
    for places in (range(len(names)), kept):
        if shape[1] == len(places):
            return {int(position): j for j, position in enumerate(places)}
    text = f"{what} has shape {shape}; give one column for each of "
    text += f"the {len(names)} of the model, {', '.join(names)}"
    if len(kept) < len(names):
        text += f", or for each of the {len(kept)} that are not aliased, "
        text += ", ".join(names[j] for j in kept)
    raise DataError(f"{text}.")
