"""Criteria built around the conditional mode of the random effects."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .evaluation import Evaluation
from .pirls import TOLERANCE, Penalised

# A mode is foretold from the tangent if no effect moves by more than this (standard
# deviations of random effects; units of eta for the fixed ones).
TOO_FAR = 0.5
# eigenvalues of an information below this share of the largest say nothing
FLAT = 1e-12


@dataclass(frozen=True, kw_only=True)
class ModeEvaluation(Evaluation):
    """A criterion of a generalized linear mixed model at one x.

    `x` is theta, then the log dispersion if it is estimated, then beta on the
    orthogonal columns (unless the criterion finds beta itself).

    Attributes
    ----------
    beta : ndarray, shape (p,)
        On the orthogonal columns of X.
    zeta : float
        Log dispersion.
    u : ndarray, shape (q,)
        Mode of the spherical random effects in elimination order.
    logdet : float
        ``log|H|``.
    """

    beta: np.ndarray
    zeta: float
    u: np.ndarray
    logdet: float


@dataclass(frozen=True, eq=False)
class Tangent:
    """The conditional mode as a function of x, to first order."""

    x: np.ndarray
    u: np.ndarray
    beta: np.ndarray
    du: np.ndarray
    dbeta: np.ndarray

    @classmethod
    def of(cls, point, objective, x):
        """Tangent at the mode of an objective at x."""
        return cls(x, point.u, point.beta, *point.working.tangent(objective, x))

    def at(self, x):
        """u and beta at other parameters."""
        change = x - self.x
        return self.u + self.du @ change, self.beta + self.dbeta @ change


class ModeObjective:
    """A deviance as a function of x = (theta, zeta, beta), or of (theta, zeta).

    Subclasses give the integral and its derivatives.

    Parameters
    ----------
    rows : RowProducts
    likelihood : Likelihood
    offset : ndarray, shape (n,), or float
    layout : ThetaLayout
    free : bool
        Whether beta is found with u by PIRLS (``nagq=0``) instead of being part of x.
    zeta : float, optional
        Log dispersion, when it is known; NaN when it is part of x.
    """

    # how closely the mode is found; see `Penalised.mode`
    tolerance = TOLERANCE

    def __init__(self, rows, likelihood, offset, layout, free=False, zeta=0.0):
        self.rows, self.likelihood, self.offset = rows, likelihood, offset
        self.layout, self.free, self._known_zeta = layout, free, zeta
        self.estimates_dispersion = bool(np.isnan(zeta))
        at = layout.n_par + self.estimates_dispersion
        self.beta_place = slice(at, at + (0 if free else rows.rank))
        self.n_par = self.beta_place.stop
        # where the next search for a mode begins: speed only, not part of the result
        self.near = np.zeros(rows.system.width), np.zeros(rows.rank)
        self._tangent = self._recent = None

    def __getstate__(self):
        return vars(self) | {"_tangent": None, "_recent": None}

    def start_from(self, u, beta):
        """Begin the next search for a mode at (u, beta)."""
        self.near, self._tangent, self._recent = (u, beta), None, None

    def zeta(self, x):
        """Log dispersion at x."""
        return x[self.layout.n_par] if self.estimates_dispersion else self._known_zeta

    def _problem(self, x):
        return Penalised(
            self.rows,
            self.likelihood,
            self.offset,
            self.layout.matrices(x),
            self.zeta(x),
            self.free,
        )

    def point(self, x):
        """The conditional mode at x."""
        if self._recent is not None and np.array_equal(self._recent[0], x):
            return self._recent[1]
        u, beta = self._foretold(x) or self.near
        beta = beta if self.free else x[self.beta_place]
        point = self._problem(x).mode(u, beta, self.tolerance)
        if np.isfinite(point.value):
            self.near, self._recent = (point.u, point.beta), (x.copy(), point)
        return point

    def _foretold(self, x):
        """The mode at x along the last tangent; None where that is too far off."""
        if self._tangent is None:
            return None
        u, beta = self._tangent.at(x)
        change = np.abs(u - self._tangent.u).max(initial=0.0)
        change = max(change, np.abs(beta - self._tangent.beta).max(initial=0.0))
        return (u, beta) if change < TOO_FAR else None

    def gradients_near(self, x, trials):
        """Gradients at points near x, the mode moved along its tangent.

        The mode is then wrong to second order in the distance from x, and alike on
        both sides: central differences of these gradients do not see it.

        Parameters
        ----------
        x : ndarray, shape (n_par,)
        trials : iterable of ndarray, shape (n_par,)

        Yields
        ------
        ndarray, shape (n_par,)
            NaN where the criterion has no value.
        """
        tangent = Tangent.of(self.point(x), self, x)
        for trial in trials:
            u, beta = tangent.at(trial)
            beta = beta if self.free else trial[self.beta_place]
            point = self._problem(trial).at(u, beta)
            logdet, integral = _logdet(point), None
            if np.isfinite(logdet):
                logdet, integral = self._integral(point, logdet)
            if np.isfinite(logdet):
                yield self._gradient(trial, point, integral)[0]
            else:
                yield np.full(x.shape, np.nan)

    def evaluate(self, x, derivatives=True, curvature=True) -> ModeEvaluation:
        """Deviance, its gradient and curvature at x, shape (n_par,).

        The value is infinite where the response has no density, or H is not positive
        definite.
        """
        point = self.point(x)
        logdet = _logdet(point)
        value, integral = np.inf, None
        if np.isfinite(logdet):
            with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
                value, integral = self._integral(point, logdet)
        finite = np.isfinite(value)
        evaluation = {
            "x": x,
            "value": np.float64(value if finite else np.inf),
            "rounding": np.float64(2.0 * abs(point.decrease) if finite else 0.0),
            "beta": point.beta,
            "zeta": self.zeta(x),
            "u": point.u,
            "logdet": logdet,
        }
        if derivatives and not finite:
            evaluation |= _nowhere(x)
        elif derivatives:
            gradient, g_all = self._gradient(x, point, integral)
            evaluation |= {"gradient": gradient, "covariance_gradient": tuple(g_all)}
            if curvature:
                evaluation["curvature"] = point.working.curvature(self, x, g_all)
                self._tangent = Tangent.of(point, self, x)
        return ModeEvaluation(**evaluation)

    def beta_covariance(self, x, covariance):
        """Covariance of beta at the minimum x, of all of x there being `covariance`.

        Where beta is found with u it is that of the working model, theta held fixed.
        """
        if not self.free:
            return covariance[self.beta_place, self.beta_place]
        values, vectors = np.linalg.eigh(self.point(x).working.xvx)
        # an estimate that runs off has the largest variance that can be told, not none
        values = np.maximum(values, FLAT * values.max(initial=0.0))
        return (vectors / values) @ vectors.T

    def _integral(self, point, logdet):
        """The deviance, and what its derivatives need of it."""
        raise NotImplementedError

    def _gradient(self, x, point, integral):
        """Gradient in x, and in each relative covariance."""
        raise NotImplementedError


def _logdet(point):
    """``log|H|`` with the observed weights; NaN where H is not positive definite."""
    if not np.isfinite(point.value):
        return np.nan
    try:
        with np.errstate(invalid="ignore"):
            return float(point.observed_factorization.logdet)
    except np.linalg.LinAlgError:
        return np.nan


def _nowhere(x):
    """Derivatives where the criterion has none."""
    nan = np.full(x.shape, np.nan)
    return {"gradient": nan, "curvature": np.full((len(x), len(x)), np.nan)}
