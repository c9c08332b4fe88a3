"""The linear model at the end of a fit, in rows of unit residual variance.

Rows are multiplied by the roots of their weights: prior weights for a Gaussian
response, the weights of the last Newton step at the conditional mode otherwise. Then
``V = I + Z Lambda Lambda' Z'``, and ``V^-1 (y - X beta)`` are the conditional
residuals, ``y - X beta - Z b``.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, singledispatch

import numpy as np
from scipy import sparse

from ..core.information import covariance_chain, information, spread
from ..fitting import PQLFit
from ..fitting.fit import Fit
from ..fitting.generalized_fit import GeneralizedFit
from ..fitting.hessian import gradient_differences
from ..linalg import solve_semidefinite
from ..linalg.components import Components


@dataclass(frozen=True, eq=False)
class WorkingRows:
    """Rows of a fit with the products that deletions of rows need.

    Attributes
    ----------
    fit : Fit or GeneralizedFit
    exog : ndarray, shape (n, p)
        X in the coordinates of the fit.
    random : csr_array, shape (n, q)
        Z in the coordinates of the fit and in elimination order.
    resid : ndarray, shape (n,)
        Conditional residuals, ``V^-1 (y - X beta)``.
    found : Factorization
        Of H.
    zx : ndarray, shape (q, p)
        ``Z'X``.
    precision : ndarray, shape (p, p)
        ``X'V^-1X``.
    b : ndarray, shape (q,)
        ``Lambda u``.
    weights : ndarray, shape (n,), or None
        What rows were multiplied by the roots of; None for ones.
    scale : float
        Residual variance: 1 where the weights hold it.
    exog_map : ndarray, shape (p, p)
        From coefficients of `exog` to those of the user.
    dof : int or None
        What the residual sum of squares is divided by; None for a known scale.
    reml : bool
    """

    fit: object
    exog: np.ndarray
    random: object
    resid: np.ndarray
    found: object
    zx: np.ndarray
    precision: np.ndarray
    b: np.ndarray
    weights: np.ndarray | None
    scale: float
    exog_map: np.ndarray
    dof: int | None
    reml: bool

    @cached_property
    def inverse(self):
        """Inverse of ``X'V^-1X``, (p, p)."""
        return solve_semidefinite(self.precision, np.eye(len(self.precision)))

    @cached_property
    def solved(self):
        """``H^-1 Lambda' Z'X``, (q, p)."""
        return self.found.solve(self.zx)

    @cached_property
    def exog_resid(self):
        """``V^-1 X``, (n, p)."""
        return self.exog - self.random @ self.found.apply_factor(self.solved)

    @cached_property
    def marginal_resid(self):
        """``y - X beta``, (n,)."""
        return self.resid + self.random @ self.b

    @cached_property
    def q(self):
        """``Z'V^-1 (y - X beta)``, (q,)."""
        return self.random.T @ self.resid

    @cached_property
    def q_x(self):
        """``Z'V^-1 X``, (q, p)."""
        return self.found.apply_inverse_transpose(self.solved)

    @cached_property
    def component(self):
        """Which random effects meet in some rows: a number for each, (q,)."""
        system = self.found.system
        return Components(system).of_place if system.width else np.zeros(0, dtype=int)

    @cached_property
    def leverages(self):
        """Diagonal of the hat matrix ``I - P`` of the conditional fit, (n,).

        ``P = V^-1 - V^-1X (X'V^-1X)^-1 X'V^-1`` takes y to the conditional residuals.
        """
        mine = ((self.exog_resid @ self.inverse) * self.exog_resid).sum(axis=1)
        return mine + self._random_leverages()

    def _random_leverages(self):
        """Diagonal of ``Z Lambda H^-1 Lambda' Z'``: H^-1 on its pattern only."""
        diagonals, couplings = self.found.gram_derivatives()
        system, terms = self.found.system, self.fit.design.factors
        z = [self._effects(f) for f in range(len(terms))]
        grouping = [self.fit.design.terms[own[0]].grouping for own in terms]
        out = np.zeros(len(self.resid))
        for f, block in enumerate(diagonals):
            out += _form(z[f], block, grouping[f].codes, z[f])
        for (s, t), block in couplings.items():
            known, m = system.gram.couplings[s, t], system.gram.sizes[t][0]
            keys = known.rows.astype(np.int64) * m + known.cols  # sorted
            pair = np.searchsorted(keys, grouping[s].codes * m + grouping[t].codes)
            out += _form(z[s], block, pair, z[t])
        return out

    def _effects(self, f):
        """Columns of `random` of one factor, each row in its level, (n, K)."""
        k = self.found.system.gram.sizes[f][1]
        starts = self.random.indptr[:-1]
        before = sum(s[1] for s in self.found.system.gram.sizes[:f])
        return self.random.data[starts[:, None] + before + np.arange(k)]

    @cached_property
    def hessian(self):
        """Hessian of the deviance in theta, other parameters at their best."""
        return _hessian(self.fit)

    @cached_property
    def curvature(self):
        """What `curved` says of all rows, (n_par, n_par)."""
        return self.curved(
            tuple(g[None] for g in self.fit.evaluation.covariance_gradient),
            self.fpf[None],
            self.slopes(self.levels(self.q))[None],
            np.array([self.scale]),
            0,
        )[1][0]

    @cached_property
    def directions(self):
        """Factor, places in theta and dSigma of each parameter of theta."""
        fit = self.fit
        x = fit.evaluation.x
        zeros = [np.zeros(f.shape) for f in self.found.factors]
        return covariance_chain(fit.model.layout, x, self.found.factors, zeros)[2]

    @cached_property
    def moved(self):
        """``dSigma_j q`` in each theta, (q, n_par)."""
        w = np.zeros((self.found.system.width, self.fit.model.layout.n_par))
        levels = self.levels(self.q)
        for f, index, d_sigma in self.directions:
            w[self.found.system.slices[f], index] = spread(levels[f], d_sigma)
        return w

    @cached_property
    def fpf(self):
        """``F'PF``, ``F_j = Z dSigma_j q``: average information, (n_par, n_par)."""
        found = self.found
        fvf, fvx = information(found.system, found, self.moved, self.q_x)
        return fvf - fvx @ self.inverse @ fvx.T

    def levels(self, values):
        """One array (m, K, ...) per factor of values in elimination order."""
        system = self.found.system
        return [
            values[part].reshape(*size, *values.shape[1:])
            for part, size in zip(system.slices, system.gram.sizes, strict=True)
        ]

    def slopes(self, levels):
        """``q' dSigma_j q`` of each theta, (n_par,)."""
        outer = [part.T @ part for part in levels]
        return self.slopes_of([o[None] for o in outer])[0]

    def slopes_of(self, outer):
        """``tr(dSigma_j O_f)`` of each theta, O_f (b, K, K), as (b, n_par)."""
        out = np.zeros((len(outer[0]), self.fit.model.layout.n_par))
        for f, index, d_sigma in self.directions:
            out[:, index] = np.einsum("jkl,bkl->bj", d_sigma, outer[f])
        return out

    def chain(self, gradients):
        """Derivatives in theta from some in the relative covariances, (b, K, K) each.

        The second ones, (b, n_par, n_par), as far as ``lambda lambda'`` is curved.
        """
        layout = self.fit.model.layout
        x = self.fit.evaluation.x[: layout.n_par]
        x = np.broadcast_to(x, (len(gradients[0]), layout.n_par))
        return covariance_chain(layout, x, self.found.factors, gradients)[:2]

    def curved(self, gradients, fpf, slopes, scale, lost):
        """Gradient and curvature of deviances in theta, (b, n_par), (b, n_par, n_par).

        Parameters
        ----------
        gradients : sequence of ndarray, shape (b, K, K)
            In the relative covariance of each factor.
        fpf : ndarray, shape (b, n_par, n_par)
        slopes : ndarray, shape (b, n_par)
            ``q' dSigma q``.
        scale : ndarray, shape (b,)
        lost : int or ndarray, shape (b,)
            Rows that are left out.
        """
        gradient, curvature = self.chain(gradients)
        curvature = curvature + fpf / scale[:, None, None]
        if self.dof is not None:
            weight = 1.0 / ((self.dof - lost) * scale**2)
            outer = slopes[:, :, None] * slopes[:, None, :]
            curvature -= np.reshape(weight, (-1, 1, 1)) * outer
        return gradient, curvature


