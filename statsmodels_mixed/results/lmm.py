"""Results of a linear mixed model."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ..compat import wrapper
from ..design.check import check_response
from ..errors import check_option
from ..fitting import deliver
from ..prediction import RANDOM
from .base import MixedResults
from .refits import RefitResults
from .rows import labelled
from .variance_tests import VarianceTests
from .wrapper import MixedResultsWrapper


class LMMResults(VarianceTests, MixedResults):
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

    def __init__(self, model, fit, df_method="satterthwaite", robust=None):
        super().__init__(model, fit, df_method, robust)
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
            return self.model.with_response(values)._wrap(
                fit, self.df_method, self.options, self._robust
            )
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
        *,
        level=None,
        rng=None,
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
        new_levels : {"error", "population", "draw"}
            For unseen levels of a grouping factor, and rows without a label: refuse,
            random effects of 0, or effects drawn from their distribution, one draw
            per level (and per row without a label).
        offset : str or array_like, optional
            For new rows, when the model was given ``offset=`` as an array.
        random_data : list, optional
            For new rows of a model built from arrays: one `RandomEffects`, pair
            ``(groups, exog)`` or array of groups per term, as in ``LMM(random=)`` and
            in that order. Varying effects that repeat columns of `exog` can be left
            out.
        level : str, list of str or dict, optional
            With ``random="conditional"``, the grouping factors to condition on, all by
            default; ``{"Subject": "Days"}`` conditions on one of the effects.
        rng : int or numpy.random.Generator, optional
            For ``new_levels="draw"``.

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
        options = {"new_levels": new_levels, "level": level, "rng": rng}
        return labelled(
            *self._linear(exog, transform, offset, random_data, random, **options)
        )

    def get_prediction(
        self,
        exog=None,
        offset=None,
        random_data=None,
        *,
        random="none",
        level=None,
        new_levels="error",
        rng=None,
        df_method=None,
    ):
        """Predictions of new rows, or of the rows of the fit, with intervals.

        Parameters
        ----------
        exog : DataFrame, dict or array_like, optional
            As for `predict`.
        offset : str or array_like, optional
            As for `predict`.
        random_data : list, optional
            As for `predict`; with ``random="none"`` groups may be None.
        random : {"none", "conditional"}
            Population mean, or the mean in known groups.
        level, rng
            As for `predict`.
        new_levels : {"error", "population", "draw"}
            As for `predict`. Under ``"population"`` the variance of the effects of a
            new level is in the standard error of the mean; drawn ones are taken as
            known.
        df_method : str, optional
            Degrees of freedom of population means, and their covariance, as for
            `fixed_tests`; those of the fit by default.

        Returns
        -------
        statsmodels.regression._prediction.PredictionResults
            ``summary_frame()`` holds the mean, its interval, and the interval of a new
            observation (of weight 1 in new rows).

        Notes
        -----
        With ``random="none"`` the standard error is that of ``X beta``, and a new
        observation comes from new levels of all grouping factors. With
        ``"conditional"`` it is that of ``X beta + Z b``, from the joint covariance of
        estimates and modes (Henderson 1975, Biometrics 31, 423-447), at the estimated
        variances, and a new observation comes from the same levels (from new ones of
        what `level` leaves out); intervals are normal, unless `df_method` is
        ``"residual"``. A row without any known level is a population mean under either,
        with the same degrees of freedom.

        Examples
        --------
        >>> import statsmodels_mixed as smm
        >>> data = smm.datasets.load("sleepstudy")
        >>> res = smm.lmm("Reaction ~ Days + (Days | Subject)", data).fit()
        >>> new = {"Days": [10], "Subject": ["308"]}
        >>> got = res.get_prediction(new, random="conditional")
        >>> got.summary_frame().round(1).iloc[0].tolist()
        [450.3, 15.9, 419.3, 481.4, 391.3, 509.3]
        """
        check_option("random", random, RANDOM)
        rows = self._prediction_rows(exog, offset, random_data)
        options = {"new_levels": new_levels, "level": level, "rng": rng}
        return self._linear_prediction(rows, random, df_method, **options)


class LMMResultsWrapper(MixedResultsWrapper):
    """Results with pandas labels."""


wrapper.populate_wrapper(LMMResultsWrapper, LMMResults)
