"""What a formula says, in words."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import pandas as pd

from ..errors import DataError
from ..formula import PAIR, parse_formula, response_columns
from ..formula.fragment import Fragment
from ..formula.scanner import Kind, scan
from ..formula.spec import bare_name
from ..formula.sums import split_sum
from .aligned import aligned, listed


@dataclass(frozen=True)
class FormulaDescription:
    """A formula in words; made by `describe_formula`.

    Attributes
    ----------
    formula : str
        As given.
    terms : tuple of (str, str, str)
        Part (response, fixed, random, offset), the term, and what it says.
    """

    formula: str
    terms: tuple

    @property
    def table(self) -> pd.DataFrame:
        """The same as a DataFrame: part, term, words."""
        return pd.DataFrame(list(self.terms), columns=["part", "term", "words"])

    def __repr__(self):
        return "\n".join([self.formula, *aligned(list(self.terms))])


def describe_formula(formula: str) -> FormulaDescription:
    """Say in words what a formula states, term by term.

    Parameters
    ----------
    formula : str
        In lme4's notation; the response may be left out.

    Returns
    -------
    FormulaDescription

    Raises
    ------
    FormulaError
        It cannot be read.
    DataError
        It is no text.

    Examples
    --------
    >>> describe_formula("y ~ x + (x || g)")
    y ~ x + (x || g)
      response  y         what is modelled
      fixed     1         an intercept (implied)
      fixed     x         the effect of x
      random    (x || g)  the intercept and the effect of x vary among levels of g,
                          independently
    """
    if not isinstance(formula, str):
        raise DataError(f"formula must be text, not {type(formula).__name__}.")
    spec = parse_formula(formula, one_sided=True, trials=True)
    terms = [] if spec.response is None else [_response(spec.response)]
    terms += [("fixed", *pair) for pair in _fixed(spec.mean.fixed)]
    terms += [("offset", f"offset({o})", f"{o}, known") for o in spec.mean.offsets]
    terms += [("random", *pair) for pair in _random(spec.mean.random)]
    return FormulaDescription(formula, tuple(terms))


def _response(text):
    pair = text.startswith(f"{PAIR}(")
    words = "what is modelled"
    if pair:
        columns = response_columns(text)
        words = "successes {} and failures {}".format(*columns)
    return "response", text, words


# ---- effects -------------------------------------------------------------------------


def _whole(text):
    source = scan(text)
    return Fragment(source, 0, len(source.tokens))


def _fixed(text):
    summands = split_sum(_whole(text))
    marked = [s for s in summands if s.intercept is not None]
    if not marked:
        yield "1", "an intercept (implied)"
    for summand in summands:
        sign = "- " if summand.sign == "-" else ""
        yield sign + summand.code, _fixed_words(summand)


def _fixed_words(summand):
    if summand.intercept is not None:
        return "an intercept" if summand.intercept else "no intercept"
    words = _effect(summand.body.unwrap())
    return f"without {words}" if summand.sign == "-" else words


def _effect(fragment):
    """What a product of columns, or a single one, says."""
    for operator, say in _OPERATORS.items():
        parts = fragment.split(operator)
        if len(parts) > 1:
            return say([part.unwrap() for part in parts])
    return f"the effect of {_column(fragment)}"


def _product(parts):
    names = [_column(part) for part in parts]
    which = "their interaction" if len(parts) == 2 else "all their interactions"
    return f"the effects of {listed(names)} and {which}"


def _interaction(parts):
    return f"the interaction of {listed([_column(part) for part in parts])}"


def _within(parts):
    names = [_column(part) for part in parts]
    inner = (f"of {b} within each {a}" for a, b in itertools.pairwise(names))
    return f"the effects of {names[0]} and {listed(list(inner))}"


def _power(parts):
    inside, order = parts[0].code(), parts[-1].code()
    return f"the terms of {inside} and their interactions of up to {order}"


_OPERATORS = {"*": _product, "/": _within, ":": _interaction, "**": _power}


def _column(fragment):
    """A column or an expression, as one says it."""
    name = fragment.call_name()
    say = _CALLS.get(name)
    if say is None:
        token = fragment.tokens[0]
        single = len(fragment) == 1 and token.kind is Kind.COLUMN
        return token.name if single else bare_name(fragment.code())
    argument = fragment.arguments().split(",")[0]
    return say.format(bare_name(argument.code()))


_SPLINE = "{} (as a smooth curve, a spline)"
_CALLS = {
    "C": "{} (as a factor)",
    "I": "{}",
    "bs": _SPLINE,
    "cr": _SPLINE,
    "cc": _SPLINE,
    "center": "{} (less its mean)",
    "standardize": "{} (in standard deviations from its mean)",
    "scale": "{} (in standard deviations from its mean)",
}


# ---- random terms --------------------------------------------------------------------


def _random(random):
    """Terms as typed; those that one typed term stands for together."""
    several = _groups_of_several(random)
    for _, group in itertools.groupby(random, key=lambda t: (t.position, t.text)):
        terms = list(group)
        words = f"{_varying(terms[0])} {_among(terms)}{_together(terms[0])}"
        shared = [t.group_name for t in terms if t.group_name in several]
        if shared:
            words += f"; independent of the other terms of {listed(shared)}"
        yield _typed(terms[0]), words


def _groups_of_several(random):
    names = [t.group_name for t in random]
    return {name for name in names if names.count(name) > 1}


def _typed(term):
    """The term as typed, with the parentheses that are not in its text."""
    return term.text if _whole(term.text).call_name() else f"({term.text})"


def _effects(term):
    summands = split_sum(_whole(term.effects))
    intercept = [s.intercept for s in summands if s.intercept is not None][-1]
    others = [s for s in summands if s.intercept is None]
    return ["the intercept"] * intercept + [_fixed_words(s) for s in others]


def _varying(term):
    effects = _effects(term)
    several = len(effects) > 1 or effects[0].startswith("the effects")
    return f"{listed(effects)} {'vary' if several else 'varies'}"


def _among(terms):
    crossings = [term.grouping for term in terms]
    return f"among {listed([_levels(c, crossings) for c in crossings])}"


def _levels(crossing, crossings):
    names = [bare_name(part) for part in crossing]
    if len(names) == 1:
        return f"levels of {names[0]}"
    nested = crossing[:-1] in crossings and crossing[-1:] not in crossings
    if nested:
        return f"levels of {names[-1]} within {':'.join(names[:-1])}"
    return f"combinations of {listed(names)}"


def _together(term):
    """How the effects of a level vary together; nothing to say of an intercept."""
    if term.effects == "1":
        return ""
    alone = len(_effects(term)) == 1 and term.structure == "us"
    return _OF_LEVELS if alone else _TOGETHER.get(term.structure, "")


# of one effect, which may be several columns
_OF_LEVELS = ", with correlations where it is that of a factor"
_TOGETHER = {
    "us": ", with correlations",
    "diag": ", independently",
    "homdiag": ", independently and with one variance",
}
