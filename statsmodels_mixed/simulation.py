"""Draws of new responses from a fit, with an explicit generator."""

from __future__ import annotations

import numpy as np

from .errors import check_count, check_option
from .fitting.draws import NEW_LEVELS, effect_draws, with_rows

KINDS = ("new", "conditional")
LABELS_NEEDED = (
    "Rows with the same label of {!r} share its random effects: give the column, of "
    "any labels for new levels (numbered, for a level of its own in every row)."
)


def simulate_responses(
    fit, n, *, random="new", rng=None, rows=None, new_levels="error", trials=None
):
    """Responses drawn from the fitted model, at its own rows or at new ones.

    Parameters
    ----------
    fit : Fit, GeneralizedFit or PQLFit
    n : int
        Number of draws, 1 or more.
    random : {"new", "conditional"}
        Draw new random effects for all levels, or keep the conditional modes.
    rng : int, numpy.random.Generator, optional
        Seed or generator.
    rows : Rows, optional
        New rows, of weight one; those of the fit by default.
    new_levels : {"error", "population", "draw"}
        Levels that were not there when fitting, with ``random="conditional"``: refuse,
        random effects of zero, or drawn ones. With ``random="new"`` every level is
        drawn; rows without a label are then refused by ``"error"``, and a level of
        their own each otherwise.
    trials : ndarray, shape (nobs,), optional
        Of a binomial response at new rows.

    Returns
    -------
    ndarray, shape (nobs, n)
        Rows with the same level share its effects within a draw.

    Raises
    ------
    DataError, NewLevelError
    """
    check_count("n", n)
    check_option("random", random, KINDS)
    check_option("new_levels", new_levels, NEW_LEVELS)
    rng = np.random.default_rng(rng)
    fixed = (fit if rows is None else rows).fixed_part
    eta = np.repeat(fixed[:, None], n, axis=1)
    for t in range(len(fit.design.terms)):
        if rows is not None:
            _check_levels(rows, t, random, new_levels)
        zero = random == "conditional" and new_levels == "population"
        base = fit.modes[t] if random == "conditional" else None
        _add_effects(eta, _Term(fit, t, rows), base, zero, rng)
    source = fit if rows is None else with_rows(fit, trials=trials)
    return source.draw_rows(eta.T, rng).T


def _check_levels(rows, t, random, new_levels):
    """Read the levels of new rows, and refuse those that cannot be drawn for."""
    rows.levels(t, LABELS_NEEDED)
    if new_levels == "error" and random == "conditional":
        rows.refuse_new_levels(t)
    elif new_levels == "error":
        rows.refuse_unlabelled(t)


# Numbers drawn at a time
BATCH = 1 << 20


class _Term:
    """One random-effects term at the rows of the fit, or at new ones."""

    def __init__(self, fit, t, rows):
        term = fit.design.terms[t]
        self.cov, self.k, self.m = fit.covariances[t], term.k, term.grouping.n_levels
        if rows is None:
            self.places, self.z, self.n_fresh = term.grouping.codes, term.z, 0
        else:
            self.places, self.z = rows.places(t), rows.effects[t]
            self.n_fresh = rows.levels(t).n_fresh


def _add_effects(eta, term, base, zero, rng):
    """Add ``Z b`` to each column of eta, shape (nobs, n).

    Parameters
    ----------
    eta : ndarray
        Changed in place.
    term : _Term
    base : ndarray, shape (m, k), or None
        Effects of the levels of the fit; None to draw them each time.
    zero : bool
        Whether new levels have effects of zero.
    rng : numpy.random.Generator
    """
    for column, b in zip(
        eta.T, _draws(eta.shape[1], term, base, zero, rng), strict=True
    ):
        rows = (b if base is None else np.vstack([base, b]))[term.places]
        column += rows[:, 0] if term.z is None else (rows * term.z).sum(axis=1)


def _draws(n, term, base, zero, rng):
    """Yield n draws of the effects of levels that are not in `base`, (levels, k)."""
    n_drawn = term.n_fresh + (term.m if base is None else 0)
    batch = max(1, BATCH // max(1, n_drawn * term.k))
    for start in range(0, n, batch):
        shape = min(batch, n - start), n_drawn, term.k
        if zero:
            yield from np.zeros(shape)
        else:
            drawn = effect_draws(term.cov, shape[0] * n_drawn, rng)
            yield from drawn.reshape(shape)