def _form(left, blocks, index, right):
    return np.einsum("ia,iab,ib->i", left, blocks[index], right)


def _scaled(matrix, root):
    return matrix if root is None else matrix * root[:, None]


def _random_columns(fit, system, root):
    """Z in the coordinates of the fit, a row's effects factor by factor."""
    design, layout = fit.design, fit.model.layout
    maps, n = fit.model.coordinates.maps, fit.design.nobs
    values, places = [], []
    for f, terms in enumerate(design.factors):
        for t in terms:
            term, linear = design.terms[t], maps[t]
            z = np.ones((n, 1)) if term.z is None else term.z
            first = system.slices[f].start + term.grouping.codes * layout.sizes[f]
            values.append(_scaled(z @ linear, root))
            columns = layout.columns[t]
            places.append(first[:, None] + np.arange(columns.start, columns.stop))
    if not values:
        return sparse.csr_array((n, 0))
    values, places = np.hstack(values), np.hstack(places)
    indptr = np.arange(n + 1) * values.shape[1]
    shape = n, system.width
    return sparse.csr_array((values.ravel(), places.ravel(), indptr), shape)


@singledispatch
def working_rows(fit):
    """The working linear model of a fit.

    Parameters
    ----------
    fit : Fit, GeneralizedFit or PQLFit
        With its rows.

    Returns
    -------
    WorkingRows
    """
    raise TypeError(f"No working model of {type(fit).__name__}.")


