"""Families of counts: Poisson and negative binomial."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np
from scipy.special import gammaln, xlogy

from ..errors import FamilyError
from .base import Family, LogMeanLikelihood, as_weights, check_finite, refuse
from .jets import logistic, logistic_halves, scaled
from .links import Link
from .special import log1pmx, rising_factorial

# a variance that is larger than the mean by less than this share is the mean
NO_EXCESS = 1e-4
POSITIVE_LINKS = ("log", "identity", "inverse", "sqrt", "inverse_squared", "power")


@dataclass(frozen=True, eq=False)
class PoissonLikelihood(LogMeanLikelihood):
    """``y m - exp(m) - log y!``."""

    y: np.ndarray
    constant: np.ndarray

    def _kernel(self, m, zeta):
        mu = np.exp(m)
        value = self.y * m
        value -= mu
        value -= self.constant
        yield value
        yield self.y - mu
        minus = -mu
        yield minus
        yield minus

    def _kernel_information(self, m, zeta):
        return np.exp(m)


@dataclass(frozen=True, eq=False)
class NegativeBinomialLikelihood(LogMeanLikelihood):
    """Logistic in ``t = m + zeta``: y successes against 1/alpha failures.

    ``alpha mu / (1 + alpha mu)`` is the logistic function of t. What is left is
    ``log Gamma(y + 1/alpha) - log Gamma(1/alpha) - log y!``.
    """

    y: np.ndarray
    constant: np.ndarray
    zeta: float | None  # of a fixed alpha

    def _zeta(self, zeta):
        return zeta if self.zeta is None else self.zeta

    @cached_property
    def _distinct(self):
        return np.unique(self.y, return_inverse=True)

    def _rising(self, zeta):
        """`rising_factorial` at each row; equal counts share one evaluation."""
        if np.ndim(zeta):
            return rising_factorial(self.y, np.exp(zeta))
        y, where = self._distinct
        return (part[where] for part in rising_factorial(y, np.exp(zeta)))

    def _kernel(self, m, zeta):
        zeta = self._zeta(zeta)
        jet = logistic(m + zeta, self.y, np.exp(-zeta))
        rising, _ = self._rising(zeta)
        yield next(jet) + (rising - self.y * zeta - self.constant)
        yield from jet

    def _kernel_information(self, m, zeta):
        zeta = self._zeta(zeta)
        return np.exp(-zeta) * logistic_halves(m + zeta)[0]

    def _dispersion_jet(self, eta, zeta):
        if self.zeta is not None:
            return super()._dispersion_jet(eta, zeta)
        jet = self.link.through_log_mean(lambda m: self._mixed(m, zeta), eta)
        return scaled(self.weights, jet)

    def _mixed(self, m, zeta):
        """Jet in m of the derivative in zeta."""
        t, k, y = m + zeta, np.exp(-zeta), self.y
        p, q, small = logistic_halves(t)
        _, slope = self._rising(zeta)
        # -log(1 - p) - p, of which both terms are alpha mu when alpha is small
        above = np.maximum(t, 0) + np.log1p(small) - p
        excess = np.where(p < 0.5, -log1pmx(-np.minimum(p, 0.5)), above)
        yield k * excess - y * p + slope
        yield -p * (y * q - k * p)
        yield p * q * (2 * k * p - y * (q - p))


@dataclass(frozen=True)
class Counts(Family):
    """What families of counts share."""

    def check(self, y, trials=None):
        """Refuse what is not a count."""
        y = check_finite(y)
        refuse(
            y,
            (y < 0) | (y != np.floor(y)),
            f"A response of the {self.name} family is a whole number, 0 or more",
            "Give counts, with an offset for exposure; rates of a known size can be "
            "modelled by another family.",
        )

    def start_mean(self, y, trials=None, weights=None):
        """Counts moved away from zero."""
        return y + 0.1


@dataclass(frozen=True)
class Poisson(Counts):
    """Counts whose variance is their mean.

    Parameters
    ----------
    link : Link or str
        log (default) or a power link such as sqrt or identity.

    Notes
    -----
    ``log f(y) = y log mu - mu - log y!``; prior weights multiply it.

    Examples
    --------
    >>> import numpy as np
    >>> bound = Poisson().observe(np.array([0.0, 2.0]))
    >>> bound.derivatives(np.zeros(2)).d1.tolist()
    [-1.0, 1.0]
    """

    link: Link | str = "log"

    name: ClassVar[str] = "poisson"
    links: ClassVar[tuple] = POSITIVE_LINKS

    def observe(self, y, trials=None, weights=None):
        """Likelihood of these counts."""
        y = np.asarray(y, dtype=float)
        return PoissonLikelihood(self.link, as_weights(weights), y, gammaln(y + 1))

    def variance(self, mu, dispersion=None):
        """The mean."""
        return mu

    def unit_deviance(self, y, mu, dispersion=None):
        """``2 (y log(y/mu) - (y - mu))``."""
        return 2 * (xlogy(y, y / mu) - (y - mu))

    def draw(self, mu, dispersion, trials, weights, rng):
        """Random counts."""
        return rng.poisson(mu) * 1.0


@dataclass(frozen=True)
class NegativeBinomial(Counts):
    """Counts with variance ``mu + alpha mu^2`` (NB2).

    Parameters
    ----------
    link : Link or str
        log (default) or a power link.
    alpha : float, optional
        Fixed dispersion; estimated by default. The Poisson family is its limit at 0.

    Notes
    -----
    With k = 1/alpha, ``f(y) = Gamma(y+k) / (Gamma(k) y!) p^y (1-p)^k`` where
    ``p = alpha mu / (1 + alpha mu)`` (Cameron and Trivedi 1998, section 3.3). Prior
    weights multiply its logarithm.

    Examples
    --------
    >>> import numpy as np
    >>> bound = NegativeBinomial().observe(np.array([0.0, 2.0]))
    >>> bound.value(np.zeros(2), 0.0).round(6).tolist()
    [-0.693147, -2.079442]
    >>> NegativeBinomial(alpha=0.5).dispersion_name is None
    True
    """

    link: Link | str = "log"
    alpha: float | None = None

    name: ClassVar[str] = "negative_binomial"
    links: ClassVar[tuple] = POSITIVE_LINKS

    def __post_init__(self):
        super().__post_init__()
        if self.alpha is None:
            return
        object.__setattr__(self, "alpha", float(self.alpha))
        if not 0 < self.alpha < np.inf:
            raise FamilyError(
                f"alpha={self.alpha:g}: use a positive number, None to estimate it, "
                "or the poisson family for 0."
            )

    @property
    def dispersion_name(self):
        """``alpha`` where it is estimated."""
        return "alpha" if self.alpha is None else None

    def observe(self, y, trials=None, weights=None):
        """Likelihood of these counts."""
        y = np.asarray(y, dtype=float)
        zeta = None if self.alpha is None else float(np.log(self.alpha))
        return NegativeBinomialLikelihood(
            self.link, as_weights(weights), y, gammaln(y + 1), zeta
        )

    def _alpha(self, dispersion):
        return dispersion if self.alpha is None else self.alpha

    def variance(self, mu, dispersion=None):
        """``mu + alpha mu^2``."""
        return mu + self._alpha(dispersion) * mu**2

    def unit_deviance(self, y, mu, dispersion=None):
        """``2 (y log(y/mu) - (y + k) log((y + k) / (mu + k)))``, k = 1/alpha."""
        alpha = self._alpha(dispersion)
        ratio = np.log1p(alpha * (y - mu) / (1 + alpha * mu))
        return 2 * (xlogy(y, y / mu) - y * ratio - ratio / alpha)

    def simpler(self, mu, dispersion):
        """``"poisson"`` where an estimated alpha adds nothing to the variance."""
        bounded = self.alpha is None and dispersion * np.max(mu) < NO_EXCESS
        return "poisson" if bounded else None

    def start_dispersion(self, y, mu, weights=None):
        """Excess of the squared residuals over the mean, relative to its square."""
        if self.alpha is not None:
            return super().start_dispersion(y, mu, weights)
        excess = np.average((y - mu) ** 2 - mu, weights=weights)
        return max(excess / np.average(mu**2, weights=weights), 0.01)

    def draw(self, mu, dispersion, trials, weights, rng):
        """Random counts: Poisson with gamma means."""
        alpha = self._alpha(dispersion)
        return rng.poisson(rng.gamma(1 / alpha, alpha * mu)) * 1.0
