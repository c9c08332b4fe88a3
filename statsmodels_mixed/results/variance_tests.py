"""Tests of variances, and of nested models by simulation, as methods of results."""

from __future__ import annotations

from ..inference.bootstrap.bootstrap_lrt import bootstrap_lrt
from ..inference.likelihood.rlrt import exact_lrt, restricted_lrt


class VarianceTests:
    """Mixin for the results of all models; two of the tests refuse generalized ones."""

    def bootstrap_lrt(self, restricted, n=1000, rng=None, progress=False, n_jobs=1):
        """Parametric-bootstrap likelihood-ratio test against a smaller model.

        Parameters
        ----------
        restricted : results
            Of a model nested in this one; fits by REML are fitted again by ML.
        n : int
            Number of draws.
        rng : int or numpy.random.Generator, optional
            Seed or generator.
        progress : bool
            Show a progress bar (needs tqdm).
        n_jobs : int
            Processes (needs joblib for more than one).

        Returns
        -------
        BootstrapLRTResult
            See `statsmodels_mixed.inference.bootstrap.bootstrap_lrt`.

        Raises
        ------
        ComparisonError
            Not nested, different data or families, or no likelihood.
        """
        return bootstrap_lrt(self, restricted, n, rng, progress, n_jobs)

    def restricted_lrt(self, term=None, n_sim=10_000, rng=None):
        """Restricted likelihood-ratio test of one variance, with its exact null.

        Parameters
        ----------
        term : str, optional
            The variance to test: a term as in the formula such as ``"1 | g"``, or
            ``"effect | g"``. Not needed where there is only one.
        n_sim : int
            Draws of the statistic under the null hypothesis.
        rng : int or numpy.random.Generator, optional
            Seed or generator.

        Returns
        -------
        RLRTResult
            See `statsmodels_mixed.inference.restricted_lrt`.

        Raises
        ------
        ComparisonError
            A term with several correlated effects.
        DataError
            No such term, or a generalized linear mixed model: use `bootstrap_lrt`.

        Examples
        --------
        >>> import statsmodels_mixed as smm
        >>> data = smm.datasets.load("dyestuff")
        >>> res = smm.lmm("Yield ~ 1 + (1 | Batch)", data).fit()
        >>> test = res.restricted_lrt(rng=1)
        >>> round(test.statistic, 4), test.pvalue < 0.01
        (6.369, True)
        """
        fit = self._fit_with_rows("restricted_lrt")
        return restricted_lrt(fit, term, n_sim, rng, self.options)

    def exact_lrt(self, term=None, n_sim=10_000, rng=None):
        """Likelihood-ratio test (ML) of the only variance, with its exact null.

        Parameters and result are those of `restricted_lrt`, which has more power.

        Raises
        ------
        ComparisonError
            More than one variance beside the residual's.
        DataError
            A generalized linear mixed model: use `bootstrap_lrt`.
        """
        fit = self._fit_with_rows("exact_lrt")
        return exact_lrt(fit, term, n_sim, rng, self.options)
