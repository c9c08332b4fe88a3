"""Bootstrap of a fit: draws of all parameters, and intervals from them."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property, partial

import numpy as np
import pandas as pd

from ...errors import DataError
from ...plotting.bootstrap import plot_bootstrap
from ..interval_level import interval_level
from ..options import chosen
from .bca import INTERVALS, accelerations
from .kinds import KINDS, make_kind
from .measures import Estimates
from .refitting import Refitter, Replicates, join
from .replicates import run_chunks
from .resampling import Clusters, cluster_factor, without_level

FEWEST = 2


@dataclass(frozen=True, eq=False)
class Bootstrap:
    """Draws of the estimates of a model.

    Attributes
    ----------
    kind : str
    n : int
        Draws that were asked for.
    draws : DataFrame
        One row per draw that succeeded, one column per parameter: the fixed effects,
        standard deviations, correlations and the scale, or what `statistic` returned.
        A correlation with an effect without variance is NaN. The index is the number
        of the draw.
    estimates : Series
        Of the fit itself.
    failures : Series
        Draw to what went wrong: the message of an error, or ``"not converged"``.
    singular : Series of bool
        Whether some variance of a draw is exactly zero, like `draws`.
    interrupted : bool
        Whether the user stopped it before all draws were done.
    """

    kind: str
    n: int
    draws: pd.DataFrame
    estimates: pd.Series
    failures: pd.Series
    singular: pd.Series
    interrupted: bool = False
    leave_one_out: object = field(default=None, repr=False)

    @property
    def n_failed(self):
        """Draws that are not in `draws` because no estimates were found."""
        return len(self.failures)

    @property
    def n_singular(self):
        """Draws, among those in `draws`, with a variance of exactly zero."""
        return int(self.singular.sum())

    @property
    def bias(self):
        """Mean of the draws less the estimates, Series."""
        return self.draws.mean() - self.estimates

    @property
    def se(self):
        """Standard deviations of the draws, Series."""
        return self.draws.std()

    @property
    def table(self):
        """Estimates, their bias and standard errors, DataFrame.

        ``mcse`` is the Monte Carlo standard error of the bias.
        """
        known = self.draws.notna().sum()
        columns = {
            "estimate": self.estimates,
            "bias": self.bias,
            "se": self.se,
            "mcse": self.se / np.sqrt(known),
        }
        return pd.DataFrame(columns)

    @cached_property
    def jackknife(self):
        """Estimates without each cluster, DataFrame: NaN where they were not found.

        Raises
        ------
        DataError
            There are no independent clusters, or the draws do not vary them.
        """
        return pd.DataFrame(self.leave_one_out(), columns=self.estimates.index)

    def conf_int(self, level=None, method="percentile", *, alpha=None):
        """Confidence intervals of all parameters.

        Parameters
        ----------
        level : float, optional
            0.95 by default.
        method : {"percentile", "basic", "bca", "normal"}
            Quantiles of the draws; these reflected about the estimate; at levels
            corrected for bias and skewness, which needs a fit without each cluster;
            or estimate less bias, and normal quantiles times the standard error. Basic
            and normal intervals may reach beyond bounds such as 0.
        alpha : float, optional
            One minus the level, in place of `level`.

        Returns
        -------
        DataFrame
            Columns lower and upper. NaN where too few draws are defined, and for
            ``"bca"`` where all of them are on one side of the estimate.

        Raises
        ------
        DataError
            No such method or level, both `level` and `alpha`, or too few draws.
        """
        method = chosen("method", method, INTERVALS)
        level = interval_level(level, alpha)
        if len(self.draws) < FEWEST:
            raise DataError(
                f"Only {len(self.draws)} of {self.n} draws succeeded, too few for "
                "intervals; see `failures`."
            )
        way = INTERVALS[method]
        acceleration = np.zeros(len(self.estimates))
        if way.accelerated:
            acceleration = accelerations(self.jackknife.to_numpy())
        tails = np.array([0.5 * (1.0 - level), 0.5 * (1.0 + level)])
        rows = []
        for j, name in enumerate(self.estimates.index):
            sample = self.draws.iloc[:, j].dropna().to_numpy()
            enough = len(sample) >= FEWEST and np.isfinite(self.estimates.iloc[j])
            rows.append(
                way.function(sample, self.estimates[name], tails, acceleration[j])
                if enough
                else (np.nan, np.nan)
            )
        index = self.estimates.index
        return pd.DataFrame(rows, index=index, columns=["lower", "upper"])

    def plot(self, which=None, *, level=0.95, method="percentile", axes=None):
        """Histograms of the draws, with the estimates and intervals.

        Parameters
        ----------
        which : str or sequence of str, optional
            Names of parameters; all by default.
        level, method
            Of the intervals, as for `conf_int`.
        axes : array_like of matplotlib Axes, optional
            One per parameter; made by default.

        Returns
        -------
        matplotlib.figure.Figure

        Raises
        ------
        DataError
            A name that is no column of `draws`, or too few draws.
        MixedModelError
            matplotlib is not installed, or there are too few axes.
        """
        names = self._named(which)
        table = self.conf_int(level, method)
        table.insert(0, "estimate", self.estimates)
        # a statistic may give several numbers the same name: go by place
        places = [i for i, name in enumerate(self.estimates.index) if name in names]
        method = chosen("method", method, INTERVALS)
        label = f"{100 * level:g}% interval ({method})"
        draws, table = self.draws.iloc[:, places], table.iloc[places]
        return plot_bootstrap(draws, table, label, axes)

    def _named(self, which):
        known = list(self.estimates.index)
        if which is None:
            return known
        names = [which] if isinstance(which, str) else list(which)
        for name in names:
            if name not in known:
                raise DataError(
                    f"which={name!r} was not drawn; there are {', '.join(known)}."
                )
        return names

    def __repr__(self):
        text = f"Bootstrap ({self.kind}): {len(self.draws)} of {self.n} draws, "
        text += f"{self.n_failed} failed, {self.n_singular} singular"
        text += "; interrupted" if self.interrupted else ""
        return f"{text}\n{self.table.to_string(float_format='{:.5g}'.format)}"


def bootstrap_fit(
    fit,
    options,
    n=1000,
    kind="parametric",
    rng=None,
    measure=None,
    *,
    random=None,
    cluster=None,
    resample_rows=None,
    progress=False,
    n_jobs=1,
):
    """Bootstrap a fit.

    Parameters
    ----------
    fit : Fit, GeneralizedFit or PQLFit
    options : FitOptions
        It was found with.
    n : int
        Draws.
    kind : {"parametric", "residual", "case"}
    rng : int or numpy.random.Generator, optional
    measure : Estimates or Statistic, optional
        What to look at.
    random, cluster, resample_rows
        Settings of the kind; None for its default.
    progress : bool
    n_jobs : int

    Returns
    -------
    Bootstrap
    """
    measure = Estimates(fit) if measure is None else measure
    if cluster is not None:  # the jackknife may want it, if the kind does not
        cluster_factor(fit.design, cluster)
    settings = dict(random=random, cluster=cluster, resample_rows=resample_rows)
    kind = chosen("kind", kind, KINDS)
    way = make_kind(kind, fit, **settings)
    refitter = Refitter(fit, options, measure)
    parts, interrupted = run_chunks(
        partial(way.replicate, refitter),
        n,
        refitter.chunk_size(),
        rng,
        n_jobs=n_jobs,
        progress=progress,
    )
    jackknife = partial(_jackknife, refitter, way, cluster)
    return _collected(kind, n, measure, parts, interrupted, jackknife)


def _collected(kind, n, measure, parts, interrupted, jackknife):
    """The draws that succeeded, and what became of the others."""
    names = measure.names
    nothing = Replicates(np.empty((0, len(names))), *np.zeros((2, 0), dtype=bool))
    found = join(parts or [nothing])
    failures = {
        int(i): found.errors.get(int(i), "not converged")
        for i in np.flatnonzero(~found.converged)
    }
    good = np.flatnonzero(found.converged)
    return Bootstrap(
        kind=kind,
        n=n,
        draws=pd.DataFrame(found.values[good], index=good, columns=names),
        estimates=pd.Series(measure.of_fit, index=names),
        failures=pd.Series(failures, dtype=object, name="failure"),
        singular=pd.Series(found.singular[good], index=good, name="singular"),
        interrupted=interrupted,
        leave_one_out=jackknife,
    )


def _jackknife(refitter, way, cluster):
    """Figures without each cluster, shape (m, P)."""
    if getattr(way, "random", "new") == "conditional":
        raise DataError(
            "method='bca' measures skewness by leaving out clusters, which draws with "
            "random='conditional' do not vary; use method='percentile'."
        )
    design = refitter.fit.design
    clusters = Clusters(design, cluster_factor(design, cluster))
    found = refitter.designs(partial(without_level, clusters), len(clusters))
    return np.where(found.converged[:, None], found.values, np.nan)
