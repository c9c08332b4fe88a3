"""Reference distribution of a likelihood ratio when variances are tested."""

from __future__ import annotations

import numpy as np
from scipy import stats


def chi2_sf(statistic, df):
    """Upper tail of the chi-square distribution; with df 0, of the constant 0."""
    if df == 0:
        return float(statistic <= 0.0)
    return float(stats.chi2.sf(max(statistic, 0.0), df))


def chi_bar_square(statistic, df, n_variances):
    """p-value of a likelihood ratio that sets variances to zero.

    Parameters
    ----------
    statistic : float
        Twice the difference of the log-likelihoods.
    df : int
        Difference of the numbers of parameters.
    n_variances : int
        Variances among them.

    Returns
    -------
    pvalue : float
        NaN where the weights depend on more than the numbers of parameters.
    reference : str
        The distribution, such as ``"0.5 chi2(1) + 0.5 chi2(2)"``.

    Notes
    -----
    A single variance at its bound of zero, other parameters (its covariances with
    effects that stay, or fixed effects) free: an equal mixture of chi-squares with
    ``df - 1`` and ``df`` degrees of freedom (Self and Liang 1987, JASA 82, 605-610,
    cases 5 and 6; Stram and Lee 1994, Biometrics 50, 1171-1177, case 3). With more
    variances the weights depend on the information matrix.

    Examples
    --------
    >>> p, reference = chi_bar_square(2.706, 1, 1)
    >>> round(p, 3), reference
    (0.05, '0.5 chi2(0) + 0.5 chi2(1)')
    """
    if n_variances == 0:
        return chi2_sf(statistic, df), f"chi2({df})"
    if n_variances == 1:
        pvalue = 0.5 * (chi2_sf(statistic, df - 1) + chi2_sf(statistic, df))
        return pvalue, f"0.5 chi2({df - 1}) + 0.5 chi2({df})"
    return np.nan, f"chi2({df}), conservative"


def n_variances(terms):
    """Number of variances that random-effects terms estimate."""
    return sum(len(term.structure.varying()) for term in terms)
