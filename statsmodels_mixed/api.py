"""Public names."""

from . import datasets, families
from .comparison import compare_methods
from .diagnostics.design_description import describe_design
from .diagnostics.formula_words import describe_formula
from .diagnostics.maximal import maximal_model
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
from .results.estimates import plot_estimates

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
    "describe_design",
    "describe_formula",
    "families",
    "glmm",
    "lmlist",
    "lmm",
    "maximal_model",
    "mixedlm",
    "plot_estimates",
    "pooling",
    "power",
]
