"""Model classes: thin subclasses of statsmodels' models."""

from .lmm import LMM
from .random import RandomEffects
from .shortcuts import lmm, mixedlm

__all__ = ["LMM", "RandomEffects", "lmm", "mixedlm"]
