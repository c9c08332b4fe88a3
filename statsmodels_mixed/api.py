"""Public names."""

from . import datasets, families
from .models import GLMM, LMM, MixedLM, RandomEffects, glmm, lmm, mixedlm
from .results import GLMMResults, LMMResults, RefitResults

__all__ = [
    "GLMM",
    "LMM",
    "GLMMResults",
    "LMMResults",
    "MixedLM",
    "RandomEffects",
    "RefitResults",
    "datasets",
    "families",
    "glmm",
    "lmm",
    "mixedlm",
]
