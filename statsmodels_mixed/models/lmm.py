"""The linear mixed model as a statsmodels model."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..design.arrays import design_from_arrays
from ..errors import DataError
from ..fitting import FitOptions, GaussianModel, check_covariances, deliver
from ..inference import check_df_method, choose_df_method
from ..results import LMMResults, LMMResultsWrapper
from .base import MixedModel
from .clusters import robust_covariance
from .random import as_terms


class LMM(MixedModel):
    """Linear mixed model for arrays; for formulas see `lmm` or `from_formula`.

    Parameters
    ----------
    endog : array_like, shape (n,)
        Response.
    exog : array_like, shape (n, p), optional
        Fixed-effects columns; an intercept is not added. None for no fixed effects.
    random : list
        Random-effects terms: `RandomEffects`, pairs ``(groups, exog_re)``, or
        arrays of group labels (random intercepts). Columns without names that repeat
        a column of `exog` take its name.
    weights : array_like, shape (n,), optional
        Prior weights: the residual variance of row i is ``sigma^2 / w_i``.
    offset : array_like, shape (n,), optional
        Part of the mean that is known.
    missing : {"raise", "drop"}
        What to do with rows in which anything is missing.

    Attributes
    ----------
    deviance_at : callable
        Criterion at given covariances, without fitting.
    terms : tuple of TermDesign
        Random-effects terms, in the order given.

    Raises
    ------
    DataError, MissingValueError, IdentifiabilityError

    Notes
    -----
    Rows are independent given the random effects:
    ``y = X beta + offset + sum_t Z_t b_t + e``, ``b_t ~ N(0, I (x) Sigma_t)``,
    ``e_i ~ N(0, sigma^2 / w_i)`` (Bates, Maechler, Bolker and Walker 2015, Journal
    of Statistical Software 67(1)).

    Examples
    --------
    >>> import numpy as np
    >>> import statsmodels_mixed as smm
    >>> data = smm.datasets.load("sleepstudy")
    >>> exog = np.column_stack([np.ones(180), data.Days])
    >>> res = smm.LMM(data.Reaction, exog, random=[(data.Subject, exog)]).fit()
    >>> np.round(res.params.to_numpy(), 3).tolist()
    [251.405, 10.467]
    """

    def __init__(
        self,
        endog,
        exog=None,
        random=(),
        weights=None,
        offset=None,
        missing="raise",
    ):
        design = design_from_arrays(
            endog, exog, as_terms(random), weights, offset, missing
        )
        self._set_design(design)

    @classmethod
    def from_formula(
        cls,
        formula,
        data,
        weights=None,
        offset=None,
        subset=None,
        missing="drop",
        eval_env=0,
    ):
        """Build a model from a formula in lme4's notation.

        Parameters
        ----------
        formula : str
            Such as ``"y ~ x + (1 + x | subject) + (1 | item)"``.
        data : DataFrame, dict, ...
            pandas, polars, pyarrow or a dict of columns.
        weights, offset : str or array_like, optional
            Column name, or one value per row of `data`.
        subset : array_like, optional
            Boolean mask or positions of the rows to use.
        missing : {"drop", "raise"}
            What to do with rows in which anything that is used is missing.
        eval_env : int or dict
            Where names that are not columns are looked up: 0 is the caller, 1 the
            caller's caller; or a dict of names.

        Returns
        -------
        LMM

        Raises
        ------
        FormulaError, MissingColumnError, DataError, IdentifiabilityError
        """
        model = cls.__new__(cls)
        return model._set_formula(
            formula,
            data,
            eval_env,
            subset,
            weights=weights,
            offset=offset,
            missing=missing,
        )

    def _make_engine(self, design):
        return GaussianModel(design)

    # ---- criterion ----------------------------------------------------------

    def deviance_at(self, covariances, reml=True):
        """Profiled deviance at given covariances, without fitting.

        Parameters
        ----------
        covariances : sequence of array_like, shape (k, k)
            Covariance of each term of `terms` relative to sigma^2.
        reml : bool
            REML criterion or minus twice the log-likelihood.

        Returns
        -------
        float
        """
        objective = self.engine.objective(reml)
        covariances = check_covariances(covariances, self.terms, "covariances=")
        theta = self.engine.internal_theta(covariances)
        return float(objective.evaluate(theta, derivatives=False).value)

    def _at(self, params, covariances, scale):
        if covariances is None:
            raise DataError(
                "Give covariances=, one matrix per random term relative to sigma^2: "
                "the model does not remember a fit (results have them in cov_re)."
            )
        covariances = check_covariances(covariances, self.terms, "covariances=")
        params = np.asarray(params, dtype=float)
        return self.engine.gaussian_loglike(params, covariances, scale)

    def loglike(self, params, covariances=None, scale=None):
        """Log-likelihood of fixed effects at given covariances.

        Parameters
        ----------
        params : array_like, shape (p,)
            Fixed effects.
        covariances : sequence of array_like, shape (k, k)
            Covariance of each term relative to sigma^2.
        scale : float, optional
            Residual variance; profiled out by default.
        """
        return self._at(params, covariances, scale)[0]

    def score(self, params, covariances=None, scale=None):
        """Gradient of `loglike` in the fixed effects."""
        return self._at(params, covariances, scale)[1]

    def hessian(self, params, covariances=None, scale=None):
        """Hessian of `loglike` in the fixed effects, the scale held fixed."""
        return self._at(params, covariances, scale)[2]

    # ---- fitting ------------------------------------------------------------

    def fit(
        self,
        reml=True,
        start=None,
        optimizer="newton",
        tol=1e-8,
        max_iter=200,
        df_method=None,
        cov_type="nonrobust",
        cov_kwds=None,
        use_t=None,
    ):
        """Estimate the model.

        Parameters
        ----------
        reml : bool
            Restricted maximum likelihood, or maximum likelihood.
        start : sequence of array_like, shape (k, k), optional
            Covariance of each term relative to sigma^2 to start from; by default
            from moments.
        optimizer : {"newton", "lbfgs"}
            Average-information Newton steps, or gradients only.
        tol : float
            Stop when the decrease of the deviance a Newton step predicts is below;
            that step is still taken.
        max_iter : int
            Most evaluations of criterion and gradient.
        df_method : {"satterthwaite", "kenward-roger", "between-within", "residual", \
"normal"}, optional
            Degrees of freedom of tests and intervals of the fixed effects, by default
            Satterthwaite's; see the page on tests.
        cov_type : {"nonrobust", "cluster"}
            Covariance of the fixed effects: the model's, or cluster-robust.
        cov_kwds : dict, optional
            For ``"cluster"``: ``groups``, the clusters (a column, a grouping factor or
            labels; by default the outermost grouping factor), and ``kind``, the
            correction: ``"CR2"`` by default, ``"CR0"``, ``"CR1"``, ``"CR3"``.
        use_t : bool, optional
            False is ``df_method="normal"``, as in statsmodels.

        Returns
        -------
        LMMResults

        Warns
        -----
        ConvergenceWarning
            The certificate of a minimum was not reached; figures are in it.

        Raises
        ------
        IdentifiabilityError
            The random effects reproduce the response up to rounding.
        """
        if not isinstance(reml, (bool, np.bool_)):
            raise DataError(f"reml={reml!r}: use True for REML, False for ML.")
        if start is not None:
            start = check_covariances(start, self.terms, "start=")
        df_method = choose_df_method(df_method, use_t, "satterthwaite", "satterthwaite")
        robust = robust_covariance(self, cov_type, cov_kwds)
        known = {"gaussian": True, "reml": reml, "robust": robust is not None}
        check_df_method(self.design, df_method, **known)
        options = FitOptions(start, optimizer, tol, max_iter)
        fit = deliver(self.engine.fit(reml, options))
        return self._wrap(fit, df_method, options, robust)

    def _wrap(self, fit, df_method, options, robust=None):
        results = LMMResults(self, replace(fit, model=self.engine), df_method, robust)
        results.options = options
        return LMMResultsWrapper(results)
