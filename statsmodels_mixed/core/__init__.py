"""Arrays to numbers: criteria of mixed models and their derivatives."""

from .criteria import quadrature_objective
from .evaluation import Evaluation, GaussianEvaluation
from .gaussian import GaussianObjective
from .laplace import LaplaceObjective, ModeEvaluation
from .nested import NestedQuadratureObjective
from .pirls import Penalised
from .quadrature import QuadratureObjective

__all__ = [
    "Evaluation",
    "GaussianEvaluation",
    "GaussianObjective",
    "LaplaceObjective",
    "ModeEvaluation",
    "NestedQuadratureObjective",
    "Penalised",
    "QuadratureObjective",
    "quadrature_objective",
]
