"""Coordinates in which a standard deviation, a correlation or a scale is one of them.

Let ``T T'`` be the covariance of a term's effects, T lower triangular. With effect a in
the first row, ``T[0, 0]`` is its standard deviation; with b in the second row, and
``T[0, 0] = v^2, T[1, 0] = w^2 sin(angle), T[1, 1] = w^2 cos(angle)``, the sine is the
correlation of a and b. All other entries are free of bounds, so a parameter can be held
fixed and the rest minimised without constraints, singular covariances included.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...covariance import Diagonal, HomogeneousDiagonal, Unstructured
from ...errors import DataError
from ...fitting.sdcor import sdcor_entries

RIGHT_ANGLE = 0.5 * np.pi
# A standard deviation below this, relative to the scale, is told as zero: derivatives
# at zero are taken a little inside
NOTHING = 1e-6
# Structures whose sds can be held, and whether effects are put in another order for it
ORDERED = {Unstructured: True, Diagonal: False, HomogeneousDiagonal: False}


@dataclass(frozen=True)
class Line:
    """Parameters that are ``centre + unit * coordinate``."""

    unit: float
    centre: float = 0.0

    def value(self, coordinate):
        """The parameter."""
        return self.centre + self.unit * coordinate

    def coordinate(self, value):
        """And back."""
        return (value - self.centre) / self.unit


@dataclass(frozen=True)
class Exponential:
    """Parameters that are ``unit * exp(coordinate)``."""

    unit: float = 1.0

    def value(self, coordinate):
        """The parameter."""
        return self.unit * np.exp(coordinate)

    def coordinate(self, value):
        """And back; no number where there is none."""
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.log(value / self.unit)


class Sine:
    """Correlations, as the sine of an angle."""

    def value(self, coordinate):
        """The parameter."""
        return np.sin(coordinate)

    def coordinate(self, value):
        """And back; no number where there is none."""
        with np.errstate(invalid="ignore"):
            return np.arcsin(value)


@dataclass(frozen=True)
class Target:
    """A parameter to be held fixed, and where it is among the coordinates.

    Attributes
    ----------
    name : str
    place : int
        Of the coordinate that stands for it.
    scale : Line, Exponential or Sine
        The parameter as a function of that coordinate.
    lower, upper : float
        Bounds of the coordinate.
    term : int
        Of a standard deviation or correlation; -1 for other parameters.
    order : tuple of int
        Effects of the term, those first that must be.
    bent : tuple of int
        Places of v, the angle and w; empty unless it is a correlation.
    contrast : int
        Fixed effect; -1 for other parameters.
    """

    name: str
    place: int
    scale: object
    lower: float = -np.inf
    upper: float = np.inf
    term: int = -1
    order: tuple = ()
    bent: tuple = ()
    contrast: int = -1


def effect_scales(model):
    """Lengths that bring each term's effects to the unit of the numerics, (k,)."""
    return [np.sqrt((m**2).sum(axis=1)) for m in model.coordinates.maps]


def variance_targets(fit, names, unit):
    """Targets for the standard deviations and correlations of all terms.

    Parameters
    ----------
    fit : Fit or GeneralizedFit
    names : list of str
        From `sdcor_names`.
    unit : float
        Of the response.
    """
    layout, out = fit.model.layout, []
    scales = effect_scales(fit.model)
    for t, term in enumerate(fit.design.terms):
        start, k = layout.slices[t].start, term.k
        permuted = _is_ordered(term.structure)
        for i, j in sdcor_entries(term):
            first = [j] if i == j else [j, i]
            rest = [a for a in range(k) if a not in first]
            order = tuple(first + rest) if permuted else tuple(range(k))
            common = {"name": names[len(out)], "term": t, "order": order}
            if i == j:
                place = start + (0 if permuted else term.structure.varying().index(j))
                line = Line(unit * scales[t][j])
                out.append(Target(place=place, scale=line, lower=0.0, **common))
                continue
            common |= {"bent": (start, start + 1, start + k), "scale": Sine()}
            ends = {"lower": -RIGHT_ANGLE, "upper": RIGHT_ANGLE}
            out.append(Target(place=start + 1, **ends, **common))
    return out


