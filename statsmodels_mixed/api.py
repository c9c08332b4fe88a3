"""Public names."""

from . import datasets
from .models import LMM, MixedLM, RandomEffects, lmm, mixedlm
from .results import LMMResults, RefitResults

__all__ = [
    "LMM",
    "LMMResults",
    "MixedLM",
    "RandomEffects",
    "RefitResults",
    "datasets",
    "lmm",
    "mixedlm",
]
