"""The ways to count degrees of freedom, by name."""

from __future__ import annotations

import numpy as np

from ...errors import DataError, check_option
from .between_within import between_within, nested_groupings
from .kenward_roger import kenward_roger, not_reml
from .satterthwaite import not_gaussian, satterthwaite
from .wald import WaldTests


def residual(fit):
    """Tests with rows minus columns as degrees of freedom."""
    df = fit.design.nobs - len(fit.beta)
    return WaldTests(fit.beta, fit.cov_beta, float(df))


def normal(fit):
    """Tests by the normal distribution."""
    return WaldTests(fit.beta, fit.cov_beta, np.inf)


DF_METHODS = {
    "satterthwaite": satterthwaite,
    "kenward-roger": kenward_roger,
    "between-within": between_within,
    "residual": residual,
    "normal": normal,
}
# With a cluster-robust covariance, which has Satterthwaite's degrees of its own
ROBUST = {
    "satterthwaite": lambda fit, robust: robust,
    "residual": lambda fit, robust: WaldTests(
        fit.beta, robust.cov, float(fit.design.nobs - len(fit.beta))
    ),
    "normal": lambda fit, robust: WaldTests(fit.beta, robust.cov, np.inf),
}
GAUSSIAN_ONLY = ("satterthwaite", "kenward-roger")
ALIASES = {"kr": "kenward-roger", "kenward_roger": "kenward-roger", "z": "normal"}
# How tables say it
DESCRIPTIONS = {
    "satterthwaite": "with Satterthwaite degrees of freedom",
    "kenward-roger": "with Kenward-Roger degrees of freedom and covariance",
    "between-within": "with between-within degrees of freedom",
    "residual": "with residual degrees of freedom",
    "normal": "by the normal distribution",
}


def df_method_name(name):
    """The full name of a method, from it or from a short form.

    Raises
    ------
    DataError
        There is no such method.

    Examples
    --------
    >>> df_method_name("kr")
    'kenward-roger'
    """
    if isinstance(name, str):
        name = ALIASES.get(name.lower(), name.lower())
    check_option("df_method", name, tuple(DF_METHODS))
    return name


def check_df_method(design, name, *, gaussian, reml, robust):
    """Refuse a method that the fit to come will not have, before it is made.

    Parameters
    ----------
    design : Design
    name : str
    gaussian, reml, robust : bool
        Of the fit.

    Raises
    ------
    DataError
    """
    if name in GAUSSIAN_ONLY and not gaussian:
        raise not_gaussian(name)
    if robust and name not in ROBUST:
        raise _not_robust(name)
    if name == "kenward-roger" and not reml:
        raise not_reml()
    if name == "between-within":
        nested_groupings(design)


def choose_df_method(df_method, use_t, default, with_t):
    """The method that the arguments of ``fit`` mean.

    Parameters
    ----------
    df_method : str, optional
    use_t : bool, optional
        statsmodels' way to choose between t and normal distribution.
    default : str
        Without either.
    with_t : str
        For ``use_t=True``.

    Raises
    ------
    DataError
        The two contradict each other.

    Examples
    --------
    >>> choose_df_method(None, False, "satterthwaite", "satterthwaite")
    'normal'
    """
    asked = default if use_t is None else with_t if use_t else "normal"
    if df_method is None:
        return asked
    name = df_method_name(df_method)
    if use_t is not None and bool(use_t) == (name == "normal"):
        raise DataError(
            f"use_t={use_t!r} contradicts df_method={df_method!r}; give one of them."
        )
    return name


def fixed_tests(fit, df_method, robust=None):
    """Tests of the fixed effects of a fit.

    Parameters
    ----------
    fit : Fit, GeneralizedFit or PQLFit
    df_method : str
        One of `DF_METHODS`, or a short form.
    robust : ClusterRobust, optional
        Covariance to use in place of the model's.

    Returns
    -------
    WaldTests

    Raises
    ------
    DataError
        The method is not defined for the fit.
    """
    name = df_method_name(df_method)
    if robust is None:
        return DF_METHODS[name](fit)
    if name not in ROBUST:
        raise _not_robust(name)
    return ROBUST[name](fit, robust)


def _not_robust(name):
    return DataError(
        f"df_method={name!r} is defined for the model's own covariance; with "
        f"cov_type='cluster' use one of {', '.join(map(repr, ROBUST))}."
    )
