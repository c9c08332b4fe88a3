"""Quantiles of residuals along a predictor: a score test, and curves for the eye."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
from scipy import stats
from statsmodels.regression.quantile_regression import QuantReg
from statsmodels.stats.multitest import multipletests
from statsmodels.tools.sm_exceptions import IterationLimitWarning

from ..errors import DataError
from .residual_tests import ALPHA, ResidualTest

KNOTS = 5  # of the splines: as many columns, constant included
ROWS_PER_KNOT = 15  # at least: few rows do not show more than a slope
MOST_ROWS = 5000  # curves are fitted to as many rows, evenly spaced by rank
QUANTILES = (0.25, 0.5, 0.75)


def ranks(predictor):
    """Ranks divided by the number of values: (0, 1], ties share their mean rank."""
    return stats.rankdata(predictor) / len(predictor)


def spline_basis(position, knots):
    """Natural cubic splines: linear beyond the outer knots.

    Parameters
    ----------
    position : ndarray, shape (n,)
    knots : ndarray, shape (k,)

    Returns
    -------
    ndarray, shape (n, k)
        Constant, position, and k - 2 curves (Hastie, Tibshirani and Friedman 2009, The
        Elements of Statistical Learning, equations 5.4 and 5.5).
    """
    columns = [np.ones_like(position), position][: len(knots)]
    if len(knots) > 2:
        cubes = np.maximum(position[:, None] - knots, 0.0) ** 3
        slopes = (cubes[:, :-1] - cubes[:, -1:]) / (knots[-1] - knots[:-1])
        columns += list((slopes[:, :-1] - slopes[:, -1:]).T)
    return np.column_stack(columns)


def _knots(position):
    distinct = np.unique(position)
    most = min(KNOTS, max(2, len(position) // ROWS_PER_KNOT))
    wanted = np.linspace(0.0, 1.0, min(most, len(distinct)))
    return np.unique(np.quantile(distinct, wanted))


def check_quantiles(quantiles):
    """Quantiles as an array, refused unless they are strictly between 0 and 1."""
    taus = np.atleast_1d(np.asarray(quantiles, dtype=float))
    if not len(taus) or not ((taus > 0) & (taus < 1)).all():
        raise DataError(f"quantiles={quantiles!r}: give numbers between 0 and 1.")
    return taus


def quantile_test(residuals, predictor, quantiles=QUANTILES, label="fitted"):
    """Test whether quantiles of the residuals are where they should be all along.

    Parameters
    ----------
    residuals : ndarray, shape (nobs,)
    predictor : ndarray, shape (nobs,)
        Numbers; only their ranks matter.
    quantiles : sequence of float
    label : str
        Name of the predictor.

    Returns
    -------
    ResidualTest
        The statistic is the largest chi-square, the p-value the smallest of the
        quantiles', adjusted as by Benjamini and Hochberg; ``table`` has all.

    Notes
    -----
    The model is a quantile regression on natural cubic splines of the rank, with up to
    five columns (one for each 15 rows); the hypothesis, that it is constant at the
    nominal quantile. It says how each residual is distributed about that quantile, so
    that the score test is exact but for the chi-square (Gutenbrunner, Jureckova,
    Koenker and Portnoy 1993, Journal of Nonparametric Statistics 2, 307-331, of a
    simple hypothesis) and nothing is to be estimated. DHARMa uses the penalised splines
    of qgam and Wald tests: the hypothesis is the same, the p-values differ.
    """
    taus, position = check_quantiles(quantiles), ranks(predictor)
    basis = spline_basis(position, _knots(position))
    left, values, _ = np.linalg.svd(basis, full_matrices=False)
    span = left[:, values > 1e-8 * values[0]]
    df = span.shape[1]
    signs = taus - (residuals[:, None] < taus)
    chi2 = ((span.T @ signs) ** 2).sum(axis=0) / (taus * (1.0 - taus))
    pvalues = stats.chi2.sf(chi2, df)
    adjusted = multipletests(pvalues, method="fdr_bh")[1]
    table = pd.DataFrame(
        {"quantile": taus, "chi2": chi2, "df": df, "pvalue": pvalues}
    ).assign(adjusted=adjusted)
    pvalue = float(adjusted.min())
    off = ", ".join(
        f"{tau:g}" for tau, p in zip(taus, adjusted, strict=True) if p < ALPHA
    )
    reading = f"No quantile departs from where it should be along {label}."
    if off:
        reading = (
            f"Along {label} the quantile(s) {off} of the residuals are not where they "
            "should be: a wrong curve, a missing term or unequal variances."
        )
    name = f"Quantiles along {label}"
    return ResidualTest(name, float(chi2.max()), pvalue, reading, table=table)


def quantile_curves(residuals, predictor, quantiles=QUANTILES):
    """Quantile regressions of residuals on splines of the rank of a predictor.

    Parameters
    ----------
    residuals, predictor : ndarray, shape (nobs,)
    quantiles : sequence of float

    Returns
    -------
    DataFrame
        Column rank and one per quantile; at each rank of the rows used, up to 5000.
    """
    taus, position = check_quantiles(quantiles), ranks(predictor)
    rows = thinned(position)
    position, residuals = position[rows], residuals[rows]
    model = QuantReg(residuals, spline_basis(position, _knots(position)))
    with warnings.catch_warnings():
        # a curve that is not quite at its optimum still shows what there is to see
        warnings.simplefilter("ignore", IterationLimitWarning)
        curves = {tau: model.fit(q=tau, p_tol=1e-4).fittedvalues for tau in taus}
    return pd.DataFrame({"rank": position, **curves}).drop_duplicates("rank")


def thinned(position, most=MOST_ROWS):
    """Rows in order of their position, at most so many, evenly spaced."""
    order = np.argsort(position, kind="stable")
    if len(order) <= most:
        return order
    return order[np.linspace(0, len(order) - 1, most).astype(int)]
