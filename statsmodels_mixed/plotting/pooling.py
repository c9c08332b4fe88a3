"""Estimates of levels by complete, partial and no pooling."""

from __future__ import annotations

import numpy as np

from .panels import panels, share_legend

NAMED = 60  # levels whose names can still be read
COLORS = {"none": "0.55", "partial": "C0", "complete": "C3"}


def plot_pooling(table, axes=None, group="", alpha=0.05):
    """Draw the coefficients of levels, a panel for each effect.

    In each panel the levels are in the order of their partially pooled estimates. A
    grey circle is the estimate of the level by itself, a blue dot with its interval
    that of the mixed model; red is the estimate from all levels together.

    Parameters
    ----------
    table : DataFrame
        Of `pooling`: columns level, effect, method, estimate, lower, upper.
    axes : array_like of matplotlib Axes, optional
        One per effect; made by default.
    group : str
        The grouping factor.
    alpha : float
        One minus the level of the intervals.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    MixedModelError
        matplotlib is not installed, or there are too few axes.
    """
    effects = list(dict.fromkeys(table.effect))
    count = table.level.nunique()
    width = max(4.4, 6.4 / len(effects))  # room for the legend
    size = (width, 1.2 + 0.22 * min(max(count, 8), NAMED))
    own = panels(axes, len(effects), "effects", size, columns=len(effects))
    for ax, effect in zip(own, effects, strict=True):
        rows = table[table.effect == effect]
        parts = {m: rows[rows.method == m].set_index("level") for m in COLORS}
        _draw(ax, parts, f"partial pooling, {100 * (1 - alpha):g}% interval")
        ax.set_title(effect, fontsize="medium")
    for ax in own[: 1 if axes is None else None]:
        ax.set_ylabel(group)
    share_legend(own, axes is not None)
    return own[0].figure


def _draw(ax, parts, label):
    order = parts["partial"].estimate.sort_values().index
    none, partial, complete = (
        parts[m].loc[order] for m in ("none", "partial", "complete")
    )
    heights = np.arange(len(order))
    ax.vlines(
        complete.estimate,
        heights - 0.5,
        heights + 0.5,
        color=COLORS["complete"],
        label="complete pooling",
    )
    ax.plot(
        none.estimate,
        heights,
        "o",
        color=COLORS["none"],
        fillstyle="none",
        label="no pooling",
    )
    centre = partial.estimate
    reach = np.vstack([centre - partial.lower, partial.upper - centre])
    ax.errorbar(
        centre,
        heights,
        xerr=reach,
        fmt="o",
        color=COLORS["partial"],
        markersize=4,
        linewidth=1.2,
        label=label,
    )
    named = len(order) <= NAMED
    ax.set_yticks(heights if named else [], order if named else [], fontsize="small")
    ax.set_ylim(-0.8, len(order) - 0.2)
    ax.grid(axis="x", alpha=0.3)
