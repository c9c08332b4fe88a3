"""Marginal means, slopes and contrasts: points with intervals, in panels."""

from __future__ import annotations

import numpy as np

from .methods import COLUMNS
from .panels import CONDITIONAL, panels

LETTER = 0.075  # inches
# Ticks within a decade of a logarithmic axis, by the most decades that it spans
STEPS = ((1.7, (1.0, 2.0, 5.0)), (3.0, (1.0, 3.0)))


def plot_means(table, names, zero=None, ratios=False, axes=None):
    """Draw estimates with intervals, one line each, a panel per group of them.

    Parameters
    ----------
    table : DataFrame
        Columns panel (its title, or empty), label, estimate, lower, upper; rows with
        missing estimates keep an empty line, and missing ends have no interval.
    names : tuple of str
        Of the estimates, and of what the labels are levels of ("" for nothing).
    zero : float, optional
        Where to draw a line: the value without an effect.
    ratios : bool
        Whether these are ratios, drawn on a logarithmic axis.
    axes : array_like of matplotlib Axes, optional
        One per panel; made by default.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    MixedModelError
        matplotlib is not installed, or there are too few axes.
    """
    parts = list(table.groupby("panel", sort=False))
    labels = list(dict.fromkeys(table.label))
    columns = 2 if len(parts) == 4 else min(COLUMNS, len(parts))
    written = LETTER * max(map(len, labels)) / columns  # beside the first column
    size = (3.4 + written, 0.8 + 0.3 * max(len(labels), 3))
    lowest = len(parts) - columns  # panels from here on have none below
    alone = axes is not None
    options = {"sharex": True, "sharey": True, "columns": columns}
    axes = panels(axes, len(parts), "panels", size, **options)
    place = {label: len(labels) - 1 - i for i, label in enumerate(labels)}
    for i, (ax, (panel, rows)) in enumerate(zip(axes, parts, strict=True)):
        if zero is not None:
            ax.axvline(zero, color="0.5", linewidth=0.8, linestyle="--")
        _draw(ax, rows, rows.label.map(place).to_numpy())
        ax.set_title(panel, fontsize="medium")
        ax.set_yticks(range(len(labels)), labels[::-1])
        ax.set_ylim(-0.6, len(labels) - 0.4)
        ax.grid(axis="x", alpha=0.25)
        if ratios:
            ax.set_xscale("log")
        if alone or i >= lowest:
            ax.set_xlabel(names[0])
            ax.tick_params(labelbottom=True)
        if alone or i % columns == 0:
            ax.set_ylabel(names[1])
    if ratios:
        for ax in axes:
            _label_ratios(ax)
    return axes[0].figure


def _label_ratios(ax):
    """As many round ratios as there is room for, written plainly."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

    low, high = ax.get_xlim()
    decades = np.log10(high / low)
    steps = next((s for most, s in STEPS if decades <= most), (1.0,))
    ax.xaxis.set_major_locator(LogLocator(subs=steps))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, place: f"{value:g}"))


def _draw(ax, rows, heights):
    """Points, and whiskers where there are intervals."""
    estimate = rows.estimate.to_numpy()
    # a transformed end may leave rounding errors
    reach = np.maximum([estimate - rows.lower, rows.upper - estimate], 0.0)
    known = np.isfinite(reach).all(axis=0)
    ax.errorbar(
        estimate[known],
        heights[known],
        xerr=reach[:, known],
        fmt="none",
        color=CONDITIONAL,
        linewidth=1.6,
        capsize=3,
    )
    ax.plot(estimate, heights, "o", color=CONDITIONAL, markersize=6)
