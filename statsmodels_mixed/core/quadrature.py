"""Deviance by adaptive Gauss-Hermite quadrature over one grouping factor."""

from __future__ import annotations

import numpy as np

from .grids import gauss_hermite
from .grouprows import GroupRows
from .levelrule import LevelRule
from .modes import ModeObjective

# The nodes move with the mode, and no first-order condition makes up for its error, so
# it is found to 1e-10.
CLOSELY = 1e-20


class QuadratureObjective(ModeObjective):
    """Deviance ``-2 sum_l log I_l`` as a function of x = (theta, zeta, beta).

    Parameters
    ----------
    rows : RowProducts
        With one grouping factor.
    likelihood : Likelihood
    offset : ndarray, shape (n,), or float
    layout : ThetaLayout
    nodes : int
        Nodes along each effect of a level. One gives the Laplace approximation.
    zeta : float, optional
        Log dispersion, when it is known; NaN when it is part of x.
    """

    tolerance = CLOSELY

    def __init__(self, rows, likelihood, offset, layout, nodes, zeta=0.0):
        super().__init__(rows, likelihood, offset, layout, zeta=zeta)
        self.method = f"ML ({nodes} nodes)"
        group = GroupRows.of(rows, 0)
        rule = gauss_hermite(nodes, group.k)
        self._rule = LevelRule(group, likelihood, *rule, self.estimates_dispersion)

    def _integral(self, point, logdet):
        (u,), (factor,) = self.rows.levels(point.u), point.problem.factors
        found = self._rule.integrate(point.fixed, u, factor, point.problem.zeta)
        return -2.0 * float(found.value.sum()), found

    def _gradient(self, x, point, integral):
        in_factor = -2.0 * integral.factor.sum(axis=0)
        in_zeta = None if integral.zeta is None else -2.0 * integral.zeta.sum()
        return chain(self, x, point, [in_factor], -2.0 * integral.rows, in_zeta)


def chain(objective, x, point, in_factors, in_rows, in_zeta):
    """Derivatives in x from those in the factors, the offsets of rows and zeta.

    A rule on a grid is not invariant under rotation of the effects, so the deviance is
    no function of the covariances alone, and the gradient goes through Lambda. What is
    said of the covariances, ``sym(N Lambda^-1) / 2`` from ``N = dF/dLambda``, is exact
    in the limit of many nodes.

    Parameters
    ----------
    objective : ModeObjective
    x : ndarray, shape (n_par,)
    point : Point
    in_factors : list of ndarray, shape (K_f, K_f)
    in_rows : ndarray, shape (n,)
    in_zeta : float or None

    Returns
    -------
    gradient : ndarray, shape (n_par,)
    g_all : list of ndarray, shape (K_f, K_f)
    """
    layout = objective.layout
    g_all = []
    for n, factor in zip(in_factors, point.problem.factors, strict=True):
        g = 0.5 * np.linalg.solve(factor.T, n.T)
        g_all.append(0.5 * (g + g.T))
    gradient = np.zeros(len(x))
    for f, n in enumerate(in_factors):
        index, d = layout.derivatives(x, f)
        gradient[index] = np.tensordot(d, n, 2)
    gradient[objective.beta_place] = objective.rows.exog.T @ in_rows
    if objective.estimates_dispersion:
        gradient[layout.n_par] = in_zeta
    return gradient, g_all
