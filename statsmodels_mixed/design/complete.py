"""Rows in which nothing that is used is missing."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ..errors import MissingValueError
from .table import Table, check_length, missing_mask


def complete_rows(table: Table, names, arrays: Mapping | None = None):
    """Rows without missing values in any of the columns and arrays.

    Parameters
    ----------
    table : Table
        The data.
    names : iterable of str
        Columns to look at.
    arrays : mapping of str to numpy.ndarray, shape (nobs,) or (nobs, k), optional
        More values, such as weights; NaN is missing, infinity is not.

    Returns
    -------
    numpy.ndarray of bool, shape (nobs,), or None
        None when every row is complete.

    Raises
    ------
    MissingColumnError, DataError
        As `Table.column`; or an array has another length.
    MissingValueError
        No row is complete.

    Examples
    --------
    >>> table = Table.from_data({"y": [1.0, None, 3.0], "g": ["a", "b", None]})
    >>> complete_rows(table, ["y", "g"])
    array([ True, False, False])
    """
    masks = {name: table.missing(name) for name in names}
    for name, values in (arrays or {}).items():
        check_length(len(values), table.nobs, f"{name}=")
        mask = missing_mask(np.asarray(values))
        masks[name] = mask.any(axis=1) if mask is not None and mask.ndim > 1 else mask
    masks = {name: mask for name, mask in masks.items() if mask is not None}
    if not masks:
        return None
    complete = ~np.logical_or.reduce(list(masks.values()))
    if not complete.any():
        text = ", ".join(f"{name!r}: {mask.sum()}" for name, mask in masks.items())
        raise MissingValueError(
            f"No row is complete: of {table.nobs} rows, missing are {text}. Leave "
            "out the emptiest column or fill its values."
        )
    return complete
