"""Conditional modes of random effects: caterpillars and distributions."""

from __future__ import annotations

import numpy as np

from .panels import (
    COLUMNS,
    CONDITIONAL,
    POPULATION,
    _pyplot,
    panels,
    share_legend,
)

NAMED = 60  # levels whose names can still be read
FEW = 8  # modes of which a histogram says nothing
FINE = 201


def plot_modes(table, level=0.95, axes=None):
    """Draw conditional modes with intervals, a row of panels for each factor.

    Parameters
    ----------
    table : DataFrame
        Columns group, effect, level, mode, lower, upper; levels from below upwards.
    level : float
        Level of the intervals.
    axes : array_like of matplotlib Axes, optional
        One per factor and effect; made by default.

    Returns
    -------
    matplotlib.figure.Figure
    """
    parts = list(table.groupby(["group", "effect"], sort=False))
    groups = [group for (group, _), _ in parts]
    # places of a factor, in rows of its own; axes of the user are one row of each
    columns = COLUMNS if axes is None else len(parts)
    places = [groups.index(group) for group in groups]
    across = [(i - first) % columns for i, first in enumerate(places)]
    if axes is None:
        axes = _rows_of_panels(across, [len(part) for _, part in parts])
    axes = panels(axes, len(parts), "effects")
    for ax, ((group, effect), part), column in zip(axes, parts, across, strict=True):
        _caterpillar(ax, part, named=not column)
        ax.set_title(f"{group}: {effect}", fontsize="medium")
        ax.set_xlabel(f"conditional mode, {100 * level:g}% interval")
        if not column:
            ax.set_ylabel(group)
    return axes[0].figure


def _rows_of_panels(across, counts):
    """New axes; a row begins where a panel is the first across."""
    starts = [i for i, column in enumerate(across) if not column]
    heights = [1.2 + 0.19 * min(max(counts[i], 8), NAMED) for i in starts]
    columns = max(across) + 1
    figure = _pyplot().figure(
        figsize=(3.9 * columns + 0.4, sum(heights)), layout="constrained"
    )
    grid = figure.add_gridspec(len(starts), columns, height_ratios=heights)
    rows = np.cumsum(np.asarray(across) == 0) - 1
    return [
        figure.add_subplot(grid[row, column])
        for row, column in zip(rows, across, strict=True)
    ]


def _caterpillar(ax, part, named):
    heights = np.arange(len(part))
    many = len(part) > NAMED
    ax.axvline(0.0, color="0.5", linewidth=0.8, linestyle="--")
    ax.hlines(
        heights,
        part.lower,
        part.upper,
        color=CONDITIONAL,
        linewidth=0.7 if many else 1.4,
        alpha=0.5 if many else 1.0,
    )
    ax.plot(part["mode"], heights, "o", color=CONDITIONAL, markersize=2 if many else 4)
    readable = named and not many
    names = part.level if readable else []
    ax.set_yticks(heights if readable else [], names, fontsize="small")
    if not many and not named:
        ax.set_yticks(heights, [""] * len(heights))
    ax.set_ylim(-0.8, len(part) - 0.2)
    ax.margins(x=0.03)
    ax.locator_params(axis="x", nbins=6)
    ax.grid(axis="both" if not many else "x", alpha=0.25)


def plot_densities(modes, sds, axes=None):
    """Draw the estimated normal density of effects over a histogram of their modes.

    Parameters
    ----------
    modes : DataFrame
        Columns group, effect, mode.
    sds : dict
        (group, effect) to the estimated standard deviation.
    axes : array_like of matplotlib Axes, optional
        One per factor and effect; made by default.

    Returns
    -------
    matplotlib.figure.Figure
    """
    given = axes is not None
    axes = panels(axes, len(sds), "effects", (3.6, 2.8))
    for ax, ((group, effect), sd) in zip(axes, sds.items(), strict=True):
        part = modes[(modes.group == group) & (modes.effect == effect)]
        _density(ax, part["mode"].to_numpy(), sd)
        ax.set_title(f"{group}: {effect} (sd {sd:.3g})", fontsize="medium")
        ax.set_xlabel("random effect")
    axes[0].set_ylabel("density")
    share_legend(axes, given)
    return axes[0].figure


def _density(ax, modes, sd):
    if not sd > 0:
        ax.text(0.5, 0.5, "no variance", ha="center", transform=ax.transAxes)
        ax.set_yticks([])
        return
    reach = max(3.2 * sd, 1.1 * np.abs(modes).max())
    many = len(modes) >= FEW
    if many:
        style = {"color": "0.8", "edgecolor": "white", "label": "conditional modes"}
        ax.hist(modes, bins="sturges", density=True, **style)
    x = np.linspace(-reach, reach, FINE)
    y = np.exp(-0.5 * (x / sd) ** 2) / (sd * np.sqrt(2 * np.pi))
    ax.plot(x, y, color=POPULATION, label="estimated normal density")
    label = None if many else "conditional modes"
    ax.plot(modes, 0.0 * modes, "|", color=CONDITIONAL, markersize=9, label=label)
    ax.set_xlim(-reach, reach)
    ax.set_ylim(bottom=0.0)
