"""Grouping factors as integer codes and sorted levels, never as dummy columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from statsmodels_mixed.design.columns import as_column, drop_unused_levels
from statsmodels_mixed.errors import DataError, IdentifiabilityError, MissingValueError

_EXACT = 2.0**53  # up to here every integer is a float


@dataclass(frozen=True, eq=False)
class Grouping:
    """A factor, or several crossed ones, coded over the levels that are observed.

    Attributes
    ----------
    name : str
        Name of the factor; ``"f:g"`` for crossed ones.
    codes : numpy.ndarray of intp, shape (n,)
        Number of the level of each row, each of 0, ..., m - 1 at least once.
    levels : pandas.Index, shape (m,)
        Levels in sorted order (of categories: in their order); for crossed factors
        a MultiIndex in the lexicographic order of its parts.
    parts : tuple of str
        Names of the crossed factors; ``(name,)`` for a single one.
    part_levels : tuple of pandas.Index
        Levels of each part.
    part_codes : numpy.ndarray of intp, shape (len(parts), m)
        Level of each part that makes up each level.

    Examples
    --------
    >>> batch = code_factor(["b", "a", "b"], "batch")
    >>> batch.codes.tolist(), batch.levels.tolist(), batch.counts.tolist()
    ([1, 0, 1], ['a', 'b'], [1, 2])
    """

    name: str
    codes: np.ndarray
    levels: pd.Index
    parts: tuple[str, ...]
    part_levels: tuple[pd.Index, ...]
    part_codes: np.ndarray

    @property
    def n_levels(self) -> int:
        """Number of levels, m."""
        return len(self.levels)

    @cached_property
    def counts(self) -> np.ndarray:
        """Rows of each level, shape (m,)."""
        return np.bincount(self.codes, minlength=self.n_levels)

    def labels(self) -> pd.Index:
        """Levels as text, ``"a:b"`` for crossed factors, shape (m,)."""
        texts = [
            levels.astype(str).to_numpy(dtype=object)[codes]
            for levels, codes in zip(self.part_levels, self.part_codes, strict=True)
        ]
        joined = texts[0]
        for text in texts[1:]:
            joined = joined + ":" + text
        return pd.Index(joined, name=self.name)

    @cached_property
    def index(self) -> pd.Index:
        """Index for tables, shape (m,): the levels, or `labels` of crossed factors."""
        return self.levels if len(self.parts) == 1 else self.labels()

    @cached_property
    def multi_index(self) -> pd.MultiIndex:
        """Index with one level per part, shape (m,), for a single factor too."""
        return _multi_index(self.part_levels, self.part_codes, self.parts)

    def encode(self, *columns) -> np.ndarray:
        """Code new rows by these levels.

        Parameters
        ----------
        *columns : array_like, shape (n_new,)
            One per part, in the order of `parts`.

        Returns
        -------
        numpy.ndarray of intp, shape (n_new,)
            -1 where the level is new or missing.

        Raises
        ------
        DataError
            Not one column per part, or they differ in length.

        Examples
        --------
        >>> code_factor([308, 309], "Subject").encode([309, 310, None])
        array([ 1, -1, -1])
        """
        if len(columns) != len(self.parts):
            text = f"{self.name!r} takes {len(self.parts)} columns {self.parts}"
            raise DataError(f"{text}, got {len(columns)}.")
        found = [
            _lookup(levels, as_column(column, f"Column {part!r}"))
            for levels, column, part in zip(
                self.part_levels, columns, self.parts, strict=True
            )
        ]
        if len(found) == 1:
            return found[0]
        _check_lengths(found, self.parts)
        return self._combine(np.array(found))

    def _combine(self, found):
        """Codes of combinations, from the codes of the parts of new rows."""
        known = self.n_levels
        # Known and new combinations are numbered together: no product of sizes.
        joint = np.hstack([self.part_codes, np.maximum(found, 0)])
        number, n_numbers = _number_combinations(joint)
        code_of = np.full(n_numbers, -1, dtype=np.intp)
        code_of[number[:known]] = np.arange(known)
        return np.where((found < 0).any(axis=0), -1, code_of[number[known:]])


def code_factor(values, name: str) -> Grouping:
    """Code one grouping factor.

    Parameters
    ----------
    values : array_like or pandas.Categorical, shape (n,)
        Text, integers, floats, bools, dates, categories or hashable objects. Floats
        that are all whole numbers become integer levels, as ids with missing rows do.
    name : str
        Name of the factor.

    Returns
    -------
    Grouping
        Only levels that are observed. They depend on the values, not on their order.

    Raises
    ------
    MissingValueError
        Some values are missing.
    DataError
        Values that are no column or cannot be labels.

    Examples
    --------
    >>> code_factor([3.0, 1.0, 3.0], "id").levels.tolist()
    [1, 3]
    """
    values = as_column(values, f"The grouping factor {name!r}")
    codes, levels = _code(values, name)
    n_missing = int(np.count_nonzero(codes < 0))
    if n_missing:
        raise MissingValueError(
            f"The grouping factor {name!r} has {n_missing} missing values; drop these "
            "rows, or give them a level of their own."
        )
    levels = levels.rename(name)
    own = np.arange(len(levels), dtype=np.intp)[None]
    return Grouping(name, codes, levels, (name,), (levels,), own)


def _code(values, name):
    if isinstance(values, pd.Categorical):
        values = drop_unused_levels(values)
        return values.codes.astype(np.intp), values.categories
    coder = _CODERS.get(values.dtype.kind, _code_any)
    try:
        codes, levels = coder(values)
    except TypeError as error:
        text = f"Values of the grouping factor {name!r} cannot be labels"
        raise DataError(f"{text}: {error}.") from error
    return codes, pd.Index(levels, tupleize_cols=False)


def _code_integers(values):
    """Codes and sorted levels, by a table of the range unless that is too long."""
    if not len(values):
        return np.empty(0, dtype=np.intp), values
    low, high = values.min(), values.max()
    if int(high) - int(low) > 4 * len(values) + 1024:
        return _code_any(values)
    # The range fits: subtraction in the own type could still overflow int8.
    wide = values if values.dtype.itemsize == 8 else values.astype(np.int64)
    offset = (wide - wide.dtype.type(low)).astype(np.intp, copy=False)
    seen = np.zeros(int(high) - int(low) + 1, dtype=bool)
    seen[offset] = True
    found = np.flatnonzero(seen)
    code_of = np.empty(len(seen), dtype=np.intp)
    code_of[found] = np.arange(len(found))
    return code_of[offset], found.astype(wide.dtype) + wide.dtype.type(low)


def _code_booleans(values):
    codes, levels = _code_integers(values.view(np.uint8))
    return codes, levels.astype(bool)


def _code_floats(values):
    values = values.astype(np.float64, copy=False)  # pandas knows no other sizes
    whole = np.abs(values) < _EXACT
    if whole.all() and (values == np.rint(values)).all():
        return _code_integers(values.astype(np.int64))
    return _code_any(values)


def _code_any(values):
    codes, levels = pd.factorize(values, sort=True)
    return codes.astype(np.intp, copy=False), levels


def _code_objects(values):
    try:
        return _code_any(values)  # numbers come before text
    except TypeError:  # no order between their types; any fixed one will do
        codes, levels = pd.factorize(values)
    order = np.argsort(np.array(list(map(repr, levels))), kind="stable")
    rank = np.empty(len(order) + 1, dtype=np.intp)
    rank[order] = np.arange(len(order))
    rank[-1] = -1  # where the code -1 of a missing value points
    return rank[codes], levels[order]


_CODERS = {
    "i": _code_integers,
    "u": _code_integers,
    "b": _code_booleans,
    "f": _code_floats,
    "O": _code_objects,
}


def _lookup(levels, values):
    """Positions of values among the levels, -1 where there is none."""
    if isinstance(values, pd.Categorical):
        position = np.append(levels.get_indexer(values.categories), -1)
        return position[values.codes].astype(np.intp, copy=False)
    if values.dtype.kind == "f":
        values = values.astype(np.float64, copy=False)
    return levels.get_indexer(pd.Index(values, tupleize_cols=False))


def _multi_index(part_levels, part_codes, parts):
    return pd.MultiIndex(
        levels=part_levels, codes=list(part_codes), names=parts, verify_integrity=False
    )


def _number_combinations(codes):
    """Lexicographic number of each column's combination, and how many there are."""
    number = codes[0]
    for more in codes[1:]:
        # Renumbered each time, so the product is at most (rows)^2: no overflow.
        number, found = _code_integers(number * (int(more.max()) + 1) + more)
    return number, len(found)


