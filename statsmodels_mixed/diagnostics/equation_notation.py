"""How the pieces of a model equation are written: plain text and LaTeX."""

from __future__ import annotations

import numpy as np

_ESCAPED = str.maketrans(
    {c: f"\\{c}" for c in "#$%&_{}"}
    | {"\\": r"\textbackslash{}", "^": r"\textasciicircum{}", "~": r"\textasciitilde{}"}
)


def figure(value) -> str:
    """A number with four digits."""
    return f"{value:.4g}"


class TextNotation:
    """Plain text with Greek letters: ``β0``, ``b_S0[s]``."""

    beta, sigma2, mu, eta, error = "β{}", "σ²", "μ", "η", "e"
    dispersion = "φ"
    equals, follows, separator = " = ", " ~ ", "\n"
    normal = "N({}, {})"

    def word(self, name):
        """A name of the data."""
        return name

    def column(self, name):
        """A column that a coefficient multiplies."""
        return f" {name}"

    def row(self, text):
        """A quantity that each row has its own of."""
        return text

    def effect(self, group, number):
        """A random effect of a level."""
        return f"b_{group.symbol}{number}[{group.index}]"

    def vector(self, group, numbers):
        """The random effects of a level that vary together."""
        inside = ", ".join(f"b_{group.symbol}{n}" for n in numbers)
        return f"({inside})[{group.index}]"

    def covariance(self, group):
        """Their covariance matrix."""
        return f"Σ_{group.symbol}"

    def variance(self, group, number):
        """The variance of one of them; of all where `number` is empty."""
        return f"σ²_{group.symbol}{number}"

    def matrix(self, values):
        """Figures of a matrix, the upper triangle left out."""
        lines = ["  ".join(map(figure, row[: i + 1])) for i, row in enumerate(values)]
        return f"[{'; '.join(lines)}]"

    def over(self, top, bottom):
        """A quotient."""
        return f"{top}/{bottom}"

    def link(self, name, power):
        """A link of the mean."""
        return _IN_TEXT.get(power, "{}(μ)".format(name if power is None else "g"))

    def levels(self, group):
        """The range of an index."""
        return f"{group.index} = 1, ..., {group.n_levels}: {group.name}"

    def join(self, lines):
        """The whole."""
        return "\n".join(filter(None, map(_folded, lines)))


# by the power of the link
_IN_TEXT = {1.0: "μ", 0.5: "sqrt(μ)", -1.0: "1/μ", -2.0: "1/μ²"}
_IN_LATEX = {1.0: "{}", 0.5: r"\sqrt{{{}}}", -1.0: "1/{}", -2.0: "1/{}^2"}


def _folded(line, width=88):
    """Break a long sum before a sign."""
    out, indent = [], " " * (line.find("=") + 2 if "=" in line else 4)
    while len(line) > width:
        at = max(line.rfind(" + ", len(indent) + 1, width), line.rfind(" - ", 0, width))
        if at <= len(indent):
            break
        out.append(line[:at])
        line = indent + line[at + 1 :]
    return "\n".join([*out, line])


class LatexNotation:
    """LaTeX for the inside of an ``aligned`` environment."""

    beta, sigma2, mu, eta, error = r"\beta_{{{}}}", r"\sigma^2", r"\mu", r"\eta", "e"
    dispersion = r"\phi"
    equals, follows, separator = " &= ", r" &\sim ", r" \\ "
    normal = r"\mathrm{{N}}({}, {})"

    def __init__(self, row_index):
        self._row = row_index

    def word(self, name):
        """A name of the data."""
        return rf"\text{{{name.translate(_ESCAPED)}}}"

    def column(self, name):
        """A column that a coefficient multiplies."""
        return rf"\,{self.row(self.word(name))}"

    def row(self, text):
        """A quantity that each row has its own of."""
        return f"{text}_{{{self._row}}}"

    def effect(self, group, number):
        """A random effect of a level."""
        return f"b_{{{group.symbol},{number}{group.index}}}"

    def vector(self, group, numbers):
        """The random effects of a level that vary together."""
        inside = r" \\ ".join(self.effect(group, n) for n in numbers)
        return rf"\begin{{pmatrix}} {inside} \end{{pmatrix}}"

    def covariance(self, group):
        """Their covariance matrix."""
        return rf"\Sigma_{{{group.symbol}}}"

    def variance(self, group, number):
        """The variance of one of them; of all where `number` is empty."""
        index = f"{group.symbol},{number}" if number != "" else group.symbol
        return rf"\sigma^2_{{{index}}}"

    def matrix(self, values):
        """Figures of a matrix, the upper triangle left out."""
        k = len(values)
        rows = [
            " & ".join([*map(figure, values[i][: i + 1]), *[r"\cdot"] * (k - i - 1)])
            for i in range(k)
        ]
        return r"\begin{{pmatrix}} {} \end{{pmatrix}}".format(r" \\ ".join(rows))

    def over(self, top, bottom):
        """A quotient."""
        return f"{top} / {bottom}"

    def link(self, name, power):
        """A link of the mean."""
        mean = self.row(self.mu)
        if power is not None:
            return _IN_LATEX.get(power, "g({})").format(mean)
        command = r"\log" if name == "log" else rf"\operatorname{{{name}}}"
        return f"{command}({mean})"

    def levels(self, group):
        """The range of an index."""
        name = self.word(group.name)
        return rf"{group.index} &= 1, \ldots, {group.n_levels} \quad ({name})"

    def join(self, lines):
        """The whole."""
        inside = self.separator.join(filter(None, lines))
        return rf"\begin{{aligned}} {inside} \end{{aligned}}"


def is_negative(value) -> bool:
    """Whether a number is written with a minus sign."""
    return bool(np.signbit(value)) and value != 0
