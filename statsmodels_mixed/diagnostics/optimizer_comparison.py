"""One model fitted from several starts by several optimisers."""

from __future__ import annotations

import time
import warnings
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from ..errors import (
    ComparisonError,
    ConvergenceWarning,
    DataError,
    MixedModelError,
    check_option,
)
from ..fitting import (
    METHODS,
    FitOptions,
    GaussianModel,
    GeneralizedModel,
    check_covariances,
)
from ..optimize import DRIVERS

OPTIMIZERS = tuple(DRIVERS)
# Log-likelihoods that differ by less are of the same optimum
SAME = 1e-4
# Differences of fixed effects, in standard errors, that do not matter
NEGLIGIBLE = 0.01
# Standard deviations are compared relative to themselves, or to this share of the one
# whose effect is as large as the residual's
LEAST_SD = 0.01
COLUMNS = (
    "optimizer",
    "start",
    "llf",
    "gap",
    "shift_se",
    "sd_change",
    "evaluations",
    "seconds",
    "converged",
    "trouble",
)
# Differences that are smaller are of rounding, and print as 0
ROUNDING = 1e-6


def _difference(value):
    return "0" if abs(value) < ROUNDING else f"{value:.3g}"


FORMATS = {
    "gap": _difference,
    "shift_se": _difference,
    "sd_change": _difference,
    "seconds": "{:.2g}".format,
}


def _moments(model, rng):
    """None: what `fit` starts from when it is not told."""


def _multiple(sd):
    """Independent effects of one size, relative to what a row tells."""

    def start(model, rng):
        return tuple(sd**2 * m @ m.T for m in model.coordinates.maps)

    return start


def _random(model, rng):
    """Sizes over two orders of magnitude, correlations of any sign."""
    out = []
    for m in model.coordinates.maps:
        k = len(m)
        draws = rng.standard_normal((k, k + 1))
        draws /= np.sqrt((draws**2).sum(axis=1, keepdims=True))
        half = m @ (draws * 10.0 ** rng.uniform(-1.0, 1.0, k)[:, None])
        out.append(half @ half.T)
    return tuple(out)


STARTS = {
    "moments": _moments,
    "small": _multiple(0.1),
    "unit": _multiple(1.0),
    "large": _multiple(10.0),
}


@dataclass(frozen=True, eq=False)
class OptimizerComparison:
    """Ends of several searches for one optimum.

    Attributes
    ----------
    table : DataFrame
        One row per search: optimizer, start, llf, gap (below the best log-likelihood),
        shift_se (largest difference of a fixed effect from the best, in standard
        errors), sd_change (the same of a random-effects standard deviation, as a
        share), evaluations, seconds, converged, trouble (why a search failed).
    starts : dict
        Name of the start to covariances as ``fit(start=)`` takes them.
    improvement : float
        Log-likelihood of the best search minus that of the fit.
    verdict : str
        What it means, in words.
    """

    table: pd.DataFrame
    starts: dict
    improvement: float
    verdict: str

    @property
    def best(self):
        """The row of the best search that converged; None if none did."""
        converged = self.table[self.table.converged]
        return None if converged.empty else converged.loc[converged.llf.idxmax()]

    def __repr__(self):
        shown = self.table
        if not shown.trouble.any():
            shown = shown.drop(columns="trouble")
        text = shown.to_string(
            index=False, float_format="{:.6g}".format, formatters=FORMATS
        )
        return f"{text}\n{self.verdict}"


def compare_optimizers(
    fit, options, optimizers=OPTIMIZERS, starts=tuple(STARTS), n_random=2, rng=0
):
    """Fit a model again from several starts by several optimisers.

    Parameters
    ----------
    fit : Fit or GeneralizedFit
    options : FitOptions
        How it was fitted.
    optimizers : sequence of {"newton", "lbfgs"}
    starts : sequence of {"moments", "small", "unit", "large"}, or dict
        Names, or names with covariances (None for moments).
    n_random : int
        Number of random starts beside these.
    rng : int or numpy.random.Generator
        For the random starts.

    Returns
    -------
    OptimizerComparison

    Raises
    ------
    ComparisonError
        Quasi-likelihood has nothing to compare.
    DataError
        Unknown names, covariances that do not fit, or nothing to do.

    Notes
    -----
    ``allFit`` of lme4 with starts added: an optimum that does not depend on the start
    is no proof that it is global, but one that does is none.

    Examples
    --------
    >>> import statsmodels_mixed as smm
    >>> data = smm.datasets.load("sleepstudy")
    >>> res = smm.lmm("Reaction ~ Days + (Days | Subject)", data).fit()
    >>> found = compare_optimizers(res.fit_record, res.options)
    >>> len(found.table), bool(found.table.converged.all())
    (12, True)
    """
    if options.method == "pql":
        raise ComparisonError(
            "Penalised quasi-likelihood maximises nothing that could be compared; fit "
            "with nagq= or method='mcml'."
        )
    optimizers = _listed(optimizers)
    for name in optimizers:
        check_option("optimizers", name, OPTIMIZERS)
    # a search that was stopped early is compared with ones that are not
    options = replace(options, max_iter=max(options.max_iter, FitOptions.max_iter))
    starts = _covariances(fit, starts, n_random, np.random.default_rng(rng))
    if not starts or not len(optimizers):
        raise DataError("Give at least one of optimizers= and one start.")
    runs = [
        _run(fit, replace(options, optimizer=optimizer, start=start), name)
        for optimizer in optimizers
        for name, start in starts.items()
    ]
    best = max((r.fit for r in runs if r.converged), key=_llf, default=fit)
    table = pd.DataFrame([r.row(best) for r in runs], columns=list(COLUMNS))
    improvement = _llf(best) - _llf(fit)
    return OptimizerComparison(table, starts, improvement, _verdict(table, improvement))


