"""Estimates with intervals, one line per method of estimation."""

from __future__ import annotations

import numpy as np

from ..errors import MixedModelError
from .panels import COLUMNS, _pyplot, check_axes


def plot_methods(table, axes=None):
    """Draw the estimates of several methods, a panel for each parameter.

    Parameters
    ----------
    table : DataFrame
        Columns method, parameter, estimate, lower, upper; intervals may be missing.
    axes : array_like of matplotlib Axes, optional
        One per parameter; made by default.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    MixedModelError
        matplotlib is not installed, or there are too few axes.
    """
    parameters = list(dict.fromkeys(table.parameter))
    methods = list(dict.fromkeys(table.method))
    axes = _panels(len(parameters)) if axes is None else check_axes(axes)
    if len(axes) < len(parameters):
        raise MixedModelError(
            f"{len(parameters)} parameters need as many axes; {len(axes)} were given."
        )
    place = {method: len(methods) - 1 - i for i, method in enumerate(methods)}
    for ax, parameter in zip(axes, parameters, strict=False):
        rows = table[table.parameter == parameter]
        heights = rows.method.map(place).to_numpy()
        _draw(ax, rows, heights)
        ax.set_title(parameter, fontsize="medium")
        ax.set_yticks(range(len(methods)), methods[::-1])
        ax.set_ylim(-0.5, len(methods) - 0.5)
        ax.grid(axis="x", alpha=0.3)
    for ax in axes[len(parameters) :]:
        ax.set_visible(False)
    return axes[0].figure


def _draw(ax, rows, heights):
    """Points, and whiskers where there are intervals."""
    estimate = rows.estimate.to_numpy()
    reach = np.vstack([estimate - rows.lower, rows.upper - estimate])
    known = np.isfinite(reach).all(axis=0)
    ax.plot(estimate, heights, "o", color="C0")
    ax.errorbar(
        estimate[known], heights[known], xerr=reach[:, known], fmt="none", color="C0"
    )


def _panels(count):
    plt = _pyplot()
    columns = min(COLUMNS, count)
    rows = -(-count // columns)
    size = (3.6 * columns, 0.8 + 1.9 * rows)
    _, axes = plt.subplots(
        rows, columns, figsize=size, sharey=True, squeeze=False, layout="constrained"
    )
    return axes.ravel()
