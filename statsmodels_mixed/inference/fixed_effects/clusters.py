"""Independent clusters of rows of a linear mixed model, in few dimensions each."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ...design.grouping import Grouping, code_factor, is_nested, outermost
from ...design.table import check_order
from ...errors import DataError

# Padded rows and columns share stacks of about this many numbers.
STACK = 1 << 21


class ClusterBlocks(NamedTuple):
    """Some clusters, each in orthonormal coordinates of the span of its columns.

    Rows are multiplied by the roots of their prior weights before.

    Attributes
    ----------
    places : ndarray of int, shape (b,)
        Which clusters.
    exog : ndarray, shape (b, d, p)
        Fixed-effects columns of the basis of the fit.
    covariance : ndarray, shape (b, d, d)
        Of the response, relative to sigma^2.
    resid : ndarray, shape (b, d)
        Response minus ``X beta``.
    """

    places: np.ndarray
    exog: np.ndarray
    covariance: np.ndarray
    resid: np.ndarray


def cluster_grouping(fit, groups=None):
    """The clusters as a grouping of the rows, checked.

    Parameters
    ----------
    fit : Fit
    groups : None, str, Grouping or array_like, shape (n,)
        None for the grouping factor that all others are nested in; name of a grouping
        factor of the model; or labels, one per row that was used or per row of the
        original data.

    Returns
    -------
    Grouping

    Raises
    ------
    DataError
        No outermost factor, random effects that clusters share, a single cluster, or
        labels of another length.
    MissingValueError
        Missing labels.
    """
    found = _resolve(fit.design, groups)
    for term in fit.design.terms:
        _check_inside(term.grouping, found)
    if found.n_levels < 2:
        raise DataError(
            f"The clusters {found.name!r} are one only ({found.labels()[0]}); a "
            "cluster-robust covariance needs several."
        )
    return found


def _resolve(design, groups):
    if isinstance(groups, Grouping):
        return groups
    factors = {term.group: term.grouping for term in design.terms}
    if groups is None:
        return _outermost(factors)
    if isinstance(groups, str):
        if groups in factors:
            return factors[groups]
        known = ", ".join(map(repr, factors)) or "none"
        raise DataError(
            f"groups={groups!r} is no grouping factor of the model ({known}); give "
            "one, or an array with the label of each row's cluster."
        )
    if np.ndim(groups) != 1 or len(groups) not in (design.nobs, design.nobs_given):
        raise DataError(
            f"groups has shape {np.shape(groups)}; give one label per row that was "
            f"used ({design.nobs}) or per row of the data ({design.nobs_given})."
        )
    name = getattr(groups, "name", None) or "groups"
    if len(groups) == design.nobs:
        check_order(groups, design.row_labels, "groups")
        return code_factor(groups, name)
    return code_factor(np.asarray(groups)[design.rows], name)


def _outermost(factors):
    """The grouping factor that all others are nested in."""
    found = outermost(factors.values())
    if found is not None:
        return found
    if not factors:
        raise DataError(
            "The model has no random effects to cluster by; give groups= with the "
            "label of each row's cluster."
        )
    raise DataError(
        f"None of the grouping factors {', '.join(map(repr, factors))} has all others "
        "nested in it, so clusters cannot be told from them; give groups= with labels "
        "of clusters that share no level of any of them, if there are such."
    )


def _check_inside(inner, clusters):
    """Refuse clusters that share a level of a grouping factor."""
    if is_nested(inner, clusters):
        return
    first = np.empty(inner.n_levels, dtype=np.intp)
    first[inner.codes] = clusters.codes
    row = np.flatnonzero(first[inner.codes] != clusters.codes)[0]
    level, labels = inner.codes[row], clusters.labels()
    here, there = labels[clusters.codes[row]], labels[first[level]]
    raise DataError(
        f"Level {inner.labels()[level]} of the grouping factor {inner.name!r} has rows "
        f"in the clusters {here} and {there} of {clusters.name!r}, which makes these "
        "dependent. Clusters must hold whole levels of all grouping factors: give "
        "groups= of larger ones."
    )


def cluster_blocks(fit, clusters):
    """Stacks of clusters of about the same size.

    Parameters
    ----------
    fit : Fit
    clusters : Grouping
        As of `cluster_grouping`.

    Yields
    ------
    ClusterBlocks

    Notes
    -----
    With ``[F X] = Q R``, F the columns of Z times Lambda that are not zero in the
    cluster, ``Q'VQ = I + (Q'F)(Q'F)'`` and ``Q'X`` are read off R: a cluster of n rows
    takes O(n (k + p)^2) operations, k its number of random effects. Clusters of unequal
    size share a stack by rows and columns of zeros, which change nothing.
    """
    rows = _Rows(fit, clusters)
    sizes = np.column_stack([_rounded(rows.counts), _rounded(rows.widths)])
    kinds, which = np.unique(sizes, axis=0, return_inverse=True)
    for number, (n, k) in enumerate(kinds):
        members = np.flatnonzero(which.ravel() == number)
        most = max(1, STACK // (n * (k + rows.exog.shape[1])))
        for start in range(0, len(members), most):
            yield _reduced(rows, members[start : start + most], n, k)


def _rounded(counts):
    """Counts rounded up by less than a quarter, so that few sizes are left."""
    step = 2 ** np.maximum(np.log2(np.maximum(counts, 1)).astype(int) - 2, 0)
    return -(-counts // step) * step


def _reduced(rows, members, n, k):
    """Clusters in the coordinates Q."""
    position, local = rows.select(members)
    p = rows.exog.shape[1]
    stacked = np.zeros((len(members), n, k + p))
    resid = np.zeros((len(members), n))
    at = position, rows.rank[local]
    for values, columns in rows.random:
        for j, column in enumerate(columns[local].T):
            stacked[(*at, column)] = values[local, j]
    stacked[(*at, slice(k, None))] = rows.exog[local]
    resid[at] = rows.resid[local]
    q, r = np.linalg.qr(stacked)
    random = r[..., :k]
    covariance = np.eye(r.shape[-2]) + random @ np.swapaxes(random, -1, -2)
    own = np.squeeze(np.swapaxes(q, -1, -2) @ resid[..., None], -1)
    return ClusterBlocks(members, r[..., k:], covariance, own)


class _Rows:
    """Weighted rows, sorted by cluster."""

    def __init__(self, fit, clusters):
        design, codes = fit.design, clusters.codes
        self.counts = clusters.counts
        self._order = np.argsort(codes, kind="stable")
        self._starts = np.cumsum(self.counts) - self.counts
        self.rank = np.empty(len(codes), dtype=np.intp)
        self.rank[self._order] = _within(codes[self._order], self._starts)
        root = 1.0 if design.weights is None else np.sqrt(design.weights)[:, None]
        self.exog = root * fit.model.cross.basis.apply(design.mean.exog)
        self.resid = np.ravel(root) * (design.endog - fit.fixed_part)
        self.widths = np.zeros(clusters.n_levels, dtype=np.intp)
        factors = fit.model.layout.term_factors(fit.evaluation.x)
        self.random = []
        for term, linear, lam in zip(
            design.terms, fit.model.coordinates.maps, factors, strict=True
        ):
            half = linear @ lam
            z = np.ones((design.nobs, 1)) if term.z is None else term.z
            columns = self._columns(term, codes)
            self.random.append((root * (z @ half), columns))

    def _columns(self, term, codes):
        """Columns, within its cluster, of the random effects of each row (n, k)."""
        grouping = term.grouping
        outer = np.empty(grouping.n_levels, dtype=np.intp)
        outer[grouping.codes] = codes
        counts = np.bincount(outer, minlength=len(self.counts))
        order = np.argsort(outer, kind="stable")
        rank = np.empty(grouping.n_levels, dtype=np.intp)
        rank[order] = _within(outer[order], np.cumsum(counts) - counts)
        first = self.widths[codes] + term.k * rank[grouping.codes]
        self.widths = self.widths + term.k * counts
        return first[:, None] + np.arange(term.k)

    def select(self, members):
        """Rows of some clusters: the position of the cluster, and which row."""
        counts = self.counts[members]
        position = np.repeat(np.arange(len(members)), counts)
        inside = _within(position, np.cumsum(counts) - counts)
        return position, self._order[self._starts[members][position] + inside]


def _within(sorted_codes, starts):
    """Place of each entry among those of its own code."""
    return np.arange(len(sorted_codes)) - starts[sorted_codes]
