"""Arrays to numbers: criteria of mixed models and their derivatives."""

from .evaluation import Evaluation
from .gaussian import GaussianObjective

__all__ = ["Evaluation", "GaussianObjective"]
