"""Random terms: what stands in parentheses with a bar, or in a structure call."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from difflib import get_close_matches

from statsmodels_mixed.formula.fragment import BARS, CONDITION, Fragment
from statsmodels_mixed.formula.grouping import expand_grouping
from statsmodels_mixed.formula.scanner import Kind
from statsmodels_mixed.formula.spec import RandomTerm
from statsmodels_mixed.formula.sums import Summand, split_sum

# The covariance structure that each bar means in plain parentheses.
BAR_STRUCTURE = {"|": "us", "||": "diag"}
# Calls in which a bar is Python's "or" and not that of a random term.
OR_CALLS = frozenset(("I", "Q", "C", "offset"))

Options = tuple[tuple[str, object], ...]


@dataclass(frozen=True)
class Reading:
    """A random term and its effects one by one, "1" for the intercept."""

    term: RandomTerm
    effects: frozenset[str]


def read_plain(whole: Fragment, inner: Fragment) -> list[Reading]:
    """Read ``(effects | grouping)``.

    Parameters
    ----------
    whole, inner : Fragment
        The term with and without its parentheses.

    Returns
    -------
    list of Reading
    """
    bar = inner.find(BARS)
    structure = BAR_STRUCTURE[inner.source.tokens[bar].code]
    return _read_sides(inner, bar, structure, (), (inner.typed, whole.start))


def read_call(call: Fragment, structures: tuple[str, ...]) -> list[Reading]:
    """Read ``structure(effects | grouping, option=value)``.

    Parameters
    ----------
    call : Fragment
        The whole call.
    structures : tuple of str
        The names there are.

    Returns
    -------
    list of Reading
    """
    name = call.call_name()
    inner, *options = call.arguments().split(",")
    bar = inner.find(BARS)
    if name not in structures:
        raise _unknown_structure(call, name, structures)
    if bar is None:
        message = (
            f"{name} is a covariance structure and needs a bar. "
            f"Write {name}(effects | grouping)."
        )
        raise call.error(message)
    if call.source.tokens[bar].code == "||":
        message = (
            f"`||` says how the effects vary together, and {name}(...) says it too. "
            "Write one bar."
        )
        raise call.error(message, bar)
    values = _read_options(options)
    return _read_sides(inner, bar, name, values, (call.typed, call.start))


def _unknown_structure(call: Fragment, name: str, structures: tuple[str, ...]):
    near = get_close_matches(name, structures, n=1, cutoff=0.5)
    hint = f" Did you mean {near[0]}?" if near else ""
    name, typed = call.tokens[0].name, call.arguments().typed
    return call.error(
        f"{name} is not a covariance structure.{hint} There are: "
        f"{', '.join(structures)}. For two terms write {name} + ({typed}); for `|` "
        f"as 'or' write I({call.typed}).",
    )


def _read_options(pieces: list[Fragment]) -> Options:
    options: dict[str, object] = {}
    if pieces and not len(pieces[-1]):  # a trailing comma, as Python allows it
        pieces = pieces[:-1]
    for piece in pieces:
        tokens = piece.tokens
        named = len(tokens) > 2 and tokens[1].code == "="
        if not named or tokens[0].kind is not Kind.NAME:
            message = (
                "An option of a covariance structure is written name=value, "
                "after the bar: us(x | g, name=value)."
            )
            raise piece.error(message, piece.lo if tokens else piece.lo - 1)
        name = tokens[0].code
        if name in options:
            raise piece.error(f"The option {name} is given twice. Remove one.")
        options[name] = _literal(piece.part(piece.lo + 2, piece.hi))
    return tuple(options.items())


def _literal(piece: Fragment) -> object:
    try:
        value = _hashable(ast.literal_eval(piece.code()))
        hash(value)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        message = (
            f"{piece.typed} is not a literal. Write a number, quoted text, True, "
            "False, None or a tuple of these."
        )
        raise piece.error(message) from None
    return value


def _hashable(value: object) -> object:
    sequence = isinstance(value, list | tuple)
    return tuple(map(_hashable, value)) if sequence else value


def _read_sides(inner: Fragment, bar: int, structure: str, options: Options, origin):
    effects, grouping = inner.part(inner.lo, bar), inner.part(bar + 1, inner.hi)
    _check_sides(inner, bar)
    text, labels = read_effects(effects)
    typed, position = origin
    return [
        Reading(
            RandomTerm(text, crossing, structure, options, typed, position),
            labels,
        )
        for crossing in expand_grouping(grouping)
    ]


def _check_sides(inner: Fragment, bar: int) -> None:
    _check_grouping_condition(inner, bar)
    check_condition(inner, bar)
    walk = inner.part(bar + 1, inner.hi).open_space()
    second = inner.find(BARS, walk)
    if second is None:
        second = inner.find(BARS, inner.part(inner.lo, bar).open_space())
    if second is not None:
        message = (
            "A second bar in one random term. Write a term for each grouping "
            "factor, (1 | f) + (1 | g), or cross them, (1 | f:g)."
        )
        raise inner.error(message, second)
    if bar == inner.lo:
        message = "No effects left of the bar. Write (1 | g) for a random intercept."
        raise inner.error(message, bar)
    if bar == inner.hi - 1:
        message = "No grouping factor right of the bar. Write (1 | g), g a column."
        raise inner.error(message, bar)


def _check_grouping_condition(inner: Fragment, bar: int) -> None:
    """Raise where only the grouping is a condition: a column was meant, not 'or'."""
    left, right = inner.part(inner.lo, bar), inner.part(bar + 1, inner.hi)
    found = right.find(CONDITION, right.open_space())
    if found is not None and left.find(CONDITION, left.open_space()) is None:
        message = (
            "A condition as grouping factor. Make it a column of the data first, or "
            "wrap it, as in (1 | I(x > 4))."
        )
        raise inner.error(message, found)


def check_condition(fragment: Fragment, bar: int) -> None:
    """Raise where a bar stands among comparisons: it was meant as 'or'."""
    if fragment.find(CONDITION, fragment.open_space()) is not None:
        message = (
            "This bar stands beside a condition, but a bar outside I(...) separates "
            "random effects from their grouping. For 'or' wrap the whole: "
            f"I({_parenthesised(fragment.around(bar), bar)})."
        )
        raise fragment.error(message, bar)


def _parenthesised(fragment: Fragment, bar: int) -> str:
    """Write both sides in parentheses: in Python `|` binds before ``>``."""
    sides = fragment.part(fragment.lo, bar), fragment.part(bar + 1, fragment.hi)
    return " | ".join(
        f"({s.unwrap().typed})" if len(s.unwrap()) else "..." for s in sides
    )


def read_effects(fragment: Fragment) -> tuple[str, frozenset[str]]:
    """Return patsy text with an explicit intercept, and the single effects.

    Parameters
    ----------
    fragment : Fragment
        What stands left of the bar.

    Returns
    -------
    tuple of str and frozenset of str
    """
    summands = split_sum(fragment.unwrap())
    for summand in summands:
        summand.require_effect()
        _check_nested_call(summand.body)
    text = join_summands(summands)
    markers = [s.intercept for s in summands if s.intercept is not None]
    if not markers:
        text = f"1 + {text}"
    intercept = {"1"} if not markers or markers[-1] else set()
    others = {
        s.body.unwrap().code()
        for s in summands
        if s.intercept is None and s.sign == "+"
    }
    labels = frozenset(intercept | others)
    if not labels:
        message = f"No effects are left in {fragment.typed!r}. Write 1 or a column."
        raise fragment.error(message)
    return text, labels


def _check_nested_call(body: Fragment) -> None:
    if body.call_name() not in (None, *OR_CALLS):
        inner = body.arguments().split(",")[0]
        bar = inner.find(BARS)
        if bar is not None:
            message = (
                "A bar inside the effects of a random term. Write terms side by "
                "side, joined by +, or wrap 'or' in I(...)."
            )
            raise body.error(message, bar)


def join_summands(summands: list[Summand]) -> str:
    """Write a sum; patsy knows no leading minus but before 0 and 1."""
    pieces: list[str] = []
    for summand in summands:
        code = summand.code
        if not pieces and summand.sign == "-":
            literal = summand.intercept is not None
            pieces.append(str(int(summand.intercept)) if literal else f"1 - {code}")
        else:
            pieces.append(f"{summand.sign} {code}" if pieces else code)
    return " ".join(pieces)
