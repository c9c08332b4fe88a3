"""Rows to predict: fixed-effects columns, varying effects, and levels of the groups."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from ..design.columns import as_column
from ..design.table import check_finite, column_or_array
from ..errors import DataError, MissingColumnError, NewLevelError

SHOWN = 5  # rows or labels that a message lists


@dataclass(frozen=True, eq=False)
class Levels:
    """Levels of one grouping factor at some rows.

    Attributes
    ----------
    codes : ndarray of int, shape (n,)
        Level of the fit, -1 where it is new or missing.
    fresh : ndarray of int, shape (n,)
        Number of the new level, from 0; -1 for levels of the fit. A row without a
        label is a level of its own.
    unlabelled : ndarray of bool, shape (n,)
        Where the label is missing.
    """

    codes: np.ndarray
    fresh: np.ndarray
    unlabelled: np.ndarray

    @classmethod
    def of(cls, grouping, columns):
        """Code columns of labels, one per crossed factor."""
        codes = grouping.encode(*columns)
        fresh, unlabelled = np.full(len(codes), -1), np.zeros(len(codes), dtype=bool)
        new = np.flatnonzero(codes < 0)
        if len(new):
            number, missing = _numbered([as_column(c)[new] for c in columns])
            fresh[new], unlabelled[new] = number, missing
        return cls(codes, fresh, unlabelled)

    @cached_property
    def known(self):
        """Rows whose level the fit has, shape (n,)."""
        return self.codes >= 0

    @property
    def n_fresh(self):
        """Number of new levels."""
        return int(self.fresh.max(initial=-1)) + 1


def _numbered(columns):
    """Number of each row's combination of labels, and where one is missing."""
    parts = [pd.factorize(column)[0] for column in columns]
    missing = np.logical_or.reduce([part < 0 for part in parts])
    number = parts[0]
    for part in parts[1:]:
        number = pd.factorize(number * (int(part.max(initial=0)) + 1) + part)[0]
    number = np.where(missing, -1, number)
    number = pd.factorize(number[~missing])[0] if missing.any() else number
    out = np.empty(len(missing), dtype=np.intp)
    out[~missing] = number
    n_named = int(number.max(initial=-1)) + 1
    out[missing] = n_named + np.arange(int(missing.sum()))
    return out, missing


class Rows:
    """Rows at which a fit is evaluated; groups and effects are read when asked for.

    Parameters
    ----------
    fit : Fit, GeneralizedFit or PQLFit
    source : Table or ArrayRows
        What the encoders of the design read.
    labels : pandas.Index or None
    exog : ndarray, shape (n, p)
        Fixed-effects columns that are not aliased, in the user's order.
    offset : ndarray, shape (n,), or None
    """

    weights = None  # new rows have weight one

    def __init__(self, fit, source, labels, exog, offset):
        self.fit, self.labels, self.exog, self.offset = fit, labels, exog, offset
        self._source, self._known = source, {}

    @property
    def nobs(self):
        """Number of rows."""
        return len(self.exog)

    @property
    def index(self):
        """Labels for messages."""
        return self._source.index

    @property
    def terms(self):
        """Random-effects terms of the fit."""
        return self.fit.design.terms

    @property
    def fixed_part(self):
        """``X beta`` plus offset, shape (n,)."""
        values = self.exog @ self.fit.beta
        return values if self.offset is None else values + self.offset

    @cached_property
    def effects(self):
        """Values of the effects (n, k) of each term, None for an intercept alone."""
        return tuple(t.encoder.effect_values(self._source) for t in self.terms)

    def levels(self, t, advice=""):
        """Levels of the grouping factor of term t.

        `advice` says, for the factor ``{}``, what to do where there is no such column.
        """
        term = self.terms[t]
        if term.group not in self._known:
            try:
                columns = term.encoder.group_values(self._source)
            except MissingColumnError as error:
                raise error.advised(advice.format(term.group)) from None
            self._known[term.group] = Levels.of(term.grouping, columns), columns
        return self._known[term.group][0]

    def places(self, t):
        """Level of each row of term t, new ones numbered after those of the fit."""
        levels = self.levels(t)
        new = self.terms[t].grouping.n_levels + levels.fresh
        return np.where(levels.known, levels.codes, new)

    def refuse_unlabelled(self, t):
        """Raise an error where the label of term t is missing."""
        rows = np.flatnonzero(self.levels(t).unlabelled)
        if len(rows):
            shown = _listed(np.asarray(self.index)[rows[:SHOWN]], len(rows))
            raise NewLevelError(
                f"The grouping factor {self.terms[t].group!r} has no label in "
                f"{len(rows)} rows ({shown}). Give them one, leave them out, or use "
                "new_levels='population' (or 'draw') to take each for a new level."
            )

    def refuse_new_levels(self, t):
        """Raise an error where a level of term t is new, or its label missing."""
        self.refuse_unlabelled(t)
        new = ~self.levels(t).known
        if new.any():
            raise NewLevelError(self._describe(self.terms[t], new))

    def _describe(self, term, new):
        rows = np.flatnonzero(new)[:1000]
        columns = [np.asarray(as_column(c)[rows]) for c in self._known[term.group][1]]
        labels = (":".join(map(str, parts)) for parts in zip(*columns, strict=True))
        seen = list(dict.fromkeys(labels))
        return (
            f"The grouping factor {term.group!r} has levels that were not there when "
            f"fitting: {', '.join(seen[:SHOWN])}.{_other_type(term.grouping, columns)} "
            "Use new_levels='population' to predict them with random effects of zero."
        )

    def __contains__(self, name):
        """Whether the rows have a column of that name."""
        return name in getattr(self._source, "names", ())

    def column(self, values, argument):
        """One number per row, given as the name of a column or as an array."""
        values = column_or_array(values, self._source, argument)
        check_finite(f"{argument}=", values, self.index)
        return values


