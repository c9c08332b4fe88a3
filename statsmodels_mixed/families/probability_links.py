"""Links of a probability: distribution functions, exact to the far tails."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy.special import bernoulli, erfcx, factorial, log_ndtr, logit, ndtri

from .jets import logistic, logistic_halves, mirror
from .links import Link
from .special import log1mexp

# The continued fraction of the Mills ratio beyond MILLS_FROM, cut after MILLS_TERMS.
MILLS_FROM = 3.0
MILLS_TERMS = 60
# v/(exp(v) - 1) = 1 - v/2 + sum of B_2j v^2j / (2j)!; these are the last ones / v^2.
_BERNOULLI = bernoulli(22)[2::2] / factorial(np.arange(2, 23, 2))
# Below this log(1 - exp(-exp(x))) is x, and exp(x) soon no longer a number.
LOG_TINY = -700.0
# Beyond this the probability of the complementary log-log link is 1 - 0.
SATURATED = 1000.0


class Symmetric(Link):
    """A link whose distribution function has ``1 - F(eta) = F(-eta)``."""

    def log_complement(self, eta):
        """Jet of log(1 - F)."""
        return mirror(self.log_mean(-eta))


@dataclass(frozen=True)
class Logit(Symmetric):
    """``eta = log(mu / (1 - mu))``."""

    name: ClassVar[str] = "logit"

    def log_mean(self, eta):
        """Jet of ``-log(1 + exp(-eta))``."""
        return logistic(eta, 1.0, 0.0)

    def binomial(self, eta, hits, misses):
        """Both logarithms from one exponential."""
        return logistic(eta, hits, misses)

    def information(self, eta):
        """``mu (1 - mu)``."""
        p, q, _ = logistic_halves(eta)
        return p * q

    def mean(self, eta):
        """The logistic function."""
        return logistic_halves(eta)[0]

    def linear_predictor(self, mu):
        """Log odds."""
        return logit(mu)


def _mills_tail(z):
    """Pieces g, h, i of ``phi/Phi(-z) = z + g``, g = 1/(z + h), h = 2/(z + i).

    Laplace's continued fraction (Abramowitz and Stegun 26.2.14), i = 3/(z + 4/(z +
    ...)), from its end.
    """
    i = np.zeros_like(z)
    for j in range(MILLS_TERMS, 2, -1):
        i = j / (z + i)
    h = 2 / (z + i)
    return 1 / (z + h), h, i


def _mills(x):
    """Inverse Mills ratio m = phi(x)/Phi(x), x + m, and m''/m.

    In the lower tail x + m and m'' are differences of nearly equal numbers, so
    they come from the continued fraction, in which these cancel algebraically:
    ``m''/m = g^2 h (i - h)``.
    """
    m = np.sqrt(2 / np.pi) / erfcx(-x * np.sqrt(0.5))
    gap = x + m
    third = gap * (gap + m) - 1
    tail = x < -MILLS_FROM
    if tail.any():
        g, h, i = _mills_tail(-x[tail])
        m[tail] = g - x[tail]
        gap[tail] = g
        third[tail] = g * g * h * (i - h)
    return m, gap, third


@dataclass(frozen=True)
class Probit(Symmetric):
    """``eta = Phi^{-1}(mu)``, Phi the standard normal distribution function."""

    name: ClassVar[str] = "probit"

    def log_mean(self, eta):
        """Jet of log Phi(eta)."""
        yield log_ndtr(eta)
        m, gap, third = _mills(np.asarray(eta))
        yield m
        yield -m * gap
        yield m * third

    def linear_predictor(self, mu):
        """Normal quantile."""
        return ndtri(mu)


@dataclass(frozen=True)
class Cauchit(Symmetric):
    """``eta = tan(pi (mu - 1/2))``, the Cauchy quantile."""

    name: ClassVar[str] = "cauchit"

    def log_mean(self, eta):
        """Jet of log of ``angle/pi``, the angle that of the point (-eta, 1)."""
        angle = np.arctan2(1.0, -eta)
        other = np.arctan2(1.0, np.maximum(eta, 0.0))
        yield np.where(eta > 0, np.log1p(-other / np.pi), np.log(angle / np.pi))
        u = (1 + eta**2) * angle
        yield 1 / u
        u1 = 1 + 2 * eta * angle
        yield -u1 / u**2
        u2 = 2 * (angle + eta / (1 + eta**2))
        yield (2 * u1**2 - u * u2) / u**3

    def linear_predictor(self, mu):
        """Cauchy quantile."""
        return -1 / np.tan(np.pi * mu)


def _log_survival(x):
    """Jet of ``-exp(x)``: all derivatives are the function."""
    value = -np.exp(x)
    while True:
        yield value


def _log_event(x):
    """Jet of ``log(1 - exp(-v))``, v = exp(x).

    With r = v/(exp(v) - 1) and s = r + v - 1 (both positive), ``v dr/dv = -r s``.
    """
    v = np.minimum(np.exp(np.maximum(x, LOG_TINY)), SATURATED)
    yield log1mexp(-v) + np.minimum(x - LOG_TINY, 0.0)
    r = v / np.expm1(v)
    yield r
    near = np.minimum(v, 1.0)
    series = near / 2 + near**2 * np.polynomial.polynomial.polyval(near**2, _BERNOULLI)
    s = np.where(v < 1, series, r + v - 1)
    yield -r * s
    yield r * (s * s + r * s - v)


@dataclass(frozen=True)
class CLogLog(Link):
    """``eta = log(-log(1 - mu))``, the complementary log-log link."""

    name: ClassVar[str] = "cloglog"

    def log_mean(self, eta):
        """Jet of ``log(1 - exp(-exp(eta)))``."""
        return _log_event(eta)

    def log_complement(self, eta):
        """Jet of ``-exp(eta)``."""
        return _log_survival(eta)

    def linear_predictor(self, mu):
        """Complementary log-log."""
        return np.log(-np.log1p(-mu))


@dataclass(frozen=True)
class LogLog(Link):
    """``eta = -log(-log(mu))``: the complementary log-log link upside down."""

    name: ClassVar[str] = "loglog"

    def log_mean(self, eta):
        """Jet of ``-exp(-eta)``."""
        return mirror(_log_survival(-eta))

    def log_complement(self, eta):
        """Jet of ``log(1 - exp(-exp(-eta)))``."""
        return mirror(_log_event(-eta))

    def linear_predictor(self, mu):
        """Log-log."""
        return -np.log(-np.log(mu))
