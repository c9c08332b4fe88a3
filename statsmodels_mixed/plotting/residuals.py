"""Simulated residuals: QQ plot, and residuals along a predictor."""

from __future__ import annotations

import numpy as np

from ..errors import MixedModelError
from .panels import _pyplot, check_axes

SHOWN = 2000  # points of the QQ plot, at most
FINE, ALARM = "0.25", "#D55E00"  # told apart by lightness too


def plot_simulated_residuals(
    residuals, tests, points, curves, marked, texts, axes=None
):
    """Draw the two panels of simulated residuals.

    Parameters
    ----------
    residuals : ndarray, shape (nobs,)
        Uniform if the model is right.
    tests : dict
        Name to text and whether it is significant; written into the QQ plot.
    points : tuple of ndarray
        Positions between 0 and 1, residuals, and which are outside all simulations.
    curves : DataFrame
        Column rank, and one per quantile.
    marked : dict
        Quantile to whether its curve departs from where it should be.
    texts : tuple of str
        Label of the positions, and title of the second panel.
    axes : sequence of two matplotlib Axes, optional
        Made by default.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    MixedModelError
        matplotlib is not installed, or there are not two axes.
    """
    if axes is None:
        _, axes = _pyplot().subplots(1, 2, figsize=(9.0, 4.2), layout="constrained")
    axes = check_axes(axes)
    if len(axes) != 2:
        raise MixedModelError(
            f"Simulated residuals need 2 axes; {len(axes)} were given."
        )
    _draw_qq(axes[0], residuals, tests)
    _draw_points(axes[1], *points)
    _draw_curves(axes[1], curves, marked)
    axes[1].set_xlabel(texts[0])
    axes[1].set_title(
        texts[1], fontsize="medium", color=ALARM if any(marked.values()) else "black"
    )
    return axes[0].figure


def _draw_qq(ax, residuals, tests):
    """Sorted residuals against those expected, and the tests in the free corner."""
    n = len(residuals)
    ordered, expected = np.sort(residuals), (np.arange(n) + 0.5) / n
    shown = np.unique(np.linspace(0, n - 1, min(n, SHOWN)).astype(int))
    ax.plot([0, 1], [0, 1], color="0.6", lw=1)
    ax.plot(expected[shown], ordered[shown], ".", color="C0", ms=4)
    for place, (text, significant) in enumerate(tests.values()):
        ax.text(
            0.03,
            0.97 - 0.065 * place,
            text,
            transform=ax.transAxes,
            va="top",
            fontsize="small",
            color=ALARM if significant else FINE,
            fontweight="bold" if significant else "normal",
        )
    ax.set(xlabel="expected residual", ylabel="observed residual")
    ax.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
    ax.set_title("QQ plot of simulated residuals", fontsize="medium")


def _draw_points(ax, position, residuals, outside):
    """Residuals; those outside all simulations are stars."""
    alpha = float(np.clip(400 / len(position), 0.15, 0.7))
    ax.plot(position[~outside], residuals[~outside], ".", color="C0", ms=4, alpha=alpha)
    ax.plot(position[outside], residuals[outside], "*", color=ALARM, ms=7)
    ax.set(xlim=(-0.02, 1.02), ylim=(-0.04, 1.04))
    ax.set_ylabel("simulated residual")


def _draw_curves(ax, curves, marked):
    """Quantiles by regression, and where they should be."""
    for tau, departs in marked.items():
        ax.axhline(tau, color="0.6", lw=1, ls="--")
        color = ALARM if departs else "black"
        style = ".-" if len(curves) < 10 else "-"
        ax.plot(
            curves["rank"], curves[tau], style, color=color, lw=2.6 if departs else 1.6
        )
    ax.set_yticks(sorted({0.0, 1.0, *marked}))
