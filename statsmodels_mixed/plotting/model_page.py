"""One page that checks a model: predictive draws, and panels drawn by others."""

from __future__ import annotations

import numpy as np
from scipy import stats

from .diagnostics import CURVE, POINT
from .panels import one_axes, panels

BARS = 25  # whole numbers that are still drawn as bars
GRID = 200
ROWS = 2000  # of a density estimate, at most


def plot_predictive(observed, draws, ax=None, *, xlabel="response"):
    """Distribution of the response, and of responses drawn from the model.

    Parameters
    ----------
    observed : array_like, shape (n,)
    draws : array_like, shape (n, R)
    ax : matplotlib Axes, optional
    xlabel : str

    Returns
    -------
    matplotlib.figure.Figure
        Bars with intervals of the draws for few whole numbers, else densities.
    """
    ax = one_axes(ax)
    observed, draws = np.asarray(observed, float), np.asarray(draws, float)
    whole = (observed == np.rint(observed)).all() and (draws == np.rint(draws)).all()
    few = np.ptp(observed) < BARS
    if whole and not few and observed.min() >= 0:  # counts with a long tail
        observed, draws = np.log1p(observed), np.log1p(np.maximum(draws, 0.0))
        xlabel = f"log(1 + {xlabel})"
    draw = _bars if whole and few else _densities
    draw(ax, observed, draws)
    ax.set_xlabel(xlabel)
    ax.legend(fontsize="x-small")
    return ax.figure


def _bars(ax, observed, draws):
    values = np.arange(observed.min(), observed.max() + 1)
    seen = np.array([(observed == v).mean() for v in values])
    drawn = np.array([(draws == v).mean(axis=0) for v in values])
    ax.bar(values, seen, width=0.7, color="0.8", label="observed")
    centre = drawn.mean(axis=1)
    low, high = np.quantile(drawn, [0.025, 0.975], axis=1)
    reach = np.maximum([centre - low, high - centre], 0.0)
    style = {"fmt": "o", "color": POINT, "ms": 4, "capsize": 2}
    ax.errorbar(values, centre, reach, label="drawn, 95%", **style)
    if len(values) <= 10:
        ax.set_xticks(values)
    ax.set_ylabel("share of rows")


def _densities(ax, observed, draws):
    low, high = min(observed.min(), draws.min()), max(observed.max(), draws.max())
    # a few draws far out would squeeze the rest
    inner = np.quantile(draws, [0.001, 0.999])
    low, high = (
        max(low, min(observed.min(), inner[0])),
        min(high, max(observed.max(), inner[1])),
    )
    grid = np.linspace(low, high, GRID)
    step = -(-len(observed) // ROWS)
    for j, column in enumerate(draws.T):
        label = "drawn" if j == 0 else None
        ax.plot(
            grid,
            _density(column[::step], grid),
            color=POINT,
            lw=0.6,
            alpha=0.3,
            label=label,
        )
    ax.plot(grid, _density(observed, grid), color=CURVE, lw=1.8, label="observed")
    ax.set_ylim(bottom=0.0)
    ax.set_ylabel("density")


def _density(values, grid):
    if np.ptp(values) == 0:
        return np.full(len(grid), np.nan)
    return stats.gaussian_kde(values)(grid)


def plot_page(chosen, axes=None):
    """Panels side by side, three to a row.

    Parameters
    ----------
    chosen : sequence of (str, callable)
        Titles, and what draws into the axes it is given.
    axes : array_like of matplotlib Axes, optional
        One per panel; made by default.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    MixedModelError
        matplotlib is not installed, or there are too few axes.
    """
    axes = panels(axes, len(chosen), "panels", size=(4.0, 3.7))
    for ax, (title, draw) in zip(axes, chosen, strict=True):
        draw(ax)
        ax.set_title(title, fontsize="medium")
    return axes[0].figure
