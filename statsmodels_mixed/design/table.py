"""The user's data as named columns: lazy, read-only, normalised, one row mask."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pandas as pd

from statsmodels_mixed.design.columns import (
    Source,
    as_column,
    drop_unused_levels,
    length_of,
    normalised,
    open_data,
    plain,
)
from statsmodels_mixed.errors import DataError, MissingColumnError, MissingValueError


@dataclass(frozen=True, eq=False, repr=False)
class Table:
    """Read-only view of data as named columns, each read when first asked for.

    Build it with `from_data`. Nothing is copied for columns that are not used,
    and the user's object is never modified.

    Examples
    --------
    >>> table = Table.from_data({"y": [1.0, 2.0, 3.0], "g": ["b", "a", "b"]})
    >>> table.nobs, table.names, "g" in table
    (3, ('y', 'g'), True)
    >>> table.take(table.column("y") > 1.5).column("y")
    array([2., 3.])
    """

    _source: Source
    _rows: np.ndarray | None = None  # positions in the source; None is all of them
    _taken: bool = False
    _cache: dict = field(default_factory=dict)
    _raw: dict = field(default_factory=dict)  # read, not yet normalised

    @classmethod
    def from_data(cls, data) -> Table:
        """Wrap the user's data.

        Parameters
        ----------
        data : DataFrame, Table, dict or structured array
            pandas, polars (lazy too) or narwhals frame, pyarrow Table, dict of
            one-dimensional columns of one length, or numpy structured array.
            Series in a dict must share their index.

        Returns
        -------
        Table

        Raises
        ------
        DataError
            Another type, no rows, or columns of different length.
        """
        if isinstance(data, cls):
            return data
        source = open_data(data)
        if not len(source.index):
            raise DataError("data has no rows: check how it was read or filtered.")
        return cls(source)

    @property
    def nobs(self) -> int:
        """Number of rows."""
        return len(self._source.index) if self._rows is None else len(self._rows)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns, in the order of the data."""
        return self._source.names

    @cached_property
    def index(self) -> pd.Index:
        """Labels of the rows; 0, 1, ... unless the data are pandas'."""
        index = self._source.index
        return index if self._rows is None else index.take(self._rows)

    def __contains__(self, name) -> bool:
        return name in self.names

    def __repr__(self):
        return f"Table({self.nobs} rows; {', '.join(self.names)})"

    def _read(self, name, where):
        count = self.names.count(name)
        if not count:
            raise MissingColumnError(name, self.names, where)
        if count > 1:
            text = f"Column {name!r}, asked for by {where}, is there {count} times"
            raise DataError(f"{text}; give the columns different names.")
        if name not in self._raw:
            values = self._source.read(self.names.index(name), self._rows)
            self._raw[name] = plain(values)
        return self._raw[name]

    def column(self, name: str, where: str = "the formula"):
        """Values of one column, in the form formula engines and numpy understand.

        Numbers, dates and bools are numpy arrays (nullable integers are floats
        while a value is missing), text is coded with sorted levels, categories
        keep their order, nullable booleans with missing values are categories
        False < True. Objects of one type are read as that type, other objects
        are left as they are. Times are in UTC when they have a zone.

        Parameters
        ----------
        name : str
            The column.
        where : str
            Who asks, for the error message.

        Returns
        -------
        numpy.ndarray or pandas.Categorical, shape (nobs,)
            Do not modify; the array is read-only and may be the user's memory.

        Raises
        ------
        MissingColumnError
            There is no such column.
        DataError
            There are several, or it is not one-dimensional.
        """
        if name not in self._cache:
            values = normalised(self._read(name, where))
            self._cache[name] = drop_unused_levels(values) if self._taken else values
        return self._cache[name]

    def missing(self, name: str) -> np.ndarray | None:
        """Rows where a column is NaN, None, NA or NaT (infinity is not missing).

        Returns
        -------
        numpy.ndarray of bool, shape (nobs,), or None
            None when no value is missing. The array is the caller's own.

        Raises
        ------
        MissingColumnError, DataError
            As `column`.
        """
        return missing_mask(self._read(name, "the formula"))

    def take(self, rows=None) -> Table:
        """Keep some rows, and only the levels these rows have.

        Parameters
        ----------
        rows : array_like of bool, shape (nobs,), or of int, optional
            Mask or positions from 0; None for every row, which shares memory.

        Returns
        -------
        Table
            Nullable columns are plain arrays when no missing value is left.

        Raises
        ------
        DataError
            The mask has another length, or no row is left.
        """
        rows = None if rows is None else np.asarray(rows)
        if rows is not None and rows.dtype == bool:
            check_length(len(rows), self.nobs, "The row mask")
            rows = None if rows.all() else np.flatnonzero(rows)
        if rows is None:
            cache = {name: drop_unused_levels(v) for name, v in self._cache.items()}
            return Table(self._source, self._rows, True, cache, self._raw)
        if not len(rows):
            raise DataError("No rows are left.")
        rows = rows.astype(np.intp, casting="same_kind", copy=False)
        rows = rows if self._rows is None else self._rows[rows]
        return Table(self._source, rows, True)

    def select(self, subset=None) -> Table:
        """`take` of what a user gave as ``subset=``; see `resolve_subset`."""
        return self.take(resolve_subset(subset, self))


def missing_mask(values):
    """Which values are missing; None where none is."""
    if isinstance(values, np.ndarray) and values.dtype.kind in "iub":
        return None
    mask = np.array(pd.isna(values))  # a copy, as pandas may hand out a locked array
    return mask if mask.any() else None


def check_length(length, nobs, what):
    """Refuse values of another length than the data."""
    if length != nobs:
        raise DataError(
            f"{what} has length {length}, the data {nobs} rows; give one value per "
            "row of `data`, before rows with missing values are dropped."
        )


