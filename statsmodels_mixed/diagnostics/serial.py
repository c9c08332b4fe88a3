"""Autocorrelation of residuals in time (Durbin-Watson) and in space (Moran's I)."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import integrate, stats
from scipy.spatial import distance

from ..errors import DataError, check_option
from .residual_tests import ALPHA, ALTERNATIVES, ResidualTest

EXACT = 100  # lmtest's dwtest uses the exact distribution for fewer values
CELLS = 1 << 22  # distances in memory at a time
FEWEST = 4  # points with which Moran's I has a variance

SERIAL = (
    "Residuals next to each other are more alike than chance has it: autocorrelation.",
    "Residuals next to each other are less alike than chance has it: negative "
    "autocorrelation.",
    "No autocorrelation is to be seen.",
)


def _reading(pvalue, alike):
    return SERIAL[2] if pvalue >= ALPHA else SERIAL[0 if alike else 1]


def durbin_watson_test(residuals, time, alternative="two-sided"):
    """Durbin-Watson test of autocorrelation.

    Parameters
    ----------
    residuals : ndarray, shape (nobs,)
    time : ndarray, shape (nobs,)
        Decides about the order only; distinct values.
    alternative : {"two-sided", "greater", "less"}
        Positive autocorrelation for "greater".

    Returns
    -------
    ResidualTest

    Raises
    ------
    DataError
        Times that repeat, or fewer than three residuals.

    Notes
    -----
    As ``dwtest`` of R's lmtest about a constant mean: for fewer than 100 residuals the
    exact distribution of a ratio of quadratic forms of normal variables (by Imhof 1961,
    Biometrika 48, 419-426, in place of Pan's algorithm), else the normal distribution
    with its mean and variance.
    """
    check_option("alternative", alternative, ALTERNATIVES)
    n = len(residuals)
    if n < 3:
        raise DataError("The Durbin-Watson test needs three residuals or more.")
    order = np.argsort(time, kind="stable")
    _refuse_ties(np.diff(time[order]) == 0, "time", "time")
    x = residuals[order] - residuals.mean()
    total = float(x @ x)
    if total == 0.0:
        raise DataError("All residuals are equal: they have no autocorrelation.")
    dw = float((np.diff(x) ** 2).sum() / total)
    # of the quadratic form of differences on vectors that sum to zero
    roots = 2.0 - 2.0 * np.cos(np.pi * np.arange(1, n) / n)
    low, high = (_exact if n < EXACT else _normal)(dw, roots)
    pvalue = {"greater": low, "less": high, "two-sided": min(1.0, 2 * min(low, high))}
    p = float(pvalue[alternative])
    name = "Temporal autocorrelation (Durbin-Watson)"
    return ResidualTest(name, dw, p, _reading(p, dw < roots.mean()), alternative)


def _normal(dw, roots):
    """Both tails by the mean and variance of the ratio."""
    m, mean = len(roots), roots.mean()
    variance = 2.0 * (roots @ roots - m * mean**2) / (m * (m + 2.0))
    z = (dw - mean) / np.sqrt(variance)
    return stats.norm.cdf(z), stats.norm.sf(z)


def _exact(dw, roots):
    """Both tails: the sign of ``sum (root - dw) chi2_1``, by inverting a transform."""
    a = roots - dw

    def integrand(u):
        angle = 0.5 * np.arctan(a * u).sum()
        modulus = np.exp(0.25 * np.log1p((a * u) ** 2).sum())
        return np.sin(angle) / (u * modulus)

    area = integrate.quad(integrand, 0.0, np.inf, epsabs=1e-12, limit=500)[0]
    low = np.clip(0.5 - area / np.pi, 0.0, 1.0)
    return low, 1.0 - low


def _refuse_ties(tied, what, noun):
    if tied.any():
        raise DataError(
            f"{what}= has rows with the same {noun}: sum them with by= or aggregate(), "
            "or test the rows of one series or one occasion at a time."
        )


def moran_test(residuals, coordinates=None, distances=None, alternative="two-sided"):
    """Moran's I of residuals, weights the inverse distances.

    Parameters
    ----------
    residuals : ndarray, shape (nobs,)
    coordinates : ndarray, shape (nobs, d), optional
        Distinct places, for Euclidean distances.
    distances : ndarray, shape (nobs, nobs), optional
        In place of coordinates; symmetric.
    alternative : {"two-sided", "greater", "less"}

    Returns
    -------
    ResidualTest
        ``table`` has what is expected without autocorrelation, and its standard
        deviation.

    Raises
    ------
    DataError
        Places that repeat, or fewer than four.

    Notes
    -----
    As ``Moran.I`` of R's ape: weights are divided by their sums over rows, mean and
    variance are those under permutation of the residuals, and the p-value is that of
    the normal distribution (Cliff and Ord 1981, Spatial Processes).
    """
    check_option("alternative", alternative, ALTERNATIVES)
    n = len(residuals)
    if n < FEWEST:
        raise DataError(f"Moran's I needs {FEWEST} residuals or more.")
    if distances is None:
        weights = _inverse_distances(coordinates)
    else:
        weights = _inverse_of_matrix(distances, n)
    y = residuals - residuals.mean()
    if not y.any():
        raise DataError("All residuals are equal: they have no autocorrelation.")
    total, s1, s2, cross = _weight_sums(weights, y)
    square = float(y @ y)
    observed, expected = n / total * cross / square, -1.0 / (n - 1)
    sd = np.sqrt(_permutation_variance(n, total, s1, s2, n * (y**4).sum() / square**2))
    z = (observed - expected) / sd
    low, high = stats.norm.cdf(z), stats.norm.sf(z)
    pvalue = {"greater": high, "less": low, "two-sided": min(1.0, 2 * min(low, high))}
    p = float(pvalue[alternative])
    name = "Spatial autocorrelation (Moran's I)"
    reading = _reading(p, observed > expected)
    table = pd.DataFrame({"expected": [expected], "sd": [sd]})
    return ResidualTest(name, float(observed), p, reading, alternative, table)


def _permutation_variance(n, total, s1, s2, kurtosis):
    """Variance of Moran's I over the permutations of the values."""
    first = n * ((n**2 - 3 * n + 3) * s1 - n * s2 + 3 * total**2)
    second = kurtosis * (n * (n - 1) * s1 - 2 * n * s2 + 6 * total**2)
    scale = (n - 1) * (n - 2) * (n - 3) * total**2
    return (first - second) / scale - 1.0 / (n - 1) ** 2


def _weight_sums(weights, y):
    """Sum of the weights, S1, S2, and ``y'Wy``, some rows at a time.

    Weights are symmetric before they are divided by their sums over rows.
    """
    n = len(y)
    sums = np.concatenate([part.sum(axis=1) for _, part in weights()])
    sums[sums == 0] = 1.0
    columns, s1, cross, rows = np.zeros(n), 0.0, 0.0, np.empty(n)
    for part, raw in weights():
        scaled = raw / sums[part, None]
        rows[part] = scaled.sum(axis=1)
        columns += scaled.sum(axis=0)
        s1 += 0.5 * ((scaled + raw / sums) ** 2).sum()
        cross += float(y[part] @ (scaled @ y))
    return rows.sum(), s1, ((rows + columns) ** 2).sum(), cross


def _inverse_distances(coordinates):
    """A function that yields slices of rows and their inverse distances."""
    n = len(coordinates)
    _refuse_ties(np.array([len(np.unique(coordinates, axis=0)) < n]), "x, y", "place")
    step = max(1, CELLS // n)

    def weights():
        for start in range(0, n, step):
            part = slice(start, min(start + step, n))
            yield part, _inverse(distance.cdist(coordinates[part], coordinates), start)

    return weights


def _inverse(distances, start):
    """Inverse distances of rows from `start` on; 0 from a place to itself."""
    own = np.arange(len(distances))
    distances[own, own + start] = 1.0
    out = 1.0 / distances
    out[own, own + start] = 0.0
    return out


def _inverse_of_matrix(distances, n):
    matrix = np.array(distances, dtype=float)
    if matrix.shape != (n, n):
        raise DataError(f"distances= has shape {matrix.shape}; give ({n}, {n}).")
    apart = matrix[~np.eye(n, dtype=bool)]
    if not np.allclose(matrix, matrix.T) or not (apart > 0).all():
        raise DataError("distances= must be symmetric, and positive off the diagonal.")
    inverse = _inverse(matrix, 0)
    return lambda: [(slice(0, n), inverse)]
