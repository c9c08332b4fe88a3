"""Parametric-bootstrap likelihood-ratio test of two nested models."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial

import numpy as np
import pandas as pd
from scipy import stats

from ...errors import ComparisonError
from ...simulation import simulate_responses
from ..likelihood.likelihoods import stated
from ..likelihood.lrt import compare_fits
from ..likelihood.ratio import exact_zero
from .refitting import Refitter
from .replicates import run_chunks

LEVEL = 0.95  # of the interval for Monte Carlo error

SEVERAL_VARIANCES = (
    "The restricted model has fewer variance parameters, so the ratio can be exactly "
    "zero: the approximations by a continuous distribution do not apply, and are left "
    "out."
)


class _Deviance:
    """Minus twice the log-likelihood of a fit, or of many."""

    names = ("deviance",)
    batched = True

    def __call__(self, fit):
        return np.asarray(fit.deviance, dtype=float)[..., None]


@dataclass(frozen=True, eq=False, repr=False)
class BootstrapLRTResult:
    """Likelihood-ratio test with a simulated null distribution.

    Attributes
    ----------
    statistic : float
        Twice the difference of the log-likelihoods (ML).
    pvalue : float
        ``(1 + b) / (1 + n)``, b the number of n draws as large as the statistic.
    pvalue_interval : tuple of float
        Clopper-Pearson interval of 95% for what infinitely many draws would give.
    table : DataFrame
        Rows ``chi2`` (the usual test) and ``bootstrap``; for tests of fixed effects
        also ``bartlett`` (the statistic scaled to the mean of a chi-square), ``gamma``
        (moments of the draws) and ``F`` (mean of the draws). Columns statistic, df_num,
        df_denom, pvalue.
    draws : ndarray, shape (n,)
        Of the statistic under the restricted model; failed fits left out.
    df_diff : int
        Parameters the models differ by.
    n_failed : int
        Draws of which one of the fits failed or did not converge.
    interrupted : bool
        Whether it was stopped before all draws were made.
    notes : tuple of str
        What to mind when reading the p-values.
    """

    statistic: float
    pvalue: float
    pvalue_interval: tuple
    table: pd.DataFrame
    draws: np.ndarray = field(repr=False)
    df_diff: int
    n_failed: int
    interrupted: bool
    notes: tuple = ()

    @property
    def pvalue_se(self):
        """Monte Carlo standard error of `pvalue`."""
        return float(np.sqrt(self.pvalue * (1.0 - self.pvalue) / len(self.draws)))

    def __repr__(self):
        low, high = self.pvalue_interval
        done = f"{len(self.draws)} draws"
        done += f", {self.n_failed} more failed" if self.n_failed else ""
        done += ", interrupted" if self.interrupted else ""
        large = (self.draws >= self.statistic).any()
        done += "" if large else ", no draw as large"
        lines = [
            "Parametric-bootstrap likelihood-ratio test",
            self.table.to_string(float_format=_short, na_rep=""),
            f"{done}; 95% Monte Carlo interval of the p-value {low:.4f} to {high:.4f}",
        ]
        return "\n".join([*lines, *self.notes])


def _short(value):
    return f"{value:.4g}"


def bootstrap_lrt(full, restricted, n=1000, rng=None, progress=False, n_jobs=1):
    """Parametric-bootstrap likelihood-ratio test of two nested models.

    Responses are drawn from the restricted model, and both models fitted to each.

    Parameters
    ----------
    full, restricted : results
        Of linear or generalized linear mixed models; fits by REML are fitted again by
        ML. One without random effects comes from ``smm.lmm("y ~ x", data)`` too.
    n : int
        Number of draws.
    rng : int or numpy.random.Generator, optional
        Seed or generator.
    progress : bool
        Show a progress bar (needs tqdm).
    n_jobs : int
        Processes (needs joblib for more than one); the draws do not depend on it.

    Returns
    -------
    BootstrapLRTResult
        Of the draws that were made, when it is interrupted from the keyboard.

    Raises
    ------
    ComparisonError
        Not nested, different data or families, no likelihood, or no fit succeeded.
    DataError
        `n` is no number of draws.

    Notes
    -----
    As ``PBmodcomp`` of R's pbkrtest (Halekoh and Hojsgaard 2014, J. Stat. Softw. 59(9),
    section 5), with two differences. Draws of a ratio of zero count: they are part of
    the distribution where a variance is tested, and leaving them out doubles p-values.
    The denominator degrees of freedom of the F approximation are those for which it has
    the mean of the draws, ``2 r / (r - 1)`` with r the mean over `df_diff`.

    Examples
    --------
    >>> import statsmodels_mixed as smm
    >>> data = smm.datasets.load("sleepstudy")
    >>> full = smm.lmm("Reaction ~ Days + (Days | Subject)", data).fit()
    >>> smaller = smm.lmm("Reaction ~ 1 + (Days | Subject)", data).fit()
    >>> test = bootstrap_lrt(full, smaller, n=200, rng=1)
    >>> round(test.statistic, 4), test.pvalue < 0.01
    (23.5365, True)
    """
    for results in (full, restricted):
        _check(results)
    full, restricted = _by_ml(full), _by_ml(restricted)
    observed = compare_fits(full, restricted)
    statistic = exact_zero(float(observed.statistic))
    ratios, interrupted = _ratios(full, restricted, n, rng, progress, n_jobs)
    draws = ratios[np.isfinite(ratios)]
    if not len(draws):
        raise ComparisonError(
            f"None of {len(ratios)} simulated responses could be fitted by both models;"
            " look whether the fits themselves converged."
        )
    same_variances = full.k_cov == restricted.k_cov
    beyond, df_diff = int((draws >= statistic).sum()), int(observed.df_diff)
    table = _table(statistic, df_diff, draws, beyond, same_variances)
    interval = stats.binomtest(beyond, len(draws)).proportion_ci(LEVEL)
    return BootstrapLRTResult(
        statistic,
        float(table.pvalue["bootstrap"]),
        (float(interval.low), float(interval.high)),
        table,
        draws,
        df_diff,
        len(ratios) - len(draws),
        interrupted,
        () if same_variances else (SEVERAL_VARIANCES,),
    )


def _ratios(full, restricted, n, rng, progress, n_jobs):
    """Likelihood ratios of drawn responses, and whether it was interrupted."""
    refitters = [
        Refitter(r.fit_record, r.options, _Deviance()) for r in (full, restricted)
    ]
    size = min(refitter.chunk_size() for refitter in refitters)
    task = partial(_draw, restricted.fit_record, *refitters)
    parts, interrupted = run_chunks(
        task, n, size, rng, n_jobs=n_jobs, progress=progress
    )
    if not parts:
        raise KeyboardInterrupt
    return np.concatenate(parts), interrupted


def _check(results):
    """Refuse what cannot be drawn from or fitted again."""
    stated(results)
    if not hasattr(results, "fit_record"):
        raise ComparisonError(
            "bootstrap_lrt fits both models many times and takes results of this "
            "package; smm.lmm('y ~ x', data) and smm.glmm() need no random effects."
        )
    if not results.has_likelihood:
        raise ComparisonError(
            "A fit by penalised quasi-likelihood has no likelihood to compare; fit by "
            "method='ml'."
        )


def _by_ml(results):
    if not getattr(results, "reml", False):
        return results
    options = results.options
    return results.model.fit(
        reml=False,
        optimizer=options.optimizer,
        tol=options.tol,
        max_iter=options.max_iter,
    )


def _draw(fit, full, restricted, rng, count):
    """Likelihood ratios of responses drawn from a fit, NaN where a fit failed."""
    responses = simulate_responses(fit, count, rng=rng)
    larger, smaller = (model.responses(responses) for model in (full, restricted))
    ratio = (smaller.values - larger.values)[:, 0]
    ratio[~(larger.converged & smaller.converged)] = np.nan
    return np.where(np.isnan(ratio), np.nan, exact_zero(ratio))


def _table(statistic, df, draws, beyond, approximations):
    """Tests of the statistic, one row each."""
    rows = {
        "chi2": (statistic, df, np.nan, stats.chi2.sf(statistic, df)),
        "bootstrap": (statistic, np.nan, np.nan, (1 + beyond) / (1 + len(draws))),
    }
    if approximations and len(draws) > 1:
        mean, variance = draws.mean(), draws.var(ddof=1)
        scaled, ratio = statistic * df / mean, mean / df
        gamma = stats.gamma(mean**2 / variance, scale=variance / mean)
        # no F distribution has a mean of 1 or less; the limit is the chi-square
        df_denom = 2.0 * ratio / (ratio - 1.0) if ratio > 1.0 else np.inf
        tail = stats.f(df, df_denom) if ratio > 1.0 else stats.chi2(df, scale=1 / df)
        f = statistic / df
        rows["bartlett"] = (scaled, df, np.nan, stats.chi2.sf(scaled, df))
        rows["gamma"] = (statistic, np.nan, np.nan, gamma.sf(statistic))
        rows["F"] = (f, df, df_denom, tail.sf(f))
    columns = ["statistic", "df_num", "df_denom", "pvalue"]
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns, dtype=float)
