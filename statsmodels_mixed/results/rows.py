"""What results compute from rows: predictions, draws, new responses."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ..design.newrows import row_labels
from ..design.table import check_order
from ..errors import DataError, check_option
from ..prediction import LEVELS, predict_linear
from ..simulation import simulate_responses
from .removed import Remains, removed_error


class RowMethods:
    """Mixin for results with a ``fit_record``, a ``model`` and ``refit``."""

    def _fit_with_rows(self, what):
        """The fit, refused after `remove_data`."""
        if isinstance(self.fit_record.model, Remains):
            raise removed_error(what)
        return self.fit_record

    def _linear(self, exog, transform, random, new_levels, offset, random_data):
        """Linear predictor of new or own rows, and their labels."""
        check_option("new_levels", new_levels, LEVELS)
        if exog is None:
            return self._own_linear(random, random_data)
        if not transform and self.fit_record.design.mean.encoder.design_info:
            return self._coded_linear(exog, random, offset, random_data)
        values, labels = predict_linear(
            self.fit_record,
            exog,
            random="none" if random == "marginal" else random,
            new_levels=new_levels,
            offset=offset,
            random_data=self.model._random_entries(random_data),
        )
        return values, labels

    def _own_linear(self, random, random_data):
        if random_data is not None:
            raise DataError(
                "random_data= describes new rows: give their exog too "
                "(np.empty((n, 0)) for a model without fixed effects)."
            )
        fit = self._fit_with_rows("predict() without exog=")
        values = fit.fixed_part
        if random == "conditional":
            values = values + fit.random_part
        return values, fit.design.row_labels

    def _coded_linear(self, exog, random, offset, random_data):
        """Population means of columns that went through the formula already."""
        if random != "none" or random_data is not None:
            raise DataError(
                "transform=False takes the columns of the fixed effects only; for "
                "random effects of new rows give the data the formula mentions."
            )
        values = self.model.predict(self._params, exog, "linear", offset)
        return values, row_labels(exog, len(values))

    def _responses(self, endog):
        design = self.fit_record.design
        try:
            values = np.asarray(endog, dtype=float)
        except (TypeError, ValueError):
            raise DataError("The new response must be numeric.") from None
        if values.ndim not in (1, 2) or not values.size:
            raise DataError("endog must be a vector, or a matrix of responses.")
        if len(values) == design.nobs:
            check_order(endog, design.row_labels, "The new response")
        elif len(values) == design.nobs_given:
            values = values[design.rows]
        else:
            raise DataError(
                f"The new response has {len(values)} rows, the model {design.nobs}."
            )
        if not np.isfinite(values).all():
            raise DataError("The new response has missing or infinite values.")
        return values

    def bootstrap(self, nrep=100, store=True, rng=None):
        """Parametric bootstrap of the fixed effects: draws from the fit, fitted again.

        In place of statsmodels' method, which draws single rows and is only right
        when rows are independent. For other quantities than the fixed effects use
        ``res.refit(res.simulate(nrep))``.

        Parameters
        ----------
        nrep : int
            Number of draws.
        store : bool
            Whether to keep the estimates in `bootstrap_results`.
        rng : int or numpy.random.Generator, optional

        Returns
        -------
        mean, std : ndarray, shape (p,)
        results : ndarray, shape (nrep, p)
        """
        draws = self.refit(self.simulate(nrep, rng=rng)).params.to_numpy()
        if store:
            self.bootstrap_results = draws
        return draws.mean(axis=0), draws.std(axis=0), draws

    def simulate(self, n=None, random="new", rng=None):
        """Draw responses from the fitted model.

        Parameters
        ----------
        n : int, optional
            Number of draws; without it a single one, as a Series.
        random : {"new", "conditional"}
            New random effects, or the conditional modes.
        rng : int or numpy.random.Generator, optional

        Returns
        -------
        Series or DataFrame
            Rows as in `fittedvalues`.
        """
        fit = self._fit_with_rows("simulate")
        draws = simulate_responses(fit, 1 if n is None else n, random=random, rng=rng)
        if n is None:
            return pd.Series(draws[:, 0], fit.design.row_labels, name=self.endog_name)
        return pd.DataFrame(draws, fit.design.row_labels)


def labelled(values, labels):
    """A Series where the rows have labels."""
    return values if labels is None else pd.Series(values, index=labels)
