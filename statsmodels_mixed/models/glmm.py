"""The generalized linear mixed model as a statsmodels model."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property

import numpy as np

from ..design.arrays import design_from_arrays
from ..design.response import takes_trials
from ..design.separation import constant_groups, find_separation, overlaps
from ..errors import (
    DataError,
    MixedModelWarning,
    SeparationWarning,
    check_option,
    warn_user,
)
from ..families import as_family
from ..fitting import (
    METHODS,
    FitOptions,
    GeneralizedModel,
    Sampling,
    check_covariances,
)
from ..fitting.generalized import check_nodes
from ..inference import check_df_method, choose_df_method
from ..results import GLMMResults, GLMMResultsWrapper, PQLResults
from .base import MixedModel
from .random import as_terms

# methods whose results are not those of a likelihood
RESULTS = {"pql": PQLResults}


class GLMM(MixedModel):
    """Generalized linear mixed model for arrays; for formulas see `glmm`.

    Parameters
    ----------
    endog : array_like, shape (n,) or (n, 2)
        Response; for a binomial family also two columns, successes and failures.
    exog : array_like, shape (n, p), optional
        Fixed-effects columns; an intercept is not added.
    random : list
        Random-effects terms: `RandomEffects`, pairs ``(groups, exog_re)``, or
        arrays of group labels (random intercepts).
    family : Family, statsmodels family, or str
        Distribution of the response, with its link.
    weights : array_like, shape (n,), optional
        Prior weights. The dispersion of row i is ``phi / w_i`` where there is one;
        otherwise they multiply its log-likelihood.
    offset : array_like, shape (n,), optional
        Part of the linear predictor that is known.
    exposure : array_like, shape (n,), optional
        Its logarithm is added to the offset; for log links.
    n_trials : array_like, shape (n,), optional
        Numbers of trials of a response that holds proportions.
    missing : {"raise", "drop"}
        What to do with rows in which anything is missing.

    Raises
    ------
    DataError, FamilyError, MissingValueError, IdentifiabilityError

    Notes
    -----
    Given the random effects the rows are independent with mean ``g^-1(eta)``,
    ``eta = X beta + offset + sum_t Z_t b_t`` and ``b_t ~ N(0, I (x) Sigma_t)``.

    Examples
    --------
    >>> import numpy as np
    >>> import statsmodels_mixed as smm
    >>> data = smm.datasets.load("grouseticks")
    >>> exog = np.column_stack([np.ones(403), data.cHEIGHT])
    >>> model = smm.GLMM(data.TICKS, exog, random=[data.BROOD], family="poisson")
    >>> round(float(model.fit().llf), 3)
    -1019.237
    """

    def __init__(
        self,
        endog,
        exog=None,
        random=(),
        family="binomial",
        weights=None,
        offset=None,
        exposure=None,
        n_trials=None,
        missing="raise",
    ):
        self.family = as_family(family)
        design = design_from_arrays(
            endog,
            exog,
            as_terms(random),
            weights,
            offset,
            missing,
            family=self.family,
            n_trials=n_trials,
            exposure=exposure,
        )
        self._set_design(design)

    @classmethod
    def from_formula(
        cls,
        formula,
        data,
        family="binomial",
        weights=None,
        offset=None,
        exposure=None,
        n_trials=None,
        subset=None,
        missing="drop",
        eval_env=0,
    ):
        """Build a model from a formula in lme4's notation; arguments as for `glmm`."""
        model = cls.__new__(cls)
        model.family = as_family(family)
        return model._set_formula(
            formula,
            data,
            eval_env,
            subset,
            weights=weights,
            offset=offset,
            missing=missing,
            family=model.family,
            n_trials=n_trials,
            exposure=exposure,
        )

    @property
    def _takes_trials(self):
        return takes_trials(self.family)

    def _make_engine(self, design):
        return GeneralizedModel(design, self.family)

    def _mean(self, eta):
        return self.family.mean(eta)

    @cached_property
    def separation(self):
        """What separates the response, or None: columns, and a message.

        Looked for before a fit, by a linear programme over the fixed effects unless
        the fit without random effects proves that there is none.
        """
        rows, point = self.engine.rows, self.engine.plain
        if not np.isfinite(point.value) or overlaps(rows.exog, point.derivatives.d1):
            return None
        return find_separation(
            self.design, self.kept, rows.exog, rows.exog_map, self.engine.likelihood
        )

    def with_response(self, endog):
        """The same model for another response; nothing else is computed again."""
        other = super().with_response(endog)
        vars(other).pop("separation", None)
        return other

    def fit(
        self,
        nagq=1,
        start=None,
        optimizer="newton",
        tol=1e-8,
        max_iter=200,
        df_method=None,
        use_t=None,
        method="ml",
        n_draws=10_000,
        rng=None,
        progress=False,
    ):
        """Estimate the model.

        Parameters
        ----------
        nagq : int or sequence of int
            1 is the Laplace approximation, more are nodes of adaptive Gauss-Hermite
            quadrature per random effect (for nested factors also one number per
            level, the outer first); 0 finds the fixed effects together with the modes,
            which is fast and rough.
        start : sequence of array_like, shape (k, k), optional
            Covariance of each term to start from, on the scale of the linear
            predictor as `cov_re` of results; not for ``"pql"``.
        optimizer : {"newton", "lbfgs"}
            Newton steps with the average information, or gradients only.
        tol : float
            Stop when the decrease of the deviance a Newton step predicts is below;
            that step is still taken.
        max_iter : int
            Most evaluations of criterion and gradient.
        df_method : {"normal", "residual", "between-within"}, optional
            Degrees of freedom of tests and intervals of the fixed effects.
        use_t : bool, optional
            True is ``df_method="residual"``, as in statsmodels.
        method : {"ml", "mcml", "pql"}
            Maximum likelihood as `nagq` says; Monte Carlo maximum likelihood by
            importance sampling, for any structure (`nagq` is then not used); or
            penalised quasi-likelihood, which has no likelihood.
        n_draws : int
            Draws of the random effects for ``"mcml"``; more where they do not suffice.
        rng : int or numpy.random.Generator, optional
            Seed of these draws, or a generator that one is drawn from. `refit` uses
            the same draws.
        progress : bool
            Show a progress bar while sampling (needs tqdm).

        Returns
        -------
        GLMMResults, or PQLResults

        Warns
        -----
        ConvergenceWarning
            The certificate of a minimum was not reached; figures are in it.
        SeparationWarning
            Estimates are infinite; the columns are named. See `separation`.
        MixedModelWarning
            The dispersion is at its bound, where a simpler family is the same.
        """
        df_method = choose_df_method(df_method, use_t, "normal", "residual")
        known = {"gaussian": False, "reml": False, "robust": False}
        check_df_method(self.design, df_method, **known)
        nagq = check_nodes(nagq)
        if self.separation:
            warn_user(self.separation.message, SeparationWarning)
        if self._takes_trials and (names := constant_groups(self.design)):
            warn_user(
                f"Within every level of {' and of '.join(names)} all responses are the "
                "same, so the variance of the levels has no finite estimate: the one "
                "reported says where the search stopped. Leave the term out, or group "
                "by something coarser.",
                SeparationWarning,
            )
        check_option("method", method, METHODS)
        if start is not None:
            start = self._check_start(start, method)
        sampling = Sampling.seeded(n_draws, rng, progress)
        control = optimizer, tol, max_iter, nagq, method, sampling
        options = FitOptions(start, *control)
        results = self._wrap(self._fit(options), df_method, options)
        if results.simpler_family:
            warn_user(results.simpler_message, MixedModelWarning)
        return results

    def _check_start(self, start, method):
        if method == "pql":
            raise DataError(
                "start= is not for method='pql': its working models begin from "
                "moments, and each where the one before ended."
            )
        return check_covariances(start, self.terms, "start=", relative=False)

    def _fit(self, options):
        return METHODS[options.method](self.engine, options)

    def _wrap(self, fit, df_method, options):
        results = RESULTS.get(options.method, GLMMResults)(
            self, replace(fit, model=self.engine), df_method
        )
        results.options = options
        return GLMMResultsWrapper(results)

    def loglike(self, params, covariances=None, dispersion=None, nagq=1):
        """Log-likelihood at given parameters, without fitting.

        Parameters
        ----------
        params : array_like, shape (p,)
            Fixed effects.
        covariances : sequence of array_like, shape (k, k)
            Covariance of each term.
        dispersion : float, optional
            Where the family estimates one.
        nagq : int or sequence of int
            As for `fit`, but not 0.

        Returns
        -------
        float
        """
        if covariances is None:
            raise DataError(
                "Give covariances=, one matrix per random term: the model does not "
                "remember a fit (results have them in cov_re)."
            )
        covariances = check_covariances(
            covariances, self.terms, "covariances=", relative=False
        )
        params = np.asarray(params, dtype=float)
        if params.shape != (self.k_fe,):
            raise DataError(
                f"params has shape {params.shape}; give one number for each of "
                f"{', '.join(self.exog_names) or 'no fixed effects'}."
            )
        self._check_dispersion(dispersion)
        if (nagq := check_nodes(nagq)) == 0:
            raise DataError("nagq=0 has no log-likelihood of its own; give 1 or more.")
        return self.engine.loglike(params, covariances, dispersion, nagq)

    def _check_dispersion(self, dispersion):
        """Refuse a dispersion that there is not, and ask for one that there is."""
        name = self.family.dispersion_name
        if name is None and dispersion is not None:
            raise DataError(
                f"dispersion=: the {self.family.name} family of this model estimates "
                "none; leave it out."
            )
        if name is not None and not (dispersion is not None and dispersion > 0):
            raise DataError(
                f"dispersion={dispersion}: give the {name} of the {self.family.name} "
                "family, a positive number."
            )