def _is_ordered(structure):
    if type(structure) not in ORDERED:
        raise DataError(
            f"No profile for terms of the structure {type(structure).__name__}."
        )
    return ORDERED[type(structure)]


class ChainLayout:
    """The part of a `ThetaLayout` that a criterion needs, effects in another order.

    Parameters
    ----------
    layout : ThetaLayout
    maps : sequence of ndarray, shape (..., k, k)
        Per term, from its ordered and scaled effects to those of the numerics.
    """

    def __init__(self, layout, maps):
        self._layout, self._maps = layout, maps
        self.n_par = layout.n_par
        self.sizes, self.factors = layout.sizes, layout.factors

    def _roots(self, theta):
        """A square root of each factor's relative covariance, not triangular."""
        layout = self._layout
        parts = [
            m @ factor
            for m, factor in zip(self._maps, layout.term_factors(theta), strict=True)
        ]
        out = []
        for f, size in enumerate(self.sizes):
            out.append(self._blocks(parts, f, (*theta.shape[:-1], size, size)))
        return out

    def _blocks(self, parts, f, shape):
        if len(self.factors[f]) == 1:
            return parts[self.factors[f][0]]
        full = np.zeros(shape)
        for t in self.factors[f]:
            cols = self._layout.columns[t]
            full[..., cols, cols] = parts[t]
        return full

    def matrices(self, theta):
        """Lower-triangular lambda of each grouping factor, (..., K_f, K_f)."""
        return [_triangular(root)[0] for root in self._roots(theta[..., : self.n_par])]

    def derivatives(self, theta, f):
        """Parameters of factor f and ``d lambda_f`` in each, (..., n, K_f, K_f).

        But for a rotation from the right, which the covariance does not see.
        """
        index, d = self._layout.derivatives(theta[..., : self.n_par], f)
        lead = (*theta.shape[:-1], self.sizes[f], self.sizes[f])
        linear = self._blocks(self._maps, f, lead)
        d = linear[..., None, :, :] @ d
        if self.sizes[f] == 1:
            return index, d
        rotation = _triangular(self._roots(theta[..., : self.n_par])[f])[1]
        return index, d @ rotation[..., None, :, :]


class TriangularLayout(ChainLayout):
    """With derivatives of the triangular factors themselves.

    Quadrature on a grid depends on the rotation; so does the prediction of modes.
    """

    def derivatives(self, theta, f):
        """Parameters of factor f and ``d lambda_f`` in each, (n, K_f, K_f)."""
        index, d = super().derivatives(theta, f)
        factor = self.matrices(theta)[f]
        if self.sizes[f] == 1 or (np.abs(np.diagonal(factor)) < 1e-6).any():
            return index, d
        relative = np.linalg.solve(factor, d)
        turned = np.swapaxes(np.triu(relative, 1), -1, -2)
        return index, factor @ (np.tril(relative) + turned)


def _triangular(root):
    """``root Q`` lower triangular, and the rotation Q."""
    if root.shape[-1] == 1:
        return root, np.ones_like(root)
    rotation, upper = np.linalg.qr(np.swapaxes(root, -1, -2))
    return np.swapaxes(upper, -1, -2), rotation


def ordered_maps(model, target):
    """Per term, from scaled effects in the target's order to those of the numerics."""
    out = []
    for t, linear in enumerate(model.coordinates.maps):
        scale = np.sqrt((linear**2).sum(axis=1))
        whole = np.linalg.solve(linear, np.diag(scale))
        if t == target.term:
            whole = whole[:, list(target.order)]
        out.append(whole)
    return out


def starting_entries(fit, target, unit):
    """Coordinates of the covariances at the estimates, (n_par,), in the target's order.

    An angle of NaN says that the correlation is not defined.
    """
    layout, out = fit.model.layout, []
    scales = effect_scales(fit.model)
    for t, (cov, s) in enumerate(zip(fit.covariances, scales, strict=True)):
        relative = cov / np.outer(s, s) / unit**2
        if t == target.term:
            relative = relative[np.ix_(target.order, target.order)]
        out.append(layout.structures[t].from_covariance(relative))
    x = np.concatenate(out) if out else np.zeros(0)
    if target.bent:
        v, angle, w = target.bent
        first, size = x[v], np.hypot(x[angle], x[w])
        defined = first > 0 and size > 0
        x[angle] = np.arctan2(x[angle], x[w]) if defined else np.nan
        x[v], x[w] = np.sqrt(first), np.sqrt(size)
    return x


