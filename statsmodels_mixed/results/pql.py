"""Results of penalised quasi-likelihood."""

from __future__ import annotations

from ..errors import ComparisonError
from .glmm import GLMMResults


class PQLResults(GLMMResults):
    """Estimates by penalised quasi-likelihood, which has no likelihood.

    Everything that would need one raises `ComparisonError`: `llf`, information criteria
    and likelihood-ratio tests. The residual variance of the working linear mixed model
    is `dispersion`.
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
        raise ComparisonError(
            "Penalised quasi-likelihood has no likelihood, so there is no log-"
            "likelihood, AIC or likelihood-ratio test. Fit by nagq= or method='mcml'."
        )

    def check_integration(self, rng=None, n_draws=4000):
        """There is no integral to check."""
        return self.llf

    @property
    def converged(self):
        """Whether the linear predictor stopped changing."""
        return self.fit_record.converged
