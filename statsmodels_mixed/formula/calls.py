"""Functions that a formula calls: those of R are not there."""

from __future__ import annotations

from statsmodels_mixed.formula.scanner import Kind, scan

# What to write for functions of R that formulas often hold.
INSTEAD = {
    "poly": "write the powers, x + I(x**2), or a spline, bs(x, df=4)",
    "ns": "write cr(x, df=4), a natural cubic spline",
    "s": "write bs(x, df=4), a spline",
    "relevel": "write C(x, Treatment('level'))",
    "ordered": "write C(x)",
    "ifelse": "write np.where(condition, a, b)",
    "interaction": "write a:b",
    "cbind": "it joins successes and failures for family='binomial' only",
} | {
    name: f"write np.{name}(...)"
    for name in ("log", "log2", "log10", "log1p", "exp", "expm1", "sqrt", "sin", "cos")
}
DEFAULT = "define or import it first, or make the column in the data"


def check_calls(text, is_known, structures) -> None:
    """Raise where a function is called that nothing defines.

    Parameters
    ----------
    text : str
        The formula.
    is_known : callable
        Whether a name has a meaning.
    structures : iterable of str
        Names of covariance structures.

    Examples
    --------
    >>> check_calls("y ~ us(log(x) | g)", {"log"}.__contains__, ["us"])
    """
    source = scan(text)
    own = {*structures, "offset"}
    for opening in sorted(source.calls):
        token = source.tokens[opening - 1]
        method = opening > 1 and source.tokens[opening - 2].code == "."
        plain = token.kind is Kind.NAME and not method
        if plain and token.code not in own and not is_known(token.code):
            remedy = INSTEAD.get(token.code, DEFAULT)
            raise source.error(
                f"There is no function {token.code!r}: {remedy}.", token.start
            )
