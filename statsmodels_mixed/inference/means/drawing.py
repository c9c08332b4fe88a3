"""Estimates as a table to draw."""

from __future__ import annotations

import pandas as pd

from ...plotting.means import plot_means
from .contrasts import cell_labels
from .printing import level_text


def draw(estimates, table, level, axes=None):
    """Points with intervals, a panel for each level of ``estimates.by``.

    Parameters
    ----------
    estimates : LinearEstimates
    table : DataFrame
        Its summary frame.
    level : float
        Of the intervals.
    axes : array_like of matplotlib Axes, optional

    Returns
    -------
    matplotlib.figure.Figure
    """
    labels, scale, value = estimates.labels, estimates.scale, estimates.value_name
    own = [name for name in labels if name not in estimates.by]
    columns = {"estimate": value, "lower": "lower", "upper": "upper"}
    shown = pd.DataFrame({name: table[of] for name, of in columns.items()})
    shown.insert(0, "label", cell_labels(labels[own]))
    shown.insert(0, "panel", _panel_names(labels[list(estimates.by)]))
    along = f"{value.replace('_', ' ')}{f' ({scale.axis})' if scale.axis else ''}"
    # contrasts say themselves what they are of
    levels_of = own[0] if len(own) == 1 and estimates.noun != "contrasts" else ""
    names = f"{along}, {100 * level:g}% interval", levels_of
    ratios = scale.sign == "/"
    zero = (1.0 if ratios else 0.0) if estimates.tested else None
    return plot_means(shown, names, zero, ratios, axes)


def _panel_names(cells):
    """Text such as ``dose = 2`` of the levels of each row."""
    columns = [[f"{n} = {level_text(v)}" for v in cells[n]] for n in cells]
    rows = zip(*columns, strict=True) if columns else [()] * len(cells)
    return [", ".join(row) for row in rows]
