"""How ``X'V^-1X`` depends on the variance parameters: what small-sample tests need.

V is the covariance of the response relative to sigma^2. Everything is of the size of
Z'WZ or of X'WX; no matrix has a row per observation.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..linalg.components import Components
from .information import covariance_directions, information, spread

# Numbers in one batch of columns of Z'V^-1Z
BATCH = 2**22


@dataclass(frozen=True)
class ExogSensitivity:
    """First derivatives along theta at one point, X in orthonormal coordinates.

    Attributes
    ----------
    x_inverse : ndarray, shape (p, p)
        ``(X'V^-1X)^-1``.
    first : ndarray, shape (n_par, p, p)
        ``X'V^-1 V_i V^-1X``: minus the derivative of ``X'V^-1X``.
    """

    x_inverse: np.ndarray
    first: np.ndarray


@dataclass(frozen=True)
class ExpectedInformation:
    """Second-order quantities of Kenward and Roger (1997), Biometrics 53, 983-997.

    Attributes
    ----------
    second : ndarray, shape (n_par, n_par, p, p)
        ``X'V^-1 V_i V^-1 V_j V^-1X``.
    traces : ndarray, shape (n_par, n_par)
        ``tr(V^-1 V_i V^-1 V_j)``.
    single : ndarray, shape (n_par,)
        ``tr(V^-1 V_i)``.
    """

    second: np.ndarray
    traces: np.ndarray
    single: np.ndarray


class Sensitivity:
    """Derivatives of a Gaussian criterion's matrices at one theta.

    Parameters
    ----------
    objective : GaussianObjective
        Of a single response.
    theta : ndarray, shape (n_par,)
    """

    def __init__(self, objective, theta):
        self._cross, self._layout = objective.cross, objective.layout
        self._system = self._cross.system
        factors = self._layout.matrices(theta)
        self._factorization = self._system.factorize(factors)
        self._state = objective.solve(theta, self._factorization)
        solutions = self._state["solutions"]
        whole = self._factorization.apply_inverse_transpose(solutions)
        self._q_x = whole[:, : self._cross.rank]
        self._q = whole @ self._state["v"]
        # of the exact factors: no variance moves along a parameter that is idle at 0
        self._directions = [
            (f, index, np.broadcast_to(d_sigma, (len(index), *d_sigma.shape[-2:])))
            for f, index, _, d_sigma in covariance_directions(
                self._layout, theta, factors
            )
        ]

    def _level_columns(self, values, f):
        """Rows of factor f, level by level, (m, k, columns)."""
        m, k = self._system.gram.sizes[f]
        return values[self._system.slices[f]].reshape(m, k, -1)

    def exog(self) -> ExogSensitivity:
        """First derivatives of ``X'V^-1X``."""
        first = np.zeros((self._layout.n_par, self._cross.rank, self._cross.rank))
        for f, index, d_sigma in self._directions:
            q_x = self._level_columns(self._q_x, f)
            sums = np.tensordot(q_x, q_x, (0, 0))  # (k, p, k, p)
            first[index] = np.einsum("apbr,nab->npr", sums, d_sigma)
        return ExogSensitivity(self._state["x_inverse"], first)

    def r2_gradient(self):
        """Derivative of the penalised residual sum of squares in theta, (n_par,)."""
        out = np.zeros(self._layout.n_par)
        for f, index, d_sigma in self._directions:
            q = self._level_columns(self._q, f)[..., 0]
            out[index] = -(d_sigma * (q.T @ q)).sum(axis=(1, 2))
        return out

    def expected(self) -> ExpectedInformation:
        """Second derivatives and traces, column by column of ``Z'V^-1Z``."""
        n, p = self._layout.n_par, self._cross.rank
        w = np.zeros((self._system.width, n, p))
        for f, index, d_sigma in self._directions:
            part, (m, k) = self._system.slices[f], self._system.gram.sizes[f]
            for column in range(p):
                own = self._q_x[part, column].reshape(m, k)
                w[part, index, column] = spread(own, d_sigma)
        flat = w.reshape(self._system.width, n * p)
        fvf, _ = information(self._system, self._factorization, flat, self._q_x)
        second = fvf.reshape(n, p, n, p).transpose(0, 2, 1, 3)
        return ExpectedInformation(second, self._traces(), self._single_traces())

    def _single_traces(self):
        """``tr(V^-1 V_i)``."""
        out = np.zeros(self._layout.n_par)
        blocks = self._factorization.covariance_derivatives()
        for f, index, d_sigma in self._directions:
            out[index] = (d_sigma * blocks[f]).sum(axis=(1, 2))
        return out

    def _traces(self):
        """``tr(V^-1 V_i V^-1 V_j)`` from the blocks of ``Z'V^-1Z`` between levels."""
        out = np.zeros((self._layout.n_par, self._layout.n_par))
        for g, right, d_right in self._directions:
            for f, sums in enumerate(self._block_products(g)):
                _, left, d_left = self._directions[f]
                # sum of tr(B dS_j B' dS_i) over the blocks B of all pairs of levels
                out[np.ix_(left, right)] = np.einsum(
                    "abcd,jbd,iac->ij", sums, d_right, d_left
                )
        return out

    def _block_products(self, g):
        """Per factor f, sums over pairs of levels of ``B_ab B_cd``, (k_f, k_g) twice.

        B are the blocks of ``Z'V^-1Z`` between levels of f and of g. Components do not
        meet, so one right-hand side serves one level of each of them.
        """
        sizes = self._system.gram.sizes
        k_g = sizes[g][1]
        out = [np.zeros((k, k_g, k, k_g)) for _, k in sizes]
        for rhs in self._probes(g):
            solved = self._factorization.solve(self._system.multiply(rhs))
            columns = self._factorization.apply_inverse_transpose(solved)
            for f, (_, k) in enumerate(sizes):
                blocks = self._level_columns(columns, f)
                blocks = blocks.reshape(len(blocks), k, -1, k_g)
                blocks = blocks.transpose(1, 3, 0, 2).reshape(k * k_g, -1)
                out[f] += (blocks @ blocks.T).reshape(k, k_g, k, k_g)
        return out

    def _probes(self, g):
        """Columns of the identity at levels of g, one of each component in a column.

        Yields
        ------
        ndarray, shape (width, r k)
            For r levels of g per component, effect by effect.
        """
        (_m, k), part = self._system.gram.sizes[g], self._system.slices[g]
        rank = _rank_within(Components(self._system).labels[g])
        count = int(rank.max(initial=-1)) + 1
        size = max(1, BATCH // (self._system.width * k))
        for start in range(0, count, size):
            level = np.flatnonzero((rank >= start) & (rank < start + size))
            rhs = np.zeros((self._system.width, min(size, count - start) * k))
            for effect in range(k):
                row = part.start + level * k + effect
                rhs[row, (rank[level] - start) * k + effect] = 1.0
            yield rhs


def _rank_within(labels):
    """Rank of each entry among those with the same label.

    Examples
    --------
    >>> _rank_within(np.array([0, 1, 0, 0, 1])).tolist()
    [0, 0, 1, 2, 1]
    """
    order = np.argsort(labels, kind="stable")
    ordered = labels[order]
    starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])
    out = np.empty(len(labels), dtype=int)
    lengths = np.diff(np.r_[starts, len(labels)])
    out[order] = np.arange(len(labels)) - np.repeat(starts, lengths)
    return out
