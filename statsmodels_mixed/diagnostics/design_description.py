"""Description of the grouping factors of data, before anything is fitted."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from ..plotting.incidence import plot_incidence
from .design_advice import all_findings
from .design_factors import read_factors
from .factor_pairs import FactorPair

_PAIR_COLUMNS = (
    "first",
    "second",
    "relation",
    "cells",
    "possible",
    "share",
    "min_rows",
    "median_rows",
    "max_rows",
    "sets",
    "in_words",
)


@dataclass(frozen=True, eq=False)
class DesignDescription:
    """How the grouping factors of data lie to each other; made by `describe_design`.

    Attributes
    ----------
    nobs : int
        Complete rows.
    nobs_given : int
        Rows of the data.
    factors : DataFrame
        One row per factor, crossed ones included: levels, rows per level
        (``min_rows``, ``median_rows``, ``max_rows``), ``single_row`` (levels with one
        row), ``balanced`` (as many rows in each level), ``grouping`` (whether it groups
        a random term, or is only crossed in one).
    pairs : DataFrame
        One row per pair: ``relation`` (nested, crossed, partially crossed, same),
        ``cells`` (pairs of levels that occur) of ``possible`` ones, their ``share``,
        rows per cell, ``sets`` (sets of levels that no row links), ``in_words``. The
        inner one of nested factors is ``first``.
    findings : tuple of Finding
        What to mind, with advice.
    """

    nobs: int
    nobs_given: int
    factors: pd.DataFrame
    pairs: pd.DataFrame
    findings: tuple
    _pairs: tuple = field(repr=False)

    def pair(self, first: str, second: str) -> FactorPair:
        """Counts of one pair of factors, by their names in any order.

        Raises
        ------
        KeyError
            There is no such pair.
        """
        for pair in self._pairs:
            for p in (pair, pair.turned()):
                if (p.first.name, p.second.name) == (first, second):
                    return p
        known = ", ".join(f"{p.first.name} and {p.second.name}" for p in self._pairs)
        raise KeyError(
            f"no pair {first!r} and {second!r}; there are: {known or 'none'}"
        )

    def plot(self, axes=None):
        """Draw the rows of each pair of levels; see `plot_incidence`."""
        return plot_incidence(self._pairs, axes)

    def __repr__(self):
        lost = self.nobs_given - self.nobs
        head = f"Design of {self.nobs} rows"
        head += f" ({lost} incomplete rows left out)" if lost else ""
        names = {"min_rows": "min", "median_rows": "median", "max_rows": "max"}
        table = self.factors.drop(columns="grouping").rename(columns=names)
        parts = [head, "", "Rows per level", table.rename_axis(None).to_string()]
        if len(self.pairs):
            parts += ["", "Pairs", *self.pairs.in_words]
        if self.findings:
            parts += ["", "Findings"]
        for finding in self.findings:
            parts.append(f"{finding.severity}: {finding.message}")
            if finding.advice:
                parts.append(f"  {finding.advice}")
        return "\n".join(parts)


def describe_design(formula_or_data, data_or_groups, *, eval_env=None):
    """Describe grouping factors: nested or crossed, balance, and what to mind.

    Parameters
    ----------
    formula_or_data : str or DataFrame, dict, ...
        A formula with random terms (the response may be left out, ``"~ (1 | f/g)"``);
        or the data.
    data_or_groups : DataFrame, dict, ... or str or list of str
        The data of the formula; or, after data, the names of the grouping factors,
        outer ones first: ``["school", "class"]``, ``"school/class"``.
    eval_env : dict, optional
        Names that expressions in the formula use beside the columns.

    Returns
    -------
    DesignDescription

    Raises
    ------
    FormulaError, MissingColumnError, DataError
        The formula cannot be read, a column is not there, no grouping factor is given.

    Notes
    -----
    Rows in which anything the formula names is missing are left out, as in a fit.

    Nested is each level of the inner factor within one level of the outer one; crossed
    are all pairs of levels; the rest is partially crossed. These are facts about the
    labels. Whether plot 1 of one site and plot 1 of another are the same plot is known
    to who numbered them: labels that look numbered anew in each level of another factor
    (running numbers that are the first ones everywhere, or grow rarer the higher they
    are) are a finding.

    Examples
    --------
    >>> import statsmodels_mixed as smm
    >>> data = smm.datasets.load("penicillin")
    >>> print(describe_design(data, ["plate", "sample"]).pairs.in_words[0])
    plate and sample: crossed, 144 of 144 cells, 1 row per cell
    """
    factors = read_factors(formula_or_data, data_or_groups, eval_env)
    pairs = tuple(_pairs(factors))
    return DesignDescription(
        nobs=factors.nobs,
        nobs_given=factors.nobs_given,
        factors=_factor_table(factors),
        pairs=pd.DataFrame([_pair_row(p) for p in pairs], columns=_PAIR_COLUMNS),
        findings=all_findings(factors, pairs),
        _pairs=pairs,
    )


def _pairs(factors):
    """Pairs of columns, and of grouping factors; not of one made of the other."""
    for first, second in itertools.combinations(factors.all.values(), 2):
        parts = set(first.parts), set(second.parts)
        made = parts[0] <= parts[1] or parts[1] <= parts[0]
        columns = first.name in factors.singles and second.name in factors.singles
        terms = first.name in factors.groupings and second.name in factors.groupings
        if (columns or terms) and not made:
            pair = FactorPair.of(first, second)
            yield pair.inner_first() if pair.relation == "nested" else pair


def _factor_table(factors):
    rows = {name: _factor_row(g, factors) for name, g in factors.all.items()}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("factor")


def _factor_row(grouping, factors):
    counts = grouping.counts
    return {
        "levels": grouping.n_levels,
        "min_rows": int(counts.min()),
        "median_rows": float(np.median(counts)),
        "max_rows": int(counts.max()),
        "single_row": int(np.count_nonzero(counts == 1)),
        "balanced": bool(counts.min() == counts.max()),
        "grouping": grouping.name in factors.groupings,
    }


def _pair_row(pair):
    rows = pair.rows
    return (
        pair.first.name,
        pair.second.name,
        pair.relation,
        pair.cells,
        pair.possible,
        pair.cells / pair.possible,
        int(rows.min()),
        float(np.median(rows)),
        int(rows.max()),
        pair.sets,
        _in_words(pair),
    )


def _in_words(pair):
    return _WORDS[pair.relation](pair, pair.first.name, pair.second.name)


def _nested(pair, inner, outer):
    each = np.bincount(pair.counts.indices, minlength=pair.second.n_levels)
    return f"{inner} nested in {outer}: {_range(each, f'level of {inner}')} in each"


def _crossed(pair, first, second):
    cells = f"{pair.cells} of {pair.possible} cells"
    apart = f", {pair.sets} unlinked sets" if pair.sets > 1 else ""
    per_cell = f"{_range(pair.rows, 'row')} per cell"
    return f"{first} and {second}: {pair.relation}, {cells}, {per_cell}{apart}"


def _same(pair, first, second):
    return f"{first} and {second}: the same groups under two names"


_WORDS = {
    "nested": _nested,
    "crossed": _crossed,
    "partially crossed": _crossed,
    "same": _same,
}


def _range(counts, noun):
    """``1 row``, ``1 to 3 rows``, ``2 levels of g``."""
    low, high = int(counts.min()), int(counts.max())
    first, _, rest = noun.partition(" ")
    first += "" if high == 1 else "s"
    number = f"{low}" if low == high else f"{low} to {high}"
    return f"{number} {first} {rest}".rstrip()