class Bends:
    """The map from (v, angle, w) to entries of T, for chains that have it.

    Parameters
    ----------
    places : sequence of tuple of int
        Of v, angle and w for each chain; empty for one without an angle.
    """

    def __init__(self, places):
        self._places = np.array([p or (-1, -1, -1) for p in places])

    def _split(self, y, chains):
        rows = np.flatnonzero(self._places[chains, 0] >= 0)
        at = self._places[chains][rows].T
        return rows, at, tuple(y[rows, a] for a in at)

    def forward(self, y, chains):
        """Entries of T from coordinates, (R, n)."""
        rows, at, (v, angle, w) = self._split(y, chains)
        if not len(rows):
            return y
        x = y.copy()
        x[rows, at[0]] = v**2
        x[rows, at[1]] = w**2 * np.sin(angle)
        x[rows, at[2]] = w**2 * np.cos(angle)
        return x

    def pull(self, y, chains, gradient, hessian):
        """Derivatives in the coordinates from those in the entries."""
        rows, at, (v, angle, w) = self._split(y, chains)
        if not len(rows):
            return gradient, hessian
        sine, cosine = np.sin(angle), np.cos(angle)
        n = y.shape[1]
        jacobian = np.broadcast_to(np.eye(n), (len(rows), n, n)).copy()
        k = np.arange(len(rows))
        jacobian[k, at[0], at[0]] = 2.0 * v
        jacobian[k, at[1], at[1]] = w**2 * cosine
        jacobian[k, at[1], at[2]] = 2.0 * w * sine
        jacobian[k, at[2], at[1]] = -(w**2) * sine
        jacobian[k, at[2], at[2]] = 2.0 * w * cosine
        g0, g1, g2 = (gradient[rows, a] for a in at)
        turned = np.swapaxes(jacobian, -1, -2)
        inner = turned @ hessian[rows] @ jacobian
        inner[k, at[0], at[0]] += 2.0 * g0
        inner[k, at[1], at[1]] -= w**2 * (g1 * sine + g2 * cosine)
        mixed = 2.0 * w * (g1 * cosine - g2 * sine)
        inner[k, at[1], at[2]] += mixed
        inner[k, at[2], at[1]] += mixed
        inner[k, at[2], at[2]] += 2.0 * (g1 * sine + g2 * cosine)
        gradient, hessian = gradient.copy(), hessian.copy()
        hessian[rows] = inner
        gradient[rows] = (turned @ gradient[rows][..., None])[..., 0]
        return gradient, hessian


def described(fit, layouts, x, scale):
    """Standard deviations and correlations at entries x of T over a scale, (R, n).

    Parameters
    ----------
    fit : Fit or GeneralizedFit
    layouts : ChainLayout
        For the rows of x.
    x : ndarray, shape (R, ...)
        Starts with the entries.
    scale : ndarray, shape (R,)
    """
    layout, factors, out = fit.model.layout, layouts.matrices(x), []
    scales = effect_scales(fit.model)
    for t, term in enumerate(fit.design.terms):
        f = next(i for i, terms in enumerate(layout.factors) if t in terms)
        half = fit.model.coordinates.maps[t] @ factors[f][:, layout.columns[t]]
        cov = scale[:, None, None] ** 2 * (half @ np.swapaxes(half, -1, -2))
        sd = np.sqrt(np.diagonal(cov, axis1=1, axis2=2))
        sd = np.where(sd > NOTHING * scale[:, None] * scales[t], sd, 0.0)
        for i, j in sdcor_entries(term):
            out.append(sd[:, i] if i == j else _correlations(cov, sd, i, j))
    return np.reshape(out, (-1, len(x))).T


def _correlations(cov, sd, i, j):
    product = sd[:, i] * sd[:, j]
    known = product > 0
    ratio = cov[:, i, j] / np.where(known, product, 1.0)
    return np.where(known, np.clip(ratio, -1.0, 1.0), np.nan)
