"""P-values and intervals of several tests at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from scipy import stats
from statsmodels.stats.multitest import multipletests

from ..options import chosen

# Degrees of freedom that agree to so many digits share a quantile, which is slow
DIGITS = 8


@dataclass(frozen=True)
class TestFamily:
    """The tests that an adjustment is for.

    Attributes
    ----------
    n_means : int
        How many means they compare.
    all_pairs : bool
        Whether they are all pairwise differences of these.
    """

    n_means: int = 0
    all_pairs: bool = False

    __test__ = False  # pytest: this is no test


NO_FAMILY = TestFamily()


@dataclass(frozen=True)
class Adjustment:
    """A way to adjust.

    Attributes
    ----------
    pvalues : callable
        Of statistics, degrees of freedom, unadjusted p-values, and `TestFamily`.
    critical : callable
        Half-widths of intervals in standard errors: of level, degrees of freedom,
        and `TestFamily`.
    text : str
        How to name it in a note.
    interval : str
        How to name that of the intervals, where it is another one.
    """

    pvalues: Callable
    critical: Callable
    text: str
    interval: str = ""


def _per_df(function, df):
    """Values of a slow function of degrees of freedom."""
    rounded = [float(f"{value:.{DIGITS}g}") for value in df]
    known = {value: function(value) for value in set(rounded)}
    return np.array([known[value] for value in rounded])


def _bounded(pvalues, plain):
    """Keep to what is certain: quadrature has errors of 1e-11 or so."""
    return np.clip(pvalues, plain, np.minimum(1.0, len(plain) * plain))


def _plain_pvalues(statistic, df, plain, family):
    return plain


def _plain_critical(level, df, family):
    return stats.t.ppf(0.5 + level / 2, df)


def _tukey_pvalues(statistic, df, plain, family):
    range_ = np.sqrt(2.0) * np.abs(statistic)
    return _bounded(stats.studentized_range.sf(range_, family.n_means, df), plain)


def _tukey_quantile(level, n_means, df):
    def quantile(value):
        return stats.studentized_range.ppf(level, n_means, value)

    return _per_df(quantile, df) / np.sqrt(2.0)


def _tukey_critical(level, df, family):
    return _tukey_quantile(level, family.n_means, df)


def _sidak_critical(level, df, family):
    return stats.t.ppf(0.5 + level ** (1.0 / len(df)) / 2, df)


def _bonferroni_critical(level, df, family):
    return stats.t.isf((1.0 - level) / (2.0 * len(df)), df)


def _stepwise_pvalues(method, statistic, df, plain, family):
    with np.errstate(divide="ignore"):  # log1p(-1) of p-values of one
        return multipletests(plain, method=method)[1]


def _dunnett_tail(x, df, plain, n):
    """Tail of the largest of n correlated t: between Tukey's and independent ones."""
    means = (1.0 + np.sqrt(1.0 + 8.0 * n)) / 2.0
    tukey = stats.studentized_range.sf(np.sqrt(2.0) * x, means, df)
    return ((n - 1.0) * tukey - np.expm1(n * np.log1p(-plain))) / n


def _dunnett_pvalues(statistic, df, plain, family):
    with np.errstate(divide="ignore"):
        tail = _dunnett_tail(np.abs(statistic), df, plain, len(plain))
    return _bounded(tail, plain)


def _dunnett_critical(level, df, family):
    n = len(df)
    means = (1.0 + np.sqrt(1.0 + 8.0 * n)) / 2.0

    def quantile(value):
        def excess(x):
            return _dunnett_tail(x, value, 2.0 * stats.t.sf(x, value), n) - 1.0 + level

        one = np.array([value])
        a = float(_tukey_quantile(level, means, one)[0])
        b = float(_sidak_critical(level, np.full(n, value), family)[0])
        return _secant(excess, a, b)

    return _per_df(quantile, df)


def _secant(function, a, b, steps=20, tol=1e-7):
    """Zero of a smooth function near two points."""
    fa, fb = function(a), function(b)
    for _ in range(steps):
        if abs(b - a) < tol or fa == fb:
            break
        a, b, fa = b, b - fb * (b - a) / (fb - fa), fb
        fb = function(b)
    return b


