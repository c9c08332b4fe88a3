"""A run of tokens: walking it by depth, cutting it, writing it out for patsy."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from statsmodels_mixed.errors import FormulaError
from statsmodels_mixed.formula.scanner import OPERANDS, Kind, Source, Token

# Words and signs of a condition: where they meet a bar, the bar meant "or".
CONDITION = (
    frozenset("<>&")
    | frozenset(("<=", ">=", "==", "!="))
    | frozenset(("and", "or", "not", "in", "is", "if", "else"))
)
BARS = frozenset(("|", "||"))
_TIGHT = frozenset((".", ":", "**", "="))
_OPEN = frozenset("([{")
_CLOSE = frozenset(")]}")
_SIGNS = frozenset(("+", "-", "~", "*", "**"))


@dataclass(frozen=True)
class Fragment:
    """Tokens ``lo`` up to, not including, ``hi`` of a source.

    Parameters
    ----------
    source : Source
        The scanned text.
    lo, hi : int
        Range of token indices.
    """

    source: Source
    lo: int
    hi: int

    def __len__(self) -> int:
        return self.hi - self.lo

    @property
    def tokens(self) -> list[Token]:
        """The tokens themselves."""
        return self.source.tokens[self.lo : self.hi]

    @property
    def start(self) -> int:
        """Offset of the first character."""
        return self.source.tokens[self.lo].start

    @property
    def typed(self) -> str:
        """The text as written, on one line."""
        end = self.source.tokens[self.hi - 1].end
        return " ".join(self.source.text[self.start : end].split())

    def error(self, message: str, index: int | None = None) -> FormulaError:
        """Return the error with the caret under a token, by default the first."""
        index = self.lo if index is None else index
        return self.source.error(message, self.source.tokens[index].start)

    def part(self, lo: int, hi: int) -> Fragment:
        """Return another range of the same source."""
        return Fragment(self.source, lo, hi)

    def top(self) -> Iterator[int]:
        """Yield the indices outside brackets, opening brackets included."""
        index, partner = self.lo, self.source.partner
        while index < self.hi:
            yield index
            index = partner.get(index, index) + 1

    def open_space(self) -> Iterator[int]:
        """Yield the indices where signs are patsy's: not in calls, [] and {}."""
        index, source = self.lo, self.source
        while index < self.hi:
            yield index
            closing = source.partner.get(index)
            enter = closing is None or self.is_group(index)
            index = index + 1 if enter else closing + 1

    def is_group(self, index: int) -> bool:
        """Whether a token opens parentheses that are not those of a call."""
        source = self.source
        return source.tokens[index].code == "(" and index not in source.calls

    def find(
        self, codes: Collection[str], walk: Iterator[int] | None = None
    ) -> int | None:
        """Return the first index with one of the codes, by default at the top."""
        tokens = self.source.tokens
        for index in self.top() if walk is None else walk:
            if tokens[index].code in codes:
                return index
        return None

    def around(self, index: int) -> Fragment:
        """Return the inside of the innermost brackets around a token, or all."""
        for opening in range(index - 1, self.lo - 1, -1):
            closing = self.source.partner.get(opening, -1)
            if closing > index:
                return self.part(opening + 1, closing)
        return self

    def split(self, code: str) -> list[Fragment]:
        """Cut at each top-level operator; pieces may be empty."""
        tokens, pieces, begin = self.source.tokens, [], self.lo
        for index in self.top():
            if tokens[index].code == code:
                pieces.append(self.part(begin, index))
                begin = index + 1
        return [*pieces, self.part(begin, self.hi)]

    def unwrap(self) -> Fragment:
        """Take off the parentheses around the whole."""
        lo, hi, partner = self.lo, self.hi, self.source.partner
        while lo < hi and partner.get(lo) == hi - 1 and self.is_group(lo):
            lo, hi = lo + 1, hi - 1
        return self if lo == self.lo else self.part(lo, hi)

    def call_name(self) -> str | None:
        """Return f when the whole reads ``f(...)`` with a plain name f."""
        lo, source = self.lo, self.source
        whole = lo + 1 in source.calls and source.partner[lo + 1] == self.hi - 1
        return source.tokens[lo].code if whole else None

    def calls_function(self, index: int) -> bool:
        """Whether a token names a function that is called, not a method."""
        source = self.source
        method = index > self.lo and source.tokens[index - 1].code == "."
        return index + 1 in source.calls and not method

    def arguments(self) -> Fragment:
        """Return what stands between the parentheses of a call."""
        return self.part(self.lo + 2, self.hi - 1)

    def code(self) -> str:
        """Write the tokens with one spacing, whatever was typed."""
        tokens = self.source.tokens
        if len(self) == 1:
            return tokens[self.lo].code
        calls, pieces, before = self.source.calls, [], None
        operand = False  # whether what precedes is a value
        for index in range(self.lo, self.hi):
            token = tokens[index]
            tight = before is None or index in calls or (token.code == "[" and operand)
            tight = tight or (token.code in _TIGHT and operand)
            if not tight and _spaced(before, token):
                pieces.append(" ")
            pieces.append(token.code)
            if token.kind is Kind.OP:
                unary = token.code in _SIGNS and not operand
                operand = token.code in _CLOSE
                # A sign that follows no value clings to what it precedes.
                before = None if unary else token
            else:
                operand = token.kind is not Kind.WORD
                before = token
        return "".join(pieces)

    def require_readable(self) -> None:
        """Raise unless Python reads this piece, patsy's colons apart."""
        tokens = self.source.tokens
        if len(self) == 1 and tokens[self.lo].kind in OPERANDS:
            return
        start, text = self.start, self._python_text()
        try:
            ast.parse(text, mode="eval")
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            column = (getattr(error, "offset", None) or 1) - 1
            reason = getattr(error, "msg", None) or type(error).__name__
            message = (
                f"Python cannot read {self.typed!r}: {reason.rstrip('.?')}. "
                "Check for a missing or doubled operator, comma or operand."
            )
            position = start + min(max(column, 0), len(text) - 1)
            raise self.source.error(message, position) from None

    def _python_text(self) -> str:
        """Masked text of unchanged length in which patsy's ``:`` is an ``@``.

        The two bind alike, and no second operator joins ``@`` to a longer one.
        """
        tokens = self.source.tokens
        start = self.start
        text = self.source.masked[start : tokens[self.hi - 1].end]
        colons = [tokens[i] for i in self.open_space() if tokens[i].code == ":"]
        # Keywords and as.factor stand for names that Python would not read.
        names = [t for t in self.tokens if t.name and t.end - t.start != len(t.code)]
        if not colons and not names:
            return text
        letters = list(text)
        for token in (*colons, *names):
            letter = "@" if token.kind is Kind.OP else "_"
            width = token.end - token.start
            letters[token.start - start : token.end - start] = letter * width
        return "".join(letters)


def _spaced(before: Token, token: Token) -> bool:
    """Whether a blank separates two neighbours."""
    if before.kind is Kind.OP and (before.code in _OPEN or before.code in _TIGHT):
        return False
    if token.kind is not Kind.OP:
        return True
    return token.code not in _CLOSE and token.code != ","
