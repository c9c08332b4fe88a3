"""Analysis of variance of the fixed effects: one test per term."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ...errors import DataError, check_option
from ..fixed_effects.wald import WaldTests
from .contrasts import TYPES, fixed_terms

ROMAN = {"I": 1, "II": 2, "III": 3, "1": 1, "2": 2, "3": 3}
COLUMNS = ["sum_sq", "mean_sq", "num_df", "den_df", "F", "pvalue"]


def anova_type(type):
    """1, 2 or 3, from the number or as a Roman numeral.

    Raises
    ------
    DataError
        Anything else.

    Examples
    --------
    >>> anova_type("II")
    2
    """
    number = ROMAN.get(type, type)
    if isinstance(type, bool):  # which counts as the number 1
        raise DataError(f"type={type}: use 1 or 2 or 3.")
    check_option("type", number, tuple(TYPES))
    return number


def anova_table(fit, tests, type=3):
    """F test of each term of the fixed effects.

    Parameters
    ----------
    fit : Fit, GeneralizedFit or PQLFit
    tests : WaldTests
        Covariance and degrees of freedom (see `fixed_tests`).
    type : {1, 2, 3, "I", "II", "III"}
        Each term given those before it; given all that do not contain it; or its
        estimable functions orthogonal to those of the terms that contain it.

    Returns
    -------
    DataFrame
        One row per term: sum_sq, mean_sq, num_df, den_df, F, pvalue. `mean_sq` is the
        Wald statistic over `num_df` in units of the residual variance, as lmerTest
        prints it (with Kenward-Roger, before F is scaled); in those of the dispersion
        scale 1 for generalized models. NaN for a term all of whose columns are
        aliased.

    Notes
    -----
    The hypotheses are those of lmerTest (Kuznetsova, Brockhoff and Christensen 2017,
    Journal of Statistical Software 82(13)), stated without reference to the coding of
    factors. Types I and II use ``X'X`` without the weights of the rows.

    Examples
    --------
    >>> import statsmodels_mixed as smm
    >>> data = smm.datasets.load("sleepstudy")
    >>> res = smm.lmm("Reaction ~ Days + (Days | Subject)", data).fit()
    >>> anova_table(res.fit_record, res.fixed_tests())[["den_df", "F"]].round(3)
          den_df       F
    Days    17.0  45.853
    """
    make, fixed = TYPES[anova_type(type)], fixed_terms(fit)
    return table_of(
        fit,
        tests,
        {fixed.terms[i].name: make(fixed, i) for i in fixed.tested()},
    )


def table_of(fit, tests, hypotheses):
    """The columns of an analysis of variance for named hypotheses."""
    plain = WaldTests(fit.beta, tests.cov, np.inf)
    rows = [_row(fit, tests, plain, matrix) for matrix in hypotheses.values()]
    table = pd.DataFrame(rows, index=list(hypotheses), columns=COLUMNS)
    table = table.astype(dict.fromkeys(COLUMNS, float) | {"num_df": int})
    normal = len(table) and np.isinf(table.den_df).all()
    return _as_chi_square(table) if normal else table


def _as_chi_square(table):
    """Wald tests by the normal distribution: chi-square in place of F."""
    chi2 = table.F * table.num_df
    return pd.DataFrame({"chi2": chi2, "df": table.num_df, "pvalue": table.pvalue})


def _row(fit, tests, plain, matrix):
    if not len(matrix):
        return [np.nan, np.nan, 0, np.nan, np.nan, np.nan]
    test = tests.f_test(matrix)
    mean_sq = float(fit.scale) * plain.f_test(matrix).statistic
    figures = test.df_num, test.df_denom, test.statistic, test.pvalue
    return [mean_sq * test.df_num, mean_sq, *figures]
