"""The deviance of a linear mixed model from its definition, with n x n matrices.

y = X beta + Z b + e with b ~ N(0, sigma^2 Lambda Lambda') and e ~ N(0, sigma^2 W^-1),
so cov(y) = sigma^2 V with V = W^-1 + Z Lambda Lambda' Z'. Only for tests: slow, short,
and sharing nothing with the package.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.linalg import cho_solve, cholesky


@dataclass(frozen=True)
class DenseFit:
    """The criterion and the estimates at given relative covariances.

    Parameters
    ----------
    deviance : float
        -2 log-likelihood, or the REML criterion, profiled over beta and sigma.
    beta, cov_beta : ndarray
        Fixed effects and their covariance.
    sigma2 : float
        r2 / n, for REML r2 / (n - p).
    b : list of ndarray
        Per term the conditional means (levels, k) of the random effects.
    u : list of ndarray
        The same on the spherical scale: b = u Lambda'.
    fitted : ndarray
        Offset + X beta + Z b.
    """

    deviance: float
    beta: np.ndarray
    cov_beta: np.ndarray
    sigma2: float
    b: list
    u: list
    fitted: np.ndarray


def dense_fit(y, X, terms, reml, weights=None, offset=None):
    """Evaluate the criterion at given relative covariance factors.

    Parameters
    ----------
    y : (n,) array_like
    X : (n, p) array_like
        Full column rank; p may be zero.
    terms : list of (z, codes, lam)
        Effects (n, k), level of each row (n,) from zero, and the factor (k, k) with
        lam @ lam.T the covariance of the effects relative to sigma squared.
    reml : bool
    weights, offset : (n,) array_like, optional

    Returns
    -------
    DenseFit
    """
    X = np.asarray(X, float)
    n, p = X.shape
    weights = np.ones(n) if weights is None else np.asarray(weights, float)
    offset = np.zeros(n) if offset is None else np.asarray(offset, float)
    y = np.asarray(y, float) - offset

    factors = [_z_lambda(*term) for term in terms]
    V = np.diag(1.0 / weights) + sum(a @ a.T for a in factors)
    chol = (cholesky(V, lower=True), True)
    information = X.T @ cho_solve(chol, X)
    beta = np.linalg.solve(information, X.T @ cho_solve(chol, y))
    solved = cho_solve(chol, y - X @ beta)
    r2 = (y - X @ beta) @ solved

    df = n - p if reml else n
    deviance = 2.0 * np.log(np.diag(chol[0])).sum() + df * (
        1.0 + np.log(2.0 * np.pi * r2 / df)
    )
    if reml:
        deviance += np.linalg.slogdet(information)[1]
    u = [
        (a.T @ solved).reshape(-1, np.shape(lam)[0])
        for a, (_, _, lam) in zip(factors, terms, strict=True)
    ]
    random = sum(a @ ut.ravel() for a, ut in zip(factors, u, strict=True))
    return DenseFit(
        deviance=deviance,
        beta=beta,
        cov_beta=r2 / df * np.linalg.inv(information),
        sigma2=r2 / df,
        b=[ut @ np.asarray(lam).T for ut, (_, _, lam) in zip(u, terms, strict=True)],
        u=u,
        fitted=offset + X @ beta + random,
    )


def deviance(y, X, terms, reml, weights=None, offset=None):
    """Return only the criterion of `dense_fit`."""
    return dense_fit(y, X, terms, reml, weights, offset).deviance


def _z_lambda(z, codes, lam):
    """Return Z Lambda of one term as (n, levels * k), level by level."""
    z, codes, lam = np.asarray(z, float), np.asarray(codes), np.asarray(lam, float)
    n, k = z.shape
    wide = np.zeros((n, codes.max() + 1, k))
    wide[np.arange(n), codes] = z @ lam
    return wide.reshape(n, -1)


def theta_to_lambdas(theta, sizes, structure="us"):
    """Split theta into one factor per term.

    Parameters
    ----------
    theta : array_like
        Parameters of all terms, one after the other.
    sizes : sequence of int
        Number of effects k of each term.
    structure : {"us", "diag"}
        "us": the lower triangle column by column, as in lme4; "diag": the diagonal.

    Returns
    -------
    list of ndarray
    """
    theta, lambdas = np.asarray(theta, float), []
    for k in sizes:
        columns, rows = np.triu_indices(k)  # of the transpose: column by column
        if structure == "diag":
            columns = rows = np.arange(k)
        lam = np.zeros((k, k))
        lam[rows, columns] = theta[: len(rows)]
        lambdas.append(lam)
        theta = theta[len(rows) :]
    assert theta.size == 0, "theta is too long for the terms"
    return lambdas


def numerical_gradient(function, x, step=1e-4):
    """Return the gradient by central differences of fourth order."""
    x = np.asarray(x, float)
    gradient = np.empty_like(x)
    for i in range(x.size):
        h = np.zeros_like(x)
        h[i] = step * max(1.0, abs(x[i]))
        near = function(x + h) - function(x - h)
        far = function(x + 2.0 * h) - function(x - 2.0 * h)
        gradient[i] = (8.0 * near - far) / (12.0 * h[i])
    return gradient
