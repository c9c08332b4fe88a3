"""Draws of new responses from a fit, with an explicit generator."""

from __future__ import annotations

import numpy as np

from .errors import check_option

KINDS = ("new", "conditional")


def simulate_responses(fit, n, *, random="new", rng=None):
    """Responses drawn from the fitted model at its own rows.

    Parameters
    ----------
    fit : Fit
    n : int
        Number of draws.
    random : {"new", "conditional"}
        Draw new random effects, or keep the conditional modes.
    rng : int, numpy.random.Generator, optional
        Seed or generator.

    Returns
    -------
    ndarray, shape (nobs, n)
    """
    check_option("random", random, KINDS)
    rng = np.random.default_rng(rng)
    eta = np.repeat(fit.fixed_part[:, None], n, axis=1)
    if random == "conditional":
        eta += fit.random_part[:, None]
    else:
        _add_new_effects(eta, fit, rng)
    return fit.draw_rows(eta.T, rng).T


def _add_new_effects(eta, fit, rng):
    """Add ``Z b`` with new random effects to each column."""
    for term, cov in zip(fit.design.terms, fit.covariances, strict=True):
        half, z = _square_root(cov), term.z
        for column in range(eta.shape[1]):
            b = rng.standard_normal((term.grouping.n_levels, term.k)) @ half.T
            rows = b[term.grouping.codes]
            eta[:, column] += rows[:, 0] if z is None else (rows * z).sum(axis=1)


def _square_root(cov):
    """A square root that exists for singular covariances too."""
    values, vectors = np.linalg.eigh(cov)
    return vectors * np.sqrt(np.maximum(values, 0.0))
