"""Forest plot: estimates with intervals, one line per parameter."""

from __future__ import annotations

import numpy as np

from .panels import MARKERS, PALETTE, one_axes

SPREAD = 0.62  # height that the models of one parameter share


def plot_forest(table, level=0.95, ratios=False, ax=None):
    """Draw estimates with intervals, those of several models one below the other.

    Parameters
    ----------
    table : DataFrame
        Columns model, parameter, estimate, lower, upper.
    level : float
        Level of the intervals.
    ratios : bool
        Whether these are ratios, drawn on a logarithmic axis around 1.
    ax : matplotlib Axes, optional
        Made by default.

    Returns
    -------
    matplotlib.figure.Figure
    """
    parameters = list(dict.fromkeys(table.parameter))
    models = list(dict.fromkeys(table.model))
    per_line = 0.3 + 0.14 * (len(models) - 1)
    ax = one_axes(ax, (6.4, 1.1 + per_line * max(len(parameters), 3)))
    place = {name: len(parameters) - 1 - i for i, name in enumerate(parameters)}
    shifts = SPREAD * (0.5 - (np.arange(len(models)) + 0.5) / len(models))
    ax.axvline(1.0 if ratios else 0.0, color="0.5", linewidth=0.8, linestyle="--")
    for i, (model, shift) in enumerate(zip(models, shifts, strict=True)):
        rows = table[table.model == model]
        reach = np.vstack([rows.estimate - rows.lower, rows.upper - rows.estimate])
        ax.errorbar(
            rows.estimate,
            rows.parameter.map(place) + shift,
            xerr=reach,
            fmt=MARKERS[i % len(MARKERS)],
            color=PALETTE[i % len(PALETTE)],
            markersize=5,
            linewidth=1.5,
            label=model,
        )
    ax.set_yticks(range(len(parameters)), parameters[::-1])
    ax.set_ylim(-0.6, len(parameters) - 0.4)
    ax.grid(axis="x", alpha=0.25)
    if ratios:
        _ratio_axis(ax)
    what = "ratio" if ratios else "estimate"
    ax.set_xlabel(f"{what}, {100 * level:g}% interval")
    if len(models) > 1:
        # above the axes, where it covers no interval
        place = {"loc": "lower center", "bbox_to_anchor": (0.5, 1.0)}
        ax.legend(fontsize="small", ncols=min(len(models), 3), frameon=False, **place)
    return ax.figure


def _ratio_axis(ax):
    from matplotlib.ticker import LogLocator, NullLocator, ScalarFormatter

    ax.set_xscale("log")
    ax.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.xaxis.set_major_formatter(ScalarFormatter())
