"""Profile likelihood of pairs of parameters: traces and contours."""

from __future__ import annotations

import numpy as np

from ..errors import MixedModelError
from .panels import CONDITIONAL, POPULATION, _pyplot, check_axes, share_legend

SHADES = ("#08306b", "#2171b5", "#6baed6", "#9ecae1", "#c6dbef")


def plot_pairs(pairs, axes=None):
    """Draw contours and traces for all pairs of profiled parameters.

    Below the diagonal on the scale of the parameters, above it on that of zeta, where
    contours of a parabola are circles about the estimate if the estimates are not
    correlated. On the diagonal the profile likelihood.

    Parameters
    ----------
    pairs : ProfilePairs
        With ``parameters``, ``levels``, ``curves`` and ``contours``.
    axes : array_like of matplotlib Axes, shape (k, k), optional
        Made by default.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    MixedModelError
        matplotlib is not installed, or the axes do not have the shape.
    """
    k = len(pairs.parameters)
    given = axes is not None
    axes = np.asarray(axes, dtype=object) if given else _new(k)
    check_axes(axes)
    if axes.shape != (k, k):
        raise MixedModelError(
            f"{k} parameters need axes of shape ({k}, {k}), not {axes.shape}."
        )
    for i in range(k):
        _likelihood(axes[i, i], pairs, i)
        for j in range(i):
            _pair(axes[i, j], pairs, j, i, "value")
            _pair(axes[j, i], pairs, i, j, "zeta")
    _label(axes, pairs)
    if not given:
        share_legend([axes[1, 0]], given)
    return axes[0, 0].figure


def _likelihood(ax, pairs, i):
    curve = pairs.curves[i]
    height = np.exp(-0.5 * curve.zeta.to_numpy() ** 2)
    ax.fill_between(curve.value, height, color=CONDITIONAL, alpha=0.2, linewidth=0)
    ax.plot(curve.value, height, color=CONDITIONAL, linewidth=1.3)
    ax.set_xlim(*pairs.limits(i))
    ax.set_ylim(0.0, 1.35)
    ax.text(
        0.5, 0.97, pairs.parameters[i].replace("|", " |\n"), transform=ax.transAxes,
        ha="center", va="top", fontsize="small",
    )  # fmt: skip
    ax.set_yticks([])


def _pair(ax, pairs, x, y, scale):
    """Contours of a pair, x and y being numbers of parameters."""
    for level, shade in zip(sorted(pairs.levels), SHADES, strict=False):
        ring = pairs.contours[x, y, level][scale]
        ax.plot(*ring.T, color=shade, linewidth=1.1, label=f"{level:.0%}")
    for trace in pairs.traces[x, y][scale]:
        ax.plot(*trace.T, color=POPULATION, linewidth=0.9)
    if scale == "value":
        ax.set_xlim(*pairs.limits(x))
        ax.set_ylim(*pairs.limits(y))
    else:
        ax.axhline(0, color="0.85", linewidth=0.6, zorder=0)
        ax.axvline(0, color="0.85", linewidth=0.6, zorder=0)
        ax.set_aspect("equal", adjustable="datalim")
        ax.set_facecolor("0.975")


def _label(axes, pairs):
    k = len(axes)
    for i in range(k):
        for j in range(k):
            ax = axes[i, j]
            ax.tick_params(labelsize="x-small")
            if i < j:
                ax.set(xticks=[-2, 0, 2], yticks=[-2, 0, 2])
                ax.tick_params(labelleft=False, labelbottom=False, length=2)
            else:
                ax.tick_params(labelbottom=i == k - 1, labelleft=j == 0 and i > 0)
                ax.locator_params(axis="x", nbins=4)
                if i > j:
                    ax.locator_params(axis="y", nbins=4)
    for i, name in enumerate(pairs.parameters):
        text = name.replace("|", " |\n")
        axes[-1, i].set_xlabel(text, fontsize="small")
        if i:
            axes[i, 0].set_ylabel(text, fontsize="small")


def _new(k):
    side = 1.2 + 1.75 * k
    figure, axes = _pyplot().subplots(
        k, k, figsize=(side, side), squeeze=False, layout="constrained"
    )
    figure.get_layout_engine().set(w_pad=0.01, h_pad=0.01, wspace=0.0, hspace=0.0)
    return axes
