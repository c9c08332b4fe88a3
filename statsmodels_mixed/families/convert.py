"""Families by name, and those of statsmodels."""

from __future__ import annotations

import warnings
from dataclasses import replace

from ..errors import FamilyError
from .base import Family
from .binomial import Binomial
from .counts import NegativeBinomial, Poisson
from .naming import as_link, look_up, statsmodels_class
from .scaled import Gamma, Gaussian, InverseGaussian

FAMILIES = {
    family.name: family
    for family in (
        Binomial,
        Poisson,
        Gamma,
        InverseGaussian,
        Gaussian,
        NegativeBinomial,
    )
}
_ALIASES = {
    "bernoulli": "binomial",
    "normal": "gaussian",
    "inversegaussian": "inverse_gaussian",
    "inverse.gaussian": "inverse_gaussian",
    "negativebinomial": "negative_binomial",
    "nbinom": "negative_binomial",
    "nbinom2": "negative_binomial",
    "nb": "negative_binomial",
    "nb2": "negative_binomial",
}
_FROM_STATSMODELS = {family.__name__: family for family in FAMILIES.values()}


def _from_statsmodels(family):
    """Our family with the link, and the alpha, of one of statsmodels.

    A class stands for its default link, and leaves alpha to be estimated.
    """
    is_class = isinstance(family, type)
    own = statsmodels_class(
        family if is_class else type(family), "statsmodels.genmod.families.family"
    )
    ours = _FROM_STATSMODELS.get(own.__name__) if own else None
    if ours is None:
        raise FamilyError(
            f"{family!r} is no family known here. Use one of {', '.join(FAMILIES)}."
        )
    with warnings.catch_warnings():  # statsmodels warns of an alpha it makes up
        warnings.simplefilter("ignore")
        link = (family() if is_class else family).link
    alpha = None if is_class else getattr(family, "alpha", None)
    fixed = {} if alpha is None else {"alpha": alpha}
    return ours(as_link(link), **fixed)


def as_family(family, link=None):
    """The family that a name, a statsmodels family or one of ours stands for.

    A statsmodels ``NegativeBinomial(alpha=...)`` object holds alpha fixed, as
    statsmodels does, also at its default of 1; its class or the name
    ``"negative_binomial"`` has alpha estimated.

    Parameters
    ----------
    family : str, Family or statsmodels family (an instance or its class)
        It is not modified.
    link : str, Link or statsmodels link, optional
        Instead of the link of the family.

    Returns
    -------
    Family

    Examples
    --------
    >>> as_family("Poisson").link
    Log()
    >>> as_family("bernoulli", link="probit")
    Binomial(link=Probit())
    """
    if isinstance(family, str):
        family = look_up(family, FAMILIES, _ALIASES, "family")
    if isinstance(family, type) and issubclass(family, Family):
        family = family()
    if not isinstance(family, Family):
        family = _from_statsmodels(family)
    return family if link is None else replace(family, link=as_link(link))
