"""A cheap figure for the error of the Laplace approximation."""

from __future__ import annotations

import numpy as np

STEP = 1e-4  # of differences, in eta and in the log of standard deviations


def laplace_shift(fit):
    """By how much the error of Laplace moves standard deviations, in standard errors.

    Parameters
    ----------
    fit : GeneralizedFit

    Returns
    -------
    shift : float
        Of the term with the largest.
    term : int

    Notes
    -----
    The leading term of what the Laplace approximation of a log-integral leaves out
    (Shun and McCullagh 1995, Journal of the Royal Statistical Society B 57, 749-760),
    with derivatives d3 and d4 of the log densities of the rows i of a level, C the
    conditional covariance of its effects and ``c_ij = z_i'C z_j``:
    ``sum_i d4_i c_ii^2 / 8 + sum_ij d3_i d3_j (c_ij^3 / 12 + c_ii c_ij c_jj / 8)``.
    Its derivative in the logarithm of the standard deviations of a term is the error of
    the score, which a Newton step turns into a shift. The effects of other terms are
    held at their modes, so this is a hint where there are several.
    """
    zeta = float(fit.evaluation.zeta)
    at, ahead, behind = (
        fit.model.likelihood.derivatives(fit.eta + h, zeta, order=3)
        for h in (0.0, STEP, -STEP)
    )
    d4 = (ahead.d3 - behind.d3) / (2.0 * STEP)
    shifts = [
        _score_error(fit, t, at.d2, at.d3, d4) * _standard_error(fit, t)
        for t in range(len(fit.design.terms))
    ]
    t = int(np.argmax(np.abs(shifts)))
    return float(shifts[t]), t


def _score_error(fit, t, d2, d3, d4):
    """Derivative of the correction in the log of all standard deviations of a term."""
    term = fit.design.terms[t]
    lam = (
        fit.model.coordinates.maps[t]
        @ fit.model.layout.term_factors(fit.evaluation.x)[t]
    )
    z = (np.ones((fit.design.nobs, 1)) if term.z is None else term.z) @ lam
    codes, (m, k) = term.grouping.codes, fit.modes[t].shape
    information = _sums(codes, m, np.einsum("n,ni,nj->nij", -d2, z, z))
    lean_of = np.einsum("n,ni,nj,nk->nijk", d3, z, z, z)
    cubes = _sums(codes, m, lean_of)

    def correction(s):
        # covariance of the effects whose standard deviation was one, times exp(2 s)
        c = np.linalg.inv(information + np.exp(-2.0 * s) * np.eye(k))
        own = np.einsum("ni,nij,nj->n", z, c[codes], z)
        turned = np.einsum("mijk,mia,mjb,mkc->mabc", cubes, c, c, c, optimize=True)
        lean = _sums(codes, m, (d3 * own)[:, None] * z)
        pairs = np.einsum("mi,mij,mj->", lean, c, lean)
        return (d4 * own**2).sum() / 8.0 + (turned * cubes).sum() / 12.0 + pairs / 8.0

    return (correction(STEP) - correction(-STEP)) / (2.0 * STEP)


def _sums(codes, m, values):
    """Sums of the rows of each level, (n, ...) to (m, ...)."""
    out = np.zeros((m, *values.shape[1:]))
    np.add.at(out, codes, values)
    return out


def _standard_error(fit, t):
    """Of the log of all standard deviations of a term, their ratios known."""
    part = fit.model.layout.slices[t]
    theta = fit.evaluation.x[part]
    if not theta.any():
        return 0.0
    information = np.linalg.pinv(fit.cov_parameters[part, part], hermitian=True)
    found = float(theta @ information @ theta)
    return found**-0.5 if found > 0 else 0.0
