"""Deviance by adaptive Gauss-Hermite quadrature over two nested grouping factors."""

from __future__ import annotations

import numpy as np

from .modes import ModeObjective
from .nestedrule import NestedRule
from .quadrature import CLOSELY, chain


class NestedQuadratureObjective(ModeObjective):
    """Deviance as a function of x = (theta, zeta, beta).

    Parameters
    ----------
    rows : RowProducts
        With two grouping factors, one scalar effect each.
    likelihood : Likelihood
    offset : ndarray, shape (n,), or float
    layout : ThetaLayout
    nodes : tuple of int
        Nodes of the outer and of the inner rule.
    outer : int
        Which of the factors the other is nested in.
    zeta : float, optional
        Log dispersion, when it is known; NaN when it is part of x.
    """

    tolerance = CLOSELY

    def __init__(self, rows, likelihood, offset, layout, nodes, outer, zeta=0.0):
        super().__init__(rows, likelihood, offset, layout, zeta=zeta)
        self.method = f"ML ({nodes[0]} x {nodes[1]} nodes)"
        self._order = outer, 1 - outer
        self._rule = NestedRule(
            rows, likelihood, nodes, outer, self.estimates_dispersion
        )

    def _integral(self, point, logdet):
        u = self.rows.levels(point.u)
        v, u = (u[f][:, 0] for f in self._order)
        scales = tuple(float(point.problem.factors[f][0, 0]) for f in self._order)
        found = self._rule.integrate(point.fixed, v, u, scales, point.problem.zeta)
        return -2.0 * float(found.value.sum()), found

    def _gradient(self, x, point, integral):
        in_factors = [None, None]
        for f, each in zip(self._order, (integral.outer, integral.inner), strict=True):
            in_factors[f] = np.array([[-2.0 * each.sum()]])
        in_zeta = None if integral.zeta is None else -2.0 * integral.zeta.sum()
        return chain(self, x, point, in_factors, -2.0 * integral.rows, in_zeta)
