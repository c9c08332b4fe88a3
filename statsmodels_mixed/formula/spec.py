"""What a formula says, as frozen values that know no data.

Two specifications are equal when they state the same model: the spelling
(`text`) and the place in the formula (`position`) do not take part in ``==``
and ``hash``.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass, field

_Q_CALL = re.compile(r"""Q\(([rRuU]?(?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'))\)""")


def bare_name(expression: str) -> str:
    r"""Return the column behind ``Q("...")``, any other text unchanged.

    Parameters
    ----------
    expression : str
        A piece of patsy text.

    Returns
    -------
    str

    Examples
    --------
    >>> bare_name('Q("my col")'), bare_name("np.floor(x)")
    ('my col', 'np.floor(x)')
    """
    call = _Q_CALL.fullmatch(expression)
    return ast.literal_eval(call[1]) if call else expression


@dataclass(frozen=True)
class RandomTerm:
    """One random term: effects that vary over the levels of a grouping factor.

    Parameters
    ----------
    effects : str
        patsy text of the effects with the intercept spelled out: ``"1 + x"``.
    grouping : tuple of str
        patsy text of each crossed factor: ``("f", "g")`` for ``(1 | f:g)``.
    structure : str
        Name of the covariance structure.
    options : tuple of (str, object)
        Literal keyword options of a structure call.
    text : str
        The term as typed.
    position : int, optional
        Offset of the term in the formula.

    Examples
    --------
    >>> term = RandomTerm("1 + x", ("f", 'Q("my g")'))
    >>> term.group_name
    'f:my g'
    >>> print(term)
    (1 + x | f:my g)
    """

    effects: str
    grouping: tuple[str, ...]
    structure: str = "us"
    options: tuple[tuple[str, object], ...] = ()
    text: str = field(default="", compare=False)
    position: int | None = field(default=None, compare=False)

    @property
    def group_name(self) -> str:
        """Crossed factors joined by colons, quoted names shown bare."""
        return ":".join(map(bare_name, self.grouping))

    def __str__(self) -> str:
        options = "".join(f", {name}={value!r}" for name, value in self.options)
        # "us" is what plain parentheses mean, so it needs no name in print.
        prefix = "" if self.structure == "us" and not options else self.structure
        return f"{prefix}({self.effects} | {self.group_name}{options})"


@dataclass(frozen=True)
class LinearPredictor:
    """Fixed part, random terms and offsets of one linear predictor.

    Parameters
    ----------
    name : str
        ``"mean"`` for the mean of the response.
    fixed : str
        patsy text of the fixed effects, never empty.
    random : tuple of RandomTerm
        Random terms in the order written, nestings expanded.
    offsets : tuple of str
        Expressions inside the ``offset(...)`` calls.

    Examples
    --------
    >>> LinearPredictor("mean", "x", (RandomTerm("1", ("g",)),)).fixed
    'x'
    """

    name: str
    fixed: str
    random: tuple[RandomTerm, ...] = ()
    offsets: tuple[str, ...] = ()


@dataclass(frozen=True)
class ModelSpec:
    """A parsed formula.

    Parameters
    ----------
    response : str or None
        patsy text of the response, None for a one-sided formula.
    predictors : tuple of LinearPredictor
        The mean first.
    text : str
        The formula as written.

    Examples
    --------
    >>> from statsmodels_mixed.formula import parse_formula
    >>> spec = parse_formula("np.log(y) ~ x + (1 | g)")
    >>> spec.fixed_formula
    'np.log(y) ~ x'
    >>> spec.mean.random[0].group_name
    'g'
    """

    response: str | None
    predictors: tuple[LinearPredictor, ...]
    text: str = field(default="", compare=False)

    @property
    def mean(self) -> LinearPredictor:
        """The predictor of the mean."""
        return self.predictors[0]

    @property
    def fixed_formula(self) -> str:
        """Response and fixed part of the mean, for ``model.formula``."""
        left = "" if self.response is None else f"{self.response} "
        return f"{left}~ {self.mean.fixed}"
