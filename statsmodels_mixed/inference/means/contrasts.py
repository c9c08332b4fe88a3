"""Coefficients of contrasts between means, by name or given."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from itertools import pairwise as neighbours

import numpy as np
import pandas as pd

from ...errors import DataError

POLYNOMIALS = ("linear", "quadratic", "cubic", "quartic", "degree 5", "degree 6")
OPERATOR = re.compile(r" [-+*/] ")


@dataclass(frozen=True, eq=False)
class Coefficients:
    """Contrasts between m means.

    Attributes
    ----------
    names : list of str
    matrix : ndarray, shape (k, m)
    adjust : str
        Adjustment for multiplicity that is usual for these.
    all_pairs : bool
        Whether they are all differences of two of the means, as Tukey's method has it.
    """

    names: list
    matrix: np.ndarray
    adjust: str = "none"
    all_pairs: bool = False

    @property
    def sum_to_zero(self):
        """Whether all are contrasts proper, not means or sums."""
        size = np.abs(self.matrix).sum(axis=1)
        return bool((np.abs(self.matrix.sum(axis=1)) <= 1e-8 * size).all())


def pairwise(labels, sign="-", ref=None):
    """All differences, an earlier mean minus a later one.

    Examples
    --------
    >>> pairwise(["a", "b", "c"]).names
    ['a - b', 'a - c', 'b - c']
    """
    identity, pairs = np.eye(len(labels)), list(combinations(range(len(labels)), 2))
    names = [f"{labels[i]} {sign} {labels[j]}" for i, j in pairs]
    rows = [identity[i] - identity[j] for i, j in pairs]
    matrix = np.reshape(rows, (len(pairs), len(labels)))
    return Coefficients(names, matrix, "tukey", all_pairs=True)


def treatment(labels, sign="-", ref=None):
    """Each mean minus that of a reference level, the first by default.

    Examples
    --------
    >>> treatment(["a", "b", "c"], ref=1).names
    ['a - b', 'c - b']
    """
    identity, base = np.eye(len(labels)), ref or 0
    others = [i for i in range(len(labels)) if i != base]
    names = [f"{labels[i]} {sign} {labels[base]}" for i in others]
    return Coefficients(names, identity[others] - identity[base], "dunnettx")


def consecutive(labels, sign="-", ref=None):
    """Each mean minus the one before.

    Examples
    --------
    >>> consecutive(["a", "b", "c"]).names
    ['b - a', 'c - b']
    """
    names = [f"{b} {sign} {a}" for a, b in neighbours(labels)]
    return Coefficients(names, np.diff(np.eye(len(labels)), axis=0), "sidak")


def effects(labels, sign="-", ref=None):
    """Each mean minus the mean of all.

    Examples
    --------
    >>> effects(["a", "b"]).matrix.tolist()
    [[0.5, -0.5], [-0.5, 0.5]]
    """
    m = len(labels)
    names = [f"{label} effect" for label in labels]
    return Coefficients(names, np.eye(m) - 1.0 / m, "fdr_bh")


def polynomial(labels, sign="-", ref=None):
    """Orthogonal polynomials in the position of the level, scaled to whole numbers.

    Levels count as equally spaced. The scale is that of R's emmeans.

    Examples
    --------
    >>> polynomial(["1", "2", "3", "4"]).matrix.tolist()
    [[-3.0, -1.0, 1.0, 3.0], [1.0, -1.0, -1.0, 1.0], [-1.0, 3.0, -3.0, 1.0]]
    """
    m = len(labels)
    degree = min(len(POLYNOMIALS), m - 1)
    x = np.arange(m) - (m - 1) / 2
    q, r = np.linalg.qr(np.vander(x, degree + 1, increasing=True))
    columns = (q * np.sign(np.diag(r)))[:, 1:].T
    matrix = np.reshape([_whole(c) for c in columns], (degree, m))
    return Coefficients(list(POLYNOMIALS[:degree]), matrix)


def _whole(column):
    """The smallest multiple of a column that is nearly in whole numbers."""
    column = column / column[column > 0.01].min()
    rest = np.abs(column - np.round(column)).max()
    while rest > 0.05:
        column = column / rest
        rest = np.abs(column - np.round(column)).max()
    return np.round(column)


CONTRASTS = {
    "pairwise": pairwise,
    "treatment": treatment,
    "consecutive": consecutive,
    "eff": effects,
    "poly": polynomial,
}


def coefficients(method, cells, sign="-", ref=None):
    """Contrasts by name, or as the user gives them.

    Parameters
    ----------
    method : str, dict, DataFrame or array_like
        One of `CONTRASTS`; or name to coefficients, one per cell; or a matrix with one
        row per contrast.
    cells : DataFrame, shape (m, ...)
        Levels of the means that are compared.
    sign : str
        Written between two levels: minus, or a fraction bar for ratios.
    ref : object, optional
        Reference level of ``"treatment"``: a level, or a tuple of them.

    Returns
    -------
    Coefficients

    Raises
    ------
    DataError
        Unknown method or level, or not one coefficient per cell.
    """
    labels = cell_labels(cells)
    named = isinstance(method, str)
    if ref is not None and method != "treatment":
        raise DataError("ref= is the reference level of method='treatment' only.")
    if named and method not in CONTRASTS:
        known = ", ".join(map(repr, CONTRASTS))
        raise DataError(
            f"method={method!r}: use {known}, or give coefficients as a dict or matrix."
        )
    if not named:
        return _given(method, labels)
    place = None if ref is None else _place(ref, cells, labels)
    return CONTRASTS[method]([_enclosed(label) for label in labels], sign, place)


def cell_labels(cells):
    """One text per row: the levels, with the name of the column before numbers."""
    texts = []
    for name in cells.columns:
        column = [_text(v) for v in cells[name]]
        texts.append([f"{name}{v}" for v in column] if _numeric(column) else column)
    if not texts:
        return ["overall"] * len(cells)
    return [" ".join(row) for row in zip(*texts, strict=True)]


def _text(value):
    return f"{value:g}" if isinstance(value, float) else str(value)


def _numeric(texts):
    try:
        [float(text) for text in texts]
    except ValueError:
        return False
    return True


def _enclosed(label):
    return f"({label})" if OPERATOR.search(label) else label


def _place(ref, cells, labels):
    """Position of a reference level, given as value, tuple or label."""
    for i, row in enumerate(cells.itertuples(index=False, name=None)):
        values = row[0] if len(row) == 1 else row
        if ref in (labels[i], " ".join(map(_text, row))) or ref == values:
            return i
    raise DataError(f"ref={ref!r} is none of the levels {', '.join(labels)}.")


def _given(method, labels):
    names = None
    if isinstance(method, Mapping):
        names, method = list(map(str, method)), list(method.values())
    elif isinstance(method, pd.DataFrame):
        names = list(map(str, method.index))
    try:
        matrix = np.atleast_2d(np.asarray(method, dtype=float))
    except (TypeError, ValueError):
        matrix = np.empty((0, 0))
    if matrix.ndim != 2 or matrix.shape[1] != len(labels) or not len(matrix):
        raise DataError(
            f"method: give {len(labels)} numbers per contrast, for "
            f"{', '.join(labels)}, in this order."
        )
    if not np.isfinite(matrix).all():
        raise DataError("method: the coefficients have missing or infinite values.")
    return Coefficients(names or [_formula(row, labels) for row in matrix], matrix)


def _formula(row, labels):
    """A contrast without a name, written out."""
    parts = [f"{c:+.4g}*{label}" for c, label in zip(row, labels, strict=True) if c]
    return " ".join(parts) or "0"
