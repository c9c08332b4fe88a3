"""New rows for a fitted design: what a formula finds in a table, arrays must be given.

A reader opens what the user gives; the encoders of a design then find their columns in
what it opened, so that prediction does not know which door a model came through.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..errors import DataError
from .columns import as_column
from .matrices import place_columns
from .table import Table, check_finite, check_order


def read_table(data, random_data, kept):
    """Rows and their labels for the encoders of a formula; see `ArrayReader`."""
    if random_data is not None:
        raise DataError(
            "random_data= is for models built from arrays; for a formula the new data "
            "hold the columns of the random effects too."
        )
    table = Table.from_data(data)
    return table, table.index


def row_labels(values, nobs):
    """Labels of the rows of a matrix, None for one without."""
    labelled = isinstance(values, (pd.Series, pd.DataFrame))
    # a Series may be a single row, its labels names of columns
    return values.index if labelled and len(values) == nobs else None


@dataclass(frozen=True, eq=False)
class ArrayRows:
    """New rows given as arrays, with as much of `Table` as prediction needs.

    Attributes
    ----------
    exog : ndarray, shape (n, p)
        Columns of the model in their order, NaN in those that are not there.
    terms : tuple of RandomEffects, or None
        One per term of the model, when they were given.
    index : pandas.Index
        Labels of the rows.
    """

    exog: np.ndarray
    terms: tuple | None
    index: pd.Index

    @property
    def nobs(self):
        """Number of rows."""
        return len(self.exog)

    def column(self, name, where):
        """Refuse a column by name: there are no named columns here."""
        raise DataError(
            f"{where} names the column {name!r}, but the model was built from arrays; "
            "give one value per new row."
        )


@dataclass(frozen=True)
class ArrayReader:
    """Opens new rows of a model that was built from arrays.

    Parameters
    ----------
    names : tuple of str
        All fixed-effects columns.
    named : bool
        Whether the user gave the names.
    terms : tuple of TermDesign text
        Random-effects terms as they are called in messages.
    groups : tuple of str
        Grouping factor of each term.
    """

    names: tuple
    named: bool
    terms: tuple
    groups: tuple

    def __call__(self, exog, random_data, kept):
        """Check new rows and bring them into the order of the model.

        Parameters
        ----------
        exog : array_like, shape (n, p) or (n, len(kept))
        random_data : sequence of RandomEffects, or None
        kept : ndarray of int
            Fixed-effects columns that are not aliased.

        Returns
        -------
        rows : ArrayRows
        labels : pandas.Index, or None
            None when the user's rows have no labels.
        """
        matrix = place_columns(exog, self.names, kept, "exog", self.named)
        labels = row_labels(exog, len(matrix))
        index = pd.RangeIndex(len(matrix)) if labels is None else labels
        for j in kept:
            check_finite(f"{self.names[j]} in exog", matrix[:, j], index)
        if random_data is not None:
            self._check_terms(random_data, index, labels)
        return ArrayRows(matrix, random_data, index), labels

    def _check_terms(self, entries, index, labels):
        if len(entries) != len(self.terms):
            raise DataError(
                f"random_data= has {len(entries)} terms, the model {len(self.terms)}; "
                f"give one for each of {self._listed()}, in this order."
            )
        for i, (entry, group) in enumerate(zip(entries, self.groups, strict=True)):
            name = entry.name or getattr(entry.groups, "name", None)
            if name != group and name in self.groups:
                raise DataError(
                    f"random_data[{i}] is called {name!r}, but that term of the model "
                    f"varies over {group!r}; the order is {self._listed()}."
                )
            for what in ("groups", "exog"):
                values = getattr(entry, what)
                if labels is not None:
                    check_order(values, labels, f"random_data[{i}]: {what}")
            if entry.groups is not None and len(entry.groups) != len(index):
                raise DataError(
                    f"random_data[{i}]: groups has length {len(entry.groups)}, exog "
                    f"{len(index)} rows; give one label per new row."
                )

    def _listed(self):
        return ", ".join(f"({text})" for text in self.terms)


@dataclass(frozen=True)
class ArrayEncoder:
    """Fixed-effects columns of `ArrayRows`; the counterpart of `Encoder`.

    Attributes
    ----------
    names : tuple of str
        Column names.
    """

    names: tuple
    design_info = None  # patsy has not seen these columns

    def encode(self, rows):
        """Columns, shape (n, p)."""
        return rows.exog


@dataclass(frozen=True)
class ArrayTermEncoder:
    """Effects and levels of a term in `ArrayRows`; the counterpart of `TermEncoder`.

    Attributes
    ----------
    position : int
        Which term it is.
    effects : tuple of str
        Names of the varying effects.
    columns : tuple
        Where each effect stands among the fixed-effects columns, None if it does not;
        empty for an intercept alone.
    named : bool
        Whether the user gave the names of the effects.
    """

    position: int
    effects: tuple
    columns: tuple
    named: bool

    def effect_values(self, rows):
        """Values of the effects (n, k), None for an intercept alone."""
        given = None if rows.terms is None else rows.terms[self.position].exog
        if given is not None:
            return self._given(given, rows)
        if not self.columns:
            return None
        if None not in self.columns:
            values = rows.exog[:, self.columns]
            if not np.isnan(values).any():
                return values
        raise DataError(
            f"The random effects {', '.join(self.effects)} of term {self.position} are "
            f"not columns of exog; give random_data= with exog in entry "
            f"{self.position}, RandomEffects(groups, exog)."
        )

    def _given(self, values, rows):
        what = f"random_data[{self.position}]: exog"
        everything = range(len(self.effects))
        out = place_columns(values, self.effects, everything, what, self.named)
        if len(out) != rows.nobs:
            raise DataError(
                f"{what} has {len(out)} rows, the fixed-effects exog {rows.nobs}; give "
                "both for the same rows."
            )
        check_finite(what, out, rows.index)
        return out

    def group_values(self, rows):
        """One column of labels, in a list."""
        groups = None if rows.terms is None else rows.terms[self.position].groups
        if groups is None:
            raise DataError(
                "random='conditional' for new rows of a model built from arrays needs "
                "random_data=, a list with the groups of each random-effects term "
                f"(of term {self.position} there are none)."
            )
        return [as_column(groups, f"random_data[{self.position}]: groups")]
