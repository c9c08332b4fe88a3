"""Joint F tests of linear functions, as rows of a table that names the hypothesis."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from ...errors import DataError
from ..options import chosen

EQUAL = "equal"


def hypothesis(null, noun, scale):
    """What a joint test is of.

    Parameters
    ----------
    null : {"equal"} or float
        That all are equal, or that all are a value on the scale of the estimates'
        linear predictor.
    noun : str
        What they are, in the plural.
    scale : LinkScale, ResponseScale or RatioScale

    Returns
    -------
    text : str
    reduce : callable
        From linear functions to those that are zero under the hypothesis.

    Raises
    ------
    DataError
        `null` is neither.
    """
    if isinstance(null, (int, float, np.number)) and np.isfinite(null):
        value = float(null)
        return scale.hypothesis(noun, value), lambda rows: _less(rows, value)
    chosen("null", null, (EQUAL, 0))
    return f"{noun} equal", _differences


def _less(functions, value):
    return replace(functions, offset=functions.offset - value)


def _differences(functions):
    count = len(functions.matrix)
    if count < 2:
        raise DataError(
            "joint_test: a single estimate has nothing to be equal to; null=0 tests "
            "that it is zero."
        )
    return functions.combined(np.diff(np.eye(count), axis=0))


def joint_row(tests, functions):
    """The F test that linear functions are zero, as a dict."""
    part = functions.estimable_part()
    test = tests.f_test(part.matrix, -part.offset)
    lost = len(part.matrix) < len(functions.matrix)
    note = "partly not estimable" if lost and test.df_num else ""
    note = note if test.df_num else "not estimable"
    out = {"num_df": test.df_num, "den_df": test.df_denom}
    return out | {"F": test.statistic, "pvalue": test.pvalue, "note": note}


def joint_frame(rows, columns=None):
    """Rows of `joint_row`, the notes left out where there are none."""
    out = pd.DataFrame(rows, columns=columns)
    return out if out["note"].any() else out.drop(columns="note")
