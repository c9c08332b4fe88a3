"""Text to tokens: quotes, names, brackets; the first place errors are found.

Python's own `tokenize` reads numbers, names and operators. Quoted text and
back-ticks are masked first by underscores of the same length: back-ticks are no
Python, and the treatment of a missing quote differs between Python versions.
Offsets in the masked text are therefore offsets in the formula.
"""

from __future__ import annotations

import ast
import re
import tokenize
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from io import StringIO
from keyword import iskeyword
from typing import NamedTuple
from unicodedata import normalize

from statsmodels_mixed.errors import FormulaError

# Python's parser stops at 200 levels and ours recurses: fail early and legibly.
MAX_DEPTH = 50

# Keywords with a meaning inside an expression. Every other keyword (yield,
# class, lambda, ...) can only be the name of a column.
EXPRESSION_WORDS = frozenset(
    ("and", "or", "not", "in", "is", "if", "else", "for", "None", "True", "False"),
)
OPERATORS = frozenset("+-*/%@:|&~<>()[]{},.=") | frozenset(
    ("**", "//", "||", "<=", ">=", "==", "!=", "<<", ">>", "..."),
)
CLOSER = {"(": ")", "[": "]", "{": "}"}

_QUOTES = re.compile(
    r"""`(?P<name>[^`\n]*)`
    |(?:(?<!\w)[rRbBuUfF]{1,2})?(?:"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*')
    |(?P<unclosed>["'`])""",
    re.VERBOSE,
)
_BRACKETS = re.compile(r"[()\[\]{}]")
_R_NESTED_IN = re.compile(r"%\s*in\s*%")
_LAYOUT = frozenset(
    (
        tokenize.NEWLINE,
        tokenize.NL,
        tokenize.INDENT,
        tokenize.DEDENT,
        tokenize.ENDMARKER,
    ),
)


class Kind(Enum):
    """What a token is."""

    NAME = "name"
    COLUMN = "column"  # back-ticked, or a keyword: emitted as Q("...")
    STRING = "string"
    NUMBER = "number"
    WORD = "word"  # and, or, not, ...
    OP = "operator"


OPERANDS = frozenset((Kind.NAME, Kind.COLUMN, Kind.STRING, Kind.NUMBER))


class Token(NamedTuple):
    """A token; `code` is what patsy reads, `name` the column a COLUMN means."""

    kind: Kind
    code: str
    start: int
    end: int
    name: str = ""


@dataclass(frozen=True)
class Source:
    """A scanned text, its brackets balanced.

    Parameters
    ----------
    text, masked : str
        As written, and with quotes masked and white space made blanks.
    tokens : list of Token
        Without layout.
    partner : dict of int to int
        Index of the closing bracket by index of the opening one.
    calls : set of int
        Indices of the parentheses that hold the arguments of a call.
    """

    text: str
    masked: str
    tokens: list[Token]
    partner: dict[int, int]
    calls: set[int]

    def error(self, message: str, position: int | None = None) -> FormulaError:
        """Return (not raise) the error with the text and the caret."""
        return FormulaError(message, self.text, position)


def scan(text: str) -> Source:
    """Split a formula, or a piece of one, into tokens.

    Parameters
    ----------
    text : str
        The formula.

    Returns
    -------
    Source

    Examples
    --------
    >>> [token.code for token in scan("yield ~ `x 1` + (1 || g)").tokens]
    ['Q("yield")', '~', 'Q("x 1")', '+', '(', '1', '||', 'g', ')']
    """
    if not isinstance(text, str):
        kind = type(text).__name__
        raise FormulaError(f"A formula must be text, not {kind}.", repr(text))
    return _scanned(text)


@lru_cache(maxsize=256)  # the text says it all, and each is scanned several times
def _scanned(text: str) -> Source:
    masked, quotes = _mask(text)
    _check_brackets(text, masked)
    nested = _R_NESTED_IN.search(masked)
    if nested:
        message = "`%in%` is R. Write a:b, or a/b for a and b within a."
        raise FormulaError(message, text, nested.start())
    tokens = _plain_arguments(_read_tokens(text, masked, quotes))
    if "factor" in text:
        tokens = _rewrite_factor(tokens)
    return Source(text, masked, tokens, *_link_brackets(tokens))


