"""Health of a fit: findings, principal components, other optimisers."""

from __future__ import annotations

from functools import partial

from ..diagnostics.findings import FitFacts
from ..diagnostics.health import assess
from ..diagnostics.optimizer_comparison import OPTIMIZERS, STARTS, compare_optimizers
from ..diagnostics.re_pca import re_pca
from ..inference.anova.reduced import fit_design


class HealthMethods:
    """Mixin for the results of all models."""

    def health(self, thorough=False, rng=None):
        """Look for what is often wrong with a fit.

        Parameters
        ----------
        thorough : bool
            Whether to run `check_integration` of a generalized model, rather than to
            estimate the error of the Laplace approximation.
        rng : int or numpy.random.Generator, optional
            For ``thorough=True``.

        Returns
        -------
        Health
            ``findings``, the most severe first, each with severity ("ok", "note",
            "warning" or "problem"), topic, figure, message and advice; ``table`` is the
            same as a DataFrame.

        Examples
        --------
        >>> import statsmodels_mixed as smm
        >>> data = smm.datasets.load("dyestuff2")
        >>> res = smm.lmm("Yield ~ 1 + (1 | Batch)", data).fit()
        >>> res.health()
        Health: 1 warning
        WARNING singularity: (1 | Batch): no variance of Intercept
            Drop the effect, use || for independent effects, or keep it knowingly: the \
likelihood is the same without it. See res.re_pca().
        ok: convergence, rounding, rank, levels, residual df
        """
        fit = self._fit_with_rows("health")
        simpler = getattr(self, "simpler_family", None)
        check = None
        if thorough and self.has_likelihood:
            check = getattr(self, "check_integration", None)
        facts = FitFacts(
            fit,
            self.singular,
            getattr(self.model, "separation", None),
            self.simpler_message if simpler else None,
            self.options.nagq,
            check and partial(check, rng=rng),
        )
        return assess(facts)

    def re_pca(self, scaled=False, refit=False):
        """Principal components of the covariance of each random-effects factor.

        Parameters
        ----------
        scaled : bool
            Whether to measure each effect by what it does to the response, so that the
            units of predictors do not matter.
        refit : bool
            Whether to fit the model without each component.

        Returns
        -------
        RandomEffectsPCA
            ``tables``: grouping factor to DataFrame with sd (relative to sigma),
            proportion, cumulative, cost (what the deviance rises by when the component
            is set to zero), with `refit` cost_refit and df, and loadings.

        Raises
        ------
        ComparisonError
            A refit for quasi-likelihood, which has no deviance.

        Examples
        --------
        >>> import statsmodels_mixed as smm
        >>> data = smm.datasets.load("sleepstudy")
        >>> res = smm.lmm("Reaction ~ Days + (Days | Subject)", data).fit()
        >>> table = res.re_pca(scaled=True, refit=True).tables["Subject"]
        >>> table[["sd", "proportion", "cost", "cost_refit", "df"]].round(3)
                sd  proportion    cost  cost_refit  df
        PC1  1.239       0.624  57.756      55.764   2
        PC2  0.961       0.376  16.441      16.438   2
        """
        fit = self._fit_with_rows("re_pca")
        again = partial(fit_design, fit, options=self.options, reml=fit.reml)
        return re_pca(fit, scaled, again if refit else None)

    def compare_optimizers(
        self, optimizers=OPTIMIZERS, starts=tuple(STARTS), n_random=2, rng=0
    ):
        """Fit again from several starts by several optimisers: is the optimum the same?

        Parameters
        ----------
        optimizers : sequence of {"newton", "lbfgs"}
        starts : sequence of {"moments", "small", "unit", "large"}, or dict
            Where to start from: moments as `fit` does, or independent effects that are
            a tenth of, as large as, or ten times the noise of a row; or names with
            covariances as ``fit(start=)`` takes them.
        n_random : int
            Number of random starts beside these.
        rng : int or numpy.random.Generator
            For the random starts.

        Returns
        -------
        OptimizerComparison
            ``table``, ``verdict``, ``best``, ``starts`` and ``improvement``.

        Raises
        ------
        ComparisonError, DataError

        Examples
        --------
        >>> import statsmodels_mixed as smm
        >>> data = smm.datasets.load("sleepstudy")
        >>> res = smm.lmm("Reaction ~ Days + (Days | Subject)", data).fit()
        >>> print(res.compare_optimizers().verdict)
        12 of 12 searches converged, all at the same log-likelihood and estimates: the \
optimum does not depend on the search.
        """
        fit = self._fit_with_rows("compare_optimizers")
        return compare_optimizers(fit, self.options, optimizers, starts, n_random, rng)
