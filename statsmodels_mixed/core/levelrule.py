r"""Adaptive Gauss-Hermite rule for the integral of each level of one factor.

For a level with rows ``eta_i = o_i + z_i' lambda u`` let ``g(u) = sum l_i - u'u/2``
with mode u^ and ``H = I + lambda' C lambda``, ``C = sum W_i z_i z_i'``, ``W = -l''`` at
the mode. With ``R'HR = I`` (R = L^-T, H = LL') and nodes x_q, weights w_q for N(0, I),

    log I = -log|H|/2 + log sum_q w_q exp(g(u^ + R x_q) + x_q'x_q/2)

(Pinheiro and Bates 1995, Journal of Computational and Graphical Statistics 4, 12-35;
Pinheiro and Chao 2006, same journal, 15, 58-81, for the Cholesky factor).

The rule is differentiated as it stands. Averages E over the nodes have weights
``p_q ~ w_q exp(.)``. The nodes move with u^ and R, so with ``M = E[grad g x']``,

    d log I = E[dg] + E[grad g]'du^ + <M, dR> - <H^-1, dH>/2,

and reverse differentiation of the Cholesky factor (dR = -R Phi(R'dHR)', Phi the lower
triangle with half the diagonal) gathers the last two into ``<B, dH>`` with
``B = -R (I/2 + sym Phi(M'R)) R'``. H changes through W with the mode, and the mode with
everything: with ``A = Z lambda``, h = z' lambda B lambda' z,

    c = -h l''',  s = H^-1 (E[grad g] + A'c),  r = c - W A s

are the adjoints of the rows through the mode, and

    d log I / d o      = r + E[l']
    d log I / d lambda = (Z'r) u^' + (Z'l') s' + E[(Z'l'_q) u_q'] + 2 C lambda B
    d log I / d zeta   = E[dl/dzeta] + (As)'dl'/dzeta - h'dl''/dzeta.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..linalg import congruence

# Numbers per temporary array: several must fit the cache, or time doubles.
CHUNK = 2**16


@dataclass(frozen=True, eq=False)
class LevelIntegrals:
    """Logarithms of the integrals of all levels, and their derivatives.

    Leading axes are those of the offsets of the rows.

    Attributes
    ----------
    value : ndarray, shape (..., m)
    rows : ndarray, shape (..., n)
        Derivative of the level's value in the offset of each of its rows.
    factor : ndarray, shape (..., m, k, k)
        In all entries of lambda.
    zeta : ndarray, shape (..., m), or None
    """

    value: np.ndarray
    rows: np.ndarray
    factor: np.ndarray
    zeta: np.ndarray | None

    @classmethod
    def concatenated(cls, parts):
        """Of parts along the first axis."""
        columns = zip(*(vars(part).values() for part in parts), strict=True)
        return cls(*(None if c[0] is None else np.concatenate(c) for c in columns))


def inverse_root(h):
    """Upper triangular R with ``R'HR = I``, that is L^-T for H = LL'.

    Column by column, by Gram-Schmidt on the unit vectors. NaN where H is not positive
    definite.

    Examples
    --------
    >>> import numpy as np
    >>> inverse_root(np.array([[4.0, 2.0], [2.0, 2.0]])).tolist()
    [[0.5, -0.5], [0.0, 1.0]]
    """
    root, unit = np.zeros_like(h), np.eye(h.shape[-1])
    for j in range(h.shape[-1]):
        before = root[..., :, :j]
        inner = (np.swapaxes(before, -1, -2) @ h[..., :, j, None])[..., 0]
        column = unit[j] - (before @ inner[..., None])[..., 0]
        with np.errstate(invalid="ignore"):
            length = np.sqrt(h[..., j, j] - (inner**2).sum(axis=-1))
        root[..., :, j] = column / length[..., None]
    return root


class LevelRule:
    """The rule for all levels of a factor.

    Parameters
    ----------
    group : GroupRows
    likelihood : Likelihood
    nodes : ndarray, shape (Q, k)
    weights : ndarray, shape (Q,)
    dispersed : bool
        Whether derivatives in zeta are wanted.
    """

    def __init__(self, group, likelihood, nodes, weights, dispersed):
        self.group, self.likelihood = group, likelihood
        self.nodes, self.weights, self.dispersed = nodes, weights, dispersed

    def integrate(self, fixed, u, factor, zeta) -> LevelIntegrals:
        """The rule at given offsets.

        Parameters
        ----------
        fixed : ndarray, shape (..., n)
            Offsets of the rows.
        u : ndarray, shape (..., m, k)
            Mode of each level.
        factor : ndarray, shape (k, k)
        zeta : float
        """
        centre = _Centre(self, fixed, u, factor, zeta)
        mean = _Averages(centre)
        size = max(1, CHUNK // max(1, fixed.size))
        for i in range(0, len(self.nodes), size):
            mean.add(self.nodes[i : i + size], self.weights[i : i + size])
        mean.finish()
        value = np.log(mean.total) + centre.height
        return LevelIntegrals(value, *_derivatives(centre, mean))


class _Centre:
    """Everything at the modes."""

    def __init__(self, rule, fixed, u, factor, zeta):
        self.rule, self.u, self.factor, self.zeta = rule, u, factor, zeta
        group = rule.group
        self.eta = fixed + group.spread(u @ factor.T)
        self.d = rule.likelihood.derivatives(self.eta, zeta, order=3)
        self.gram = group.gram(-self.d.d2)
        self.root = inverse_root(congruence(factor, self.gram) + np.eye(group.k))
        diagonal = np.diagonal(self.root, axis1=-2, axis2=-1)
        g = group.total(self.d.value) - 0.5 * (u**2).sum(axis=-1)
        self.height = g + np.log(diagonal).sum(axis=-1)  # g(u^) - log|H|/2


class _Averages:
    """Averages over the nodes of each level, gathered in pieces.

    Exponents are relative to g(u^), the maximum of g: with the node's own
    ``w_q exp(x'x/2)`` they can neither overflow nor all underflow.
    """

    def __init__(self, centre):
        self.centre = centre
        levels, k = centre.u.shape[:-1], centre.u.shape[-1]
        self.total = np.zeros(levels)
        self.x, self.xx = np.zeros((*levels, k)), np.zeros((*levels, k, k))
        self.score, self.score_x = np.zeros((*levels, k)), np.zeros((*levels, k, k))
        self.d1 = np.zeros(centre.eta.shape)
        self.zeta = np.zeros(levels)

    def add(self, x, w):
        """Further nodes, shape (q, k), with their weights."""
        c, group = self.centre, self.centre.rule.group
        move = np.einsum("...ab,qb->q...a", c.root, x)
        eta = c.eta + group.spread(move @ c.factor.T)
        d = c.rule.likelihood.derivatives(eta, c.zeta, order=1)
        change = group.total(d.value - c.d.value)
        change -= (move * (c.u + 0.5 * move)).sum(axis=-1)
        shape = (-1,) + (1,) * (change.ndim - 1)
        change += 0.5 * (x**2).sum(axis=-1).reshape(shape)
        p = w.reshape(shape) * np.exp(change)
        possible = np.isfinite(d.value)  # else the node has no weight
        d1 = d.d1 if possible.all() else np.where(possible, d.d1, 0.0)
        score = p[..., None] * group.collect(d1)
        self.total += p.sum(axis=0)
        self.d1 += (p.take(group.codes, axis=-1) * d1).sum(axis=0)
        self.score += score.sum(axis=0)
        self.score_x += np.einsum("q...a,qb->...ab", score, x)
        self.x += np.einsum("q...,qb->...b", p, x)
        self.xx += np.einsum("q...,qbc->...bc", p, x[:, :, None] * x[:, None])
        if c.rule.dispersed:
            dl = c.rule.likelihood.dispersion_derivatives(eta, c.zeta)[0]
            dl = np.where(possible, dl, 0.0)
            self.zeta += (p * group.total(dl)).sum(axis=0)

    def finish(self):
        """From sums to averages."""
        total = self.total
        self.zeta = self.zeta / total
        self.x, self.score = self.x / total[..., None], self.score / total[..., None]
        self.xx = self.xx / total[..., None, None]
        self.score_x = self.score_x / total[..., None, None]
        self.d1 /= total.take(self.centre.rule.group.codes, axis=-1)


def _outer(a, b):
    return a[..., :, None] * b[..., None, :]


def _transposed(a):
    return np.swapaxes(a, -1, -2)


def _times(matrix, vector):
    return (matrix @ vector[..., None])[..., 0]


def _derivatives(centre, mean):
    """Derivatives of log I in the offsets, lambda and zeta; see the module."""
    group, d = centre.rule.group, centre.d
    factor, root, u = centre.factor, centre.root, centre.u
    slope = mean.score @ factor - (u + _times(root, mean.x))  # E[grad g]
    m = factor.T @ mean.score_x - _outer(u, mean.x) - root @ mean.xx
    phi = np.tril(_transposed(m) @ root)
    i = np.arange(group.k)
    phi[..., i, i] *= 0.5
    inner = 0.5 * (phi + _transposed(phi) + np.eye(group.k))
    b = -root @ inner @ _transposed(root)
    scaled = factor @ b  # lambda B
    h = group.quadratic(scaled @ factor.T)
    c = -h * d.d3
    s = slope + group.collect(c) @ factor
    s = _times(root, _times(_transposed(root), s))
    moved = group.spread(s @ factor.T)
    r = c + d.d2 * moved
    in_factor = (
        _outer(group.collect(r) + mean.score, u)
        + _outer(group.collect(d.d1), s)
        + mean.score_x @ _transposed(root)
        + 2.0 * centre.gram @ scaled
    )
    return r + mean.d1, in_factor, _in_zeta(centre, mean, h, moved)


def _in_zeta(centre, mean, h, moved):
    rule = centre.rule
    if not rule.dispersed:
        return None
    _, dl1, dl2 = rule.likelihood.dispersion_derivatives(centre.eta, centre.zeta)
    return mean.zeta + rule.group.total(moved * dl1 - h * dl2)
