"""From a design to a fit: starting values, minimisation, boundary, certificate."""

from .convergence import Convergence
from .engine import FitOptions, GaussianModel
from .fit import Fit

__all__ = ["Convergence", "Fit", "FitOptions", "GaussianModel"]
