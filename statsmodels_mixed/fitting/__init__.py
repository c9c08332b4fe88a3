"""From a design to a fit: starting values, minimisation, boundary, certificate."""

from .convergence import Convergence
from .engine import GaussianModel
from .fit import Fit
from .generalized import GeneralizedModel
from .generalized_fit import GeneralizedFit
from .methods import METHODS
from .pql import PQLFit
from .search import FitOptions, Sampling
from .verdict import check_covariances, deliver

__all__ = [
    "METHODS",
    "Convergence",
    "Fit",
    "FitOptions",
    "GaussianModel",
    "GeneralizedFit",
    "GeneralizedModel",
    "PQLFit",
    "Sampling",
    "check_covariances",
    "deliver",
]
