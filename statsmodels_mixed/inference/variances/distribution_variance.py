"""Variance of a response about its mean, on the scale of the link.

Nakagawa, Johnson and Schielzeth (2017), Journal of the Royal Society Interface 14,
20170213: what takes the place of sigma^2 where the response is not Gaussian.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.special import polygamma

from ...errors import DataError, check_option
from ...families.scaled import Scaled
from ...fitting import FitOptions, GeneralizedModel, deliver
from ...prediction import linear_variances, marginal_mean

# Variance of the latent variable whose sign a binary response is
LATENT = {
    "logit": np.pi**2 / 3.0,
    "probit": 1.0,
    "cloglog": np.pi**2 / 6.0,
    "loglog": np.pi**2 / 6.0,
}
# families whose logarithm is nearly that of a gamma variable
GAMMA_LIKE = ("poisson", "negative_binomial", "gamma")
OVER = ", mu the mean over the random effects of the model without fixed effects"
AT_ZERO = ", mu the mean at random effects of zero in the model without fixed effects"


def null_predictor(fit):
    """Linear predictor, and variance of the random part, without fixed effects.

    Parameters
    ----------
    fit : GeneralizedFit or PQLFit
        The same random effects and offset are fitted again with an intercept alone, by
        the Laplace approximation.

    Returns
    -------
    eta, variance : ndarray, shape (n,)
    dispersion : float
        Of the model itself, not of that without fixed effects.
    """
    design, model = fit.design, fit.model
    mean = design.mean
    if mean.exog.shape[1] != 1 or (mean.exog != 1.0).any():
        mean = replace(mean, exog=np.ones((design.nobs, 1)), exog_names=("Intercept",))
        design = replace(design, predictors=(mean, *design.predictors[1:]))
        null = deliver(GeneralizedModel(design, model.family).fit(FitOptions()))
    else:
        null = fit
    return null.fixed_part, linear_variances(null)[1], float(fit.sigma2)


def _row_moments(fit):
    """Mean of each row in the null model, variance of the response there, and a text.

    Links that normal random effects leave have no mean over them; at their mode then.
    """
    family, weights = fit.model.family, fit.design.weights
    eta, variance, dispersion = null_predictor(fit)
    try:
        mu, where = marginal_mean(family, eta, variance), OVER
    except DataError:
        mu, where = family.mean(eta), AT_ZERO
    if isinstance(family, Scaled) and weights is not None:
        dispersion = dispersion / weights
    return mu, family.variance(mu, dispersion), where


def _latent(fit):
    """Variance of the latent variable."""
    link = fit.model.family.link.name
    text = f"variance {LATENT[link]:.4f} of the latent variable of the {link} link"
    return LATENT[link], text + ", of one trial"


def _delta(fit):
    """``V(mu) / mu'(eta)^2``."""
    mu, variance, where = _row_moments(fit)
    family = fit.model.family
    slope = family.mean_derivative(family.linear_predictor(mu))
    return (variance / slope**2).mean(), "delta method V(mu)/mu'(eta)^2" + where


def _lognormal(fit):
    """``log(1 + V(mu) / mu^2)``."""
    mu, variance, where = _row_moments(fit)
    value = np.log1p(variance / mu**2).mean()
    return value, "lognormal approximation log(1 + V(mu)/mu^2)" + where


def _trigamma(fit):
    """``trigamma(mu^2 / V(mu))``, the variance of the logarithm of a gamma variable."""
    mu, variance, where = _row_moments(fit)
    return polygamma(1, mu**2 / variance).mean(), "trigamma(mu^2/V(mu))" + where


METHODS = {
    "latent": _latent,
    "lognormal": _lognormal,
    "delta": _delta,
    "trigamma": _trigamma,
}


def methods_for(family):
    """Methods there are for a family with its link; the first is the default.

    Examples
    --------
    >>> from statsmodels_mixed.families import Binomial, Poisson
    >>> methods_for(Binomial()), methods_for(Poisson()), methods_for(Poisson("sqrt"))
    (('latent', 'delta'), ('lognormal', 'delta', 'trigamma'), ('delta',))
    """
    link = family.link.name
    if family.name == "binomial" and link in LATENT:
        return "latent", "delta"
    if link == "log" and family.name in GAMMA_LIKE:
        return "lognormal", "delta", "trigamma"
    if link == "log" and family.name != "binomial":
        return "lognormal", "delta"
    return ("delta",)


def distribution_variance(fit, method=None):
    """Variance of the response about its mean, on the scale of the link.

    Parameters
    ----------
    fit : GeneralizedFit or PQLFit
    method : {"latent", "lognormal", "delta", "trigamma"}, optional
        By default the first that the family has: ``"latent"`` for a binomial response
        (not of the cauchit link, whose latent variable has no variance),
        ``"lognormal"`` for the log link of other families, else ``"delta"``.

    Returns
    -------
    value : float
        Mean over the rows, which may differ in offset, weight and random slopes.
    definition : str
        What it is, for the user.

    Raises
    ------
    DataError
        The method is not defined for the family and its link.

    Notes
    -----
    Nakagawa, Johnson and Schielzeth (2017), table 1 and section 2.2. The mean is that
    over the random effects of the model without fixed effects.
    """
    family = fit.model.family
    known = methods_for(family)
    method = known[0] if method is None else method
    check_option("method", method, tuple(METHODS))
    if method not in known:
        raise DataError(
            f"method={method!r} is not defined for the {family.name} family with the "
            f"{family.link.name} link; use {' or '.join(map(repr, known))}."
        )
    value, definition = METHODS[method](fit)
    return float(value), definition
