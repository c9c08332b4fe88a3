"""The equation of a model, as its formula hides it."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from .equation_notation import LatexNotation, TextNotation, figure, is_negative

CONSTANTS = frozenset(("Intercept", "const"))
_ROW_INDICES = ("i", "j", "k", "n", "r")


@dataclass(frozen=True)
class Equation:
    """The equation of a model.

    Attributes
    ----------
    text : str
        In plain text; what is printed.
    latex : str
        An ``aligned`` environment, for display mathematics. Notebooks show it.
    """

    text: str
    latex: str

    def __repr__(self):
        return self.text

    def _repr_latex_(self):
        return f"$\\displaystyle {self.latex}$"


@dataclass(frozen=True)
class Figures:
    """Estimates to write in the place of symbols.

    Attributes
    ----------
    beta : ndarray, shape (p,)
    covariances : tuple of ndarray, shape (k, k)
        One per random-effects term.
    dispersion : float
        Residual variance, or dispersion of a family that has one.
    """

    beta: np.ndarray
    covariances: tuple
    dispersion: float


@dataclass(frozen=True)
class _Group:
    name: str
    symbol: str  # S
    index: str  # s
    n_levels: int


@dataclass(frozen=True)
class _Term:
    group: _Group
    numbers: tuple  # of its effects: that of the coefficient they vary about
    structure: object


def equation(design, names, family=None, figures=None) -> Equation:
    """Write the equation of a model.

    Parameters
    ----------
    design : Design
    names : sequence of str
        Fixed effects that are in the model.
    family : Family, optional
        None for a linear mixed model.
    figures : Figures, optional
        Estimates; symbols by default.

    Returns
    -------
    Equation

    Notes
    -----
    A random effect has the number of the fixed effect it varies about. Those without a
    fixed effect of the same name are numbered on.
    """
    terms, summands = _arranged(design, list(names))
    letters = {term.group.index for term in terms}
    row = next(i for i in _ROW_INDICES if i not in letters)
    writers = (
        _Writer(n, design, terms, summands, family, figures)
        for n in (TextNotation(), LatexNotation(row))
    )
    return Equation(*(writer.write() for writer in writers))


def _arranged(design, names):
    """Terms with their symbols; per coefficient: number, name, random effects."""
    groups = _groups(design.terms)
    numbers = {_key(name): j for j, name in enumerate(names)}
    fixed, random, terms = len(names), {}, []
    for term in design.terms:
        group, own = groups[term.group], []
        for effect in term.effects:
            number = numbers.setdefault(_key(effect), len(numbers))
            random.setdefault(number, []).append(group)
            own.append(number)
        terms.append(_Term(group, tuple(own), term.structure))
    summands = [
        (number if number < fixed else None, number, key, random.get(number, []))
        for key, number in numbers.items()
    ]
    return terms, summands


def _key(name):
    """The name of a column, '' for a constant."""
    return "" if name in CONSTANTS else name


def _groups(terms):
    """Symbols of grouping factors: initials, longer where they would be the same."""
    sizes = {term.group: term.grouping.n_levels for term in terms}
    words = {name: re.findall(r"\w+", name) or ["g"] for name in sizes}
    for length in range(
        1, 1 + max((len(w) for v in words.values() for w in v), default=0)
    ):
        symbols = {
            name: "".join(w[:length].replace("_", "").capitalize() for w in parts)
            for name, parts in words.items()
        }
        if len(set(symbols.values())) == len(sizes):
            break
    else:
        symbols = {name: f"G{j + 1}" for j, name in enumerate(sizes)}
    return {n: _Group(n, symbols[n], symbols[n].lower(), m) for n, m in sizes.items()}


class _Writer:
    """Writes the lines of an equation in one notation."""

    def __init__(self, notation, design, terms, summands, family, figures):
        self.n, self.design, self.terms = notation, design, terms
        self.summands, self.family, self.figures = summands, family, figures

    def write(self):
        """The whole equation."""
        mean = self._mean_lines() if self.family else self._response_line()
        random = [
            line for t, term in enumerate(self.terms) for line in self._law(t, term)
        ]
        error = [] if self.family else [self._error()]
        groups = {term.group.name: term.group for term in self.terms}
        ranges = [self.n.levels(group) for group in groups.values()]
        return self.n.join([*mean, *random, *error, *ranges])

    def _response_line(self):
        n = self.n
        response = n.row(n.word(self.design.endog_name))
        yield f"{response}{n.equals}{self._predictor()} + {n.row(n.error)}"

    def _mean_lines(self):
        n, family = self.n, self.family
        name = family.name.replace("_", " ").title()
        inside = [n.row(n.mu)]
        if self.design.trials is not None:
            inside.insert(0, n.row("n"))
        if family.dispersion_name:
            inside.append(self._dispersion(n.dispersion))
        response = n.row(n.word(self.design.endog_name))
        yield f"{response}{n.follows}{n.word(name)}({', '.join(inside)})"
        power = getattr(family.link, "power", None)
        yield f"{n.link(family.link.name, power)}{n.equals}{self._predictor()}"

    def _error(self):
        n, variance = self.n, self._dispersion(self.n.sigma2)
        if self.design.weights is not None:
            variance = n.over(variance, n.row("w"))
        return f"{n.row(n.error)}{n.follows}{n.normal.format(0, variance)}"

    def _dispersion(self, symbol):
        return symbol if self.figures is None else figure(self.figures.dispersion)

    # ---- the linear predictor --------------------------------------------------------

    def _predictor(self):
        out = ""
        for summand in self.summands:
            sign, text = self._summand(*summand)
            out += f" {sign} {text}" if out else text if sign == "+" else f"-{text}"
        if self.design.mean.offset is not None:
            out += f" + {self.n.row(self.n.word('offset'))}"
        return out or "0"

    def _summand(self, j, number, key, groups):
        """Sign and text: a coefficient, or several in parentheses, and its column."""
        column = self.n.column(key) if key else ""
        random = [self.n.effect(group, number) for group in groups]
        sign, coefficient = ("+", None) if j is None else self._coefficient(j)
        if coefficient is None:
            both = random
        elif random and sign == "-":
            sign, both = "+", [f"-{coefficient}", *random]
        else:
            both = [coefficient, *random]
        inside = " + ".join(both)
        return sign, (f"({inside})" if len(both) > 1 else inside) + column

    def _coefficient(self, j):
        if self.figures is None:
            return "+", self.n.beta.format(j)
        value = self.figures.beta[j]
        return ("-" if is_negative(value) else "+"), figure(abs(value))

    # ---- distributions of random effects ---------------------------------------------

    def _law(self, t, term):
        """Together, where effects covary, else one by one; or by a common variance."""
        n, structure, group = self.n, term.structure, term.group
        if structure.covarying():
            yield self._follow(n.vector(group, term.numbers), self._matrix(t, group))
        elif len(structure.varying()) == len(term.numbers):
            for position, number in enumerate(term.numbers):
                symbol = n.variance(group, number)
                variance = self._variance(t, position, symbol)
                yield self._follow(n.effect(group, number), variance)
        else:
            effects = ", ".join(n.effect(group, number) for number in term.numbers)
            yield self._follow(effects, self._variance(t, 0, n.variance(group, "")))

    def _follow(self, effects, variance):
        return f"{effects}{self.n.follows}{self.n.normal.format(0, variance)}"

    def _matrix(self, t, group):
        if self.figures is None:
            return self.n.covariance(group)
        return self.n.matrix(self.figures.covariances[t])

    def _variance(self, t, position, symbol):
        if self.figures is None:
            return symbol
        return figure(self.figures.covariances[t][position, position])
