"""Pandas labels for what results return."""

from __future__ import annotations

from functools import wraps
from typing import ClassVar

import pandas as pd

from ..compat import LikelihoodResultsWrapper, wrapper
from .intervals import IntervalMethods


class MixedResultsWrapper(LikelihoodResultsWrapper):
    """Base of the wrappers of the results classes."""

    _attrs: ClassVar = {
        "resid_pearson": "rows",
        "resid_response": "rows",
        "resid_deviance": "rows",
        "resid_working": "rows",
        "fitted_marginal": "rows",
        "fe_params": "columns",
        "bse_fe": "columns",
    }
    _wrap_attrs = wrapper.union_dicts(LikelihoodResultsWrapper._wrap_attrs, _attrs)
    # not cov_params: statsmodels would label combinations as if they were parameters
    _wrap_methods: ClassVar = {}

    def __repr__(self):
        return repr(self._results)

    @wraps(IntervalMethods.conf_int)
    def conf_int(self, *args, **kwargs):
        table = self._results._interval_table(*args, **kwargs)
        return table.set_axis([0, 1], axis=1)

    def cov_params(self, *args, **kwargs):
        """Covariance of the parameters, or of combinations of them."""
        values = self._results.cov_params(*args, **kwargs)
        if {"r_matrix", "column", "other"} & set(kwargs) or args:
            return values
        names = self.model.exog_names
        return pd.DataFrame(values, index=names, columns=names)
