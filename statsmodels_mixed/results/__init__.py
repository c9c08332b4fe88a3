"""Results classes: subclasses of statsmodels', and their tables."""

from .anova import AnovaComparison, anova
from .glmm import GLMMResults, GLMMResultsWrapper
from .lmm import LMMResults, LMMResultsWrapper
from .pql import PQLResults
from .refits import RefitResults

__all__ = [
    "AnovaComparison",
    "GLMMResults",
    "GLMMResultsWrapper",
    "LMMResults",
    "LMMResultsWrapper",
    "PQLResults",
    "RefitResults",
    "anova",
]
