"""Estimates without some of the rows, from the factors of the fit with all of them.

To leave out rows I is to give each a fixed effect of its own. With ``P = V^-1 -
V^-1X (X'V^-1X)^-1 X'V^-1`` and E the columns of the identity in I, at fixed variances

    ``beta - (X'V^-1X)^-1 A' N w``,  ``N = (E'PE)^-1``, ``A = E'V^-1X``, ``w = E'Py``,

are the exact fixed effects of the other rows, and P becomes ``P - PE N E'P`` (Haslett
and Dillane 2004, Statistica Neerlandica 58, 35-50). Derivatives of the deviance in the
variances follow from this P, and one Newton step from them gives these (Christensen,
Pearson and Johnson 1992, Technometrics 34, 38-45). Nothing has more numbers than the
random effects times the rows that are left out at once; rows of a group beyond the
rank of their columns are turned away first.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from scipy import sparse

from ..optimize.newton import newton_step

# numbers held at once in arrays of random effects by rows that are left out
BATCH = 2_000_000
# Groups that have a component of the random effects to themselves are in layer 0; the
# second group of each component is in layer 1, and so on, up to a bound.
LAYERS, ALONE = 200, -1
# Share of the information on some fixed effect below which nothing is left of it.
NOTHING_LEFT = 1e-8


@dataclass(frozen=True, eq=False)
class Deleted:
    """Estimates without each group of rows.

    Attributes
    ----------
    beta : ndarray, shape (m, p)
        At the variances of the fit. NaN where a fixed effect cannot be determined.
    se : ndarray, shape (m, p)
    logdet : ndarray, shape (m,)
        Logarithm of the determinant of the covariance of `beta`.
    theta : ndarray, shape (m, n_par)
        After one Newton step.
    scale : ndarray, shape (m,)
        Residual variance after that step.
    lost : ndarray of bool, shape (m,)
        Nothing determines some fixed effect.
    """

    beta: np.ndarray
    se: np.ndarray
    logdet: np.ndarray
    theta: np.ndarray
    scale: np.ndarray
    lost: np.ndarray


def delete_groups(rows, grouping, variances=True):
    """Estimates without each level of a grouping of the rows.

    Parameters
    ----------
    rows : WorkingRows
    grouping : Grouping
    variances : bool
        Whether variance parameters are wanted; NaN otherwise.

    Returns
    -------
    Deleted
    """
    variances = variances and rows.fit.model.layout.n_par > 0
    single = grouping.n_levels == len(grouping.codes)
    if single and not variances:
        return _joined(_single_rows(rows, grouping), grouping.n_levels)
    return _joined(_batches(rows, grouping, variances), grouping.n_levels)


def _joined(parts, m):
    """One `Deleted` from pairs of places and parts."""
    parts = list(parts)
    places = np.concatenate([at for at, _ in parts])
    values = {}
    for name in (f.name for f in fields(Deleted)):
        stacked = np.concatenate([getattr(part, name) for _, part in parts])
        values[name] = np.empty((m, *stacked.shape[1:]), dtype=stacked.dtype)
        values[name][places] = stacked
    return Deleted(**values)


@dataclass(frozen=True, eq=False)
class _Left:
    """Fixed effects without rows whose ``E'V^-1E`` is S, all at once.

    Attributes
    ----------
    lower : ndarray, shape (b, d, d)
        Cholesky factor of S.
    u : ndarray, shape (b, d, p)
        ``L^-1 A M^(1/2)``.
    rest : ndarray, shape (b, p, p)
        Inverse of ``I - u'u``, the information that is left.
    w : ndarray, shape (b, d)
        ``L^-1 w``.
    lost : ndarray of bool, shape (b,)
    """

    half: np.ndarray
    lower: np.ndarray
    u: np.ndarray
    rest: np.ndarray
    w: np.ndarray
    lost: np.ndarray

    @classmethod
    def of(cls, s, a, w, half):
        lower = np.linalg.cholesky(s)
        u = np.linalg.solve(lower, a @ half)
        left = np.eye(u.shape[-1]) - np.swapaxes(u, -1, -2) @ u
        lost = np.zeros(len(s), dtype=bool)
        if u.shape[-1]:
            lost = np.linalg.eigvalsh(left)[:, 0] < NOTHING_LEFT
            left[lost] = np.eye(u.shape[-1])
        own = np.linalg.solve(lower, w[..., None])[..., 0]
        return cls(half, lower, u, np.linalg.inv(left), own, lost)

    def change(self):
        """``M A' N w``: what the rows add to beta, (b, p)."""
        inner = self.rest @ (np.swapaxes(self.u, -1, -2) @ self.w[..., None])
        return (self.half @ inner)[..., 0]

    def inverse_root(self, restricted):
        """R with ``N = R R'``, or ``S^-1 = R R'``, (b, d, d)."""
        eye = np.broadcast_to(np.eye(self.lower.shape[-1]), self.lower.shape)
        root = np.swapaxes(np.linalg.solve(self.lower, eye), -1, -2)
        if not restricted:
            return root
        more = self.u @ self.rest @ np.swapaxes(self.u, -1, -2)
        return root @ np.linalg.cholesky(eye + more)

    def squares(self):
        """``w'N w``: what the rows add to the residual sum of squares, (b,)."""
        turned = np.swapaxes(self.u, -1, -2) @ self.w[..., None]
        more = (turned * (self.rest @ turned)).sum(axis=(1, 2))
        return (self.w**2).sum(axis=1) + more


