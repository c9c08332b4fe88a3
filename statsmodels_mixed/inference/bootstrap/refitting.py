"""The same estimation again and again, of other responses or of other designs."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field, replace

import numpy as np

from ...design.check import check_response
from ...errors import DataError, MixedModelError, MixedModelWarning
from ...fitting import METHODS, GaussianModel, GeneralizedModel
from ...fitting.boundary import is_suspicious

# what one draw may end in without ending all of them
FAILURES = (MixedModelError, np.linalg.LinAlgError)
# numbers that are held at once, for all draws of a chunk
CELLS = 4_000_000
LARGEST, LARGEST_ALONE = 500, 10


@dataclass(frozen=True, eq=False)
class Replicates:
    """Figures of repeated fits.

    Attributes
    ----------
    values : ndarray, shape (n, P)
        NaN in the rows of fits that failed.
    converged, singular : ndarray of bool, shape (n,)
    errors : dict
        Row to the message of what was raised.
    """

    values: np.ndarray
    converged: np.ndarray
    singular: np.ndarray
    errors: dict = field(default_factory=dict)


def join(parts):
    """One `Replicates` of several, in order; at least one."""
    starts = np.cumsum([0] + [len(part.values) for part in parts])
    return Replicates(
        np.concatenate([part.values for part in parts]),
        np.concatenate([part.converged for part in parts]),
        np.concatenate([part.singular for part in parts]),
        {
            int(start) + i: text
            for start, part in zip(starts, parts, strict=False)
            for i, text in part.errors.items()
        },
    )


class _Linear:
    """Fits of a GaussianModel, which start from the covariances that are known."""

    def __init__(self, fit, reml, options):
        self.model, self.reml = fit.model, reml
        relative = tuple(cov / fit.sigma2 for cov in fit.covariances)
        theta = self.model.internal_theta(relative)
        # where a variance is zero, so is its slope: no place to start from
        at_bound = bool(is_suspicious(self.model.layout, theta))
        self.options = options if at_bound else replace(options, start=relative)

    def new_model(self, design):
        return GaussianModel(design)

    def fit(self, model):
        return model.fit(self.reml, self.options)

    def fit_many(self, endog):
        return self.model.fit(self.reml, self.options, endog)


class _Generalized:
    """Fits of a GeneralizedModel, one by one."""

    fit_many = None

    def __init__(self, fit, reml, options):
        self.model, self.options = fit.model, options

    def new_model(self, design):
        return GeneralizedModel(design, self.model.family)

    def fit(self, model):
        return METHODS[self.options.method](model, self.options)


class Refitter:
    """A fit that can be repeated, and what is wanted of each repetition.

    Parameters
    ----------
    fit : Fit, GeneralizedFit or PQLFit
    options : FitOptions
    measure : callable
        Figures (..., P) of a fit, called `names`. With a true attribute ``batched``
        it takes fits of many responses, (R, P), too.
    reml : bool, optional
        Of the fit, by default.
    """

    def __init__(self, fit, options, measure, reml=None):
        self.fit, self.measure = fit, measure
        reml = fit.reml if reml is None else reml
        engine = _Linear if isinstance(fit.model, GaussianModel) else _Generalized
        self._engine = engine(fit, reml, options)
        self._kept = np.sort(fit.model.coordinates.basis.kept)

    @property
    def _many(self):
        return self._engine.fit_many if self.measure.batched else None

    def chunk_size(self):
        """How many responses to fit at once, within bounded memory."""
        model, design = self.fit.model, self.fit.design
        system = model.coordinates.system
        alone = self._many is None or not system.batched
        columns = len(self._kept) + model.layout.n_par + 1
        cells = 4 * design.nobs + 4 * system.width * columns
        return int(np.clip(CELLS // cells, 1, LARGEST_ALONE if alone else LARGEST))

    def responses(self, endog):
        """Fit other responses of the same design.

        Parameters
        ----------
        endog : ndarray, shape (n, R)

        Returns
        -------
        Replicates
        """
        if self._many is not None:
            try:
                return self._together(endog)
            except FAILURES:  # of one of them: find out which
                pass
        return self._each(lambda i: self._with_response(endog[:, i]), endog.shape[1])

    def _together(self, endog):
        fit = self._many(endog)
        converged = np.array([c.converged for c in fit.convergences])
        singular = np.array([len(s) > 0 for s in fit.singulars])
        return Replicates(self.measure(fit), converged, singular)

    def designs(self, make, count):
        """Fit other designs.

        Parameters
        ----------
        make : callable
            The design of a number; called once for each, in order.
        count : int

        Returns
        -------
        Replicates
        """
        return self._each(lambda i: self._with_design(make(i)), count)

    def _with_response(self, endog):
        design = self.fit.design.with_response(endog)
        check_response(design.endog, design.endog_name, design.trials)
        return self.fit.model.with_design(design)

    def _with_design(self, design):
        check_response(design.endog, design.endog_name, design.trials)
        model = self._engine.new_model(design)
        if not np.array_equal(np.sort(model.coordinates.basis.kept), self._kept):
            raise DataError("Fixed-effects columns became linear combinations.")
        return model

    def _each(self, model_of, count):
        values = np.full((count, len(self.measure.names)), np.nan)
        converged, singular = np.zeros((2, count), dtype=bool)
        errors = {}
        for i in range(count):
            try:
                with warnings.catch_warnings():
                    # the verdict is counted instead
                    warnings.simplefilter("ignore", MixedModelWarning)
                    fit = self._engine.fit(model_of(i))
                    values[i] = self.measure(fit)
            except FAILURES as error:
                errors[i] = str(error)
                continue
            converged[i] = fit.convergences[0].converged
            singular[i] = len(fit.singulars[0]) > 0
        return Replicates(values, converged, singular, errors)
