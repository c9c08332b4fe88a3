"""Results of a linear mixed model."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ..compat import PredictionResults, wrapper
from ..design.check import check_response
from ..errors import check_option
from ..fitting import deliver
from ..prediction import RANDOM, population_variances
from .base import MixedResults
from .refits import RefitResults
from .rows import labelled
from .wrapper import MixedResultsWrapper


class LMMResults(MixedResults):
    """Estimates of a linear mixed model, with everything statsmodels does to them.

    `params` holds the fixed effects only, so tests, intervals and tables treat
    them as those of any regression. The variance parameters are in `cov_re`,
    `varcorr()`, `theta`, `sigma` and `scale`.

    Attributes
    ----------
    llf : float
        Log-likelihood, or REML criterion when `reml` is true (see there).
    deviance : float
        ``-2 llf``.
    scale, sigma : float
        Residual variance and standard deviation.
    converged : bool
        Verdict of the certificate `convergence`.
    singular : bool
        Whether some variance, or combination of effects, has variance zero.
    """

    def __init__(self, model, fit, df_method="satterthwaite"):
        super().__init__(model, fit, df_method)
        self.reml = fit.reml
        self.method = "REML" if fit.reml else "ML"
        self.criterion_name = "REML criterion:" if fit.reml else "Deviance:"
        self.sigma = float(np.sqrt(fit.sigma2))

    _name = "Linear Mixed Model", "LMM"

    @property
    def deviance(self):
        """Minus twice `llf`: the criterion that was minimised."""
        return float(self.fit_record.deviance)

    @property
    def fittedvalues(self):
        """Fitted values with the conditional modes, ``X beta + Z b`` (+ offset)."""
        fit = self._fit_with_rows("fittedvalues")
        return fit.fixed_part + fit.random_part

    @property
    def fitted_marginal(self):
        """Fitted population means, ``X beta`` (+ offset)."""
        return self._fit_with_rows("fitted_marginal").fixed_part

    @property
    def resid(self):
        """Response minus `fittedvalues`."""
        return self._fit_with_rows("resid").design.endog - self.fittedvalues

    @property
    def resid_pearson(self):
        """Residuals over their standard deviation, ``sqrt(w) resid / sigma``."""
        weights = self.fit_record.design.weights
        scaled = self.resid / self.sigma
        return scaled if weights is None else scaled * np.sqrt(weights)

    # ---- more fits ----------------------------------------------------------

    def refit(self, endog):
        """Fit the same model to another response, or to many.

        Parameters
        ----------
        endog : array_like, shape (n,) or (n, R)
            One value per row that was used, or per row of the original data.

        Returns
        -------
        LMMResults or RefitResults
            The latter for a matrix: all responses at once, each at the optimum it
            would reach alone.

        Raises
        ------
        DataError
            Another length, missing values, or a constant response.

        Notes
        -----
        A response that the formula transforms is given transformed.
        """
        self._fit_with_rows("refit")
        values = self._responses(endog)
        check_response(values, "endog")
        fit = deliver(self.model.engine.fit(self.reml, self.options, values))
        if values.ndim == 1:
            return self.model.with_response(values)._wrap(fit, self.df_method, self.options)
        names = getattr(endog, "columns", pd.RangeIndex(values.shape[1]))
        return RefitResults(fit, tuple(self.model.exog_names), names)

    def predict(
        self,
        exog=None,
        transform=True,
        random="none",
        new_levels="error",
        offset=None,
        random_data=None,
    ):
        """Predict the response for new rows, or for the rows of the fit.

        Parameters
        ----------
        exog : DataFrame, dict or array_like, optional
            New data with the columns the formula mentions; a matrix of fixed-effects
            columns when the model was built from arrays or `transform` is false, with
            or without those that were dropped as aliased. A DataFrame is matched by
            the names of its columns.
        transform : bool
            Whether to pass `exog` through the formula.
        random : {"none", "conditional"}
            Population mean, or with the conditional modes of known levels.
        new_levels : {"error", "population"}
            For unseen levels of a grouping factor: refuse, or random effects of 0.
        offset : str or array_like, optional
            For new rows, when the model was given ``offset=`` as an array.
        random_data : list, optional
            For new rows of a model built from arrays: one `RandomEffects`, pair
            ``(groups, exog)`` or array of groups per term, as in ``LMM(random=)`` and
            in that order. Varying effects that repeat columns of `exog` can be left
            out.

        Returns
        -------
        Series or ndarray

        Examples
        --------
        >>> import numpy as np
        >>> import statsmodels_mixed as smm
        >>> data = smm.datasets.load("sleepstudy")
        >>> exog = np.column_stack([np.ones(180), data.Days])
        >>> res = smm.LMM(data.Reaction, exog, random=[(data.Subject, exog)]).fit()
        >>> new = np.array([[1.0, 10.0], [1.0, 11.0]])
        >>> groups = ["308", "309"]
        >>> res.predict(new, random="conditional", random_data=[groups]).round(2)
        array([450.33, 231.33])
        """
        check_option("random", random, RANDOM)
        eta = self._linear(exog, transform, random, new_levels, offset, random_data)
        return labelled(*eta)

    def get_prediction(self, exog=None, offset=None, random_data=None):
        """Population means of new rows, or of the rows of the fit, with intervals.

        Parameters
        ----------
        exog : DataFrame, dict or array_like, optional
            As for `predict`.
        offset : str or array_like, optional
            As for `predict`.
        random_data : list, optional
            As for `predict`; groups are not looked at and may be None.

        Returns
        -------
        statsmodels.regression._prediction.PredictionResults
            ``summary_frame()`` holds the mean, its interval, and the interval of an
            observation in new levels of all grouping factors. The estimated
            variances are taken as known.
        """
        mean = self.predict(exog, offset=offset, random_data=random_data)
        entries = self.model._random_entries(random_data)
        parts = population_variances(self.fit_record, exog, entries)
        labels = getattr(mean, "index", None)
        return PredictionResults(
            np.asarray(mean),
            *parts,
            df=self.df_resid,
            dist="t" if self.use_t else "norm",
            row_labels=labels,
        )


class LMMResultsWrapper(MixedResultsWrapper):
    """Results with pandas labels."""


wrapper.populate_wrapper(LMMResultsWrapper, LMMResults)
