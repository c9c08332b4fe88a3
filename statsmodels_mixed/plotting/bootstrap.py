"""Bootstrap draws: a histogram for each parameter."""

from __future__ import annotations

import numpy as np

from .panels import PALETTE, panels, share_legend

BINS = 60  # at most
INTERVAL, ESTIMATE = PALETTE[0], PALETTE[1]


def plot_bootstrap(draws, table, label, axes=None):
    """Draw a histogram of each parameter, with its estimate and interval.

    Draws that are NaN, such as undefined correlations, are left out.

    Parameters
    ----------
    draws : DataFrame
        One column per parameter.
    table : DataFrame
        Columns estimate, lower and upper, a row for each column of `draws`.
    label : str
        What the interval is called.
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
    own = panels(axes, draws.shape[1], "parameters", (3.4, 2.3))
    for j, ax in enumerate(own):
        _draw(ax, draws.iloc[:, j].dropna().to_numpy(), *table.iloc[j], label)
        ax.set_xlabel(draws.columns[j])
        ax.locator_params(axis="x", nbins=5)
    for ax in own[: 1 if axes is not None else None : 3]:
        ax.set_ylabel("draws")
    share_legend(own, axes is not None)
    return own[0].figure


def _draw(ax, sample, estimate, lower, upper, label):
    spread = len(sample) and np.ptp(sample) > 1e-9 * np.abs(sample).max()
    bins = _bins(sample) if spread else 1
    ax.hist(sample, bins=bins, color="0.8", edgecolor="0.6", linewidth=0.5)
    ax.set_ylim(bottom=-0.06 * ax.get_ylim()[1])  # room for the bar below
    ax.axhline(0.0, color="0.6", linewidth=0.6)
    height = 0.5 * ax.get_ylim()[0]
    ax.plot([lower, upper], [height] * 2, color=INTERVAL, linewidth=4, label=label)
    ax.axvline(estimate, color=ESTIMATE, linewidth=1.4, label="estimate")


def _bins(sample):
    """Edges by the rule of Freedman and Diaconis, but not too many of them."""
    edges = np.histogram_bin_edges(sample, "fd")
    return edges if len(edges) <= BINS else np.linspace(edges[0], edges[-1], BINS + 1)
