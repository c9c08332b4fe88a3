"""The grid of factor levels and covariate values over which means are taken."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from ...design.table import Table
from ...errors import DataError
from ..options import chosen
from .grid_variables import at_mean, check_names, coded_as_factors, read_variables
from .linear_functions import LinearFunctions, linear_functions, stacked

# Numbers in the columns of a grid: about 400 MB
LARGEST = 50_000_000
# Of difference quotients, relative to the range of the covariate (as emmeans)
STEP = 1e-3


@dataclass(frozen=True, eq=False)
class ReferenceGrid:
    """All combinations of the variables' values, and the linear predictor there.

    Attributes
    ----------
    variables : tuple of GridVariable
    functions : LinearFunctions
        One row per combination; the last variable varies fastest.
    counts : ndarray, shape (cells,)
        Rows of the data in each combination of the factors.
    """

    variables: tuple
    functions: LinearFunctions
    counts: np.ndarray

    @property
    def names(self):
        """Names of the variables."""
        return tuple(v.name for v in self.variables)

    def averaged(self, names, weights):
        """Means over all variables but some.

        Parameters
        ----------
        names : sequence of str
            Variables that are kept; the first varies fastest in the result.
        weights : str
            One of `WEIGHTS`.

        Returns
        -------
        labels : DataFrame
            A column per variable that is kept.
        functions : LinearFunctions
        """
        labels, positions, share = self.plan(names, weights)
        return labels, self.functions.averaged(positions, share)

    def plan(self, names, weights):
        """Which combinations the means are over, and what each of them counts.

        Parameters
        ----------
        names, weights
            As for `averaged`.

        Returns
        -------
        labels : DataFrame
        positions : ndarray of int, shape (means, s)
        share : ndarray, shape (means, s)
            Sums to one; NaN where there is nothing.
        """
        weights = chosen("weights", weights, WEIGHTS)
        dims = tuple(map(len, self.variables))
        own = [self.names.index(name) for name in reversed(names)]
        rest = [i for i in range(len(dims)) if i not in own]
        cells, size = [dims[i] for i in own], [dims[i] for i in rest]
        positions = np.arange(math.prod(dims)).reshape(dims).transpose(own + rest)
        positions = positions.reshape(math.prod(cells), -1)
        counts = self.counts[positions]
        share = WEIGHTS[weights](counts.reshape(-1, *size))
        share = np.broadcast_to(share.reshape(-1, counts.shape[1]), counts.shape)
        with np.errstate(invalid="ignore"):  # nothing in a cell: NaN, which is meant
            share = share / share.sum(axis=1, keepdims=True)
        where = np.indices(cells).reshape(len(cells), len(positions))[::-1]
        kept = (self.variables[i] for i in reversed(own))
        labels = {v.name: v.values[at] for v, at in zip(kept, where, strict=True)}
        labels = pd.DataFrame(labels, index=pd.RangeIndex(len(positions)))
        return labels, positions, share


def _equal(counts):
    return np.ones(counts.shape[1:])


def _proportional(counts):
    return counts.sum(axis=0)


def _outer(counts):
    """Product of the frequencies of each variable by itself."""
    total, out = counts.sum(axis=0), np.ones(())
    for axis in range(total.ndim):
        others = tuple(i for i in range(total.ndim) if i != axis)
        out = out[..., None] * total.sum(axis=others)
    return out


def _cells(counts):
    return counts


# What the levels that are averaged over count, from the numbers of rows (cells, ...)
WEIGHTS = {
    "equal": _equal,
    "proportional": _proportional,
    "outer": _outer,
    "cells": _cells,
}


def reference_grid(fit, table, at=None, offset=None, reduce=at_mean):
    """All combinations of factor levels, covariates at their means.

    Parameters
    ----------
    fit : Fit
    table : Table
        The rows that were fitted, from which levels and means are taken; see
        `used_rows`.
    at : dict, optional
        Values of covariates, or levels of factors, by name of the column.
    offset : float, optional
        Offset of all cells. By default expressions of the formula at the values of the
        grid, and an offset that was given as an array at its mean.
    reduce : callable
        Values in the grid of a covariate that `at` does not name.

    Returns
    -------
    ReferenceGrid

    Raises
    ------
    DataError
        `at` names no column, or no level, of the fixed
        effects; the grid is too large.

    Notes
    -----
    A column is a factor if it is text, categories or booleans, or stands in an
    expression that is categorical, such as ``C(x)``; and if it has no more than two
    values (Lenth 2016, Journal of Statistical Software 69(1), for the method; R's
    emmeans for these choices).
    """
    variables = read_variables(fit, table, dict(at or {}), reduce)
    offsets = _offsets(fit, table, offset)
    functions = _functions(fit, variables, offsets)
    return ReferenceGrid(variables, functions, _counts(fit.design, variables))


def trend_grid(fit, table, var, at=None):
    """The same combinations, with slopes of the linear predictor along a covariate.

    Difference quotients over a thousandth of the covariate's range, so through whatever
    the formula does to it. Offsets do not count.

    Parameters
    ----------
    fit, table, at
        As for `reference_grid`.
    var : str
        The covariate.

    Returns
    -------
    ReferenceGrid
    """
    variables = read_variables(fit, table, dict(at or {}), at_mean)
    check_names(variables, [var], "var")
    values = _covariate(fit, table, var)
    place = [v.name for v in variables].index(var)
    wide, near = (
        _quotients(fit, variables, place, values, h) for h in (STEP, STEP / 2)
    )
    # to second order at the ends of the data too, where quotients are one-sided
    pairs = np.arange(2 * len(near.matrix)).reshape(2, -1).T
    slopes = stacked([near, wide]).averaged(pairs, np.array([[2.0, -1.0]]))
    return ReferenceGrid(variables, slopes, _counts(fit.design, variables))


def _quotients(fit, variables, place, values, step):
    upper, lower = _ends(variables[place].values.astype(float), values, step)
    above, below = (
        _functions(fit, _with_levels(variables, place, end), _no_offset)
        for end in (upper, lower)
    )
    where = np.indices(tuple(map(len, variables)))[place].ravel()
    return above.slopes(below, (upper - lower)[where], np.ptp(values))


def _covariate(fit, table, var):
    values = table.column(var)
    text = isinstance(values, pd.Categorical) or values.dtype.kind not in "iuf"
    if text or var in coded_as_factors(fit, table):
        raise DataError(
            f"var={var!r} is a factor in the model; slopes are along a covariate."
        )
    return values


def _ends(levels, values, step):
    """Points on both sides of levels; within the data, since splines end there."""
    half, low, high = step / 2 * np.ptp(values), values.min(), values.max()
    upper = np.where(levels > high, levels + half, np.minimum(levels + half, high))
    lower = np.where(levels < low, levels - half, np.maximum(levels - half, low))
    return upper, lower


def _with_levels(variables, place, levels):
    out = list(variables)
    out[place] = replace(out[place], levels=levels)
    return tuple(out)


def _counts(design, variables):
    """Rows in each cell of the factors, repeated along covariates.

    Prior weights and numbers of trials do not count: they are precisions (and emmeans
    does not have them for lme4's models either).
    """
    one = np.zeros(design.nobs, dtype=int)  # a covariate is one cell
    codes = [one, *(one if v.codes is None else v.codes for v in variables)]
    shape = [1, *(1 if v.codes is None else len(v) for v in variables)]
    inside = np.all([c >= 0 for c in codes], axis=0)
    cell = np.ravel_multi_index([c[inside] for c in codes], shape)
    out = np.bincount(cell, minlength=math.prod(shape)).reshape(shape[1:])
    return np.broadcast_to(out, tuple(map(len, variables))).ravel()


def _functions(fit, variables, offsets):
    dims = tuple(map(len, variables))
    size, width = math.prod(dims), len(fit.design.mean.exog_names)
    if size * max(width, 1) > LARGEST:
        raise DataError(
            f"The grid has {size} combinations of the levels of "
            f"{', '.join(v.name for v in variables if len(v) > 1)}: give fewer levels "
            "by at={column: levels}."
        )
    table = grid_table(variables)
    exog = fit.design.mean.encoder.encode(table)
    return linear_functions(fit, exog, offsets(table))


def grid_table(variables):
    """All combinations of the values of variables, the last varying fastest."""
    dims = tuple(map(len, variables))
    codes = np.indices(dims).reshape(len(dims), math.prod(dims))
    columns = {v.name: v.levels[c] for v, c in zip(variables, codes, strict=True)}
    # a table cannot be without columns, which a model of an intercept needs none of
    return Table.from_data(columns or {"": np.zeros(1)})


def _no_offset(table):
    return np.zeros(table.nobs)


def _offsets(fit, table, given):
    """What makes the offset of a grid."""
    if given is not None:
        if not np.isscalar(given) or not np.isfinite(given):
            raise DataError(f"offset={given!r}: give one number for all cells.")
        return lambda grid: np.full(grid.nobs, float(given))

    beyond = offset_argument(fit, table)
    beyond = 0.0 if beyond is None else beyond
    return lambda grid: _written_offset(fit, grid) + beyond


def _written_offset(fit, rows):
    parts = fit.design.mean.offsets
    return sum((part.values(rows) for part in parts), np.zeros(rows.nobs))


def offset_argument(fit, table):
    """Mean of an offset that was given as an array; None if there is none."""
    mean = fit.design.mean
    if not mean.offset_argument:
        return None
    return float((mean.offset - _written_offset(fit, table)).mean())
