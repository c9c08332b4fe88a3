"""Power with Monte Carlo intervals: a curve, or a point for each effect."""

from __future__ import annotations

import numpy as np

from .methods import _pyplot


def plot_power(table, target=0.8, ax=None):
    """Draw power against the number of levels, a line for each effect.

    Parameters
    ----------
    table : DataFrame
        Columns effect, factor, n, power, lower, upper.
    target : float, optional
        Where to draw a horizontal line.
    ax : matplotlib Axes, optional
        Made by default.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    MixedModelError
        matplotlib is not installed.
    """
    if ax is None:
        _, ax = _pyplot().subplots(layout="constrained")
    curve = table.n.nunique() > 1
    effects = list(dict.fromkeys(table.effect))
    for i, effect in enumerate(effects):
        rows = table[table.effect == effect]
        x = rows.n.to_numpy(float) if curve else np.array([float(i)])
        power = rows.power.to_numpy()
        # rounding may leave a bound of 1 below a power of 1
        reach = np.maximum([power - rows.lower, rows.upper - power], 0.0)
        style = "o-" if curve else "o"
        ax.errorbar(x, power, yerr=reach, fmt=style, capsize=3, label=effect)
    if target is not None:
        ax.axhline(target, color="0.6", linestyle="--", linewidth=1)
    ax.set_ylim(-0.02, 1.02)
    ax.set_ylabel("power")
    if curve:
        ax.set_xlabel(table.factor.iloc[0])
        ax.legend()
    else:
        ax.set_xticks(range(len(effects)), effects)
        ax.set_xlim(-0.5, len(effects) - 0.5)
    return ax.figure
