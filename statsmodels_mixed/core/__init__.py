"""Arrays to numbers: criteria of mixed models and their derivatives."""

from .evaluation import Evaluation, GaussianEvaluation
from .gaussian import GaussianObjective
from .laplace import LaplaceObjective, ModeEvaluation
from .pirls import Penalised

__all__ = [
    "Evaluation",
    "GaussianEvaluation",
    "GaussianObjective",
    "LaplaceObjective",
    "ModeEvaluation",
    "Penalised",
]
