"""Standard errors and Wald intervals of standard deviations and correlations."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

from ...errors import DataError
from ...fitting.sdcor import sdcor_jacobian, sdcor_names, sdcor_values

NEARLY_ONE = 1.0 - 1e-9  # a larger correlation is on its bound


@dataclass(frozen=True)
class Scale:
    """A scale on which an estimate is nearer to normal."""

    to: object
    back: object
    slope: object  # derivative of `to`


LOG = Scale(np.log, np.exp, lambda x: 1.0 / x)
FISHER = Scale(np.arctanh, np.tanh, lambda x: 1.0 / (1.0 - x**2))


@dataclass(frozen=True)
class VarianceParams:
    """Standard deviations, correlations and scale of a fit.

    Attributes
    ----------
    names : list of str
        ``sd_...``, ``cor_...`` and the scale, as `sdcor_names`.
    values : ndarray, shape (n,)
    se : ndarray, shape (n,)
        Standard errors on the scale of `values`; NaN on the boundary.
    """

    names: list
    values: np.ndarray
    se: np.ndarray

    def intervals(self, level=0.95):
        """Wald intervals, of logarithms and of Fisher's z of correlations.

        Parameters
        ----------
        level : float

        Returns
        -------
        ndarray, shape (n, 2)
            NaN where there is no standard error.
        """
        half = stats.norm.ppf(0.5 + 0.5 * level)
        out = np.full((len(self.names), 2), np.nan)
        for i, (name, value, se) in enumerate(
            zip(self.names, self.values, self.se, strict=True)
        ):
            if not np.isfinite(se):
                continue
            scale = FISHER if name.startswith("cor_") else LOG
            center, spread = scale.to(value), se * scale.slope(value)
            out[i] = scale.back(center + half * spread * np.array([-1.0, 1.0]))
        return out


def variance_params(fit):
    """Standard deviations, correlations and scale with standard errors.

    By the delta method from the inverse of half the Hessian of the deviance in theta
    and the logarithm of the scale (for generalized models with the fixed effects in
    it), so the uncertainty of the other parameters is in it.

    Parameters
    ----------
    fit : Fit or GeneralizedFit

    Returns
    -------
    VarianceParams

    Raises
    ------
    DataError
        Penalised quasi-likelihood, which has no likelihood to take a Hessian of.
    """
    if not hasattr(fit, "cov_variance"):
        raise DataError(
            "Penalised quasi-likelihood gives no standard errors of variances; fit by "
            "nagq= or method='mcml'."
        )
    jacobian, names, values = sdcor_jacobian(fit), sdcor_names(fit), sdcor_values(fit)
    known = np.isfinite(jacobian).all(axis=1)
    correlations = np.array([name.startswith("cor_") for name in names], dtype=bool)
    known &= ~(correlations & (np.abs(values) > NEARLY_ONE))
    filled = np.where(known[:, None], jacobian, 0.0)
    variance = ((filled @ fit.cov_variance) * filled).sum(axis=1)
    se = np.where(known & (variance > 0), np.sqrt(np.maximum(variance, 0.0)), np.nan)
    return VarianceParams(names, values, se)
