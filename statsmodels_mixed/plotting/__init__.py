"""Pictures of results: the only importer of matplotlib."""

from .methods import plot_methods

__all__ = ["plot_methods"]