def quote_column(name: str) -> str:
    """Return patsy text for a column with any name."""
    plain = '"' not in name and "\\" not in name and name.isprintable()
    return f'Q("{name}")' if plain else f"Q({name!r})"


def _mask(text: str) -> tuple[str, dict[int, Token]]:
    quotes, pieces, last = {}, [], 0
    for match in _QUOTES.finditer(text):
        start, end = match.span()
        if match["unclosed"]:
            message = f"This {match[0]} is never closed. Add the second {match[0]}."
            raise FormulaError(message, text, start)
        quotes[start] = _quoted_token(text, match)
        pieces += [text[last:start], "_" * (end - start)]
        last = end
    pieces.append(text[last:])
    masked = "".join(pieces)
    # patsy evaluates one line; one blank for one character keeps the offsets.
    return re.sub(r"\s", " ", masked), quotes


def _quoted_token(text: str, match: re.Match) -> Token:
    name = match["name"]
    if name is None:
        _require_literal(text, match)
        return Token(Kind.STRING, match[0], *match.span())
    if not name.strip():
        message = "Nothing stands between the back-ticks. Write a column's name."
        raise FormulaError(message, text, match.start())
    return Token(Kind.COLUMN, quote_column(name), *match.span(), name)


def _require_literal(text: str, match: re.Match) -> None:
    """Check what Python could refuse inside quotes: prefixes and escapes."""
    string = match[0]
    if string[0] in "\"'" and "\\" not in string and string.isprintable():
        return
    try:
        ast.parse(string, mode="eval")
    except (SyntaxError, ValueError):
        message = f"Python cannot read the quoted text {string!a}. Check its escapes."
        raise FormulaError(message, text, match.start()) from None


def _check_brackets(text: str, masked: str) -> None:
    """Find what is unbalanced; newer Pythons' tokenizer would stop without a place."""
    stack: list[tuple[str, int]] = []
    for match in _BRACKETS.finditer(masked):
        bracket, at = match[0], match.start()
        if bracket in CLOSER:
            stack.append((bracket, at))
            if len(stack) > MAX_DEPTH:
                message = f"More than {MAX_DEPTH} brackets are open. Nest less deeply."
                raise FormulaError(message, text, at)
        elif not stack:
            message = f"This {bracket} closes nothing. Remove it or open it before."
            raise FormulaError(message, text, at)
        else:
            opened = stack.pop()[0]
            if CLOSER[opened] != bracket:
                message = (
                    f"This {bracket} stands where {CLOSER[opened]} must close "
                    f"an open {opened}. Exchange it or add the {CLOSER[opened]}."
                )
                raise FormulaError(message, text, at)
    if stack:
        bracket, at = stack[-1]
        message = f"This {bracket} is never closed. Add the {CLOSER[bracket]}."
        raise FormulaError(message, text, at)


def _read_tokens(text: str, masked: str, quotes: dict[int, Token]) -> list[Token]:
    tokens: list[Token] = []
    waiting = dict(quotes)
    for kind, string, start, end in _python_tokens(text, masked):
        if start in waiting:
            token = waiting.pop(start)
            if token.end != end:
                raise FormulaError(_GLUED, text, token.end)
        else:
            reader = _READERS.get(kind, _unreadable)
            token = reader(text, string, start, end)
        if token.code == "|" and tokens and tokens[-1][1::2] == ("|", start):
            token = Token(Kind.OP, "||", tokens.pop().start, end)
        tokens.append(token)
    if waiting:
        raise FormulaError(_GLUED, text, min(waiting))
    return tokens


def _python_tokens(text: str, masked: str):
    try:
        for info in tokenize.generate_tokens(StringIO(masked).readline):
            blank = not info.string.strip()
            if info.type not in _LAYOUT and not blank:
                yield info.type, info.string, info.start[1], info.end[1]
    except (tokenize.TokenError, SyntaxError, ValueError) as error:
        # TokenError carries (row, column), SyntaxError an offset from one.
        place = error.args[1] if len(error.args) > 1 else None
        column = place[1] if tokenize.TokenError is type(error) and place else 0
        column = getattr(error, "offset", None) or column
        message = f"Python cannot read this ({error.args[0]}). Check this place."
        position = min(max(column - 1, 0), max(len(text) - 1, 0))
        raise FormulaError(message, text, position) from None