def _check_lengths(columns, names):
    lengths = [len(column) for column in columns]
    if len(set(lengths)) > 1:
        text = ", ".join(f"{k!r}: {n}" for k, n in zip(names, lengths, strict=True))
        raise DataError(f"Crossed grouping factors differ in length ({text}).")


def cross(groupings: Sequence[Grouping]) -> Grouping:
    """Cross grouping factors: one level per combination that is observed.

    Parameters
    ----------
    groupings : sequence of Grouping
        Of the same rows; may be crossed themselves.

    Returns
    -------
    Grouping
        Levels in the lexicographic order of the parts; a single factor as it is.

    Raises
    ------
    DataError
        None given, or they differ in length.

    Examples
    --------
    >>> f, g = code_factor(["b", "a", "b"], "f"), code_factor([1, 1, 2], "g")
    >>> cross([f, g]).index.tolist()
    ['a:1', 'b:1', 'b:2']
    """
    if not groupings:
        raise DataError("There is no grouping factor to cross.")
    if len(groupings) == 1:
        return groupings[0]
    name = ":".join(g.name for g in groupings)
    _check_lengths([g.codes for g in groupings], [g.name for g in groupings])
    codes, n_levels = _number_combinations(np.array([g.codes for g in groupings]))
    row_of = np.empty(n_levels, dtype=np.intp)
    row_of[codes] = np.arange(len(codes))  # any row of a level stands for it
    part_codes = np.vstack([g.part_codes[:, g.codes[row_of]] for g in groupings])
    part_levels = tuple(levels for g in groupings for levels in g.part_levels)
    parts = tuple(part for g in groupings for part in g.parts)
    levels = _multi_index(part_levels, part_codes, parts)
    return Grouping(name, codes, levels, parts, part_levels, part_codes)


