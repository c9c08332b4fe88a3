"""Designs made of the clusters of another: drawn with replacement, or one left out."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from ...design.design import Design
from ...design.grouping import Grouping, is_nested
from ...errors import DataError


def cluster_factor(design, name=None):
    """The grouping factor whose levels are independent of one another.

    Parameters
    ----------
    design : Design
    name : str, optional
        A factor to use instead of the outermost one.

    Returns
    -------
    Grouping
        The one that all others are nested in, unless there is a `name`.

    Raises
    ------
    DataError
        There are no random effects, no factor of that name, or the factors are
        crossed and none was named.
    """
    groupings = {term.group: term.grouping for term in design.terms}
    if not groupings:
        raise DataError("The model has no random effects, so there are no clusters.")
    known = ", ".join(map(repr, groupings))
    if name is not None:
        if name not in groupings:
            raise DataError(f"cluster={name!r} is no grouping factor; use {known}.")
        return groupings[name]
    for outer in groupings.values():
        if all(is_nested(inner, outer) for inner in groupings.values()):
            return outer
    raise DataError(
        f"The grouping factors {known} are crossed: no levels are independent "
        "clusters. Say with cluster= which one's levels to take as such (variation "
        "of the others is then not resampled)."
    )


class Clusters:
    """Rows of a design by the levels of one grouping factor.

    Parameters
    ----------
    design : Design
    grouping : Grouping
        One of its factors.
    """

    def __init__(self, design, grouping):
        self.design, self.grouping = design, grouping
        self.counts = grouping.counts
        self._order = np.argsort(grouping.codes, kind="stable")
        self._starts = np.cumsum(self.counts) - self.counts
        groupings = {term.group: term.grouping for term in design.terms}
        self._factors = {
            name: (own, own.labels().to_numpy(dtype=object), is_nested(own, grouping))
            for name, own in groupings.items()
        }

    def __len__(self):
        return self.grouping.n_levels

    def take(self, drawn, sizes=None, rng=None):
        """Design of some levels; each time a level occurs it is a cluster of its own.

        Parameters
        ----------
        drawn : ndarray of int, shape (d,)
            Numbers of levels, in any order and number.
        sizes : ndarray of int, shape (d,), optional
            Rows of each; its own repeated, or the first of them. All by default.
        rng : numpy.random.Generator, optional
            Draw the rows of each cluster with replacement.

        Returns
        -------
        Design
            Nested factors get new levels with the cluster; others keep theirs.
        """
        own = self.counts[drawn]
        sizes = own if sizes is None else sizes
        which = np.repeat(np.arange(len(drawn)), sizes)
        place = np.arange(len(which)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        length = own[which]
        if rng is not None:
            place = rng.integers(length)
        rows = self._order[self._starts[drawn][which] + place % length]
        return self._design(rows, _occurrence(drawn)[which])

    def _design(self, rows, copies):
        design, known = self.design, {}
        for name, (grouping, labels, nested) in self._factors.items():
            number = copies if nested else np.zeros_like(copies)
            known[name] = _regrouped(grouping, labels, rows, number)
        predictors = tuple(_predictor_rows(p, rows, known) for p in design.predictors)
        return replace(
            design,
            endog=design.endog[rows],
            predictors=predictors,
            weights=_taken(design.weights, rows),
            trials=_taken(design.trials, rows),
            row_labels=pd.RangeIndex(len(rows)),
            rows=slice(None),
            nobs_given=len(rows),
        )


def _taken(values, rows):
    return None if values is None else values[rows]


def _occurrence(drawn):
    """How often each number occurred before, shape (d,)."""
    order = np.argsort(drawn, kind="stable")
    ordered = drawn[order]
    first = np.searchsorted(ordered, ordered)
    out = np.empty(len(drawn), dtype=np.intp)
    out[order] = np.arange(len(drawn)) - first
    return out


def _regrouped(grouping, labels, rows, copies):
    """The factor over other rows; copies of a level are levels of their own."""
    number = copies * grouping.n_levels + grouping.codes[rows]
    found, codes = np.unique(number, return_inverse=True)
    copy, level = np.divmod(found, grouping.n_levels)
    labels = labels[level]
    again = copy > 0
    labels[again] = [
        f"{label}#{c + 1}" for label, c in zip(labels[again], copy[again], strict=True)
    ]
    levels, own = pd.Index(labels, name=grouping.name), np.arange(len(found))[None]
    codes = codes.astype(np.intp)
    return Grouping(grouping.name, codes, levels, (grouping.name,), (levels,), own)


def _predictor_rows(predictor, rows, groupings):
    exog = np.asfortranarray(predictor.exog[rows])
    terms = tuple(
        replace(
            term,
            # the same array stays the same: its coordinates are found once
            z=exog if term.z is predictor.exog else _taken(term.z, rows),
            grouping=groupings[term.group],
        )
        for term in predictor.terms
    )
    offset = _taken(predictor.offset, rows)
    return replace(predictor, exog=exog, terms=terms, offset=offset)


def without_level(clusters: Clusters, level: int) -> Design:
    """The design without the rows of one level.

    Parameters
    ----------
    clusters : Clusters
    level : int

    Returns
    -------
    Design
    """
    return clusters.take(np.delete(np.arange(len(clusters)), level))
