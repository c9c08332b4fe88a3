"""Formula text to `ModelSpec`: response, then the sum of terms one by one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from statsmodels_mixed.formula.duplicates import check_duplicates
from statsmodels_mixed.formula.fragment import BARS, Fragment
from statsmodels_mixed.formula.response import read_response
from statsmodels_mixed.formula.scanner import Kind, Source, scan
from statsmodels_mixed.formula.spec import LinearPredictor, ModelSpec
from statsmodels_mixed.formula.sums import Summand, refuse_dot, split_sum
from statsmodels_mixed.formula.terms import (
    OR_CALLS,
    Reading,
    check_condition,
    join_summands,
    read_call,
    read_plain,
)

DEFAULT_STRUCTURES = ("us", "diag", "homdiag")


def parse_formula(
    text: str,
    structures: Iterable[str] | None = None,
    *,
    one_sided: bool = False,
    trials: bool = False,
) -> ModelSpec:
    """Read ``response ~ fixed + (effects | grouping)``.

    Parameters
    ----------
    text : str
        The formula, in patsy's language plus random terms as in lme4.
    structures : iterable of str, optional
        Names of the covariance structures that can be called, ``us``,
        ``diag`` and ``homdiag`` by default.
    one_sided : bool
        Whether a formula without response is accepted (its `response` is None).
    trials : bool
        Whether the response can be ``s + f``, two columns, or ``s / n``, a proportion.

    Returns
    -------
    ModelSpec

    Raises
    ------
    FormulaError
        With the cause, the remedy and a caret under the place.

    Examples
    --------
    >>> spec = parse_formula("Reaction ~ Days + (Days | Subject)")
    >>> spec.response, spec.mean.fixed
    ('Reaction', 'Days')
    >>> print(spec.mean.random[0])
    (1 + Days | Subject)
    """
    source = scan(text)
    left, right = _cut_at_tilde(source)
    response = None
    if len(left) or not one_sided:
        response = read_response(left, right, trials)
    mean = _read_predictor(right, "mean", _names(structures))
    return ModelSpec(response, (mean,), text)


def parse_predictor(
    text: str,
    name: str,
    structures: Iterable[str] | None = None,
) -> LinearPredictor:
    """Read a one-sided formula such as ``"~ x + (1 | g)"``.

    Parameters
    ----------
    text : str
        The formula.
    name : str
        What the predictor is for, e.g. ``"dispersion"``.
    structures : iterable of str, optional
        As for `parse_formula`.

    Returns
    -------
    LinearPredictor

    Examples
    --------
    >>> parse_predictor("~ 0 + x", "dispersion").fixed
    '0 + x'
    """
    source = scan(text)
    left, right = _cut_at_tilde(source)
    if len(left):
        message = f"The formula of the {name} has no response. Start it with `~`."
        raise left.error(message)
    return _read_predictor(right, name, _names(structures))


def _names(structures: Iterable[str] | None) -> tuple[str, ...]:
    return DEFAULT_STRUCTURES if structures is None else tuple(structures)


def _cut_at_tilde(source: Source) -> tuple[Fragment, Fragment]:
    whole = Fragment(source, 0, len(source.tokens))
    if not len(whole):
        raise source.error("The formula is empty. Write one like y ~ x + (1 | g).")
    sides = whole.split("~")
    if len(sides) == 1:
        message = "No `~` in the formula. Write the response first: y ~ x + (1 | g)."
        equals = whole.find(("=",))
        if equals is not None:
            message = "A formula has `~` in place of this `=`: y ~ x + (1 | g)."
        raise whole.error(message, equals)
    if len(sides) > 2:
        message = "A second `~`. A formula has one, between response and effects."
        raise whole.error(message, sides[1].hi)
    left, right = sides
    if not len(right):
        message = "Nothing follows the `~`. Write 1 there for a model without effects."
        raise whole.error(message, left.hi)
    return left, right


@dataclass
class _Parts:
    """What the terms of a sum are sorted into."""

    structures: tuple[str, ...]
    fixed: list[Summand] = field(default_factory=list)
    random: list[Reading] = field(default_factory=list)
    offsets: list[str] = field(default_factory=list)


def _read_predictor(
    right: Fragment,
    name: str,
    structures: tuple[str, ...],
) -> LinearPredictor:
    parts = _Parts(structures)
    refuse_dot(right)
    _sort_sum(right, parts)
    check_duplicates(parts.random, right.source)
    return LinearPredictor(
        name,
        join_summands(parts.fixed) or "1",
        tuple(reading.term for reading in parts.random),
        tuple(parts.offsets),
    )


def _sort_sum(fragment: Fragment, parts: _Parts) -> None:
    """Sort each summand by the first reader that knows it."""
    for summand in split_sum(fragment):
        inner = summand.body.unwrap()
        for reader in _READERS:
            if reader(fragment, summand, inner, parts):
                break


def _take_plain(fragment: Fragment, summand: Summand, inner: Fragment, parts: _Parts):
    bar = inner.find(BARS)
    if bar is None:
        return False
    if inner is summand.body:
        raise _bare_bar(fragment, inner, bar)
    _refuse_minus(summand)
    parts.random += read_plain(summand.body, inner)
    return True


def _take_call(fragment: Fragment, summand: Summand, inner: Fragment, parts: _Parts):
    name = inner.call_name()
    if name is None or not _is_structure_call(inner, name, parts.structures):
        return False
    _refuse_minus(summand)
    parts.random += read_call(inner, parts.structures)
    return True


def _is_structure_call(call: Fragment, name: str, structures: tuple[str, ...]) -> bool:
    if name in structures:
        return True
    barred = call.arguments().split(",")[0].find(BARS) is not None
    return barred and name not in OR_CALLS


def _take_offset(fragment: Fragment, summand: Summand, inner: Fragment, parts: _Parts):
    if inner.call_name() != "offset":
        return False
    value = inner.arguments()
    if not len(value):
        raise inner.error("This offset is empty. Write a column in it: offset(z).")
    if summand.sign == "-":
        message = f"An offset is added. Write + offset(-({value.typed}))."
        raise inner.error(message, summand.sign_index)
    comma = value.find((",", "="))
    if comma is not None:
        raise inner.error("An offset holds one expression and no options.", comma)
    inner.require_readable()
    parts.offsets.append(value.code())
    return True


def _take_group(fragment: Fragment, summand: Summand, inner: Fragment, parts: _Parts):
    """Open parentheses around a sum, but only where they hold a random term.

    Elsewhere they stay: patsy reads ``x + (0 + z)`` and ``x + 0 + z`` differently.
    """
    if inner is summand.body or not _holds_special(inner, parts.structures):
        return False
    _refuse_minus(summand)
    _sort_sum(inner, parts)
    return True


def _holds_special(fragment: Fragment, structures: tuple[str, ...]) -> bool:
    return _find_special(fragment, (*structures, "offset")) is not None


def _find_special(fragment: Fragment, names: tuple[str, ...]) -> int | None:
    """Return the index of a bar or of a call by one of the names."""
    for index in fragment.open_space():
        code = fragment.source.tokens[index].code
        if code in BARS or (code in names and fragment.calls_function(index)):
            return index
    return None


def _take_fixed(fragment: Fragment, summand: Summand, inner: Fragment, parts: _Parts):
    special = _find_special(summand.body, parts.structures)
    if special is not None:
        raise _not_alone(summand.body, special)
    summand.require_effect()
    parts.fixed.append(summand)
    return True


_READERS = (_take_plain, _take_call, _take_offset, _take_group, _take_fixed)


def _refuse_minus(summand: Summand) -> None:
    if summand.sign == "-":
        message = "A random term cannot be subtracted. Write + or leave the term out."
        raise summand.body.error(message, summand.sign_index)


def _bare_bar(fragment: Fragment, body: Fragment, bar: int):
    check_condition(body, bar)
    right = body.part(bar + 1, body.hi)
    far, near = fragment.part(fragment.lo, bar), body.part(body.lo, bar)
    lefts = [near] if far.find(BARS, far.open_space()) is not None else [far, near]
    group = right.typed if len(right) else "g"
    sign = body.source.tokens[bar].code
    terms = [f"({left.typed if len(left) else '1'} {sign} {group})" for left in lefts]
    choice = " or ".join(dict.fromkeys(terms))
    return body.error(
        f"A bar without parentheses. Write the random term as {choice}.",
        bar,
    )


def _not_alone(body: Fragment, special: int):
    """Return the error about a random term inside a product, at the operator."""
    source = body.source
    for index in body.top():
        last = source.partner.get(index, index)
        if index <= special <= last:
            break
    # A structure's name and its parentheses are two steps of one walk.
    last = source.partner.get(special + 1, last) if index == special else last
    check_condition(body.part(index, last + 1), special)
    culprit = index if index > body.lo else min(last + 1, body.hi - 1)
    if index > body.lo and source.tokens[index - 1].kind is Kind.OP:
        culprit = index - 1
    message = (
        "A random term stands on its own, joined to others by +. Effects that vary "
        "with x are written inside it: (x | g)."
    )
    return body.error(message, culprit)
