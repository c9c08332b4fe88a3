"""A conditional mode as a compromise of the data of a group and all other groups."""

from __future__ import annotations

from .panels import CONDITIONAL, POPULATION, one_axes

CURVES = {
    "likelihood": ("rows of the group", {"color": "0.35", "linestyle": "--"}),
    "prior": ("normal distribution of all groups", {"color": POPULATION}),
    "conditional": ("both together", {"color": CONDITIONAL, "linewidth": 2.2}),
    "laplace": ("Laplace's normal curve", {"color": "black", "linestyle": ":"}),
}


def plot_compromise(curves, name, title, ax=None):
    """Draw likelihood, normal distribution and conditional density of one effect.

    Parameters
    ----------
    curves : DataFrame
        Columns value, likelihood, prior, conditional, and laplace where that is not
        the conditional density itself.
    name : str
        Of the effect.
    title : str
    ax : matplotlib Axes, optional
        Made by default.

    Returns
    -------
    matplotlib.figure.Figure
    """
    ax = one_axes(ax, (6.4, 4.0))
    ax.fill_between(curves.value, curves.conditional, color=CONDITIONAL, alpha=0.12)
    for key, (label, style) in CURVES.items():
        if key in curves:
            ax.plot(curves.value, curves[key], label=label, **style)
    ax.axvline(0.0, color="0.7", linewidth=0.8, zorder=0)
    ax.set_xlim(curves.value.min(), curves.value.max())
    ax.set_ylim(bottom=0.0)
    ax.set_xlabel(f"random effect: {name}")
    ax.set_ylabel("density (area one)")
    ax.set_title(title, fontsize="medium")
    ax.legend(fontsize="small")
    return ax.figure
