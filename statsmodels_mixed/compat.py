"""Names of statsmodels that are not documented as public, imported here only."""

from statsmodels.base import wrapper
from statsmodels.base._prediction_inference import PredictionResultsMonotonic
from statsmodels.base.model import (
    LikelihoodModel,
    LikelihoodModelResults,
    LikelihoodResultsWrapper,
    ResultMixin,
)
from statsmodels.iolib.summary import Summary, forg
from statsmodels.iolib.table import SimpleTable
from statsmodels.iolib.tableformatting import fmt_params
from statsmodels.regression._prediction import PredictionResults
from statsmodels.stats.contrast import WaldTestResults
from statsmodels.tools.eval_measures import aicc

__all__ = [
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
    "wrapper",
]
