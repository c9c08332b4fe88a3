"""Eigenvalues of one variance component, and draws of likelihood ratios from them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

# RLRsim's grid: logarithms of lambda times the largest eigenvalue
LOWEST, HIGHEST, POINTS = -10.0, 8.0, 200
NUMBERS_PER_CHUNK = 2_000_000
SAME = 1e-12  # relative difference of eigenvalues that is rounding
NOTHING = 1e-10  # relative to the largest, an eigenvalue of zero
SMALL = 1e-4  # relative to the largest, where groups of eigenvalues begin
LARGEST = 1500  # order of the matrix that is diagonalised


@dataclass(frozen=True, eq=False)
class Spectrum:
    """What the null distribution of a likelihood ratio depends on.

    Attributes
    ----------
    mu : ndarray, shape (r,)
        Distinct positive eigenvalues of ``Z'MZ``, M the projection on the residuals of
        X (in the metric of the weights).
    multiplicity : ndarray of int, shape (r,)
    xi : ndarray, shape (s,)
        Distinct positive eigenvalues of ``Z'Z``.
    xi_multiplicity : ndarray of int, shape (s,)
    nobs, rank : int
        Rows, and columns of X.
    """

    mu: np.ndarray
    multiplicity: np.ndarray
    xi: np.ndarray
    xi_multiplicity: np.ndarray
    nobs: int
    rank: int

    def restricted_draws(self, n_sim, rng):
        """Draws of the restricted likelihood ratio, shape (n_sim,)."""
        penalty = self.mu, self.multiplicity
        return self._draws(self.nobs - self.rank, penalty, n_sim, rng)

    def full_draws(self, n_sim, rng):
        """Draws of the likelihood ratio, shape (n_sim,)."""
        return self._draws(self.nobs, (self.xi, self.xi_multiplicity), n_sim, rng)

    def _draws(self, dof, penalty, n_sim, rng):
        """Suprema over lambda of ``dof log(T / D) - sum log(1 + lambda x)``.

        T is the sum of all ``w_s^2`` and ``D = sum_s w_s^2 / (1 + lambda mu_s)``:
        Crainiceanu and Ruppert (2004) have ``N + D = T``. Chi-square variables of
        equal eigenvalues are drawn as one.
        """
        values, counts = penalty
        largest = max(self.mu.max(), values.max())
        grid = np.exp(np.linspace(LOWEST, HIGHEST, POINTS - 1)) / largest
        grid = np.r_[0.0, grid]
        shrink = 1.0 / (1.0 + np.outer(self.mu, grid))
        price = counts @ np.log1p(np.outer(values, grid))
        rest = self.nobs - self.rank - self.multiplicity.sum()
        step = max(1, NUMBERS_PER_CHUNK // max(POINTS, len(self.mu)))
        out = np.empty(n_sim)
        for start in range(0, n_sim, step):
            part = out[start : start + step]
            squares = rng.chisquare(self.multiplicity, (len(part), len(self.mu)))
            residual = rng.chisquare(rest, (len(part), 1)) if rest else 0.0
            d = squares @ shrink + residual
            part[:] = _suprema(dof * np.log(d[:, :1] / d) - price)
        return out


def component_spectrum(fit, component):
    """Spectrum of the columns of a variance component.

    Parameters
    ----------
    fit : Fit
    component : VarianceComponent

    Returns
    -------
    Spectrum

    Notes
    -----
    ``Z'WZ`` has one small block per level, and ``Z'MZ`` differs from it by a matrix of
    the rank of X. Eigenvalues that n levels share are shared by n - rank eigenvectors
    of both, so that what is left to diagonalise is small for designs with repeated
    numbers of rows. Where more than `LARGEST` columns would be left, block eigenvalues
    are first grouped; no eigenvalue moves by more than a group is wide (Weyl).
    """
    cross = fit.model.cross
    f, part, (m, size), cols = fit._place(component.term)
    own = np.arange(cols.start, cols.stop)[list(component.effects)]
    blocks = cross.system.gram.diagonals[f][:, own[:, None], own]
    coupled = cross.zx[part].reshape(m, size, cross.rank)[:, own]
    xi, vectors = np.linalg.eigh(blocks)
    coupled = np.swapaxes(vectors, -1, -2) @ coupled
    coupled = coupled.reshape(xi.size, cross.rank)
    xi = np.maximum(xi.ravel(), 0.0)
    mu, counts = _projected(xi, coupled)
    return Spectrum(
        *_positive(mu, counts),
        *_positive(*_distinct(xi)),
        nobs=cross.nobs,
        rank=cross.rank,
    )


def _projected(xi, coupled):
    """Eigenvalues of ``diag(xi) - coupled coupled'`` and how often each occurs."""
    rank = coupled.shape[1]
    xi = _grouped(xi, rank)
    values, index, counts = np.unique(
        _rounded(xi), return_inverse=True, return_counts=True
    )
    diagonal, rows = [], []
    order = np.argsort(index, kind="stable")
    for value, own in zip(values, np.split(order, np.cumsum(counts)[:-1]), strict=True):
        part = coupled[own]
        if len(own) > rank:
            part = np.linalg.qr(part, mode="r")
        diagonal.append(np.full(len(part), value))
        rows.append(part)
    left, part = np.concatenate(diagonal), np.concatenate(rows)
    mixed = np.linalg.eigvalsh(np.diag(left) - part @ part.T)
    repeats = np.r_[np.ones(len(mixed), int), np.maximum(counts - rank, 0)]
    return _distinct(np.r_[mixed, values], repeats)


def _grouped(xi, rank):
    """Eigenvalues of blocks, nearby ones made equal where there are too many."""
    distinct, counts = np.unique(_rounded(xi), return_counts=True)
    most = max(LARGEST // max(rank, 1), 2)
    if np.minimum(counts, rank + 1).sum() <= LARGEST or len(distinct) <= most:
        return xi
    high = distinct.max()
    low = max(distinct[distinct > 0.0].min(), SMALL * high)
    width = np.log(high / low) / most
    place = np.floor(np.log(np.maximum(xi, low) / low) / width).astype(int)
    place = np.minimum(place, most - 1)
    positive = xi > 0.0
    counts = np.bincount(place, positive, most)
    means = np.bincount(place, xi, most) / np.maximum(counts, 1.0)
    return np.where(positive, means[place], 0.0)


def _rounded(values):
    """Values with differences that are rounding taken away."""
    unit = SAME * np.abs(values).max(initial=np.finfo(float).tiny)
    return np.round(values / unit) * unit


def _distinct(values, repeats=None):
    repeats = np.ones(len(values), int) if repeats is None else repeats
    distinct, index = np.unique(_rounded(values), return_inverse=True)
    return distinct, np.bincount(index, repeats, len(distinct)).astype(int)


def _positive(values, counts):
    kept = (counts > 0) & (values > NOTHING * values.max())
    return values[kept], counts[kept]


def _suprema(values):
    """Largest entry of each row, between grid points by the parabola through three."""
    best = values.argmax(axis=1)
    rows = np.arange(len(values))
    top = values[rows, best]
    # the first points are zero and the next, which are not one step apart
    inside = (best > 1) & (best < values.shape[1] - 1)
    rows, best = rows[inside], best[inside]
    left, right = values[rows, best - 1], values[rows, best + 1]
    bend = 2.0 * top[inside] - left - right
    rise = (right - left) ** 2 / (8.0 * np.maximum(bend, np.finfo(float).tiny))
    top[inside] += np.where(bend > 0.0, rise, 0.0)
    return top
