"""Elementary functions that keep their digits near the limits of their arguments."""

from __future__ import annotations

import numpy as np
from scipy.special import digamma, gammaln

# From here on Stirling's series is exact to rounding error with five terms.
STIRLING_FROM = 16
_LGAMMA_TAIL = np.array([1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188])
_DIGAMMA_TAIL = np.array([1 / 12, -1 / 120, 1 / 252, -1 / 240, 1 / 132])
_ATANH = 1.0 / np.arange(3, 41, 2)


def log1mexp(x):
    """``log(1 - exp(x))`` for x < 0 [1]_.

    References
    ----------
    .. [1] Maechler (2012), Accurately computing log(1 - exp(-|a|)), eq. (7).

    Examples
    --------
    >>> import numpy as np
    >>> log1mexp(np.array([-50.0]))
    array([-1.92874985e-22])
    """
    half = -np.log(2)
    near = np.log(-np.expm1(np.maximum(x, half)))
    return np.where(x > half, near, np.log1p(-np.exp(np.minimum(x, half))))


def log1pmx(x):
    """``log(1 + x) - x`` for x > -1, by the series of atanh where |x| is small."""
    near = np.where(np.abs(x) < 0.5, x, 0.0)
    r = near / (2 + near)
    series = 2 * r**3 * np.polynomial.polynomial.polyval(r * r, _ATANH) - r * near
    return np.where(np.abs(x) < 0.5, series, np.log1p(x) - x)


def _lgamma_tail(x):
    """``lgamma(x) - (x - 1/2) log x + x - log(2 pi)/2``: Stirling (A&S 6.1.41)."""
    return np.polynomial.polynomial.polyval(1 / (x * x), _LGAMMA_TAIL) / x


def _digamma_tail(x):
    """``log x - 1/(2x) - digamma(x)`` (Abramowitz and Stegun 6.3.18)."""
    return np.polynomial.polynomial.polyval(1 / (x * x), _DIGAMMA_TAIL) / (x * x)


def gamma_normaliser(shape):
    """``a log a - a - lgamma(a)``, exact for large a, where it grows as log a only."""
    large = np.maximum(shape, STIRLING_FROM)
    stirling = 0.5 * np.log(large / (2 * np.pi)) - _lgamma_tail(large)
    small = np.minimum(shape, STIRLING_FROM)
    direct = small * np.log(small) - small - gammaln(small)
    return np.where(shape > STIRLING_FROM, stirling, direct)


def gamma_normaliser_slope(shape):
    """Derivative of `gamma_normaliser` in log a: ``a (log a - digamma(a))``."""
    large = np.maximum(shape, STIRLING_FROM)
    stirling = 0.5 + large * _digamma_tail(large)
    small = np.minimum(shape, STIRLING_FROM)
    direct = small * (np.log(small) - digamma(small))
    return np.where(shape > STIRLING_FROM, stirling, direct)


def rising_factorial(y, alpha):
    """``sum_j log(1 + alpha j)`` over j < y and its derivative in log alpha.

    The logarithm of ``alpha^y Gamma(y + 1/alpha) / Gamma(1/alpha)`` without the
    difference of two large numbers: the first factors one by one, the others by
    Stirling's series, whose leading terms cancel algebraically.

    Parameters
    ----------
    y : ndarray
        Non-negative whole numbers.
    alpha : float or ndarray, broadcastable to y
        Positive.

    Returns
    -------
    value, slope : ndarray

    Examples
    --------
    >>> import numpy as np
    >>> value, slope = rising_factorial(np.array([0.0, 1.0, 3.0]), 1.0)
    >>> np.exp(value).round(12).tolist(), slope.round(12).tolist()
    ([1.0, 1.0, 6.0], [0.0, 0.0, 1.166666666667])
    """
    value, slope = 0.0, 0.0
    for j in range(1, STIRLING_FROM):
        there = y > j
        value = value + there * np.log1p(alpha * j)
        slope = slope + there * (alpha * j / (1 + alpha * j))
    k = 1 / alpha
    low = k + STIRLING_FROM
    rest = np.maximum(y - STIRLING_FROM, 0.0)
    high, x = low + rest, rest / low
    bend = log1pmx(x)
    value = value + (
        low * bend
        - 0.5 * np.log1p(x)
        + rest * np.log1p(alpha * (STIRLING_FROM + rest))
        + (_lgamma_tail(high) - _lgamma_tail(low))
    )
    slope = slope + (
        STIRLING_FROM * x
        - k * (bend + 0.5 * rest / (low * high))
        + k * (_digamma_tail(high) - _digamma_tail(low))
    )
    return value, slope
