"""Expressions of a formula that give one value per row: responses and offsets."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ..errors import DataError
from ..formula.spec import bare_name
from .columns import as_column
from .encode import Encoder
from .table import check_finite

NUMERIC = "iufb"


class Expression:
    """One expression of the formula, such as a response or an offset.

    Parameters
    ----------
    text : str
    table : Table
        Complete rows to learn from.
    namespace : dict
    where : str
        What it is, for error messages.
    """

    def __init__(self, text, table, namespace, where):
        self.text, self.where = text, where
        # in parentheses of its own: patsy would read operators as its own
        self._encoder = None
        if bare_name(text) not in table.names:
            self._encoder = Encoder(f"0 + I({text})", table, namespace, where)

    @property
    def name(self):
        """The text, without the quotes of a column."""
        return bare_name(self.text)

    def values(self, table):
        """Numbers, shape (n,)."""
        if self._encoder is not None:
            columns = self._encoder.encode(table)
            if columns.shape[1] != 1:
                raise DataError(
                    f"{self.where} ({self.text}) has {columns.shape[1]} columns, it "
                    "must be one."
                )
            return columns[:, 0]
        values = table.column(self.name, self.where)
        if not isinstance(values, np.ndarray) or values.dtype.kind not in NUMERIC:
            raise DataError(
                f"{self.where} {self.name!r} must be numeric, not "
                f"{getattr(values, 'dtype', type(values).__name__)}; convert it first."
            )
        values = values.astype(float)
        check_finite(self.name, values, table.index)
        return values

    def classes(self, table):
        """Numbers, or a Categorical where the values are classes, shape (n,)."""
        if self._encoder is None:
            values = table.column(self.name, self.where)
            numbers = isinstance(values, np.ndarray) and values.dtype.kind in "iuf"
            return self.values(table) if numbers else values
        columns = self._encoder.encode(table)  # refuses what is missing
        (factor,) = self._encoder.design_info.factor_infos.values()
        if factor.type == "numerical":
            return self.values(table)
        values = self._encoder.labels(table)
        if len(values) != len(columns):
            raise DataError(f"{self.where} ({self.text}) must depend on the columns.")
        values = as_column(values, self.where)
        coded = isinstance(values, np.ndarray) and values.dtype.kind in "iuf"
        return pd.Categorical(values) if coded else values  # C() of numbers
