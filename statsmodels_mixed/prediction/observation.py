"""Quantiles of a new observation: the family's, over an uncertain linear predictor."""

from __future__ import annotations

import numpy as np
from scipy import special

# Distances of the nodes over the linear predictor, in standard deviations, and how far
# they go: the trapezoidal rule, whose error is negligible for smooth densities.
STEP, FAR = 0.1, 6.0
# halvings of a bracket, which is as wide as the quantiles at the nodes
HALVINGS = 50
BLOCK = 4096  # rows at a time


def _inverse_gaussian(y, mu, phi):
    """Distribution function of the inverse Gaussian with variance ``phi mu^3``."""
    root = np.sqrt(1.0 / (phi * y))
    below = special.ndtr(root * (y / mu - 1.0))
    # exp(2 / (phi mu)) times a tail that may be as small as that is large
    tail = special.log_ndtr(-root * (y / mu + 1.0)) + 2.0 / (phi * mu)
    return below + np.exp(tail)


def _binomial(y, mu, trials):
    below = special.betainc(np.maximum(trials - y, 0.5), y + 1.0, 1.0 - mu)
    return np.where(y < trials, below, 1.0)


def _negative_binomial(y, mu, alpha):
    return special.betainc(1.0 / alpha, y + 1.0, 1.0 / (1.0 + alpha * mu))


def _gamma(y, mu, phi):
    return special.gammainc(1.0 / phi, y / (phi * mu))


# P(Y <= y) at a mean by name of the family: of counts `size` is the number of trials,
# alpha or nothing, else the dispersion of the row
DISCRETE = {
    "binomial": _binomial,
    "poisson": lambda y, mu, size: special.pdtr(y, mu),
    "negative_binomial": _negative_binomial,
}
CONTINUOUS = {
    "gaussian": lambda y, mu, phi: special.ndtr((y - mu) / np.sqrt(phi)),
    "gamma": _gamma,
    "inverse_gaussian": _inverse_gaussian,
}


def observation_quantiles(
    family, dispersion, eta, se, probability, *, trials=None, weights=None
):
    """Quantiles of new observations.

    Those of ``P(Y <= y) = E[F(y; eta + se x)]`` with x standard normal and F of the
    family: the spread of the response and everything that is unknown about its mean.

    Parameters
    ----------
    family : Family
    dispersion : float
    eta, se : ndarray, shape (n,)
        Linear predictor and the standard deviation of what is not known of it.
    probability : float
        Between 0 and 1.
    trials : ndarray, shape (n,), optional
        Of a binomial response, one each by default.
    weights : ndarray, shape (n,), optional
        They divide a dispersion that scales the variance; other families ignore them.

    Returns
    -------
    ndarray, shape (n,)
        On the scale of the mean: proportions of the trials for a binomial response.
        NaN where part of the distribution of eta has no mean (outside the domain of
        the link), and for families without a known distribution function.

    Examples
    --------
    >>> from statsmodels_mixed.families import Poisson
    >>> zeros = np.zeros(1)
    >>> float(observation_quantiles(Poisson(), 1.0, zeros, zeros, 0.975)[0])
    3.0
    """
    n = len(eta)
    size = _size(family, dispersion, n, trials, weights)
    out = np.full(n, np.nan)
    find = _discrete if family.name in DISCRETE else _continuous
    if family.name not in DISCRETE and family.name not in CONTINUOUS:
        return out
    for start in range(0, n, BLOCK):
        part = slice(start, start + BLOCK)
        with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
            out[part] = find(family, eta[part], se[part], size[part], probability)
    # of no trial at all there is no proportion
    shares = family.name == "binomial"
    return out / np.where(size > 0, size, np.nan) if shares else out


def _size(family, dispersion, n, trials, weights):
    """Trials, alpha or dispersion of each row."""
    if family.name == "binomial":
        return np.ones(n) if trials is None else np.asarray(trials, dtype=float)
    size = np.full(n, getattr(family, "alpha", None) or dispersion)
    scaled = family.name in CONTINUOUS and weights is not None
    return size / weights if scaled else size


class _Mixture:
    """Distribution function of some rows, averaged over the linear predictor."""

    def __init__(self, family, eta, se, size):
        x = np.arange(-FAR, FAR + 0.5 * STEP, STEP)
        weights = np.exp(-0.5 * x**2)
        self.weights = weights / weights.sum()
        values = eta + x[:, None] * se
        outside = family.outside(values)
        self.bad = np.zeros(len(eta), dtype=bool)
        if outside is not None:
            self.bad = (outside & (se > 0)).any(axis=0) | outside.all(axis=0)
        self.mu, self.size = family.mean(values), size
        self.law = (DISCRETE | CONTINUOUS)[family.name]

    def __call__(self, y):
        """P(Y <= y), shape (n,)."""
        return self.weights @ self.law(y, self.mu, self.size)


def _discrete(family, eta, se, size, probability):
    """The smallest count that is reached with the probability."""
    mixture = _Mixture(family, eta, se, size)
    low, high = np.full(len(eta), -1.0), np.ones(len(eta))
    if family.name == "binomial":
        high = size.copy()
    else:
        high = _reached(mixture, high, probability)
    while (high - low > 1.0).any():
        middle = np.floor(0.5 * (low + high))
        enough = (mixture(np.maximum(middle, 0.0)) >= probability) & (middle >= 0)
        low, high = np.where(enough, low, middle), np.where(enough, middle, high)
    return np.where(mixture.bad, np.nan, high)


def _continuous(family, eta, se, size, probability):
    mixture = _Mixture(family, eta, se, size)
    if family.name == "gaussian":
        spread = 10.0 * np.sqrt(size)
        low, high = mixture.mu.min(axis=0) - spread, mixture.mu.max(axis=0) + spread
    else:
        low = np.zeros(len(eta))
        high = _reached(mixture, mixture.mu.max(axis=0), probability)
    for _ in range(HALVINGS):
        middle = 0.5 * (low + high)
        enough = mixture(middle) >= probability
        low, high = np.where(enough, low, middle), np.where(enough, middle, high)
    return np.where(mixture.bad, np.nan, 0.5 * (low + high))


def _reached(mixture, high, probability):
    """Double a bound until the probability is reached below it."""
    for _ in range(1000):
        short = ~(mixture(high) >= probability) & ~mixture.bad & np.isfinite(high)
        if not short.any():
            break
        high = np.where(short, 2.0 * high, high)
    return high
