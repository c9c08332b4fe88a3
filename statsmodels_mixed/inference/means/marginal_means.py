"""Estimated marginal means and slopes of a fit."""

from __future__ import annotations

from dataclasses import replace

from .estimates import MarginalMeans, Slopes, as_list, check_level
from .grid_variables import check_names, term_columns, used_rows
from .multiplicity import TestFamily
from .reference_grid import reference_grid, trend_grid
from .scales import LinkScale, choose_scale


def marginal_means(
    fit,
    tests,
    frame,
    specs,
    by=None,
    at=None,
    weights="equal",
    offset=None,
    scale="link",
    level=0.95,
):
    """Means of the linear predictor over a balanced population.

    Parameters
    ----------
    fit : Fit
    tests : WaldTests
        Covariance and degrees of freedom.
    frame : DataFrame
        The data of the model.
    specs : str or list of str
        Columns whose levels the means are of; the first varies fastest. An empty list
        for the mean of all.
    by : str or list of str, optional
        More such columns, within whose levels contrasts are.
    at, offset
        As for `reference_grid`.
    weights : {"equal", "proportional", "outer", "cells"}
        How levels that are averaged over count: equally; by their frequency; by the
        product of the frequencies of each factor; by the frequency in each cell.
    scale : {"link", "response"}
    level : float

    Returns
    -------
    MarginalMeans

    Notes
    -----
    Searle, Speed and Milliken (1980), The American Statistician 34, 216-221; weights as
    in R's emmeans. Means are averaged on the scale of the link and then transformed.
    """
    check_level(level)
    table = used_rows(fit, frame)
    grid = reference_grid(fit, table, at, offset)
    of = choose_scale(fit, scale, table)
    found = _averages(MarginalMeans, fit, tests, table, grid, specs, by, weights, level)
    remarks = [*found.remarks, of.note] if of.note else found.remarks
    return replace(found, scale=of, remarks=tuple(remarks))


def marginal_slopes(
    fit, tests, frame, specs, var, by=None, at=None, weights="equal", level=0.95
):
    """Means of the slope of the linear predictor along a covariate.

    Parameters
    ----------
    var : str
        The covariate.
    fit, tests, frame, specs, by, at, weights, level
        As for `marginal_means`.

    Returns
    -------
    Slopes
    """
    check_level(level)
    table = used_rows(fit, frame)
    grid = trend_grid(fit, table, var, at)
    return _averages(Slopes, fit, tests, table, grid, specs, by, weights, level, (var,))


def _averages(kind, fit, tests, table, grid, specs, by, weights, level, along=()):
    specs = check_names(grid.variables, as_list(specs), "specs")
    by = [b for b in check_names(grid.variables, as_list(by), "by") if b not in specs]
    kept = list(dict.fromkeys([*specs, *by]))
    labels, functions = grid.averaged(kept, weights)
    own = {*kept, *along}
    sizes = {v.name: len(v) for v in grid.variables}
    remarks = []
    over = [name for name, size in sizes.items() if size > 1 and name not in kept]
    if over:
        remarks.append(f"Averaged over {', '.join(over)} ({weights} weights).")
    mixed = _interacting(term_columns(fit, table), own)
    if mixed:
        remarks.append(
            f"There are interactions with {', '.join(mixed)}: one figure for all of "
            "their values may mislead."
        )
    shared = fit.beta, tests, labels, functions, tuple(by), LinkScale(), level
    return kind(*shared, family=TestFamily(len(labels)), remarks=tuple(remarks))


def _interacting(terms, own):
    """Columns that stand in a term with some of `own`, but are none of these."""
    others = [n for term in terms if own & set(term) for n in term if n not in own]
    return list(dict.fromkeys(others))
