"""Residuals by the levels of a factor: uniform in each, equally spread."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats
from statsmodels.stats.multitest import multipletests

from .residual_tests import ALPHA, ResidualTest, pvalue_text, uniformity_test

SHOWN = 6  # levels that are printed
FEWEST_ROWS = 5  # per level; uniformity of fewer is all but never rejected


@dataclass(frozen=True, eq=False, repr=False)
class LevelTest(ResidualTest):
    """Tests of residuals by level.

    Attributes
    ----------
    homogeneity : tuple of float
        F and p-value of Levene's test about the medians; NaN where no level has two
        rows, or there is only one level.

    Notes
    -----
    ``statistic`` is the Kolmogorov-Smirnov distance of the level that departs most, by
    its p-value. ``pvalue`` is twice the smaller of that level's, corrected by Holm's
    method, and Levene's.
    """

    homogeneity: tuple = (np.nan, np.nan)

    def _table_text(self):
        worst = self.table.sort_values("pvalue", kind="stable").head(SHOWN)
        text = worst.round(4).to_string(index=False)
        if len(self.table) <= SHOWN:
            return text
        return f"The {SHOWN} worst of {len(self.table)} levels:\n{text}"

    def __repr__(self):
        f, p = self.homogeneity
        return super().__repr__() + f"\nLevene's F = {f:.4g}, {pvalue_text(p)}"


def level_test(residuals, grouping):
    """Test residuals by level: uniformity in each (Holm), and equal spread (Levene).

    Parameters
    ----------
    residuals : ndarray, shape (nobs,)
    grouping : Grouping

    Returns
    -------
    LevelTest
    """
    order = np.argsort(grouping.codes, kind="stable")
    parts = np.split(residuals[order], np.cumsum(grouping.counts)[:-1])
    tests = [uniformity_test(part) for part in parts]
    pvalues = np.array([test.pvalue for test in tests])
    corrected = multipletests(pvalues, method="holm")[1]
    table = pd.DataFrame(
        {
            "level": grouping.labels(),
            "n": grouping.counts,
            "statistic": [test.statistic for test in tests],
            "pvalue": pvalues,
            "corrected": corrected,
        }
    )
    homogeneity = _levene(parts)
    worst, spread = int(np.argmin(pvalues)), homogeneity[1]
    both = 2.0 * np.nanmin([corrected[worst], spread])
    return LevelTest(
        f"Residuals by {grouping.name}",
        tests[worst].statistic,
        float(min(1.0, both)),
        _reading(table, grouping.name, spread),
        table=table,
        homogeneity=homogeneity,
    )


def _levene(parts):
    """F and p-value about the medians, as ``leveneTest`` of R's car."""
    if len(parts) < 2 or sum(map(len, parts)) <= len(parts):
        return np.nan, np.nan
    found = stats.levene(*parts, center="median")
    return float(found.statistic), float(found.pvalue)


def _reading(table, name, spread):
    said, levels = [], table.level[table.corrected < ALPHA]
    if len(levels):
        shown = ", ".join(levels[:5]) + (", ..." if len(levels) > 5 else "")
        said.append(f"Residuals are not uniform at {len(levels)} level(s): {shown}.")
    if spread < ALPHA:
        said.append("The spread of the residuals differs between levels.")
    if not said and table.n.mean() < FEWEST_ROWS:
        rows = f"{table.n.mean():.1f}".removesuffix(".0")
        return f"There are too few rows per level to tell ({rows} on average)."
    return " ".join(said) or f"Residuals are alike at the levels of {name}."
