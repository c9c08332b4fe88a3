"""What the log-likelihood of a result is of: data, distribution, parameters.

Results of this package and of statsmodels say these things in different ways.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from statsmodels.genmod.generalized_linear_model import GLM
from statsmodels.regression.linear_model import RegressionModel
from statsmodels.regression.mixed_linear_model import MixedLM

from ...errors import ComparisonError, DataError
from ...families import Family, Gaussian, as_family

BISECTIONS = 100
FARTHEST = 100.0  # logarithm of a dispersion


@dataclass(frozen=True, eq=False)
class Stated:
    """A maximised log-likelihood, and everything it depends on.

    Attributes
    ----------
    llf : float
    n_parameters : int
        All that were estimated.
    family : Family
    endog : ndarray, shape (n,)
        Numbers of successes where there are trials.
    trials, weights, offset : ndarray, shape (n,)
    """

    llf: float
    n_parameters: int
    family: Family
    endog: np.ndarray
    trials: np.ndarray
    weights: np.ndarray
    offset: np.ndarray


def stated(results):
    """What a result says of its likelihood.

    Parameters
    ----------
    results : results
        Of this package, or of statsmodels' OLS, WLS, GLS, MixedLM or GLM.

    Returns
    -------
    Stated

    Raises
    ------
    ComparisonError
        Results of another kind, or without their rows.
    DataError
        No results at all.
    """
    model = getattr(results, "model", None)
    if not hasattr(model, "endog"):
        raise DataError(
            f"A {type(results).__name__} has no likelihood; give the results of a "
            "model's fit()."
        )
    if model.endog is None:
        raise ComparisonError(
            "remove_data() took the rows from one of the fits, so it cannot be seen "
            "whether both are of the same data; compare before removing them."
        )
    if isinstance(model, GLM):
        return _of_glm(results)
    if hasattr(results, "fit_record"):
        return _of_mixed(results)
    if isinstance(model, (RegressionModel, MixedLM)):
        return _stated(results.llf, len(results.params) + 1, Gaussian(), model)
    raise ComparisonError(
        f"The likelihood of a {type(model).__name__} result is not known here; compare "
        "with results of this package, or of statsmodels' OLS or GLM."
    )


def _stated(llf, n_parameters, family, model, trials=None, weights=None):
    endog = np.asarray(model.endog, dtype=float)
    weights = getattr(model, "weights", None) if weights is None else weights
    offset = getattr(model, "offset", None)
    rows = [
        np.broadcast_to(default if given is None else np.asarray(given), len(endog))
        for given, default in ((trials, 1.0), (weights, 1.0), (offset, 0.0))
    ]
    return Stated(float(llf), n_parameters, family, endog, *rows)


def _of_mixed(results):
    model = results.model
    family = getattr(results, "family", None) or Gaussian()
    trials = model.design.trials
    return _stated(results.llf, results.df_modelwc, family, model, trials)


def _of_glm(results):
    """Of statsmodels' GLM, whose own log-likelihood is at a moment estimate.

    Estimates of the mean do not depend on the dispersion, so that of maximum
    likelihood can be found afterwards.
    """
    model = results.model
    family = as_family(model.family)
    trials = np.asarray(model.n_trials, dtype=float)
    endog = np.asarray(model.endog, dtype=float)
    if (trials != 1.0).any():
        endog = np.rint(endog * trials)  # statsmodels holds proportions
    weights = np.asarray(model.var_weights) * _repeats(model, family)
    likelihood = family.observe(endog, trials, weights)
    eta = np.asarray(results.predict(which="linear"), dtype=float)
    zeta = _log_dispersion(likelihood, eta) if family.dispersion_name else 0.0
    n_parameters = np.linalg.matrix_rank(model.exog) + bool(family.dispersion_name)
    offset = np.zeros(len(endog))
    for known in (model.offset, model.exposure):  # of exposures the logarithm
        offset = offset if known is None else offset + np.asarray(known)
    llf = float(likelihood.value(eta, zeta).sum())
    trials = np.broadcast_to(trials, len(endog))
    return Stated(llf, int(n_parameters), family, endog, trials, weights, offset)


def _repeats(model, family):
    """How often each row counts, where that is the same as a prior weight."""
    repeats = np.asarray(model.freq_weights)
    if family.dispersion_name and (repeats != 1.0).any():
        raise ComparisonError(
            f"freq_weights of a {family.name} GLM repeat rows, while weights here "
            "divide the dispersion; repeat the rows in the data, or use var_weights."
        )
    return repeats


def _log_dispersion(likelihood, eta):
    """Logarithm of the dispersion of highest likelihood, by bisection."""
    low, high = -FARTHEST, FARTHEST
    for _ in range(BISECTIONS):
        middle = 0.5 * (low + high)
        rising = likelihood.dispersion_derivatives(eta, middle)[0].sum() > 0.0
        low, high = (middle, high) if rising else (low, middle)
    return middle
