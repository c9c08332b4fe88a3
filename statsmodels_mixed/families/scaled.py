"""Families with a dispersion that scales the variance: gaussian, gamma, inverse gauss.

All three have ``log f = rate g(mu; y) + c(rate) + constant(y)`` with
``rate = weight / dispersion``: an exponential dispersion model whose unit part g is
minus half its unit deviance (Jorgensen 1987, Exponential dispersion models).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from .base import Family, Likelihood, as_weights, check_finite, refuse
from .counts import POSITIVE_LINKS
from .jets import scaled
from .links import Link
from .special import gamma_normaliser, gamma_normaliser_slope


@dataclass(frozen=True, eq=False)
class ScaledLikelihood(Likelihood):
    """``rate g + c(rate) + constant``, rate = weights exp(-zeta)."""

    weights: np.ndarray | None
    y: np.ndarray
    constant: np.ndarray | float

    def _unit_jet(self, eta):
        """Jet in eta of g."""
        raise NotImplementedError

    def _unit_information(self, eta):
        """Fisher information in eta at rate one."""
        raise NotImplementedError

    def _normaliser(self, rate):
        """c(rate); half its logarithm but for the gamma family."""
        return 0.5 * np.log(rate / (2 * np.pi))

    def _normaliser_slope(self, rate):
        """Derivative of c in log rate."""
        return 0.5

    def _rate(self, zeta):
        rate = np.exp(-np.asarray(zeta, dtype=float))
        return rate if self.weights is None else self.weights * rate

    def _jet(self, eta, zeta):
        rate = self._rate(zeta)
        jet = scaled(rate, self._unit_jet(eta))
        yield next(jet) + (self._normaliser(rate) + self.constant)
        yield from jet

    def _dispersion_jet(self, eta, zeta):
        rate = self._rate(zeta)
        jet = scaled(-rate, self._unit_jet(eta))
        yield next(jet) - self._normaliser_slope(rate)
        yield from jet

    def _information(self, eta, zeta):
        return self._rate(zeta) * self._unit_information(eta)


@dataclass(frozen=True, eq=False)
class GaussianLikelihood(ScaledLikelihood):
    """g = ``-(y - mu)^2 / 2``."""

    def _outside(self, eta):
        return None

    def _unit(self, mu):
        residual = self.y - mu
        yield -0.5 * residual**2
        yield residual
        yield -1.0
        yield 0.0

    def _unit_jet(self, eta):
        return self.link.through_mean(self._unit, eta)

    def _unit_information(self, eta):
        return self.link.mean_derivative(eta) ** 2


@dataclass(frozen=True, eq=False)
class GammaLikelihood(ScaledLikelihood):
    """g = ``1 + d - exp(d)``, d = log(y/mu)."""

    log_y: np.ndarray

    def _unit(self, m):
        d = self.log_y - m
        relative = np.expm1(d)
        yield d - relative
        yield relative
        ratio = np.exp(d)
        yield -ratio
        yield ratio

    def _unit_jet(self, eta):
        return self.link.through_log_mean(self._unit, eta)

    def _normaliser(self, rate):
        return gamma_normaliser(rate)

    def _normaliser_slope(self, rate):
        return gamma_normaliser_slope(rate)

    def _unit_information(self, eta):
        jet = self.link.log_mean(eta)
        next(jet)
        return next(jet) ** 2


@dataclass(frozen=True, eq=False)
class InverseGaussianLikelihood(ScaledLikelihood):
    """g = ``-(y/mu - 1)^2 / (2 y)``."""

    log_y: np.ndarray

    def _unit(self, m):
        d = self.log_y - m
        relative = np.expm1(d)
        yield -0.5 * relative * relative / self.y
        ratio = np.exp(d)
        yield relative * ratio / self.y
        yield ratio * (1 - 2 * ratio) / self.y
        yield ratio * (4 * ratio - 1) / self.y

    def _unit_jet(self, eta):
        return self.link.through_log_mean(self._unit, eta)

    def _unit_information(self, eta):
        jet = self.link.log_mean(eta)
        return np.exp(-next(jet)) * next(jet) ** 2


@dataclass(frozen=True)
class Scaled(Family):
    """What the three families share."""

    dispersion_name: ClassVar[str | None] = "dispersion"

    def _unit_variance(self, mu):
        """Variance at dispersion one."""
        raise NotImplementedError

    def variance(self, mu, dispersion):
        """Dispersion times the variance function."""
        return dispersion * self._unit_variance(mu)

    def start_dispersion(self, y, mu, weights=None):
        """Pearson's estimate; around the overall mean where the fit is perfect."""

        def pearson(mean):
            squares = (y - mean) ** 2 / self._unit_variance(mean)
            return np.average(squares if weights is None else weights * squares)

        overall = pearson(np.full(np.shape(y), np.mean(y)))
        return max(pearson(mu), 1e-3 * overall) or 1.0


