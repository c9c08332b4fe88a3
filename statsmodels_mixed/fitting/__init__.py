"""From a design to a fit: starting values, minimisation, boundary, certificate."""

from .convergence import Convergence
from .engine import GaussianModel
from .fit import Fit
from .generalized import GeneralizedModel
from .generalized_fit import GeneralizedFit
from .search import FitOptions
from .verdict import check_covariances, deliver

__all__ = [
    "Convergence",
    "Fit",
    "FitOptions",
    "GaussianModel",
    "GeneralizedFit",
    "GeneralizedModel",
    "check_covariances",
    "deliver",
]
