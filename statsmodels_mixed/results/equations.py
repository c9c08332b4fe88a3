"""The equation of a model, of results and of models."""

from __future__ import annotations

import numpy as np

from ..diagnostics.equation import Figures, equation


class EquationMethods:
    """Mixin for results with `fit_record` and `model`."""

    def equation(self, estimates=False):
        """Equation of the fitted model, as text and LaTeX.

        Parameters
        ----------
        estimates : bool
            Whether estimates stand in the place of the symbols.

        Returns
        -------
        Equation
            With ``text`` and ``latex``; it prints as text.

        Examples
        --------
        >>> import statsmodels_mixed as smm
        >>> data = smm.datasets.load("sleepstudy")
        >>> res = smm.lmm("Reaction ~ Days + (Days | Subject)", data).fit()
        >>> res.equation()
        Reaction = (β0 + b_S0[s]) + (β1 + b_S1[s]) Days + e
        (b_S0, b_S1)[s] ~ N(0, Σ_S)
        e ~ N(0, σ²)
        s = 1, ..., 18: Subject
        """
        family = getattr(self.model, "family", None)
        figures = _figures(self.fit_record, self._params) if estimates else None
        names = self.model.exog_names
        return equation(self.fit_record.design, names, family, figures)


class ModelEquation:
    """Mixin for models with `design` and `exog_names`."""

    def equation(self):
        """Equation of the model, as text and LaTeX; see `MixedResults.equation`."""
        family = getattr(self, "family", None)
        return equation(self.design, self.exog_names, family)


def _figures(fit, beta):
    return Figures(np.asarray(beta), tuple(fit.covariances), float(fit.sigma2))
