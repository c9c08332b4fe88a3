"""Columns of any kind of data as plain numpy arrays or categories."""

from __future__ import annotations

import datetime
import numbers
from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass
from decimal import Decimal
from functools import partial

import numpy as np
import pandas as pd

from statsmodels_mixed.errors import DataError

_ACCEPTED = (
    "a pandas, polars or narwhals DataFrame, a pyarrow Table, a dict of columns, "
    "or a numpy structured array"
)


# ---- one column: plain values first (cheap), then coded levels (a pass) ----------


def _unboxed(series):
    """Array of a Series or Index, without a copy (`.values` drops time zones)."""
    extension = isinstance(series.dtype, pd.api.extensions.ExtensionDtype)
    return series.array if extension else series.to_numpy()


def _exchanged(column):
    """Values of a polars or pyarrow column, which know `to_pandas`."""
    values = _unboxed(column.to_pandas())
    declared = type(getattr(column, "dtype", None)).__name__ == "Enum"
    if isinstance(values, pd.Categorical) and not (values.ordered or declared):
        # Other dictionaries are in order of appearance, which means nothing.
        values = values.reorder_categories(values.categories.sort_values())
    return values


def _nullable_number(values):
    if values.isna().any():
        return values.to_numpy(dtype=np.float64, na_value=np.nan)
    return values.to_numpy(dtype=values.dtype.numpy_dtype)


def _nullable_boolean(values):
    if values.isna().any():
        return values.to_numpy(dtype=object, na_value=None)
    return values.to_numpy(dtype=bool)


def _utc(values):
    return np.asarray(values.tz_convert(None))


def _from_extension(values):
    converters = dict.fromkeys("iuf", _nullable_number)
    converters |= {"b": _nullable_boolean, "M": _utc}
    return converters.get(values.dtype.kind, partial(np.asarray, dtype=object))(values)


def _from_numpy(values):
    if values.dtype.kind == "S":
        return np.char.decode(values).astype(object)
    if values.dtype.kind in "UT":
        return values.astype(object)
    native = values.dtype.newbyteorder("=")  # pandas cannot factorize big-endian
    return values.astype(native, copy=False)


_PLAIN = (
    (pd.CategoricalDtype, lambda values: values),
    (pd.StringDtype, lambda values: values),
    (pd.ArrowDtype, lambda values: _exchanged(values.__arrow_array__())),
    (pd.SparseDtype, np.asarray),
    (pd.api.extensions.ExtensionDtype, _from_extension),
    (np.dtype, _from_numpy),
)


def plain(values):
    """numpy array, Categorical or string array; NaN, None or NaT where missing."""
    convert = next(f for kind, f in _PLAIN if isinstance(values.dtype, kind))
    return convert(values)


def _object_text(values, _present):
    return pd.Categorical(values)


def _object_boolean(values, present):
    if present.all():
        return values.astype(bool)
    # Not floats: the formula engine must name these columns as it names a bool.
    codes = np.full(len(values), -1, dtype=np.int8)
    codes[present] = values[present].astype(bool)
    return pd.Categorical.from_codes(codes, [False, True])


def _object_integer(values, present):
    try:
        whole = values[present].astype(np.int64)
    except OverflowError:  # as floats, distinct identifiers could become one
        return values
    return whole if present.all() else _object_number(values, present)


def _object_number(values, present):
    out = np.full(len(values), np.nan)
    out[present] = values[present].astype(np.float64)
    return out


def _object_time(values, _present):
    try:
        times = pd.to_datetime(values)
    except (ValueError, TypeError):  # mixed time zones, dates before the calendar
        return values
    return np.asarray(times.tz_convert(None) if times.tz is not None else times)


def _object_duration(values, _present):
    return pd.to_timedelta(values).to_numpy()


_OBJECT = (  # in this order: a bool is an integer is a number
    ((str,), _object_text),
    ((bool, np.bool_), _object_boolean),
    ((numbers.Integral,), _object_integer),
    ((numbers.Real, Decimal), _object_number),
    ((datetime.date, np.datetime64), _object_time),
    ((datetime.timedelta, np.timedelta64), _object_duration),
)


def _from_object(values):
    """The type all present elements have in common; else the objects as they are."""
    present = ~pd.isna(values)
    types = set(map(type, values[present]))
    if not types:
        return np.full(len(values), np.nan)
    for bases, convert in _OBJECT:
        if all(issubclass(kind, bases) for kind in types):
            return convert(values, present)
    return values


def normalised(values):
    """Read-only numpy array or Categorical of `_plain` values."""
    if isinstance(values.dtype, pd.StringDtype):
        values = pd.Categorical(values)
        values = values.rename_categories(values.categories.astype(str))
    elif values.dtype == object:
        values = _from_object(values)
    if isinstance(values, np.ndarray):
        values = values.view()
        values.flags.writeable = False
    return values


def _is_array(column):
    known = (pd.api.extensions.ExtensionArray, np.ma.MaskedArray)
    return hasattr(column, "__array__") and not isinstance(column, known)


def _values_of(column, what):
    """One-dimensional pandas or numpy values of any array-like."""
    if getattr(column, "ndim", 1) != 1:
        shape = getattr(column, "shape", "more than one dimension")
        raise DataError(f"{what} must be one-dimensional, not {shape}.")
    if isinstance(column, (pd.Series, pd.Index)):
        return _unboxed(column)
    if hasattr(column, "to_pandas"):
        return _exchanged(column)
    if _is_array(column):
        return np.asarray(column)
    try:  # a Series, since numpy makes text of ["a", 1.0]
        return _unboxed(pd.Series(column))
    except (TypeError, ValueError) as error:
        raise DataError(f"{what} cannot be read as a column: {error}.") from error


