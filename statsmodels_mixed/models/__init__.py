"""Model classes: thin subclasses of statsmodels' models."""

from .lmm import LMM
from .mixedlm import MixedLM
from .random import RandomEffects
from .shortcuts import lmm, mixedlm

__all__ = ["LMM", "MixedLM", "RandomEffects", "lmm", "mixedlm"]
