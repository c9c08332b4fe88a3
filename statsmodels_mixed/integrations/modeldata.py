"""The rows of a fit as a polars frame for marginaleffects, and the way back."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ..design.table import Table
from ..errors import DataError
from ..formula.names import expression_names

# Columns that marginaleffects adds to its tables; it refuses data that have them
RESERVED = {
    *("rowid", "type", "group", "estimate", "std_error", "p_value", "s_value"),
    *("conf_low", "conf_high", "term", "contrast", "statistic"),
}
OFFSET = "known_offset"


class ModelData:
    """Rows of a fit as marginaleffects wants them, and the way back.

    Parameters
    ----------
    results : LMMResults, GLMMResults or PQLResults
    random : str
        As for `as_model`.

    Attributes
    ----------
    predictors : list of str
        Columns that the fixed effects use.
    needed : list of str
        Columns that a prediction uses.
    levels : dict
        Categories of every column that is one: from text to the values themselves.
    offset : str or None
        Name of the column that holds what was given as an array.
    """

    def __init__(self, results, random):
        frame = getattr(results.model.data, "frame", None)
        if frame is None:
            raise DataError(
                "marginaleffects needs the data and the formula: fit a model built "
                "from a formula, and before remove_data()."
            )
        self.design = results.model.design
        self.response = results.endog_name
        table = Table.from_data(_used_rows(frame, self.design))
        mean = results.model.spec.predictors[0]
        self.predictors = _columns([mean.fixed], table)
        texts = [mean.fixed, *mean.offsets]
        if random != "none":
            texts += [term.effects for term in mean.random]
        if random == "conditional":
            texts += [part for term in mean.random for part in term.grouping]
        self.needed = _columns(texts, table)
        for offset in self.design.mean.offsets:  # a column named by offset=, exposure=
            text = getattr(offset, "text", None) or f"Q({offset.name!r})"
            self.needed += [n for n in _columns([text], table) if n not in self.needed]
        self.levels = {}
        self.offset = None
        self.table = table

    def frame(self):
        """The rows, as a polars DataFrame; columns that are no numbers are enums."""
        import polars as pl

        coded, columns = self._coded(), {}
        for name in self.table.names:
            if name in RESERVED and name not in self.needed:
                continue
            values = self.table.column(name)
            if name in coded and not isinstance(values, pd.Categorical):
                values = pd.Categorical(values)
            if isinstance(values, pd.Categorical):
                self.levels[name] = {str(v): v for v in values.categories}
                texts = [str(v) if v is not None else None for v in _objects(values)]
                values = pl.Series(texts, dtype=pl.Enum(list(self.levels[name])))
            elif values.dtype == object:
                continue
            columns[name] = values
        design = self.design
        if design.mean.offset_argument:
            self.offset = OFFSET
            again = sum(e.values(self.table) for e in design.mean.offsets)
            columns[OFFSET] = design.mean.offset - again
        trials = 1.0 if design.trials is None else design.trials
        columns[self.response] = design.endog / trials
        return pl.DataFrame(columns)

    def _coded(self):
        """Columns that stand in categorical factors only, such as ``C(x)``."""
        infos = self.design.mean.encoder.design_info.factor_infos
        by_type = {"categorical": set(), "numerical": set()}
        for factor, info in infos.items():
            by_type[info.type] |= expression_names(factor.code)
        return by_type["categorical"] - by_type["numerical"]

    def back(self, newdata):
        """Columns of a polars DataFrame as the formula knows them."""
        missing = [name for name in self.needed if name not in newdata.columns]
        if self.offset and self.offset not in newdata.columns:
            raise DataError(
                f"The model was fitted with an array as offset= or exposure=: newdata= "
                f"needs the column {self.offset!r}, its values on the scale of the "
                "linear predictor (zeros, to predict without it)."
            )
        if missing:
            raise DataError(f"newdata= has no column {', '.join(map(repr, missing))}.")
        out = {}
        for name in self.needed:
            values = newdata[name]
            if name in self.levels:
                known = self.levels[name]
                labels = [known.get(v, v) for v in values.cast(str).to_list()]
                out[name] = pd.Series(labels).to_numpy()
            else:
                out[name] = values.to_numpy()
        return out or {"rows": np.zeros(newdata.height)}


def _objects(values):
    """Entries of a categorical as Python objects, None where missing."""
    return values.astype(object).tolist()


def _columns(texts, table):
    """Columns of the data in pieces of formula text, in the order of the data."""
    names = set().union(*map(expression_names, texts))
    return [name for name in table.names if name in names]


def _used_rows(frame, design):
    """Rows of the user's frame that the fit used."""
    if len(frame) == design.nobs_given:
        return frame.iloc[design.rows]
    used = frame.loc[design.row_labels]  # after subset=, positions are others
    if len(used) != design.nobs:
        raise DataError(
            "The index of the data is not unique and subset= was given, so the rows of "
            "the fit cannot be found; reset_index() the data and fit again."
        )
    return used
