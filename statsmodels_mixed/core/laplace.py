"""Laplace approximation of the deviance of a generalized linear mixed model.

``-log L = f(u^) + log|H| / 2`` with H at the mode and observed weights. Its gradient
is exact: the mode moves with the parameters, and so do the weights. With

    h_i = (A H^-1 A')_ii,  c = -h l''' / 2,  s = H^-1 A'c,  r = c - W A s,  t = Z'r,

``dF/dbeta = X'(r - l')`` and, for the relative covariance of a factor,
``dF/dSigma = (G0 - sum_l (q q' - t q' - q t')) / 2`` with q = Z'l' and G0 the
derivative of log|H| in Sigma at fixed weights. At the mode ``u = Lambda' q``, so the
derivative exists where variances are zero.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .evaluation import Evaluation
from .information import covariance_chain, information, spread
from .pirls import Penalised


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
    loglike_at_mode : float
        Log-likelihood of the rows given the mode.
    """

    beta: np.ndarray
    zeta: float
    u: np.ndarray
    logdet: float
    loglike_at_mode: float


class LaplaceObjective:
    """Deviance as a function of x = (theta, zeta, beta), or of (theta, zeta).

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

    def __init__(self, rows, likelihood, offset, layout, free=False, zeta=0.0):
        self.rows, self.likelihood, self.offset = rows, likelihood, offset
        self.layout, self.free, self._known_zeta = layout, free, zeta
        self.estimates_dispersion = bool(np.isnan(zeta))
        at = layout.n_par + self.estimates_dispersion
        self.beta_place = slice(at, at + (0 if free else rows.rank))
        self.n_par = self.beta_place.stop
        # where the next search for a mode begins: speed only, not part of the result
        self.near = np.zeros(rows.system.width), np.zeros(rows.rank)

    def start_from(self, u, beta):
        """Begin the next search for a mode at (u, beta)."""
        self.near = u, beta

    def zeta(self, x):
        """Log dispersion at x."""
        return x[self.layout.n_par] if self.estimates_dispersion else self._known_zeta

    def point(self, x):
        """The conditional mode at x."""
        problem = Penalised(
            self.rows,
            self.likelihood,
            self.offset,
            self.layout.matrices(x),
            self.zeta(x),
            self.free,
        )
        u, beta = self.near
        point = problem.mode(u, beta if self.free else x[self.beta_place])
        if np.isfinite(point.value):
            self.near = point.u, point.beta
        return point

    def evaluate(self, x, derivatives=True) -> ModeEvaluation:
        """Deviance, its gradient and curvature at x, shape (n_par,).

        The value is infinite where the response has no density, or H is not positive
        definite.
        """
        point = self.point(x)
        value, logdet = self._value(point)
        finite = np.isfinite(value)
        evaluation = {
            "x": x,
            "value": np.float64(value),
            "rounding": np.float64(2.0 * abs(point.decrease) if finite else 0.0),
            "beta": point.beta,
            "zeta": self.zeta(x),
            "u": point.u,
            "logdet": logdet,
            "loglike_at_mode": float(point.derivatives.value.sum()),
        }
        if derivatives:
            evaluation |= _derivatives(self, x, point) if finite else _nowhere(x)
        return ModeEvaluation(**evaluation)

    def _value(self, point):
        if not np.isfinite(point.value):
            return np.inf, np.nan
        try:
            with np.errstate(invalid="ignore"):
                logdet = float(point.observed_factorization.logdet)
        except np.linalg.LinAlgError:
            logdet = np.nan
        value = 2.0 * point.value + logdet
        return (value if np.isfinite(value) else np.inf), logdet


def _nowhere(x):
    """Derivatives where the criterion has none."""
    nan = np.full(x.shape, np.nan)
    return {"gradient": nan, "curvature": np.full((len(x), len(x)), np.nan)}


def _derivatives(objective, x, point):
    """Gradient, curvature and derivative in the covariances at a mode."""
    rows, system = objective.rows, objective.rows.system
    found, d = point.observed_factorization, point.derivatives
    h = rows.leverages(*found.gram_derivatives())
    c = -0.5 * h * d.d3
    zc = rows.collect(c)
    zx, xx = rows.exog_products(point.observed)
    solved = found.solve(np.column_stack([zc, zx]))
    xvx = xx - zx.T @ found.apply_factor(solved[:, 1:])
    s, shift = solved[:, 0], np.zeros(rows.rank)
    if objective.free and rows.rank:
        # (s, shift) = joint inverse times (A'c, X'c)
        right = rows.exog.T @ c - zx.T @ point.problem.scaled(s)
        shift = np.linalg.solve(xvx, right)
        s = s - solved[:, 1:] @ shift
    moved = rows.random_part(point.problem.scaled(s)) + rows.exog @ shift
    r = c - point.observed * moved
    q, t = rows.levels(point.scores), rows.levels(rows.collect(r))
    g_all = [
        g - a.T @ a + b.T @ a + a.T @ b  # sums over the levels
        for g, a, b in zip(found.covariance_derivatives(), q, t, strict=True)
    ]
    gradient, curvature, directions = covariance_chain(
        objective.layout, x, found.factors, g_all
    )
    if not objective.free:
        gradient[objective.beta_place] = 2.0 * (rows.exog.T @ (r - d.d1))
    w = np.zeros((system.width, objective.layout.n_par))
    for f, index, d_sigma in directions:
        w[system.slices[f], index] = spread(q[f], d_sigma)
    q_x = found.apply_inverse_transpose(solved[:, 1:])
    parts = information(found.system, found, w, q_x)
    _add_information(objective, curvature, parts, xvx)
    if objective.estimates_dispersion:
        place = objective.layout.n_par
        slope, size = _in_dispersion(point, objective.zeta(x), h, moved)
        gradient[place], curvature[place, place] = slope, size
    return {
        "gradient": gradient,
        "curvature": curvature,
        "covariance_gradient": tuple(g_all),
    }


def _add_information(objective, curvature, parts, xvx):
    """Average information of the working linear mixed model at the mode.

    Of the deviance profiled over beta it is F'PF; jointly in (theta, beta) that is the
    matrix below, whose Schur complement in theta is F'PF.
    """
    fvf, fvx = parts
    theta = slice(0, objective.layout.n_par)
    absorbed = fvx @ np.linalg.solve(xvx, fvx.T) if len(xvx) else 0.0
    if objective.free:
        curvature[theta, theta] += fvf - absorbed
        return
    beta = objective.beta_place
    curvature[theta, theta] += fvf + absorbed
    curvature[theta, beta] = 2.0 * fvx
    curvature[beta, theta] = 2.0 * fvx.T
    curvature[beta, beta] = 2.0 * xvx


def _in_dispersion(point, zeta, h, moved):
    """Derivative of the deviance in zeta, and the squares of the rows' scores."""
    dl, dl1, dl2 = point.problem.likelihood.dispersion_derivatives(point.eta, zeta)
    slope = -dl.sum() + moved @ dl1 - 0.5 * (h @ dl2)
    return 2.0 * slope, 2.0 * (dl @ dl)
