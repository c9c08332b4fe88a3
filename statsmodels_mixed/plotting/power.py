"""Power with Monte Carlo intervals: a curve, or a point for each effect."""

from __future__ import annotations

import numpy as np

from .panels import one_axes

WITHIN = "within "


def plot_power(table, target=0.8, ax=None, alpha=0.05):
    """Draw power against the size of an effect or of the design, a line for each.

    Parameters
    ----------
    table : DataFrame
        Of `power`: columns effect, value, factor, n, power, lower, upper, n_sim. Where
        an effect has several values, only this effect is drawn, against its values,
        with a line for each size of the design.
    target : float, optional
        Where to draw a horizontal line.
    ax : matplotlib Axes, optional
        Made by default.
    alpha : float
        Level of the tests, for the title.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    MixedModelError
        matplotlib is not installed.
    """
    ax = one_axes(ax)
    counts = table.groupby("effect", sort=False).value.nunique()
    varied = list(counts.index[counts > 1])
    if varied:
        _over_values(ax, table[table.effect == varied[0]])
    elif table.n.nunique() > 1:
        _over_sizes(ax, table)
    else:
        _points(ax, table)
    if target is not None:
        ax.axhline(target, color="0.6", linestyle="--", linewidth=1)
    ax.set_ylim(-0.02, 1.02)
    ax.set_ylabel("power")
    ax.set_title(_title(table, varied, alpha), fontsize="medium")
    return ax.figure


def _over_values(ax, table):
    for n, rows in table.groupby("n", sort=False):
        _line(ax, rows.value, rows, "o-", n)
    ax.set_xlabel(f"effect of {table.effect.iloc[0]}")
    if table.n.nunique() > 1:
        ax.legend(title=_size(table))


def _over_sizes(ax, table):
    effects = table.groupby("effect", sort=False)
    for effect, rows in effects:
        _line(ax, rows.n, rows, "o-", effect)
    ax.set_xlabel(_size(table))
    if len(effects) > 1:
        ax.legend()


def _points(ax, table):
    for i, (effect, rows) in enumerate(table.groupby("effect", sort=False)):
        _line(ax, [float(i)], rows, "o", effect)
    effects = list(table.effect)
    ax.set_xticks(range(len(effects)), effects)
    ax.set_xlim(-0.5, len(effects) - 0.5)


def _line(ax, x, rows, style, label):
    x, power = np.asarray(x, dtype=float), rows.power.to_numpy()
    # rounding may leave a bound of 1 below a power of 1
    reach = np.maximum([power - rows.lower, rows.upper - power], 0.0)
    ax.errorbar(x, power, yerr=reach, fmt=style, capsize=3, label=label)


def _size(table):
    """What is counted along the sizes of the design."""
    factor = table.factor.iloc[0]
    inner = factor.removeprefix(WITHIN)
    return f"rows within {inner}" if factor != inner else f"levels of {factor}"


def _title(table, varied, alpha):
    values = dict(zip(table.effect, table.value, strict=True))
    said = [f"{name} = {v:.4g}" for name, v in values.items() if name not in varied]
    said = [] if varied else said  # others are not drawn then
    n = table.n_sim.max()
    return ", ".join([*said, f"alpha {alpha:g}", f"{n} simulations"])
