"""The data of each group with the lines of a model."""

from __future__ import annotations

import numpy as np

from .panels import CONDITIONAL, DATA, POPULATION, one_axes, panels, share_legend

LINES = {
    "population": ("population", {"color": POPULATION, "linestyle": "--"}),
    "conditional": ("group", {"color": CONDITIONAL}),
}
NAMED = 60


def plot_trellis(points, lines, names, title=None, share_y=True, axes=None):
    """Draw a panel with data and fitted lines for each group.

    Parameters
    ----------
    points : DataFrame
        Columns level, x and y.
    lines : DataFrame
        Columns level, x, population and conditional; levels in the order of panels.
    names : tuple of str
        Of x, of y and of the grouping factor.
    title : str, optional
        Over all panels.
    share_y : bool
        Whether new panels have the same vertical axis.
    axes : array_like of matplotlib Axes, optional
        One per level; made by default.

    Returns
    -------
    matplotlib.figure.Figure
    """
    levels = list(dict.fromkeys(lines.level))
    columns = min(6, max(3, int(np.ceil(np.sqrt(len(levels))))))
    given = axes is not None
    axes = panels(
        axes, len(levels), "levels", (1.75, 1.6), columns, sharex=True, sharey=share_y
    )
    for ax, level in zip(axes, levels, strict=True):
        own = points[points.level == level]
        ax.plot(own.x, own.y, "o", color=DATA, markersize=3, alpha=0.8, label="data")
        line = lines[lines.level == level]
        for key, (label, style) in LINES.items():
            ax.plot(line.x, line[key], label=label, linewidth=1.4, **style)
        ax.set_title(level, fontsize="small", pad=2)
        ax.grid(alpha=0.2)
    figure = axes[0].figure
    if given:
        for ax in axes:
            ax.set(xlabel=names[0], ylabel=names[1])
    else:
        _label_outside(figure, axes, columns, names)
    share_legend(axes, given, title or names[2])
    return figure


def _label_outside(figure, axes, columns, names):
    # panels without one below them show the numbers of the shared axis
    for ax in axes[-columns:]:
        ax.tick_params(labelbottom=True)
    figure.supxlabel(names[0], fontsize="medium")
    figure.supylabel(names[1], fontsize="medium")


def plot_strip(points, means, names, title=None, ax=None):
    """Draw the data of each group on a line, with its mean and that of the population.

    Parameters
    ----------
    points : DataFrame
        Columns level and y.
    means : DataFrame
        Columns level, population and conditional; levels from below upwards.
    names : tuple of str
        Of y and of the grouping factor.
    title : str, optional
    ax : matplotlib Axes, optional
        Made by default.

    Returns
    -------
    matplotlib.figure.Figure
    """
    m, given = len(means), ax is not None
    ax = one_axes(ax, (6.4, 1.4 + 0.2 * min(max(m, 8), NAMED)))
    heights = np.arange(m)
    place = dict(zip(means.level, heights, strict=True))
    ax.plot(
        points.y,
        points.level.map(place),
        "o",
        color=DATA,
        markersize=4,
        alpha=0.6,
        label="data",
    )
    for key, (label, style) in LINES.items():
        ax.vlines(
            means[key],
            heights - 0.4,
            heights + 0.4,
            label=label,
            linewidth=2.2,
            color=style["color"],
        )
    few = m <= NAMED
    ax.set_yticks(heights if few else [], means.level if few else [], fontsize="small")
    ax.set_ylim(-0.8, m - 0.2)
    ax.set_xlabel(names[0])
    ax.set_ylabel(names[1])
    ax.grid(axis="x", alpha=0.25)
    share_legend([ax], given, title)
    return ax.figure
