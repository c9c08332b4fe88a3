r"""Adaptive Gauss-Hermite rule for two nested factors, one effect each.

The effect v of an outer level c and the effects of the inner levels j in c are
integrated one inside the other: with I_j(v) the inner integral by the rule of
`levelrule`, the offsets of its rows moved by ``z lambda v``,

    G(v) = sum_{j in c} log I_j(v) - v^2/2,      I_c = int exp(G(v)) dv / sqrt(2 pi).

The outer rule needs a centre and a width. They are defined by G alone, at a fixed
distance e: the centre by ``G(v^ + e) = G(v^ - e)``, the width by the second difference

    k = -(G(v^ + e) - 2 G(v^) + G(v^ - e)) / e^2,      tau = k^-1/2.

So the whole rule,

    log I_c = log tau + log sum_q w_q exp(x_q^2/2 + G(v_q)),      v_q = v^ + tau x_q,

is a function of values of G, and its derivative in any parameter is a weighted sum of
derivatives of G at fixed v, which the inner rule gives. With p_q the weights of the
nodes and G' the derivatives in v (-, 0, + at the three points), the weights are

    node q     p_q
    v^         2 a
    v^ -+ e    -a +- b / (G'+ - G'-)

    a = -(1 + tau sum_q p_q x_q G'_q) / (2 k e^2)
    b = sum_q p_q G'_q - a (G'+ - 2 G'0 + G'-)

by implicit differentiation of the centre.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .grids import gauss_hermite
from .grouprows import GroupRows
from .levelrule import LevelIntegrals, LevelRule
from .scalarmodes import climb, scalar_modes

# e in standard deviations of the outer effect: small against the scale on which log
# densities change their shape, large enough for second differences to keep 8 digits.
DISTANCE = 0.1
# Steps of the centre that are the last. Where the outer nodes stand hardly matters for
# the sum over them, so the square of this is far below the error of the rule.
LAST_OUTER = 1e-3
# Offsets of rows, points times n, that are held at a time.
MANY = 2**20


@dataclass(frozen=True, eq=False)
class NestedIntegrals:
    """Logarithms of the integrals of all outer levels, and their derivatives.

    Attributes
    ----------
    value : ndarray, shape (m,)
    rows : ndarray, shape (n,)
        Derivative of the outer level's value in the offset of each of its rows.
    outer, inner : ndarray, shape (m,)
        In lambda of either factor.
    zeta : ndarray, shape (m,), or None
    """

    value: np.ndarray
    rows: np.ndarray
    outer: np.ndarray
    inner: np.ndarray
    zeta: np.ndarray | None


@dataclass(frozen=True, eq=False)
class _Setting:
    """Parameters of a call of `NestedRule.integrate`, as named there."""

    fixed: np.ndarray
    v: np.ndarray
    u: np.ndarray
    scales: tuple
    zeta: float


@dataclass(frozen=True, eq=False)
class _Marginal:
    """G at points v, shape (P, m), with what its derivatives are made of."""

    v: np.ndarray
    inner: LevelIntegrals
    value: np.ndarray
    moment: np.ndarray  # Z' dG/do of the outer factor
    slope: np.ndarray  # G'


class _Stencil:
    """G at -e, 0, +e around v: the centre's equation, and the width.

    Attributes
    ----------
    height : ndarray, shape (m,)
        ``-|G(v + e) - G(v - e)|``, zero at the centre.
    step : ndarray, shape (m,)
        Newton step to the centre.
    """

    def __init__(self, marginal):
        self.marginal = marginal
        (g_minus, g, g_plus), (d_minus, _, d_plus) = marginal.value, marginal.slope
        self.height = -np.abs(g_plus - g_minus)
        self.step = -(g_plus - g_minus) / (d_plus - d_minus)
        self.k = (2.0 * g - g_plus - g_minus) / DISTANCE**2
        with np.errstate(invalid="ignore", divide="ignore"):
            self.width = 1.0 / np.sqrt(self.k)


class NestedRule:
    """The rule for all levels of the outer factor.

    Parameters
    ----------
    rows : RowProducts
        With two grouping factors, one scalar effect each.
    likelihood : Likelihood
    nodes : tuple of int
        Nodes of the outer and of the inner rule.
    outer : int
        Which of the factors the other is nested in.
    dispersed : bool
        Whether derivatives in zeta are wanted.
    """

    def __init__(self, rows, likelihood, nodes, outer, dispersed):
        x, self._weights = gauss_hermite(nodes[0], 1)
        self._nodes = x
        self._above, below = (GroupRows.of(rows, f) for f in (outer, 1 - outer))
        self._rule = LevelRule(
            below, likelihood, *gauss_hermite(nodes[1], 1), dispersed
        )
        parent = np.empty(below.m, dtype=np.intp)
        parent[below.codes] = self._above.codes
        self._children = GroupRows(parent, [1.0], self._above.m)
        # the inner effect that does for a level's rows what the outer one does
        ones = np.ones(rows.nobs)
        z = self._above.spread(np.ones((self._above.m, 1)))
        self._substitute = below.collect(ones * z)[:, 0] / below.gram(ones)[:, 0, 0]
        # where searches begin: speed only
        self._centre, self._modes = None, {}

    def integrate(self, fixed, v, u, scales, zeta) -> NestedIntegrals:
        """The rule at given offsets.

        Parameters
        ----------
        fixed : ndarray, shape (n,)
            Offsets of the rows.
        v, u : ndarray, shape (m,) and (m_inner,)
            Mode of all effects jointly.
        scales : tuple of float
            lambda of the outer and of the inner factor.
        zeta : float
        """
        setting = _Setting(fixed, v, u, scales, zeta)

        def stencil(centre):
            at = centre + DISTANCE * np.array([[-1.0], [0.0], [1.0]])
            return _Stencil(self._marginal(setting, at, "centre"))

        start = v if self._centre is None else self._centre
        centre, around = climb(stencil, start, LAST_OUTER)
        points = centre + self._nodes * around.width
        if np.isfinite(points).all():
            self._centre = centre
        nodes = self._marginal(setting, points, "nodes")
        exponent = nodes.value + 0.5 * self._nodes**2
        top = exponent.max(axis=0)
        p = self._weights[:, None] * np.exp(exponent - top)
        total = p.sum(axis=0)
        p /= total
        value = top + np.log(around.width * total)
        weighted = [
            (around.marginal, self._around_weights(around, nodes, p)),
            (nodes, p),
        ]
        return NestedIntegrals(value, *self._gathered(weighted))

    def _marginal(self, setting, v, name):
        """G at v, the searches for inner modes warm from the last call of that name."""
        start = self._modes.get(name)
        if start is None:
            start = np.broadcast_to(setting.u, (len(v), len(setting.u)))
        size = max(1, MANY // len(setting.fixed))
        parts = [slice(i, i + size) for i in range(0, len(v), size)]
        found = [self._inner(setting, v[part], start[part]) for part in parts]
        modes = np.concatenate([u for u, _ in found])
        if np.isfinite(modes).all():
            self._modes[name] = modes
        inner = LevelIntegrals.concatenated([integrals for _, integrals in found])
        moment = self._above.collect(inner.rows)[..., 0]
        value = self._children.total(inner.value) - 0.5 * v**2
        return _Marginal(v, inner, value, moment, setting.scales[0] * moment - v)

    def _inner(self, setting, v, start):
        """Modes and integrals of the inner levels at v."""
        outer, inner = setting.scales
        fixed = setting.fixed + self._above.spread(outer * v[..., None])
        # keeps the rows where they are at the joint mode
        moved = (v - setting.v).take(self._children.codes, axis=-1)
        otherwise = setting.u - (outer / inner) * self._substitute * moved
        u = scalar_modes(self._rule, fixed, inner, setting.zeta, start, otherwise)
        factor = np.array([[inner]])
        return u, self._rule.integrate(fixed, u[..., None], factor, setting.zeta)

    def _around_weights(self, around, nodes, p):
        """Weights of the three points around the centre; see the module."""
        minus, middle, plus = around.marginal.slope
        bend = (p * self._nodes * nodes.slope).sum(axis=0)
        a = -0.5 * (1.0 + around.width * bend) / (around.k * DISTANCE**2)
        b = (p * nodes.slope).sum(axis=0) - a * (plus - 2.0 * middle + minus)
        b = b / (plus - minus)
        return np.stack([b - a, 2.0 * a, -b - a])

    def _gathered(self, weighted):
        """Sums over points of weight times derivative of G, per outer level."""
        parent, codes = self._children.codes, self._above.codes
        sums = []
        for marginal, p in weighted:
            each = p.take(parent, axis=-1)  # the weights of inner levels
            found = marginal.inner
            in_zeta = 0.0 if found.zeta is None else each * found.zeta
            sums.append(
                (
                    (p.take(codes, axis=-1) * found.rows).sum(axis=0),
                    (p * marginal.v * marginal.moment).sum(axis=0),
                    (each * found.factor[..., 0, 0]).sum(axis=0),
                    np.sum(in_zeta, axis=0),
                )
            )
        rows, outer, inner, zeta = (sum(c) for c in zip(*sums, strict=True))
        total = self._children.total
        return rows, outer, total(inner), total(zeta) if self._rule.dispersed else None
