"""Linear and generalized linear mixed models as a statsmodels extension."""

from . import errors
from .api import *  # noqa: F403
from .api import __all__ as _names
from .api import __version__

__all__ = [*_names, "errors"]
