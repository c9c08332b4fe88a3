"""The variables that a formula, or a piece of patsy text, mentions."""

from __future__ import annotations

from functools import lru_cache
from itertools import chain

from statsmodels_mixed.formula.scanner import Kind, Source, scan
from statsmodels_mixed.formula.spec import ModelSpec, bare_name


@lru_cache(maxsize=512)  # every piece is asked for its names several times
def expression_names(expr: str) -> frozenset[str]:
    """Return the names of variables in a piece of patsy text.

    Names that are called, attributes and names of keyword arguments do not
    count. A module (``np``) does: whoever asks intersects with the columns.

    Parameters
    ----------
    expr : str
        patsy text, e.g. one side of a formula.

    Returns
    -------
    frozenset of str

    Examples
    --------
    >>> sorted(expression_names("bs(x, df=4) + np.log(z) + Q('my col')"))
    ['my col', 'np', 'x', 'z']
    """
    source = scan(expr)
    names = {_name_at(source, index) for index in range(len(source.tokens))}
    return frozenset(names - {None})


def variables(spec: ModelSpec) -> frozenset[str]:
    """Return the names of variables in every piece of a specification.

    Parameters
    ----------
    spec : ModelSpec
        A parsed formula.

    Returns
    -------
    frozenset of str

    Examples
    --------
    >>> from statsmodels_mixed.formula import parse_formula
    >>> sorted(variables(parse_formula("y ~ x + offset(w) + (z | f/g)")))
    ['f', 'g', 'w', 'x', 'y', 'z']
    """
    pieces = [] if spec.response is None else [spec.response]
    for predictor in spec.predictors:
        pieces += [predictor.fixed, *predictor.offsets]
        pieces += chain.from_iterable(
            (term.effects, *term.grouping) for term in predictor.random
        )
    return frozenset().union(*map(expression_names, pieces))


def _name_at(source: Source, index: int) -> str | None:
    tokens = source.tokens
    token = tokens[index]
    before = tokens[index - 1].code if index else ""
    after = tokens[index + 1].code if index + 1 < len(tokens) else ""
    if token.kind is Kind.STRING:
        quoted = index > 1 and before == "(" and tokens[index - 2].code == "Q"
        call = f"Q({token.code})"
        name = bare_name(call) if quoted and after == ")" else call
        return None if name == call else name
    if token.kind is Kind.COLUMN:
        return token.name
    # At the top level `=` cannot stand, so a name before it is an argument's.
    named = token.kind is Kind.NAME and before != "." and after not in ("(", "=")
    return token.name if named else None
