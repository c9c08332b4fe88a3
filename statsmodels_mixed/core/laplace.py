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

from ..linalg import solve_semidefinite
from .information import covariance_chain
from .modes import ModeEvaluation, ModeObjective

__all__ = ["LaplaceObjective", "ModeEvaluation"]


class LaplaceObjective(ModeObjective):
    """Deviance of the Laplace approximation; parameters as of `ModeObjective`."""

    @property
    def method(self):
        """How the random effects are integrated out, in a few words."""
        return "nagq=0 (joint)" if self.free else "ML (Laplace)"

    def _integral(self, point, logdet):
        return 2.0 * point.value + logdet, None

    def _gradient(self, x, point, integral):
        rows, d = self.rows, point.derivatives
        found = point.observed_factorization
        h = rows.leverages(*found.gram_derivatives())
        c = -0.5 * h * d.d3
        moved = self._moved(point, c)
        r = c - point.observed * moved
        q, t = rows.levels(point.scores), rows.levels(rows.collect(r))
        g_all = [
            g - a.T @ a + b.T @ a + a.T @ b  # sums over the levels
            for g, a, b in zip(found.covariance_derivatives(), q, t, strict=True)
        ]
        gradient, _, _ = covariance_chain(self.layout, x, found.factors, g_all)
        if not self.free:
            gradient[self.beta_place] = 2.0 * (rows.exog.T @ (r - d.d1))
        if self.estimates_dispersion:
            zeta = self.zeta(x)
            dl, dl1, dl2 = self.likelihood.dispersion_derivatives(point.eta, zeta)
            slope = -dl.sum() + moved @ dl1 - 0.5 * (h @ dl2)
            gradient[self.layout.n_par] = 2.0 * slope
        return gradient, g_all

    def _moved(self, point, c):
        """``A s``, and with beta free ``A s + X b``: (s, b) of ``(A'c, X'c)``."""
        rows, found = self.rows, point.observed_factorization
        s = found.solve(rows.collect(c)[:, None])[:, 0]
        if not self.free:
            return rows.random_part(point.problem.scaled(s))
        working = point.working
        right = rows.exog.T @ c - working.zx.T @ point.problem.scaled(s)
        shift = solve_semidefinite(working.xvx, right)
        s = s - working.solved @ shift
        return rows.random_part(point.problem.scaled(s)) + rows.exog @ shift