def check_order(values, index, what):
    """Refuse pandas data that hold the labels of the rows in another order.

    Parameters
    ----------
    values : object
        Only a Series or DataFrame has labels to compare.
    index : pandas.Index
        Labels of the rows.
    what : str
        What the values are, for the message.

    Raises
    ------
    DataError
    """
    labelled = isinstance(values, (pd.Series, pd.DataFrame))
    if not labelled or values.index.equals(index):
        return
    if values.index.is_unique and values.index.isin(index).all():
        raise DataError(
            f"{what} has the rows of the data in another order: align it with "
            ".reindex(data.index), or use it by position with .to_numpy()."
        )


def _positions(values, nobs):
    if (values < 0).any() or (values >= nobs).any():
        raise DataError(f"subset has positions outside 0 to {nobs - 1}.")
    if np.bincount(values, minlength=nobs).max() > 1:
        text = "subset repeats positions; if it is a mask of 0 and 1"
        raise DataError(f"{text}, make it boolean with .astype(bool).")
    return values


def resolve_subset(subset, table: Table) -> np.ndarray | None:
    """Rows meant by a ``subset=`` argument.

    Parameters
    ----------
    subset : array_like, Series, slice or None
        Boolean mask with one value per row, by position (missing counts as
        False, as in R); or integer positions from 0, without repeats; or a slice
        of positions.
    table : Table
        The data.

    Returns
    -------
    numpy.ndarray or None
        Mask of shape (nobs,), or positions; None for None. The caller's own.

    Raises
    ------
    DataError
        Another length or type, positions outside the data, no rows left, or a
        Series with the labels of the rows in another order.

    Examples
    --------
    >>> table = Table.from_data({"y": [1.0, 2.0, 3.0]})
    >>> resolve_subset(slice(1, None), table)
    array([1, 2])
    """
    if subset is None:
        return None
    if isinstance(subset, str):
        raise DataError(
            f"subset={subset!r} is text; give a boolean mask, one value per row, or "
            "use data.query(...) with it."
        )
    if isinstance(subset, slice):
        try:
            rows = np.arange(table.nobs)[subset]
        except TypeError:
            text = "subset must be a slice of positions, not of labels"
            raise DataError(f"{text}.") from None
    else:
        rows = _subset_rows(subset, table)
    if not (rows.any() if rows.dtype == bool else len(rows)):
        raise DataError("subset leaves no rows.")
    return rows


def _subset_rows(subset, table):
    length = length_of(subset, "subset")
    check_order(subset, table.index, "subset")
    values = as_column(subset, "subset")
    if isinstance(values, pd.Categorical) and values.categories.dtype == bool:
        values = values.codes == 1
    kind = "O" if isinstance(values, pd.Categorical) else values.dtype.kind
    if kind not in "biu":
        raise DataError(f"subset must be boolean or positions, not {values.dtype}.")
    if kind != "b":
        return _positions(values.astype(np.intp), table.nobs)
    check_length(length, table.nobs, "subset")
    return np.array(values)


def column_or_array(value, table: Table, argument: str) -> np.ndarray:
    """Numbers given as the name of a column or as an array, such as weights.

    Parameters
    ----------
    value : str or array_like, shape (nobs,)
        Column of `table`, or one value per row of it, by position. Rows that
        will be dropped for missing values are included.
    table : Table
        The data.
    argument : str
        Name of the argument, for error messages.

    Returns
    -------
    numpy.ndarray of float64, shape (nobs,)
        NaN where missing; read-only when it shares memory with `value`.

    Raises
    ------
    MissingColumnError
        There is no column of that name.
    DataError
        Another length, not numeric, not one-dimensional, or a Series with the
        labels of the rows in another order.

    Examples
    --------
    >>> table = Table.from_data({"y": [1.0, 2.0], "w": [1, 3]})
    >>> column_or_array("w", table, "weights")
    array([1., 3.])
    """
    if isinstance(value, str):
        values = table.column(value, where=f"{argument}=")
    else:
        check_length(length_of(value, f"{argument}="), table.nobs, f"{argument}=")
        check_order(value, table.index, f"{argument}=")
        values = as_column(value, f"{argument}=")
    if isinstance(values, pd.Categorical) or values.dtype.kind not in "iufb":
        raise DataError(f"{argument}= must be numeric, not {values.dtype}.")
    return values.astype(np.float64, copy=False)


def check_finite(name: str, values: np.ndarray, row_labels) -> None:
    """Refuse NaN and infinity, naming the column and the first rows.

    Parameters
    ----------
    name : str
        What the values are, for the message.
    values : numpy.ndarray, shape (n,) or (n, k)
        Numbers.
    row_labels : sequence, shape (n,)
        Labels of the rows, such as `Table.index`.

    Raises
    ------
    MissingValueError
        There are such values.

    Examples
    --------
    >>> check_finite("y", np.array([1.0, 2.0]), ["a", "b"])
    """
    finite = np.isfinite(values)
    if finite.all():
        return
    n_nan = int(np.isnan(values).sum())
    n_infinite = int((~finite).sum()) - n_nan
    bad = np.flatnonzero(~finite.reshape(len(finite), -1).all(axis=1))
    labels = ", ".join(map(str, np.asarray(row_labels)[bad[:5]]))
    more = ", ..." if len(bad) > 5 else ""
    raise MissingValueError(
        f"{name!r} has {n_nan} missing and {n_infinite} infinite values, in rows "
        f"{labels}{more}. Correct or remove these rows; missing='drop' drops missing "
        "values, but infinite ones come from a transformation such as log(0)."
    )
