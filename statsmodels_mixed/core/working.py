"""The linear mixed model at a conditional mode, and its information.

With the weights W = -l'' and the residuals l' of the mode, the working model has
``V = W^-1 + Z Lambda Lambda' Z'`` and ``V^-1(y - X beta) = l'``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..linalg import solve_semidefinite
from .information import covariance_chain, information, spread


@dataclass(frozen=True, eq=False)
class WorkingModel:
    """Products of the working linear mixed model at a mode.

    Attributes
    ----------
    point : Point
    solved : ndarray, shape (q, p)
        ``H^-1 Lambda'Z'WX``.
    zx : ndarray, shape (q, p)
        ``Z'WX``.
    xvx : ndarray, shape (p, p)
        ``X'V^-1X``.
    """

    point: object
    solved: np.ndarray
    zx: np.ndarray
    xvx: np.ndarray

    @classmethod
    def at(cls, point):
        """The working model at a mode."""
        found = point.observed_factorization
        zx, xx = point.problem.rows.exog_products(point.observed)
        solved = found.solve(zx)
        return cls(point, solved, zx, xx - zx.T @ found.apply_factor(solved))

    def curvature(self, objective, x, g_all):
        """Curvature of the deviance in all of x: average information.

        Parameters
        ----------
        objective : ModeObjective
        x : ndarray, shape (n_par,)
        g_all : sequence of ndarray, shape (K_f, K_f)
            Derivative of the deviance in each relative covariance.

        Returns
        -------
        ndarray, shape (n_par, n_par)
        """
        rows, found = objective.rows, self.point.observed_factorization
        _, curvature, directions = covariance_chain(
            objective.layout, x, found.factors, g_all
        )
        q = rows.levels(self.point.scores)
        w = np.zeros((rows.system.width, objective.layout.n_par))
        for f, index, d_sigma in directions:
            w[rows.system.slices[f], index] = spread(q[f], d_sigma)
        q_x = found.apply_inverse_transpose(self.solved)
        self._add(objective, curvature, information(found.system, found, w, q_x))
        if objective.estimates_dispersion:
            place = objective.layout.n_par
            likelihood, zeta = objective.likelihood, objective.zeta(x)
            dl = likelihood.dispersion_derivatives(self.point.eta, zeta)[0]
            curvature[place, place] = 2.0 * (dl @ dl)
        return curvature

    def tangent(self, objective, x):
        """How the mode moves with x: derivatives of u and beta.

        Differentiating ``u = Lambda'Z'l'`` gives ``H du = dLambda'q - Lambda'C(dLambda
        u)`` with q = Z'l', ``H du = -Lambda'Z'WX`` in beta, and ``H du = Lambda'Z'
        dl'/dzeta``. Where beta is found with u, ``X'l' = 0`` stays true along it.

        Returns
        -------
        du : ndarray, shape (q, n_par)
        dbeta : ndarray, shape (p, n_par)
            Zero where beta is part of x.
        """
        rows, found = objective.rows, self.point.observed_factorization
        du = np.zeros((rows.system.width, objective.n_par))
        force = np.zeros((rows.rank, objective.n_par))  # on beta: changes of X'l'
        theta, zeta = slice(0, objective.layout.n_par), objective.layout.n_par
        pulled, pushed = self._moved_by_factors(objective, x)
        inner = found.system.multiply(found.apply_factor(pulled) + pushed)
        du[:, theta] = pulled - found.solve(inner)
        force[:, theta] = -self.zx.T @ pushed
        if objective.estimates_dispersion:
            slope = objective.likelihood.dispersion_derivatives(
                self.point.eta, objective.zeta(x)
            )[1]
            du[:, zeta] = found.solve(rows.collect(slope)[:, None])[:, 0]
            force[:, zeta] = rows.exog.T @ slope
        if not objective.free:
            du[:, objective.beta_place] = -self.solved
            return du, np.zeros_like(force)
        force -= self.zx.T @ found.apply_factor(du)
        dbeta = solve_semidefinite(self.xvx, force)
        return du - self.solved @ dbeta, dbeta

    def _moved_by_factors(self, objective, x):
        """``dLambda'q`` and ``dLambda u`` in each theta, (q, n_theta)."""
        rows, layout = objective.rows, objective.layout
        pulled = np.zeros((rows.system.width, layout.n_par))
        pushed = np.zeros_like(pulled)
        q, u = rows.levels(self.point.scores), rows.levels(self.point.u)
        for f, part in enumerate(rows.system.slices):
            index, d = layout.derivatives(x, f)
            pulled[part, index] = spread(q[f], d)
            pushed[part, index] = spread(u[f], np.swapaxes(d, -1, -2))
        return pulled, pushed

    def _add(self, objective, curvature, parts):
        """Average information.

        Of the deviance profiled over beta it is F'PF; jointly in (theta, beta) that is
        the matrix below, whose Schur complement in theta is F'PF.
        """
        (fvf, fvx), xvx = parts, self.xvx
        theta = slice(0, objective.layout.n_par)
        absorbed = fvx @ solve_semidefinite(xvx, fvx.T) if len(xvx) else 0.0
        if objective.free:
            curvature[theta, theta] += fvf - absorbed
            return
        beta = objective.beta_place
        curvature[theta, theta] += fvf + absorbed
        curvature[theta, beta] = 2.0 * fvx
        curvature[beta, theta] = 2.0 * fvx.T
        curvature[beta, beta] = 2.0 * xvx
