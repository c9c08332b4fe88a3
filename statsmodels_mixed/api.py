"""Public names."""

from . import datasets, families
from .comparison import compare_methods
from .diagnostics.quantile_residuals import SimulatedResiduals
from .models import GLMM, LMM, MixedLM, RandomEffects, glmm, lmm, mixedlm
from .pooling import lmlist, pooling
from .power import power
from .results import (
    AnovaComparison,
    GLMMResults,
    LMMResults,
    PQLResults,
    RefitResults,
    anova,
)

__all__ = [
    "GLMM",
    "LMM",
    "AnovaComparison",
    "GLMMResults",
    "LMMResults",
    "MixedLM",
    "PQLResults",
    "RandomEffects",
    "RefitResults",
    "SimulatedResiduals",
    "anova",
    "compare_methods",
    "datasets",
    "families",
    "glmm",
    "lmlist",
    "lmm",
    "mixedlm",
    "pooling",
    "power",
]