def _fixed(rows, left, count):
    """Fixed effects and scale at the relative variances of the fit."""
    beta = rows.fit.beta - left.change() @ rows.exog_map.T
    scale = np.full(len(beta), rows.scale)
    if rows.dof is not None:
        r2 = rows.scale * rows.dof - left.squares()
        scale = np.maximum(r2, 0.0) / np.maximum(rows.dof - count, 1)
    beta[left.lost], scale[left.lost] = np.nan, np.nan
    return beta, scale


def _deleted(rows, left, beta, rest, theta, scale):
    """All that is wanted; `rest` is the covariance of beta in the coordinates of u."""
    half = rows.exog_map @ left.half
    variance = scale[:, None] * np.einsum("ij,bjk,ik->bi", half, rest, half)
    with np.errstate(invalid="ignore", divide="ignore"):
        logdet = np.linalg.slogdet(rest)[1] + 2.0 * np.linalg.slogdet(half)[1]
        se, logdet = np.sqrt(variance), logdet + beta.shape[1] * np.log(scale)
    return Deleted(beta, se, logdet, theta, scale, left.lost)


def _root_of_inverse(rows):
    """A square root of ``(X'V^-1X)^-1``."""
    values, vectors = np.linalg.eigh(rows.inverse)
    return vectors * np.sqrt(np.maximum(values, 0.0))


