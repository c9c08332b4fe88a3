"""Profile likelihoods: zeta against each parameter."""

from __future__ import annotations

import numpy as np
from scipy.stats import norm

from ..errors import MixedModelError
from .panels import COLUMNS, panels

SHADES = (0.25, 0.85)  # of the narrowest and the widest interval
FULL = 0.02  # share of zeta by which an end may miss its quantile in a drawn curve


def plot_profile(points, curves, intervals, absolute=False, axes=None):
    """Draw profiles, a panel for each parameter.

    Where an interval ends at a bound of the parameter, no upright is drawn.

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
    own = panels(axes, len(parameters), "parameters", (3.4, 2.5), sharey=axes is None)
    mark = _across if absolute else _upright
    shades = _shades(len(intervals))
    for ax, parameter in zip(own, parameters, strict=True):
        dots, line = (t[t.parameter == parameter] for t in (points, curves))
        _draw(ax, dots, line, np.abs if absolute else np.asarray)
        for shade, level in zip(shades, sorted(intervals), strict=True):
            ends = intervals[level].loc[parameter].to_numpy(dtype=float)
            mark(ax, *_ends(ends, level, line), f"{100 * level:g}%", shade)
        ax.set_xlabel(parameter)
        ax.margins(x=0.08, y=0.1)
        ax.locator_params(axis="x", nbins=6)
        ax.grid(alpha=0.3)
    for ax in own[: 1 if axes is not None else None : COLUMNS]:
        ax.set_ylabel("|zeta|" if absolute else "zeta")
    if intervals and not absolute:
        _key(own[0], [f"{100 * level:g}%" for level in sorted(intervals)], shades, axes)
    return own[0].figure


def _draw(ax, dots, line, shown):
    """The curve, and the points it goes through."""
    ax.axhline(0.0, color="0.6", lw=0.8)
    ax.plot(line.value, shown(line.zeta), color="C0", lw=1.4)
    ax.plot(dots.value, shown(dots.zeta), ".", color="C0", ms=4)


def _ends(ends, level, line):
    """Both ends within the curve, its heights there, which are no bounds, quantile."""
    z = float(norm.ppf(0.5 + 0.5 * level))
    least, most = line.value.min(), line.value.max()
    ends = np.where(np.isnan(ends), [least, most], ends)
    inside = np.clip(ends, least, most)
    heights = np.interp(inside, line.value, line.zeta)
    return inside, heights, np.abs(heights) > (1.0 - FULL) * z, z


def _upright(ax, inside, heights, reached, z, label, shade):
    """A line from the axis to the curve at each end."""
    ax.vlines(inside[reached], 0.0, heights[reached], color=shade, lw=1.5)


def _across(ax, inside, heights, reached, z, label, shade):
    """A line between the ends, named, and uprights below them."""
    ax.hlines(z, *inside, color=shade, lw=1.3)
    ax.vlines(inside[reached], 0.0, np.abs(heights[reached]), color=shade, lw=1.0)
    place = dict(fontsize="x-small", ha="center", va="bottom")
    ax.text(inside.mean(), z + 0.03, label, **place)


def _shades(count):
    import matplotlib

    colours = matplotlib.colormaps["plasma"]
    return [colours(x) for x in np.linspace(*SHADES[::-1], max(count, 1))[:count]]


def _key(ax, labels, shades, given):
    """What the uprights are: above all panels, or within the first of the user's."""
    from matplotlib.lines import Line2D

    handles = [Line2D([], [], color=shade, lw=1.5) for shade in shades]
    options = dict(fontsize="small", title="ends of intervals", title_fontsize="small")
    if given is not None:
        ax.legend(handles, labels, **options)
        return
    options |= dict(loc="outside upper center", ncols=len(labels), frameon=False)
    ax.figure.legend(handles, labels, **options)
