"""Predictions of results with their errors and intervals."""

from __future__ import annotations

from functools import partial

import numpy as np
import pandas as pd

from ..compat import PredictionResults, PredictionResultsMonotonic
from ..errors import check_level, check_option
from ..linalg.basis import chunks
from ..prediction import (
    marginal_mean,
    marginal_slope,
    observation_quantiles,
    predict_rows,
)


class PredictionMethods:
    """Mixin for results with `RowMethods` and `fixed_tests`."""

    def _predicted(self, rows, random, df_method, **options):
        """Linear prediction of rows, and the distribution of its error.

        Population means are contrasts of the fixed effects and are treated as `t_test`
        treats them, whether asked for or left where a row has no level of the fit;
        about degrees of freedom of errors that involve random effects nothing is
        known, unless there is one number for everything.
        """
        if random == "conditional":
            self._fit_with_rows("get_prediction(random='conditional')")
        tests = self.fixed_tests(df_method)
        found = predict_rows(rows, random=random, cov_beta=tests.cov, **options)
        constant = tests.constant_df
        df = np.full(rows.nobs, np.inf if constant is None else constant)
        for part in chunks(rows.nobs):
            alone = found.population[part]
            if alone.any():
                df[part][alone] = tests.df(rows.exog[part][alone])
        dist = "t" if np.isfinite(df).any() else "norm"
        return found, {"df": df, "dist": dist, "row_labels": rows.labels}

    def _linear_prediction(self, rows, random, df_method, **options):
        """Prediction of a response that is its linear predictor plus noise."""
        found, law = self._predicted(rows, random, df_method, **options)
        noise = self.fit_record.sigma2
        noise = noise if rows.weights is None else noise / rows.weights
        return IntervalsOfValues(
            found.values, found.variance, found.spread + noise, **law
        )

    def _mean_prediction(self, rows, random, df_method, trials, **options):
        """Prediction of a mean behind a link.

        Parameters
        ----------
        rows : Rows
        random : {"none", "conditional", "marginal"}
        df_method : str, optional
        trials : callable
            Gives the numbers of trials of the rows, or says that they are wanted.
        **options
            Of `predict_rows`.
        """
        linear = "conditional" if random == "conditional" else "none"
        found, law = self._predicted(rows, linear, df_method, **options)
        family, eta, spread = self.family, found.values, found.spread
        mean, slope = family.mean, family.mean_derivative
        if random == "marginal":
            mean = partial(_over_spread, marginal_mean, family, spread)
            slope = partial(_over_spread, marginal_slope, family, spread)
        observation = partial(
            _observations,
            trials,
            family=family,
            dispersion=self.dispersion,
            eta=eta,
            se=np.sqrt(found.variance + spread),
            weights=rows.weights,
        )
        return IntervalsOfMeans(
            mean(eta),
            slope(eta) ** 2 * found.variance,
            observation=observation,
            linpred=eta,
            linpred_se=np.sqrt(found.variance),
            func=mean,
            deriv=slope,
            **law,
        )


def _over_spread(function, family, spread, eta):
    """A marginal mean as a function of the linear predictor alone."""
    return function(family, eta, spread)


def _observations(trials, probability, **parts):
    return observation_quantiles(probability=probability, trials=trials(), **parts)


class IntervalsOfValues(PredictionResults):
    """Means of a linear model, with intervals of means and of observations."""

    def conf_int(self, obs=False, alpha=0.05):
        """Intervals of the means, or of new observations.

        Parameters
        ----------
        obs : bool
            Of new observations.
        alpha : float
            One minus the level.

        Returns
        -------
        ndarray, shape (n, 2)

        Raises
        ------
        DataError
            alpha is not between 0 and 1.
        """
        check_level(alpha, "alpha")
        return super().conf_int(obs=obs, alpha=alpha)


class IntervalsOfMeans(PredictionResultsMonotonic):
    """Means of a generalized model, with intervals of means and of observations.

    Parameters
    ----------
    *args, **kwds
        As statsmodels' class takes them.
    observation : callable
        Quantiles of a new observation at a probability.
    """

    def __init__(self, *args, observation, **kwds):
        super().__init__(*args, **kwds)
        self._observation = observation

    def conf_int(self, method="endpoint", alpha=0.05, obs=False, **kwds):
        """Intervals of the means, or of new observations.

        Parameters
        ----------
        method : {"endpoint", "delta"}
            Ends of the interval of the linear predictor, transformed; or the standard
            error of the mean by the delta method.
        alpha : float
            One minus the level.
        obs : bool
            Of new observations: quantiles of the family over what is not known of the
            linear predictor, whose error counts as normal; on the scale of the mean
            (proportions for a binomial response).

        Returns
        -------
        ndarray, shape (n, 2)

        Raises
        ------
        DataError
            Another method, or alpha is not between 0 and 1.
        """
        check_level(alpha, "alpha")
        check_option("method", method, ("endpoint", "delta"))
        if obs:
            ends = [self._observation(p) for p in (alpha / 2, 1 - alpha / 2)]
            return np.column_stack(ends)
        centre, se = self.predicted, self.se
        if method == "endpoint":
            centre, se = self.linpred, self.linpred_se
        ends = self._conf_int_generic(centre, se, alpha, dist_args=self.dist_args)
        if method == "endpoint":  # a decreasing link turns them round
            ends = np.sort(np.column_stack([self.func(e) for e in ends.T]), axis=1)
        return ends

    def summary_frame(self, alpha=0.05, obs=False):
        """Means, standard errors and intervals.

        Parameters
        ----------
        alpha : float
            One minus the level of the intervals.
        obs : bool
            Whether to add the intervals of new observations, which take longer.

        Returns
        -------
        DataFrame
            Columns predicted, se, ci_lower, ci_upper, and obs_ci_lower, obs_ci_upper.
        """
        frame = super().summary_frame(alpha=alpha)
        if obs:
            ends = self.conf_int(alpha=alpha, obs=True)
            columns = ["obs_ci_lower", "obs_ci_upper"]
            ends = pd.DataFrame(ends, index=frame.index, columns=columns)
            frame = pd.concat([frame, ends], axis=1)
        return frame
