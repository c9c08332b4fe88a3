"""Sphinx configuration: ``python -m sphinx -W -b html docs docs/_build/html``."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import statsmodels_mixed

project = "statsmodels_mixed"
author = "the statsmodels_mixed developers"
copyright = author
version = release = statsmodels_mixed.__version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.mathjax",
    "numpydoc",
    "matplotlib.sphinxext.plot_directive",
]
# the code of pictures stands above them, and is run by the tests too
plot_include_source = True
plot_html_show_source_link = False
plot_html_show_formats = False
plot_formats = [("png", 100)]
exclude_patterns = ["_build"]
default_role = "code"
autosummary_generate = True
autodoc_typehints = "none"
numpydoc_show_class_members = False
# `statsmodels_mixed.lmm` is a function; statsmodels' own members are not ours to list
autodoc_default_options = {"members": True, "show-inheritance": True}

html_theme = "alabaster"
html_theme_options = {
    "description": "Mixed models for statsmodels",
    "page_width": "1000px",
    "sidebar_width": "240px",
}
