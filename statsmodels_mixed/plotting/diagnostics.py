"""Classical pictures of residuals and conditional modes."""

from __future__ import annotations

import numpy as np
from scipy import stats

from .panels import MARKERS, PALETTE, one_axes, panels

POINT, CURVE, BAND = *PALETTE[:2], "0.85"
MANY = 5000  # points of a QQ plot, and rows of a smooth curve, at most
FEW = 25  # levels that are named along the axis
NAMED = 40  # groups whose names can still be read
FLATTEST = 1e-12


def _scatter(ax, x, y):
    """Points, smaller and paler the more there are."""
    size = float(np.clip(2000.0 / len(x), 3.0, 16.0))
    alpha = float(np.clip(800.0 / len(x), 0.08, 0.7))
    style = {"s": size, "alpha": alpha, "linewidths": 0, "rasterized": len(x) > MANY}
    ax.scatter(x, y, color=POINT, **style)


def _smooth(ax, x, y):
    """A lowess curve, where there is something to smooth over."""
    if len(np.unique(x)) < 4:
        return
    from statsmodels.nonparametric.smoothers_lowess import lowess

    pick = _thin(len(x))
    order = np.argsort(x, kind="stable")[pick]
    reach = 0.01 * (x.max() - x.min())
    curve = lowess(y[order], x[order], frac=2 / 3, delta=reach)
    ax.plot(*curve.T, color=CURVE, lw=1.6)


def _thin(n):
    """Places of at most `MANY` among n ordered ones, the ends included."""
    if n <= MANY:
        return np.arange(n)
    return np.unique(np.linspace(0, n - 1, MANY).round().astype(int))


def plot_residuals(
    fitted,
    resid,
    ax=None,
    *,
    smooth=True,
    xlabel="fitted value",
    ylabel="residual",
):
    """Residuals against fitted values, with a lowess curve.

    Parameters
    ----------
    fitted, resid : array_like, shape (n,)
    ax : matplotlib Axes, optional
        Made by default.
    smooth : bool
        Whether to draw the curve.
    xlabel, ylabel : str

    Returns
    -------
    matplotlib.figure.Figure
    """
    ax = one_axes(ax)
    fitted, resid = np.asarray(fitted, float), np.asarray(resid, float)
    ax.axhline(0.0, color="0.6", lw=0.8)
    _scatter(ax, fitted, resid)
    if smooth:
        _smooth(ax, fitted, resid)
    ax.set_xlabel(xlabel)
    ax.set_ylabel(ylabel)
    return ax.figure


def plot_scale_location(fitted, resid, ax=None, *, xlabel="fitted value", ylabel=None):
    """Roots of the sizes of standardised residuals: is their spread constant?

    Parameters
    ----------
    fitted, resid : array_like, shape (n,)
        Residuals of unit variance.
    ax : matplotlib Axes, optional
    xlabel, ylabel : str, optional

    Returns
    -------
    matplotlib.figure.Figure
    """
    ax = one_axes(ax)
    fitted, size = np.asarray(fitted, float), np.sqrt(np.abs(resid))
    _scatter(ax, fitted, size)
    _smooth(ax, fitted, size)
    ax.set_ylim(bottom=0.0)
    ax.set_xlabel(xlabel)
    ax.set_ylabel(ylabel or "root of |standardised residual|")
    return ax.figure


def plot_qq(values, ax=None, *, ylabel="standardised residual"):
    """Sorted values against normal quantiles, with a pointwise 95% band.

    Parameters
    ----------
    values : array_like, shape (n,)
        Standard normal if the model is right.
    ax : matplotlib Axes, optional
    ylabel : str

    Returns
    -------
    matplotlib.figure.Figure
    """
    ax, values = one_axes(ax), np.sort(np.asarray(values, float))
    n = len(values)
    pick = _thin(n)
    rank = pick + 1.0
    x = stats.norm.ppf((rank - 0.375) / (n + 0.25))
    ends = [stats.beta.ppf(tail, rank, n + 1.0 - rank) for tail in (0.025, 0.975)]
    ax.fill_between(x, *stats.norm.ppf(ends), color=BAND, lw=0)
    ax.plot(x, x, color="0.4", lw=1.0)
    _scatter(ax, x, values[pick])
    ax.set_xlabel("normal quantile")
    ax.set_ylabel(ylabel)
    return ax.figure


def plot_modes_qq(table, axes=None):
    """Conditional modes with intervals against normal quantiles, a panel per effect.

    Parameters
    ----------
    table : DataFrame
        Columns group, effect, mode, lower, upper, quantile.
    axes : array_like of matplotlib Axes, optional
        One per effect; made by default.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    MixedModelError
        matplotlib is not installed, or there are too few axes.
    """
    parts = list(table.groupby(["group", "effect"], sort=False))
    axes = panels(axes, len(parts), "effects", size=(3.8, 3.5))
    for ax, ((group, effect), part) in zip(axes, parts, strict=True):
        mode = part["mode"].to_numpy()
        reach = [mode - part.lower, part.upper - mode]
        ax.axhline(0.0, color="0.6", lw=0.8)
        ax.errorbar(part["quantile"], mode, reach, fmt="o", color=POINT, ms=3.5, lw=0.9)
        _line(ax, part["quantile"], mode)
        ax.set_xlabel("normal quantile")
        ax.set_ylabel(f"conditional mode of {effect}")
        ax.set_title(group, fontsize="medium")
    return axes[0].figure