def _single_rows(rows, grouping):
    """Rows one by one, from the leverages alone."""
    half, a = _root_of_inverse(rows), rows.exog_resid
    p_ii = 1.0 - rows.leverages
    s = p_ii + ((a @ rows.inverse) * a).sum(axis=1)
    size = max(1, BATCH // (1 + a.shape[1]) ** 2)
    order = np.argsort(grouping.codes)
    for start in range(0, len(order), size):
        i = order[start : start + size]
        left = _Left.of(s[i, None, None], a[i, None], rows.resid[i, None], half)
        beta, scale = _fixed(rows, left, 1)
        theta = np.full((len(i), rows.fit.model.layout.n_par), np.nan)
        found = _deleted(rows, left, beta, left.rest, theta, scale)
        yield np.arange(start, start + len(i)), found


@dataclass(frozen=True, eq=False)
class _Piece:
    """One group: rows of Z (d, q) and ``V^-1X``, and residuals, d of them."""

    level: int
    count: int
    z: object
    a: np.ndarray
    w: np.ndarray


def _batches(rows, grouping, variances):
    """Groups of equal numbers of independent rows, some at a time.

    Groups whose random effects never meet share columns of a solution.
    """
    half, width = _root_of_inverse(rows), max(rows.random.shape[1], 1)
    waiting, seen = {}, {}
    for piece in _pieces(rows, grouping):
        d, met = len(piece.w), np.unique(rows.component[piece.z.indices])
        layer = ALONE
        if len(met) == 1:
            layer = seen[d, met[0]] = seen.get((d, met[0]), -1) + 1
            layer = layer if layer < LAYERS else ALONE
        batch = waiting.setdefault((d, layer), [])
        batch.append(piece)
        each = d * (width if variances or layer == ALONE else d)
        if len(batch) * each >= BATCH:
            yield _batch(rows, half, waiting.pop((d, layer)), layer, variances)
    for (_, layer), batch in waiting.items():
        yield _batch(rows, half, batch, layer, variances)


def _pieces(rows, grouping):
    order = np.argsort(grouping.codes, kind="stable")
    starts = np.cumsum(grouping.counts) - grouping.counts
    p = rows.exog.shape[1]
    for level, (start, count) in enumerate(zip(starts, grouping.counts, strict=True)):
        own = order[start : start + count]
        z, a, w = rows.random[own], rows.exog_resid[own], rows.resid[own]
        touched = np.unique(z.indices) if count > p + 1 else ()
        if count > len(touched) + p + 1:
            z, a, w = _independent(z, touched, a, w)
        yield _Piece(level, count, z, a, w)


def _independent(z, touched, a, w):
    """Rows turned so that all but a few are zero, which change nothing."""
    dense = z[:, touched].toarray()
    turn, r = np.linalg.qr(np.column_stack([dense, a, w]))
    d, k = len(r), len(touched)
    entries = r[:, :k].ravel(), np.tile(touched, d), np.arange(d + 1) * k
    return sparse.csr_array(entries, (d, z.shape[1])), turn.T @ a, turn.T @ w


def _batch(rows, half, pieces, layer, variances):
    z, a = sparse.vstack([p.z for p in pieces]), np.stack([p.a for p in pieces])
    w, count = np.stack([p.w for p in pieces]), np.array([p.count for p in pieces])
    (b, d), z = w.shape, sparse.csr_array(z)
    solved, s = _solved(rows, z, b, d, layer != ALONE)
    left = _Left.of(np.eye(d) - s, a, w, half)
    beta, scale = _fixed(rows, left, count)
    theta, rest = np.full((b, rows.fit.model.layout.n_par), np.nan), left.rest
    if variances:
        pulled = _pulled(rows, z, solved, b, d)
        theta, scale = _step(rows, left, a, pulled, scale, count)
        rest = _moved_rest(rows, left, a, pulled, theta)
    found = _deleted(rows, left, beta, rest, theta, scale)
    return np.array([p.level for p in pieces]), found


def _solved(rows, z, b, d, shared):
    """``H^-1 Lambda'z'``, and ``z Lambda H^-1 Lambda'z'`` of each group, (b, d, d)."""
    if shared:
        at = z.tocoo()
        places = at.col, at.row % d
        rhs = sparse.coo_array((at.data, places), (z.shape[1], d)).toarray()
    else:
        rhs = z.T.toarray()
    solved = rows.found.solve(rhs)
    inner = rows.found.apply_factor(solved)
    if shared:
        return solved, (z @ inner).reshape(b, d, d)
    parts = [slice(i * d, (i + 1) * d) for i in range(b)]
    return solved, np.stack([z[part] @ inner[:, part] for part in parts])


def _pulled(rows, z, solved, b, d):
    """``Z'V^-1E`` of each group, (b, q, d)."""
    pulled = rows.found.apply_inverse_transpose(solved)
    if pulled.shape[1] == b * d:
        return np.moveaxis(pulled.reshape(len(pulled), b, d), 0, 1)
    own = rows.component[z.indices[z.indptr[:-1:d]]]
    return np.where((rows.component == own[:, None])[..., None], pulled, 0.0)


def _step(rows, left, a, pulled, scale, count):
    """Theta and scale one Newton step further; `pulled` is ``Z'V^-1E``, (b, q, d)."""
    restricted = pulled - rows.q_x @ (rows.inverse @ np.swapaxes(a, -1, -2))
    root = left.inverse_root(True)
    delta = root @ (np.swapaxes(root, -1, -2) @ (left.lower @ left.w[..., None]))
    q = rows.q - (restricted @ delta)[..., 0]
    lost = restricted @ root
    loss = lost if rows.reml else pulled @ left.inverse_root(False)
    outer, gradients = _gradients(rows, q, loss, scale)
    slopes = rows.slopes_of(outer)
    moved = np.swapaxes(lost, -1, -2) @ rows.moved
    fpf = rows.fpf - np.swapaxes(moved, -1, -2) @ moved
    gradient, curvature = rows.curved(gradients, fpf, slopes, scale, count)
    step = _newton(gradient, curvature + (rows.hessian - rows.curvature))
    theta = rows.fit.evaluation.x[: step.shape[1]] + step
    if rows.dof is None:
        return theta, scale
    return theta, scale + _moved_scale(rows, outer, fpf, step, count)


def _moved_rest(rows, left, a, pulled, theta):
    """`left.rest` at other variances, to first order in the relative covariances.

    ``C + C Q' dSigma Q C`` with ``Q = Z'V^-1X``, which is exact for balanced data: the
    covariance of beta is linear in Sigma there.
    """
    root = left.inverse_root(False)
    q_x = rows.q_x - pulled @ (root @ (np.swapaxes(root, -1, -2) @ a))
    q_x = q_x @ left.half @ left.rest
    system, out = rows.found.system, left.rest.copy()
    new = rows.fit.model.layout.matrices(theta)
    for f, (part, (m, k)) in enumerate(
        zip(system.slices, system.gram.sizes, strict=True)
    ):
        old = rows.found.factors[f]
        change = new[f] @ np.swapaxes(new[f], -1, -2) - old @ old.T
        own = q_x[:, part].reshape(len(q_x), m, k, -1)
        out += np.einsum("bmki,bkl,bmlj->bij", own, change, own, optimize=True)
    return out


def _moved_scale(rows, outer, fpf, step, count):
    """Change of the residual variance along a step, to second order, (b,).

    Derivatives of ``r2 = y'Py`` are ``-q' dSigma q`` and ``2 F'PF - q' d2Sigma q``.
    """
    slope, bend = rows.chain([-o for o in outer])
    change = (slope * step).sum(axis=1)
    change += 0.5 * np.einsum("bi,bij,bj->b", step, bend + 2.0 * fpf, step)
    return change / np.maximum(rows.dof - count, 1)


def _gradients(rows, q, loss, scale):
    """Sums of ``q q'`` over levels, and gradients, per factor (b, K, K)."""
    system, outer, gradients = rows.found.system, [], []
    own = rows.levels(rows.q)
    known = rows.fit.evaluation.covariance_gradient
    for part, size, level, g in zip(
        system.slices, system.gram.sizes, own, known, strict=True
    ):
        each = q[:, part].reshape(len(q), *size)
        outer.append(np.swapaxes(each, -1, -2) @ each)
        lost = loss[:, part].reshape(len(q), *size, -1)
        lost = np.moveaxis(lost, 2, 1).reshape(len(q), size[1], -1)
        total = g + level.T @ level / rows.scale
        total = total - lost @ np.swapaxes(lost, -1, -2)
        gradients.append(total - outer[-1] / scale[:, None, None])
    return outer, gradients


def _newton(gradient, curvature):
    """Newton steps; none where a fixed effect was lost."""
    known = np.isfinite(gradient).all(axis=1) & np.isfinite(curvature).all(axis=(1, 2))
    out = np.full(gradient.shape, np.nan)
    far = np.full(int(known.sum()), np.inf)
    out[known] = newton_step(gradient[known], curvature[known], far)[0]
    return out
