"""Likelihood ratios as optimisers deliver them: zeros and contradictions told apart."""

from __future__ import annotations

import numpy as np

# A ratio up to this is one of equal likelihoods: both are minima up to rounding
ZERO = 1e-8
# A smaller model whose deviance is lower by more than this contradicts the larger one
CONTRADICTION = 1e-4
ERRORS = 4.0  # Monte Carlo standard errors of a ratio that are no contradiction


def exact_zero(ratio):
    """Likelihood ratios with those that are zero up to rounding made zero.

    Parameters
    ----------
    ratio : float or ndarray
        Twice the difference of the log-likelihoods; negative ones, to be looked at by
        `contradicts` before, are rounding too.

    Returns
    -------
    float or ndarray
        A reference distribution with mass at zero has the p-value 1 there.

    Examples
    --------
    >>> exact_zero(1.6e-11), exact_zero(-3e-9), exact_zero(0.25)
    (0.0, 0.0, 0.25)
    """
    out = np.where(np.less_equal(ratio, ZERO), 0.0, ratio)
    return out if out.ndim else float(out)


def contradicts(ratio, error=0.0):
    """Whether the smaller model fits better than a larger one can allow.

    Parameters
    ----------
    ratio : float or ndarray
        Twice the log-likelihood of the larger model less that of the smaller.
    error : float
        Monte Carlo standard error of the ratio.

    Returns
    -------
    bool or ndarray of bool

    Examples
    --------
    >>> contradicts(-1e-6), contradicts(-0.5), contradicts(-0.5, error=0.2)
    (False, True, False)
    """
    return ratio < -max(CONTRADICTION, ERRORS * error)


def ratio_error(*fits, name="loglike_se"):
    """Monte Carlo standard error of a likelihood ratio of independent fits.

    Parameters
    ----------
    *fits : fits or results
    name : str
        Their attribute for the standard error of a log-likelihood; those that have
        none are exact.

    Returns
    -------
    float
    """
    errors = [getattr(fit, name, 0.0) for fit in fits]
    return 2.0 * float(np.linalg.norm(errors))