@dataclass(frozen=True)
class Gaussian(Scaled):
    """Responses with constant variance; its dispersion is sigma^2.

    Parameters
    ----------
    link : Link or str
        identity (default), log or inverse.

    Notes
    -----
    ``log f = -(y - mu)^2 w / (2 phi) - log(2 pi phi / w) / 2``.

    Examples
    --------
    >>> import numpy as np
    >>> bound = Gaussian().observe(np.array([1.0]))
    >>> bound.value(np.array([0.0]), 0.0).round(6).tolist()
    [-1.418939]
    """

    link: Link | str = "identity"

    name: ClassVar[str] = "gaussian"
    links: ClassVar[tuple] = ("identity", "log", "inverse")

    def outside(self, eta):
        """Nowhere: the mean is any number."""
        return None

    def check(self, y, trials=None):
        """Refuse what is not finite."""
        check_finite(y)

    def observe(self, y, trials=None, weights=None):
        """Likelihood of these responses."""
        y = np.asarray(y, dtype=float)
        return GaussianLikelihood(self.link, as_weights(weights), y, 0.0)

    def _unit_variance(self, mu):
        return np.ones(np.shape(mu))

    def unit_deviance(self, y, mu, dispersion=None):
        """``(y - mu)^2``."""
        return (y - mu) ** 2

    def start_mean(self, y, trials=None, weights=None):
        """The responses, moved to means that the link can take."""
        return self.link.start(np.asarray(y, dtype=float))

    def draw(self, mu, dispersion, trials, weights, rng):
        """Random responses."""
        precision = (1.0 if weights is None else weights) / dispersion
        return rng.normal(mu, precision**-0.5)


@dataclass(frozen=True)
class PositiveResponse(Scaled):
    """What the gamma and the inverse Gaussian family share."""

    def check(self, y, trials=None):
        """Refuse what is not positive."""
        y = check_finite(y)
        refuse(
            y,
            y <= 0,
            f"A response of the {self.name} family is positive",
            "Drop these rows, or model the zeros by a family that has them.",
        )

    def start_mean(self, y, trials=None, weights=None):
        """The responses."""
        return np.array(y, dtype=float)


@dataclass(frozen=True)
class Gamma(PositiveResponse):
    """Positive responses with variance ``phi mu^2``; their shape is 1/phi.

    Parameters
    ----------
    link : Link or str
        log (default; statsmodels' own family defaults to inverse) or a power link.

    Notes
    -----
    ``log f = a log(a y/mu) - a y/mu - log y - lgamma(a)`` with ``a = w / phi``
    (McCullagh and Nelder 1989, section 8.2).

    Examples
    --------
    >>> import numpy as np
    >>> Gamma().observe(np.array([2.0])).value(np.array([0.0]), 0.0).round(6).tolist()
    [-2.0]
    """

    link: Link | str = "log"

    name: ClassVar[str] = "gamma"
    links: ClassVar[tuple] = POSITIVE_LINKS

    def observe(self, y, trials=None, weights=None):
        """Likelihood of these responses."""
        y = np.asarray(y, dtype=float)
        log_y = np.log(y)
        return GammaLikelihood(self.link, as_weights(weights), y, -log_y, log_y)

    def _unit_variance(self, mu):
        return mu**2

    def unit_deviance(self, y, mu, dispersion=None):
        """``2 ((y - mu)/mu - log(y/mu))``."""
        return 2 * ((y - mu) / mu - np.log(y / mu))

    def draw(self, mu, dispersion, trials, weights, rng):
        """Random responses."""
        shape = (1.0 if weights is None else weights) / dispersion
        return rng.gamma(shape, mu / shape)


@dataclass(frozen=True)
class InverseGaussian(PositiveResponse):
    """Positive responses with variance ``phi mu^3``.

    Parameters
    ----------
    link : Link or str
        log (default; statsmodels' own family defaults to inverse_squared) or a
        power link.

    Notes
    -----
    ``log f = -w (y - mu)^2 / (2 phi mu^2 y) - log(2 pi phi y^3 / w) / 2``.

    Examples
    --------
    >>> import numpy as np
    >>> bound = InverseGaussian().observe(np.array([2.0]))
    >>> bound.value(np.array([0.0]), 0.0).round(6).tolist()
    [-2.208659]
    """

    link: Link | str = "log"

    name: ClassVar[str] = "inverse_gaussian"
    links: ClassVar[tuple] = POSITIVE_LINKS

    def observe(self, y, trials=None, weights=None):
        """Likelihood of these responses."""
        y = np.asarray(y, dtype=float)
        log_y = np.log(y)
        return InverseGaussianLikelihood(
            self.link, as_weights(weights), y, -1.5 * log_y, log_y
        )

    def _unit_variance(self, mu):
        return mu**3

    def unit_deviance(self, y, mu, dispersion=None):
        """``(y - mu)^2 / (y mu^2)``."""
        return (y - mu) ** 2 / (y * mu**2)

    def draw(self, mu, dispersion, trials, weights, rng):
        """Random responses."""
        return rng.wald(mu, (1.0 if weights is None else weights) / dispersion)
