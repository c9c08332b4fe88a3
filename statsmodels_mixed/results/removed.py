"""A fit without the rows it was made from: what `remove_data` leaves."""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace

import numpy as np

from ..errors import DataError
from ..fitting import PQLFit

# Figures of a fit whose size does not depend on the rows; taken along as they are,
# since without the rows they cannot be computed again.
FIGURES = (
    "beta",
    "cov_beta",
    "cov_parameters",
    "relative_covariances",
    "covariances",
    "theta",
    "modes",
    "beta_mcse",
    "covariances_mcse",
)
# These cost a factorisation: kept where they were asked for before.
IF_COMPUTED = ("conditional_covariances", "cov_variance")
# Attributes of statsmodels' model data that have one entry per row.
ROW_DATA = ("endog", "exog", "orig_endog", "orig_exog", "frame")


def removed_error(what="This"):
    """Why something cannot be computed any more."""
    return DataError(
        f"{what} needs the rows of the data, which remove_data() removed from this "
        "result; use it before removing them, or fit again."
    )


@dataclass(frozen=True)
class _Coordinates:
    """The part of the cross-products that names and new data need."""

    basis: object
    maps: tuple


class Remains:
    """What is left of model and objective: codings, but nothing to compute with.

    Parameters
    ----------
    model : GaussianModel or GeneralizedModel
    **figures
        What of the objective has no entry per row.
    """

    def __init__(self, model, **figures):
        self.design = _empty(model.design)
        own = model.coordinates
        self.coordinates = _Coordinates(own.basis, own.maps)
        self.layout = model.layout
        self.family = getattr(model, "family", None)
        vars(self).update(figures)

    def _gone(self, *args, **kwargs):
        raise removed_error()

    objective = fit = internal_theta = gaussian_loglike = with_design = _gone


def without_rows(fit):
    """The same fit with nothing in it that has one entry per row.

    Parameters
    ----------
    fit : Fit, GeneralizedFit or PQLFit

    Returns
    -------
    Fit, GeneralizedFit or PQLFit
        Estimates, modes and what encodes new data are there; criterion, fitted
        values and cross-products are not.
    """
    if isinstance(fit, PQLFit):
        return _without_working_rows(fit)
    remains = Remains(fit.model, **fit.light_objective())
    evaluation = replace(fit.evaluation, u=None, covariance_gradient=None)
    out = replace(fit, model=remains, objective=remains, evaluation=evaluation)
    figures = {name: getattr(fit, name) for name in FIGURES if hasattr(fit, name)}
    figures |= {name: vars(fit)[name] for name in IF_COMPUTED if name in vars(fit)}
    vars(out).update(figures)  # where cached properties look first
    return out


def _without_working_rows(fit):
    """The same for the end of a sequence of working models."""
    lmm = without_rows(fit.lmm)
    out = replace(fit, model=Remains(fit.model), lmm=lmm, eta=_none(fit.eta))
    known = vars(lmm)
    vars(out).update({name: known[name] for name in IF_COMPUTED if name in known})
    return out


def _empty(design):
    """A design of the same pieces over zero rows."""
    predictors = tuple(
        replace(
            predictor,
            exog=predictor.exog[:0].copy(),
            offset=_none(predictor.offset),
            terms=tuple(map(_empty_term, predictor.terms)),
        )
        for predictor in design.predictors
    )
    return replace(
        design,
        endog=_none(design.endog),
        predictors=predictors,
        weights=_none(design.weights),
        trials=_none(design.trials),
        row_labels=None,
        rows=None,
    )


def _empty_term(term):
    # a new object, so that counts the old one may have cached stay behind
    grouping = replace(term.grouping, codes=_none(term.grouping.codes))
    return replace(term, z=_none(term.z), grouping=grouping)


def _none(values):
    """No rows of an array; None stays None, which says there is no such array."""
    return None if values is None else np.array(values[:0])


def model_without_rows(model, engine):
    """A copy of a model, its names in place, that holds no rows.

    The model that was fitted is left alone: other results may use it.
    """
    names = {
        "_param_names": model.data.param_names,
        "_cache": {"xnames": model.data.xnames, "ynames": model.data.ynames},
    }
    rows = {name: None for name in ROW_DATA if hasattr(model.data, name)}
    # not copy.copy: statsmodels' would evaluate the formula once more
    data = object.__new__(type(model.data))
    vars(data).update({**vars(model.data), **names, **rows})
    out = copy.copy(model)
    out.engine, out.endog, out.exog, out.data = engine, None, None, data
    return out