def _line(ax, x, y):
    """The normal of mean 0 and the spread of the sample."""
    spread = np.std(y)
    if spread > 0:
        ends = np.array([x.min(), x.max()])
        ax.plot(ends, spread * ends, color=CURVE, lw=1.2)


def plot_modes_together(table, ax=None):
    """Conditional modes of all effects in one QQ plot, each over its spread.

    Parameters
    ----------
    table : DataFrame
        Columns group, effect, mode, quantile. Effects without spread are left out.
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib.figure.Figure
    """
    ax, ends = one_axes(ax), [0.0, 0.0]
    parts = list(table.groupby(["group", "effect"], sort=False))
    for i, ((group, effect), part) in enumerate(parts):
        spread = np.std(part["mode"])
        if not spread > FLATTEST:
            continue
        x = part["quantile"]
        color, marker = PALETTE[i % len(PALETTE)], MARKERS[i % len(MARKERS)]
        label = f"{effect} | {group}"
        style = {"color": color, "marker": marker, "s": 14, "alpha": 0.75}
        ax.scatter(x, part["mode"] / spread, label=label, **style)
        ends = [min(ends[0], x.min()), max(ends[1], x.max())]
    ax.plot(ends, ends, color="0.4", lw=1.0)
    ax.set_xlabel("normal quantile")
    ax.set_ylabel("conditional mode / sd")
    if ax.get_legend_handles_labels()[1]:
        ax.legend(fontsize="x-small", loc="upper left")
    return ax.figure


def plot_by_group(resid, labels, name, ax=None, *, ylabel="standardised residual"):
    """Residuals by group: boxes, or means and spreads where groups are many.

    Parameters
    ----------
    resid, labels : array_like, shape (n,)
    name : str
        Of the grouping factor.
    ax : matplotlib Axes, optional
    ylabel : str

    Returns
    -------
    matplotlib.figure.Figure
    """
    ax, resid, labels = one_axes(ax), np.asarray(resid, float), np.asarray(labels)
    levels, codes = np.unique(labels, return_inverse=True)
    order = np.argsort(codes, kind="stable")
    counts = np.bincount(codes)
    ax.axhline(0.0, color="0.6", lw=0.8)
    if len(levels) <= NAMED:
        parts = np.split(resid[order], np.cumsum(counts)[:-1])
        _boxes(ax, parts, list(map(str, levels)))
    else:
        mean = np.bincount(codes, resid) / counts
        square = np.bincount(codes, resid**2) / counts
        sd = np.sqrt(np.maximum(square - mean**2, 0.0))
        place = np.arange(len(levels))
        rank = np.argsort(mean, kind="stable")
        low, high = mean - sd, mean + sd
        ax.vlines(place, low[rank], high[rank], color="0.75", lw=0.6)
        ax.plot(place, mean[rank], ".", color=POINT, ms=3)
        ax.set_xticks([])
        name = f"{name} ({len(levels)}, by mean; line: 1 sd)"
    ax.set_xlabel(name)
    ax.set_ylabel(ylabel)
    return ax.figure


def _boxes(ax, parts, names):
    style = {"color": POINT, "linewidth": 0.9}
    ax.boxplot(
        parts,
        widths=0.6,
        boxprops=style,
        whiskerprops=style,
        capprops=style,
        medianprops={"color": CURVE, "linewidth": 1.4},
        flierprops={"marker": ".", "markersize": 4, "markeredgecolor": POINT},
    )
    _named_ticks(ax, range(1, len(names) + 1), names)


def _named_ticks(ax, places, names):
    turned = max(map(len, names)) * len(names) > 40
    ax.set_xticks(
        places,
        names,
        rotation=90 if turned else 0,
        fontsize="small" if len(names) <= 20 else "xx-small",
    )


def plot_added_variable(table, slope, name, ax=None, *, ylabel="response"):
    """A covariate against the response, both adjusted for the other fixed effects.

    Parameters
    ----------
    table : DataFrame
        Columns covariate, response.
    slope : float
        Coefficient of the covariate.
    name, ylabel : str
        Of the covariate and the response.
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib.figure.Figure
    """
    ax = one_axes(ax)
    x, y = table.covariate.to_numpy(), table.response.to_numpy()
    _scatter(ax, x, y)
    ends = np.array([x.min(), x.max()])
    ax.plot(ends, slope * ends, color=CURVE, lw=1.6, label=f"slope {slope:.4g}")
    ax.set_xlabel(f"{name}, given the other effects")
    ax.set_ylabel(f"{ylabel}, given the other effects")
    ax.legend(fontsize="small")
    return ax.figure


def plot_binned(table, ax=None, *, xlabel="fitted probability"):
    """Mean residuals of bins with bounds of two standard errors.

    Parameters
    ----------
    table : DataFrame
        What bins are formed by, in the first column; columns resid, bound.
    ax : matplotlib Axes, optional
    xlabel : str

    Returns
    -------
    matplotlib.figure.Figure
    """
    ax = one_axes(ax)
    place = table.iloc[:, 0]
    ax.axhline(0.0, color="0.6", lw=0.8)
    for sign in (-1.0, 1.0):
        ax.plot(place, sign * table.bound, color="0.5", lw=1.0)
    outside = (table.resid.abs() > table.bound).to_numpy()
    for mine, color, mark in ((~outside, POINT, "o"), (outside, CURVE, "D")):
        ax.plot(place[mine], table.resid[mine], mark, color=color, ms=4)
    ax.set_xlabel(xlabel)
    ax.set_ylabel("mean residual of the bin")
    return ax.figure
