"""Results of a generalized linear mixed model."""

from __future__ import annotations

from functools import partial

import numpy as np
import pandas as pd

from ..compat import wrapper
from ..design.check import check_response
from ..errors import DataError, check_option
from ..inference.integration import check_integration
from ..prediction import linear_variances, marginal_mean
from .base import MixedResults
from .deviance import conditional_deviance, deviance_residuals, mean_rows
from .refits import stacked_refits
from .rows import labelled
from .variance_tests import VarianceTests
from .wrapper import MixedResultsWrapper

RANDOM = ("none", "conditional", "marginal")
WHICH = ("mean", "linear")
RATIOS = {"logit": "odds ratio", "log": "ratio", "cloglog": "hazard ratio"}


class GLMMResults(VarianceTests, MixedResults):
    """Estimates of a generalized linear mixed model.

    `params` holds the fixed effects on the scale of the link.

    Attributes
    ----------
    llf : float
        Log-likelihood with the random effects integrated out, as `method` says, with
        all constants: comparable across families and numbers of nodes.
    deviance : float
        Conditional deviance, as R's ``deviance(<glmer>)``: the sum of the squared
        `resid_deviance`, at the conditional modes. Not ``-2 llf``.
    family : Family
        With its link.
    dispersion : float
        Dispersion (phi, or alpha of the negative binomial); 1 if there is none.
    simpler_family : str or None
        Family that this one has become, its dispersion being at its bound.
    separation : Separation or None
        Fixed effects whose estimates are infinite, with a message.
    converged : bool
        Verdict of the certificate `convergence`.
    singular : tuple of str
        Directions without variance.
    """

    _name = "Generalized Linear Mixed Model", "GLMM"
    criterion_name = "-2 Log-Lik.:"
    _cov_description = (
        "Block of the fixed effects of the inverse observed information of all "
        "parameters."
    )
    reml = False

    def __init__(self, model, fit, df_method="normal"):
        super().__init__(model, fit, df_method)
        self.family = fit.family
        self.method = fit.method
        self.dispersion = fit.dispersion
        self.simpler_family = None
        if fit.family.dispersion_name:
            self.simpler_family = fit.family.simpler(fit.mu, fit.dispersion)
        self.separation = model.separation

    def _scale(self, fit):
        return fit.dispersion

    def _header(self):
        return [("Family:", self.family.name), ("Link:", self.family.link.name)]

    def _remarks(self):
        note = self.model.design.response_note
        out = [f"Response, {note}."] if note else []
        name = self.family.dispersion_name
        if name:
            out.append(f"Estimated {name}: {self.dispersion:.6g}.")
        if self.simpler_family:
            out.append(self.simpler_message)
        if self.separation:
            out.append(self.separation.message)
        return out + list(self.fit_record.remarks())

    @property
    def llf_se(self):
        """Monte Carlo standard error of `llf`; 0 unless ``method="mcml"``."""
        return self.fit_record.loglike_se

    @property
    def params_mcse(self):
        """Monte Carlo standard errors of the estimates; 0 unless ``method="mcml"``."""
        return pd.Series(self.fit_record.beta_mcse, index=self.model.exog_names)

    @property
    def simpler_message(self):
        """What it means that there is a `simpler_family`, as a sentence."""
        return (
            f"The {self.family.dispersion_name} of the {self.family.name} family is at "
            f"its bound of zero: family={self.simpler_family!r} has the same "
            "likelihood and one parameter less."
        )

    @property
    def alpha(self):
        """Dispersion of the negative binomial, ``var = mu + alpha mu^2``."""
        if self.family.name != "negative_binomial":
            raise AttributeError(f"The {self.family.name} family has no alpha.")
        return getattr(self.family, "alpha", None) or self.dispersion

    @property
    def relative_covariances(self):
        """Covariance of each term, as ``fit(start=)`` takes it: there is no sigma."""
        return self.fit_record.relative_covariances

    # ---- fitted values and residuals ----------------------------------------

    def _rows(self, what):
        """Response on the scale of the mean, mean, and weights of the rows."""
        return mean_rows(self._fit_with_rows(what))

    @property
    def fittedvalues(self):
        """Means at the conditional modes; of one trial for a binomial response."""
        return self._fit_with_rows("fittedvalues").mu

    @property
    def fitted_marginal(self):
        """Means with the random effects integrated out."""
        fit = self._fit_with_rows("fitted_marginal")
        return marginal_mean(fit.family, fit.fixed_part, linear_variances(fit)[1])

    @property
    def resid_response(self):
        """Response minus `fittedvalues`; a proportion for a binomial response."""
        y, mu, _ = self._rows("resid_response")
        return y - mu

    @property
    def resid(self):
        """The same as `resid_response`."""
        return self.resid_response

    @property
    def resid_pearson(self):
        """Residuals over their standard deviation given the random effects.

        The dispersion is in that standard deviation, unlike in statsmodels' GLM.
        """
        y, mu, weights = self._rows("resid_pearson")
        return (y - mu) * np.sqrt(weights / self.family.variance(mu, self.dispersion))

    @property
    def resid_deviance(self):
        """Signed square roots of the contributions to `deviance`."""
        return deviance_residuals(self._fit_with_rows("resid_deviance"))

    @property
    def resid_working(self):
        """Residuals on the scale of the link, ``(y - mu) / mu'(eta)``."""
        y, mu, _ = self._rows("resid_working")
        return (y - mu) / self.family.mean_derivative(self.fit_record.eta)

    @property
    def deviance(self):
        """Conditional deviance at the modes; see the class for what it is not."""
        return conditional_deviance(self._fit_with_rows("deviance"))

    # ---- parameters ---------------------------------------------------------

    def exp_params(self, alpha=0.05):
        """Exponentiated fixed effects with intervals: odds, rate or hazard ratios.

        Parameters
        ----------
        alpha : float
            One minus the level of the intervals.

        Returns
        -------
        DataFrame
            Columns estimate, lower, upper.

        Raises
        ------
        DataError
            The link gives exponentiated coefficients no meaning.

        Examples
        --------
        >>> import statsmodels_mixed as smm
        >>> data = smm.datasets.load("cbpp")
        >>> formula = "cbind(incidence, size - incidence) ~ period + (1 | herd)"
        >>> res = smm.glmm(formula, data, family="binomial").fit()
        >>> res.exp_params().round(3).loc["period[T.2]"].tolist()
        [0.371, 0.203, 0.676]
        """
        if self.family.link.name not in RATIOS:
            raise DataError(
                f"exp(params) is no ratio for the {self.family.link.name} link; it is "
                f"for {', '.join(RATIOS)}."
            )
        interval = np.asarray(self.conf_int(alpha=alpha))
        table = np.exp(np.column_stack([self._params, interval]))
        columns = ["estimate", "lower", "upper"]
        return pd.DataFrame(table, index=self.model.exog_names, columns=columns)

    def check_integration(self, rng=None, n_draws=4000):
        """Is the approximation of the integral good enough for this fit?

        The log-likelihood at the estimates by a better integral, and how far one Newton
        step with it would shift them: by adaptive quadrature with many nodes where the
        structure allows it (twice those of the fit, if these are many), else by
        importance sampling around the modes.

        Parameters
        ----------
        rng : int or numpy.random.Generator, optional
            For importance sampling.
        n_draws : int
            Draws of the random effects.

        Returns
        -------
        IntegrationReport
            With ``difference``, ``table``, ``verdict`` and ``advice``.

        Examples
        --------
        >>> import statsmodels_mixed as smm
        >>> data = smm.datasets.load("cbpp")
        >>> formula = "cbind(incidence, size - incidence) ~ period + (1 | herd)"
        >>> smm.glmm(formula, data, family="binomial").fit().check_integration().verdict
        'fine'
        """
        fit = self._fit_with_rows("check_integration")
        nodes = self.options.nagq if self.options.method == "ml" else 1
        return check_integration(fit, self.model.exog_names, rng, n_draws, nodes)

    # ---- prediction ---------------------------------------------------------

    def predict(
        self,
        exog=None,
        transform=True,
        random="none",
        which="mean",
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
            As for `LMMResults.predict`.
        transform : bool
            Whether to pass `exog` through the formula.
        random : {"none", "conditional", "marginal"}
            Random effects of zero, the conditional modes of known levels, or
            integrated over their distribution.
        which : {"mean", "linear"}
            On the scale of the response, or of the linear predictor.
        new_levels, offset, random_data, level, rng
            As for `LMMResults.predict`.

        Returns
        -------
        Series or ndarray

        Notes
        -----
        Means of a nonlinear link over a population (``"marginal"``) differ from those
        at random effects of zero (``"none"``).
        """
        check_option("random", random, RANDOM)
        check_option("which", which, WHICH)
        options = {"new_levels": new_levels, "level": level, "rng": rng}
        eta, labels = self._linear(
            exog, transform, offset, random_data, random, **options
        )
        if which == "linear":
            return labelled(eta, labels)
        if random != "marginal":
            return labelled(self.family.mean(eta), labels)
        rows = self._prediction_rows(exog, offset, random_data)
        _, variance = linear_variances(self.fit_record, rows)
        return labelled(marginal_mean(self.family, eta, variance), labels)

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
        n_trials=None,
        df_method=None,
    ):
        """Means of new rows, or of the rows of the fit, with intervals.

        Parameters
        ----------
        exog, offset, random_data, level, new_levels, rng, df_method
            As for `LMMResults.get_prediction`.
        random : {"none", "conditional", "marginal"}
            As for `predict`.
        n_trials : str, array_like or int, optional
            Numbers of trials of new rows, which intervals of observations of a
            binomial response want; by default the column that the fit had them from.

        Returns
        -------
        IntervalsOfMeans
            statsmodels' object: ``summary_frame()`` holds the mean, its standard error
            by the delta method, and the transformed interval of the linear predictor,
            which is in ``linpred`` and ``linpred_se``; ``summary_frame(obs=True)``
            intervals of new observations as well.

        Notes
        -----
        With ``random="conditional"`` standard errors are those of the joint
        distribution of estimates and random effects, the uncertainty of the variances
        included (as TMB has them; variances are held fixed for ``nagq=0`` and for
        quasi-likelihood). For ``"marginal"`` they leave that uncertainty out.

        Examples
        --------
        >>> import statsmodels_mixed as smm
        >>> data = smm.datasets.load("cbpp")
        >>> formula = "cbind(incidence, size - incidence) ~ period + (1 | herd)"
        >>> res = smm.glmm(formula, data, family="binomial").fit()
        >>> new = {"period": ["1"], "herd": ["1"]}
        >>> got = res.get_prediction(new, random="conditional", n_trials=20)
        >>> got.summary_frame(obs=True).round(2).iloc[0].tolist()
        [0.31, 0.08, 0.18, 0.48, 0.1, 0.6]
        """
        check_option("random", random, RANDOM)
        rows = self._prediction_rows(exog, offset, random_data)
        options = {"new_levels": new_levels, "level": level, "rng": rng}
        trials = partial(self._trials, rows, n_trials, exog is None)
        return self._mean_prediction(rows, random, df_method, trials, **options)

    # ---- more fits ----------------------------------------------------------

    def refit(self, endog):
        """Fit the same model to another response, or to many one after the other.

        Parameters
        ----------
        endog : array_like, shape (n,) or (n, R)
            One value per row that was used, or per row of the original data; numbers
            of successes for a binomial response.

        Returns
        -------
        GLMMResults or GLMMRefitResults
        """
        self._fit_with_rows("refit")
        values = self._responses(endog)
        columns = values[:, None] if values.ndim == 1 else values
        trials = self.model.design.trials
        check_response(columns, "endog", trials)
        fits = []
        for column in columns.T:
            self.family.check(column, trials)
            model = self.model.with_response(column)
            fits.append((model, model._fit(self.options)))
        if values.ndim == 1:
            model, fit = fits[0]
            return model._wrap(fit, self.df_method, self.options)
        names = getattr(endog, "columns", pd.RangeIndex(values.shape[1]))
        return stacked_refits([f for _, f in fits], self.model.exog_names, names)


class GLMMResultsWrapper(MixedResultsWrapper):
    """Results with pandas labels."""


wrapper.populate_wrapper(GLMMResultsWrapper, GLMMResults)
