"""What is looked at in each of many repeated fits."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ...errors import DataError, MixedModelError
from ...fitting.sdcor import sdcor_names, sdcor_values


def fixed_names(fit):
    """Names of the fixed effects that are not aliased.

    Parameters
    ----------
    fit : Fit

    Returns
    -------
    list of str
    """
    kept = np.sort(fit.model.coordinates.basis.kept)
    return [fit.design.mean.exog_names[j] for j in kept]


class Estimates:
    """Fixed effects, then standard deviations, correlations and the scale.

    Parameters
    ----------
    fit : Fit
        The one that is repeated.

    Attributes
    ----------
    names : list of str
    of_fit : ndarray
        Values of that fit.
    """

    batched = True

    def __init__(self, fit):
        self.names = [*fixed_names(fit), *sdcor_names(fit)]
        self.of_fit = self(fit)

    def __call__(self, fit):
        return np.concatenate([fit.beta, sdcor_values(fit)], axis=-1)


class Statistic:
    """What a function of the user says of results.

    Parameters
    ----------
    function : callable
        Of results; returns a number, or a dict, Series or sequence of numbers.
    results_of : callable
        Results from a fit.
    fit : Fit
        The one that is repeated; `names` and `of_fit` are those of its value.
    """

    batched = False

    def __init__(self, function, results_of, fit):
        self._function, self._results_of = function, results_of
        self.names, self.of_fit = _named(function(results_of(fit)))

    def __call__(self, fit):
        try:
            value = self._function(self._results_of(fit))
        except MixedModelError:
            raise
        except Exception as error:  # of a draw: counted there, the others go on
            raise DataError(
                f"statistic raised {type(error).__name__}: {error}"
            ) from error
        _, out = _named(value)
        if len(out) != len(self.names):
            raise DataError(
                f"statistic returned {len(out)} numbers, and {len(self.names)} for "
                "the fit itself; return the same for all."
            )
        return out


def _named(value):
    """Names and numbers of what a statistic returned."""
    if isinstance(value, (dict, pd.Series)):
        named = dict(value)
        names, numbers = list(map(str, named)), list(named.values())
    else:
        numbers = value
        names = [f"statistic[{i}]" for i in range(np.size(value))]
        names = ["statistic"] if np.ndim(value) == 0 else names
    try:
        return names, np.ravel(np.asarray(numbers, dtype=float))
    except (TypeError, ValueError):
        raise DataError(
            "statistic must return a number, or a dict, Series or sequence of "
            f"numbers; it returned {type(value).__name__}."
        ) from None
