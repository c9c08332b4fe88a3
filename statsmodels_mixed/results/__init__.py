"""Results classes: subclasses of statsmodels', and their tables."""

from .glmm import GLMMResults, GLMMResultsWrapper
from .lmm import LMMResults, LMMResultsWrapper
from .pql import PQLResults
from .refits import RefitResults

__all__ = [
    "GLMMResults",
    "GLMMResultsWrapper",
    "LMMResults",
    "LMMResultsWrapper",
    "PQLResults",
    "RefitResults",
]
