"""A sum cut at its plus and minus signs, and the checks of one summand."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from statsmodels_mixed.formula.fragment import Fragment
from statsmodels_mixed.formula.scanner import OPERANDS, Kind

_SIGNS = frozenset(("+", "-"))
_CLOSING = frozenset(")]}")
# Operators of patsy's formula language: numbers beside them are not arithmetic.
_ALGEBRA = frozenset(("*", "/", ":", "**"))
_LITERALS = {"0": False, "1": True}


@dataclass(frozen=True)
class Summand:
    """A signed piece of a sum.

    Parameters
    ----------
    sign : str
        ``"+"`` or ``"-"``.
    body : Fragment
        What the sign stands before.
    sign_index : int, optional
        Token of the sign, none before a first summand.
    """

    sign: str
    body: Fragment
    sign_index: int | None = None

    @cached_property
    def intercept(self) -> bool | None:
        """True where the summand adds the intercept, False where it removes it."""
        inner = self.body.unwrap()
        adds = _LITERALS.get(inner.code()) if len(inner) == 1 else None
        return adds if adds is None or self.sign == "+" else not adds

    @property
    def code(self) -> str:
        """patsy text of the body; parentheses around a single token go."""
        inner = self.body.unwrap()
        return inner.code() if len(inner) == 1 else self.body.code()

    def require_effect(self) -> None:
        """Raise unless the body can be a summand of effects columns."""
        body = self.body
        inner = body.unwrap()
        if not len(inner):
            message = "These parentheses are empty. Write a term or 1 in them."
            raise body.error(message, inner.lo)
        _check_tokens(body)
        body.require_readable()


def refuse_dot(fragment: Fragment) -> None:
    """Raise at R's dot, which is a dot that follows no value.

    Parameters
    ----------
    fragment : Fragment
    """
    tokens = fragment.source.tokens
    for index in fragment.open_space():
        before = tokens[index - 1]
        value = before.kind is not Kind.OP or before.code in _CLOSING
        if tokens[index].code == "." and (index == fragment.lo or not value):
            message = "`.` for 'all other columns' is R. Name the columns, joined by +."
            raise fragment.error(message, index)


def split_sum(fragment: Fragment) -> list[Summand]:
    """Cut at the top-level signs that join, leaving those that belong to a value.

    Parameters
    ----------
    fragment : Fragment
        A sum, not empty.

    Returns
    -------
    list of Summand

    Examples
    --------
    >>> from statsmodels_mixed.formula.scanner import scan
    >>> source = scan("x - 1 + f(a + b)")
    >>> pieces = split_sum(Fragment(source, 0, len(source.tokens)))
    >>> [(piece.sign, piece.code) for piece in pieces]
    [('+', 'x'), ('-', '1'), ('+', 'f(a + b)')]
    """
    if not len(fragment):
        message = "These parentheses are empty. Write a term or 1 in them."
        raise fragment.error(message, fragment.lo)
    tokens, summands = fragment.source.tokens, []
    begin, sign, sign_index = fragment.lo, "+", None
    for index in fragment.top():
        token = tokens[index]
        if token.code not in _SIGNS or token.kind is not Kind.OP:
            continue
        if index > begin:
            if _awaits_operand(fragment, index):
                continue
            body = fragment.part(begin, index)
            summands.append(Summand(sign, body, sign_index))
            sign, sign_index = "+", None
        # Signs in a row multiply: x + -1 removes the intercept as in R.
        sign = "-" if (sign == "-") != (token.code == "-") else "+"
        sign_index = index if sign_index is None or token.code == "-" else sign_index
        begin = index + 1
    if begin == fragment.hi:
        message = "Nothing follows this sign. Write a term or remove the sign."
        raise fragment.error(message, begin - 1)
    summands.append(Summand(sign, fragment.part(begin, fragment.hi), sign_index))
    return summands


def _awaits_operand(fragment: Fragment, index: int) -> bool:
    """Whether the token before is an operator: the sign belongs to its operand."""
    before = fragment.source.tokens[index - 1]
    # After a bar a sign starts a side of it; either way it is no cut.
    return (before.kind is Kind.OP and before.code not in _CLOSING) or (
        before.kind is Kind.WORD and before.code not in ("None", "True", "False")
    )


def _check_tokens(body: Fragment) -> None:
    """Refuse what patsy would refuse, or silently read differently, later."""
    tokens = body.source.tokens
    for index in body.open_space():
        token = tokens[index]
        if token.kind in OPERANDS and index > body.lo:
            _check_joined(body, index)
        check = _TOKEN_CHECKS.get(token.code) or _TOKEN_CHECKS.get(token.kind)
        if check is not None:
            check(body, index)


def _check_joined(body: Fragment, index: int) -> None:
    before = body.source.tokens[index - 1]
    if before.kind in OPERANDS or before.code in _CLOSING:
        message = "An operator is missing before this. Write +, : or * there."
        raise body.error(message, index)


def _refuse(message: str):
    def check(body: Fragment, index: int) -> None:
        raise body.error(message, index)

    return check


def _check_sign(body: Fragment, index: int) -> None:
    before = body.source.tokens[index - 1]
    joins = before.code in _CLOSING or before.code in ("(", *_SIGNS)
    if index > body.lo and before.kind not in OPERANDS and not joins:
        message = (
            "A sign after an operator: patsy reads it as one between terms. "
            "Wrap arithmetic and conditions in I(...)."
        )
        raise body.error(message, index)


def _check_number(body: Fragment, index: int) -> None:
    tokens = body.source.tokens
    before = tokens[index - 1].code if index > body.lo else "+"
    after = tokens[index + 1].code if index + 1 < body.hi else "+"
    alone = {*_SIGNS, "(", ")"}
    joined = _ALGEBRA | alone
    if before == "**" or before not in joined or after not in joined:
        return  # an exponent, or part of a Python expression such as x > 2
    literal = tokens[index].code in _LITERALS and before in alone and after in alone
    if not literal:
        message = (
            "A number here is no arithmetic: 1 and 0 as terms add and remove the "
            "intercept. Wrap arithmetic in I(...), as in I(x / 2)."
        )
        raise body.error(message, index)


def _check_string(body: Fragment, index: int) -> None:
    if len(body.unwrap()) == 1:
        name = body.source.tokens[index].code
        message = f"Quoted text is no term. For a column of that name write Q({name})."
        raise body.error(message, index)


def _check_offset(body: Fragment, index: int) -> None:
    if body.calls_function(index):
        message = (
            "offset(...) must be a term of its own in the fixed part: "
            "y ~ x + offset(z) + (1 | g)."
        )
        raise body.error(message, index)


_TOKEN_CHECKS = {
    "~": _refuse("A second `~`. A formula has one, between response and effects."),
    "=": _refuse("A single `=` outside a call. Write == to compare, ~ to model."),
    ",": _refuse("A comma outside a call. Join terms by +."),
    "offset": _check_offset,
    "+": _check_sign,
    "-": _check_sign,
    Kind.NUMBER: _check_number,
    Kind.STRING: _check_string,
}
