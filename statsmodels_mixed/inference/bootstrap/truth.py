"""Parameters that are assumed, in place of estimates, and draws from them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ...design.check import check_design
from ...errors import DataError
from ...fitting import Fit, GaussianModel, GeneralizedFit, GeneralizedModel
from ...simulation import simulate_responses


@dataclass(frozen=True, eq=False)
class Truth:
    """A design with assumed parameters.

    Attributes
    ----------
    model : GaussianModel or GeneralizedModel
    beta : ndarray, shape (p,)
        Fixed effects of the columns that are not aliased.
    covariances : tuple of ndarray, shape (k, k)
        Of the effects of each term, in units of the response (the linear predictor).
    sigma2 : float
        Residual variance, or dispersion.
    reml : bool
        How the model is fitted.
    """

    model: object
    beta: np.ndarray
    covariances: tuple
    sigma2: float
    reml: bool = False

    @property
    def design(self):
        """The design."""
        return self.model.design

    @property
    def kept(self):
        """Columns that are not aliased."""
        return np.sort(self.model.coordinates.basis.kept)

    @property
    def names(self):
        """Names of these columns."""
        return [self.design.mean.exog_names[j] for j in self.kept]

    @property
    def fixed_part(self):
        """``X beta`` plus offset, shape (n,)."""
        mean = self.design.mean
        out = mean.exog[:, self.kept] @ self.beta
        return out if mean.offset is None else out + mean.offset

    def on(self, design):
        """The same parameters on another design with the same columns.

        Raises
        ------
        DataError, IdentifiabilityError
            Columns are aliased there, or the design cannot be fitted.
        """
        model = self._model(design)
        out = replace(self, model=model)
        if not np.array_equal(out.kept, self.kept):
            raise DataError(
                f"With {design.nobs} rows some fixed-effects columns are linear "
                "combinations of others: too few levels are left to vary them."
            )
        # what numerics learn from a response, they learn from one that may occur
        y = simulate_responses(out, 1, rng=0)[:, 0]
        design = design.with_response(y)
        check_design(design, getattr(model, "family", None))
        return replace(out, model=self._model(design))


class LinearTruth(Truth):
    """Parameters of a linear mixed model."""

    _model = staticmethod(GaussianModel)
    draw_rows = Fit.draw_rows


class GeneralizedTruth(Truth):
    """Parameters of a generalized linear mixed model."""

    draw_rows = GeneralizedFit.draw_rows

    @property
    def family(self):
        """The response distribution."""
        return self.model.family

    @property
    def dispersion(self):
        """Dispersion, 1 for a family without one."""
        return self.sigma2

    def _model(self, design):
        return GeneralizedModel(design, self.family)


def truth_of(model, **parameters):
    """The kind of `Truth` for a model.

    Parameters
    ----------
    model : GaussianModel or GeneralizedModel
    **parameters
        Attributes of `Truth`.
    """
    linear = isinstance(model, GaussianModel)
    return (LinearTruth if linear else GeneralizedTruth)(model, **parameters)
