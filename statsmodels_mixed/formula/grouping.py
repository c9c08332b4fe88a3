"""What stands right of the bar: ``f/g``, ``f:g``, ``f*g`` to crossed factors."""

from __future__ import annotations

from collections.abc import Callable

from statsmodels_mixed.formula.fragment import Fragment
from statsmodels_mixed.formula.scanner import Kind

Crossing = tuple[str, ...]


def expand_grouping(fragment: Fragment) -> list[Crossing]:
    """Expand the right side of a bar.

    Parameters
    ----------
    fragment : Fragment
        What stands right of the bar.

    Returns
    -------
    list of tuple of str
        One tuple of crossed factors for each random term.

    Examples
    --------
    >>> from statsmodels_mixed.formula.scanner import scan
    >>> source = scan("f/(g:h)")
    >>> expand_grouping(Fragment(source, 0, len(source.tokens)))
    [('f',), ('f', 'g', 'h')]
    """
    fragment = fragment.unwrap()
    if not len(fragment):
        message = "These parentheses are empty. Write a grouping factor."
        raise fragment.error(message, fragment.lo)
    for operators in _LEVELS:
        # The last operator of a level binds last: they associate to the left.
        found = [i for i in fragment.top() if _code(fragment, i) in operators]
        if found:
            return _combine(fragment, found[-1])
    return [(_factor(fragment),)]


def _combine(fragment: Fragment, index: int) -> list[Crossing]:
    left = fragment.part(fragment.lo, index)
    right = fragment.part(index + 1, fragment.hi)
    if not len(left) or not len(right):
        message = "A grouping factor is missing beside this operator. Write one."
        raise fragment.error(message, index)
    combine = _OPERATORS[_code(fragment, index)]
    return _unique(combine(expand_grouping(left), expand_grouping(right)))


def _interact(left: list[Crossing], right: list[Crossing]) -> list[Crossing]:
    return [tuple(_unique(a + b)) for a in left for b in right]


def _nest(left: list[Crossing], right: list[Crossing]) -> list[Crossing]:
    whole = tuple(_unique(sum(left, ())))
    return left + _interact([whole], right)


def _cross(left: list[Crossing], right: list[Crossing]) -> list[Crossing]:
    return left + right + _interact(left, right)


def _unique(items) -> list:
    return list(dict.fromkeys(items))


_OPERATORS: dict[str, Callable[[list[Crossing], list[Crossing]], list[Crossing]]] = {
    "/": _nest,
    "*": _cross,
    ":": _interact,
}
# From loosest to tightest, as in R.
_LEVELS = (frozenset("*/"), frozenset(":"))


def _code(fragment: Fragment, index: int) -> str:
    return fragment.source.tokens[index].code


def _factor(fragment: Fragment) -> str:
    """Return the text of one factor: a name, a quoted name or a call."""
    plus = fragment.find(("+",))
    if plus is not None:
        message = (
            "A `+` right of the bar. Write one term for each factor, "
            "(1 | f) + (1 | g), or f/g for nested factors."
        )
        raise fragment.error(message, plus)
    first = fragment.source.tokens[fragment.lo]
    if first.kind not in (Kind.NAME, Kind.COLUMN):
        message = (
            f"{fragment.typed} is no grouping factor. Write a column's name or an "
            "expression like C(g)."
        )
        raise fragment.error(message)
    for index in fragment.top():
        token = fragment.source.tokens[index]
        operator = token.kind is Kind.OP and token.code not in _TRAILERS
        if operator or token.kind is Kind.WORD:
            message = (
                f"`{token.code}` has no meaning between grouping factors. "
                "Write f:g, f/g or f*g, or wrap arithmetic in I(...)."
            )
            raise fragment.error(message, index)
    fragment.require_readable()
    return fragment.code()


_TRAILERS = frozenset("([{.")
