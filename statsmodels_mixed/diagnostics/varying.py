"""Which effects vary within a grouping factor, and which of them fit together."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..design.grouping import Grouping, is_nested
from .within import WithinGroups, determines_covariance

FEWEST = 2  # groups in which an effect must vary for a variance of it


@dataclass(frozen=True, eq=False)
class Structure:
    """The maximal structure of one grouping factor.

    Attributes
    ----------
    grouping : Grouping
    verdicts : tuple of dict
        One per effect: in how many groups it varies, whether it is in, why not.
    effects : tuple of Effect
        Those that are in, beside the intercept.
    constant : frozenset of str
        Factors, in patsy's sense, that are constant within each level.
    """

    grouping: Grouping
    verdicts: tuple
    effects: tuple
    constant: frozenset


def maximal_structures(groupings, effects, columns, residual):
    """Maximal structures of grouping factors, inner ones found first.

    Parameters
    ----------
    groupings : sequence of Grouping
    effects : sequence of (Effect, slice)
        Effects and their columns, those of lower order first.
    columns : ndarray, shape (n, k)
    residual : bool
        Whether there is a residual variance beside the random effects.

    Returns
    -------
    list of Structure
        In the order of `groupings`.
    """
    found = {}
    for grouping in sorted(groupings, key=lambda g: -g.n_levels):
        within = [s for s in found.values() if is_nested(s.grouping, grouping)]
        inner = tuple(_Inner.of(s, grouping) for s in within)
        search = _Search(grouping, effects, columns, residual, inner)
        found[grouping.name] = search.structure()
    return [found[g.name] for g in groupings]


@dataclass(frozen=True, eq=False)
class _Inner:
    """What a grouping factor nested in ours takes: a level is a replicate there."""

    structure: Structure
    n_within: np.ndarray  # its levels within each of ours

    @classmethod
    def of(cls, structure, outer):
        inner = structure.grouping
        outer_of = np.empty(inner.n_levels, dtype=np.intp)
        outer_of[inner.codes] = outer.codes
        return cls(structure, np.bincount(outer_of, minlength=outer.n_levels))

    def varying(self, effect):
        """Factors of an effect that vary within levels of the inner factor."""
        return frozenset(effect.factors) - self.structure.constant

    def width(self, varying):
        """Columns of the inner effect that is made of these factors, 0 for none."""
        own = (e.width for e in self.structure.effects if set(e.factors) == varying)
        return next(own, 0) if varying else 1


class _Search:
    """Adds effects to the structure of one grouping factor, lower orders first."""

    def __init__(self, grouping, effects, columns, residual, inner):
        self.grouping, self.effects, self.columns = grouping, effects, columns
        self.residual, self.inner = residual, inner
        self.groups = WithinGroups(grouping.codes)
        ones = np.ones((len(columns), 1))
        self.start, ranks = self.groups.extend([], ones)
        self.basis, self.ranks, self.chosen = self.start, ranks, ones
        self.kept = []  # pairs of effect and columns

    def structure(self):
        verdicts, constant = [], []
        for effect, place in self.effects:
            block = self.columns[:, place]
            marginal = self._marginal_gains(effect, block)
            if effect.order == 1 and not marginal.any():
                constant += effect.factors
            reason = self._add(effect, block, marginal)
            verdicts.append(_verdict(self.grouping, effect, marginal, reason))
        kept = tuple(effect for effect, _ in self.kept)
        return Structure(self.grouping, tuple(verdicts), kept, frozenset(constant))

    def _marginal_gains(self, effect, block):
        """Directions an effect adds, within each group, to those it is made of."""
        basis = self.start
        for lower, place in self.effects:
            if set(lower.factors) < set(effect.factors):
                basis, _ = self.groups.extend(basis, self.columns[:, place])
        return self.groups.extend(basis, block)[1]

    def _add(self, effect, block, marginal):
        """Add an effect; say why it cannot be, or ''."""
        if not marginal.any():
            return "constant within each group"
        if np.count_nonzero(marginal) < FEWEST:
            return "varies within one group only"
        basis, gains = self.groups.extend(self.basis, block)
        if np.count_nonzero(gains) < FEWEST:
            return "within groups a combination of other effects"
        ranks, chosen = self.ranks + gains, np.hstack([self.chosen, block])
        if self.residual and not self._leaves_rows(ranks, chosen):
            return "no replication: as many effects as rows"
        for inner in self.inner:
            if self._exhausts(inner, effect, block):
                name = inner.structure.grouping.name
                return f"no replication: as many effects as levels of {name}"
        if not determines_covariance(self.groups, chosen, ranks):
            return "too few groups show it together with other effects"
        self.basis, self.ranks, self.chosen = basis, ranks, chosen
        self.kept.append((effect, block))
        return ""

    def _leaves_rows(self, ranks, chosen):
        n, k = chosen.shape
        m = len(self.groups.sizes)
        return (self.groups.sizes > ranks).any() and k * m < n

    def _exhausts(self, inner, effect, block):
        """Whether effects like this one leave an inner factor nothing to vary by.

        Effects of plots within blocks are as many as the plots: then the variance among
        plots is in their covariance already.
        """
        varying = inner.varying(effect)
        width = inner.width(varying)
        if not width:
            return False
        same = [b for e, b in self.kept if inner.varying(e) == varying]
        start = [] if varying else self.start
        _, ranks = self.groups.extend(start, np.hstack([*same, block]))
        ranks = ranks + (0 if varying else 1)
        return bool((ranks >= width * inner.n_within).all())


def _verdict(grouping, effect, marginal, reason):
    varies = np.count_nonzero(marginal)
    return {
        "group": grouping.name,
        "effect": effect.name,
        "columns": effect.width,
        "varies_in": int(varies),
        "share": varies / grouping.n_levels,
        "share_full": np.count_nonzero(marginal == effect.width) / grouping.n_levels,
        "in_maximal": not reason,
        "reason": reason,
    }
