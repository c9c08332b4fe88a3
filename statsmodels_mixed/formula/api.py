"""Formula shortcuts, as ``statsmodels.formula.api`` has them."""

from ..models import glmm, lmm, mixedlm

__all__ = ["glmm", "lmm", "mixedlm"]
