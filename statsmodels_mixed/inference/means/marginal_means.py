"""Estimated marginal means and slopes of a fit."""

from __future__ import annotations

from ...errors import check_level, check_option
from .estimates import MarginalMeans, Slopes
from .grid_variables import split_specs, term_columns, used_rows
from .held import held_offset, held_values
from .reference_grid import reference_grid, trend_grid
from .scales import choose_scale
from .spread import random_variances


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
    random="none",
    df_method="",
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
        for the mean of all. Text such as ``"a + b | c"`` has `by` in it.
    by : str or list of str, optional
        More such columns, within whose levels contrasts are.
    at, offset
        As for `reference_grid`.
    weights : {"equal", "proportional", "outer", "cells"}
        How levels that are averaged over count: equally; by their frequency; by the
        product of the frequencies of each factor; by the frequency in each cell.
    scale : {"link", "response"}
    level : float
    random : {"none", "marginal"}
        Means of the response at random effects of zero, or over them.
    df_method : str
        Name of that of `tests`, for a note.

    Returns
    -------
    MarginalMeans

    Notes
    -----
    Searle, Speed and Milliken (1980), The American Statistician 34, 216-221; weights as
    in R's emmeans. Means are averaged on the scale of the link and then transformed.
    """
    check_level(level)
    check_option("random", random, ("none", "marginal"))
    table = used_rows(fit, frame)
    grid = reference_grid(fit, table, at, offset)
    specs, by = split_specs(specs, by, grid.variables)
    spread = None
    if random == "marginal":
        spread = random_variances(fit, table, grid, [*specs, *by], weights)
    held = held_values(fit, table, grid.variables, [*specs, *by], at)
    held += held_offset(fit, table, offset)
    return MarginalMeans(
        *_averages(fit, tests, grid, specs, by, weights),
        choose_scale(fit, scale, table, spread),
        level,
        remarks=_remarks(fit, table, grid, [*specs, *by], weights, held),
        df_method=df_method,
    )


def marginal_slopes(
    fit,
    tests,
    frame,
    specs,
    var,
    by=None,
    at=None,
    weights="equal",
    level=0.95,
    df_method="",
):
    """Means of the slope of the linear predictor along a covariate.

    Parameters
    ----------
    var : str
        The covariate.
    fit, tests, frame, specs, by, at, weights, level, df_method
        As for `marginal_means`.

    Returns
    -------
    Slopes
    """
    check_level(level)
    table = used_rows(fit, frame)
    grid = trend_grid(fit, table, var, at)
    specs, by = split_specs(specs, by, grid.variables)
    held = held_values(fit, table, grid.variables, [*specs, *by], at)
    return Slopes(
        *_averages(fit, tests, grid, specs, by, weights),
        choose_scale(fit, "link", table),
        level,
        remarks=_remarks(fit, table, grid, [*specs, *by], weights, held, (var,)),
        df_method=df_method,
    )


def _averages(fit, tests, grid, specs, by, weights):
    """What estimates begin with: fixed effects, tests, labels, functions, by."""
    kept = list(dict.fromkeys([*specs, *by]))
    labels, functions = grid.averaged(kept, weights)
    return fit.beta, tests, labels, functions, tuple(by)


def _remarks(fit, table, grid, kept, weights, held, along=()):
    """What means are over, where they are, and which interactions they hide."""
    out = []
    over = [v.name for v in grid.variables if len(v) > 1 and v.name not in kept]
    if over:
        out.append(f"Averaged over {', '.join(over)} ({weights.lower()} weights).")
    if held:
        out.append(f"Held: {', '.join(held)}.")
    mixed = _interacting(term_columns(fit, table), {*kept, *along})
    if mixed:
        out.append(
            f"There are interactions with {', '.join(mixed)}: one figure for all of "
            "their values may mislead."
        )
    return tuple(out)


def _interacting(terms, own):
    """Columns that stand in a term with some of `own`, but are none of these."""
    others = [n for term in terms if own & set(term) for n in term if n not in own]
    return list(dict.fromkeys(others))