def is_nested(inner: Grouping, outer: Grouping) -> bool:
    """Whether each level of `inner` occurs within one level of `outer` only.

    Parameters
    ----------
    inner, outer : Grouping
        Of the same rows.

    Returns
    -------
    bool

    Raises
    ------
    DataError
        They differ in length.

    Examples
    --------
    >>> school = code_factor([1, 1, 2], "school")
    >>> is_nested(code_factor(["a", "b", "c"], "class"), school)
    True
    """
    _check_lengths([inner.codes, outer.codes], [inner.name, outer.name])
    outer_of = np.empty(inner.n_levels, dtype=np.intp)
    outer_of[inner.codes] = outer.codes
    return bool((outer_of[inner.codes] == outer.codes).all())


def outermost(groupings) -> Grouping | None:
    """The factor that all others are nested in; None for crossed factors, or none.

    Parameters
    ----------
    groupings : iterable of Grouping
        Of the same rows.
    """
    groupings = list(groupings)
    for outer in groupings:
        if all(is_nested(inner, outer) for inner in groupings):
            return outer
    return None


def check_grouping(grouping: Grouping, nobs: int) -> None:
    """Refuse a grouping factor that carries no information.

    Parameters
    ----------
    grouping : Grouping
        The factor.
    nobs : int
        Rows of the model.

    Raises
    ------
    IdentifiabilityError
        It has one level only.
    DataError
        It has not one code per row.

    Examples
    --------
    >>> check_grouping(code_factor([1, 2, 2], "g"), 3)
    """
    n_codes = len(grouping.codes)
    if n_codes != nobs:
        text = f"The grouping factor {grouping.name!r} has {n_codes} rows"
        raise DataError(f"{text}, the model {nobs}; give one label per row.")
    if grouping.n_levels < 2:
        only = ", ".join(grouping.labels())
        raise IdentifiabilityError(
            f"The grouping factor {grouping.name!r} has one level ({only}): its effect "
            "cannot vary, so its variance cannot be estimated. Drop the term."
        )
