"""Estimates of levels by complete, partial and no pooling."""

from __future__ import annotations

import numpy as np

from ..errors import MixedModelError
from .methods import _pyplot

NAMED = 60  # levels whose names can still be read
COLORS = {"none": "0.55", "partial": "C0", "complete": "C3"}


def plot_pooling(table, axes=None):
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
    own_figure = axes is None
    axes = _panels(len(effects), count) if own_figure else np.ravel(axes)
    if len(axes) < len(effects):
        raise MixedModelError(
            f"{len(effects)} effects need as many axes; {len(axes)} were given."
        )
    for ax, effect in zip(axes, effects, strict=False):
        own = table[table.effect == effect]
        parts = {m: own[own.method == m].set_index("level") for m in COLORS}
        _draw(ax, parts)
        ax.set_title(effect, fontsize="medium")
    figure, entries = axes[0].figure, axes[0].get_legend_handles_labels()
    if own_figure:
        figure.legend(*entries, loc="outside lower center", ncols=3, fontsize="small")
    else:
        axes[0].legend(*entries, fontsize="small")
    return figure


def _draw(ax, parts):
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
        label="partial pooling",
    )
    named = len(order) <= NAMED
    ax.set_yticks(heights if named else [], order if named else [], fontsize="small")
    ax.set_ylim(-0.8, len(order) - 0.2)
    ax.grid(axis="x", alpha=0.3)


def _panels(count, levels):
    plt = _pyplot()
    height = 1.2 + 0.22 * min(max(levels, 8), NAMED)
    _, axes = plt.subplots(
        1, count, figsize=(4.4 * count, height), squeeze=False, layout="constrained"
    )
    return axes.ravel()
