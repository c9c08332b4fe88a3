"""The user's data as they would have been, had a draw been observed."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ...design.table import Table
from ...formula.names import expression_names
from .resampling import DrawnDesign


def frame_of_draw(frame, given, design):
    """Data that go with the design of a draw.

    Parameters
    ----------
    frame : DataFrame or None
        The user's, after ``subset=``; None for a model that was built from arrays.
    given : Design
        Made of `frame`.
    design : Design
        Of the draw: `given` with another response, or rows drawn from it.

    Returns
    -------
    DataFrame or None
        The frame with the response of the draw where that is a column by itself (only
        in the rows that are used); or the rows drawn, counted anew, with the names that
        copies of a cluster have in the columns of grouping factors which are not in the
        fixed effects. None where there was none, or rows cannot be told apart.
    """
    if frame is None or design.endog is given.endog:
        return frame
    rows = _positions(frame, given)
    if isinstance(design, DrawnDesign):
        return None if rows is None else _drawn_rows(frame, rows, design)
    known = list(frame.columns).count(design.endog_name) == 1
    return _with_response(frame, rows, design) if known and rows is not None else frame


def _positions(frame, design):
    """Rows of the frame that the design uses; None where labels do not say which."""
    if len(frame) == design.nobs_given:
        return np.arange(len(frame))[design.rows]
    # after subset=, positions are others
    unique = frame.index.is_unique
    return frame.index.get_indexer(design.row_labels) if unique else None


def _with_response(frame, rows, design):
    name, out = design.endog_name, frame.copy(deep=False)
    before = frame[name]
    own = Table.from_data(frame[[name]]).take(rows).column(name)
    if isinstance(own, pd.Categorical):  # two classes, the second is the event
        column = before.astype(object).to_numpy(copy=True)
        column[rows] = np.asarray(own.categories)[design.endog.astype(int)]
        out[name] = pd.Series(column, frame.index).astype(before.dtype)
        return out
    trials = 1.0 if design.trials is None else design.trials
    column = pd.to_numeric(before).to_numpy(dtype=float, na_value=np.nan, copy=True)
    column[rows] = design.endog / trials
    out[name] = column > 0 if before.dtype == bool else column
    return out


def _drawn_rows(frame, rows, design):
    out = frame.iloc[rows[design.drawn]].reset_index(drop=True)
    coding = design.mean.encoder.design_info
    infos = {} if coding is None else coding.factor_infos
    fixed = set().union(*(expression_names(factor.name()) for factor in infos))
    for column, labels in design.copies().items():
        if column in out and column not in fixed:
            out[column] = labels
    return out
