"""Which levels of two grouping factors were observed together."""

from __future__ import annotations

import numpy as np

from ..errors import MixedModelError
from .panels import _pyplot, check_axes

NAMED = 30  # levels whose names can still be read
WRITTEN = 150  # cells with their number of rows written in them
FINEST = 250  # levels beyond it share a strip of the picture


def plot_incidence(pairs, axes=None):
    """Draw the rows of each pair of levels, a panel for each pair of factors.

    Nested factors give a staircase, crossed ones a full rectangle, what lies between
    has holes. Levels are sorted so that those that were observed together are near each
    other; where there are many of them, a strip of the picture stands for several.

    Parameters
    ----------
    pairs : FactorPair or sequence of FactorPair
        As of `describe_design`.
    axes : matplotlib Axes or array_like of them, optional
        One per pair; made by default.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    MixedModelError
        matplotlib is not installed, there is no pair, or there are too few axes.
    """
    pairs = list(pairs) if isinstance(pairs, (tuple, list)) else [pairs]
    if not pairs:
        raise MixedModelError(
            "There is one grouping factor only, so there is no pair to draw."
        )
    own_figure = axes is None
    axes = _panels(pairs) if own_figure else check_axes(axes)
    if len(axes) < len(pairs):
        raise MixedModelError(
            f"{len(pairs)} pairs need as many axes; {len(axes)} were given."
        )
    for ax, pair in zip(axes, pairs, strict=False):
        _draw(ax, pair)
    return axes[0].figure


def arrange(counts):
    """Orders of the levels that bring those observed together near each other.

    Parameters
    ----------
    counts : scipy.sparse.csr_array, shape (m1, m2)

    Returns
    -------
    rows, cols : ndarray of int
        Rows stay in order but for their set, columns follow the rows they meet.
    """
    first = np.minimum.reduceat(counts.indices, counts.indptr[:-1])
    rows = np.lexsort((np.arange(counts.shape[0]), first))
    place = np.empty_like(rows)
    place[rows] = np.arange(len(rows))
    other = counts.tocsc()
    met = np.add.reduceat(place[other.indices], other.indptr[:-1])
    cols = np.argsort(met / np.diff(other.indptr), kind="stable")
    return rows, cols


def _draw(ax, pair):
    # the factor with more levels along the wider axis
    if pair.first.n_levels > pair.second.n_levels:
        pair = pair.turned()
    rows, cols = arrange(pair.counts)
    image, strips = _image(pair.counts, rows, cols)
    shown, written = np.ma.masked_equal(image, 0), image.size <= WRITTEN
    top = shown.max()
    colors = ax.imshow(
        shown,
        cmap="Blues",
        vmin=-0.2 * top,  # a cell with few rows is not white
        vmax=1.3 * top,
        aspect="equal" if written else "auto",
        interpolation="nearest",
    )
    if written:
        _write_counts(ax, image)
    elif shown.min() < top:
        _legend(ax, colors, top, max(strips))
    _name_levels(ax.yaxis, pair.first, rows, strips[0])
    _name_levels(ax.xaxis, pair.second, cols, strips[1])
    ax.set_title(_title(pair), fontsize="medium")


def _image(counts, rows, cols):
    """Rows of each cell, or square of strips of levels, and levels per strip."""
    strips = [-(-len(order) // FINEST) for order in (rows, cols)]
    pairs = counts.tocoo()
    at = []
    for index, order, strip in zip(
        (pairs.row, pairs.col), (rows, cols), strips, strict=True
    ):
        place = np.empty(len(order), dtype=np.intp)
        place[order] = np.arange(len(order)) // strip
        at.append(place[index])
    shape = [-(-len(o) // s) for o, s in zip((rows, cols), strips, strict=True)]
    image = np.zeros(shape, dtype=np.int64)
    np.add.at(image, tuple(at), pairs.data)
    return image, strips


def _write_counts(ax, image):
    top = image.max()
    for i, j in zip(*np.nonzero(image), strict=True):
        color = "white" if image[i, j] > 0.75 * top else "black"
        ax.text(j, i, image[i, j], ha="center", va="center", color=color, fontsize=8)


def _legend(ax, colors, top, strip):
    label = "rows per cell" if strip == 1 else "rows"
    bar = ax.figure.colorbar(colors, ax=ax, label=label, shrink=0.8)
    bar.ax.set_ylim(0, top)
    bar.ax.yaxis.get_major_locator().set_params(integer=True)


def _name_levels(axis, grouping, order, strip):
    few = strip == 1 and len(order) <= NAMED
    names = grouping.labels()[order] if few else []
    axis.set_ticks(np.arange(len(names)), names, fontsize="small")
    if few and axis.axis_name == "x" and sum(map(len, names)) > 40:
        axis.set_tick_params(rotation=90)
    levels = "" if few else f" ({len(order)} levels)"
    axis.set_label_text(f"{grouping.name}{levels}")


def _title(pair):
    low, high = int(pair.rows.min()), int(pair.rows.max())
    number = f"{low}" if low == high else f"{low} to {high}"
    per_cell = f"{number} {'row' if high == 1 else 'rows'} per cell"
    inner = pair.inner_first()
    how = {
        "nested": f"{inner.first.name} nested in {inner.second.name}",
        "same": f"{pair.first.name} and {pair.second.name}: the same groups",
    }
    between = f"{pair.first.name} and {pair.second.name}: {pair.relation}"
    return f"{how.get(pair.relation, between)}, {per_cell}"


def _panels(pairs):
    plt = _pyplot()
    heights = [_height(pair) for pair in pairs]
    _, axes = plt.subplots(
        len(pairs),
        1,
        figsize=(7.2, sum(heights)),
        squeeze=False,
        layout="constrained",
        gridspec_kw={"height_ratios": heights},
    )
    return axes.ravel()


def _height(pair):
    fewer = min(pair.first.n_levels, pair.second.n_levels)
    return 1.5 + 0.22 * min(fewer, NAMED)
