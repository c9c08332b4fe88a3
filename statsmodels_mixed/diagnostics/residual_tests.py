"""Tests of simulated residuals by themselves: distribution, dispersion, outliers."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
import pandas as pd
from scipy import special, stats

from ..errors import DataError, check_option
from ..printing import PrintedFrame, format_pvalue, printed

ALPHA = 0.05  # below, the reading says that the residuals are conspicuous
EXACT = 100  # ks.test of R uses the exact distribution for fewer values
ALTERNATIVES = ("two-sided", "greater", "less")


@dataclass(frozen=True, eq=False, repr=False)
class ResidualTest:
    """One test of simulated residuals.

    Attributes
    ----------
    name : str
    statistic : float
    pvalue : float
        Of a test by simulation it is a share of the n draws, with steps of ``1 / n``:
        0 says that no draw was as extreme.
    reading : str
        What it means, in a sentence.
    alternative : str
    table : DataFrame or None
        Figures by level or by quantile.
    draws : ndarray or None
        The statistic in each simulation.
    """

    name: str
    statistic: float
    pvalue: float
    reading: str
    alternative: str = "two-sided"
    table: pd.DataFrame | None = field(default=None)
    draws: np.ndarray | None = field(default=None)

    @property
    def significant(self):
        """Whether the p-value is below 0.05."""
        return bool(self.pvalue < ALPHA)

    def __repr__(self):
        steps = 0 if self.draws is None else len(self.draws)
        lines = [
            f"{self.name}: statistic {self.statistic:.4g}, "
            f"{pvalue_text(self.pvalue, steps, self.alternative)}",
            self.reading,
        ]
        if self.table is not None:
            lines.append(self._table_text())
        return "\n".join(lines)

    def _table_text(self):
        return self.table.round(4).to_string(index=False, max_rows=12)


class TableOfTests(PrintedFrame):
    """Tests one below the other: figures as a table, what they mean below it.

    Attributes
    ----------
    shares : tuple of str
        P-values as they are printed; one of draws is not below ``1 / n``.
    """

    _metadata: ClassVar = [*PrintedFrame._metadata, "shares"]

    def _shown(self):
        figures = {
            "statistic": [f"{value:.4g}" for value in self["statistic"]],
            "pvalue": list(self.shares),
        }
        return printed(pd.DataFrame(figures, self.index), self.title, self.notes)

    def __repr__(self):
        return repr(self._shown())

    def _repr_html_(self):
        return self._shown()._repr_html_()


def table_of_tests(tests, title):
    """Results of tests as a table that prints its p-values whole.

    Parameters
    ----------
    tests : sequence of ResidualTest
    title : str

    Returns
    -------
    TableOfTests
        Columns statistic, pvalue and reading, the last of which prints below the
        others.
    """
    rows = [(t.statistic, t.pvalue, t.reading) for t in tests]
    index = pd.Index([t.name for t in tests], name="test")
    out = TableOfTests(rows, index, ["statistic", "pvalue", "reading"])
    out.title, out.shares = title, tuple(_share_text(t) for t in tests)
    said = [f"{t.name}: {t.reading}" for t in tests]
    out.notes = tuple(textwrap.fill(s, 80, subsequent_indent="  ") for s in said)
    return out


def _share_text(test):
    """A p-value in a column; as `pvalue_text` where no draw was as extreme."""
    steps = 0 if test.draws is None else len(test.draws)
    if test.pvalue == 0.0 and steps:
        return pvalue_text(0.0, steps, test.alternative)[2:].replace(" ", "")
    return format_pvalue(test.pvalue)


def pvalue_text(pvalue, steps=0, alternative="two-sided"):
    """``p = 0.012``; a share of `steps` draws that is zero is below one of them."""
    if pvalue == 0.0 and steps:
        return f"p < {(2 if alternative == 'two-sided' else 1) / steps:.3g}"
    return f"p = {pvalue:.3g}"


def uniformity_test(residuals, alternative="two-sided", step=0.0):
    """Kolmogorov-Smirnov test of uniform residuals.

    Parameters
    ----------
    residuals : ndarray, shape (nobs,)
    alternative : {"two-sided", "greater", "less"}
        For "greater" the distribution function of the residuals lies above that of
        the uniform distribution, so that they are too small.
    step : float
        Distance between the values that residuals can take; 0 where they are random.

    Returns
    -------
    ResidualTest

    Notes
    -----
    As R's ``ks.test``: the exact distribution for fewer than 100 residuals without
    ties, else the asymptotic one.
    """
    check_option("alternative", alternative, ALTERNATIVES)
    x = np.sort(residuals)
    n = len(x)
    above = float((np.arange(1, n + 1) / n - x).max())
    below = float((x - np.arange(n) / n).max())
    statistic = {"two-sided": max(above, below), "greater": above, "less": below}
    d = statistic[alternative]
    exact = n < EXACT and len(np.unique(x)) == n
    pvalue = float(_KOLMOGOROV[alternative == "two-sided", exact](d, n))
    coarse = step > special.kolmogi(ALPHA) / np.sqrt(n) / 2
    reading = _read(
        pvalue,
        "The residuals are not uniform: the distribution of the response is not that "
        "of the model.",
        "The residuals may be uniform, as they are if the model is right.",
    )
    if coarse:
        reading += (
            f" With {n} rows the test notices that residuals go in steps of {step:.2g}:"
            " take more simulations."
        )
    return ResidualTest(
        "Uniformity (Kolmogorov-Smirnov)", d, pvalue, reading, alternative
    )


# by whether it is two-sided, and exact: upper tail of the statistic d of n values
_KOLMOGOROV = {
    (True, True): lambda d, n: stats.kstwo.sf(d, n),
    (True, False): lambda d, n: special.kolmogorov(np.sqrt(n) * d),
    (False, True): lambda d, n: special.smirnov(n, d),
    (False, False): lambda d, n: np.exp(-2.0 * n * d**2),
}


def simulation_test(name, values, alternative, readings):
    """Where the observed figure stands among those of the simulations.

    Parameters
    ----------
    name : str
    values : ndarray, shape (1 + n,)
        The observed figure first.
    alternative : {"two-sided", "greater", "less"}
    readings : tuple of str
        For a figure that is too small, for one that is too large, and for neither.

    Returns
    -------
    ResidualTest
        The statistic is the observed figure over the mean of the simulated ones. The
        p-value is the share of simulations that are as large ("greater"), as small
        ("less"), or twice the smaller share; as in DHARMa.
    """
    check_option("alternative", alternative, ALTERNATIVES)
    observed, draws = float(values[0]), np.asarray(values[1:], dtype=float)
    pvalue, below = rank_pvalue(observed, draws, alternative)
    mean = float(draws.mean())
    ratio = observed / mean if mean else np.nan if observed == 0 else np.inf
    small, large, neither = readings
    reading = _read(pvalue, small if below else large, neither)
    return ResidualTest(name, ratio, pvalue, reading, alternative, draws=draws)


def rank_pvalue(observed, draws, alternative):
    """Share of draws as extreme, and whether the observed figure is the small one.

    NaN where the figure is not defined, as the variance of a single row.
    """
    if np.isnan(observed):
        return np.nan, False
    less, greater = (draws <= observed).mean(), (draws >= observed).mean()
    both = min(2.0 * min(less, greater), 1.0)
    pvalue = {"less": less, "greater": greater, "two-sided": both}[alternative]
    return float(pvalue), bool(less < greater)


DISPERSION = (
    "The responses vary less about the predictions than simulated ones: "
    "underdispersion.",
    "The responses vary more about the predictions than simulated ones: "
    "overdispersion.",
    "The responses vary about the predictions as simulated ones do.",
)
ZEROS = (
    "There are fewer zeros than the model leads to.",
    "There are more zeros than the model leads to: zero inflation, or overdispersion.",
    "There are as many zeros as the model leads to.",
)
GENERIC = (
    "The figure is smaller than in responses simulated from the model.",
    "The figure is larger than in responses simulated from the model.",
    "The figure is one that responses simulated from the model have.",
)


def generic_test(simulations, observed, function, alternative, name):
    """Compare a figure of the observed response with that of simulated ones.

    Parameters
    ----------
    simulations : GivenSimulations, DrawnSimulations or SummedSimulations
    observed : ndarray, shape (nobs,)
    function : callable
        From a response, shape (nobs,), to a number.
    alternative : str
    name : str

    Returns
    -------
    ResidualTest

    Raises
    ------
    DataError
        The function returned no finite number.
    """
    values = [function(observed.copy())]
    for block in simulations.blocks():
        # copies, since a function that sorts in place must not change the data
        values += [function(draw) for draw in np.array(block.T, order="C")]
    try:
        figures = np.array(values, dtype=float)
    except (TypeError, ValueError):
        figures = np.empty((0, 0))
    if figures.ndim != 1 or not np.isfinite(figures).all():
        raise DataError("function= must return a finite number for each response.")
    return simulation_test(name, figures, alternative, GENERIC)


OUTLIERS = (
    "Fewer responses than expected are outside the simulated ones: underdispersion.",
    "More responses than expected are outside the simulated ones: outliers or "
    "overdispersion.",
    "As many responses as expected are outside the simulated ones.",
)


def outlier_binomial_test(residuals, n_simulations, margin, alternative):
    """Exact binomial test of the number of residuals at the margins.

    Parameters
    ----------
    residuals : ndarray, shape (nobs,)
    n_simulations : int
    margin : {"both", "lower", "upper"}
    alternative : {"two-sided", "greater", "less"}

    Returns
    -------
    ResidualTest
        The statistic is the number of residuals below ``1 / (n + 1)``, or above 1 minus
        it, each of which has that probability for a continuous response.
    """
    check_option("alternative", alternative, ALTERNATIVES)
    share = 1.0 / (n_simulations + 1)
    low, high = (residuals < share).sum(), (residuals > 1.0 - share).sum()
    count = int(_MARGINS[margin](low, high))
    expected = share * _MARGINS[margin](1, 1)
    found = stats.binomtest(count, len(residuals), expected, alternative)
    too_few = count < expected * len(residuals)
    reading = _read(found.pvalue, OUTLIERS[0 if too_few else 1], OUTLIERS[2])
    name = "Outliers (exact binomial)"
    return ResidualTest(name, count, float(found.pvalue), reading, alternative)


def outlier_bootstrap_test(counts, margin, alternative):
    """Test of the number of outliers, each simulation in turn the observed response.

    Parameters
    ----------
    counts : Counts
    margin : {"both", "lower", "upper"}
    alternative : {"two-sided", "greater", "less"}

    Returns
    -------
    ResidualTest
        The statistic is the number of responses that are below, or above, all others.

    Notes
    -----
    A parametric bootstrap: under the model the observed response is one of n + 1 alike,
    so each of the others is compared with the n that are left. DHARMa compares each
    simulation with n that are drawn from the others with replacement, of which 63% are
    distinct: its reference numbers are too large by about half.
    """
    check_option("alternative", alternative, ALTERNATIVES)
    numbers = _MARGINS[margin](counts.lowest, counts.highest)
    count, draws = int(numbers[0]), numbers[1:].astype(float)
    pvalue, below = rank_pvalue(count, draws, alternative)
    reading = _read(pvalue, OUTLIERS[0 if below else 1], OUTLIERS[2])
    name = "Outliers (bootstrap)"
    return ResidualTest(name, count, pvalue, reading, alternative, draws=draws)


_MARGINS = {
    "both": lambda low, high: low + high,
    "lower": lambda low, high: low,
    "upper": lambda low, high: high,
}
MARGINS = tuple(_MARGINS)


def _read(pvalue, conspicuous, fine):
    return conspicuous if pvalue < ALPHA else fine