def _listed(names):
    """One name as a list of one."""
    return [names] if isinstance(names, str) else names


def _covariances(fit, starts, n_random, rng):
    """Names of starts and what ``fit(start=)`` takes."""
    out = {}
    if isinstance(starts, dict):
        for name, given in starts.items():
            if given is not None:
                given = check_covariances(
                    given, fit.design.terms, f"starts[{name!r}]", fit.relative_to_scale
                )
            out[name] = given
    else:
        for name in _listed(starts):
            check_option("starts", name, STARTS)
            out[name] = STARTS[name](fit.model, rng)
    for i in range(n_random):
        out[f"random {i + 1}"] = _random(fit.model, rng)
    return out


@dataclass(frozen=True, eq=False)
class _Run:
    """One search: its fit, or why there is none."""

    optimizer: str
    start: str
    fit: object
    seconds: float
    trouble: str = ""

    @property
    def converged(self):
        return self.fit is not None and self.fit.convergence.converged

    def row(self, best):
        """Entries of `COLUMNS`."""
        head, end = (self.optimizer, self.start), (self.converged, self.trouble)
        if self.fit is None:
            return (*head, *[np.nan] * 4, 0, self.seconds, *end)
        figures = _llf(self.fit), _llf(best) - _llf(self.fit), *_apart(self.fit, best)
        spent = self.fit.convergence.n_evaluations
        return (*head, *figures, spent, self.seconds, *end)


def _gaussian(fit, options):
    return fit.model.fit(fit.reml, options)


def _generalized(fit, options):
    with warnings.catch_warnings():  # the table says it
        warnings.simplefilter("ignore", ConvergenceWarning)
        return METHODS[options.method](fit.model, options)


FITTERS = {GaussianModel: _gaussian, GeneralizedModel: _generalized}


def _run(fit, options, name):
    begun, found, trouble = time.perf_counter(), None, ""
    try:
        found = FITTERS[type(fit.model)](fit, options)
    except (MixedModelError, np.linalg.LinAlgError) as error:
        trouble = str(error)
    return _Run(options.optimizer, name, found, time.perf_counter() - begun, trouble)


def _llf(fit):
    return -0.5 * float(fit.deviance)


def _apart(fit, best):
    """Largest differences: fixed effects in standard errors, sds as a share."""
    se = np.sqrt(np.diag(best.cov_beta))
    shift = np.abs(fit.beta - best.beta) / np.where(se > 0, se, 1.0)
    changes = [0.0]
    scale = np.sqrt(best.scale)
    pairs = zip(fit.covariances, best.covariances, strict=True)
    for (ours, theirs), m in zip(pairs, best.model.coordinates.maps, strict=True):
        sd, sd_best = np.sqrt(np.diag(ours)), np.sqrt(np.diag(theirs))
        least = LEAST_SD * scale * np.sqrt((m**2).sum(axis=1))
        changes.append(float((np.abs(sd - sd_best) / np.maximum(sd_best, least)).max()))
    return float(shift.max(initial=0.0)), max(changes)


def _verdict(table, improvement):
    good = table[table.converged]
    count = f"{len(good)} of {len(table)} searches converged"
    if good.empty:
        return f"{count}: there is no optimum to rely on; simplify the model."
    same = good[good.gap <= SAME]
    if improvement > SAME:
        where = same.iloc[0]
        return (
            f"{count}. The fit is NOT the best: start {where.start!r} by "
            f"{where.optimizer} leads to a log-likelihood higher by {improvement:.3g}. "
            f"Fit with start=comparison.starts[{where.start!r}]."
        )
    if len(same) < len(good):
        return (
            f"{count}, {len(good) - len(same)} of them at a lower optimum (by up to "
            f"{good.gap.max():.3g} in log-likelihood). The fit is the best one found; "
            "there are several optima."
        )
    shift = float(good.shift_se.max())
    text = f"{count}, all at the same log-likelihood"
    if shift > NEGLIGIBLE:
        return (
            f"{text}, but fixed effects differ by up to {shift:.2g} standard errors: "
            "the likelihood is nearly flat."
        )
    return f"{text} and estimates: the optimum does not depend on the search."
