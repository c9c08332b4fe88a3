"""Public names."""

from . import datasets, families
from .comparison import compare_methods
from .models import GLMM, LMM, MixedLM, RandomEffects, glmm, lmm, mixedlm
from .results import GLMMResults, LMMResults, PQLResults, RefitResults

__all__ = [
    "GLMM",
    "LMM",
    "GLMMResults",
    "LMMResults",
    "MixedLM",
    "PQLResults",
    "RandomEffects",
    "RefitResults",
    "compare_methods",
    "datasets",
    "families",
    "glmm",
    "lmm",
    "mixedlm",
]