class OwnRows(Rows):
    """The rows a fit was made from."""

    def __init__(self, fit):
        design = fit.design
        exog = design.mean.exog[:, kept_columns(fit)]
        super().__init__(fit, None, design.row_labels, exog, design.mean.offset)
        self.weights = design.weights

    @property
    def fixed_part(self):
        """``X beta`` plus offset, shape (n,)."""
        return self.fit.fixed_part

    @property
    def index(self):
        """Labels of the rows."""
        return self.labels

    @cached_property
    def effects(self):
        """Values of the effects (n, k) of each term, None for an intercept alone."""
        return tuple(term.z for term in self.terms)

    def levels(self, t, advice=""):
        """Levels of the grouping factor of term t: all are known."""
        codes = self.terms[t].grouping.codes
        none = np.zeros(len(codes), dtype=bool)
        return Levels(codes, np.full(len(codes), -1), none)

    def column(self, values, argument):
        """The rows of the fit have their own numbers already."""
        raise DataError(
            f"{argument}= describes new rows; those of the fit have their own. Leave "
            "it out, or give the new data too."
        )


def _other_type(grouping, columns):
    """A hint where new labels are levels of the fit written in another type."""
    for part, levels, column in zip(
        grouping.parts, grouping.part_levels, columns, strict=True
    ):
        known = {_plain(level): level for level in levels}
        for label in column:
            level = known.get(_plain(label))
            if level is not None and type(level) is not type(label) and level != label:
                return f" In {part!r} levels are {_typed(level)}, not {_typed(label)}."
    return ""


def _typed(label):
    """What kind of label it is, and the label."""
    label = label.item() if isinstance(label, np.generic) else label
    kinds = {str: "text", int: "numbers", float: "numbers"}
    return f"{kinds.get(type(label), type(label).__name__)}: {label!r}"


def _plain(label):
    """A label as text, whole numbers without a point."""
    text = str(label)
    return text.removesuffix(".0") if isinstance(label, (float, np.floating)) else text


def own_rows(fit):
    """The rows a fit was made from, as `Rows`."""
    return OwnRows(fit)


def new_rows(fit, data, offset=None, random_data=None):
    """New data as `Rows` of a fit.

    Parameters
    ----------
    fit : Fit, GeneralizedFit or PQLFit
    data : DataFrame, dict, array_like, ...
        All columns the formula mentions, the response excepted (groups only where
        they are needed); fixed-effects columns of a model built from arrays.
    offset : str or array_like, optional
        Needed when the model was given ``offset=`` as an array.
    random_data : sequence of RandomEffects, optional
        Groups and effects of a model built from arrays.

    Returns
    -------
    Rows

    Raises
    ------
    MissingColumnError, MissingValueError, NewLevelError, DataError
        The second last for levels of factors of the fixed effects.
    """
    kept, mean = kept_columns(fit), fit.design.mean
    source, labels = fit.design.reader(data, random_data, kept)
    exog = mean.encoder.encode(source)
    exog = exog if len(kept) == exog.shape[1] else exog[:, kept]
    return Rows(fit, source, labels, exog, _offset(mean, source, offset))


def kept_columns(fit):
    """Fixed-effects columns that are not aliased, in the user's order."""
    return np.sort(fit.model.coordinates.basis.kept)


def _offset(mean, table, offset):
    total = sum((e.values(table) for e in mean.offsets), np.zeros(table.nobs))
    if offset is not None:
        values = column_or_array(offset, table, "offset")
        check_finite("offset=", values, table.index)
        return total + values
    if mean.exposure_argument:
        raise DataError(
            "The model was fitted with exposure= as an array: give offset= for the new "
            "rows, with the logarithm of their exposure (zeros, for an exposure of 1)."
        )
    if mean.offset_argument:
        raise DataError(
            "The model was fitted with offset=: give offset= for the new rows too "
            "(zeros, to predict without it)."
        )
    return total


def _listed(values, count):
    more = f", and {count - SHOWN} more" if count > SHOWN else ""
    return ", ".join(map(str, values)) + more
