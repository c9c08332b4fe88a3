"""Results of penalised quasi-likelihood."""

from __future__ import annotations

from .glmm import GLMMResults


class PQLResults(GLMMResults):
    """Estimates by penalised quasi-likelihood, which has no likelihood.

    Everything that would need one raises `ComparisonError`: `llf`, information criteria
    and likelihood-ratio tests. The residual variance of the working linear mixed model
    is `dispersion`. `convergence` holds the last relative change of the linear
    predictor and the number of working models. `relative_covariances` are relative to
    `dispersion`.
    """

    has_likelihood = False

    def _criteria(self):
        return [("Log-Likelihood:", "none"), ("Rounds:", f"{self._rounds}")]

    @property
    def _rounds(self):
        return self.fit_record.n_iterations

    @property
    def llf(self):
        """There is none."""
        return self.fit_record.deviance  # which says so

    def check_integration(self, rng=None, n_draws=4000):
        """There is no integral to check."""
        return self.llf
