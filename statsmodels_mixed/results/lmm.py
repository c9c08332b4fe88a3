"""Results of a linear mixed model."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import pandas as pd

from ..compat import LikelihoodResultsWrapper, PredictionResults, aicc, wrapper
from ..design.check import check_response
from ..design.newrows import row_labels
from ..design.table import check_order
from ..errors import DataError, check_option
from ..fitting import deliver
from ..prediction import LEVELS, RANDOM, population_variances, predict_linear
from ..simulation import simulate_responses
from . import tables
from .base import MixedResults
from .refits import RefitResults
from .summary import summarise


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

    def __init__(self, model, fit, use_t=False):
        super().__init__(model, fit, use_t)
        self.reml = fit.reml
        self.method = "REML" if fit.reml else "ML"
        self.sigma = float(np.sqrt(fit.sigma2))

    # ---- variance parameters ------------------------------------------------

    @property
    def cov_re(self):
        """Covariance of the random effects: grouping factor to DataFrame."""
        return tables.covariance_frames(self.fit_record)

    def varcorr(self):
        """Variances and correlations as a tidy DataFrame, the residual last.

        Returns
        -------
        DataFrame
            Columns group, effect, effect2, vcov, sdcor.

        Examples
        --------
        >>> import statsmodels_mixed as smm
        >>> data = smm.datasets.load("dyestuff")
        >>> res = smm.lmm("Yield ~ 1 + (1 | Batch)", data).fit()
        >>> res.varcorr().sdcor.round(3).tolist()
        [42.001, 49.51]
        """
        return tables.varcorr_frame(self.fit_record)

    @property
    def vcomp(self):
        """Variances, one per varying effect and the residual's, as a Series."""
        frame = self.varcorr()
        frame = frame[frame.effect2.isna()]
        names = [
            f"{g} {e}" if isinstance(e, str) else g
            for g, e in zip(frame.group, frame.effect, strict=True)
        ]
        return pd.Series(frame.vcov.to_numpy(), index=names, name="vcomp")

    # ---- random effects -----------------------------------------------------

    @property
    def random_effects_cov(self):
        """Conditional covariances: per grouping factor an array (m, k, k).

        The fixed effects are held at their estimates, as in lme4's
        ``ranef(condVar=TRUE)``. Between terms that share a factor they are the
        blocks of each term.
        """
        fit = self.fit_record
        conditional = self._conditional_covariances()
        out = {}
        for terms in fit.design.factors:
            blocks = [conditional[t] for t in terms]
            k = sum(b.shape[-1] for b in blocks)
            full = np.zeros((len(blocks[0]), k, k))
            at = 0
            for b in blocks:
                part = slice(at, at + b.shape[-1])
                full[:, part, part] = b
                at = part.stop
            out[fit.design.terms[terms[0]].group] = full
        return out

    @property
    def random_effects_sd(self):
        """Conditional standard deviations: grouping factor to DataFrame."""
        values = [
            np.sqrt(np.diagonal(c, axis1=1, axis2=2))
            for c in self._conditional_covariances()
        ]
        return tables.mode_frames(self.fit_record, values)

    def _conditional_covariances(self):
        known = vars(self.fit_record).get("conditional_covariances")
        if known is not None:  # remove_data keeps them once they were asked for
            return known
        return self._fit_with_rows("Conditional covariance").conditional_covariances

    # ---- fitted values ------------------------------------------------------

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
        fit = deliver(self.model.engine.fit(self.reml, self.options, values))
        if values.ndim == 1:
            return self.model.with_response(values)._wrap(fit, self.use_t, self.options)
        names = getattr(endog, "columns", pd.RangeIndex(values.shape[1]))
        return RefitResults(fit, tuple(self.model.exog_names), names)

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
        check_response(values, "endog")
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
        check_option("new_levels", new_levels, LEVELS)
        if exog is None:
            return self._predict_own_rows(random, random_data)
        if not transform and self.fit_record.design.mean.encoder.design_info:
            return self._predict_coded(exog, random, offset, random_data)
        values, labels = predict_linear(
            self.fit_record,
            exog,
            random=random,
            new_levels=new_levels,
            offset=offset,
            random_data=self.model._random_entries(random_data),
        )
        return _labelled(values, labels)

    def _predict_own_rows(self, random, random_data):
        if random_data is not None:
            raise DataError(
                "random_data= describes new rows: give their exog too "
                "(np.empty((n, 0)) for a model without fixed effects)."
            )
        values = self.fitted_marginal if random == "none" else self.fittedvalues
        return self._wrapped_rows(values)

    def _predict_coded(self, exog, random, offset, random_data):
        """Population means of columns that went through the formula already."""
        if random != "none" or random_data is not None:
            raise DataError(
                "transform=False takes the columns of the fixed effects only; for "
                "random effects of new rows give the data the formula mentions."
            )
        values = self.model.predict(self._params, exog, offset=offset)
        return _labelled(values, row_labels(exog, len(values)))

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

    def summary(self, yname=None, xname=None, title=None, alpha=0.05):
        """Tables of a fit: header, fixed effects, variance parameters, notes.

        Parameters
        ----------
        yname : str, optional
            Name of the response.
        xname : list of str, optional
            Names of the fixed effects.
        title : str, optional
        alpha : float
            One minus the level of the intervals.

        Returns
        -------
        statsmodels.iolib.summary.Summary
            With ``as_text``, ``as_html`` and ``as_latex``.
        """
        return summarise(self, yname, xname, title, alpha)

    @property
    def aicc(self):
        """AIC with the small-sample correction of Hurvich and Tsai."""
        return aicc(self.llf, self.nobs, self.df_modelwc)


def _labelled(values, labels):
    return values if labels is None else pd.Series(values, index=labels)


class LMMResultsWrapper(LikelihoodResultsWrapper):
    """Results with pandas labels."""

    _attrs: ClassVar = {
        "resid_pearson": "rows",
        "fitted_marginal": "rows",
        "fe_params": "columns",
        "bse_fe": "columns",
    }
    _wrap_attrs = wrapper.union_dicts(LikelihoodResultsWrapper._wrap_attrs, _attrs)
    # not cov_params: statsmodels would label combinations as if they were parameters
    _wrap_methods: ClassVar = {"conf_int": "columns"}

    def cov_params(self, *args, **kwargs):
        """Covariance of the parameters, or of combinations of them."""
        values = self._results.cov_params(*args, **kwargs)
        if {"r_matrix", "column", "other"} & set(kwargs) or args:
            return values
        names = self.model.exog_names
        return pd.DataFrame(values, index=names, columns=names)


wrapper.populate_wrapper(LMMResultsWrapper, LMMResults)
