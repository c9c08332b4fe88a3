"""Wald tests of fixed effects: covariance, degrees of freedom, joint tests."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

# Eigenvalues of a contrast's covariance below this share of the largest are rank lost
RANK_TOLERANCE = 1e-10
# Degrees of freedom that agree to this are those of one denominator (as lmerTest)
ALIKE = 1e-8


@dataclass(frozen=True)
class FTest:
    """Joint test of several contrasts.

    Attributes
    ----------
    statistic : float
        F; with `df_denom` infinite, a chi-square over its degrees of freedom.
    df_num : int
        Rank of the contrasts.
    df_denom : float
    pvalue : float
    """

    statistic: float
    df_num: int
    df_denom: float
    pvalue: float

    @classmethod
    def of(cls, statistic, df_num, df_denom):
        """The test with its p-value."""
        if np.isinf(df_denom):
            pvalue = stats.chi2.sf(df_num * statistic, df_num)
        else:
            pvalue = stats.f.sf(statistic, df_num, df_denom)
        return cls(float(statistic), int(df_num), float(df_denom), float(pvalue))


class WaldTests:
    """Tests of contrasts ``L beta`` with one number of degrees of freedom for all.

    Parameters
    ----------
    beta : ndarray, shape (p,)
    cov : ndarray, shape (p, p)
        Covariance matrix of beta that tests use.
    constant_df : float
        ``np.inf`` for the normal distribution.
    """

    def __init__(self, beta, cov, constant_df):
        self.beta, self.cov, self.constant_df = beta, cov, constant_df

    def df(self, matrix):
        """Degrees of freedom of the t test of each row of a matrix.

        Parameters
        ----------
        matrix : array_like, shape (r, p)

        Returns
        -------
        ndarray, shape (r,)
        """
        return np.full(len(matrix), self.constant_df)

    def f_test(self, matrix, value=0.0) -> FTest:
        """Joint test of ``L beta = value``.

        Parameters
        ----------
        matrix : array_like, shape (r, p)
            Rows that are combinations of others do not count.
        value : array_like, shape (r,), optional
        """
        matrix = np.atleast_2d(np.asarray(matrix, dtype=float))
        turn, variances = _independent(matrix, self.cov)
        if not len(variances):
            return FTest(np.nan, 0, np.nan, np.nan)
        rows = turn @ matrix
        effects = turn @ (matrix @ self.beta - value)
        statistic = (effects**2 / variances).mean()
        return self._referred(statistic, rows)

    def _referred(self, statistic, rows):
        """The statistic of rows that are uncorrelated, referred to F."""
        return FTest.of(statistic, len(rows), fai_cornelius(self.df(rows)))


def _independent(matrix, cov):
    """Rotation to uncorrelated contrasts, (rank, r), and their variances."""
    values, vectors = np.linalg.eigh(matrix @ cov @ matrix.T)
    kept = values > RANK_TOLERANCE * max(values.max(initial=0.0), 0.0)
    return vectors[:, kept].T, values[kept]


def fai_cornelius(df):
    """Denominator degrees of freedom of an F test from those of its t tests.

    The mean of the F distribution is matched (Fai and Cornelius 1996, Journal of
    Statistical Computation and Simulation 54, 363-378).

    Parameters
    ----------
    df : ndarray, shape (q,)
        Degrees of freedom of q uncorrelated contrasts.

    Returns
    -------
    float

    Examples
    --------
    >>> fai_cornelius(np.array([17.0, 17.0]))
    17.0
    >>> round(fai_cornelius(np.array([10.0, 30.0])), 3)
    14.444
    """
    df = np.asarray(df, dtype=float)
    first = df[0]
    if np.isinf(df).all() or np.abs(df - first).max() < ALIKE * abs(first):
        return float(df.mean())
    if (df <= 2.0).any():  # some t statistic has no mean square
        return 2.0
    with np.errstate(invalid="ignore"):
        expected = np.where(np.isinf(df), 1.0, df / (df - 2.0)).sum()
    return float(2.0 * expected / (expected - len(df)))
