"""Predicted means along a covariate or over the levels of a factor."""

from __future__ import annotations

import numpy as np

from .panels import MARKERS, PALETTE, one_axes

SPREAD = 0.5  # of a factor's level, that the levels of another one share
MOST_LINES = 200  # beyond that lines of groups are thinner


def plot_predicted(means, lines, names, title="", points=None, ax=None):
    """Draw predicted means with intervals, and lines of single groups.

    Parameters
    ----------
    means : DataFrame
        Columns x, by, mean, lower, upper; x are numbers, or levels of a factor.
    lines : DataFrame
        Columns line, by, x and mean, without rows where no lines are wanted.
    names : tuple of str
        Of x, of the mean, and of what `by` holds ("" for nothing).
    title : str
    points : DataFrame, optional
        Columns x, by and y: the data.
    ax : matplotlib Axes, optional
        Made by default.

    Returns
    -------
    matplotlib.figure.Figure
    """
    ax = one_axes(ax)
    numeric = means.x.dtype.kind in "iuf"
    levels = list(dict.fromkeys(means.x))
    place = dict(zip(levels, range(len(levels)), strict=True))
    kinds = list(dict.fromkeys(means.by))
    for i, kind in enumerate(kinds):
        style = {"color": PALETTE[i % len(PALETTE)], "label": str(kind) or None}
        own, of_groups, data = (
            None if t is None else t[t.by == kind] for t in (means, lines, points)
        )
        if not numeric:
            shift = SPREAD * ((i + 0.5) / len(kinds) - 0.5)
            own, of_groups, data = (
                None if t is None else t.assign(x=t.x.map(place) + shift)
                for t in (own, of_groups, data)
            )
        _draw_points(ax, data, style["color"])
        _draw_lines(ax, of_groups, style["color"])
        _KINDS[numeric](ax, own, style, MARKERS[i % len(MARKERS)])
    if not numeric:
        ax.set_xticks(range(len(levels)), levels)
        ax.set_xlim(-0.5, len(levels) - 0.5)
    ax.set_xlabel(names[0])
    ax.set_ylabel(names[1])
    ax.set_title(title, fontsize="medium")
    ax.grid(axis="both" if numeric else "y", alpha=0.25)
    if len(kinds) > 1:
        ax.legend(title=names[2], fontsize="small", title_fontsize="small")
    return ax.figure


def _draw_points(ax, data, color):
    if data is not None:
        ax.plot(data.x, data.y, "o", color=color, alpha=0.35, markersize=3, mew=0)


def _draw_lines(ax, lines, color):
    many = lines.line.nunique() > MOST_LINES
    for _, line in lines.groupby("line", sort=False):
        ax.plot(
            line.x,
            line["mean"],
            color=color,
            linewidth=0.7,
            alpha=0.1 if many else 0.35,
        )


def _band(ax, own, style, marker):
    ax.fill_between(
        own.x, own.lower, own.upper, color=style["color"], alpha=0.22, linewidth=0
    )
    ax.plot(own.x, own["mean"], linewidth=2.0, **style)


def _bars(ax, own, style, marker):
    # a transformed bound may leave rounding errors
    reach = np.maximum([own["mean"] - own.lower, own.upper - own["mean"]], 0.0)
    ax.errorbar(own.x, own["mean"], yerr=reach, fmt=marker, capsize=3, **style)


_KINDS = {True: _band, False: _bars}
