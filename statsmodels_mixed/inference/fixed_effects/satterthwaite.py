"""Degrees of freedom from the uncertainty of the variance parameters.

Satterthwaite (1946), Biometrics Bulletin 2, 110-114, in the form of Giesbrecht and
Burns (1985), Biometrics 41, 477-486, and Kuznetsova, Brockhoff and Christensen (2017),
Journal of Statistical Software 82(13).

The variance parameters are theta and log sigma^2. At the optimum the degrees of freedom
do not depend on that choice. Where a variance is zero, theta stays on the face of the
cone of covariances that the fit is on: a parameter along which the covariance does not
change contributes nothing, as if the effect were not in the model.
"""

from __future__ import annotations

import numpy as np

from ...core.sensitivity import Sensitivity
from ...errors import DataError
from ...fitting import Fit
from .wald import WaldTests


class SensitiveTests(WaldTests):
    """Tests whose degrees of freedom are those of the variance of ``L beta``.

    Parameters
    ----------
    beta, cov
        As for `WaldTests`.
    base : ndarray, shape (p, p)
        Covariance matrix of beta that depends on the variance parameters.
    jacobian : ndarray, shape (v, p, p)
        Its derivative in each of them.
    uncertainty : ndarray, shape (v, v)
        Their covariance matrix.
    """

    def __init__(self, beta, cov, base, jacobian, uncertainty):
        super().__init__(beta, cov, None)
        self.base, self.jacobian, self.uncertainty = base, jacobian, uncertainty

    def df(self, matrix):
        """``2 v^2 / Var(v)``, v the variance of each contrast, shape (r,)."""
        matrix = np.atleast_2d(np.asarray(matrix, dtype=float))
        variance = ((matrix @ self.base) * matrix).sum(axis=1)
        slopes = self.slopes(matrix)
        spread = ((slopes @ self.uncertainty) * slopes).sum(axis=1)
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(variance > 0, 2.0 * variance**2 / spread, np.nan)

    def slopes(self, matrix):
        """Derivative of each contrast's variance in the variance parameters, (r, v)."""
        parts = [((matrix @ own) * matrix).sum(axis=1) for own in self.jacobian]
        return np.stack(parts, axis=-1)


def require_gaussian(fit, name):
    """Refuse what is defined for linear mixed models only."""
    if not isinstance(fit, Fit):
        raise not_gaussian(name)


def not_gaussian(name):
    """Why other distributions are refused."""
    return DataError(
        f"df_method={name!r} is defined for linear mixed models; for other "
        "distributions use 'normal', 'residual' or 'between-within'."
    )


def satterthwaite(fit):
    """Satterthwaite's tests of the fixed effects of a linear mixed model.

    Parameters
    ----------
    fit : Fit
        By REML or maximum likelihood.

    Returns
    -------
    SensitiveTests
    """
    require_gaussian(fit, "satterthwaite")
    exog = Sensitivity(fit.objective, fit.evaluation.x).exog()
    jacobian = covariance_jacobian(fit, exog)
    return SensitiveTests(
        fit.beta, fit.cov_beta, fit.cov_beta, jacobian, fit.cov_variance
    )


def covariance_jacobian(fit, exog):
    """Derivative of ``cov(beta)`` in theta and log sigma^2, (n_par + 1, p, p)."""
    half = fit.exog_map @ exog.x_inverse
    along = float(fit.sigma2) * (half @ exog.first @ half.T)
    return np.concatenate([along, fit.cov_beta[None]])
