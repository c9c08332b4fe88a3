"""Singular covariances: exact zeros, and the sign test that justifies them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

# Singular values of lambda below this (and below this share of the largest) are
# tried at exactly zero; effects are scaled to mean square 1, sigma to 1.
SUSPICIOUS = 1e-3
# Eigenvalues of the curvature below this share of the largest are those of
# directions the data say nothing about.
FLAT = 1e-9
# Zero is accepted when the deviance rises by no more than this.
WORTHLESS = 1e-8


@dataclass(frozen=True)
class SingularDirection:
    """A direction of one term along which the variance is exactly zero.

    Attributes
    ----------
    term : int
    direction : ndarray, shape (k,)
        Unit vector in the coordinates of the fit.
    slope : float
        Derivative of the deviance in the variance along it.
    """

    term: int
    direction: np.ndarray
    slope: float


def eigen(layout, theta):
    """Eigenvalues and vectors of each term's relative covariance."""
    out = []
    for lam in layout.term_factors(theta):
        out.append(np.linalg.eigh(lam @ np.swapaxes(lam, -1, -2)))
    return out


def is_suspicious(layout, theta):
    """Whether a direction of some term has nearly no variance, shape (...)."""
    flags = np.zeros(theta.shape[:-1], dtype=bool)
    for values, _ in eigen(layout, theta):
        least, most = values[..., 0], values[..., -1]
        flags |= least <= SUSPICIOUS**2 * np.maximum(1.0, most)
    return flags


def with_exact_zeros(objective, theta, value):
    """Set nearly vanishing variances to zero where that costs nothing.

    Directions are tried one at a time, smallest first.

    Returns
    -------
    theta : ndarray
    value : float
    n_evaluations : int
    """
    layout, count = objective.layout, 0
    parts = eigen(layout, theta)
    candidates = []
    for t, (values, _) in enumerate(parts):
        bound = SUSPICIOUS**2 * max(1.0, values[-1])
        candidates += [(values[i], t, i) for i in np.flatnonzero(values <= bound)]
    for _, t, i in sorted(candidates):
        values, vectors = parts[t]
        kept = values.copy()
        kept[i] = 0.0
        trial = theta.copy()
        cov = (vectors * kept) @ vectors.T
        trial[layout.slices[t]] = layout.structures[t].from_covariance(cov)
        trial_value = float(objective.evaluate(trial, derivatives=False).value)
        count += 1
        if trial_value <= value + WORTHLESS:
            theta, value = trial, trial_value
            parts[t] = kept, vectors
    return theta, value, count


def singular_directions(objective, evaluation):
    """Null directions of each term's covariance, with the slope in the variance."""
    layout, out = objective.layout, []
    for t, (values, vectors) in enumerate(eigen(layout, evaluation.x)):
        null = values <= 1e-13 * max(1.0, values[-1])
        if not null.any():
            continue
        f = next(i for i, terms in enumerate(layout.factors) if t in terms)
        cols = layout.columns[t]
        g = evaluation.covariance_gradient[f][cols, cols]
        directions = layout.structures[t].singular_directions(vectors[:, null], g)
        for v in directions.T:
            out.append(SingularDirection(t, v, float(v @ g @ v)))
    return tuple(out)


def flat_terms(layout, evaluation):
    """Terms whose covariances change along a direction of no curvature.

    Parameters that only turn a singular factor leave its covariance alone and do
    not count.

    Returns
    -------
    tuple of int
    """
    if not layout.n_par:
        return ()
    values, vectors = np.linalg.eigh(evaluation.curvature)
    flat = np.abs(values) < FLAT * np.abs(values).max()
    if not flat.any():
        return ()
    out = set()
    for v in vectors[:, flat].T:
        ahead, behind = (
            [lam @ lam.T for lam in layout.term_factors(evaluation.x + step * v)]
            for step in (1e-4, -1e-4)
        )
        change = [
            np.abs(a - b).max() / 2e-4 for a, b in zip(ahead, behind, strict=True)
        ]
        out |= {t for t, c in enumerate(change) if c > 0.01 and c > 0.1 * max(change)}
    return tuple(sorted(out))
