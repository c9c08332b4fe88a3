"""The linear mixed model as a statsmodels model."""

from __future__ import annotations

import copy
from dataclasses import replace
from functools import lru_cache

import numpy as np
import pandas as pd

from ..compat import LikelihoodModel
from ..covariance import STRUCTURES
from ..design.arrays import design_from_arrays
from ..design.build import build_design
from ..design.matrices import place_columns
from ..design.table import Table, resolve_subset
from ..errors import DataError, RankDeficiencyWarning, warn_user
from ..fitting import FitOptions, GaussianModel, check_covariances, deliver
from ..formula import parse_formula, variables
from ..results import LMMResults, LMMResultsWrapper
from ..results.removed import removed_error
from .namespace import caller_namespace
from .random import as_terms


class LMM(LikelihoodModel):
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
        namespace = eval_env
        if isinstance(eval_env, int):
            namespace = caller_namespace(eval_env + 1)
        spec = _parsed(formula)
        table = Table.from_data(data)
        design = build_design(
            spec,
            table,
            namespace,
            weights=weights,
            offset=offset,
            subset=subset,
            missing=missing,
        )
        model = cls.__new__(cls)
        model.spec = spec
        model._set_design(design)
        model.formula = spec.fixed_formula
        model.formula_full = formula
        model.data.frame = _frame(data, table, spec, subset)
        return model

    # ---- set-up -------------------------------------------------------------

    def _set_design(self, design, engine=None):
        self.engine = engine or GaussianModel(design)
        self.kept = np.sort(self.engine.cross.basis.kept)
        mean = design.mean
        names = mean.exog_names
        self.exog_names_full = list(names)
        exog = mean.exog
        if len(self.kept) < len(names):
            lost = [n for j, n in enumerate(names) if j not in self.kept]
            warn_user(
                f"The fixed-effects columns {', '.join(lost)} are linear combinations "
                "of the others and were left out.",
                RankDeficiencyWarning,
            )
            exog, names = exog[:, self.kept], [names[j] for j in self.kept]
        labels = design.row_labels
        endog = pd.Series(
            design.endog, index=labels, name=design.endog_name, copy=False
        )
        # object labels: pandas' own strings take longer to make than the frame
        columns = pd.Index(list(names), dtype=object)
        frame = pd.DataFrame(exog, index=labels, columns=columns, copy=False)
        # told outright: statsmodels would look for a constant by two SVDs of exog
        super().__init__(endog, frame, hasconst=self.engine.has_constant)
        self._attach_coding()

    def _attach_coding(self):
        """patsy's description of the fixed effects, where statsmodels looks for it."""
        coding = self.design.mean.encoder.design_info
        if coding is not None and len(self.kept) == len(self.exog_names_full):
            self.data.model_spec = coding

    def initialize(self):
        """Set the counts every statsmodels model has."""
        self.nobs = float(self.design.nobs)
        rank = len(self.kept)
        self.df_model = float(rank - self.k_constant)
        self.df_resid = float(self.design.nobs - rank)
        self.k_fe = rank
        self.k_re = sum(t.k for t in self.terms)

    @property
    def design(self):
        """Everything the numerics use."""
        return self.engine.design

    @property
    def terms(self):
        """Random-effects terms, nestings expanded."""
        return self.design.terms

    @property
    def weights(self):
        """Prior weights of the rows, None when there are none."""
        return self.design.weights

    @property
    def offset(self):
        """Known part of the mean, None when there is none."""
        return self.design.mean.offset

    @staticmethod
    def _random_entries(random_data):
        """What a user gives as ``random_data=``, one `RandomEffects` per term."""
        return None if random_data is None else as_terms(random_data, "random_data")

    def with_response(self, endog):
        """The same model for another response; nothing else is computed again."""
        other = copy.copy(self)
        design = self.design.with_response(endog)
        frame = getattr(self.data, "frame", None)
        other._set_design(design, self.engine.with_design(design))
        if frame is not None:
            other.data.frame = frame
        return other

    def __getstate__(self):
        state = self.__dict__.copy()
        # ModelData would evaluate the formula again when loaded; we need not
        data = object.__new__(type(self.data))
        data.__dict__.update(self.data.__dict__)
        data.__dict__.pop("model_spec", None)
        state["data"] = data
        return state

    def __setstate__(self, state):
        self.__dict__.update(state)
        self._attach_coding()

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

    def predict(self, params, exog=None, which="mean", offset=None):
        """Linear predictor of the fixed effects.

        Parameters
        ----------
        params : array_like, shape (p,)
        exog : array_like, shape (n, p), optional
            The model's own by default (its offset included). Columns that were
            dropped as aliased may be among them; a DataFrame is matched by names.
        which : {"mean", "linear"}
            The same thing here: the link is the identity.
        offset : array_like, optional
        """
        if which not in ("mean", "linear"):
            raise DataError(f"which={which!r}: use 'mean' or 'linear'.")
        if exog is None:
            if self.exog is None:
                raise removed_error("predict() without exog=")
            exog, offset = self.exog, self.offset if offset is None else offset
        names = self.exog_names_full
        exog = place_columns(exog, names, self.kept, "exog")[:, self.kept]
        params = np.asarray(params, dtype=float)
        out = exog @ params
        return out if offset is None else out + offset

    # ---- fitting ------------------------------------------------------------

    def fit(
        self,
        reml=True,
        start=None,
        optimizer="newton",
        tol=1e-8,
        max_iter=200,
        use_t=False,
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
        use_t : bool
            Refer tests to Student's t with residual degrees of freedom.

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
        options = FitOptions(start, optimizer, tol, max_iter)
        return self._wrap(deliver(self.engine.fit(reml, options)), use_t, options)

    def _wrap(self, fit, use_t, options):
        results = LMMResults(self, replace(fit, model=self.engine), use_t)
        results.options = options
        return LMMResultsWrapper(results)


@lru_cache(maxsize=128)  # the text says it all, and loops fit one formula often
def _parsed(formula):
    return parse_formula(formula, tuple(STRUCTURES))


def _frame(data, table, spec, subset):
    """Rows of the subset as pandas: the user's frame, or the columns of the formula."""
    frame = data
    if not isinstance(data, pd.DataFrame):
        used = [name for name in table.names if name in variables(spec)]
        columns = {name: table.column(name) for name in used}
        frame = pd.DataFrame(columns, index=table.index, copy=False)
    return frame if subset is None else frame.iloc[resolve_subset(subset, table)]
