"""From a design to a fit: starting values, minimisation, boundary, certificate."""

from .convergence import Convergence
from .engine import GaussianModel
from .fit import Fit
from .search import FitOptions
from .verdict import check_covariances, deliver

__all__ = [
    "Convergence",
    "Fit",
    "FitOptions",
    "GaussianModel",
    "check_covariances",
    "deliver",
]
