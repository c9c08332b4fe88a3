"""Results objects: short methods that delegate, tables as DataFrames."""

from .lmm import LMMResults, LMMResultsWrapper
from .refits import RefitResults

__all__ = ["LMMResults", "LMMResultsWrapper", "RefitResults"]
