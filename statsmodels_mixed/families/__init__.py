"""Families of response distributions and their links: one contract, two registries."""

from .base import Derivatives, Family, Likelihood
from .binomial import Binomial
from .convert import FAMILIES, as_family
from .counts import NegativeBinomial, Poisson
from .links import Link, Log, Power
from .naming import LINKS, as_link
from .probability_links import Cauchit, CLogLog, Logit, LogLog, Probit
from .scaled import Gamma, Gaussian, InverseGaussian

__all__ = [
    "FAMILIES",
    "LINKS",
    "Binomial",
    "CLogLog",
    "Cauchit",
    "Derivatives",
    "Family",
    "Gamma",
    "Gaussian",
    "InverseGaussian",
    "Likelihood",
    "Link",
    "Log",
    "LogLog",
    "Logit",
    "NegativeBinomial",
    "Poisson",
    "Power",
    "Probit",
    "as_family",
    "as_link",
]
