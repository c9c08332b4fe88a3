"""Confidence intervals of all parameters, by the method asked for."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import stats

from ..errors import DataError, check_level, check_option
from ..printing import printed
from .variances import ON_BOUND

WHICH = ("fixed", "variance", "all")


class IntervalMethods:
    """Mixin for results with tests, profiles and a bootstrap."""

    def intervals(
        self, level=0.95, method="wald", which="all", df_method=None, **options
    ):
        """Confidence intervals of fixed effects, standard deviations, correlations.

        Parameters
        ----------
        level : float
        method : {"wald", "profile", "boot"}
            Estimate and standard error (of logarithms of standard deviations, and
            Fisher's z of correlations); profile likelihood; or bootstrap.
        which : {"all", "fixed", "variance"}
            ``"random"`` is the same as ``"variance"``.
        df_method : str, optional
            Degrees of freedom of Wald intervals of fixed effects; see `fixed_tests`.
        **options
            Of `profile` (``progress``) or of `bootstrap` (``n``, ``kind``, ``rng``,
            ``n_jobs`` ...; ``interval`` is the method of its `conf_int`).

        Returns
        -------
        DataFrame
            Columns lower and upper, one row per parameter.

        Raises
        ------
        DataError
            Unknown methods, or options that do not go with the method.

        Examples
        --------
        >>> import statsmodels_mixed as smm
        >>> data = smm.datasets.load("dyestuff")
        >>> res = smm.lmm("Yield ~ 1 + (1 | Batch)", data).fit()
        >>> res.intervals(method="profile", which="variance").round(2)
                            lower  upper
        sd_Intercept|Batch  12.20  84.06
        sigma               38.23  67.66
        """
        which = "variance" if which == "random" else which
        check_option("which", which, WHICH)
        check_option("method", method, tuple(INTERVALS))
        check_level(level)
        if df_method is not None and method != "wald":
            raise DataError(f"df_method= does not go with method={method!r}.")
        unknown = sorted({"alpha", "level"} & set(options))
        if unknown:
            raise DataError(
                "intervals() takes level= (0.95), conf_int() alpha= (0.05); give one."
            )
        table, notes = INTERVALS[method](self, level, which, df_method, **options)
        return printed(table, f"{100 * level:g}% intervals, {LABELS[method]}", notes)

    def conf_int(
        self,
        alpha=0.05,
        cols=None,
        method="wald",
        which=None,
        df_method=None,
        **options,
    ):
        """Confidence intervals, as an array in statsmodels' way.

        Parameters
        ----------
        alpha : float
            One minus the level.
        cols : array_like of int, optional
            Rows to return.
        method, df_method, **options
            As for `intervals`.
        which : {"fixed", "variance", "all"}, optional
            By default the fixed effects for Wald intervals, which is what statsmodels
            expects, and all parameters for the others.

        Returns
        -------
        DataFrame or ndarray, shape (r, 2)
        """
        table = self._interval_table(alpha, cols, method, which, df_method, **options)
        return table.to_numpy()

    def _interval_table(
        self,
        alpha=0.05,
        cols=None,
        method="wald",
        which=None,
        df_method=None,
        **options,
    ):
        """`conf_int` with names."""
        if which is None:
            which = "fixed" if method == "wald" else "all"
        table = self.intervals(1.0 - alpha, method, which, df_method, **options)
        return table if cols is None else table.iloc[np.asarray(cols)]


def _wald(results, level, which, df_method):
    parts, notes = [], []
    if which != "variance":
        tests = results.fixed_tests(df_method)
        df = tests.df(np.eye(len(results._params)))
        half = stats.t.ppf(0.5 + 0.5 * level, df) * np.sqrt(np.diag(tests.cov))
        ends = {"lower": results._params - half, "upper": results._params + half}
        parts.append(pd.DataFrame(ends, index=results.model.exog_names))
        notes.append(f"Fixed effects: {results._reference(df_method)}.")
    if which != "fixed":
        table = pd.DataFrame(results.variance_params(1.0 - level))
        parts.append(table[["lower", "upper"]])
        if table.lower.isna().any():
            notes.append(ON_BOUND)
    return pd.concat(parts), notes


def _profile(results, level, which, df_method, progress=False):
    wanted = {"all": None, "variance": "random"}.get(which, which)
    profile = results.profile(wanted, up_to=level, progress=progress)
    table = profile.conf_int(level)
    # profiles have the fixed effects last, as lme4
    fixed = table.index.isin(results.model.exog_names)
    notes = [BY_ML] if getattr(results, "reml", False) else []
    if fixed.any():
        notes.append(ASYMPTOTIC)
    return pd.concat([table[fixed], table[~fixed]]), notes


def _boot(results, level, which, df_method, interval="percentile", **options):
    if options.get("statistic") is not None and which != "all":
        raise DataError("statistic= has parameters of its own: leave out which=.")
    bootstrap = results.bootstrap(**options)
    table, fixed = bootstrap.conf_int(level, interval), len(results._params)
    rows = {
        "all": slice(None),
        "fixed": slice(fixed),
        "variance": slice(fixed, None),
    }[which]
    note = f"{bootstrap.kind.capitalize()} bootstrap, {len(bootstrap.draws)} draws"
    failed = f", {bootstrap.n_failed} failed" if bootstrap.n_failed else ""
    return table.iloc[rows], [f"{note}{failed}; {interval} intervals."]


BY_ML = "Profiles are of the likelihood: the model was refitted by ML."
ASYMPTOTIC = (
    "Profiles refer to chi-square, without degrees of freedom: with few groups those "
    "of fixed effects are short."
)
INTERVALS = {"wald": _wald, "profile": _profile, "boot": _boot}
LABELS = {"wald": "Wald", "profile": "profile likelihood", "boot": "bootstrap"}
