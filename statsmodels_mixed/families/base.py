"""What every family and every likelihood bound to a response provides."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from itertools import islice
from typing import ClassVar, NamedTuple

import numpy as np

from ..errors import DataError, FamilyError, MissingValueError
from .jets import scaled
from .links import Link
from .naming import as_link

BLOCK = 1 << 15  # rows: large arrays are worked on in pieces that fit the cache

quiet = np.errstate(over="ignore", divide="ignore", invalid="ignore")


class Derivatives(NamedTuple):
    """Log density per observation and its derivatives in eta; not to be written to.

    Several of the arrays may be the same memory, where they are the same numbers.
    """

    value: np.ndarray
    d1: np.ndarray | None = None
    d2: np.ndarray | None = None
    d3: np.ndarray | None = None


@dataclass(frozen=True, eq=False)
class Likelihood:
    """Log density of a response as a function of its linear predictor.

    Made by `Family.observe`. Arrays of the data have shape (n,), `eta` has shape
    (..., n); `zeta`, the logarithm of the dispersion, is a number or broadcasts to
    eta, and families without dispersion ignore it.

    Where eta is outside the domain of the link, or its mean overflows, the value is
    minus infinity and the derivatives mean nothing.
    """

    link: Link
    upper: ClassVar[float] = np.inf  # the mean is between 0 and this

    def _jet(self, eta, zeta):
        """Jet of the log density in eta, inside the domain."""
        raise NotImplementedError

    def _dispersion_jet(self, eta, zeta):
        """Jet in eta of the derivative of the log density in zeta."""
        raise FamilyError("This family has no dispersion to differentiate in.")

    def _information(self, eta, zeta):
        """Fisher information in eta."""
        raise NotImplementedError

    def _outside(self, eta):
        """Where eta is not in the domain; None stands for nowhere."""
        return self.link.outside(eta, self.upper)

    def _admitted(self, value, eta):
        outside = self._outside(eta)
        return value if outside is None else np.where(outside, -np.inf, value)

    @quiet
    def value(self, eta, zeta=None):
        """Log density per observation with all constants, (..., n)."""
        eta = np.asarray(eta, dtype=float)
        return self._admitted(next(self._jet(eta, zeta)), eta)

    @quiet
    def derivatives(self, eta, zeta=None, order=2):
        """Log density per observation and its derivatives in eta up to an order.

        Parameters
        ----------
        eta : ndarray, shape (..., n)
            Linear predictor.
        zeta : float or ndarray, optional
            Log of the dispersion.
        order : int
            0 to 3; higher derivatives are None.

        Returns
        -------
        Derivatives
        """
        eta = np.asarray(eta, dtype=float)
        if eta.ndim == 1 and len(eta) > 2 * BLOCK and np.ndim(zeta) == 0:
            return self._by_blocks(eta, zeta, order)
        value, *higher = islice(self._jet(eta, zeta), order + 1)
        higher = (np.broadcast_to(d, eta.shape) for d in higher)
        return Derivatives(self._admitted(value, eta), *higher)

    def _by_blocks(self, eta, zeta, order):
        """The same, some rows at a time: intermediate results stay in the cache."""
        out = np.empty((order + 1, len(eta)))
        for start in range(0, len(eta), BLOCK):
            rows = slice(start, start + BLOCK)
            part = self.take(rows).derivatives(eta[rows], zeta, order)
            for values, d in zip(out, part, strict=False):
                values[rows] = d
        return Derivatives(*out)

    @quiet
    def dispersion_derivatives(self, eta, zeta):
        """Derivatives in zeta of the log density and of its d1 and d2, (..., n)."""
        eta = np.asarray(eta, dtype=float)
        jet = islice(self._dispersion_jet(eta, zeta), 3)
        return tuple(np.broadcast_to(d, eta.shape) for d in jet)

    @quiet
    def expected_weights(self, eta, zeta=None):
        """Fisher information in eta per observation, not negative, (..., n)."""
        eta = np.asarray(eta, dtype=float)
        return np.broadcast_to(self._information(eta, zeta), eta.shape)

    def take(self, rows):
        """The likelihood of some of the rows, in the order given."""
        held = ((f.name, getattr(self, f.name)) for f in fields(self))
        arrays = {name: a[rows] for name, a in held if isinstance(a, np.ndarray)}
        return replace(self, **arrays)


@dataclass(frozen=True, eq=False)
class LogMeanLikelihood(Likelihood):
    """A likelihood known as a function of m = log mu, with prior weights as powers."""

    weights: np.ndarray | None

    def _kernel(self, m, zeta):
        """Jet of the log density in m."""
        raise NotImplementedError

    def _kernel_information(self, m, zeta):
        """Fisher information in m."""
        raise NotImplementedError

    def _jet(self, eta, zeta):
        jet = self.link.through_log_mean(lambda m: self._kernel(m, zeta), eta)
        return scaled(self.weights, jet)

    def _information(self, eta, zeta):
        log_mean = self.link.log_mean(eta)
        information = self._kernel_information(next(log_mean), zeta)
        return next(scaled(self.weights, iter([information * next(log_mean) ** 2])))


@dataclass(frozen=True)
class Family:
    """A family of distributions with its link.

    Parameters
    ----------
    link : Link or str, optional
        One of `links`; ``"power"`` there stands for ``Power(p)``.
    """

    link: Link | str

    name: ClassVar[str]
    links: ClassVar[tuple]  # names of those it goes with
    dispersion_name: ClassVar[str | None] = None  # None where there is none to estimate
    upper: ClassVar[float] = np.inf  # means are between 0 and this

    def __post_init__(self):
        link = as_link(self.link)
        if link.name not in self.links:
            raise FamilyError(
                f"The {self.name} family has no {link.name} link here. "
                f"Use one of {', '.join(self.links)}."
            )
        object.__setattr__(self, "link", link)

    def check(self, y, trials=None):
        """Refuse a response outside the domain of the family.

        Parameters
        ----------
        y : ndarray, shape (n,)
            Response; of a binomial family the numbers of successes.
        trials : ndarray, shape (n,), optional
            Numbers of trials, one by default; other families ignore them.

        Raises
        ------
        DataError
            With the first rows and values, and the remedy.
        """
        raise NotImplementedError

    def observe(self, y, trials=None, weights=None):
        """Bind a response that passes `check`.

        Parameters
        ----------
        y, trials : ndarray, shape (n,)
            As in `check`.
        weights : ndarray, shape (n,), optional
            Prior weights: they divide a dispersion that scales the variance, and
            multiply the log density of the other families.

        Returns
        -------
        Likelihood
        """
        raise NotImplementedError

    def variance(self, mu, dispersion):
        """Variance of the response (of one trial) at a mean, dispersion included."""
        raise NotImplementedError

    def unit_deviance(self, y, mu, dispersion=None):
        """Squared deviance residual without weights; y a proportion if binomial."""
        raise NotImplementedError

    def start_mean(self, y, trials=None, weights=None):
        """A mean near each response from which the linear predictor is finite."""
        raise NotImplementedError

    def draw(self, mu, dispersion, trials, weights, rng):
        """Random responses on the scale of `observe`, in the shape of mu, (..., n)."""
        raise NotImplementedError

    @quiet
    def mean(self, eta):
        """Mean of the response (of one trial) at a linear predictor."""
        return self.link.mean(np.asarray(eta, dtype=float))

    @quiet
    def mean_derivative(self, eta):
        """Derivative of the mean in the linear predictor."""
        return self.link.mean_derivative(np.asarray(eta, dtype=float))

    def outside(self, eta):
        """Where the family has no mean at a linear predictor; None for nowhere."""
        return self.link.outside(np.asarray(eta, dtype=float), self.upper)

    def linear_predictor(self, mu):
        """Linear predictor at a mean: the link function."""
        return self.link.linear_predictor(np.asarray(mu, dtype=float))

    def simpler(self, mu, dispersion):
        """Name of the family this one cannot be told from at these means, or None."""
        return None

    def start_dispersion(self, y, mu, weights=None):
        """Moment estimate of the dispersion; families without one have none."""
        raise FamilyError(f"The {self.name} family has no dispersion to estimate.")


def refuse(values, bad, cause, remedy, error=DataError):
    """Raise an error that names up to five rows where `bad` is true."""
    rows = np.flatnonzero(bad)
    if len(rows) == 0:
        return
    shown = ", ".join(f"{values[i]:g} in row {i}" for i in rows[:5])
    more = f" and {len(rows) - 5} more" if len(rows) > 5 else ""
    raise error(f"{cause}: {shown}{more} (rows counted from 0). {remedy}")


def check_finite(y):
    """The response as floats, all finite."""
    y = np.asarray(y, dtype=float)
    remedy = "Drop or replace these rows."
    cause = "The response is missing or infinite"
    refuse(y, ~np.isfinite(y), cause, remedy, MissingValueError)
    return y


def as_weights(weights):
    """Prior weights as floats, None kept."""
    return None if weights is None else np.asarray(weights, dtype=float)
