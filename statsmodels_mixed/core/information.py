"""Chain rule through the covariances, and average information along it."""

from __future__ import annotations

import numpy as np


def covariance_directions(layout, x, factors):
    """Derivatives of the relative covariances in theta, factor by factor.

    Parameters
    ----------
    layout : ThetaLayout
    x : ndarray, shape (..., n)
        Starts with theta.
    factors : sequence of ndarray, shape (..., K_f, K_f)
        Relative covariance factors at theta.

    Yields
    ------
    int, ndarray, ndarray, ndarray
        Factor f, places of its parameters, and of each ``dlambda_f`` and
        ``dSigma_f``, (..., n_f, K_f, K_f).
    """
    for f in range(len(factors)):
        index, d = layout.derivatives(x, f)
        d_sigma = d @ np.swapaxes(factors[f], -1, -2)[..., None, :, :]
        yield f, index, d, d_sigma + np.swapaxes(d_sigma, -1, -2)


def covariance_chain(layout, x, factors, g_all):
    """Derivatives in theta from those in the relative covariances.

    Parameters
    ----------
    layout : ThetaLayout
    x : ndarray, shape (..., n)
        Starts with theta.
    factors : sequence of ndarray, shape (..., K_f, K_f)
        Relative covariance factors at theta.
    g_all : sequence of ndarray, shape (..., K_f, K_f)
        Derivative G of the criterion in each ``Sigma = lambda lambda'``.

    Returns
    -------
    gradient : ndarray, shape (..., n)
        Zero beyond theta.
    curvature : ndarray, shape (..., n, n)
        The part ``2 tr(G dlambda_i dlambda_j')`` that is due to the curvature of
        ``lambda lambda'``.
    directions : list of (int, ndarray, ndarray)
        Factor, its parameters, and dSigma in each, (..., n_f, K_f, K_f).
    """
    gradient = np.zeros(x.shape)
    curvature = np.zeros((*x.shape, x.shape[-1]))
    directions = []
    for f, index, d, d_sigma in covariance_directions(layout, x, factors):
        g = g_all[f]
        gradient[..., index] = (g[..., None, :, :] * d_sigma).sum(axis=(-1, -2))
        gd = g[..., None, :, :] @ d
        # tr(G dlambda_i dlambda_j') for all pairs, as one product of flat matrices
        flat, g_flat = (a.reshape(*a.shape[:-2], -1) for a in (d, gd))
        second = 2.0 * flat @ np.swapaxes(g_flat, -1, -2)
        curvature[..., index[:, None], index] = second
        directions.append((f, index, d_sigma))
    return gradient, curvature, directions


def spread(q, d_sigma):
    """``dSigma_i q`` of each level as columns, (..., m k, n).

    Parameters
    ----------
    q : ndarray, shape (..., m, k)
    d_sigma : ndarray, shape (..., n, k, k)
    """
    product = np.moveaxis(q[..., None, :, :] @ d_sigma, -3, -1)
    return product.reshape(*q.shape[:-2], -1, d_sigma.shape[-3])


def information(system, factorization, w, q_x):
    """``F'V^-1F`` and ``F'V^-1X`` for columns ``F = Z w``.

    Half the average information (Gilmour, Thompson and Cullis 1995, Biometrics 51,
    1440-1450) when ``w = dSigma_i q`` and q = Z'V^-1(y - X beta).

    Parameters
    ----------
    system : BlockSystem
    factorization : Factorization
        Of the same system.
    w : ndarray, shape (..., q, n)
    q_x : ndarray, shape (..., q, p)
        ``Z'V^-1X``.

    Returns
    -------
    ndarray, shape (..., n, n), and ndarray, shape (..., n, p)
    """
    cw = system.multiply(w)
    b = factorization.apply_factor(factorization.solve(cw))
    wt = np.swapaxes(w, -1, -2)
    return wt @ cw - np.swapaxes(cw, -1, -2) @ b, wt @ q_x
