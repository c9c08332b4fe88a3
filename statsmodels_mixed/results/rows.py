"""What results compute from rows: predictions, draws, new responses."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ..design.newrows import row_labels
from ..design.response import check_trials_argument, is_number
from ..design.table import check_order
from ..errors import DataError, check_option
from ..fitting.draws import NEW_LEVELS
from ..prediction import new_rows, own_rows, predict_linear
from ..simulation import simulate_responses
from .predictions import PredictionMethods
from .removed import Remains, removed_error


class RowMethods(PredictionMethods):
    """Mixin for results with a ``fit_record``, a ``model`` and ``refit``."""

    def _fit_with_rows(self, what):
        """The fit, refused after `remove_data`."""
        if isinstance(self.fit_record.model, Remains):
            raise removed_error(what)
        return self.fit_record

    def _prediction_rows(self, exog, offset, random_data):
        """New rows, or those of the fit, as `Rows`."""
        if exog is not None:
            entries = self.model._random_entries(random_data)
            return new_rows(self.fit_record, exog, offset, entries)
        if random_data is not None:
            raise DataError(
                "random_data= describes new rows: give their exog too "
                "(np.empty((n, 0)) for a model without fixed effects)."
            )
        return own_rows(self._fit_with_rows("A prediction without exog="))

    def _linear(self, exog, transform, offset, random_data, random, **options):
        """Linear predictor of new or own rows, and their labels."""
        check_option("new_levels", options["new_levels"], NEW_LEVELS)
        coded = self.fit_record.design.mean.encoder.design_info
        if exog is not None and not transform and coded:
            return self._coded_linear(exog, random, offset, random_data)
        rows = self._prediction_rows(exog, offset, random_data)
        random = "none" if random == "marginal" else random
        return predict_linear(rows, random=random, **options), rows.labels

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

    def simulate(
        self,
        n=None,
        random="new",
        rng=None,
        newdata=None,
        *,
        new_levels="error",
        offset=None,
        random_data=None,
        n_trials=None,
    ):
        """Draw responses from the fitted model, for its rows or for new ones.

        Parameters
        ----------
        n : int, optional
            Number of draws, 1 or more; without it a single one, as a Series.
        random : {"new", "conditional"}
            New random effects for every level, or the conditional modes. Rows with
            the same level share its effects within a draw.
        rng : int or numpy.random.Generator, optional
        newdata : DataFrame, dict or array_like, optional
            New rows, as for `predict`; their weights are one. They need the columns
            of all grouping factors, which say which rows share random effects.
        new_levels : {"error", "population", "draw"}
            With ``random="conditional"``, levels of a grouping factor that were not
            there when fitting: refuse, random effects of 0, or drawn ones. Rows
            without a label are refused by ``"error"`` whatever `random` is, and each
            a new level of its own otherwise.
        offset : str or array_like, optional
            For new rows, when the model was given ``offset=`` as an array.
        random_data : list, optional
            For new rows of a model built from arrays, one entry per term.
        n_trials : str, array_like or int, optional
            Numbers of trials of new rows, where the binomial response of the fit had
            such numbers. By default the column that ``n_trials=`` named at the fit.

        Returns
        -------
        Series or DataFrame
            Rows as in `fittedvalues`, or in `newdata`.

        Raises
        ------
        DataError, NewLevelError

        Examples
        --------
        >>> import statsmodels_mixed as smm
        >>> data = smm.datasets.load("sleepstudy")
        >>> res = smm.lmm("Reaction ~ Days + (Days | Subject)", data).fit()
        >>> new = {"Days": [0, 9], "Subject": ["new", "new"]}
        >>> res.simulate(3, rng=1, newdata=new).shape
        (2, 3)
        """
        options = {"random": random, "rng": rng, "new_levels": new_levels}
        if newdata is None:
            fit = self._fit_with_rows("simulate")
            rows, labels = None, fit.design.row_labels
            self._refuse_for_own_rows(offset, random_data, n_trials)
        else:
            fit, rows = (
                self.fit_record,
                self._prediction_rows(newdata, offset, random_data),
            )
            options |= {"rows": rows, "trials": self._trials(rows, n_trials)}
            labels = rows.labels
        draws = simulate_responses(fit, 1 if n is None else n, **options)
        if n is None:
            return pd.Series(draws[:, 0], labels, name=self.endog_name)
        return pd.DataFrame(draws, labels)

    @staticmethod
    def _refuse_for_own_rows(offset, random_data, n_trials):
        given = {"offset": offset, "random_data": random_data, "n_trials": n_trials}
        for name, value in given.items():
            if value is not None:
                raise DataError(
                    f"{name}= describes new rows: give newdata= too. The rows of the "
                    "fit have their own."
                )

    def _trials(self, rows, n_trials, own=False):
        """Numbers of trials of new rows, None where there is one each."""
        fit = self.fit_record
        if own and n_trials is None:
            return fit.design.trials
        check_trials_argument(getattr(fit, "family", None), n_trials)
        column = fit.design.trials_column
        if n_trials is None and column and column in rows:
            n_trials = column
        if n_trials is None:
            if fit.design.trials is None:
                return None
            there = f", or the column {column!r}" if column else ""
            raise DataError(
                f"The response {self.endog_name!r} counts successes among trials: give "
                "n_trials=, the numbers of trials of the new rows (1, for a single "
                f"one each){there}."
            )
        if is_number(n_trials):
            n_trials = np.full(rows.nobs, n_trials)
        trials = rows.column(n_trials, "n_trials")
        bad = np.flatnonzero((trials < 0) | (trials != np.rint(trials)))
        if len(bad):
            raise DataError(
                f"n_trials= must be whole numbers, 0 or more, but it is "
                f"{trials[bad[0]]:g} in row {rows.index[bad[0]]}; correct it."
            )
        return trials


def labelled(values, labels):
    """A Series where the rows have labels."""
    return values if labels is None else pd.Series(values, index=labels)
