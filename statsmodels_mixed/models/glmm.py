"""The generalized linear mixed model as a statsmodels model."""

from __future__ import annotations

from dataclasses import replace

from ..design.arrays import design_from_arrays
from ..design.response import takes_trials
from ..errors import DataError
from ..families import as_family
from ..fitting import FitOptions, GeneralizedModel, check_covariances, deliver
from ..fitting.generalized import check_nodes
from ..results import GLMMResults, GLMMResultsWrapper
from .base import MixedModel
from .random import as_terms


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

    def fit(
        self,
        nagq=1,
        start=None,
        optimizer="newton",
        tol=1e-8,
        max_iter=200,
        use_t=False,
    ):
        """Estimate the model by maximum likelihood.

        Parameters
        ----------
        nagq : int or sequence of int
            1 is the Laplace approximation, more are nodes of adaptive Gauss-Hermite
            quadrature per random effect (for nested factors also one number per
            level, the outer first); 0 finds the fixed effects together with the modes,
            which is fast and rough.
        start : sequence of array_like, shape (k, k), optional
            Covariance of each term to start from.
        optimizer : {"newton", "lbfgs"}
            Newton steps with the average information, or gradients only.
        tol : float
            Stop when the decrease of the deviance a Newton step predicts is below;
            that step is still taken.
        max_iter : int
            Most evaluations of criterion and gradient.
        use_t : bool
            Refer tests to Student's t with residual degrees of freedom.

        Returns
        -------
        GLMMResults

        Warns
        -----
        ConvergenceWarning
            The certificate of a minimum was not reached; figures are in it.
        """
        nagq = check_nodes(nagq)
        if start is not None:
            start = check_covariances(start, self.terms, "start=")
        options = FitOptions(start, optimizer, tol, max_iter, nagq)
        return self._wrap(deliver(self._fit(options)), use_t, options)

    def _fit(self, options):
        return self.engine.fit(options)

    def _wrap(self, fit, use_t, options):
        results = GLMMResults(self, replace(fit, model=self.engine), use_t)
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
        covariances = check_covariances(covariances, self.terms, "covariances=")
        nagq = check_nodes(nagq)
        return self.engine.loglike(params, covariances, dispersion, nagq)
