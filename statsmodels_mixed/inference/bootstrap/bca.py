"""Intervals from bootstrap draws of one parameter, by name."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import norm


def percentile(draws, estimate, tails, acceleration):
    """Quantiles of the draws."""
    return np.quantile(draws, tails)


def basic(draws, estimate, tails, acceleration):
    """Quantiles of the draws, reflected about the estimate."""
    return 2.0 * estimate - np.quantile(draws, tails[::-1])


def normal(draws, estimate, tails, acceleration):
    """Estimate less the bias, and normal quantiles times the standard error."""
    centre = 2.0 * estimate - draws.mean()
    return centre + norm.ppf(tails) * draws.std(ddof=1)


def bca(draws, estimate, tails, acceleration):
    """Quantiles of the draws at levels corrected for bias and acceleration.

    Efron (1987), Journal of the American Statistical Association 82, 171-185,
    equations 2.3 and 6.6. NaN where all draws are on one side of the estimate.
    """
    below = (draws < estimate).mean() + 0.5 * (draws == estimate).mean()
    if not 0.0 < below < 1.0:
        return np.full(2, np.nan)
    z0 = norm.ppf(below)
    shifted = z0 + norm.ppf(tails)
    room = 1.0 - acceleration * shifted
    if not (room > 0).all():  # beyond the pole: no level belongs to these tails
        return np.full(2, np.nan)
    return np.quantile(draws, norm.cdf(z0 + shifted / room))


@dataclass(frozen=True)
class IntervalMethod:
    """An interval, and whether it needs the acceleration.

    Attributes
    ----------
    function : callable
        Of draws (n,), estimate, the two tails and the acceleration.
    accelerated : bool
    """

    function: object
    accelerated: bool = False


INTERVALS = {
    "percentile": IntervalMethod(percentile),
    "basic": IntervalMethod(basic),
    "bca": IntervalMethod(bca, accelerated=True),
    "normal": IntervalMethod(normal),
}


def accelerations(left_out):
    """Acceleration of each parameter from the jackknife.

    Parameters
    ----------
    left_out : ndarray, shape (m, P)
        Estimates without each of the clusters; NaN where there is none.

    Returns
    -------
    ndarray, shape (P,)
        A sixth of the skewness of ``mean - left_out`` (Efron 1987, equation 7.3); 0
        where nothing varies, NaN where no estimate is.

    Examples
    --------
    >>> accelerations(np.array([[1.0, 1.0], [2.0, 1.0], [6.0, 1.0]])).round(4)
    array([-0.0573,  0.    ])
    """
    out = np.full(left_out.shape[1], np.nan)
    for j, column in enumerate(left_out.T):
        known = column[np.isfinite(column)]
        if len(known):
            d = known.mean() - known
            squares = (d**2).sum()
            out[j] = (d**3).sum() / (6.0 * squares**1.5) if squares else 0.0
    return out
