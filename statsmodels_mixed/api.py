"""Public names."""

from . import datasets
from ._version import __version__
from .models import LMM, RandomEffects, lmm, mixedlm
from .results import LMMResults, RefitResults

__all__ = [
    "LMM",
    "LMMResults",
    "RandomEffects",
    "RefitResults",
    "__version__",
    "datasets",
    "lmm",
    "mixedlm",
]
