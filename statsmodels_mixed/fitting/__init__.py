"""From a design to a fit: starting values, minimisation, boundary, certificate."""

from .convergence import Convergence
from .fit import Fit, FitOptions, GaussianModel

__all__ = ["Convergence", "Fit", "FitOptions", "GaussianModel"]
