"""What every link provides, and the links on the scale of a positive mean."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..errors import FamilyError
from .jets import compose
from .special import log1mexp


class Link:
    """A link g with ``g(mu) = eta``, known by log mu and log(1 - mu) as jets of eta.

    A jet is an iterator over a function and its derivatives, see ``jets``.
    """

    name: ClassVar[str]

    def log_mean(self, eta):
        """Jet of log mu."""
        raise NotImplementedError

    def log_complement(self, eta):
        """Jet of log(1 - mu)."""
        raise NotImplementedError

    def linear_predictor(self, mu):
        """The link function itself, eta = g(mu)."""
        raise NotImplementedError

    def mean(self, eta):
        """Inverse of the link, mu."""
        return np.exp(next(self.log_mean(eta)))

    def mean_derivative(self, eta):
        """Derivative of mu in eta."""
        jet = self.log_mean(eta)
        return np.exp(next(jet)) * next(jet)

    def information(self, eta):
        """Fisher information of one 0/1 response, ``mu'^2 / (mu (1 - mu))``."""
        success, failure = self.log_mean(eta), self.log_complement(eta)
        next(success), next(failure)
        return -next(success) * next(failure)

    def outside(self, eta, upper):
        """Where mu is not between 0 and `upper`; None stands for nowhere."""
        return None

    def through_log_mean(self, kernel, eta):
        """Jet in eta of ``kernel(log mu)``, itself a jet in log mu."""
        inner = self.log_mean(eta)
        return compose(kernel(next(inner)), inner)

    def binomial(self, eta, hits, misses):
        """Jet of ``hits log mu + misses log(1 - mu)``.

        Each logarithm is computed for the rows that need it: all 0/1 rows need one.
        """
        up, down = np.flatnonzero(hits), np.flatnonzero(misses)
        successes = self.log_mean(eta[..., up])
        failures = self.log_complement(eta[..., down])
        for success, failure in zip(successes, failures, strict=False):
            out = np.zeros(eta.shape)
            out[..., up] = hits[up] * success
            out[..., down] += misses[down] * failure
            yield out


@dataclass(frozen=True)
class Log(Link):
    """``eta = log mu``."""

    name: ClassVar[str] = "log"

    def log_mean(self, eta):
        """Jet of log mu: eta itself."""
        yield eta
        yield 1.0
        yield 0.0
        yield 0.0

    def log_complement(self, eta):
        """Jet of log(1 - exp(eta))."""
        below = np.where(eta < 0, eta, -1.0)
        yield log1mexp(below)
        odds = 1 / np.expm1(-below)
        yield -odds
        yield -odds * (1 + odds)
        yield -odds * (1 + odds) * (1 + 2 * odds)

    def linear_predictor(self, mu):
        """log mu."""
        return np.log(mu)

    def outside(self, eta, upper):
        """Nowhere, unless the mean is bounded."""
        return None if np.isinf(upper) else eta >= np.log(upper)

    def through_log_mean(self, kernel, eta):
        """The kernel itself: no chain rule."""
        return kernel(eta)

    def through_mean(self, kernel, eta):
        """Jet in eta of ``kernel(mu)``, itself a jet in mu."""
        mu = np.exp(eta)
        return compose(kernel(mu), iter((mu, mu, mu)))

    def start(self, mu):
        """A mean that the link can take, near `mu` of any sign."""
        return np.maximum(mu, 0.1 * np.mean(np.abs(mu)))


@dataclass(frozen=True)
class Power(Link):
    """``eta = mu^power``: identity, sqrt, inverse and inverse_squared among them.

    Parameters
    ----------
    power : float
        Not zero; the limit at zero is the log link.

    Examples
    --------
    >>> Power(-1.0).name, Power(0.5).linear_predictor(9.0), Power(3.0).mean(8.0)
    ('inverse', 3.0, 2.0)
    """

    power: float

    def __post_init__(self):
        object.__setattr__(self, "power", float(self.power))
        if not (np.isfinite(self.power) and self.power):
            raise FamilyError(
                f"Power({self.power:g}) is no link: use a finite power other than 0, "
                "or the log link, the limit at 0."
            )

    @property
    def name(self):
        """The usual name, or ``power``."""
        return _POWERS.get(self.power, "power")

    def _mean_jet(self, eta):
        c = 1 / self.power
        yield eta**c
        yield c * eta ** (c - 1)
        yield c * (c - 1) * eta ** (c - 2)
        yield c * (c - 1) * (c - 2) * eta ** (c - 3)

    def log_mean(self, eta):
        """Jet of ``log(eta) / power``."""
        eta = np.where(eta > 0, eta, 1.0)
        c = 1 / self.power
        yield c * np.log(eta)
        yield c / eta
        yield -c / eta**2
        yield 2 * c / eta**3

    def log_complement(self, eta):
        """Jet of log(1 - mu), from that of mu."""
        eta = np.where(self.outside(eta, 1.0), 0.5**self.power, eta)
        rest = -np.expm1(np.log(eta) / self.power)
        inner = self._mean_jet(eta)
        next(inner)
        outer = iter((np.log(rest), -1 / rest, -(rest**-2), -2 * rest**-3))
        return compose(outer, inner)

    def linear_predictor(self, mu):
        """mu to the power."""
        return mu**self.power

    def mean(self, eta):
        """eta to the power of ``1 / power``."""
        return next(self._mean_jet(eta))

    def mean_derivative(self, eta):
        """Derivative of mu in eta."""
        jet = self._mean_jet(eta)
        next(jet)
        return next(jet) * np.ones(np.shape(eta))

    def outside(self, eta, upper):
        """Where eta is not positive, or its mean not below `upper`."""
        bound = np.float64(upper) ** self.power
        return (eta <= 0) | (eta >= bound if self.power > 0 else eta <= bound)

    def through_mean(self, kernel, eta):
        """Jet in eta of ``kernel(mu)``, itself a jet in mu."""
        if self.power == 1:
            return kernel(eta)
        inner = self._mean_jet(eta)
        return compose(kernel(next(inner)), inner)

    def start(self, mu):
        """A mean that the link can take: not near zero, where 1/mu is infinite."""
        if self.power == 1:
            return mu
        least = 0.1 * np.mean(np.abs(mu))
        return np.where(np.abs(mu) < least, np.copysign(least, mu), mu)


_POWERS = {1.0: "identity", 0.5: "sqrt", -1.0: "inverse", -2.0: "inverse_squared"}
