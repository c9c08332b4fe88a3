"""Formula shortcuts, as ``statsmodels.formula.api`` has them."""

from ..models import lmm, mixedlm

__all__ = ["lmm", "mixedlm"]
