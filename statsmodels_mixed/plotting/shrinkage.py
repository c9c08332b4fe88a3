"""Where the estimates of groups go: from their own rows towards the population."""

from __future__ import annotations

import numpy as np

from .panels import CONDITIONAL, DATA, POPULATION, one_axes, share_legend

NAMED = 24  # points whose names can still be read
LINES = 60  # levels below each other, likewise
TALL = 0.8  # of the tick of the population of a level
_TURN = np.linspace(0.0, 2.0 * np.pi, 201)
CIRCLE = np.column_stack([np.cos(_TURN), np.sin(_TURN)])
SHARES = {0.5: np.sqrt(2.0 * np.log(2.0)), 0.95: np.sqrt(-2.0 * np.log(0.05))}
LABELS = {
    "separate": "least squares in the group",
    "partial": "mixed model",
    "population": "population",
}
STYLES = {
    "separate": {"marker": "o", "color": DATA, "fillstyle": "none", "markersize": 5},
    "partial": {"marker": "o", "color": CONDITIONAL, "markersize": 5},
    "population": {"marker": "D", "color": POPULATION, "markersize": 7},
}


def plot_shrinkage(estimates, covariance, names, group, ax=None, note=""):
    """Draw arrows from the estimates of single groups to those of a mixed model.

    Parameters
    ----------
    estimates : dict of str to ndarray, shape (m, k)
        "separate", "partial" and "population": one or two coefficients of each level.
        Levels that cannot be fitted alone are NaN in "separate".
    covariance : ndarray, shape (k, k)
        Of the random effects, to draw ellipses around the population.
    names : sequence of str
        Of the coefficients.
    group : Index, shape (m,)
        Labels of the levels, its name that of the factor.
    ax : matplotlib Axes, optional
        Made by default.
    note : str
        Written above the axes.

    Returns
    -------
    matplotlib.figure.Figure
    """
    own = _DRAWN[len(names)](ax, estimates, covariance, names, group)
    share_legend([own], ax is not None, group.name)
    own.set_xlabel(names[0])
    if note:
        own.set_title(note, fontsize="small", color="0.3")
    return own.figure


def _on_a_line(ax, estimates, covariance, names, group):
    """One coefficient: levels on the vertical axis, in the order of the model's."""
    m = len(group)
    ax = one_axes(ax, (6.0, 1.4 + 0.2 * min(max(m, 8), LINES)))
    order = np.argsort(estimates["partial"][:, 0], kind="stable")
    heights = np.arange(m)
    flat = {
        key: np.column_stack([v[order, 0], heights]) for key, v in estimates.items()
    }
    centre = flat.pop("population")
    _populations(ax, centre[:, 0], np.sqrt(covariance[0, 0]))
    _arrows(ax, flat["separate"], flat["partial"])
    for key, points in flat.items():
        ax.plot(*points.T, linestyle="none", label=LABELS[key], **STYLES[key])
    named = m <= LINES
    ax.set_yticks(
        heights if named else [], group[order] if named else [], fontsize="small"
    )
    ax.set_ylim(-0.8, m - 0.2)
    ax.set_ylabel(group.name)
    ax.grid(axis="x", alpha=0.25)
    return ax


def _populations(ax, middle, sd):
    """A tick for each level, as levels differ in their covariates, and one sd."""
    heights = np.arange(len(middle))
    ax.barh(heights, 2.0 * sd, TALL, middle - sd, color=POPULATION, alpha=0.12, lw=0)
    ends = heights - 0.5 * TALL, heights + 0.5 * TALL
    label = LABELS["population"]
    ax.vlines(middle, *ends, color=POPULATION, label=label, linewidth=1.8)


def _in_a_plane(ax, estimates, covariance, names, group):
    ax = one_axes(ax, (6.8, 5.4))
    centres = _distinct(estimates["population"])
    half = _half(covariance)
    for centre in centres:
        for share, radius in SHARES.items():
            ring = centre + radius * CIRCLE @ half.T
            ax.plot(*ring.T, color=POPULATION, linewidth=0.9, alpha=0.6)
            top = ring[np.argmax(ring[:, 1])]
            ax.annotate(
                f"{share:.0%}", top, fontsize="x-small", color=POPULATION, ha="center",
                va="bottom", xytext=(0, 1), textcoords="offset points",
            )  # fmt: skip
    _arrows(ax, estimates["separate"], estimates["partial"])
    for key, label in LABELS.items():
        points = centres if key == "population" else estimates[key]
        ax.plot(*points.T, linestyle="none", label=label, **STYLES[key])
    if len(group) <= NAMED:
        _name_points(ax, estimates, group)
    ax.set_ylabel(names[1])
    ax.grid(alpha=0.25)
    return ax


def _distinct(points):
    """Points without those that differ by rounding error only."""
    unit = 1e-8 * np.abs(points).max(axis=0)
    unit[unit == 0] = 1.0
    return points[np.unique(np.rint(points / unit), axis=0, return_index=True)[1]]


def _half(covariance):
    values, vectors = np.linalg.eigh(covariance)
    return vectors * np.sqrt(np.maximum(values, 0.0))


def _arrows(ax, start, end):
    known = np.isfinite(start).all(axis=1)
    ax.quiver(
        *start[known].T,
        *(end - start)[known].T,
        angles="xy",
        scale_units="xy",
        scale=1.0,
        width=0.0028,
        color="0.6",
        zorder=1.5,
    )


def _name_points(ax, estimates, group):
    """Names next to the outer ends of the arrows, on the side away from the middle."""
    ends = np.where(
        np.isfinite(estimates["separate"]),
        estimates["separate"],
        estimates["partial"],
    )
    away = ends - estimates["partial"]
    for name, end, move in zip(group, ends, away, strict=True):
        left = move[0] < 0
        ax.annotate(
            name,
            end,
            xytext=(-5 if left else 5, 3 if move[1] >= 0 else -3),
            textcoords="offset points",
            ha="right" if left else "left",
            va="bottom" if move[1] >= 0 else "top",
            fontsize="x-small",
            color="0.25",
        )


_DRAWN = {1: _on_a_line, 2: _in_a_plane}
