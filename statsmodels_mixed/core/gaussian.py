"""Profiled ML and REML deviance of a linear mixed model, with derivatives.

Notation of Bates, Maechler, Bolker and Walker (2015), Journal of Statistical
Software 67(1); P is the projection V^-1 - V^-1 X (X'V^-1 X)^-1 X'V^-1, V the
covariance of the response relative to sigma^2.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from .evaluation import GaussianEvaluation, stack_evaluations
from .information import covariance_chain, information, spread


class GaussianObjective:
    """Deviance of a Gaussian response as a function of theta.

    Parameters
    ----------
    cross : CrossProducts
    response : ResponseProducts
        Leading axes are replicates: theta then has the same leading axes.
    layout : ThetaLayout
    reml : bool
        Restricted maximum likelihood instead of maximum likelihood.
    """

    def __init__(self, cross, response, layout, reml):
        self.cross, self.response, self.layout = cross, response, layout
        self.reml = reml
        self.dof = cross.nobs - (cross.rank if reml else 0)

    @property
    def n_replicates(self):
        """Number of responses, None for a single one."""
        return None if self.response.ee.ndim == 0 else len(self.response.ee)

    def with_response(self, response):
        """The same criterion for another response."""
        return type(self)(self.cross, response, self.layout, self.reml)

    def select(self, index):
        """The same criterion for some of the replicates (or a single one)."""
        return self.with_response(self.response.select(index))

    def evaluate(self, theta, derivatives=True) -> GaussianEvaluation:
        """Deviance, its gradient and curvature.

        Parameters
        ----------
        theta : ndarray, shape (..., n_par)
        derivatives : bool
            Whether gradient and curvature are wanted.

        Returns
        -------
        GaussianEvaluation
        """
        if theta.ndim > 1 and not self.cross.system.batched:
            parts = [
                self.select(i).evaluate(t, derivatives) for i, t in enumerate(theta)
            ]
            return stack_evaluations(parts)
        factorization = self.cross.system.factorize(self.layout.matrices(theta))
        state = self.solve(theta, factorization)
        evaluation = GaussianEvaluation(
            x=theta,
            value=self._deviance(factorization.logdet, state),
            beta=state["beta"],
            u=state["u"],
            r2=state["r2"],
            scale=state["r2"] / self.dof,
            precision=state["xvx"],
            logdet=factorization.logdet,
            rounding=self._rounding(state["r2"]),
        )
        if not derivatives:
            return evaluation
        return _with_derivatives(self, evaluation, factorization, state)

    def gradients_near(self, x, trials):
        """Gradients at some points, all at once where the system allows it.

        Parameters
        ----------
        x : ndarray, shape (n_par,)
            Near these points.
        trials : iterable of ndarray, shape (n_par,)

        Returns
        -------
        sequence of ndarray, shape (n_par,)
        """
        trials = np.reshape(list(trials), (-1, len(x)))
        if self.cross.system.batched and self.response.ee.ndim == 0:
            one = self.with_response(self.response.select(np.newaxis))
            return one.evaluate(trials).gradient
        return [self.evaluate(trial).gradient for trial in trials]

    def solve(self, theta, factorization):
        """Penalised least squares: beta, u and the residual sum of squares.

        Parameters
        ----------
        theta : ndarray, shape (..., n_par)
        factorization : Factorization
            Of H at theta.

        Returns
        -------
        dict
            ``rhs`` = Z'W[X, e] and ``solutions`` = H^-1 Lambda' rhs, (..., q, p + 1);
            ``xvx`` = X'V^-1X and its inverse ``x_inverse``; ``beta``, ``r2``, ``u``;
            ``v`` = (-beta, 1), which turns columns of rhs into those of the residual.
        """
        cross, response = self.cross, self.response
        lead, p = theta.shape[:-1], cross.rank
        rhs = np.empty((*lead, cross.system.width, p + 1))
        rhs[..., :p] = cross.zx
        rhs[..., p] = response.ze
        u = factorization.solve(rhs)
        b = factorization.apply_factor(u)
        inner = np.swapaxes(rhs, -1, -2) @ b
        xvx = np.eye(p) - inner[..., :p, :p]
        xve = -inner[..., :p, p]
        x_inverse = _inverse(xvx)
        beta = (x_inverse @ xve[..., None])[..., 0]
        r2 = response.ee - inner[..., p, p] - (xve * beta).sum(axis=-1)
        # rounding may leave nothing, or less, of a response that is all Z b
        r2 = np.maximum(r2, np.finfo(float).eps * response.ee)
        v = np.concatenate([-beta, np.ones((*lead, 1))], axis=-1)[..., None]
        return {
            "rhs": rhs,
            "solutions": u,
            "xvx": xvx,
            "x_inverse": x_inverse,
            "beta": beta,
            "r2": r2,
            "u": (u @ v)[..., 0],
            "v": v,
        }

    def _deviance(self, logdet, state):
        n, r2 = self.dof, state["r2"]
        value = gaussian_deviance(n, logdet, r2, r2 / n)
        if self.reml:
            value = value + np.linalg.slogdet(state["xvx"])[1] + self.cross.logdet_exog
        value = value + 2.0 * n * np.log(self.response.unit)
        return value - self.cross.sum_log_weights

    def _rounding(self, r2):
        """Error of the deviance from cancellation in r2, where V is far from I."""
        return np.finfo(float).eps * self.dof * self.response.ee / r2


def gaussian_deviance(dof, logdet, r2, scale):
    """``log|H| + dof log(2 pi scale) + r2 / scale``: a deviance but for constants.

    Parameters
    ----------
    dof : int
        Rows, less the rank of X for REML.
    logdet : ndarray, shape (...)
        ``log|H|``, the determinant of V.
    r2 : ndarray, shape (...)
        Penalised residual sum of squares.
    scale : ndarray, shape (...)
        Residual variance; ``r2 / dof`` where it is profiled out.

    Returns
    -------
    ndarray, shape (...)

    Examples
    --------
    >>> round(float(gaussian_deviance(2, 0.0, 2.0, 1.0)), 4)
    5.6758
    """
    return logdet + dof * np.log(2.0 * np.pi * scale) + r2 / scale


def _inverse(xvx):
    """Inverse of X'V^-1X on orthonormal columns, whose eigenvalues are at most 1.

    Where V grows without bound rounding may leave an exact zero of it.
    """
    try:
        return np.linalg.inv(xvx)
    except np.linalg.LinAlgError:
        return np.linalg.inv(xvx + np.finfo(float).eps * np.eye(xvx.shape[-1]))


def _with_derivatives(objective, evaluation, factorization, state):
    """Gradient and average-information curvature from the same factorisation.

    ``d log|V| = tr(Z'V^-1Z dSigma)``, ``d r2 = -q' dSigma q`` with q = Z'Py, and
    ``d log|X'V^-1X| = -tr((X'V^-1X)^-1 Q_X' dSigma Q_X)`` with Q_X = Z'V^-1X.
    The curvature is average information plus that of ``Sigma = lambda lambda'``.
    """
    layout, theta = objective.layout, evaluation.x
    point = _Point(objective, evaluation, factorization, state)
    g_all = point.covariance_gradients(factorization.covariance_derivatives())
    gradient, curvature, directions = covariance_chain(
        layout, theta, factorization.factors, g_all
    )
    curvature += point.average_information(directions, layout.n_par)
    return replace(
        evaluation,
        gradient=gradient,
        curvature=curvature,
        covariance_gradient=tuple(g_all),
    )


class _Point:
    """What derivatives at one theta have in common."""

    def __init__(self, objective, evaluation, factorization, state):
        self.objective, self.system = objective, objective.cross.system
        self.factorization = factorization
        self.scale = evaluation.scale[..., None, None]
        self.lead = evaluation.x.shape[:-1]
        q_all = factorization.apply_inverse_transpose(state["solutions"])
        p = objective.cross.rank
        self.q_x, self.q = q_all[..., :p], (q_all @ state["v"])[..., 0]
        self.x_inverse = state["x_inverse"]

    def levels(self, f):
        """q of one factor, level by level: (..., m, k)."""
        m, k = self.system.gram.sizes[f]
        return self.q[..., self.system.slices[f]].reshape(*self.lead, m, k)

    def covariance_gradients(self, blocks):
        """Derivative of the deviance in each factor's relative covariance."""
        out = []
        for f, part in enumerate(self.system.slices):
            q = self.levels(f)
            g = blocks[f] - np.swapaxes(q, -1, -2) @ q / self.scale
            if self.objective.reml and self.objective.cross.rank:
                g = g - _exog_share(
                    self.q_x[..., part, :], self.x_inverse, *q.shape[-2:]
                )
            out.append(g)
        return out

    def average_information(self, directions, n):
        """``F'PF / s2 - a a' / (dof s2^2)``, F_i = Z dSigma_i q, a_i = q' dSigma_i q.

        Average information (Gilmour, Thompson and Cullis 1995, Biometrics 51,
        1440-1450) of the deviance profiled over sigma, along directions of the
        relative covariances: triples (factor, index, dSigma).
        """
        w = np.zeros((*self.lead, self.system.width, n))
        for f, index, d_sigma in directions:
            w[..., self.system.slices[f], index] = spread(self.levels(f), d_sigma)
        fvf, wx = information(self.system, self.factorization, w, self.q_x)
        fpf = fvf - wx @ self.x_inverse @ np.swapaxes(wx, -1, -2)
        a = np.swapaxes(w, -1, -2) @ self.q[..., None]
        outer = a @ np.swapaxes(a, -1, -2)
        return fpf / self.scale - outer / (self.objective.dof * self.scale**2)


def _exog_share(q_x, x_inverse, m, k):
    """``sum over levels of Q_X (X'V^-1X)^-1 Q_X'``, (..., k, k)."""
    lead, p = q_x.shape[:-2], q_x.shape[-1]
    right = (q_x @ x_inverse).reshape(*lead, m, k, p)
    left = q_x.reshape(*lead, m, k, p)
    left = np.moveaxis(left, -2, -3).reshape(*lead, k, m * p)
    right = np.moveaxis(right, -2, -3).reshape(*lead, k, m * p)
    return left @ np.swapaxes(right, -1, -2)
