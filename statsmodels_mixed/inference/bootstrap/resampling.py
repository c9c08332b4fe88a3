"""Designs made of the clusters of another: drawn with replacement, or one left out."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace

import numpy as np
import pandas as pd

from ...design.design import Design
from ...design.grouping import Grouping, is_nested, outermost
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
    found = outermost(groupings.values())
    if found is not None:
        return found
    raise DataError(
        f"The grouping factors {known} are crossed: no levels are independent "
        "clusters. Say with cluster= which one's levels to take as such (variation "
        "of the others is then not resampled)."
    )


@dataclass(frozen=True)
class DrawnDesign(Design):
    """A design made of rows of another.

    Attributes
    ----------
    drawn : ndarray of int, shape (n,)
        Their numbers in the other one.
    marked : dict
        Column in which copies of a cluster are told apart, to the grouping factor that
        has it.
    """

    drawn: np.ndarray | None = None
    marked: dict = field(default_factory=dict)

    def copies(self):
        """Columns of grouping factors with the names of copies: dict of (n,)."""
        out = {}
        groupings = {term.group: term.grouping for term in self.terms}
        for column, name in self.marked.items():
            grouping = groupings[name]
            part = grouping.parts.index(column)
            codes = grouping.part_codes[part][grouping.codes]
            out[column] = np.asarray(grouping.part_levels[part])[codes]
        return out


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
            name: (own, _marked_part(own, grouping), is_nested(own, grouping))
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
        DrawnDesign
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
        for name, (grouping, marked, nested) in self._factors.items():
            number = copies if nested else np.zeros_like(copies)
            known[name] = _regrouped(grouping, rows, number, marked)
        predictors = tuple(_predictor_rows(p, rows, known) for p in design.predictors)
        same = {f.name: getattr(design, f.name) for f in fields(Design)}
        changed = dict(
            endog=design.endog[rows],
            predictors=predictors,
            weights=_taken(design.weights, rows),
            trials=_taken(design.trials, rows),
            row_labels=pd.RangeIndex(len(rows)),
            rows=slice(None),
            nobs_given=len(rows),
        )
        marked = {
            grouping.parts[place]: name
            for name, (grouping, place, nested) in self._factors.items()
            if nested
        }
        return DrawnDesign(**(same | changed), drawn=rows, marked=marked)


def _marked_part(grouping, cluster):
    """Which part of a factor tells copies of clusters apart: theirs, or the last."""
    last = cluster.parts[-1]
    return grouping.parts.index(last) if last in grouping.parts else -1


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


def _regrouped(grouping, rows, copies, marked):
    """The factor over other rows; copies of a level are levels of their own."""
    number = copies * grouping.n_levels + grouping.codes[rows]
    found, codes = np.unique(number, return_inverse=True)
    copy, level = np.divmod(found, grouping.n_levels)
    part_levels, part_codes = list(grouping.part_levels), grouping.part_codes[:, level]
    if copy.any():  # labels are text then, and else what they were
        texts = part_levels[marked].astype(str).to_numpy(dtype=object)
        labels = _marked(texts[part_codes[marked]], copy)
        part_codes[marked], part_levels[marked] = pd.factorize(pd.Index(labels))
    names = grouping.parts
    if len(names) == 1:
        (levels,) = part_levels
        levels = levels[part_codes[0]].rename(names[0])
        part_levels, part_codes = (levels,), np.arange(len(levels))[None]
    else:
        levels = pd.MultiIndex(part_levels, list(part_codes), names=names)
    codes = codes.astype(np.intp)
    return Grouping(grouping.name, codes, levels, names, tuple(part_levels), part_codes)


def _marked(labels, copy):
    again = copy > 0
    labels[again] = [
        f"{label}#{c + 1}" for label, c in zip(labels[again], copy[again], strict=True)
    ]
    return labels


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
