"""Covariance and correlation matrices as images."""

from __future__ import annotations

import numpy as np

from .panels import one_axes, panels

WRITTEN = 12  # rows of a matrix whose entries can still be read
FEW = 20  # blocks
ROOM = 0.026  # share of the axis that a name takes


def plot_covariances(matrices, correlation=False, axes=None):
    """Draw a labelled covariance matrix for each grouping factor.

    Parameters
    ----------
    matrices : dict of str to DataFrame, effects x effects
    correlation : bool
        Whether these are correlations.
    axes : array_like of matplotlib Axes, optional
        One per grouping factor; made by default.

    Returns
    -------
    matplotlib.figure.Figure
    """
    widest = max(map(len, matrices.values()))
    side = 2.7 + 0.35 * min(widest, 20)
    axes = panels(axes, len(matrices), "grouping factors", (side + 0.6, side))
    for ax, (name, matrix) in zip(axes, matrices.items(), strict=True):
        _image(ax, matrix.to_numpy(), correlation)
        _name_entries(ax, matrix.index)
        ax.set_title(name, fontsize="medium")
    return axes[0].figure


def plot_row_covariance(
    matrix, labels, edges, blocks, name, title, correlation=False, ax=None
):
    """Draw the covariance of rows, or of other things that come in blocks.

    Parameters
    ----------
    matrix : ndarray, shape (n, n)
    labels : sequence of str, or None
        One per row; blocks have names otherwise.
    edges : ndarray of int, shape (blocks + 1,)
        Where blocks begin, and n.
    blocks : Index, shape (blocks,)
        Names of the blocks.
    name : str
        What they are.
    title : str
    correlation : bool
        Whether these are correlations.
    ax : matplotlib Axes, optional
        Made by default.

    Returns
    -------
    matplotlib.figure.Figure
    """
    ax = one_axes(ax, (6.6, 5.6))
    _image(ax, matrix, correlation)
    width = 0.6 if len(blocks) <= FEW else 0.25
    for edge in edges[1:-1]:
        ax.axhline(edge - 0.5, color="0.35", linewidth=width)
        ax.axvline(edge - 0.5, color="0.35", linewidth=width)
    if labels is None:
        _name_blocks(ax, edges, blocks)
    else:
        _name_entries(ax, labels)
    ax.set(xlabel=name, ylabel=name)
    ax.set_title(title, fontsize="medium")
    return ax.figure


def _image(ax, matrix, correlation):
    top = 1.0 if correlation else np.nanmax(np.abs(matrix), initial=0.0) or 1.0
    signed = np.nanmin(matrix, initial=0.0) < 0
    colors = ax.imshow(
        matrix,
        cmap="RdBu_r" if signed else "Blues",
        vmin=-top if signed else 0.0,
        vmax=top,
        interpolation="nearest",
    )
    label = "correlation" if correlation else "covariance"
    if len(matrix) > WRITTEN:
        ax.figure.colorbar(colors, ax=ax, label=label, shrink=0.8)
        return
    for (i, j), value in np.ndenumerate(matrix):
        if np.isnan(value):
            continue
        text = f"{value:.2f}" if correlation and value else f"{value:.3g}"
        color = "white" if abs(value) > 0.6 * top else "black"
        ax.text(j, i, text, ha="center", va="center", color=color, fontsize=8)


def _name_blocks(ax, edges, blocks):
    """Names in the middle of blocks, where they do not run into each other."""
    middles, kept = 0.5 * (edges[:-1] + edges[1:] - 1), []
    for i, middle in enumerate(middles):
        if not kept or middle - middles[kept[-1]] >= ROOM * edges[-1]:
            kept.append(i)
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_ticks(middles[kept], blocks[kept], fontsize="small")
        axis.set_tick_params(length=0)
    _turn_long(ax, blocks[kept])


def _name_entries(ax, names):
    places = np.arange(len(names))
    ax.set_xticks(places, names, fontsize="small")
    ax.set_yticks(places, names, fontsize="small")
    ax.tick_params(length=0)
    _turn_long(ax, names)


def _turn_long(ax, names):
    """Names that have no room side by side are written upwards."""
    if sum(len(str(name)) + 1 for name in names) > 34:
        ax.tick_params(axis="x", rotation=90)
