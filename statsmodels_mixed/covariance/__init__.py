"""Covariance structures of random-effects terms: one contract, one registry."""

from .base import CovarianceStructure
from .diagonal import Diagonal
from .unstructured import Unstructured

STRUCTURES = {"us": Unstructured, "diag": Diagonal}

__all__ = ["STRUCTURES", "CovarianceStructure", "Diagonal", "Unstructured"]