def as_column(values, what="The values"):
    """Normalise one array-like as `Table.column` does.

    Parameters
    ----------
    values : array-like, shape (n,)
        Series, array, list, pandas extension array, polars or pyarrow column.
    what : str
        What to call it in an error.

    Returns
    -------
    numpy.ndarray or pandas.Categorical, shape (n,)
        The array is read-only and shares memory with `values` where it can.

    Raises
    ------
    DataError
        It has more than one dimension or is no column.

    Examples
    --------
    >>> as_column(["b", "a", None]).categories.tolist()
    ['a', 'b']
    """
    return normalised(plain(_values_of(values, what)))


def drop_unused_levels(values):
    """Remove the categories of a pandas.Categorical that no row has.

    Anything else, and a Categorical without such levels, is returned as it is.

    Examples
    --------
    >>> drop_unused_levels(pd.Categorical(["b"], categories=["a", "b"])).codes
    array([0], dtype=int8)
    """
    if not isinstance(values, pd.Categorical):
        return values
    used = np.zeros(len(values.categories) + 1, dtype=bool)
    used[values.codes] = True  # the code -1 of a missing value marks the last one
    used = used[:-1]
    if used.all():
        return values
    renumbered = np.append(np.cumsum(used) - 1, -1)[values.codes]
    dtype = pd.CategoricalDtype(values.categories[used], values.ordered)
    return pd.Categorical.from_codes(renumbered, dtype=dtype)


# ---- kinds of data: how many rows, which names, how to read one column ------------


@dataclass(frozen=True)
class Source:
    """Names and labels of some data, and how to read one of their columns."""

    names: tuple[str, ...]
    index: pd.Index
    read: Callable  # (position of the column, rows or None) -> values


def _read_pandas(frame, position, rows):
    values = _unboxed(frame[frame.columns[position]])  # unique: the caller has looked
    return values if rows is None else values.take(rows)


def _read_polars(frame, position, rows):
    series = frame.to_series(position)
    return _exchanged(series if rows is None else series[rows])


def _read_arrow(table, position, rows):
    column = table.column(position)
    return _exchanged(column if rows is None else column.take(rows))


def _read_mapping(columns, position, rows):
    name, column = columns[position]
    values = _values_of(column, f"Column {name!r}")
    return values if rows is None else values.take(rows)


def _open_pandas(frame):
    names = tuple(map(str, frame.columns))
    return Source(names, frame.index, partial(_read_pandas, frame))


def _open_polars(frame):
    index = pd.RangeIndex(frame.height)
    return Source(tuple(frame.columns), index, partial(_read_polars, frame))


def _open_arrow(table):
    index = pd.RangeIndex(table.num_rows)
    return Source(tuple(table.column_names), index, partial(_read_arrow, table))


def length_of(column, what):
    """Rows of an array-like, without converting it."""
    try:
        if isinstance(column, (str, bytes, Mapping, Set)):
            raise TypeError
        return len(column)
    except TypeError:
        text = f"{what} must be an array-like, not {type(column).__name__}"
        raise DataError(f"{text}; repeat a scalar for each row.") from None


def _open_mapping(data):
    lengths = {str(k): length_of(v, f"Column {str(k)!r}") for k, v in data.items()}
    if len(set(lengths.values())) > 1:
        text = ", ".join(f"{name!r}: {n}" for name, n in lengths.items())
        raise DataError(f"The columns of the dict differ in length ({text}).")
    index = pd.RangeIndex(next(iter(lengths.values()), 0))
    labels = [column.index for column in data.values() if isinstance(column, pd.Series)]
    if labels and not all(labels[0].equals(other) for other in labels[1:]):
        text = "The Series of the dict differ in their index, so rows could be mixed up"
        raise DataError(f"{text}; align them with pandas.DataFrame(data) first.")
    read = partial(_read_mapping, tuple(data.items()))
    return Source(tuple(map(str, data)), labels[0] if labels else index, read)


def _open_structured(data):
    if data.ndim != 1:
        raise DataError(f"A structured array must be 1-d, not {data.shape}.")
    return _open_mapping({name: data[name] for name in data.dtype.names})


def _has(*attributes):
    # Of the type: asking a lazy frame for its columns would run its plan.
    return lambda data: all(hasattr(type(data), name) for name in attributes)


_OPENERS = (  # the first that fits; a narwhals frame also looks like a polars one
    (lambda data: isinstance(data, pd.DataFrame), _open_pandas),
    (lambda data: isinstance(data, Mapping), _open_mapping),
    (
        lambda data: isinstance(data, np.ndarray) and data.dtype.names is not None,
        _open_structured,
    ),
    (_has("columns", "to_native"), lambda data: open_data(data.to_native())),
    (_has("columns", "height", "to_series"), _open_polars),
    (_has("collect_schema", "collect"), lambda data: open_data(data.collect())),
    (_has("column_names", "num_rows", "column"), _open_arrow),
    (_has("columns", "to_pandas"), lambda data: open_data(data.to_pandas())),
    (
        _has("__dataframe__"),
        lambda data: _open_pandas(pd.api.interchange.from_dataframe(data)),
    ),
)


def open_data(data):
    """The `Source` of any kind of data a user may give; DataError for others."""
    for fits, opener in _OPENERS:
        if fits(data):
            return opener(data)
    raise DataError(f"data is a {type(data).__name__}; it must be {_ACCEPTED}.")
