"""The maximal random-effects structure that the design of data supports."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field

import numpy as np
import pandas as pd

from ..design.encode import Encoder
from ..design.table import Table
from ..errors import DataError, MissingColumnError
from ..formula import parse_formula, variables
from .aligned import aligned
from .design_factors import ALWAYS, code_crossings, group_crossings
from .findings import Finding
from .ladder import Effect, ladder
from .varying import Structure, maximal_structures

FEW = 5  # below it that variance is hardly estimated


@dataclass(frozen=True, eq=False)
class MaximalModel:
    """The maximal random-effects structure; made by `maximal_model`.

    Attributes
    ----------
    formula : str
        The model with the maximal structure.
    practical_formula : str
        With, for each grouping factor, the first structure of the ladder that has fewer
        parameters than levels and fewer random effects than rows.
    n_par : int
        Variances and covariances of the random effects in `formula`.
    effects : DataFrame
        One row per grouping factor and effect: ``varies_in`` groups, their ``share``,
        ``share_full`` (groups in which all columns of the effect vary), ``in_maximal``
        and, where it is not, the ``reason``.
    terms : DataFrame
        The maximal term of each grouping factor: levels, median rows per level,
        n_effects, n_par, practical.
    ladder : DataFrame
        Simpler structures for each grouping factor, from the maximal one down:
        ``step``, ``term``, ``n_effects``, ``n_par``, ``available`` in this version,
        ``practical``.
    findings : tuple of Finding
        What makes the maximal structure impractical for these data.
    """

    formula: str
    practical_formula: str
    n_par: int
    effects: pd.DataFrame
    terms: pd.DataFrame
    ladder: pd.DataFrame
    findings: tuple = field(default=())

    def __repr__(self):
        rows = [("group", "effect", "varies in", "random slope")]
        rows += [_effect_line(v) for v in self.effects.itertuples(index=False)]
        parts = ["Effects within groups", *aligned(rows)] if len(rows) > 1 else []
        parts += ["", f"Maximal: {self.n_par} variances and covariances"]
        parts += [f"  {self.formula}", "", "Simpler, with their number of parameters"]
        steps = self.ladder.itertuples(index=False)
        parts += aligned([(s.n_par, s.term, s.step + _note(s)) for s in steps])
        if self.findings:
            parts += ["", *(f"{f.severity}: {f.message}" for f in self.findings)]
        parts += ["", "Practical for these data", f"  {self.practical_formula}"]
        return "\n".join(parts).lstrip("\n")


def _effect_line(verdict):
    share = f"{verdict.varies_in} ({100 * verdict.share:.0f}%)"
    return verdict.group, verdict.effect, share, verdict.reason or "yes"


def _note(rung):
    if not rung.available:
        return ", not in this version"
    return "" if rung.practical else ", impractical"


def maximal_model(formula, data, groups=None, *, residual=True, eval_env=None):
    """Find which effects can vary among groups, and the structure with all of them.

    Parameters
    ----------
    formula : str
        With the fixed effects, ``"y ~ x * f"``; the response may be left out. Random
        terms in it give the grouping factors where `groups` are not given.
    data : DataFrame, dict, ...
    groups : str or list of str, optional
        Grouping factors: columns, or what stands right of a bar, ``"f:g"``.
    residual : bool
        Whether the rows vary about their mean by a variance of its own. False for
        Poisson and binomial responses, which need no replication.
    eval_env : dict, optional
        Names that expressions in the formula use beside the columns.

    Returns
    -------
    MaximalModel

    Raises
    ------
    FormulaError, MissingColumnError, DataError
        The formula cannot be read, a column is not there, no grouping factor is given.

    Notes
    -----
    An effect can vary among groups where it varies within at least two of them (Barr,
    Levy, Scheepers and Tily 2013): its columns must add directions to those of the
    intercept and of the effects of lower order, within the group. So an interaction of
    factors varies within groups where all of them do, and enough of their combinations
    occur. The last effect added needs replication: with a residual variance there must
    be more rows than random effects. Effects of which there are as many as levels of a
    factor nested in the group would take its variance, so they are left out too. And
    the covariances of the rows of all groups must determine those of the effects, which
    groups that show every pair of effects do.

    Effects are added in the order of the formula, main effects first, so that of two
    which the rows do not suffice for the first stays.

    For n effects the unstructured covariance has ``n (n + 1) / 2`` parameters.
    "Practical" is a rule of thumb: fewer parameters than levels of the grouping factor,
    fewer random effects than rows.

    References
    ----------
    Barr, Levy, Scheepers and Tily (2013), Journal of Memory and Language 68, 255-278.
    Bates, Kliegl, Vasishth and Baayen (2015), arXiv 1506.04967, for the ladder.

    Examples
    --------
    >>> import statsmodels_mixed as smm
    >>> data = smm.datasets.load("machines")
    >>> found = maximal_model("score ~ Machine", data, "Worker")
    >>> found.formula, found.n_par
    ('score ~ Machine + (Machine | Worker)', 6)
    """
    namespace = ALWAYS | dict(eval_env or {})
    spec = parse_formula(formula, one_sided=True, trials=True)
    try:
        factors, texts = _factors(spec, data, groups, namespace)
        encoder = Encoder(
            _own_intercept(spec.mean.fixed, factors.table, namespace),
            factors.table,
            namespace,
            "the effects",
        )
    except MissingColumnError as error:
        raise error.located(formula) from None
    columns = encoder.encode(factors.table)
    effects = _effects(encoder.design_info)
    groupings = list(factors.groupings.values())
    found = [
        _Maximal(s, texts[s.grouping.name], ladder(s.effects, texts[s.grouping.name]))
        for s in maximal_structures(groupings, effects, columns, residual)
    ]
    return _report(spec, found, factors.nobs, residual)


def _factors(spec, data, groups, namespace):
    """Coded grouping factors, and how each is written in a formula."""
    table = Table.from_data(data)
    if groups is None:
        crossings = [term.grouping for term in spec.mean.random]
        if not crossings:
            raise DataError(
                "No grouping factor: give groups=, such as groups=['subject', 'item']."
            )
    else:
        crossings = group_crossings(groups, table)
    factors = code_crossings(table, crossings, variables(spec), namespace)
    written = {name: _quoted(name, table) for name in factors.singles}
    texts = {
        name: ":".join(written[part] for part in grouping.parts)
        for name, grouping in factors.groupings.items()
    }
    return factors, texts


def _quoted(name, table):
    return f"`{name}`" if name in table.names and not name.isidentifier() else name


def _own_intercept(fixed, table, namespace):
    """The fixed effects with an intercept, lower orders first."""
    info = Encoder(fixed, table, namespace, "the fixed effects").design_info
    terms = [t for t in info.term_codings if t.factors]
    names = [t.name() for t in sorted(terms, key=lambda t: len(t.factors))]
    return " + ".join(["1", *names])


def _effects(info):
    """Effects and their columns, lower orders first."""
    out = []
    for term, columns in info.term_slices.items():
        if term.factors:
            infos = [info.factor_infos[f] for f in term.factors]
            kinds = [getattr(i, "categories", None) for i in infos]
            cells = 0 if None in kinds else int(np.prod([len(c) for c in kinds]))
            factors = tuple(f.name() for f in term.factors)
            width = columns.stop - columns.start
            out.append((Effect(term.name(), factors, width, cells), columns))
    return sorted(out, key=lambda pair: pair[0].order)


# ---- the report ----------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class _Maximal:
    """The structure of one grouping factor, and what is simpler."""

    structure: Structure
    text: str  # of the grouping factor in a formula
    rungs: list

    @property
    def grouping(self):
        return self.structure.grouping

    def steps(self, nobs):
        """The ladder as rows of a table."""
        m = self.grouping.n_levels
        for rung in self.rungs:
            practical = rung.n_par < m and rung.n_effects * m < nobs
            yield (
                {"group": self.grouping.name} | asdict(rung) | {"practical": practical}
            )


def _report(spec, found, nobs, residual):
    rows = [residual and f.grouping.n_levels == nobs for f in found]
    kept = [f for f, row in zip(found, rows, strict=True) if not row]
    findings = [_row_each(f) for f, row in zip(found, rows, strict=True) if row]
    findings += [finding for f in kept for finding in _impractical(f)]
    steps = [list(f.steps(nobs)) for f in kept]
    practical = [_first_practical(s) for s in steps]
    verdicts = [v for f in found for v in f.structure.verdicts]
    return MaximalModel(
        formula=_write(spec, [s[0]["term"] for s in steps]),
        practical_formula=_write(spec, [p["term"] for p in practical]),
        n_par=sum(s[0]["n_par"] for s in steps),
        effects=pd.DataFrame(verdicts, columns=_EFFECTS),
        terms=pd.DataFrame(
            [
                _term_row(f, s[0], p)
                for f, s, p in zip(kept, steps, practical, strict=True)
            ]
        ),
        ladder=pd.DataFrame([row for s in steps for row in s]),
        findings=tuple(findings),
    )


_EFFECTS = (
    "group",
    "effect",
    "columns",
    "varies_in",
    "share",
    "share_full",
    "in_maximal",
    "reason",
)


def _first_practical(steps):
    good = (s for s in steps if s["practical"] and s["available"])
    return next(good, steps[-1])


def _term_row(found, maximal, practical):
    return {
        "group": found.grouping.name,
        "levels": found.grouping.n_levels,
        "median_rows": float(np.median(found.grouping.counts)),
        "term": maximal["term"],
        "n_effects": maximal["n_effects"],
        "n_par": maximal["n_par"],
        "practical": maximal["practical"],
        "practical_term": practical["term"],
    }


def _write(spec, terms):
    left = "~" if spec.response is None else f"{spec.response} ~"
    offsets = [f"offset({o})" for o in spec.mean.offsets]
    return f"{left} {' + '.join([spec.mean.fixed, *offsets, *terms])}"


def _row_each(found):
    name = found.grouping.name
    return Finding(
        "warning",
        "replication",
        float(found.grouping.n_levels),
        f"{name} has one row per level, so it is left out: its variance and the "
        "residual variance cannot be told apart.",
        "With residual=False (Poisson, binomial) it is overdispersion.",
    )


def _impractical(found):
    """Why the maximal structure of a grouping factor will not be estimated well."""
    name, m = found.grouping.name, found.grouping.n_levels
    maximal = found.rungs[0]
    k, n_par, term = maximal.n_effects, maximal.n_par, maximal.term
    if n_par >= m:
        text = f"{term}: {n_par} variances and covariances from {m} levels"
        text += f", whose covariance has rank {m} at most" if k > m else ""
        yield Finding("warning", "parameters", n_par / m, f"{text}.")
    rows = float(np.median(found.grouping.counts))
    if k > 1 and rows <= k:
        text = f"{term}: {k} effects of each level from {rows:g} rows (median)."
        yield Finding("warning", "rows per level", rows / k, text)
    for verdict in found.structure.verdicts:
        if verdict["in_maximal"] and verdict["varies_in"] < min(FEW, m):
            text = f"{verdict['effect']} varies within {verdict['varies_in']} of {m} "
            text += f"levels of {name} only."
            yield Finding("warning", "few groups", verdict["share"], text)
