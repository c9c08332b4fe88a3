"""Variables that residuals are tested against: arrays, or names of columns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..design.grouping import code_factor
from ..errors import DataError, MissingColumnError


@dataclass(frozen=True, eq=False)
class DataColumns:
    """Columns of the data of a fit, and its grouping factors.

    Attributes
    ----------
    design : Design
    frame : DataFrame or None
        The data; None where the model was built from arrays.
    """

    design: object
    frame: object

    @property
    def factors(self):
        """Names of the grouping factors."""
        return tuple(dict.fromkeys(term.group for term in self.design.terms))

    def __call__(self, name, what):
        """Values of a column, or labels of a grouping factor, shape (nobs,).

        Raises
        ------
        MissingColumnError, DataError
        """
        if self.frame is not None and name in self.frame:
            return self._of_frame(name)
        for term in self.design.terms:
            if term.group == name:
                return np.asarray(term.grouping.labels())[term.grouping.codes]
        known = () if self.frame is None else self.frame.columns
        raise MissingColumnError(name, dict.fromkeys([*known, *self.factors]), what)

    def _of_frame(self, name):
        design, column = self.design, self.frame[name]
        if len(column) == design.nobs_given:
            return column.iloc[design.rows]
        if self.frame.index.is_unique:
            return column.loc[design.row_labels]
        raise DataError(
            f"Rows of the column {name!r} cannot be told apart, since row labels "
            "repeat and subset= was used: give an array with one value per row used."
        )


@dataclass(frozen=True, eq=False)
class NoColumns:
    """Simulations that came without data: nothing has a name."""

    factors = ()

    def __call__(self, name, what):
        """Refuse the name."""
        raise DataError(
            f"{what}={name!r}: these residuals know no columns; give an array with one "
            "value per row."
        )


NO_COLUMNS = NoColumns()


@dataclass(frozen=True, eq=False)
class GroupColumns:
    """Columns that are constant within groups, one value per group.

    Attributes
    ----------
    columns : DataColumns, NoColumns or GroupColumns
        Of the rows.
    grouping : Grouping
        Of the rows.
    """

    columns: object
    grouping: object

    factors = ()

    def __call__(self, name, what):
        """Values of a column, one per group."""
        values = pd.Series(np.asarray(self.columns(name, what)))
        by_group = values.groupby(self.grouping.codes)
        varying = np.flatnonzero(by_group.nunique(dropna=False) > 1)
        if len(varying):
            raise DataError(
                f"{what}={name!r} varies within {self.grouping.name} "
                f"{self.grouping.labels()[varying[0]]!r}, whose rows were summed: give "
                "an array with one value per group."
            )
        return by_group.first().to_numpy()


def read_values(columns, values, what, nobs):
    """A variable with one value per row.

    Parameters
    ----------
    columns : DataColumns, NoColumns or GroupColumns
    values : str or array_like, shape (nobs,)
    what : str
        Name of the argument, for messages.
    nobs : int

    Returns
    -------
    values : array_like, shape (nobs,)
        As they are.
    label : str
        A name for them.

    Raises
    ------
    DataError
        Wrong length, missing values, or no such column.
    """
    named = isinstance(values, str)
    label = values if named else getattr(values, "name", None) or what
    found = columns(values, what) if named else values
    if np.ndim(found) != 1 or len(found) != nobs:
        raise DataError(f"{what}= has shape {np.shape(found)}; give {nobs} values.")
    missing = np.flatnonzero(pd.isna(found))
    if len(missing):
        raise DataError(
            f"{what}= is missing in row {missing[0]} (counted from 0); the tests need "
            "it in every row."
        )
    return found, str(label)


def read_numbers(columns, values, what, nobs, factors=None):
    """The same for numbers and times, which become numbers, (nobs,) floats.

    Parameters
    ----------
    columns, values, what, nobs
        As for `read_values`.
    factors : str, optional
        The method to name for text, which then is refused also if it is of digits.

    Raises
    ------
    DataError
    """
    found, label = read_values(columns, values, what, nobs)
    found = np.asarray(found)
    if found.dtype.kind in "mM":
        found = found.astype(np.int64)
    shown = repr(values) if isinstance(values, str) else "..."
    remedy = f"; for a factor use {factors}({shown})" if factors else ""
    try:
        numbers = found.astype(float)
    except (TypeError, ValueError):
        numbers = None
    if numbers is None or (factors and isinstance(found[0], str)):
        raise DataError(f"{what}={label!r} must be numeric or times{remedy}.")
    if not np.isfinite(numbers).all():
        raise DataError(f"{what}={label!r} has infinite values.")
    return numbers, label


def read_groups(columns, values, what, nobs):
    """The same for groups of rows, as a `Grouping`."""
    return code_factor(*read_values(columns, values, what, nobs))
