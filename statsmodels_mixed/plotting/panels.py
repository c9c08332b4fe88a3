"""Axes for pictures of several panels, and the colours of all of them."""

from __future__ import annotations

import numpy as np

from ..errors import DataError, MixedModelError

COLUMNS = 3  # panels side by side, at most
# told apart by colour-blind readers too (Okabe and Ito)
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
MARKERS = "osD^vP*X"
POPULATION, CONDITIONAL, DATA = "#D55E00", "#0072B2", "0.45"


def _pyplot():
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        raise MixedModelError(
            "Pictures need matplotlib: pip install 'statsmodels-mixed[plot]'."
        ) from error
    return plt


def check_axes(axes):
    """Axes that were given, as a flat array.

    Raises
    ------
    DataError
        Something that is not matplotlib Axes.
    """
    from matplotlib.axes import Axes

    flat = np.ravel(np.asarray(axes, dtype=object))
    for ax in flat:
        if not isinstance(ax, Axes):
            raise DataError(
                f"ax= or axes= is of type {type(ax).__name__}, not matplotlib Axes: "
                "leave it out, or make some with matplotlib.pyplot.subplots()."
            )
    return flat


def one_axes(ax, size=(6.4, 4.4)):
    """The axes given, or those of a new figure.

    Raises
    ------
    DataError
        Something that is not matplotlib Axes, or several of them.
    """
    if ax is None:
        return _pyplot().subplots(figsize=size, layout="constrained")[1]
    flat = check_axes(ax)
    if len(flat) != 1:
        raise DataError(f"This picture needs one axes; {len(flat)} were given.")
    return flat[0]


def panels(axes, count, what, size=(3.4, 2.6), columns=COLUMNS, **options):
    """As many axes as there are panels: those given, or new ones.

    Parameters
    ----------
    axes : array_like of matplotlib Axes, or None
    count : int
    what : str
        What there is one panel for, in the plural.
    size : tuple of float
        Width and height of a new panel in inches.
    columns : int
        Most panels side by side.
    **options
        Of ``pyplot.subplots``.

    Returns
    -------
    ndarray of Axes, shape (count,)

    Raises
    ------
    MixedModelError
        matplotlib is not installed, or there are too few axes.
    DataError
        Something that is not matplotlib Axes.
    """
    if axes is None:
        axes = _new_panels(count, size, min(columns, count), options)
    axes = check_axes(axes)
    if len(axes) < count:
        raise MixedModelError(
            f"{count} {what} need as many axes; {len(axes)} were given."
        )
    return axes[:count]


def _new_panels(count, size, columns, options):
    rows = -(-count // columns)
    figure, axes = _pyplot().subplots(
        rows,
        columns,
        figsize=(size[0] * columns, 0.4 + size[1] * rows),
        squeeze=False,
        layout="constrained",
        **options,
    )
    for spare in axes.ravel()[count:]:
        figure.delaxes(spare)
    return axes.ravel()


def share_legend(axes, given, title=None):
    """A legend above all panels, or within the first of axes that were given."""
    entries = axes[0].get_legend_handles_labels()
    options = {"fontsize": "small", "title": title, "title_fontsize": "medium"}
    if given:
        axes[0].legend(*entries, **options)
    else:
        options |= {"loc": "outside upper center", "ncols": len(entries[1])}
        axes[0].figure.legend(*entries, frameon=False, **options)
