"""Points on profiles, and the cubics between them."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

BISECTIONS = 30


@dataclass(frozen=True)
class Points:
    """Points of several chains, one row each.

    Attributes
    ----------
    y : ndarray, shape (R, n)
        Minimisers.
    value : ndarray, shape (R,)
        Deviances.
    zeta, slope : ndarray, shape (R,)
        Zeta and its derivative in the coordinate that is held.
    tangent : ndarray, shape (R, n)
        Derivative of the minimiser in that coordinate, whose own entry is 1.
    at : ndarray, shape (R,)
        The coordinate that is held.
    """

    y: np.ndarray
    value: np.ndarray
    zeta: np.ndarray
    slope: np.ndarray
    tangent: np.ndarray
    at: np.ndarray

    def row(self, i):
        """Some of the rows, or one."""
        return Points(*(getattr(self, f.name)[i] for f in fields(self)))

    @classmethod
    def stack(cls, parts):
        """Points of one row each, put together."""
        names = [f.name for f in fields(cls)]
        return cls(*(np.array([getattr(p, n) for p in parts]) for n in names))

    def replaced(self, rows, others):
        """These with other points in some rows."""
        out = []
        for f in fields(self):
            values = getattr(self, f.name).copy()
            values[rows] = getattr(others, f.name)
            out.append(values)
        return Points(*out)

    def fine(self, count):
        """Coordinate and zeta at `count` places between neighbours, by cubics."""
        first, second = self.row(slice(None, -1)), self.row(slice(1, None))
        at, zeta = [], []
        for s in np.linspace(0.0, 1.0, count, endpoint=False):
            at.append(first.at + s * (second.at - first.at))
            zeta.append(between(first, second, np.full(len(first.at), s))[1])
        at, zeta = np.transpose(at).ravel(), np.transpose(zeta).ravel()
        return np.append(at, self.at[-1]), np.append(zeta, self.zeta[-1])


def _weights(s):
    """Hermite's cubics at s: weights of both ends' values and derivatives."""
    a = 1.0 - s
    return (1.0 + 2.0 * s) * a**2, s**2 * (3.0 - 2.0 * s), s * a**2, -(s**2) * a


def between(first, second, s):
    """y and zeta at share s of the way from one point to another, by cubics.

    Parameters
    ----------
    first, second : Points
    s : ndarray, shape (R,)
        Beyond 1 the cubics are continued.
    """
    h00, h01, h10, h11 = _weights(s)
    width = second.at - first.at
    y = h00[:, None] * first.y + h01[:, None] * second.y
    y = y + (h10 * width)[:, None] * first.tangent
    y = y + (h11 * width)[:, None] * second.tangent
    zeta = h00 * first.zeta + h01 * second.zeta
    zeta = zeta + width * (h10 * first.slope + h11 * second.slope)
    return y, zeta


def share_of(inner, outer, wanted):
    """Share of the way at which the cubic for zeta takes a value, by bisection."""
    low, high = np.zeros(len(wanted)), np.ones(len(wanted))
    direction = np.sign(outer.zeta)
    for _ in range(BISECTIONS):
        s = 0.5 * (low + high)
        beyond = direction * (between(inner, outer, s)[1] - wanted) > 0
        low, high = np.where(beyond, low, s), np.where(beyond, s, high)
    return 0.5 * (low + high)


def extrapolated(before, last, step):
    """Move of the coordinate for a step of zeta, by the cubic in zeta."""
    width = last.zeta - before.zeta
    h00, h01, h10, h11 = _weights(1.0 + step / width)
    at = h00 * before.at + h01 * last.at
    return at + width * (h10 / before.slope + h11 / last.slope) - last.at
