"""A measure of influence against the groups or rows that are left out."""

from __future__ import annotations

import numpy as np

from .diagnostics import FEW, MANY, POINT, _named_ticks, _scatter
from .panels import one_axes

NEAR = 0.08  # names closer than this share of an axis would overlap
SHOWN = 5
TEXTS = {
    "cooks_d": "Cook's distance",
    "hat_diag": "leverage",
    "covratio": "covariance ratio",
    "n_rows": "rows",
}
PREFIXES = {"dfb_": "DFBETAS of", "change_": "without it, change of"}


def plot_index(values, by, ax=None, label=SHOWN):
    """A measure of influence against its groups or rows, the largest named.

    Parameters
    ----------
    values : Series
        By group or row.
    by : str
        What they are.
    ax : matplotlib Axes, optional
    label : int
        How many of the largest to name, where not all are.

    Returns
    -------
    matplotlib.figure.Figure
    """
    ax, heights = one_axes(ax), values.to_numpy(float)
    place = np.arange(len(values))
    ax.axhline(0.0, color="0.6", lw=0.8)
    if len(place) <= MANY:
        ax.vlines(place, 0.0, heights, color=POINT, lw=0.9)
    _scatter(ax, place, heights)
    ax.margins(y=0.12)
    if len(values) <= FEW:
        _named_ticks(ax, place, list(map(str, values.index)))
        ax.set_xlabel(by)
    else:
        _name_largest(ax, heights, values.index, label)
        ax.set_xlabel(by if by == "row" else f"{by} (in the order of its levels)")
    ax.set_ylabel(_measure_text(str(values.name)))
    return ax.figure


def _name_largest(ax, heights, names, count):
    """Names beside the largest values; neighbours are named to both sides."""
    known = np.flatnonzero(np.isfinite(heights))
    largest = known[np.argsort(-np.abs(heights[known]), kind="stable")[:count]]
    largest = np.sort(largest)
    reach = np.ptp(heights[known]) if len(known) else 0.0
    for n, i in enumerate(largest):
        near = [
            abs(i - j) < NEAR * len(heights)
            and abs(heights[i] - heights[j]) < NEAR * reach
            for j in (largest[max(n - 1, 0)], largest[min(n + 1, len(largest) - 1)])
        ]
        left, right = near[0] and n > 0, near[1] and n < len(largest) - 1
        side = "right" if right else "left" if left else "center"
        up = heights[i] >= 0
        ax.annotate(
            str(names[i]),
            (i, heights[i]),
            (0, 3 if up else -3),
            textcoords="offset points",
            ha=side,
            va="bottom" if up else "top",
            fontsize="small",
        )


def _measure_text(name):
    """A column of `Influence.summary_frame` in words."""
    for prefix, text in PREFIXES.items():
        if name.startswith(prefix):
            return f"{text} {name.removeprefix(prefix)}"
    return TEXTS.get(name, name)
