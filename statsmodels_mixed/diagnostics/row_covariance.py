"""Covariance of the rows of a fit, as far as it can be drawn."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ..errors import DataError
from ..formula import expression_names
from .pictures import chosen_levels, find_factor

MOST_CELLS = 40


def row_covariance(fit, rows, residual=True):
    """``Z Sigma Z' + R`` of some rows.

    Parameters
    ----------
    fit : Fit or GeneralizedFit
        With its rows.
    rows : ndarray of int, shape (r,)
        May repeat.
    residual : bool
        Whether to add the residual variances R; those of distinct rows only.

    Returns
    -------
    ndarray, shape (r, r)
    """
    out = np.zeros((len(rows), len(rows)))
    for term, cov in zip(fit.design.terms, fit.covariances, strict=True):
        z = np.ones((len(rows), 1)) if term.z is None else term.z[rows]
        codes = term.grouping.codes[rows]
        out += (z @ cov @ z.T) * (codes[:, None] == codes)
    if residual:
        weights = fit.design.weights
        noise = np.full(len(rows), fit.sigma2)
        noise = noise if weights is None else noise / weights[rows]
        out[np.diag_indices(len(rows))] += noise
    return out


def as_correlation(matrix):
    """Correlations of a covariance matrix, NaN where there is no variance."""
    sd = np.sqrt(np.diag(matrix))
    with np.errstate(invalid="ignore", divide="ignore"):
        return matrix / np.outer(sd, sd)


def sorted_rows(fit, group=None, levels=None, max_rows=200):
    """Rows in the order of their groups, all or those of some levels.

    Parameters
    ----------
    fit : Fit or GeneralizedFit
    group : str, optional
        The factor whose levels are blocks; by default the one with fewest levels,
        within whose blocks rows are sorted by the others.
    levels : sequence, optional
        Labels of its levels; by default as many of the first as have no more than
        `max_rows` rows.
    max_rows : int

    Returns
    -------
    rows : ndarray of int
    edges : ndarray of int, shape (blocks + 1,)
        Where the blocks begin, and the number of rows.
    blocks : Index
        Labels of the levels, its name that of the factor.

    Raises
    ------
    DataError
        Unknown factors or levels, or levels that have more rows than `max_rows`.
    """
    design = fit.design
    groupings = [design.terms[terms[0]].grouping for terms in design.factors]
    if group is None and len(groupings) > 1:
        group = min(groupings, key=lambda g: g.n_levels).name
    first = groupings[find_factor(design, group, "plot_marginal_covariance")]
    rest = sorted((g for g in groupings if g is not first), key=lambda g: g.n_levels)
    if levels is None:
        total = np.cumsum(first.counts)
        codes = np.arange(max(1, int(np.searchsorted(total, max_rows, "right"))))
    else:
        codes = chosen_levels(first, levels)
    count = int(first.counts[codes].sum())
    if count > max_rows:
        raise DataError(
            f"{len(codes)} levels of {first.name} have {count} rows, more than "
            f"max_rows={max_rows}: name fewer by levels=, or give a larger max_rows=."
        )
    place = np.full(first.n_levels, len(codes))
    place[codes] = np.arange(len(codes))
    keys = [g.codes for g in reversed(rest)] + [place[first.codes]]
    rows = np.lexsort(keys)[:count]
    edges = np.append(0, np.cumsum(first.counts[codes]))
    return rows, edges, first.labels()[codes]


def effect_cells(fit, table, group=None, by=None, levels=None, n_levels=2):
    """One row for each combination of a group and the columns its effects vary over.

    Parameters
    ----------
    fit : Fit or GeneralizedFit
    table : Table
        The rows of the fit.
    group : str, optional
        The grouping factor.
    by : str or sequence of str, optional
        Columns; by default those of the random-effects terms.
    levels : sequence, optional
        Labels of levels of the factor.
    n_levels : int
        How many of the levels with most combinations to take otherwise.

    Returns
    -------
    rows : ndarray of int
        A row of the data for each combination that was observed.
    labels : list of str
    edges : ndarray of int
    blocks : Index
    name : str
        Of what labels are made of.

    Raises
    ------
    DataError
        No columns, columns that do not determine the effects, too many combinations.
    """
    design = fit.design
    factor = find_factor(design, group, "plot_effect_covariance")
    grouping = design.terms[design.factors[factor][0]].grouping
    by = _columns(design, grouping, table, by)
    _check_determined(design, grouping, table, by)
    cells = pd.DataFrame({name: np.asarray(table.column(name)) for name in by})
    cells.insert(0, "", grouping.codes)
    distinct = cells.drop_duplicates()
    if levels is None:
        counts = distinct[""].value_counts(sort=False).sort_index()
        codes = np.sort(np.argsort(-counts.to_numpy(), kind="stable")[:n_levels])
    else:
        codes = chosen_levels(grouping, levels)
    parts = [distinct[distinct[""] == c].sort_values(by) for c in codes]
    rows = np.concatenate([p.index.to_numpy() for p in parts])
    if len(rows) > MOST_CELLS:
        raise DataError(
            f"{len(codes)} levels of {grouping.name} have {len(rows)} combinations of "
            f"{', '.join(by)}, more than the {MOST_CELLS} that can be read: name fewer "
            "by levels=, or other columns by by=."
        )
    blocks, name = grouping.labels()[codes], ":".join([grouping.name, *by])
    labels = [
        ":".join([block, *(_text(v) for v in row[1:])])
        for block, part in zip(blocks, parts, strict=True)
        for row in part.itertuples(index=False)
    ]
    edges = np.append(0, np.cumsum([len(p) for p in parts]))
    return rows, labels, edges, blocks, name


def _text(value):
    return f"{value:g}" if isinstance(value, (float, np.floating)) else str(value)


def _columns(design, grouping, table, by):
    """Columns that effects and crossed factors are made of, beside the factor."""
    if by is not None:
        by = [by] if isinstance(by, str) else list(by)
        for name in by:
            table.column(name, "by=")
        return by
    names = []
    for term in design.terms:
        names += sorted(expression_names(term.text.split("|")[0]))
        names += term.grouping.parts
    kept = [n for n in dict.fromkeys(names) if n in table and n not in grouping.parts]
    if not kept:
        raise DataError(
            f"All effects of {grouping.name} are intercepts, so they have one variance "
            "each (see plot_covariance); name columns by by= for their combinations."
        )
    return kept


def _check_determined(design, grouping, table, by):
    """Refuse columns within whose combinations effects have several values."""
    cells = pd.DataFrame({name: np.asarray(table.column(name)) for name in by})
    cells[""] = grouping.codes
    number = cells.groupby(list(cells.columns), sort=False).ngroup().to_numpy()
    first = np.unique(number, return_index=True)[1][number]
    for term in design.terms:
        same = term.grouping.codes == term.grouping.codes[first]
        if term.z is not None:
            same = same & (term.z == term.z[first]).all(axis=1)
        if not same.all():
            raise DataError(
                f"by={', '.join(by)} leaves the random effects ({term.text}) open: "
                f"rows of one level of {grouping.name} and of these columns differ in "
                "them. Name all columns that the effects are made of."
            )
