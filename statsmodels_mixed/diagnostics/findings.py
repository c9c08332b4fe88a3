"""Findings about designs and fits, and the health report."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields

import numpy as np
import pandas as pd

from ..errors import check_option

SEVERITIES = ("ok", "note", "warning", "problem")
# Of the health report; a check that does not apply to a fit says nothing
TOPICS = (
    "convergence",
    "identifiability",
    "rounding",
    "singularity",
    "random directions",
    "centring",
    "rank",
    "separation",
    "dispersion",
    "zeros",
    "dispersion at bound",
    "integration",
    "levels",
    "labels",
    "extreme levels",
    "scaling",
    "collinearity",
    "residual df",
)


@dataclass(frozen=True)
class Finding:
    """What one check says.

    Attributes
    ----------
    severity : {"ok", "note", "warning", "problem"}
        A problem invalidates estimates; a warning is to be dealt with or reported; a
        note is to be known.
    topic : str
        What was looked at.
    figure : float
        The number that decided.
    message : str
        The figure in words.
    advice : str
        What to do; empty when there is nothing to do.
    """

    severity: str
    topic: str
    figure: float
    message: str
    advice: str = ""

    def __post_init__(self):
        check_option("severity", self.severity, SEVERITIES)


@dataclass(frozen=True, eq=False)
class Health:
    """Findings of all checks that apply to a fit.

    Attributes
    ----------
    findings : tuple of Finding
        The most severe first.
    """

    findings: tuple

    @property
    def table(self):
        """The findings as a DataFrame: severity, topic, figure, message, advice."""
        columns = [f.name for f in fields(Finding)]
        return pd.DataFrame([asdict(f) for f in self.findings], columns=columns)

    @property
    def severity(self):
        """The worst severity of all findings."""
        found = [SEVERITIES.index(f.severity) for f in self.findings]
        return SEVERITIES[max(found, default=0)]

    def about(self, topic):
        """Findings on one topic, as a tuple: empty where it does not apply.

        Parameters
        ----------
        topic : str

        Raises
        ------
        DataError
            A topic that there is not.
        """
        check_option("topic", topic, TOPICS)
        return tuple(f for f in self.findings if f.topic == topic)

    def __repr__(self):
        lines = [self._headline()]
        for f in self.findings:
            if f.severity != "ok":
                lines.append(f"{f.severity.upper()} {f.topic}: {f.message}")
                lines += [f"    {f.advice}"] if f.advice else []
        said = {f.topic for f in self.findings if f.severity != "ok"}
        fine = dict.fromkeys(f.topic for f in self.findings if f.topic not in said)
        if fine:
            lines.append(f"ok: {', '.join(fine)}")
        return "\n".join(lines)

    def _headline(self):
        counts = []
        for severity in SEVERITIES[:0:-1]:
            n = sum(f.severity == severity for f in self.findings)
            if n:
                counts.append(f"{n} {severity}{'s' * (n > 1)}")
        return f"Health: {', '.join(counts) or 'nothing found'}"


@dataclass(frozen=True, eq=False)
class FitFacts:
    """What the checks look at.

    Attributes
    ----------
    fit : Fit, GeneralizedFit or PQLFit
    singular : tuple of str
        One sentence per singular term.
    separation : Separation, optional
    at_bound : str, optional
        What it means that the dispersion is at its bound.
    nodes : int or tuple of int
        Quadrature nodes of the fit; 1 for Laplace.
    integration : callable, optional
        Computes the report on the integral; None leaves it out.
    """

    fit: object
    singular: tuple = ()
    separation: object = None
    at_bound: str | None = None
    nodes: int | tuple = 1
    integration: object = None

    @property
    def design(self):
        """The design that was fitted."""
        return self.fit.design

    @property
    def family(self):
        """The response distribution; None for a linear mixed model."""
        return getattr(self.fit, "family", None)

    @property
    def kept(self):
        """Positions of the fixed-effects columns that are not aliased."""
        return np.sort(self.fit.model.coordinates.basis.kept)


def joined(names):
    """Names as an enumeration in words."""
    *most, last = names
    return f"{', '.join(most)} and {last}" if most else str(last)