_GLUED = "An operator is missing between a name and quoted text. Write + or : there."


def _name(text: str, string: str, start: int, end: int) -> Token:
    if not string.isidentifier():
        message = f"{string!r} is no Python name. Put it in back-ticks: `{string}`."
        raise FormulaError(message, text, start)
    if iskeyword(string):
        if string in EXPRESSION_WORDS:
            return Token(Kind.WORD, string, start, end)
        return Token(Kind.COLUMN, quote_column(string), start, end, string)
    # Python folds identifiers (the micro sign becomes a Greek mu), data do not.
    if not string.isascii() and normalize("NFKC", string) != string:
        return Token(Kind.COLUMN, quote_column(string), start, end, string)
    return Token(Kind.NAME, string, start, end, string)


def _number(text: str, string: str, start: int, end: int) -> Token:
    return Token(Kind.NUMBER, string, start, end)


def _operator(text: str, string: str, start: int, end: int) -> Token:
    if string not in OPERATORS:
        return _unreadable(text, string, start, end)
    return Token(Kind.OP, string, start, end)


_R_POWER = (
    "`^` is no power in Python, where it means exclusive or. Write ** for it: "
    "I(x**2) for a square, (a + b)**2 for interactions."
)
_REMEDIES = {
    "^": _R_POWER,
    "^=": _R_POWER,
    "|=": "`|=` has no meaning in a formula. Remove the =.",
    "#": "A formula holds no comments. Remove the # and what follows.",
    ":=": "`:=` assigns. Write a:b for an interaction.",
    "->": "`->` has no meaning in a formula. Write the response first: y ~ x.",
    ";": "`;` ends a statement. Join the terms by +.",
}


def _unreadable(text: str, string: str, start: int, end: int) -> Token:
    default = (
        f"{string[:1]!r} has no meaning in a formula. Remove it, or put a column's "
        "name that holds it in back-ticks."
    )
    key = string if string in _REMEDIES else string[:1]
    raise FormulaError(_REMEDIES.get(key, default), text, start)


_READERS = {
    tokenize.NAME: _name,
    tokenize.NUMBER: _number,
    tokenize.OP: _operator,
}


def _plain_arguments(tokens: list[Token]) -> list[Token]:
    """Names of keyword arguments are Python's, not columns: fold them as it does."""
    for index, token in enumerate(tokens[:-1]):
        if token.kind is Kind.COLUMN and tokens[index + 1].code == "=":
            folded = normalize("NFKC", token.name or "")
            if folded.isidentifier() and not iskeyword(folded):
                tokens[index] = Token(Kind.NAME, folded, token.start, token.end, folded)
    return tokens


def _rewrite_factor(tokens: list[Token]) -> list[Token]:
    """Turn R's ``factor(x)`` and ``as.factor(x)`` into ``C(x)``."""
    result: list[Token] = []
    for token, following in zip(tokens, [*tokens[1:], None], strict=True):
        called = following is not None and following.code == "("
        if token.kind is Kind.NAME and token.code == "factor" and called:
            start = token.start
            if [t.code for t in result[-2:]] == ['Q("as")', "."]:
                start = result[-2].start
                del result[-2:]
            if not (result and result[-1].code == "."):
                token = Token(Kind.NAME, "C", start, token.end, "C")
        result.append(token)
    return result


def _link_brackets(tokens: list[Token]) -> tuple[dict[int, int], set[int]]:
    partner: dict[int, int] = {}
    calls: set[int] = set()
    stack: list[int] = []
    for index, token in enumerate(tokens):
        if token.kind is not Kind.OP:
            continue
        if token.code in CLOSER:
            stack.append(index)
            if token.code == "(" and index and _callable(tokens[index - 1]):
                calls.add(index)
        elif token.code in ")]}":
            partner[stack.pop()] = index
    return partner, calls


def _callable(token: Token) -> bool:
    named = token.kind in (Kind.NAME, Kind.COLUMN, Kind.STRING)
    return named or (token.kind is Kind.OP and token.code in ")]}")
