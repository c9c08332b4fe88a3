"""Names of statsmodels that are not documented as public, imported here only."""

import numpy as np
from statsmodels.base import wrapper
from statsmodels.base._prediction_inference import PredictionResultsMonotonic
from statsmodels.base.model import (
    LikelihoodModel,
    LikelihoodModelResults,
    LikelihoodResultsWrapper,
    ResultMixin,
)
from statsmodels.formula._manager import FormulaManager
from statsmodels.iolib.summary import Summary, forg
from statsmodels.iolib.table import Cell, SimpleTable
from statsmodels.iolib.tableformatting import fmt_params
from statsmodels.regression._prediction import PredictionResults
from statsmodels.stats.contrast import ContrastResults, WaldTestResults
from statsmodels.tools.eval_measures import aicc

__all__ = [
    "Cell",
    "ContrastResults",
    "LikelihoodModel",
    "LikelihoodModelResults",
    "LikelihoodResultsWrapper",
    "PredictionResults",
    "PredictionResultsMonotonic",
    "ResultMixin",
    "SimpleTable",
    "Summary",
    "WaldTestResults",
    "aicc",
    "fmt_params",
    "forg",
    "linear_constraints",
    "wrapper",
]


def linear_constraints(constraint, names):
    """Matrix and values of linear constraints on named parameters.

    Parameters
    ----------
    constraint : array_like, str or tuple
        As statsmodels' tests take them.
    names : list of str

    Returns
    -------
    matrix : ndarray, shape (r, p)
    values : ndarray, shape (r,)
    """
    found = FormulaManager().get_linear_constraints(constraint, names)
    matrix = np.atleast_2d(np.asarray(found.constraint_matrix, dtype=float))
    values = found.constraint_values
    values = 0.0 if values is None else np.asarray(values, dtype=float).ravel()
    return matrix, np.broadcast_to(values, len(matrix))
