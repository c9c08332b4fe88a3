"""Linear and generalized linear mixed models as a statsmodels extension."""

from . import errors
from ._version import __version__
from .api import *  # noqa: F403
from .api import __all__ as _names

__all__ = [*_names, "__version__", "errors"]
