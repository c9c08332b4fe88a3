"""Public names."""

from . import datasets
from .models import LMM, RandomEffects, lmm, mixedlm
from .results import LMMResults, RefitResults

__all__ = [
    "LMM",
    "LMMResults",
    "RandomEffects",
    "RefitResults",
    "datasets",
    "lmm",
    "mixedlm",
]
