"""Profile likelihood of every parameter of a fit, and intervals from it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from ...errors import ConvergenceWarning, DataError, warn_user
from ...fitting import Fit, GeneralizedFit
from ...fitting.sdcor import sdcor_values
from ...plotting.profile import plot_profile
from ..bootstrap.replicates import progress_bar
from ..interval_level import interval_level
from .gaussian import GaussianChains
from .generalized import GeneralizedChains
from .path import Paths

# A deviance lower than that of the fit by more than this says the fit was no minimum.
LOWER = 1e-6
FINE = 20  # values drawn between two points
_EMPTY = pd.DataFrame(columns=["parameter", "value", "zeta"])
# Fits that minimise a deviance of all parameters (subclasses need not)
PROBLEMS = {Fit: GaussianChains, GeneralizedFit: GeneralizedChains}
GROUPS = {
    "fixed": lambda target: target.contrast >= 0,
    "random": lambda target: target.contrast < 0,
    "variance": lambda target: target.contrast < 0,
}


@dataclass(frozen=True, eq=False)
class Profile:
    """Profile likelihood: how the deviance rises with each parameter.

    For a value of a parameter, zeta is the signed square root of the rise of the
    deviance, all other parameters minimised over. It has about a standard normal
    distribution, and is a straight line where the deviance is a parabola.

    Attributes
    ----------
    parameters : tuple of str
        Those that were profiled.
    estimate : Series
        Maximum-likelihood estimates of all parameters.
    refitted : bool
        Whether the fit was by REML and was repeated by maximum likelihood.
    complete : bool
        False after an interruption: parameters not yet done are missing.
    """

    parameters: tuple
    estimate: pd.Series
    refitted: bool
    complete: bool
    _paths: Paths
    _places: dict

    def conf_int(self, level=None, *, alpha=None):
        """Intervals: all values at which the deviance has risen less than a quantile.

        Limits are solved for, not interpolated, at any level.

        Parameters
        ----------
        level : float, optional
            Between 0 and 1, 0.95 by default. Where the profile does not go as far
            (``up_to``), it is followed further.
        alpha : float, optional
            One minus the level, in place of `level`.

        Returns
        -------
        DataFrame
            Columns lower and upper, one row per parameter. Limits end at the bounds of
            a parameter, 0 or -1 and 1; they are infinite where the deviance never
            rises so far, and missing where it could not be followed.

        Raises
        ------
        DataError
            The level is not between 0 and 1, or both were given.

        Notes
        -----
        At a bound a chi-square quantile with one degree of freedom is conservative.
        """
        z, paths = cutoff(interval_level(level, alpha)), self._paths
        places = list(self._places.values())
        chains = np.array([c for i in places for c in (2 * i, 2 * i + 1)], dtype=int)
        parts = _parts(chains, paths.problem.together)
        limits = np.array([x for part in parts for x in paths.limits(part, z)])
        out = [
            paths.problem.targets[i].scale.value(pair)
            for i, pair in zip(places, limits.reshape(-1, 2), strict=True)
        ]
        out = np.reshape(out, (-1, 2))
        return pd.DataFrame(out, index=self.parameters, columns=["lower", "upper"])

    def zeta(self, parameter, values):
        """Zeta at given values of a parameter, all others minimised over anew.

        Its square is the likelihood-ratio statistic of the hypothesis that the
        parameter has the value.

        Parameters
        ----------
        parameter : str
        values : float or array_like

        Returns
        -------
        ndarray
            Of the shape of `values`.

        Raises
        ------
        DataError
            The parameter was not profiled, or cannot have such a value.
        """
        if parameter not in self._places:
            known = ", ".join(self.parameters)
            raise DataError(f"{parameter!r} was not profiled; there are: {known}.")
        i, given = self._places[parameter], np.asarray(values, dtype=float)
        target = self._paths.problem.targets[i]
        at = target.scale.coordinate(given.ravel())
        if not ((at >= target.lower) & (at <= target.upper)).all():
            raise DataError(f"{parameter} cannot have all the values {values!r}.")
        if not self._paths.defined[2 * i]:  # the deviance is the same for all
            return np.zeros(given.shape)
        return self._paths.at(i, at).zeta.reshape(given.shape)

    @property
    def points(self):
        """The points that were computed, a tidy DataFrame.

        Columns parameter, value, zeta, and all parameters at the point.
        """
        paths, parts = self._paths, []
        for name, i in self._places.items():
            chains, points = paths.ordered(i)
            if points is not None:
                head = self._head(name, i, points.at, points.zeta)
                others = paths.problem.describe(points.y, chains)
                others = pd.DataFrame(others, columns=self.estimate.index)
                parts.append(pd.concat([head, others], axis=1))
        return pd.concat(parts, ignore_index=True) if parts else _EMPTY

    @property
    def curves(self):
        """Zeta between the points, by cubics: columns parameter, value and zeta."""
        parts = []
        for name, i in self._places.items():
            _, points = self._paths.ordered(i)
            if points is not None:
                parts.append(self._head(name, i, *points.fine(FINE)))
        return pd.concat(parts, ignore_index=True) if parts else _EMPTY

    def _head(self, name, i, at, zeta):
        value = self._paths.problem.targets[i].scale.value(at)
        return pd.DataFrame({"parameter": name, "value": value, "zeta": zeta})

    def plot(
        self, which=None, *, absolute=False, levels=(0.5, 0.8, 0.95, 0.99), axes=None
    ):
        """Zeta against each parameter, with intervals.

        Parameters
        ----------
        which : str or sequence of str, optional
            Names of parameters, ``"fixed"``, or ``"random"`` or ``"variance"``, among
            those that were profiled. All of them by default.
        absolute : bool
            Whether to draw ``|zeta|``, where an interval is a horizontal line.
        levels : sequence of float
            Of the intervals that are marked.
        axes : array_like of matplotlib Axes, optional
            One per parameter; made by default.

        Returns
        -------
        matplotlib.figure.Figure

        Raises
        ------
        DataError
            A parameter that was not profiled, or a level outside (0, 1).
        MixedModelError
            matplotlib is not installed, nothing to draw, or too few axes.
        """
        targets = [self._paths.problem.targets[i] for i in self._places.values()]
        names = [targets[i].name for i in _wanted(targets, which, "was not profiled")]
        intervals = {level: self.conf_int(level) for level in levels}
        points, curves = (
            t[t.parameter.isin(names)] for t in (self.points, self.curves)
        )
        return plot_profile(points, curves, intervals, absolute, axes)

    def __repr__(self):
        table = self.conf_int()
        table.insert(0, "estimate", self.estimate[list(self.parameters)])
        head = "Profile likelihood; intervals of level 0.95, see conf_int() for others"
        lines = [head, repr(table)]
        if self.refitted:
            lines.append("The REML fit was repeated by maximum likelihood.")
        if not self.complete:
            lines.append("Interrupted: parameters that were not done are missing.")
        return "\n".join(lines)


def cutoff(level):
    """|zeta| at the ends of an interval."""
    return float(stats.norm.ppf(0.5 + 0.5 * level))


def profile(fit, which=None, up_to=0.99, progress=False):
    """Profile the likelihood of a fit over some or all of its parameters.

    Parameters
    ----------
    fit : Fit or GeneralizedFit
        A REML fit is repeated by maximum likelihood.
    which : str or sequence of str, optional
        Names of parameters, "fixed" for the fixed effects, or "random" (the same as
        "variance") for standard deviations, correlations and the scale. All by default.
    up_to : float
        How far to go: to the ends of intervals at this level, or a bound.
    progress : bool
        Whether to show a progress bar (needs tqdm).

    Returns
    -------
    Profile
        After a KeyboardInterrupt with the parameters that were finished.

    Raises
    ------
    DataError
        Unknown names, `up_to` outside (0, 1), or a fit that does not maximise the
        likelihood of all parameters (``nagq=0``, ``method="pql"`` or ``"mcml"``).

    Warns
    -----
    ConvergenceWarning
        A deviance lower than that of the fit was found, or a parameter could not be
        followed.

    Examples
    --------
    >>> import statsmodels_mixed as smm
    >>> data = smm.datasets.load("dyestuff")
    >>> res = smm.lmm("Yield ~ 1 + (1 | Batch)", data).fit(reml=False)
    >>> profile(res.fit_record).conf_int(0.95).round(2).to_numpy().tolist()
    [[12.2, 84.06], [38.23, 67.66], [1486.45, 1568.55]]
    """
    z = cutoff(_checked_level(up_to))
    refitted = fit.reml
    fit = _by_likelihood(fit) if refitted else fit
    problem = _problem(fit)
    wanted = _wanted(problem.targets, which)
    paths = Paths(problem)
    done, complete = [], True
    chains = np.array([c for i in wanted for c in (2 * i, 2 * i + 1)], dtype=int)
    with progress_bar(progress, len(wanted), "parameters") as report:
        try:
            for part in _parts(chains, problem.together):
                paths.begin(part)
                paths.follow(part, z)
                done += list(part[::2] // 2)
                report(len(part) // 2)
        except KeyboardInterrupt:
            complete = False
    _warn(paths, done)
    names = [target.name for target in problem.targets]
    return Profile(
        tuple(names[i] for i in done),
        pd.Series(np.concatenate([sdcor_values(fit), fit.beta]), index=names),
        refitted,
        complete,
        paths,
        {names[i]: int(i) for i in done},
    )


def _checked_level(up_to):
    try:
        return interval_level(up_to)
    except DataError:
        raise DataError(
            f"up_to={up_to!r}: give the level of the widest interval, between 0 and 1, "
            "as 0.99."
        ) from None


def _by_likelihood(fit):
    """The same model by maximum likelihood."""
    return fit.model.fit(reml=False, endog=fit.design.endog)


def _problem(fit):
    kind = PROBLEMS.get(type(fit))
    if kind is None:
        raise DataError(
            "A profile needs the deviance of all parameters, by Laplace or quadrature, "
            "which this fit does not have; fit with method='ml'."
        )
    return kind(fit)


def _wanted(targets, which, lacking="is no parameter of this fit"):
    """Places of the parameters that are asked for, in the order of the targets."""
    names = [target.name for target in targets]
    if which is None:
        return list(range(len(names)))
    asked = [which] if isinstance(which, str) else which
    if not isinstance(asked, Iterable):
        raise DataError(f"which={which!r}: give names of parameters, or a group.")
    asked = list(asked)
    group = asked[0].lower() if isinstance(which, str) and which not in names else ""
    if group in GROUPS:
        return [i for i, target in enumerate(targets) if GROUPS[group](target)]
    unknown = [name for name in asked if name not in names]
    if unknown:
        raise DataError(
            f"which={unknown[0]!r} {lacking}. There are: {', '.join(names)}; or give "
            '"fixed", or "random" or "variance".'
        )
    return [i for i, name in enumerate(names) if name in asked]


def _parts(chains, size):
    size -= size % 2  # both directions of a parameter stay together
    return [chains[i : i + size] for i in range(0, len(chains), size)]


def _warn(paths, done):
    if done and paths.lowest < paths.minimum - LOWER:
        warn_user(
            "Profiling found a deviance that is lower than that of the fit by "
            f"{paths.minimum - paths.lowest:.3g}, so the fit is not at the global "
            "minimum and the profile is relative to it; fit again with other start=.",
            ConvergenceWarning,
        )
    if paths.left > LOWER:
        warn_user(
            "The deviance at some points of the profile is only known to "
            f"{paths.left:.1g}: the search for its minimum was given up.",
            ConvergenceWarning,
        )
    names = [paths.problem.targets[i].name for i in done]
    lost = [
        name
        for name, i in zip(names, done, strict=True)
        if (paths.endless | paths.broken)[[2 * i, 2 * i + 1]].any()
    ]
    if lost:
        warn_user(
            f"The profiles of {', '.join(lost)} do not rise to the level asked for as "
            "far as they could be followed; the interval is open on that side.",
            ConvergenceWarning,
        )