def _stepwise(method, text, critical=_bonferroni_critical, interval="Bonferroni"):
    """A method of statsmodels; intervals of Bonferroni where it has none."""
    return Adjustment(partial(_stepwise_pvalues, method), critical, text, interval)


ADJUSTMENTS = {
    "none": Adjustment(_plain_pvalues, _plain_critical, ""),
    "tukey": Adjustment(_tukey_pvalues, _tukey_critical, "Tukey"),
    "dunnettx": Adjustment(_dunnett_pvalues, _dunnett_critical, "approximate Dunnett"),
    "sidak": _stepwise("sidak", "Sidak", _sidak_critical, ""),
    "bonferroni": _stepwise("bonferroni", "Bonferroni", interval=""),
    "holm": _stepwise("holm", "Holm"),
    "holm-sidak": _stepwise("holm-sidak", "Holm-Sidak"),
    "simes-hochberg": _stepwise("simes-hochberg", "Simes-Hochberg"),
    "hommel": _stepwise("hommel", "Hommel"),
    "fdr_bh": _stepwise("fdr_bh", "Benjamini-Hochberg"),
    "fdr_by": _stepwise("fdr_by", "Benjamini-Yekutieli"),
}


# Names that R has for them
ALIASES = {
    "hochberg": "simes-hochberg",
    "bh": "fdr_bh",
    "fdr": "fdr_bh",
    "by": "fdr_by",
}


def adjustment_name(adjust):
    """The one of `ADJUSTMENTS` that is meant; refuses others.

    Examples
    --------
    >>> adjustment_name("BH")
    'fdr_bh'
    """
    return chosen("adjust", adjust, ADJUSTMENTS, ALIASES)


def settled(adjust, family):
    """The method to use: Tukey's is for all pairs only, Sidak's otherwise."""
    adjust = adjustment_name(adjust)
    return "sidak" if adjust == "tukey" and not family.all_pairs else adjust


def plain_pvalues(statistic, df):
    """Two-sided p-values of t statistics; normal where df is infinite."""
    return 2.0 * stats.t.sf(np.abs(statistic), df)


def adjusted_pvalues(adjust, statistic, df, family):
    """P-values of the tests of a family.

    Parameters
    ----------
    adjust : str
        One of `ADJUSTMENTS`.
    statistic, df : ndarray, shape (n,)
        t statistics, without NaN, and their degrees of freedom.
    family : TestFamily

    Returns
    -------
    ndarray, shape (n,)

    Examples
    --------
    >>> family = TestFamily(n_means=3, all_pairs=True)
    >>> t, df = np.array([1.0, 2.0, 3.0]), np.full(3, 20.0)
    >>> adjusted_pvalues("tukey", t, df, family).round(4).tolist()
    [0.5854, 0.1381, 0.0186]
    >>> adjusted_pvalues("holm", t, df, family).round(4).tolist()
    [0.3293, 0.1185, 0.0212]
    """
    plain = plain_pvalues(statistic, df)
    if len(plain) < 2:
        return plain
    method = ADJUSTMENTS[settled(adjust, family)]
    return method.pvalues(statistic, df, plain, family)


def critical_values(adjust, level, df, family):
    """Half-widths, in standard errors, of intervals of a family.

    Parameters
    ----------
    adjust : str
        One of `ADJUSTMENTS`; stepwise methods have no intervals of their own, and get
        those of Bonferroni.
    level : float
    df : ndarray, shape (n,)
    family : TestFamily

    Returns
    -------
    ndarray, shape (n,)
    """
    method = ADJUSTMENTS[settled(adjust, family) if len(df) > 1 else "none"]
    return method.critical(level, df, family)


def adjustment_note(adjust, n, family, tested):
    """A sentence on what was done to n tests; None for nothing."""
    name = settled(adjust, family)
    if n < 2 or name == "none":
        return None
    method = ADJUSTMENTS[name]
    what = f"{family.n_means} means" if name == "tukey" else f"{n} tests"
    changed = " (Tukey's is for all pairs)" if name != adjust else ""
    intervals = method.interval or method.text
    if not tested:
        return f"Intervals: {intervals} for {n} estimates{changed}."
    if intervals == method.text:
        return f"P-values and intervals: {method.text} for {what}{changed}."
    return f"P-values: {method.text} for {what}; intervals: {intervals}."
