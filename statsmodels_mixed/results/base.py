"""What the results of all mixed models share: inference on the fixed effects."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ..compat import LikelihoodModelResults, ResultMixin, aicc
from ..errors import DataError
from ..inference import compare_fits, df_method_name
from . import tables
from .anova_methods import AnovaMethods
from .bootstraps import BootstrapMethods
from .diagnostic_methods import DiagnosticMethods
from .equations import EquationMethods
from .explained import ExplainedVariance
from .health_methods import HealthMethods
from .intervals import IntervalMethods
from .means import MarginalMeansMethods
from .picture_methods import PictureMethods
from .profiles import ProfileMethods
from .removed import Remains, model_without_rows, without_rows
from .residual_methods import ResidualMethods
from .rows import RowMethods
from .summary import summarise
from .tables_export import TableExports
from .variances import VarianceTables
from .wald import WaldMethods


class MixedResults(
    TableExports,
    WaldMethods,
    AnovaMethods,
    IntervalMethods,
    ProfileMethods,
    BootstrapMethods,
    MarginalMeansMethods,
    ExplainedVariance,
    HealthMethods,
    ResidualMethods,
    DiagnosticMethods,
    EquationMethods,
    PictureMethods,
    VarianceTables,
    RowMethods,
    LikelihoodModelResults,
    ResultMixin,
):
    """Base of the results classes.

    Parameters
    ----------
    model : LMM
    fit : Fit
    df_method : str
        How degrees of freedom of tests and intervals are counted; see
        `fixed_tests`.
    robust : callable, optional
        From a fit to its cluster-robust covariance.
    """

    has_likelihood = True

    def __init__(self, model, fit, df_method, robust=None):
        # statsmodels' remove_data expects a cache, also when nothing is cached
        self._cache = {}
        self._fixed_tests, self._robust = {}, robust
        self.fit_record = fit
        self.df_method = df_method_name(df_method)
        use_t = self.df_method != "normal"
        super().__init__(model, fit.beta, None, scale=self._scale(fit), use_t=use_t)
        self.nobs = float(model.nobs)
        self.df_model = model.df_model
        self.df_resid = model.df_resid
        self.cov_type = "nonrobust" if robust is None else "cluster"
        self.k_cov = fit.n_covariance
        self._robust_of(fit)

    _cov_description = "Covariance of the fixed effects at the estimated variances."

    def _scale(self, fit):
        return float(fit.sigma2)

    def __repr__(self):
        verdict = "" if self.converged else ", NOT converged"
        formula = getattr(self.model, "formula_full", None) or self.endog_name
        return (
            f"{self._name[1]} results by {self.method}: {formula}\n"
            f"{int(self.nobs)} rows{verdict}; results.summary() has the tables."
        )

    @property
    def _params(self):
        return np.asarray(self.params)

    @property
    def endog_name(self):
        """Name of the response."""
        return self.model.endog_names

    # ---- what the summary says beside the tables ------------------------------

    def _header(self):
        """Further pairs of label and text for the head of the summary."""
        return []

    def _criteria(self):
        """Pairs of label and figure: criterion and what follows from it."""
        return [
            (self.criterion_name, f"{-2.0 * self.llf:.4f}"),
            ("Log-Likelihood:", f"{self.llf:.4f}"),
            ("AIC:", f"{self.aic:.2f}"),
            ("BIC:", f"{self.bic:.2f}"),
        ]

    def _remarks(self):
        """Sentences that come before the notes on the optimisation."""
        return []

    # ---- the fit ------------------------------------------------------------

    @property
    def llf(self):
        """Log-likelihood, or REML criterion over -2 for a REML fit."""
        return -0.5 * float(self.fit_record.deviance)

    @property
    def convergence(self):
        """Certificate of the minimum: predicted decrease, inertia, KKT sign."""
        return self.fit_record.convergence

    @property
    def converged(self):
        """Whether the certificate is that of a minimum."""
        return self.fit_record.convergence.converged

    @property
    def singular(self):
        """Directions without variance, one sentence each; empty when there is none.

        Names term and direction, and is false for a fit that is not singular.
        """
        return tuple(tables.singular_messages(self.fit_record))

    @property
    def record(self):
        """Course of the optimisation."""
        return _Record(self.fit_record)

    @property
    def mle_retvals(self):
        """What the optimiser returned, in statsmodels' form."""
        c = self.convergence
        return {
            "converged": c.converged,
            "fcalls": c.n_evaluations,
            "warnflag": int(not c.converged),
        }

    @property
    def mle_settings(self):
        """How the optimiser was called, in statsmodels' form."""
        o = self.options
        return {"optimizer": o.optimizer, "tol": o.tol, "maxiter": o.max_iter}

    @property
    def relative_covariances(self):
        """Covariance of each term relative to sigma^2, as ``fit(start=)`` takes it."""
        return self.fit_record.relative_covariances

    # ---- parameters ---------------------------------------------------------

    @property
    def fe_params(self):
        """Fixed effects; the same as `params`."""
        return self._params

    @property
    def bse_fe(self):
        """Standard errors of the fixed effects; the same as `bse`."""
        return np.asarray(self.bse)

    @property
    def theta(self):
        """Relative covariance factors, as lme4 names and orders them per term."""
        return tables.theta_series(self.fit_record)

    @property
    def ngroups(self):
        """Number of levels of each grouping factor, as a dict."""
        return {t.group: t.grouping.n_levels for t in self.fit_record.design.terms}

    def params_table(self, aliased=True):
        """Estimates, standard errors, tests and intervals as a DataFrame.

        Parameters
        ----------
        aliased : bool
            Whether columns that were dropped as aliased stand in it, as NaN.
        """
        interval = np.asarray(self.conf_int())
        table = pd.DataFrame(
            {
                "coef": self._params,
                "std err": np.asarray(self.bse),
                "statistic": np.asarray(self.tvalues),
                "pvalue": np.asarray(self.pvalues),
                "lower": interval[:, 0],
                "upper": interval[:, 1],
            },
            index=self.model.exog_names,
        )
        return table.reindex(self.model.exog_names_full) if aliased else table

    # ---- random effects -----------------------------------------------------

    @property
    def random_effects(self):
        """Conditional modes: grouping factor to DataFrame levels x effects."""
        return tables.mode_frames(self.fit_record)

    def coef(self):
        """Fixed plus random effects of each level: grouping factor to DataFrame."""
        return tables.coefficient_frames(self.fit_record, self.model.exog_names)

    def remove_data(self):
        """Drop everything that has one entry per row, to make small pickles.

        Estimates, tests, tables, `summary`, `random_effects` and `predict` for new
        data go on working; what needs the rows (fitted values, residuals, `refit`,
        `simulate`, likelihood-ratio tests) then raises `DataError`. The model this
        result came from, and other results of it, keep their data.
        """
        if isinstance(self.fit_record.model, Remains):
            return
        self.fixed_tests()
        self.fit_record = without_rows(self.fit_record)
        self.model = model_without_rows(self.model, self.fit_record.model)

    # ---- information criteria and tests -------------------------------------

    @property
    def df_modelwc(self):
        """Number of parameters: fixed effects, theta and the dispersion."""
        return len(self._params) + self.k_cov

    @property
    def aic(self):
        """Akaike's criterion, of the REML criterion for REML fits (as lme4)."""
        return -2.0 * self.llf + 2.0 * self.df_modelwc

    @property
    def bic(self):
        """Bayesian criterion with ``log(nobs)`` per parameter."""
        return -2.0 * self.llf + np.log(self.nobs) * self.df_modelwc

    @property
    def aicc(self):
        """AIC with the small-sample correction of Hurvich and Tsai."""
        return aicc(self.llf, self.nobs, self.df_modelwc)

    def info_criteria(self, crit, dk_params=0):
        """Information criterion by name.

        Parameters
        ----------
        crit : {"aic", "bic", "aicc", "hqic"}
        dk_params : int
            Added to the number of parameters.
        """
        k, n = self.df_modelwc + dk_params, self.nobs
        penalties = {
            "aic": 2.0 * k,
            "bic": np.log(n) * k,
            "aicc": 2.0 * k * n / (n - k - 1.0),
            "hqic": 2.0 * np.log(np.log(n)) * k,
        }
        if crit not in penalties:
            raise DataError(f"crit={crit!r} is not one of {', '.join(penalties)}.")
        return -2.0 * self.llf + penalties[crit]

    def compare_lr_test(self, restricted):
        """Likelihood-ratio test against a smaller model.

        Parameters
        ----------
        restricted : results
            Of a model nested in this one; an OLS result tests the random effects.

        Returns
        -------
        LRTestResult
            Unpacks to (statistic, pvalue, df_diff); ``note`` says what to mind.

        Raises
        ------
        ComparisonError
            REML fits with different fixed effects, different data, not nested.
        """
        return compare_fits(self, restricted)

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


class _Record:
    """Optimisation of a single fit, without the axis of responses."""

    def __init__(self, fit):
        record = fit.record
        self.start, self.end = record.start[0], record.end[0]
        self.value = float(record.value[0])
        self.trace = record.trace
        self.n_evaluations = fit.convergence.n_evaluations
        self.reached = bool(record.reached[0])
