"""Coefficients of contrasts between means, by name or given."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd

from ...errors import DataError
from ..options import chosen
from .printing import level_text

POLYNOMIALS = ("linear", "quadratic", "cubic", "quartic", "degree 5", "degree 6")
LONGEST = 60  # name of a contrast that is made up from its coefficients
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


def _compared(labels, pairs, sign, adjust, all_pairs=False):
    """Differences of one mean and another, for pairs of positions."""
    identity = np.eye(len(labels))
    names = [f"{labels[i]} {sign} {labels[j]}" for i, j in pairs]
    rows = [identity[i] - identity[j] for i, j in pairs]
    matrix = np.reshape(rows, (len(pairs), len(labels)))
    return Coefficients(names, matrix, adjust, all_pairs)


def _turned(pairs, reverse):
    return [pair[::-1] for pair in pairs] if reverse else pairs


def pairwise(labels, sign="-", ref=None, reverse=False):
    """All differences, an earlier mean minus a later one; reversed, a later first.

    Examples
    --------
    >>> pairwise(["a", "b", "c"]).names
    ['a - b', 'a - c', 'b - c']
    >>> pairwise(["a", "b", "c"], reverse=True).names
    ['b - a', 'c - a', 'c - b']
    """
    pairs = list(combinations(range(len(labels)), 2))
    if reverse:  # in the order of the first, as emmeans has it
        pairs = sorted(_turned(pairs, True))
    return _compared(labels, pairs, sign, "tukey", all_pairs=True)


def treatment(labels, sign="-", ref=None, reverse=False):
    """Each mean minus that of a reference level, the first by default.

    Examples
    --------
    >>> treatment(["a", "b", "c"], ref=1).names
    ['a - b', 'c - b']
    """
    base = ref or 0
    pairs = [(i, base) for i in range(len(labels)) if i != base]
    return _compared(labels, _turned(pairs, reverse), sign, "dunnettx")


def consecutive(labels, sign="-", ref=None, reverse=False):
    """Each mean minus the one before.

    Examples
    --------
    >>> consecutive(["a", "b", "c"]).names
    ['b - a', 'c - b']
    """
    pairs = [(i, i - 1) for i in range(1, len(labels))]
    return _compared(labels, _turned(pairs, reverse), sign, "sidak")


def effects(labels, sign="-", ref=None, reverse=False):
    """Each mean minus the mean of all.

    Examples
    --------
    >>> effects(["a", "b"]).matrix.tolist()
    [[0.5, -0.5], [-0.5, 0.5]]
    """
    m = len(labels)
    names = [f"{label} effect" for label in labels]
    return Coefficients(names, np.eye(m) - 1.0 / m, "fdr_bh")


def polynomial(labels, sign="-", ref=None, reverse=False):
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
DIFFERENCES = ("pairwise", "treatment", "consecutive")  # these can be reversed
# Names that R's emmeans has for them
ALIASES = {
    "tukey": "pairwise",
    "trt.vs.ctrl": "treatment",
    "trt.vs.ctrl1": "treatment",
    "dunnett": "treatment",
    "consec": "consecutive",
}
LAST = object()  # the last level as reference, whatever it is
# Names for a method with an argument
VARIANTS = {
    "revpairwise": ("pairwise", {"reverse": True}),
    "trt.vs.ctrlk": ("treatment", {"ref": LAST}),
}


@dataclass(frozen=True, eq=False)
class Method:
    """How to make contrasts, read from what a user gives.

    Attributes
    ----------
    how : str, dict, DataFrame or array_like
        One of `CONTRASTS`; or name to coefficients, one per cell; or a matrix with one
        row per contrast.
    ref : object
        Reference level of ``"treatment"``: a level, or a tuple of them; None for the
        first.
    reverse : bool
        Whether differences have the other sign.
    """

    how: object
    ref: object = None
    reverse: bool = False

    @classmethod
    def read(cls, method, ref=None, reverse=False):
        """Names of R's emmeans, and in upper case, are known too.

        Raises
        ------
        DataError
            Unknown methods; arguments that a method does not have.
        """
        if isinstance(method, str):
            method, given = VARIANTS.get(method.lower(), (method, {}))
            ref = given.get("ref", ref) if ref is None else ref
            reverse = given.get("reverse", reverse)
            method = _known(method)
        named = isinstance(method, str)
        if ref is not None and not (named and method == "treatment"):
            raise DataError("ref= is the reference level of method='treatment' only.")
        if reverse and not (named and method in DIFFERENCES):
            raise DataError(
                "reverse= turns differences round: it is for method= "
                f"{', '.join(map(repr, DIFFERENCES))}."
            )
        return cls(method, ref, reverse)

    def coefficients(self, cells, sign="-"):
        """Contrasts of some means.

        Parameters
        ----------
        cells : DataFrame, shape (m, ...)
            Levels of the means that are compared.
        sign : str
            Written between two levels: minus, or a fraction bar for ratios.

        Returns
        -------
        Coefficients

        Raises
        ------
        DataError
            Unknown reference level, or not one coefficient per cell.
        """
        # "1 / 2" would be read as a half
        labels = [_enclosed(x) for x in cell_labels(cells, full=sign != "-")]
        if not isinstance(self.how, str):
            return _given(self.how, cells, labels, sign)
        place = None if self.ref is None else _place(self.ref, cells)
        return CONTRASTS[self.how](labels, sign, place, self.reverse)


def _known(method):
    try:
        return chosen("method", method, CONTRASTS, ALIASES)
    except DataError:
        known = ", ".join(map(repr, CONTRASTS))
        raise DataError(
            f"method={method!r}: use {known}, or give coefficients as a dict or matrix."
        ) from None


def cell_labels(cells, full=False):
    """One text per row: the levels, as tables have them.

    Numbers have the name of their column before them if `full`, or if there are
    several columns to tell apart.

    Examples
    --------
    >>> cells = pd.DataFrame({"dose": [0.0, 0.2]})
    >>> cell_labels(cells), cell_labels(cells, full=True)
    (['0.0', '0.2'], ['dose0', 'dose0.2'])
    """
    texts = [[level_text(v) for v in cells[name]] for name in cells.columns]
    if not texts:
        return ["overall"] * len(cells)
    if full or len(texts) > 1:
        texts = [
            [f"{name}{_short(v)}" for v in column] if _numeric(column) else column
            for name, column in zip(cells.columns, texts, strict=True)
        ]
    return [" ".join(row) for row in zip(*texts, strict=True)]


def _short(text):
    return text.removesuffix(".0")


def _numeric(texts):
    try:
        [float(text) for text in texts]
    except ValueError:
        return False
    return True


def _enclosed(label):
    return f"({label})" if OPERATOR.search(label) or label[:1] == "-" else label


def _place(ref, cells):
    """Position of a reference level, given as value, tuple or label."""
    if ref is LAST:
        return len(cells) - 1
    labels, full = cell_labels(cells), cell_labels(cells, full=True)
    for i, row in enumerate(cells.itertuples(index=False, name=None)):
        values = row[0] if len(row) == 1 else row
        short = " ".join(_short(level_text(v)) for v in row)
        if ref in (labels[i], full[i], short) or ref == values:
            return i
    raise DataError(f"ref={ref!r} is none of the levels {', '.join(labels)}.")


def _given(method, cells, labels, sign):
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
    if names is None:
        full = [_enclosed(label) for label in cell_labels(cells, full=True)]
        names = [
            _written(row, labels, full, sign, number)
            for number, row in enumerate(matrix, 1)
        ]
    return Coefficients(names, matrix)


def _written(row, labels, full, sign, number):
    """A contrast without a name, written out: ``a - b``, ``0.5*a + 0.5*b - c``."""
    used = np.flatnonzero(row)
    if len(used) == 2 and sorted(row[used]) == [-1.0, 1.0]:
        i, j = sorted(used, key=lambda k: -row[k])
        return f"{labels[i]} {sign} {labels[j]}"
    text = ""
    for k in used:  # beside a coefficient a level that is a number needs its name
        size = "" if abs(row[k]) == 1.0 else f"{abs(row[k]):.3g}*"
        before = ("-", " - ") if row[k] < 0 else ("", " + ")
        text += f"{before[bool(text)]}{size}{full[k]}"
    return text if 0 < len(text) <= LONGEST else f"contrast {number}"
