"""Frames that print whole, with a heading and notes."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import pandas as pd

SMALLEST = 1e-4


def format_pvalue(p):
    """A p-value as it stands in a report.

    Examples
    --------
    >>> format_pvalue(3.2e-7), format_pvalue(0.04)
    ('<0.0001', '0.0400')
    """
    if np.isnan(p):
        return ""
    return f"<{SMALLEST}" if p < SMALLEST else f"{p:.4f}"


def format_df(df):
    """Degrees of freedom: whole numbers as such, others to two decimals.

    Examples
    --------
    >>> format_df(17.000001), format_df(14.263), format_df(np.inf)
    ('17', '14.26', 'inf')
    """
    if np.isnan(df):
        return ""
    return f"{df:.2f}".removesuffix(".00")


def format_figure(x):
    """A figure to six significant digits."""
    return "" if np.isnan(x) else f"{x:.6g}"


def _formatter(name):
    if name.startswith(("pvalue", "p_value")):
        return format_pvalue
    return format_df if name == "df" or name.endswith("_df") else format_figure


class PrintedFrame(pd.DataFrame):
    """A DataFrame that prints all its columns, with a title and notes.

    Whatever is computed from it is a plain DataFrame.

    Attributes
    ----------
    title : str
    notes : tuple of str
    """

    _metadata: ClassVar = ["title", "notes"]

    @property
    def _constructor(self):
        return pd.DataFrame

    def __repr__(self):
        formats = {
            name: _formatter(str(name))
            for name in self.columns
            if self[name].dtype.kind == "f"
        }
        text = self.to_string(formatters=formats, na_rep="")
        return "\n".join([self.title, "", text, *self._foot()])

    def _repr_html_(self):
        caption = f"<p>{self.title}</p>"
        return caption + pd.DataFrame(self)._repr_html_() + "<br>".join(self._foot())

    def _foot(self):
        return ["", *self.notes] if self.notes else []


def printed(frame, title, notes=()):
    """The frame, with a heading and notes for those who print it.

    Parameters
    ----------
    frame : DataFrame
    title : str
    notes : sequence of str

    Returns
    -------
    PrintedFrame

    Examples
    --------
    >>> printed(pd.DataFrame({"df": [17.0000001]}, index=["Days"]), "Tests")
    Tests
    <BLANKLINE>
          df
    Days  17
    """
    out = PrintedFrame(frame)
    out.title, out.notes = title, tuple(notes)
    return out