@working_rows.register
def _of_working_model(fit: PQLFit):
    return working_rows(fit.lmm)


@working_rows.register
def _of_gaussian(fit: Fit):
    cross, design = fit.model.cross, fit.design
    root = None if design.weights is None else np.sqrt(design.weights)
    found = cross.system.factorize(fit.model.layout.matrices(fit.evaluation.x))
    resid = design.endog - fit.fixed_part - fit.random_part
    return WorkingRows(
        fit=fit,
        exog=_scaled(cross.basis.apply(design.mean.exog), root),
        random=_random_columns(fit, cross.system, root),
        resid=resid if root is None else resid * root,
        found=found,
        zx=cross.zx,
        precision=fit.evaluation.precision,
        b=found.apply_factor((fit.unit * fit.evaluation.u)[:, None])[:, 0],
        weights=design.weights,
        scale=float(fit.sigma2),
        exog_map=fit.exog_map,
        dof=fit.objective.dof,
        reml=fit.reml,
    )


@working_rows.register
def _of_modes(fit: GeneralizedFit):
    rows, point = fit.model.rows, fit.objective.point(fit.evaluation.x)
    found, root = point.factorization, np.sqrt(point.weights)
    zx, xx = rows.exog_products(point.weights)
    inner = found.apply_factor(found.solve(zx))
    return WorkingRows(
        fit=fit,
        exog=_scaled(rows.exog, root),
        random=_random_columns(fit, found.system, root),
        resid=point.derivatives.d1 / root,
        found=found,
        zx=zx,
        precision=xx - zx.T @ inner,
        b=found.apply_factor(point.u[:, None])[:, 0],
        weights=point.weights,
        scale=1.0,
        exog_map=rows.exog_map,
        dof=None,
        reml=False,
    )


@singledispatch
def _hessian(fit):
    return gradient_differences(fit.objective, fit.evaluation)


@_hessian.register
def _of_all_parameters(fit: GeneralizedFit):
    full, n = fit.evaluation.curvature, fit.model.layout.n_par
    theta, rest = slice(0, n), slice(n, len(full))
    cross = full[theta, rest]
    return full[theta, theta] - cross @ solve_semidefinite(full[rest, rest], cross.T)
