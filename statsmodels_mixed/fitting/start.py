"""Starting values by moments."""

from __future__ import annotations

import numpy as np

SMALLEST, LARGEST = 0.1, 30.0  # of a starting standard deviation, relative to sigma
# ... of one from scores, relative to the precision with which a level is observed
SMALLEST_SCORE = 0.5


def internal_theta(model, covariances):
    """theta in the coordinates of the fit, from covariances of the user's effects.

    Parameters
    ----------
    model : object
        With ``coordinates`` and ``layout``.
    covariances : sequence of array_like, shape (k, k)
    """
    inverses = [np.linalg.inv(m) for m in model.coordinates.maps]
    return model.layout.from_covariances(
        [
            i @ np.asarray(c, dtype=float) @ i.T
            for i, c in zip(inverses, covariances, strict=True)
        ]
    )


def moment_start(cross, response, layout):
    """theta from the quadratic forms ``y'P Z_j Z_j' P y``, P = I - Q Q'.

    Minimum norm quadratic estimation with weights of zero (Rao 1971, Journal of
    Multivariate Analysis 1, 257-275), one variance per varying effect: the
    expectations of the forms are linear in the variances, and all their
    coefficients are sums over blocks that are there already.

    Parameters
    ----------
    cross : CrossProducts
    response : ResponseProducts
        Leading axes are replicates.
    layout : ThetaLayout

    Returns
    -------
    ndarray, shape (..., n_par)
        Off-diagonal entries of the factors start at zero.
    """
    columns = _columns(cross.system)
    if not columns:
        return np.zeros((*response.ee.shape, 0))
    traces, system = _expectations(cross, columns)
    forms = np.stack(
        [(response.ze[..., c] ** 2).sum(axis=-1) for c in columns] + [response.ee],
        axis=-1,
    )
    n_free = cross.nobs - cross.rank
    full = np.block(
        [[system, traces[:, None]], [traces[None, :], np.array([[n_free]])]]
    )
    # rounding may leave less than nothing of an effect the fixed ones nearly hold
    scale = np.sqrt(np.maximum(np.diag(full), np.finfo(float).tiny))
    solution = np.linalg.lstsq(
        full / np.outer(scale, scale), (forms / scale).T.reshape(len(scale), -1)
    )[0]
    solution = (solution.T / scale).reshape(forms.shape)
    residual = np.maximum(solution[..., -1:], 0.05 * forms[..., -1:] / n_free)
    ratio = np.maximum(solution[..., :-1], 0.0) / residual
    return _theta(np.clip(np.sqrt(ratio), SMALLEST, LARGEST), cross, layout)


def score_start(rows, point, layout):
    """theta from the scores of the random effects where these are zero.

    At variances of zero the scores ``Z'l'`` of an effect have about the sum of squares
    ``sum_l C_ll + s^2 sum_l C_ll^2``, C = Z'WZ, if s is its standard deviation: one
    equation per varying effect, which overlooks the others.

    Parameters
    ----------
    rows : RowProducts
    point : Point
        Of the model without random effects.
    layout : ThetaLayout

    Returns
    -------
    ndarray, shape (n_par,)
        Off-diagonal entries of the factors are zero.
    """
    scores_of = rows.levels(rows.collect(point.derivatives.d1))
    gram = rows.reweighted(point.weights).gram
    covariances = [None] * len(layout.structures)
    for f, (scores, blocks) in enumerate(zip(scores_of, gram.diagonals, strict=True)):
        c = np.maximum(np.einsum("mii->mi", blocks), np.finfo(float).tiny)
        ratio = ((scores**2).sum(axis=0) - c.sum(axis=0)) / (c**2).sum(axis=0)
        unit = 1.0 / np.sqrt(c.mean(axis=0))
        sd = np.clip(np.sqrt(np.maximum(ratio, 0.0)), SMALLEST_SCORE * unit, np.inf)
        for t in layout.factors[f]:
            part = sd[layout.columns[t]]
            covariances[t] = np.diag(part**2)
    return layout.from_covariances(covariances)


def _columns(system):
    """Slices of all levels of one varying effect, factor by factor."""
    out = []
    for part, (_, k) in zip(system.slices, system.gram.sizes, strict=True):
        out += [slice(part.start + a, part.stop, k) for a in range(k)]
    return out


def _squares(system):
    """Squared Frobenius norms of all blocks ``Z_i'Z_j`` between varying effects."""
    gram = system.gram
    ends = np.cumsum([0] + [k for _, k in gram.sizes])
    out = np.zeros((ends[-1], ends[-1]))
    for f, diagonal in enumerate(gram.diagonals):
        own = slice(ends[f], ends[f + 1])
        out[own, own] = np.einsum("mij,mij->ij", diagonal, diagonal)
    for (s, t), c in gram.couplings.items():
        block = np.einsum("pij,pij->ij", c.data, c.data)
        rows, cols = slice(ends[s], ends[s + 1]), slice(ends[t], ends[t + 1])
        out[rows, cols], out[cols, rows] = block, block.T
    return out


def _expectations(cross, columns):
    """``tr(P V_i)`` and ``tr(P V_i P V_j)`` for V_i = Z_i Z_i'."""
    system, a = cross.system, cross.zx
    diagonal = np.concatenate(
        [np.einsum("mii->i", block) for block in system.gram.diagonals]
    )
    inner = [a[c].T @ a[c] for c in columns]
    traces = diagonal - np.array([np.trace(m) for m in inner])
    crossed = np.empty((len(columns), len(columns)))
    for j, c in enumerate(columns):
        only = np.zeros_like(a)
        only[c] = a[c]
        product = system.multiply(only)
        crossed[:, j] = [(a[d] * product[d]).sum() for d in columns]
    third = np.array([[(m * n).sum() for n in inner] for m in inner])
    return traces, _squares(system) - crossed - crossed.T + third


def _theta(sd, cross, layout):
    covariances, at = [None] * len(layout.structures), 0
    for terms in cross.factors:
        for t in terms:
            k = layout.structures[t].k
            part = sd[..., at : at + k]
            covariances[t] = part[..., :, None] ** 2 * np.eye(k)
            at += k
    return layout.from_covariances(covariances)
