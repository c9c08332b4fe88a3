"""Conditional modes by penalised iteratively reweighted least squares.

The penalised log-likelihood ``f(u) = - sum l_i(eta_i) + u'u/2`` with
``eta = o + X beta + Z Lambda u`` (notation of Bates, Maechler, Bolker and Walker 2015).
Newton steps with the observed weights ``W = -l''``, or expected ones where these are
not positive, are halved until f falls.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ..linalg import inside, solve_semidefinite
from .working import WorkingModel

MAX_STEPS = 100
SHORTEST = 2.0**-30
# The step that is not taken any more would lower f by less than this. It is small
# because log|H| changes with the step itself, not with its square.
TOLERANCE = 1e-16
ROUNDING = 1e-14  # of f, relative
# Root mean square of the change of eta by a step in beta: where the response is
# separated, rounding decides how far a Newton step goes.
LONGEST = 10.0


class Penalised:
    """f for one set of parameters (theta, zeta), as a function of u and beta.

    Parameters
    ----------
    rows : RowProducts
    likelihood : Likelihood
        Log densities of the rows.
    offset : ndarray, shape (n,), or float
    factors : sequence of ndarray
        Relative covariance factors.
    zeta : float
        Log dispersion.
    free : bool
        Whether beta is found together with u.
    """

    def __init__(self, rows, likelihood, offset, factors, zeta, free):
        self.rows, self.likelihood, self.offset = rows, likelihood, offset
        self.factors = tuple(inside(f) for f in factors)
        self.zeta, self.free = zeta, free

    def scaled(self, u):
        """``Lambda u``."""
        return self.rows.system.per_level(u[:, None], self.factors)[:, 0]

    def fixed_part(self, beta):
        """``o + X beta``."""
        return self.offset + self.rows.exog @ beta

    def at(self, u, beta, fixed=None) -> Point:
        """f and its derivatives at one point; `fixed` is `fixed_part` if known."""
        fixed = self.fixed_part(beta) if fixed is None else fixed
        random = self.rows.random_part(self.scaled(u))
        eta = fixed + random
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            derivatives = self.likelihood.derivatives(eta, self.zeta, order=3)
            value = 0.5 * (u @ u) - float(derivatives.value.sum())
        value = value if np.isfinite(value) else np.inf
        return Point(self, u, beta, fixed, random, derivatives, value)

    def mode(self, u, beta, tolerance=TOLERANCE) -> Point:
        """The minimum of f, searched from (u, beta).

        Parameters
        ----------
        u, beta : ndarray
        tolerance : float
            What the step that is not taken any more may still lower f by.

        Returns
        -------
        Point
            With ``value`` of infinity when the start is outside the domain of the
            response.
        """
        point = self.at(u, beta)
        if not np.isfinite(point.value) and u.any():
            point = self.at(np.zeros_like(u), beta)
        for _ in range(MAX_STEPS):
            if not np.isfinite(point.value) or not _improvable(point, tolerance):
                break
            better = self._shortened(point)
            if better is None:
                break
            point = better
        return point

    def _shortened(self, point):
        """The first point along the Newton step with a lower f, None if none is."""
        du, dbeta = point.step
        # columns of X have mean square 1, so this is a change of eta
        length = np.sqrt(dbeta @ dbeta)
        alpha = 1.0 if length <= LONGEST else LONGEST / length
        noise = ROUNDING * (1.0 + abs(point.value))
        while alpha > SHORTEST:
            fixed = None if self.free else point.fixed
            trial = self.at(point.u + alpha * du, point.beta + alpha * dbeta, fixed)
            if trial.value < point.value + noise:
                return trial
            alpha *= 0.5
        return None


def _improvable(point, tolerance):
    """Whether there is a step, and it promises something."""
    try:
        with np.errstate(over="ignore", invalid="ignore"):
            return point.decrease >= tolerance  # not if NaN
    except np.linalg.LinAlgError:
        return False


@dataclass(frozen=True, eq=False)
class Point:
    """f at one u and beta.

    Attributes
    ----------
    problem : Penalised
    u : ndarray, shape (q,)
        Spherical random effects in elimination order.
    beta : ndarray, shape (p,)
    fixed, random : ndarray, shape (n,)
        Fixed part, offset included, and random part of eta.
    derivatives : Derivatives
        Log density of each row with its derivatives in eta.
    value : float
        f.
    """

    problem: Penalised
    u: np.ndarray
    beta: np.ndarray
    fixed: np.ndarray
    random: np.ndarray
    derivatives: object
    value: float

    @property
    def eta(self):
        """Linear predictor."""
        return self.fixed + self.random

    @cached_property
    def observed(self):
        """Observed weights ``W = -l''``."""
        return -self.derivatives.d2

    @cached_property
    def weights(self):
        """Weights of the Newton step."""
        w = self.observed
        if w.min(initial=np.inf) > 0.0:
            return w
        expected = self.problem.likelihood.expected_weights(self.eta, self.problem.zeta)
        return np.where(w > 0.0, w, expected)

    @cached_property
    def factorization(self):
        """H with the weights of the Newton step."""
        return self._factorized(self.weights)

    @cached_property
    def observed_factorization(self):
        """H with the observed weights, as the Laplace approximation wants it."""
        if self.weights is self.observed:
            return self.factorization
        return self._factorized(self.observed)

    def _factorized(self, w):
        # weights beyond any scale give NaN, which no step is taken to
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            return self.problem.rows.reweighted(w).factorize(self.problem.factors)

    @cached_property
    def working(self):
        """The working linear mixed model, with the observed weights."""
        return WorkingModel.at(self)

    @cached_property
    def scores(self):
        """``Z'l'``."""
        return self.problem.rows.collect(self.derivatives.d1)

    @cached_property
    def _newton(self):
        """Changes of u and beta, and the decrease of f they predict."""
        problem, rows = self.problem, self.problem.rows
        right = self.scores + rows.collect(self.weights * self.random)
        du = self.factorization.solve(right[:, None])[:, 0] - self.u
        dbeta = np.zeros_like(self.beta)
        slope = self.scores @ problem.scaled(du) - self.u @ du
        if problem.free and rows.rank:
            zx, xx = rows.exog_products(self.weights)
            solved = self.factorization.solve(zx)
            score = rows.exog.T @ self.derivatives.d1
            inner = zx.T @ self.factorization.apply_factor(solved)
            dbeta = solve_semidefinite(xx - inner, score - zx.T @ problem.scaled(du))
            du = du - solved @ dbeta
            slope = self.scores @ problem.scaled(du) - self.u @ du + score @ dbeta
        return (du, dbeta), 0.5 * slope

    @property
    def step(self):
        """Newton step (du, dbeta)."""
        return self._newton[0]

    @property
    def decrease(self):
        """What the Newton step lowers f by, to second order."""
        return self._newton[1]
