"""Model classes: thin subclasses of statsmodels' models."""

from .glmm import GLMM
from .lmm import LMM
from .mixedlm import MixedLM
from .random import RandomEffects
from .shortcuts import glmm, lmm, mixedlm

__all__ = ["GLMM", "LMM", "MixedLM", "RandomEffects", "glmm", "lmm", "mixedlm"]
