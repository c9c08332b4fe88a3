"""Covariance structures of random-effects terms: one contract, one registry."""

from .base import CovarianceStructure
from .diagonal import Diagonal
from .homdiag import HomogeneousDiagonal
from .unstructured import Unstructured

STRUCTURES = {"us": Unstructured, "diag": Diagonal, "homdiag": HomogeneousDiagonal}

__all__ = [
    "STRUCTURES",
    "CovarianceStructure",
    "Diagonal",
    "HomogeneousDiagonal",
    "Unstructured",
]
