"""Where the draws are at one point, and how they move with the parameters.

Draws of component c are at ``u = u^ + L^-T t``, ``H_c = L L'``, with the mode u^ and H
of the point. Both follow the parameters x, so the proposal is good at every x, and most
of the Monte Carlo error of the gradient cancels: were the integrand normal, all of it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Bars:
    """Derivatives of a log-likelihood in all that depends on the parameters.

    Attributes
    ----------
    rows : ndarray, shape (n,)
        In the linear predictor of each row, draws held where they are.
    dispersion : float
        In the log dispersion, likewise.
    levels : list of ndarray, shape (K_f, K_f)
        In the factor of each grouping factor, likewise.
    mode : ndarray, shape (q,)
        In u^.
    inverse : list of ndarray, shape (c, d, d)
        In ``L^-1``, stacked by size of the components.
    logdet : float
        In ``log|H|``.
    """

    rows: np.ndarray
    dispersion: float
    levels: list
    mode: np.ndarray
    inverse: list
    logdet: float


class Proposal:
    """Mode and Cholesky factors of H at a point, component by component.

    Parameters
    ----------
    point : Point
    components : Components

    Attributes
    ----------
    half_logdet : ndarray, shape (components,)
        ``log|L|``.

    Raises
    ------
    numpy.linalg.LinAlgError
        H is not positive definite.
    """

    def __init__(self, point, components):
        self.point, self.components = point, components
        self._found = point.observed_factorization
        self._gram = self._found.system.gram
        self.factors = self._found.factors
        blocks = components.dense(self._gram, self.factors, self.factors)
        self._inverse, self.half_logdet = [], np.empty(components.count)
        for (members, places), h in zip(components.groups, blocks, strict=True):
            i = np.arange(places.shape[1])
            h[:, i, i] += 1.0
            lower = np.linalg.cholesky(h)
            self._inverse.append(np.linalg.inv(lower))
            self.half_logdet[members] = np.log(lower[:, i, i]).sum(axis=-1)

    def place(self, t):
        """``u^ + L^-T t``, shape (s, q)."""
        out = np.empty_like(t)
        groups = zip(self.components.groups, self._inverse, strict=True)
        for (_, places), inverse in groups:
            own = np.swapaxes(t[:, places], 0, 1) @ inverse
            out[:, places] = np.swapaxes(own, 0, 1)
        return self.point.u + out

    def chain(self, objective, x, bars):
        """Derivative in x from the `Bars`, shape (n_par,).

        Parameters
        ----------
        objective : ModeObjective
        x : ndarray, shape (n_par,)
        bars : Bars
        """
        rows, point, found = objective.rows, self.point, self._found
        h_bar = self._cholesky_adjoint(bars)
        leverages = self._leverages(rows, h_bar)
        c = -leverages * point.derivatives.d3
        # the mode moves so that its equations stay true
        pull = found.apply_inverse_transpose(bars.mode[:, None])[:, 0]
        s = found.solve((rows.collect(c) + pull)[:, None])[:, 0]
        scaled = point.problem.scaled(s)
        r = c - point.observed * rows.random_part(scaled)
        out = np.zeros(objective.n_par)
        parts = map(rows.levels, (point.u, point.scores, rows.collect(r), s))
        direct = self._in_factors(h_bar)
        for f, (u, q, t, s_f) in enumerate(zip(*parts, strict=True)):
            bar = bars.levels[f] + direct[f] + t.T @ u + q.T @ s_f
            index, d = objective.layout.derivatives(x, f)
            out[index] = (bar * d).sum(axis=(-1, -2))
        if objective.estimates_dispersion:
            derivatives = objective.likelihood.dispersion_derivatives
            _, dl1, dl2 = derivatives(point.eta, objective.zeta(x))
            moved = rows.collect(dl1) @ scaled - leverages @ dl2
            out[objective.layout.n_par] = bars.dispersion + moved
        out[objective.beta_place] = rows.exog.T @ (bars.rows + r)
        return out

    def _cholesky_adjoint(self, bars):
        """Derivative in H, symmetric (Murray 2016, arXiv:1602.07527, eq. 10)."""
        out = []
        for inverse, bar in zip(self._inverse, bars.inverse, strict=True):
            transposed = np.swapaxes(inverse, -1, -2)
            inner = -np.tril(bar @ transposed)
            i = np.arange(inner.shape[-1])
            inner[:, i, i] = 0.5 * inner[:, i, i] + bars.logdet
            h_bar = transposed @ inner @ inverse
            out.append(0.5 * (h_bar + np.swapaxes(h_bar, -1, -2)))
        return out

    def _leverages(self, rows, h_bar):
        """Derivative in the weights of the rows: ``(A H_bar A')_ii``, A = Z Lambda."""
        factors = self.factors
        blocks = self.components.level_blocks(h_bar)
        blocks = [a @ b @ a.T for a, b in zip(factors, blocks, strict=True)]
        pairs = self.components.pair_blocks(h_bar)
        pairs = {
            (s, t): 2.0 * factors[s] @ b @ factors[t].T for (s, t), b in pairs.items()
        }
        return rows.leverages(blocks, pairs)

    def _in_factors(self, h_bar):
        """Derivative in the factors where they multiply C in H, (K_f, K_f) each."""
        eyes = [np.eye(len(f)) for f in self.factors]
        half = self.components.dense(self._gram, eyes, self.factors)
        product = [a @ b for a, b in zip(half, h_bar, strict=True)]
        return [2.0 * b.sum(axis=0) for b in self.components.level_blocks(product)]
