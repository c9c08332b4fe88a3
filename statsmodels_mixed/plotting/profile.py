"""Profile likelihoods: zeta against each parameter."""

from __future__ import annotations

import numpy as np

from ..errors import MixedModelError
from .methods import COLUMNS, _pyplot


def plot_profile(points, curves, intervals, absolute=False, axes=None):
    """Draw profiles, a panel for each parameter.

    Parameters
    ----------
    points : DataFrame
        Columns parameter, value and zeta.
    curves : DataFrame
        The same, at values close together.
    intervals : dict
        Level to a DataFrame with columns lower and upper, one row per parameter.
    absolute : bool
        Whether to draw ``|zeta|``.
    axes : array_like of matplotlib Axes, optional
        One per parameter; made by default.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    MixedModelError
        matplotlib is not installed, there is nothing to draw, or too few axes.
    """
    parameters = list(dict.fromkeys(points.parameter))
    if not parameters:
        raise MixedModelError("There is no parameter to draw a profile of.")
    axes = _panels(len(parameters)) if axes is None else np.ravel(axes)
    if len(axes) < len(parameters):
        raise MixedModelError(
            f"{len(parameters)} parameters need as many axes; {len(axes)} were given."
        )
    for ax, parameter in zip(axes, parameters, strict=False):
        dots, line = (t[t.parameter == parameter] for t in (points, curves))
        _draw(ax, dots, line, np.abs if absolute else np.asarray)
        for level, table in intervals.items():
            _mark(ax, *table.loc[parameter], level, line, absolute)
        ax.set_xlabel(parameter)
        ax.grid(alpha=0.3)
    for ax in axes[len(parameters) :]:
        ax.set_visible(False)
    for ax in axes[: len(parameters) : COLUMNS]:
        ax.set_ylabel("|zeta|" if absolute else "zeta")
    return axes[0].figure


def _draw(ax, dots, line, shown):
    """The curve, and the points it goes through."""
    ax.axhline(0.0, color="0.6", lw=0.8)
    ax.plot(line.value, shown(line.zeta), color="C0", lw=1.4)
    ax.plot(dots.value, shown(dots.zeta), ".", color="C0", ms=4)


def _mark(ax, lower, upper, level, line, absolute):
    """Ends of an interval: a line across for |zeta|, else two uprights."""
    inside = np.clip([lower, upper], line.value.min(), line.value.max())
    heights = np.interp(inside, line.value, line.zeta)
    if absolute:
        top = np.abs(heights).max()
        ax.hlines(top, *inside, color="C1", lw=1.0)
        ax.vlines(inside, 0.0, np.abs(heights), color="C1", lw=1.0)
        ax.text(inside[1], top, f" {level:.0%}", fontsize="x-small", va="center")
        return
    ax.vlines(inside, 0.0, heights, color="C1", lw=1.0)


def _panels(count):
    plt = _pyplot()
    columns = min(COLUMNS, count)
    rows = -(-count // columns)
    _, axes = plt.subplots(
        rows,
        columns,
        figsize=(3.2 * columns, 2.4 * rows),
        sharey=True,
        squeeze=False,
        layout="constrained",
    )
    return axes.ravel()
