"""Fits of many responses by one model."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from ..fitting import Fit
from .deviance import conditional_deviance
from .tables import theta_names


@dataclass(frozen=True, eq=False)
class StackedFits:
    """Separate fits of one design as if they had been fitted at once.

    Attributes
    ----------
    fits : tuple of Fit
    """

    fits: tuple

    def __getattr__(self, name):
        if name in ("beta", "cov_beta", "theta", "dispersion", "deviance"):
            return np.stack([getattr(fit, name) for fit in self.fits])
        raise AttributeError(name)

    @property
    def design(self):
        """The design of the fits."""
        return self.fits[0].design

    @property
    def convergences(self):
        """Certificates, one per fit."""
        return tuple(fit.convergence for fit in self.fits)

    @property
    def singulars(self):
        """Singular directions, one tuple per fit."""
        return tuple(fit.singulars[0] for fit in self.fits)


def stacked_refits(fits, param_names, response_names):
    """`GLMMRefitResults` of separate fits."""
    stacked = StackedFits(tuple(fits))
    return GLMMRefitResults(stacked, tuple(param_names), response_names)


@dataclass(frozen=True, eq=False)
class RefitResults:
    """Fits of R responses by the model of one result.

    Attributes
    ----------
    fit : Fit
        With R as leading axis of its arrays.
    param_names : tuple of str
    response_names : pandas.Index
        One label per response.

    Examples
    --------
    >>> import statsmodels_mixed as smm
    >>> data = smm.datasets.load("sleepstudy")
    >>> res = smm.lmm("Reaction ~ Days + (Days | Subject)", data).fit()
    >>> draws = res.simulate(20, rng=1)
    >>> res.refit(draws).params.shape
    (20, 2)
    """

    fit: Fit
    param_names: tuple
    response_names: pd.Index

    def __len__(self):
        return len(self.response_names)

    @cached_property
    def params(self):
        """Fixed effects, DataFrame responses x parameters."""
        return pd.DataFrame(
            self.fit.beta, index=self.response_names, columns=self.param_names
        )

    @cached_property
    def bse(self):
        """Standard errors of the fixed effects, like `params`."""
        variances = np.diagonal(self.fit.cov_beta, axis1=-2, axis2=-1)
        return pd.DataFrame(
            np.sqrt(variances), index=self.response_names, columns=self.param_names
        )

    @cached_property
    def theta(self):
        """Relative covariance factors, DataFrame responses x parameters."""
        return pd.DataFrame(
            self.fit.theta, index=self.response_names, columns=theta_names(self.fit)
        )

    @cached_property
    def sigma(self):
        """Residual standard deviations, Series over responses."""
        return pd.Series(np.sqrt(self.fit.sigma2), index=self.response_names)

    @cached_property
    def deviance(self):
        """Minus twice the log-likelihood or REML criterion, Series."""
        return pd.Series(self.fit.deviance, index=self.response_names)

    @cached_property
    def llf(self):
        """Log-likelihood, or REML criterion over -2, Series."""
        return pd.Series(-0.5 * self.fit.deviance, index=self.response_names)

    @cached_property
    def converged(self):
        """Verdict of the certificate of each fit, Series of bool."""
        return pd.Series(
            [c.converged for c in self.fit.convergences], index=self.response_names
        )

    @cached_property
    def singular(self):
        """Whether some variance is exactly zero, Series of bool."""
        return pd.Series(
            [len(s) > 0 for s in self.fit.singulars], index=self.response_names
        )


class GLMMRefitResults(RefitResults):
    """Fits of R responses by one generalized linear mixed model.

    Its figures are those of single results: `deviance` is the conditional one, not
    ``-2 llf``, and there is `dispersion` in place of `sigma`.

    Examples
    --------
    >>> import statsmodels_mixed as smm
    >>> data = smm.datasets.load("cbpp")
    >>> formula = "cbind(incidence, size - incidence) ~ period + (1 | herd)"
    >>> res = smm.glmm(formula, data, family="binomial").fit()
    >>> draws = res.simulate(2, rng=1)
    >>> bool(res.refit(draws).llf[1] == res.refit(draws[1]).llf)
    True
    """

    @property
    def sigma(self):
        """There is none."""
        raise AttributeError(
            "Generalized linear mixed models have no sigma; see dispersion."
        )

    @cached_property
    def dispersion(self):
        """Dispersion (1 for a family without one), Series over responses."""
        return pd.Series(self.fit.dispersion, index=self.response_names)

    @cached_property
    def deviance(self):
        """Conditional deviance, as `GLMMResults.deviance`, Series."""
        values = [conditional_deviance(fit) for fit in self.fit.fits]
        return pd.Series(values, index=self.response_names)
