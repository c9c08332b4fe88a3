"""The version, read by the build and by ``statsmodels_mixed.__version__``."""

__version__ = "0.1.0"
