"""Formula text to `ModelSpec`; knows no data.

`parse_formula` reads patsy's language plus random terms in lme4's notation,
``y ~ x + (1 + x | g)``, and structure calls, ``diag(x | g)``.
"""

from statsmodels_mixed.formula.calls import check_calls
from statsmodels_mixed.formula.names import expression_names, variables
from statsmodels_mixed.formula.parser import parse_formula, parse_predictor
from statsmodels_mixed.formula.response import PAIR, response_columns
from statsmodels_mixed.formula.spec import LinearPredictor, ModelSpec, RandomTerm

__all__ = [
    "PAIR",
    "LinearPredictor",
    "ModelSpec",
    "RandomTerm",
    "check_calls",
    "expression_names",
    "parse_formula",
    "parse_predictor",
    "response_columns",
    "variables",
]
