"""The left side of a formula: one response, or two columns of a binomial one."""

from __future__ import annotations

from statsmodels_mixed.formula.fragment import BARS, CONDITION, Fragment
from statsmodels_mixed.formula.scanner import scan
from statsmodels_mixed.formula.sums import Summand

_ARITHMETIC = frozenset(("+", "-", "*", "/", ":", "**"))
PAIR = "cbind"


def read_response(left: Fragment, right: Fragment, trials: bool = False) -> str:
    """Check the left side and write it for patsy.

    Parameters
    ----------
    left, right : Fragment
        The sides of the formula.
    trials : bool
        Whether ``s + f`` (two columns) and ``s / n`` (a proportion) are responses.

    Returns
    -------
    str
    """
    if not len(left):
        message = "No response left of the `~`. Write one: y ~ x."
        raise right.error(message, right.lo - 1)
    bar = left.find(BARS, left.open_space())
    if bar is not None:
        message = (
            "A bar left of the `~`. Write random terms right of it; for 'or' wrap the "
            "response in I(...)."
        )
        raise left.error(message, bar)
    inner = left.unwrap()
    operator = left.find(_ARITHMETIC, left.open_space())
    if operator is None:
        Summand("+", left).require_effect()
        return inner.code()
    written = _with_trials(inner) if trials else None
    if written is None:
        message = f"Arithmetic in the response. Wrap it: I({inner.typed})."
        raise left.error(message, operator)
    return written


def _with_trials(inner: Fragment) -> str | None:
    """Two columns or a proportion as patsy reads them; None for anything else."""
    for sign, form in (("+", "{} + {}"), ("/", "I({} / {})")):
        parts = inner.split(sign)
        if len(parts) == 2 and all(map(_is_value, parts)):
            return form.format(*(part.code() for part in parts))
    return None


def _is_value(part: Fragment) -> bool:
    """Whether a piece is a column or a call, without operators of its own."""
    if not len(part) or part.call_name() == PAIR:
        return False
    summand = Summand("+", part)
    if summand.intercept is not None:
        return False
    if part.find(_ARITHMETIC | CONDITION, part.open_space()) is not None:
        return False
    summand.require_effect()
    return True


def response_columns(text: str) -> tuple[str, ...]:
    """Cut a response into its columns.

    Parameters
    ----------
    text : str
        The response of a `ModelSpec`.

    Returns
    -------
    tuple of str
        The arguments of ``cbind(...)``, both sides of a plus, or the text itself.

    Examples
    --------
    >>> response_columns("cbind(s, n - s)"), response_columns("s + I(n - s)")
    (('s', 'n - s'), ('s', 'I(n - s)'))
    >>> response_columns("np.log(y + 1)")
    ('np.log(y + 1)',)
    """
    source = scan(text)
    whole = Fragment(source, 0, len(source.tokens))
    if whole.call_name() == PAIR:
        return tuple(part.code() for part in whole.arguments().split(",") if len(part))
    parts = whole.split("+")
    if len(parts) == 2 and all(map(_is_value, parts)):
        return tuple(part.code() for part in parts)
    return (text,)
