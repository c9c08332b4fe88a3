"""Joint tests of the terms of a model as contrasts of marginal means."""

from __future__ import annotations

from functools import reduce
from itertools import combinations

import numpy as np

from .contrasts import consecutive
from .grid_variables import around_mean, check_names, term_columns, used_rows
from .joint import joint_frame, joint_row
from .linear_functions import LinearFunctions
from .reference_grid import reference_grid


def joint_term_tests(fit, tests, frame, by=None, at=None):
    """F test of each main effect and interaction of the columns of a model.

    Main effects are equality of the marginal means with equal weights, interactions
    equality of their differences; of covariates at one below and above the mean. These
    are the hypotheses of type III whatever the coding of the factors.

    Parameters
    ----------
    fit, tests, frame
        As for `marginal_means`.
    by : str or list of str, optional
        Columns within whose levels to test.
    at : dict, optional
        As for `reference_grid`.

    Returns
    -------
    DataFrame
        Indexed by term: the columns of `by`, num_df, den_df, F, pvalue; and a column
        note, where a part is not estimable.
    """
    table = used_rows(fit, frame)
    grid = reference_grid(fit, table, at, reduce=around_mean)
    by = check_names(grid.variables, by, "by")
    free = [v.name for v in grid.variables if len(v) > 1 and v.name not in by]
    rows = []
    for term in _terms(free, term_columns(fit, table)):
        labels, functions = grid.averaged([*term, *by], "equal")
        functions = _without_offset(functions)
        sizes = [len(grid.variables[grid.names.index(name)]) for name in term]
        matrix = reduce(np.kron, [_differences(m) for m in reversed(sizes)])
        for start in range(0, len(labels), matrix.shape[1]):
            own = functions.take(slice(start, start + matrix.shape[1]))
            key = {"term": ":".join(term)} | labels.loc[start, by].to_dict()
            rows.append(key | joint_row(tests, own.combined(matrix)))
    columns = ["term", *by, "num_df", "den_df", "F", "pvalue", "note"]
    return joint_frame(rows, columns).set_index("term")


def _differences(m):
    return consecutive([""] * m).matrix


def _terms(free, terms):
    """Combinations of columns that stand in a term together, smaller ones first."""
    sets = [set(term) for term in terms]
    for size in range(1, max(map(len, sets), default=0) + 1):
        for chosen in combinations(free, size):
            if any(set(chosen) <= term for term in sets):
                yield chosen


def _without_offset(functions):
    """Tests are of the fixed effects: an offset is known."""
    zero = np.zeros(len(functions.offset))
    return LinearFunctions(functions.matrix, zero, functions.departure)
