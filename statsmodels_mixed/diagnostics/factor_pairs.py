"""How two grouping factors lie to each other: nested, crossed, or in between."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import sparse, stats
from scipy.sparse.csgraph import connected_components

from ..design.grouping import Grouping
from ..design.pairs import pair_index

RUNNING = 0.5  # share of the numbers up to the highest that label a level
START = 0.9  # share of labels of a level that are the first ones
FALL = -0.5  # rank correlation of number and occurrence where numbers start anew
CHANCE = 1e-3

_NUMBERED = re.compile(r"(\D*?)(\d+)")


@dataclass(frozen=True, eq=False)
class FactorPair:
    """Two grouping factors and the rows of each pair of their levels.

    Attributes
    ----------
    first, second : Grouping
        Of the same rows.
    counts : scipy.sparse.csr_array, shape (levels of first, levels of second)
        Rows of each pair; pairs that do not occur are not stored.
    """

    first: Grouping
    second: Grouping
    counts: sparse.csr_array

    @classmethod
    def of(cls, first, second):
        """Count the pairs of two factors of the same rows."""
        m = first.n_levels, second.n_levels
        rows, cols, index = pair_index(first.codes, second.codes, m[1])
        counts = np.bincount(index, minlength=len(rows))
        return cls(first, second, sparse.csr_array((counts, (rows, cols)), shape=m))

    @property
    def cells(self) -> int:
        """Number of pairs of levels that occur."""
        return self.counts.nnz

    @property
    def possible(self) -> int:
        """Number of pairs of levels there could be."""
        return self.first.n_levels * self.second.n_levels

    @property
    def rows(self) -> np.ndarray:
        """Rows of each pair that occurs, shape (cells,)."""
        return self.counts.data

    @cached_property
    def relation(self) -> str:
        """The same, nested, crossed or partially crossed."""
        first_within = self.cells == self.first.n_levels
        second_within = self.cells == self.second.n_levels
        if first_within and second_within:
            return "same"
        if first_within or second_within:
            return "nested"
        return "crossed" if self.cells == self.possible else "partially crossed"

    @cached_property
    def sets(self) -> int:
        """Number of sets of levels that are not linked by any row."""
        m, pairs = sum(self.counts.shape), self.counts.tocoo()
        ends = pairs.row, pairs.col + self.first.n_levels
        graph = sparse.coo_array((pairs.data, ends), shape=(m, m))
        return int(connected_components(graph, directed=False)[0])

    def turned(self) -> FactorPair:
        """The same pair, the second factor first."""
        return FactorPair(self.second, self.first, self.counts.T.tocsr())

    def inner_first(self) -> FactorPair:
        """The pair with the inner of two nested factors first."""
        return self if self.cells == self.first.n_levels else self.turned()


def label_numbers(grouping) -> np.ndarray | None:
    """Numbers of the levels where labels run on: 1, 2, ..., B1, B2, ..., a, b, ....

    Parameters
    ----------
    grouping : Grouping

    Returns
    -------
    ndarray of int, shape (m,), or None
        None where the labels are names: words, or numbers far from 1, 2, ....

    Examples
    --------
    >>> from statsmodels_mixed.design.grouping import code_factor
    >>> label_numbers(code_factor(["B1", "B2", "B3"], "plot")).tolist()
    [1, 2, 3]
    >>> label_numbers(code_factor(["north", "south"], "side")) is None
    True
    """
    texts = grouping.labels()
    numbers = _letters(texts) if len(texts[0]) == 1 else None
    numbers = _numbered(texts) if numbers is None else numbers
    if numbers is None or numbers.min() > 1:
        return None
    filled = len(numbers) / (numbers.max() - numbers.min() + 1)
    return numbers if filled >= RUNNING else None


def _letters(texts):
    for first in "aA":
        if all(len(t) == 1 and 0 <= ord(t) - ord(first) < 26 for t in texts):
            return np.array([ord(t) - ord(first) + 1 for t in texts])
    return None


def _numbered(texts):
    found = [_NUMBERED.fullmatch(text) for text in texts]
    if not all(found) or len({m[1] for m in found}) > 1:
        return None
    numbers = [int(m[2]) for m in found]
    return np.array(numbers) if max(numbers) < 10**12 else None


def starts_anew(pair, numbers) -> bool:
    """Whether the labels of the first factor look numbered anew in each level.

    Numbers that start anew are in each level of the second factor the first ones, or
    grow rarer the higher they are, which labels of units do not.

    Parameters
    ----------
    pair : FactorPair
    numbers : ndarray of int, shape (m,)
        As `label_numbers` gives them.
    """
    counts = pair.counts.tocsc()
    rank = stats.rankdata(numbers, method="dense")
    own = np.diff(counts.indptr)
    highest = np.maximum.reduceat(rank[counts.indices], counts.indptr[:-1])
    share = float(np.mean(own / highest))
    density = pair.cells / pair.possible
    if share >= START and share - density > 1.0 - START:
        return True
    occurrence = np.diff(pair.counts.indptr)
    if occurrence.min() == occurrence.max():
        return False
    fall = stats.spearmanr(rank, occurrence)
    return bool(fall.statistic <= FALL and fall.pvalue < CHANCE)


def hidden_nesting(pair):
    """Which factor may be nested in the other although its labels cross.

    Parameters
    ----------
    pair : FactorPair
        Crossed, or partially crossed; the outer factor first where the labels do not
        tell which it would be.

    Returns
    -------
    (FactorPair, bool) or None
        The pair with the inner factor first, and whether its labels start anew
        (otherwise they could, as every level meets every other in several rows).
    """
    turned = pair.turned()
    if pair.relation == "crossed":
        suspect = pair.rows.max() > 1 and label_numbers(turned.first) is not None
        return (turned, False) if suspect else None
    for inner in (turned, pair):
        numbers = label_numbers(inner.first)
        if numbers is not None and starts_anew(inner, numbers):
            return inner, True
    return None
