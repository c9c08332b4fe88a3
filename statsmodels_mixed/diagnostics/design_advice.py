"""What to mind about grouping factors before a fit, with the remedy."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..design.grouping import code_factor, cross, is_nested
from ..errors import DataError
from .aligned import listed
from .factor_pairs import hidden_nesting
from .findings import SEVERITIES, Finding

FEW_LEVELS = 5  # below it a variance among levels is hardly estimated
SHOWN = 3  # labels in a message


def all_findings(factors, pairs) -> tuple:
    """Findings about grouping factors and their pairs, warnings first.

    Parameters
    ----------
    factors : Factors
    pairs : sequence of FactorPair

    Returns
    -------
    tuple of Finding
    """
    both = [p for p in pairs if _are_grouping(p, factors)]
    hidden = {p: h for p in both if (h := _hidden(p, factors)) is not None}
    inner = {h.pair.first.name for h in hidden.values() if h.sure}
    found = [_reused_labels(group) for group in _by_inner(hidden.values())]
    for pair in both:
        if pair not in hidden or not hidden[pair].sure:
            found += [f for check in _PAIR_CHECKS for f in check(pair, factors)]
    for name, grouping in factors.groupings.items():
        if name not in inner:  # it has more levels once it is nested
            found += _few_levels(grouping)
        found += [f for check in _FACTOR_CHECKS for f in check(grouping, factors)]
    return tuple(sorted(found, key=lambda f: -SEVERITIES.index(f.severity)))


def _are_grouping(pair, factors):
    """Whether both group random terms, and neither is part of what makes the other."""
    known = pair.first.name in factors.groupings, pair.second.name in factors.groupings
    return all(known) and not set(pair.first.parts) & set(pair.second.parts)


# ---- one factor ----------------------------------------------------------------------


def _few_levels(grouping):
    m = grouping.n_levels
    if m >= FEW_LEVELS:
        return
    levels = "1 level" if m == 1 else f"{m} levels"
    yield Finding(
        "warning",
        "few levels",
        float(m),
        f"{grouping.name} has {levels}, fewer than {FEW_LEVELS}: the variance among "
        "them can hardly be estimated.",
        f"Make {grouping.name} a fixed effect.",
    )


def _one_row_each(grouping, factors):
    if grouping.n_levels < factors.nobs:
        return
    crossed = len(grouping.parts) > 1
    why = " (no combination is repeated)" if crossed else ""
    drop = f"Leave (1 | {grouping.name}) out"
    if crossed:
        separate = " + ".join(f"(1 | {part})" for part in grouping.parts)
        drop += f", as in {separate}"
    yield Finding(
        "warning",
        "replication",
        float(grouping.n_levels),
        f"{grouping.name} has one row per level{why}: its variance and a residual "
        "variance cannot be told apart.",
        f"{drop}. In a Poisson or binomial model it is overdispersion, and may stay.",
    )


def _single_rows(grouping, factors):
    single = int(np.count_nonzero(grouping.counts == 1))
    if not single or grouping.n_levels == factors.nobs:
        return
    share = single / grouping.n_levels
    yield Finding(
        "note",
        "single rows",
        share,
        f"{single} of {grouping.n_levels} levels of {grouping.name} have a single row: "
        "they say nothing about the spread within levels.",
        "Keep them: they count for the variance among levels. Random slopes need "
        "levels with several rows.",
    )


# ---- two factors ---------------------------------------------------------------------


def _same_groups(pair, factors):
    if pair.relation == "same":
        first, second = pair.first.name, pair.second.name
        yield Finding(
            "problem",
            "same groups",
            float(pair.cells),
            f"{first} and {second} are the same {pair.cells} groups: only the sum of "
            "their variances can be estimated.",
            "Leave one of them out of the random terms.",
        )


def _no_replication(pair, factors):
    """Of factors whose crossing is not written: what writing it would need."""
    crossed = pair.relation in ("crossed", "partially crossed")
    if not crossed or pair.rows.max() > 1 or _is_stated(pair, factors):
        return
    first, second = pair.first.name, pair.second.name
    yield Finding(
        "note",
        "replication",
        1.0,
        f"{first} and {second} meet in one row per cell: their interaction cannot be "
        "told from the residuals.",
        f"Write (1 | {first}) + (1 | {second}); (1 | {first}*{second}) needs more "
        "rows.",
    )


def _unlinked(pair, factors):
    known = any(
        is_nested(pair.first, g) and is_nested(pair.second, g)
        for g in factors.singles.values()
    )
    if pair.relation == "partially crossed" and pair.sets > 1 and not known:
        first, second = pair.first.name, pair.second.name
        yield Finding(
            "note",
            "unlinked sets",
            float(pair.sets),
            f"Levels of {first} and {second} fall into {pair.sets} sets that share no "
            "level: they are crossed within these sets only.",
            "Look for the factor the sets stand for, such as an experiment or a site.",
        )


@dataclass(frozen=True, eq=False)
class _Hidden:
    """A pair whose labels may hide that the first factor is nested in the second."""

    pair: object
    anew: bool  # the labels look numbered anew in each level of the second
    names: list  # columns with one label for each cell

    @property
    def sure(self):
        return self.anew or bool(self.names)


def _hidden(pair, factors):
    """Hidden nesting of a pair, None where there is no sign of it or it is written."""
    if pair.relation not in ("crossed", "partially crossed"):
        return None
    found = None if _is_stated(pair, factors) else hidden_nesting(pair)
    if found is None:
        return None
    inner, anew = found
    return _Hidden(inner, anew, _names_of_cells(inner, factors))


def _by_inner(hidden):
    """One group per sure pair; the others together by their inner factor."""
    groups = {}
    for h in hidden:
        key = (h.pair.first.name, h.pair.second.name if h.sure else None)
        groups.setdefault(key, []).append(h)
    return groups.values()


def _reused_labels(group):
    first = group[0]
    return Finding(
        "warning" if first.sure else "note",
        "reused labels",
        float(first.pair.cells),
        _reuse_message(first, [h.pair.second.name for h in group]),
        _reuse_advice(first),
    )


def _reuse_message(hidden, outers):
    inner, outer = hidden.pair.first.name, hidden.pair.second.name
    label, others = _an_example(hidden.pair)
    if hidden.anew:
        how = f"labels of {inner} look numbered anew in each {outer}"
    else:
        how = f"by its labels each {inner} occurs in each {listed(outers)}"
    text = f"{inner} {label} occurs in {outer} {others}; {how}."
    if hidden.names:
        text += f" {hidden.names[0]} names the same {hidden.pair.cells} pairs."
    return text


def _reuse_advice(hidden):
    inner, outer = hidden.pair.first.name, hidden.pair.second.name
    if hidden.names:
        mended = f"(1 | {outer}) + (1 | {hidden.names[0]})"
    else:
        joined = f"data[{outer!r}].astype(str) + ':' + data[{inner!r}].astype(str)"
        mended = f"make the labels unique, data['{outer}_{inner}'] = {joined}"
    return (
        f"If these are different ones, {inner} is nested in {outer}: write "
        f"(1 | {outer}/{inner}), or {mended}. If they are the same, it is crossed as "
        "it stands."
    )


def _an_example(pair):
    """Label of the inner level that occurs most, and of outer levels it occurs in."""
    occurrence = np.diff(pair.counts.indptr)
    level = int(np.argmax(occurrence))
    start, stop = pair.counts.indptr[level : level + 2]
    others = pair.second.labels()[np.sort(pair.counts.indices[start:stop])[:SHOWN]]
    more = ", ..." if stop - start > SHOWN else ""
    text = ", ".join(others) if more else listed(others)
    return pair.first.labels()[level], text + more


def _names_of_cells(pair, factors):
    """Columns with one label per cell where cells have several rows."""
    if pair.rows.max() == 1:
        return []
    whole = cross([pair.first, pair.second])
    found = []
    for name in factors.table.names:
        if name in pair.first.parts + pair.second.parts:
            continue
        column = _labels(name, factors.table)
        if column is not None and column.n_levels == whole.n_levels:
            found += [name] * is_nested(whole, column)
    return found


def _labels(name, table):
    """A column as a factor; None where it is a measurement, or cannot be one."""
    try:
        values = table.column(name)
        measured = isinstance(values, np.ndarray) and values.dtype.kind in "fcMmb"
        return None if measured else code_factor(values, name)
    except DataError:  # missing values, a name used twice: no concern of the formula
        return None


def _is_stated(pair, factors):
    """Whether a term groups by the pair crossed, ``f:g`` or ``f/g``."""
    parts = set(pair.first.parts) | set(pair.second.parts)
    return any(parts <= set(g.parts) for g in factors.groupings.values())


_FACTOR_CHECKS = (_one_row_each, _single_rows)
_PAIR_CHECKS = (_same_groups, _unlinked, _no_replication)
