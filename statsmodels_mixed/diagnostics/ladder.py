"""Simpler random-effects structures than the maximal one, and their parameters."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Effect:
    """An effect that may vary among groups.

    Attributes
    ----------
    name : str
        Of the term, in patsy's language: ``"A:B"``.
    factors : tuple of str
        What is multiplied in it.
    width : int
        Number of its columns.
    cells : int
        Combinations of the levels of its factors; 0 where one of them is a number.
    """

    name: str
    factors: tuple
    width: int
    cells: int

    @property
    def order(self):
        """1 for main effects, 2 for interactions of two, ..."""
        return len(self.factors)


@dataclass(frozen=True)
class Rung:
    """One structure for one grouping factor.

    Attributes
    ----------
    step : str
        What was done to the maximal structure.
    term : str
        Random terms.
    n_effects : int
        Effects of each level of the grouping factor.
    n_par : int
        Variances and covariances.
    available : bool
        Whether this version fits the structure.
    """

    step: str
    term: str
    n_effects: int
    n_par: int
    available: bool = True


def n_free(k: int) -> int:
    """Variances and covariances of k effects, k (k + 1) / 2."""
    return k * (k + 1) // 2


def write_effects(effects) -> str:
    """Effects as left of a bar: ``A * B`` where all interactions are among them."""
    mains = [e.name for e in effects if e.order == 1]
    sets = {frozenset(e.factors) for e in effects}
    complete = len(sets) == 2 ** len(mains) - 1 and set().union(*sets) == set(mains)
    joined = " * ".join(mains) if complete else " + ".join(e.name for e in effects)
    return joined or "1"


def count_effects(effects) -> int:
    """Number of columns, the intercept included."""
    return 1 + sum(e.width for e in effects)


def ladder(effects, group) -> list:
    """Structures from the maximal one down to an intercept.

    Parameters
    ----------
    effects : sequence of Effect
        Those of the maximal structure, beside the intercept.
    group : str
        Grouping factor, as written in a formula.

    Returns
    -------
    list of Rung
    """
    rungs = [_full("maximal", effects, group)]
    if effects:
        for step in _STEPS:
            rungs += step(effects, group)
    return rungs


def _full(step, effects, group):
    k = count_effects(effects)
    return Rung(step, f"({write_effects(effects)} | {group})", k, n_free(k))


def _independent(effects, group, step="no correlations (||)"):
    k = count_effects(effects)
    yield Rung(step, f"({write_effects(effects)} || {group})", k, k)


def _reduced_rank(effects, group, d=2):
    k = count_effects(effects)
    if k > d + 1:
        n_par = k * d - d * (d - 1) // 2
        term = f"rr({write_effects(effects)} | {group}, d={d})"
        yield Rung(f"reduced rank {d}", term, k, n_par, available=False)


def _compound_symmetry(effects, group):
    """One correlation among the means of all cells."""
    whole = max(effects, key=lambda e: e.order)
    mains = [e for e in effects if e.order == 1]
    if whole.cells and len(effects) == 2 ** len(mains) - 1:
        term = f"cs(0 + {whole.name} | {group})"
        n_par = whole.cells + 1
        yield Rung("compound symmetry", term, whole.cells, n_par, available=False)


def _nested_intercepts(effects, group):
    """Compound symmetry without negative correlations: an intercept for each cell."""
    if all(e.cells for e in effects):
        groups = [group, *(f"{group}:{e.name}" for e in effects)]
        term = " + ".join(f"(1 | {g})" for g in groups)
        k = 1 + sum(e.cells for e in effects)
        yield Rung("intercepts of cells", term, k, len(groups))


def _lower_orders(effects, group):
    for order in range(max(e.order for e in effects) - 1, 0, -1):
        kept = [e for e in effects if e.order <= order]
        if len(kept) == len(effects):
            continue
        what = "main effects" if order == 1 else f"interactions of {order} at most"
        yield _full(what, kept, group)
        yield from _independent(kept, group, f"{what}, no correlations (||)")


def _intercept(effects, group):
    yield _full("no slopes", (), group)


_STEPS = (
    _reduced_rank,
    _compound_symmetry,
    _nested_intercepts,
    _independent,
    _lower_orders,
    _intercept,
)
