"""Contours of the profile likelihood of two parameters, from profiles of one.

On the scale of zeta a contour is ``zeta_1 = r cos(a + d/2), zeta_2 = r cos(a - d/2)``,
where the phase d is known at the four places at which the contour meets the profile
traces, and a smooth periodic function of a between them (Bates and Watts 1988,
Nonlinear Regression Analysis and Its Applications, appendix 6; as R's lme4). Contours
are exact at the ends of each parameter, and an interpolation in between.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from scipy import stats
from scipy.interpolate import CubicSpline, PchipInterpolator

from ..errors import DataError

FINE = 961  # places on a contour
MOST = 5  # levels of contours
MARGIN = 0.04  # of the range, around a panel


def level_of_profile(levels):
    """Level of the intervals to which profiles go, for contours at some levels."""
    radius = np.sqrt(stats.chi2.ppf(max(levels), 2))
    return float(2.0 * stats.norm.cdf(1.02 * radius) - 1.0)


@dataclass(frozen=True, eq=False)
class ProfilePairs:
    """Traces and contours of all pairs of profiled parameters.

    Attributes
    ----------
    parameters : tuple of str
    levels : tuple of float
        Of the regions that contours bound, by chi-square with two degrees of freedom.
    curves : list of DataFrame
        Columns value and zeta, one per parameter.
    contours : dict
        (i, j, level) to {"zeta": (n, 2), "value": (n, 2)}.
    traces : dict
        (i, j) to {"zeta": ..., "value": ...}, pairs of arrays (n, 2): the second
        parameter at its best along the first, and the first along the second.
    """

    parameters: tuple
    levels: tuple
    curves: list
    contours: dict
    traces: dict

    def limits(self, i):
        """Range of the values of a parameter to be drawn, with a margin."""
        values = np.concatenate(
            [self.curves[i].value]
            + [c["value"][:, 0] for (a, _, _), c in self.contours.items() if a == i]
        )
        low, high = np.nanmin(values), np.nanmax(values)
        return low - MARGIN * (high - low), high + MARGIN * (high - low)


def profile_pairs(parameters, points, curves, levels=(0.5, 0.8, 0.95)):
    """Contours and traces from the points of profiles.

    Parameters
    ----------
    parameters : sequence of str
        At least two that were profiled.
    points, curves : DataFrame
        Of a `Profile`.
    levels : sequence of float

    Returns
    -------
    ProfilePairs

    Raises
    ------
    DataError
        Fewer than two parameters, levels outside (0, 1) or too many of them, or a
        parameter along which the deviance is flat.
    """
    parameters, levels = tuple(parameters), check_levels(levels)
    if len(parameters) < 2:
        raise DataError(
            "Pairs need the profiles of two parameters or more; name them by which=."
        )
    scales = [_Scale(name, curves) for name in parameters]
    lines = [curves[curves.parameter == name] for name in parameters]
    contours, traces = {}, {}
    for i, j in itertools.permutations(range(len(parameters)), 2):
        first, second = _trace(scales, i, j, points), _trace(scales, j, i, points)
        for level in levels:
            zeta = contour(first, second, np.sqrt(stats.chi2.ppf(level, 2)))
            contours[i, j, level] = _both(zeta, scales[i], scales[j])
        z = _Scale.range_of(scales[i]), _Scale.range_of(scales[j])
        drawn = (
            np.column_stack([z[0], first(z[0])]),
            np.column_stack([second(z[1]), z[1]]),
        )
        both = [_both(line, scales[i], scales[j]) for line in drawn]
        traces[i, j] = {key: [b[key] for b in both] for key in ("zeta", "value")}
    return ProfilePairs(parameters, levels, lines, contours, traces)


def check_levels(levels):
    """Levels of contours as a tuple.

    Raises
    ------
    DataError
    """
    levels = tuple(np.atleast_1d(np.asarray(levels, dtype=float)).tolist())
    if not 1 <= len(levels) <= MOST or not all(0.0 < v < 1.0 for v in levels):
        raise DataError(
            f"levels={levels!r}: give 1 to {MOST} numbers between 0 and 1, as "
            "(0.5, 0.8, 0.95)."
        )
    return levels


def contour(first, second, radius, count=FINE):
    """One contour on the scale of zeta.

    Parameters
    ----------
    first, second : callable
        Trace of the second zeta along the first, and of the first along the second.
    radius : float
        Root of the rise of the deviance.
    count : int
        Number of places.

    Returns
    -------
    ndarray, shape (count, 2)
    """

    def angle(trace, end):
        # a trace that leaves the circle is one of parameters that determine each other
        return float(np.arccos(np.clip(trace(end) / radius, -0.999, 0.999)))

    ends = np.array(
        [
            (0.0, angle(first, radius)),
            (angle(second, radius), 0.0),
            (np.pi, angle(first, -radius)),
            (angle(second, -radius), np.pi),
        ]
    )
    difference = ends[:, 0] - ends[:, 1]
    mean = ends.mean(axis=1) * np.where(difference > 0, 1.0, -1.0)
    order = np.argsort(mean)
    a, d = mean[order], np.abs(difference)[order]
    phase = CubicSpline(
        np.append(a, a[0] + 2.0 * np.pi), np.append(d, d[0]), bc_type="periodic"
    )
    at = np.linspace(-np.pi, np.pi, count)
    d = phase(at)
    return radius * np.column_stack([np.cos(at + 0.5 * d), np.cos(at - 0.5 * d)])


def _rising_outwards(zeta):
    """Points at which zeta is farther from 0 than at all between them and the estimate.

    Towards a bound it may stay where it is, or come back a little.

    Examples
    --------
    >>> _rising_outwards(np.array([-1.9, -2.0, -1.0, 0.0, 1.0, 0.9])).tolist()
    [False, True, True, True, True, False]
    """
    center = int(np.argmin(np.abs(zeta)))
    out = np.zeros(len(zeta), dtype=bool)
    out[center] = True
    for side in (np.arange(center + 1, len(zeta)), np.arange(center - 1, -1, -1)):
        size = np.abs(zeta[side])
        before = np.maximum.accumulate(np.append(abs(zeta[center]), size))[:-1]
        out[side] = size > before
    return out


class _Scale:
    """One parameter as a function of its zeta, and back."""

    def __init__(self, name, curves):
        own = curves[curves.parameter == name].dropna(subset=["value", "zeta"])
        own = own.drop_duplicates("value").sort_values("value")
        value, zeta = own.value.to_numpy(), own.zeta.to_numpy()
        rising = _rising_outwards(zeta)
        if rising.sum() < 3:
            raise DataError(
                f"The likelihood does not change with {name}, so there are no contours "
                "of it; leave it out by which=."
            )
        self.name, self.zeta, self.value = name, zeta[rising], value[rising]
        self._to_value = PchipInterpolator(self.zeta, self.value)
        self._to_zeta = PchipInterpolator(self.value, self.zeta)

    def range_of(self):
        """Values of zeta from end to end."""
        return np.linspace(self.zeta[0], self.zeta[-1], FINE)

    def to_value(self, zeta):
        """Values, NaN beyond a bound or the end of the profile."""
        return self._to_value(zeta, extrapolate=False)

    def to_zeta(self, value):
        return self._to_zeta(np.clip(value, self.value[0], self.value[-1]))


def _trace(scales, i, j, points):
    """Zeta of parameter j at its best, as a function of zeta of parameter i."""
    own = points[points.parameter == scales[i].name]
    own = own[np.isfinite(own[scales[j].name])]
    zeta, where = np.unique(own.zeta.to_numpy(), return_index=True)
    other = scales[j].to_zeta(own[scales[j].name].to_numpy()[where])
    if len(zeta) < 3:
        return lambda at: np.zeros_like(at, dtype=float)
    inside = PchipInterpolator(zeta, other)
    slopes = inside.derivative()(zeta[[0, -1]])

    def trace(at):  # straight on beyond the points
        near = np.clip(at, zeta[0], zeta[-1])
        slope = np.where(np.asarray(at) < near, *slopes)
        return inside(near) + slope * (at - near)

    return trace


def _both(zeta, first, second):
    value = np.column_stack([first.to_value(zeta[:, 0]), second.to_value(zeta[:, 1])])
    # beyond a bound there is nothing on either scale
    inside = np.isfinite(value).all(axis=1)[:, None]
    return {
        k: np.where(inside, v, np.nan) for k, v in (("zeta", zeta), ("value", value))
    }
