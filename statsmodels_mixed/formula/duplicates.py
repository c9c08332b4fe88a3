"""Random terms that claim the same variance twice."""

from __future__ import annotations

from collections.abc import Iterable

from statsmodels_mixed.formula.scanner import Source
from statsmodels_mixed.formula.spec import RandomTerm, bare_name
from statsmodels_mixed.formula.terms import BAR_STRUCTURE, Reading

# In these every effect has a variance of its own, so that a shared one counts
# twice. A patterned structure may share effects: ar1(0 + t | g) + diag(0 + t | g).
FREE_STRUCTURES = frozenset(BAR_STRUCTURE.values())
# In these all effects have one variance: it counts twice only where another term
# holds all of them.
TIED_STRUCTURES = frozenset(("homdiag",))


def check_duplicates(readings: Iterable[Reading], source: Source) -> None:
    """Raise where two terms of one grouping factor share effects.

    The comparison is one of texts. What only the data tell (two columns with
    the same groups) is left to later checks.

    Parameters
    ----------
    readings : iterable of Reading
        Random terms with their effects.
    source : Source
        For the message.
    """
    seen: dict[frozenset[str], list[Reading]] = {}
    for reading in readings:
        key = frozenset(map(bare_name, reading.term.grouping))
        earlier = seen.setdefault(key, [])
        for other in earlier:
            shared = _shared(reading, other)
            if shared:
                message = _message(other.term, reading.term, shared)
                raise source.error(message, reading.term.position)
        earlier.append(reading)


def _shared(one: Reading, other: Reading) -> frozenset[str]:
    shared = one.effects & other.effects
    first, second = one.term, other.term
    tied = [r for r in (one, other) if r.term.structure in TIED_STRUCTURES]
    if tied:
        whole = all(reading.effects <= shared for reading in tied)
        return shared if whole else frozenset()
    free = {first.structure, second.structure} <= FREE_STRUCTURES
    alike = (first.structure, first.options) == (second.structure, second.options)
    if free or alike:
        return shared
    return shared & {"1"}


def _message(first: RandomTerm, second: RandomTerm, shared: frozenset[str]) -> str:
    group = second.group_name
    if str(first) == str(second):
        return (
            f"The random term {second} stands twice, and its variances cannot be "
            "told apart. Remove one."
        )
    if "1" in shared:
        return (
            f"{first} and {second} both hold the random intercept of {group}, and its "
            "variance cannot be told apart. Keep one of them, or write (0 + ... | "
            f"{group}) to take the intercept out of the other."
        )
    names = ", ".join(sorted(shared))
    return (
        f"{first} and {second} both hold the effect of {names} that varies over "
        f"{group}, and its variance cannot be told apart. Take it out of one."
    )
