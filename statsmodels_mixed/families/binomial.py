"""Binomial family: numbers of successes among known numbers of trials."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy.special import gammaln, xlog1py, xlogy

from .base import Family, Likelihood, as_weights, check_finite, refuse
from .jets import scaled
from .links import Link

_SUCCESSES = "Give numbers of successes, and the numbers of trials apart from them."


@dataclass(frozen=True, eq=False)
class BinomialLikelihood(Likelihood):
    """``y log mu + (trials - y) log(1 - mu)`` and its constant."""

    hits: np.ndarray
    misses: np.ndarray
    constant: np.ndarray | None
    weights: np.ndarray | None
    upper: ClassVar[float] = 1.0

    def _jet(self, eta, zeta):
        jet = self.link.binomial(eta, self.hits, self.misses)
        if self.constant is not None:
            jet = _raised(self.constant, jet)
        return scaled(self.weights, jet)

    def _information(self, eta, zeta):
        information = (self.hits + self.misses) * self.link.information(eta)
        return next(scaled(self.weights, iter([information])))


def _raised(constant, jet):
    """Jet of a function with a constant added."""
    yield next(jet) + constant
    yield from jet


@dataclass(frozen=True)
class Binomial(Family):
    """Successes among trials, or 0/1 responses.

    Parameters
    ----------
    link : Link or str
        logit (default), probit, cloglog, loglog, cauchit, log or a power link.

    Notes
    -----
    ``log f(y) = y log mu + (n - y) log(1 - mu) + log C(n, y)`` with n trials
    (McCullagh and Nelder 1989, section 4.4). Prior weights multiply it.

    Examples
    --------
    >>> import numpy as np
    >>> bound = Binomial().observe(np.array([0.0, 3.0]), trials=np.array([1.0, 4.0]))
    >>> bound.value(np.zeros(2)).round(6).tolist()
    [-0.693147, -1.386294]
    >>> bound.derivatives(np.zeros(2)).d1.tolist()
    [-0.5, 1.0]
    """

    link: Link | str = "logit"

    name: ClassVar[str] = "binomial"
    upper: ClassVar[float] = 1.0
    links: ClassVar[tuple] = (
        "logit",
        "probit",
        "cloglog",
        "loglog",
        "cauchit",
        "log",
        "identity",
        "inverse",
        "sqrt",
        "inverse_squared",
        "power",
    )

    def check(self, y, trials=None):
        """Refuse what is not a number of successes among the trials."""
        y = check_finite(y)
        if trials is None:
            cause = "Without numbers of trials a binomial response is 0 or 1"
            return refuse(y, (y != 0) & (y != 1), cause, _SUCCESSES)
        n = np.broadcast_to(np.asarray(trials, dtype=float), y.shape)
        whole = np.isfinite(n) & (n >= 0) & (n == np.floor(n))
        refuse(n, ~whole, "Numbers of trials are whole, 0 or more", _SUCCESSES)
        cause = "Numbers of successes are whole, 0 or more"
        refuse(y, (y < 0) | (y != np.floor(y)), cause, _SUCCESSES)
        refuse(y, y > n, "More successes than trials", _SUCCESSES)

    def observe(self, y, trials=None, weights=None):
        """Likelihood of these numbers of successes; one trial each by default."""
        y = np.asarray(y, dtype=float)
        n = 1.0 if trials is None else np.asarray(trials, dtype=float)
        constant = None
        if np.any(n > 1):
            constant = gammaln(n + 1) - gammaln(y + 1) - gammaln(n - y + 1)
        return BinomialLikelihood(self.link, y, n - y, constant, as_weights(weights))

    def variance(self, mu, dispersion=None):
        """Of the proportion in one trial, ``mu (1 - mu)``."""
        return mu * (1 - mu)

    def unit_deviance(self, y, mu, dispersion=None):
        """Twice the log-likelihood ratio of one trial, y a proportion."""
        fitted = xlogy(y, mu) + xlog1py(1 - y, -mu)
        return 2 * (xlogy(y, y) + xlog1py(1 - y, -y) - fitted)

    def start_mean(self, y, trials=None, weights=None):
        """Proportions moved half a success towards one half."""
        return (y + 0.5) / ((1.0 if trials is None else trials) + 1.0)

    def draw(self, mu, dispersion, trials, weights, rng):
        """Random numbers of successes."""
        return rng.binomial(1 if trials is None else np.asarray(trials, int), mu) * 1.0
