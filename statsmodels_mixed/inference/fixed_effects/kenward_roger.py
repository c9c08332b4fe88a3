"""Kenward and Roger's adjusted covariance and F tests of fixed effects.

Kenward and Roger (1997), Biometrics 53, 983-997; numbering of Halekoh and Hojsgaard
(2014), Journal of Statistical Software 59(9). Every quantity is a trace or product of
the size of Z'WZ (see `core.sensitivity`), so rows cost nothing.

The covariance of the response is taken as linear in the parameters along theta,
which it is for unstructured and diagonal terms. At a boundary fit the parameters are
those of the face of the cone of covariances, as for Satterthwaite.
"""

from __future__ import annotations

import numpy as np

from ...core.sensitivity import Sensitivity
from ...errors import DataError
from ...fitting.hessian import inverse_of_curved
from .satterthwaite import SensitiveTests, covariance_jacobian, require_gaussian
from .wald import FTest

TINY = 1e-10  # below which terms of the approximation are rounding
NEAR_TWO = 1e-2  # of degrees of freedom: F has no mean to be matched


class KenwardRogerTests(SensitiveTests):
    """Tests with the adjusted covariance and the scaled F statistic."""

    def _referred(self, statistic, rows):
        """Scale and degrees of freedom that match mean and variance of F."""
        scale, df_denom = self._moments(rows)
        return FTest.of(scale * statistic, len(rows), df_denom)

    def _moments(self, rows):
        """Scale of F and denominator degrees of freedom of some contrasts."""
        q = len(rows)
        if q == 1:  # the formulas reduce to that of Satterthwaite, without scaling
            return 1.0, float(self.df(rows)[0])
        middle = rows.T @ np.linalg.solve(rows @ self.base @ rows.T, rows)
        shares = middle @ self.jacobian
        traces = np.trace(shares, axis1=1, axis2=2)
        a1 = traces @ self.uncertainty @ traces
        products = np.einsum("iab,jba->ij", shares, shares)
        a2 = (self.uncertainty * products).sum()
        return _scale_and_df(q, a1, a2)


def _scale_and_df(q, a1, a2):
    """Halekoh and Hojsgaard (2014), section 4.3, their guards against 0/0 included."""
    b = (a1 + 6.0 * a2) / (2.0 * q)
    g = ((q + 1.0) * a1 - (q + 4.0) * a2) / ((q + 2.0) * a2) if a2 else 0.0
    denominator = 3.0 * q + 2.0 * (1.0 - g)
    c1, c2, c3 = (c / denominator for c in (g, q - g, q + 2.0 - g))
    v0, v1, v2 = 1.0 + c1 * b, 1.0 - c2 * b, 1.0 - c3 * b
    v0 = 0.0 if abs(v0) < TINY else v0
    gap = 1.0 - a2 / q
    ratio = 1.0 if abs(gap) < TINY and abs(v1) < TINY else gap / v1
    rho = ratio**2 * v0 / v2 / q
    df = 4.0 + (q + 2.0) / (q * rho - 1.0) if q * rho != 1.0 else np.inf
    scale = 1.0 if abs(df - 2.0) < NEAR_TWO else df * gap / (df - 2.0)
    return (gap if np.isinf(df) else scale), df


def kenward_roger(fit):
    """Kenward and Roger's tests of the fixed effects of a linear mixed model.

    Parameters
    ----------
    fit : Fit
        By REML.

    Returns
    -------
    KenwardRogerTests

    Raises
    ------
    DataError
        The fit is by maximum likelihood, or not of a linear mixed model.
    """
    require_gaussian(fit, "kenward-roger")
    if not fit.reml:
        raise not_reml()
    sensitivity = Sensitivity(fit.objective, fit.evaluation.x)
    exog, expected = sensitivity.exog(), sensitivity.expected()
    shares = exog.x_inverse @ exog.first
    uncertainty = 2.0 * inverse_of_curved(_information(fit, shares, exog, expected))
    half = fit.exog_map @ exog.x_inverse
    n = len(exog.first)
    missing = expected.second - exog.first[:, None] @ shares[None]
    middle = np.einsum("ij,ijab->ab", uncertainty[:n, :n], missing)
    change = 2.0 * float(fit.sigma2) * (half @ (0.5 * (middle + middle.T)) @ half.T)
    return KenwardRogerTests(
        fit.beta,
        fit.cov_beta + change,
        fit.cov_beta,
        covariance_jacobian(fit, exog),
        uncertainty,
    )


def _information(fit, shares, exog, expected):
    """``tr(P V_i P V_j)`` along theta and log sigma^2: twice the expected information.

    Along log sigma^2 V moves by itself, and ``P V P = P``.
    """
    n, objective = len(shares), fit.objective
    out = np.empty((n + 1, n + 1))
    out[:n, :n] = expected.traces
    out[:n, :n] -= 2.0 * np.einsum("ab,ijba->ij", exog.x_inverse, expected.second)
    out[:n, :n] += np.einsum("iab,jba->ij", shares, shares)
    out[:n, n] = expected.single - np.trace(shares, axis1=1, axis2=2)
    out[n, :n] = out[:n, n]
    out[n, n] = objective.cross.nobs - objective.cross.rank
    return out


def not_reml():
    """Why a fit by maximum likelihood is refused."""
    return DataError(
        "Kenward-Roger needs a REML fit, whose variances it corrects for; this one is "
        "by maximum likelihood. Fit with reml=True, or use df_method='satterthwaite'."
    )
