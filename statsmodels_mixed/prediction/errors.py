"""Errors of estimated fixed effects and conditional modes, jointly.

With phi the estimated parameters and ``b^(phi)`` the conditional modes at them, the
error of ``x'beta + z'b^`` as a prediction of ``x'beta + z'b`` has the variance

    ``r' V r + z' K z``,  ``r = d(x'beta + z'b^)/dphi``,

V the covariance of the estimates and K that of b given response and parameters. For a
linear mixed model phi is beta, ``db^/dbeta = -Lambda H^-1 Lambda' Z'WX``, and this is
the inverse of Henderson's mixed-model equations (Henderson 1975, Biometrics 31,
423-447) with the variances at their estimates. For other responses phi is everything
that was estimated, variances included, as in TMB (Kristensen, Nielsen, Berg, Skaug and
Bell 2016, Journal of Statistical Software 70(5), section 2).

Nothing here has more than ``O(n + q)`` numbers for each fixed effect: rows that share
levels share blocks of K.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import singledispatch
from weakref import WeakKeyDictionary

import numpy as np

from ..fitting import PQLFit
from ..fitting.fit import Fit
from ..fitting.generalized_fit import GeneralizedFit
from ..linalg.basis import chunks
from ..linalg.small import symmetric_part

# numbers in one batch of right-hand sides for pairs of levels not observed together
BATCH = 2_000_000

# computed once for each fit, as long as that lives; not a part of saved fits
_KNOWN = WeakKeyDictionary()


def joint_errors(fit):
    """Joint errors of fixed effects and modes of a fit.

    Parameters
    ----------
    fit : Fit, GeneralizedFit or PQLFit
        With its rows.

    Returns
    -------
    JointErrors
    """
    if fit not in _KNOWN:
        _KNOWN[fit] = _make(fit)
    return _KNOWN[fit]


@dataclass(frozen=True, eq=False)
class JointErrors:
    """Covariance of the errors of fixed effects and conditional modes.

    Attributes
    ----------
    layout : ThetaLayout
    maps : tuple of ndarray, shape (K, K)
        Per grouping factor, the effects of a user from those of the fit.
    scale : float
        Residual variance, for a linear mixed model.
    found : Factorization
        H at the modes.
    parameters : ndarray, shape (P, P)
        Covariance V of the estimates phi.
    exog_map : ndarray, shape (p, P)
        ``d(x'beta)/dphi = x' exog_map``.
    drift : tuple of ndarray, shape (m, K, P)
        Per grouping factor ``db^/dphi`` of each level, user's effects.
    blocks : tuple of ndarray, shape (m, K, K)
        Per grouping factor the conditional covariance of each level.
    couplings : dict
        Conditional covariances of levels observed together, ``(s, t)`` to (pairs,
        K_s, K_t).
    """

    layout: object
    maps: tuple
    scale: float
    found: object
    parameters: np.ndarray
    exog_map: np.ndarray
    drift: tuple
    blocks: tuple
    couplings: dict

    def variances(self, rows, selected):
        """Variance of the error of ``x'beta + z'b`` of each row.

        Parameters
        ----------
        rows : Rows
        selected : sequence of ndarray of bool, shape (k,)
            Per term the effects that count. Those of new levels do not.

        Returns
        -------
        ndarray, shape (n,)
        """
        factors = [
            _FactorRows.of(rows, self.layout, f, terms, selected)
            for f, terms in enumerate(rows.fit.design.factors)
        ]
        used = [f for f, part in enumerate(factors) if part is not None]
        pairs = [
            (s, t, *self._pairs(s, t, factors[s], factors[t]))
            for s in used
            for t in used
            if s < t
        ]
        out = np.empty(rows.nobs)
        for part in chunks(rows.nobs):
            r = rows.exog[part] @ self.exog_map
            z = {f: factors[f].effects(part) for f in used}
            total = np.zeros(len(r))
            for f in used:
                levels = factors[f].codes[part]
                r += np.einsum("ia,iap->ip", z[f], self.drift[f][levels])
                total += _form(z[f], self.blocks[f][levels], z[f])
            for s, t, blocks, index in pairs:
                total += 2.0 * _form(z[s], blocks[index[part]], z[t])
            out[part] = total + ((r @ self.parameters) * r).sum(axis=1)
        return out

    def _pairs(self, s, t, first, second):
        """Covariance of the levels of two factors, and which of them each row has."""
        m = self.found.system.gram.sizes[t][0]
        both = first.known & second.known
        keys = np.where(both, first.codes * m + second.codes, -1)
        distinct, index = np.unique(keys, return_inverse=True)
        blocks = np.zeros((len(distinct), *self._sizes(s, t)))
        real = np.flatnonzero(distinct >= 0)
        blocks[real] = self._between(s, t, *np.divmod(distinct[real], m))
        return blocks, index.ravel()

    def _sizes(self, s, t):
        sizes = self.found.system.gram.sizes
        return sizes[s][1], sizes[t][1]

    def _between(self, s, t, first, second):
        """Conditional covariance of pairs of levels, (pairs, K_s, K_t)."""
        m, known = self.found.system.gram.sizes[t][0], self.couplings[s, t]
        observed = self.found.system.gram.couplings[s, t]
        there = observed.rows * m + observed.cols  # sorted
        wanted = first * m + second
        at = np.minimum(np.searchsorted(there, wanted), len(there) - 1)
        out, found = known[at], there[at] == wanted
        if not found.all():
            out[~found] = self._solved(s, t, first[~found], second[~found])
        return out

    def _solved(self, s, t, first, second):
        """The same of pairs that were not observed together, by solving for them."""
        if len(np.unique(first)) < len(np.unique(second)):
            return np.swapaxes(self._solved(t, s, second, first), 1, 2)
        system, (k_s, k_t) = self.found.system, self._sizes(s, t)
        levels, which = np.unique(second, return_inverse=True)
        out = np.empty((len(first), k_s, k_t))
        size = max(1, BATCH // (system.width * k_t))
        for start in range(0, len(levels), size):
            batch = levels[start : start + size]
            rhs = np.zeros((system.width, len(batch) * k_t))
            place = system.slices[t].start + batch[:, None] * k_t + np.arange(k_t)
            rhs[place.ravel(), np.arange(rhs.shape[1])] = 1.0
            solved = self.found.apply_factor(self.found.solve(rhs))
            solved = solved[system.slices[s]].reshape(-1, k_s, len(batch), k_t)
            mine = np.flatnonzero((which >= start) & (which < start + size))
            out[mine] = solved[first[mine], :, which[mine] - start]
        return self.scale * (self.maps[s] @ out @ self.maps[t].T)


@dataclass(frozen=True, eq=False)
class _FactorRows:
    """Effects of one factor at some rows, all its terms side by side."""

    codes: np.ndarray
    known: np.ndarray
    terms: tuple  # of (columns, z, selected)
    width: int

    @classmethod
    def of(cls, rows, layout, f, terms, selected):
        """None where nothing of the factor is selected."""
        if not any(selected[t].any() for t in terms):
            return None
        parts = [(layout.columns[t], rows.effects[t], selected[t]) for t in terms]
        levels = rows.levels(terms[0])
        codes = np.maximum(levels.codes, 0)
        return cls(codes, levels.known, tuple(parts), layout.sizes[f])

    def effects(self, part):
        """Values of the selected effects, zero in new levels, (rows, K)."""
        known = self.known[part]
        out = np.zeros((len(known), self.width))
        for columns, z, selected in self.terms:
            values = 1.0 if z is None else z[part]
            out[:, columns] = values * selected * known[:, None]
        return out


def _form(left, blocks, right):
    return np.einsum("ia,iab,ib->i", left, blocks, right)


def _factor_maps(fit):
    """Per grouping factor, the effects of a user from those of the fit, (K, K)."""
    layout, out = fit.model.layout, []
    for size, terms in zip(layout.sizes, layout.factors, strict=True):
        linear = np.zeros((size, size))
        for t in terms:
            columns = layout.columns[t]
            linear[columns, columns] = fit.model.coordinates.maps[t]
        out.append(linear)
    return out


# ---- from the fits -------------------------------------------------------------------


@singledispatch
def _make(fit):
    """Joint errors of a fit of one of the kinds below."""
    raise TypeError(f"No joint errors of {type(fit).__name__}.")


@_make.register
def _of_gaussian(fit: Fit):
    cross = fit.model.cross
    found = cross.system.factorize(fit.model.layout.matrices(fit.evaluation.x))
    solved = found.solve(cross.zx)
    inverse = np.linalg.inv(fit.evaluation.precision)
    basis = cross.basis
    exog_map = basis.linear_map[np.argsort(basis.kept)]
    return _joint(
        fit, float(fit.sigma2), found, inverse, exog_map, -found.apply_factor(solved)
    )


@_make.register
def _of_working_model(fit: PQLFit):
    return joint_errors(fit.lmm)


@_make.register
def _of_modes(fit: GeneralizedFit):
    objective, x = fit.objective, fit.evaluation.x
    point = objective.point(x)
    found, working = point.observed_factorization, point.working
    p = len(working.xvx)
    if objective.free:  # beta was found with the modes: the variances are held fixed
        covariance = objective.beta_covariance(x, fit.cov_parameters)
        return _joint(
            fit,
            1.0,
            found,
            covariance,
            fit.model.rows.exog_map,
            -found.apply_factor(working.solved),
        )
    exog_map = np.zeros((p, objective.n_par))
    exog_map[:, objective.beta_place] = fit.model.rows.exog_map
    drift = found.apply_factor(working.tangent(objective, x)[0])
    drift += _moved_by_theta(objective.layout, x, point)
    return _joint(fit, 1.0, found, fit.cov_parameters, exog_map, drift)


def _moved_by_theta(layout, x, point):
    """``dLambda u`` in each parameter, (q, n_par)."""
    rows = point.problem.rows
    out = np.zeros((rows.system.width, len(x)))
    for f, (part, u) in enumerate(
        zip(rows.system.slices, rows.levels(point.u), strict=True)
    ):
        index, d = layout.derivatives(x, f)
        moved = np.einsum("jab,mb->maj", d, u)
        out[part, index] = moved.reshape(-1, len(index))
    return out


def _joint(fit, scale, found, covariance, exog_map, drift):
    """Joint errors in the user's effects from those in the coordinates of the fit."""
    system, maps = found.system, _factor_maps(fit)
    sizes = system.gram.sizes
    by_level = [
        linear @ drift[part].reshape(m, k, -1)
        for linear, part, (m, k) in zip(maps, system.slices, sizes, strict=True)
    ]
    diagonals, couplings = found.gram_derivatives()
    blocks = [
        scale * symmetric_part(linear @ block @ linear.T)
        for linear, block in zip(maps, diagonals, strict=True)
    ]
    between = {  # the derivative counts both sides of the symmetric matrix
        (s, t): 0.5 * scale * (maps[s] @ block @ maps[t].T)
        for (s, t), block in couplings.items()
    }
    return JointErrors(
        layout=fit.model.layout,
        maps=tuple(maps),
        scale=scale,
        found=found,
        parameters=scale * covariance,
        exog_map=exog_map,
        drift=tuple(by_level),
        blocks=tuple(blocks),
        couplings=between,
    )
