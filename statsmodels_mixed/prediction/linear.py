"""Linear predictors of rows, the variances of their errors, and of what is left out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import DataError, check_option
from ..fitting.draws import NEW_LEVELS, effect_draws
from ..linalg.basis import chunks
from .errors import joint_errors
from .population import effect_variance, fixed_variance
from .selection import select_effects

RANDOM = ("none", "conditional")
LABELS_NEEDED = (
    "A prediction that is not to be conditional on {!r} names the other grouping "
    "factors by level=, or has random='none'."
)


@dataclass(frozen=True, eq=False)
class LinearPrediction:
    """Linear predictor of some rows and what is not known about it.

    Attributes
    ----------
    rows : Rows
    values : ndarray, shape (n,)
        Linear predictor.
    variance : ndarray, shape (n,)
        Of the error ``values - (X beta + Z b)``, of the effects that `values` is meant
        to hold: of beta alone, or of beta and b together.
    spread : ndarray, shape (n,)
        Variance of the random effects that are not in `values`: of new levels.
    population : ndarray of bool, shape (n,)
        Where no random effect of the fit is in `values`, so that beta alone was
        estimated.
    """

    rows: object
    values: np.ndarray
    variance: np.ndarray
    spread: np.ndarray
    population: np.ndarray


def predict_linear(rows, *, random="none", new_levels="error", level=None, rng=None):
    """Linear predictor of some rows.

    Parameters
    ----------
    rows : Rows
    random : {"none", "conditional"}
        ``"none"`` is the population mean ``X beta``, ``"conditional"`` adds the
        conditional modes ``Z b``.
    new_levels : {"error", "population", "draw"}
        What to do with levels of a grouping factor that were not there when fitting,
        and with rows without a label: refuse, predict with random effects of zero, or
        with effects drawn from their distribution (one draw per level).
    level : str, sequence of str or dict, optional
        Effects to condition on; see `select_effects`.
    rng : int or numpy.random.Generator, optional
        For ``new_levels="draw"``.

    Returns
    -------
    ndarray, shape (n,)

    Raises
    ------
    MissingColumnError, MissingValueError, NewLevelError, DataError
    """
    selected = _checked(rows.fit, random, new_levels, level)
    if random == "none":
        return rows.fixed_part
    return rows.fixed_part + conditional_part(rows, selected, new_levels, rng)


def predict_rows(
    rows, *, random="none", new_levels="error", level=None, rng=None, cov_beta=None
):
    """Linear predictor with the variances that intervals need.

    Parameters
    ----------
    rows : Rows
    random, new_levels, level, rng
        As for `predict_linear`. Random effects that are conditioned on and whose level
        is new have their whole variance in ``variance``, unless they are drawn, which
        takes them for known.
    cov_beta : ndarray, shape (p, p), optional
        Covariance of beta, the fit's own by default, for population means and for rows
        without any level of the fit.

    Returns
    -------
    LinearPrediction

    Raises
    ------
    MissingColumnError, MissingValueError, NewLevelError, DataError

    Notes
    -----
    Memory is proportional to the rows and to the random effects.
    """
    fit = rows.fit
    selected = _checked(fit, random, new_levels, level)
    cov_beta = fit.cov_beta if cov_beta is None else cov_beta
    values, fixed = rows.fixed_part, fixed_variance(rows.exog, cov_beta)
    if random == "none":
        nothing = [np.zeros_like(s) for s in selected]
        everywhere = np.ones(rows.nobs, dtype=bool)
        return LinearPrediction(rows, values, fixed, _spread(rows, nothing), everywhere)
    values = values + conditional_part(rows, selected, new_levels, rng)
    population = ~_conditional(rows, selected)
    # without a level of the fit there is nothing to predict but the mean
    variance = np.where(population, fixed, joint_errors(fit).variances(rows, selected))
    if new_levels == "population":
        for t, chosen in enumerate(selected):
            new = ~rows.levels(t).known
            if new.any():
                variance += new * effect_variance(rows, t, chosen)
    return LinearPrediction(rows, values, variance, _spread(rows, selected), population)


def _conditional(rows, selected):
    """Rows that hold a selected effect of a level of the fit, shape (n,)."""
    out = np.zeros(rows.nobs, dtype=bool)
    for t, chosen in enumerate(selected):
        if chosen.any():
            out |= rows.levels(t).known
    return out


def _checked(fit, random, new_levels, level):
    """The effects conditioned on, after a look at all options."""
    check_option("random", random, RANDOM)
    check_option("new_levels", new_levels, NEW_LEVELS)
    if random == "none" and level is not None:
        raise DataError(
            "level= names what a prediction with random='conditional' is conditional "
            "on; random='none' conditions on nothing."
        )
    return select_effects(fit.design, level)


def conditional_part(rows, selected, new_levels, rng=None):
    """``Z b`` at the conditional modes of the selected effects, shape (n,).

    Parameters
    ----------
    rows : Rows
    selected : sequence of ndarray of bool
        Per term, from `select_effects`.
    new_levels : {"error", "population", "draw"}
    rng : int or numpy.random.Generator, optional
    """
    fit, out = rows.fit, np.zeros(rows.nobs)
    rng = np.random.default_rng(rng)
    for t, (modes, chosen) in enumerate(zip(fit.modes, selected, strict=True)):
        if not chosen.any():
            continue
        levels = rows.levels(t, LABELS_NEEDED)
        if new_levels == "error":
            rows.refuse_new_levels(t)
        drawn = np.zeros((levels.n_fresh, len(chosen)))
        if new_levels == "draw":
            drawn = effect_draws(fit.covariances[t], levels.n_fresh, rng)
        out += _level_part(rows, t, np.vstack([modes, drawn]) * chosen)
    return out


def _level_part(rows, t, effects):
    """``Z b`` of term t for effects of the levels of the fit, then of the new ones."""
    places, z, out = rows.places(t), rows.effects[t], np.empty(rows.nobs)
    for part in chunks(rows.nobs):
        b = effects[places[part]]
        out[part] = b[:, 0] if z is None else (b * z[part]).sum(axis=1)
    return out


def _spread(rows, selected):
    """Variance of the effects that are not selected, as of new levels, (n,)."""
    out = np.zeros(rows.nobs)
    for t, chosen in enumerate(selected):
        if not chosen.all():
            out += effect_variance(rows, t, ~chosen)
    return out
