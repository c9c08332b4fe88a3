"""One model estimated by several methods, side by side."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from .errors import DataError
from .plotting import plot_methods

NAMED = {"laplace": {"nagq": 1}, "nagq0": {"nagq": 0}}
WITH_METHOD = ("pql", "mcml")


@dataclass(frozen=True, eq=False)
class MethodComparison:
    """Estimates of one model by several methods.

    Attributes
    ----------
    table : DataFrame
        One row per method and parameter: method, parameter, estimate, se, lower,
        upper, llf. Parameters are the fixed effects, and the standard deviations and
        correlations of the random effects; these have no intervals here.
    results : dict
        Label of the method to its results.
    """

    table: pd.DataFrame
    results: dict

    def plot(self, axes=None):
        """Estimates with intervals, a panel per parameter; see `plot_methods`."""
        return plot_methods(self.table, axes)

    def __repr__(self):
        wide = self.table.pivot(index="parameter", columns="method", values="estimate")
        order = [list(dict.fromkeys(self.table[c])) for c in ("parameter", "method")]
        return repr(
            wide.loc[order[0], order[1]].rename_axis(None).rename_axis(None, axis=1)
        )


def compare_methods(model, methods, alpha=0.05, rng=None, n_draws=10_000):
    """Fit a generalized linear mixed model by several methods.

    Parameters
    ----------
    model : GLMM
    methods : sequence
        ``"laplace"``, ``"nagq0"``, ``"pql"``, ``"mcml"``, numbers of quadrature nodes,
        or tuples of these for nested factors.
    alpha : float
        One minus the level of the intervals.
    rng, n_draws
        For ``"mcml"``, as of `GLMM.fit`.

    Returns
    -------
    MethodComparison

    Raises
    ------
    DataError
        A method that does not exist, or not for this model.

    Examples
    --------
    >>> import statsmodels_mixed as smm
    >>> data = smm.datasets.load("cbpp")
    >>> formula = "cbind(incidence, size - incidence) ~ period + (1 | herd)"
    >>> model = smm.glmm(formula, data, family="binomial")
    >>> comparison = smm.compare_methods(model, ["laplace", 5, 25])
    >>> sds = comparison.table.query("parameter == 'sd herd Intercept'")
    >>> sds.estimate.round(4).tolist()
    [0.6423, 0.6474, 0.6475]
    """
    if isinstance(methods, str) or not len(methods):
        raise DataError("methods: give a list of at least one method.")
    results = {}
    for method in methods:
        label, arguments = _arguments(method)
        results[label] = model.fit(**arguments, rng=rng, n_draws=n_draws)
    parts = [_rows(label, result, alpha) for label, result in results.items()]
    return MethodComparison(pd.concat(parts, ignore_index=True), results)


def _arguments(method):
    """Label of a method and what it means for ``fit``."""
    if isinstance(method, str):
        if method in NAMED:
            return method, NAMED[method]
        if method in WITH_METHOD:
            return method, {"method": method}
        known = ", ".join(map(repr, (*NAMED, *WITH_METHOD)))
        raise DataError(
            f"methods: {method!r} is not one of {known}, nor a number of nodes."
        )
    counts = method if isinstance(method, (tuple, list)) else (method,)
    label = " x ".join(map(str, counts)) + " nodes"
    return label, {"nagq": method}


def _rows(label, result, alpha):
    interval = np.asarray(result.conf_int(alpha=alpha))
    fixed = pd.DataFrame(
        {
            "method": label,
            "parameter": list(result.params.index),
            "estimate": np.asarray(result.params),
            "se": np.asarray(result.bse),
            "lower": interval[:, 0],
            "upper": interval[:, 1],
        }
    )
    frame = result.varcorr()
    random = pd.DataFrame(
        {
            "method": label,
            "parameter": [_random_name(row) for row in frame.itertuples(index=False)],
            "estimate": frame.sdcor.to_numpy(),
        }
    )
    out = pd.concat([fixed, random], ignore_index=True)
    out["llf"] = result.llf if result.has_likelihood else np.nan
    return out


def _random_name(row):
    if row.effect is None or row.effect != row.effect:
        return f"sd {row.group}"
    if row.effect2 is None or row.effect2 != row.effect2:
        return f"sd {row.group} {row.effect}"
    return f"cor {row.group} {row.effect} {row.effect2}"
