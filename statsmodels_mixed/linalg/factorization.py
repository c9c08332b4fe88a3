"""Factorisation of ``H = Lambda' C Lambda + I`` for one Lambda."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from .small import (
    congruence,
    inside,
    shared_product,
    spd_inverse,
    stacked_product,
    symmetric_part,
)


def _symmetric(upper):
    """Full symmetric blocks from their upper triangles."""
    k = upper.shape[-1]
    if k == 1:
        return upper
    i = np.arange(k)
    full = upper + np.swapaxes(upper, -1, -2)
    full[..., i, i] = upper[..., i, i]
    return full


class Factorization:
    """Eliminated form of H: log-determinant, solutions, derivative of ``log|H|``.

    Parameters
    ----------
    system : BlockSystem
    factors : sequence of ndarray, shape (..., k_t, k_t)
        Lower-triangular relative covariance factors. Leading axes are allowed
        when the system has a single factor. Zeros on a diagonal are replaced by
        `NUDGE` throughout, so that derivatives in the covariance exist at the
        boundary; log|H| moves by less than ``NUDGE**2 tr(C)``.
    """

    def __init__(self, system, factors):
        self.system = system
        self.factors = tuple(inside(np.asarray(f)) for f in factors)
        self.storage = system.storage
        if not system.batched:
            self.storage = system.storage.copy()
        self._eliminated = []
        self.logdet = 0.0
        for position, step in enumerate(system.plan.steps):
            self._eliminate(position, step)
        self.tail = system.tail.factorize(
            self.storage, [self.factors[f] for f in system.plan.tail.factors]
        )
        self.logdet = self.logdet + self.tail.logdet

    def _eliminate(self, position, step):
        factor = self.factors[step.factor]
        upper = self.storage[step.diagonal].reshape(step.m, step.k, step.k)
        block = _symmetric(upper)
        d = congruence(factor, block)
        i = np.arange(step.k)
        d[..., i, i] += 1.0
        d_inverse, logdet = spd_inverse(d)
        w = congruence(np.swapaxes(factor, -1, -2), d_inverse)
        matrices, schur = (), None
        if len(step.level):
            matrices = self.system.matrices(position, self.storage)
            schur = self.system.products(position, self.storage)
            schur.subtract(w, self.storage)
        self._eliminated.append((step, schur, block, d_inverse, w, matrices))
        self.logdet = self.logdet + logdet.sum(axis=-1)

    def solve(self, rhs):
        """``u = H^-1 Lambda' rhs``.

        Parameters
        ----------
        rhs : ndarray, shape (..., width, columns)
            In elimination order, on the scale of Z'W(.).
        """
        system = self.system
        lead = self.factors[0].shape[:-2] if self.factors else rhs.shape[:-2]
        rest = np.empty((*lead, *rhs.shape[-2:]))
        rest[...] = rhs
        out = np.zeros_like(rest)
        for step, _, _, _, w, matrices in self._eliminated:
            if len(matrices):
                own = rest[step.columns].reshape(step.m, step.k, -1)
                scaled = stacked_product(w, own)
                for c, b in enumerate(matrices):
                    rest[step.after] -= b.T @ np.ascontiguousarray(scaled[:, c])
        if system.plan.tail.width:
            last = slice(system.plan.tail.start, system.width)
            out[last] = self.tail.solve(rest[last])
        if system.batched and self._eliminated:
            return self._back_substitute(self._eliminated[0], rest, out, None)
        later = self.apply_factor(out)
        for item in reversed(self._eliminated):
            self._back_substitute(item, rest, out, later)
        return out

    def _back_substitute(self, item, rest, out, later):
        step, _, _, d_inverse, _, matrices = item
        own = rest[..., step.columns, :]
        own = own.reshape(*own.shape[:-2], step.m, step.k, own.shape[-1])
        for c, b in enumerate(matrices):
            own[:, c] -= b @ later[step.after]
        factor = self.factors[step.factor]
        if step.k == 1:
            u = d_inverse * (factor[..., None, :, :] * own)
        else:
            turned = shared_product(np.swapaxes(factor, -1, -2), own)
            u = stacked_product(d_inverse, turned)
        out[..., step.columns, :] = u.reshape(out[..., step.columns, :].shape)
        if later is not None:
            part = shared_product(factor, u)
            later[step.columns] = part.reshape(-1, part.shape[-1])
        return out

    def apply_factor(self, u):
        """``Lambda u`` for u in elimination order, shape (..., width, columns)."""
        return self.system.per_level(u, self.factors)

    def apply_inverse_transpose(self, u):
        """``Lambda^-T u``."""
        return self.system.per_level(u, self._inverse_transposes)

    @cached_property
    def _inverse_transposes(self):
        return [np.swapaxes(np.linalg.inv(f), -1, -2) for f in self.factors]

    def covariance_derivatives(self):
        """Derivative of ``log|H|`` in each relative covariance ``Lambda_t Lambda_t'``.

        Returns
        -------
        list of ndarray, shape (..., k_t, k_t)
            ``sum over levels of [Z'V^-1 Z]_ll``, one per grouping factor. Obtained
            by running the elimination backwards (reverse differentiation), which
            visits only the entries of H^-1 on the pattern of observed pairs.
        """
        return self._backward[0]

    def level_covariances(self):
        """Level-diagonal blocks of H^-1, (..., m_t, k_t, k_t) per grouping factor."""
        _, tail, bar = self._backward
        out = [None] * len(self.factors)
        for f, block in zip(self.system.plan.tail.factors, tail, strict=True):
            out[f] = block
        for step, schur, _, d_inverse, w, matrices in self._eliminated:
            inverse = d_inverse
            if len(matrices):
                p = symmetric_part(schur.adjoint(bar, w.shape))
                inner = congruence(self.factors[step.factor], p)
                change = stacked_product(stacked_product(inverse, inner), inverse)
                inverse = inverse + change
            out[step.factor] = inverse
        return out

    def gram_derivatives(self):
        """Derivative of ``log|H|`` in the numbers of the Gram matrix C.

        They are the entries of ``Lambda H^-1 Lambda'`` on the pattern of C, those
        between factors twice (once for each side of the symmetric matrix).

        Returns
        -------
        diagonals : tuple of ndarray, shape (..., m_t, k_t, k_t)
        couplings : dict
            ``(s, t)`` to ndarray, shape (pairs, k_s, k_t).
        """
        if self.system.batched:
            return tuple(w for _, _, _, _, w, _ in self._eliminated), {}
        bar = self._backward[2].copy()
        self._push_adjoint(self._eliminated[0], bar)
        return self.system.gram_shaped(bar)

    @cached_property
    def _backward(self):
        """Derivatives of log|H|, level blocks of the tail, and the adjoint storage."""
        derivatives = [None] * len(self.factors)
        bar = None if self.system.batched else np.zeros_like(self.storage)
        tail = self.tail.derivatives(bar)
        for f, (g, _) in zip(self.system.plan.tail.factors, tail, strict=True):
            derivatives[f] = g
        for item in reversed(self._eliminated):
            derivatives[item[0].factor] = self._step_derivative(item, bar)
        return derivatives, [block for _, block in tail], bar

    def _step_derivative(self, item, bar):
        step, schur, block, d_inverse, _, matrices = item
        factor = self.factors[step.factor]
        f = d_inverse
        if step.k > 1:  # F_l = I - C_l W_l, written so that nothing cancels
            inverse = self._inverse_transposes[step.factor][..., None, :, :]
            transposed = np.swapaxes(factor, -1, -2)[..., None, :, :]
            f = stacked_product(stacked_product(inverse, d_inverse), transposed)
        g = stacked_product(f, block).sum(axis=-3)
        first = step is self.system.plan.steps[0]
        if len(matrices):
            g = g - schur.weighted_adjoint(bar, f)
        if not first:
            self._push_adjoint(item, bar)
        return symmetric_part(g)

    def _push_adjoint(self, item, bar):
        """Pass the derivative on to the numbers the elimination of this step read."""
        step, schur, _, _, w, matrices = item
        inner = w
        if len(matrices):
            p = symmetric_part(schur.adjoint(bar, w.shape))
            inner = w + stacked_product(stacked_product(w, p), w)
            bar[step.coupling] -= schur.couplings_adjoint(w, bar).ravel()
        weight = np.triu(np.full((step.k, step.k), 2.0), 1) + np.eye(step.k)
        bar[step.diagonal] += (inner * weight).ravel()
