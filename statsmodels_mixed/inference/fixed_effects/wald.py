"""Wald tests of fixed effects: covariance, degrees of freedom, joint tests."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

from ...printing import format_df

# Singular values of scaled contrasts below this share of the largest are rank lost;
# eigenvalues of their covariance below this one may be, or may be a matter of units
RANK_TOLERANCE, EIGEN_TOLERANCE = 1e-9, 1e-10
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

    def __repr__(self):
        df = ", ".join(format_df(v) for v in self.df(np.eye(len(self.beta))))
        return f"Tests of {len(self.beta)} fixed effects, degrees of freedom {df}"

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
        turn, variances = independent(matrix, self.cov)
        if not len(variances):
            return FTest(np.nan, 0, np.nan, np.nan)
        rows = turn @ matrix
        effects = turn @ (matrix @ self.beta - value)
        statistic = (effects**2 / variances).mean()
        return self._referred(statistic, rows)

    def _referred(self, statistic, rows):
        """The statistic of rows that are uncorrelated, referred to F."""
        return FTest.of(statistic, len(rows), fai_cornelius(self.df(rows)))


def independent(matrix, cov):
    """Rotation of contrasts to uncorrelated ones.

    Parameters
    ----------
    matrix : ndarray, shape (r, p)
    cov : ndarray, shape (p, p)

    Returns
    -------
    turn : ndarray, shape (rank, r)
        ``turn @ matrix`` has a diagonal covariance matrix.
    variances : ndarray, shape (rank,)

    Notes
    -----
    The rank is found after scaling parameters to unit variance and contrasts to unit
    length, so it does not depend on units. Where the eigenvectors of the contrasts'
    covariance show all of it they are used, as in lmerTest, since degrees of freedom
    depend a little on the rotation.
    """
    scale = np.sqrt(np.diag(cov))
    scale[scale == 0] = 1.0
    values, vectors = np.linalg.eigh(cov / np.outer(scale, scale))
    half = scale[:, None] * vectors * np.sqrt(np.maximum(values, 0.0))
    rows = matrix @ half
    length = np.sqrt((rows**2).sum(axis=1))
    length[length == 0] = 1.0
    u, s, _ = np.linalg.svd(rows / length[:, None], full_matrices=False)
    rank = s > RANK_TOLERANCE * s.max(initial=0.0)
    values, vectors = np.linalg.eigh(matrix @ cov @ matrix.T)
    kept = values > EIGEN_TOLERANCE * max(values.max(initial=0.0), 0.0)
    if kept.sum() == rank.sum():
        return vectors[:, kept].T, values[kept]
    return u[:, rank].T / length, s[rank] ** 2


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
