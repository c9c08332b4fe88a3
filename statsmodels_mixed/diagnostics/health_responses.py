"""Checks of responses that are not Gaussian: infinity, dispersion, integral."""

from __future__ import annotations

import numpy as np
from scipy import stats

from ..design.response import takes_trials
from ..design.separation import constant_groups
from ..fitting import PQLFit
from ..prediction.observation import DISCRETE
from .findings import Finding, joined
from .laplace_error import laplace_shift

# Dispersion beyond what the family has, and its p-value
EXCESS, SIGNIFICANT = 1.2, 0.01
VARYING = 0.05  # variance of a count that can tell of it
# Shifts of a standard deviation by the error of Laplace, in standard errors
SMALL, LARGE = 0.25, 0.5
ENOUGH_NODES = 7
POOR = 100.0  # effective draws
VERDICTS = {
    "fine": "ok",
    "undecided": "note",
    "noticeable": "warning",
    "badly wrong": "problem",
}


def separation(facts):
    """Fixed effects, or variances, whose estimates are infinite."""
    if facts.family is None:
        return []
    out = []
    if facts.separation is not None:
        columns = float(len(facts.separation.columns))
        text = facts.separation.message
        advice = (
            "Drop the column or merge levels; fixed effects are not penalised here."
        )
        out.append(Finding("problem", "separation", columns, text, advice))
    groups = constant_groups(facts.design) if takes_trials(facts.family) else ()
    if groups:
        text = f"within every level of {joined(groups)} all responses are the same"
        advice = "Leave the term out, or group by something coarser."
        out.append(Finding("problem", "separation", float(len(groups)), text, advice))
    text = "no fixed effect separates the response"
    return out or [Finding("ok", "separation", 0.0, text)]


# ---- dispersion -------------------------------------------------------------------


def _poisson(mu, weights):
    return 1.0 / mu


def _binomial(mu, trials):
    variance = mu * (1.0 - mu)
    return (1.0 - 6.0 * variance) / (trials * variance)


# excess kurtosis of one response, where the family has no dispersion of its own
KURTOSIS = {"poisson": _poisson, "binomial": _binomial}


def overdispersion(facts):
    """Pearson's chi-square over its degrees of freedom.

    Degrees of freedom are rows minus parameters, so the ratio is too small rather than
    too large where modes follow the rows. The p-value is that of a multiple of a
    chi-square with the mean and the variance of the statistic, which small means
    inflate.
    """
    family = facts.family
    if family is None or family.name not in KURTOSIS or _is_binary(facts):
        return []
    if row := _row_effect(facts):
        return [_not_looked_at("dispersion", row)]
    y, mu, trials, weights = _observed(facts)
    p = len(facts.fit.beta) + facts.fit.n_covariance
    if len(y) <= p:
        return []
    variance = family.variance(mu, facts.fit.dispersion) / trials
    statistic = float((weights * (y - mu) ** 2 / variance).sum())
    expected = weights.sum() * (1.0 - p / len(y))
    spread = (weights**2 * (2.0 + KURTOSIS[family.name](mu, trials))).sum()
    factor = spread / (2.0 * expected)
    pvalue = float(stats.chi2.sf(statistic / factor, expected / factor))
    ratio = statistic / expected
    text = f"Pearson chi-square over degrees of freedom {ratio:.3g} (p = {pvalue:.2g})"
    if ratio < EXCESS or pvalue >= SIGNIFICANT:
        return [Finding("ok", "dispersion", ratio, text)]
    return [Finding("warning", "dispersion", ratio, text, _remedy(family))]


def _remedy(family):
    rows = "an effect of each row, such as (1 | row): standard errors are too small."
    other = "Use family='negative_binomial' or " if family.name == "poisson" else ""
    return f"{other}add {rows}" if other else f"Add {rows}"


def _row_effect(facts):
    """A term with one level per row as text; its modes follow the response."""
    design = facts.design
    rows = (t.text for t in design.terms if t.grouping.n_levels == design.nobs)
    return next(rows, None)


def _not_looked_at(topic, row):
    text = f"not looked at: the modes of ({row}) take it up"
    return Finding("note", topic, np.nan, text)


def _is_binary(facts):
    """Whether every row is one trial, whose variance its mean determines."""
    trials = facts.design.trials
    return takes_trials(facts.family) and (trials is None or trials.max() <= 1.0)


def _observed(facts):
    """Response and mean of one trial, numbers of trials, and prior weights.

    Of the rows that can tell of dispersion: where nearly nothing is expected to vary, a
    residual is nearly always 0.
    """
    design = facts.design
    ones = np.ones(design.nobs)
    trials = ones if design.trials is None else design.trials
    weights = ones if design.weights is None else design.weights
    variance = trials * facts.family.variance(facts.fit.mu, facts.fit.dispersion)
    seen = (variance >= VARYING) & (weights > 0)
    y = design.endog[seen] / trials[seen]
    return y, facts.fit.mu[seen], trials[seen], weights[seen]


def zeros(facts):
    """Counts of zero beyond those the family has at the fitted means."""
    family, fit = facts.family, facts.fit
    if family is None or family.name not in DISCRETE or takes_trials(family):
        return []
    if row := _row_effect(facts):
        return [_not_looked_at("zeros", row)]
    size = getattr(family, "alpha", None) or fit.dispersion
    chance = DISCRETE[family.name](0, fit.mu, size)
    seen, expected = int((facts.design.endog == 0).sum()), float(chance.sum())
    z = (seen - expected) / np.sqrt(max((chance * (1.0 - chance)).sum(), 1e-300))
    text = f"{seen} zeros, {expected:.1f} expected"
    if z < 3.0 or seen < EXCESS * expected:
        return [Finding("ok", "zeros", float(z), text)]
    return [Finding("note", "zeros", float(z), text, _about_zeros(family))]


def _about_zeros(family):
    if family.name == "poisson":
        return (
            "A hint of overdispersion, or of a process of its own for zeros: look at "
            "dispersion first, and compare family='negative_binomial'."
        )
    return (
        "A hint of a process of its own for zeros, which is not modelled here: look "
        "for a predictor that tells these rows."
    )


def bound(facts):
    """A dispersion that has gone to zero."""
    if facts.family is None or facts.family.dispersion_name is None:
        return []
    figure, name = float(facts.fit.dispersion), facts.family.dispersion_name
    if not facts.at_bound:
        text = f"{name} {figure:.3g} is not at its bound"
        return [Finding("ok", "dispersion at bound", figure, text)]
    return [Finding("warning", "dispersion at bound", figure, facts.at_bound)]


# ---- integral ---------------------------------------------------------------------


def integration(facts):
    """How well the random effects were integrated out."""
    fit = facts.fit
    if facts.family is None or not facts.design.terms:
        return []
    if isinstance(fit, PQLFit):
        text = "penalised quasi-likelihood integrates nothing"
        advice = "Its variances are too small in small groups: fit with nagq=."
        return [Finding("note", "integration", np.nan, text, advice)]
    if facts.integration is not None:
        return _thorough(facts.integration())
    if hasattr(fit, "ess"):
        return _sampled(fit)
    return _approximated(facts)


def _thorough(report):
    figure = float(report.table["shift (se)"].abs().max())
    severity = VERDICTS[report.verdict]
    return [Finding(severity, "integration", figure, report.advice)]


def _sampled(fit):
    text = f"{fit.ess:.0f} effective draws of the worst component"
    if fit.ess >= POOR:
        return [Finding("ok", "integration", fit.ess, text)]
    return [Finding("warning", "integration", fit.ess, text, "Raise n_draws.")]


def _approximated(facts):
    shift, t = laplace_shift(facts.fit)
    term = facts.design.terms[t]
    text = (
        f"Laplace would be off by about {shift:.2g} standard errors in the standard "
        f"deviations of ({term.text})"
    )
    nodes = int(np.min(facts.nodes))
    if nodes >= ENOUGH_NODES or abs(shift) < SMALL:
        return [Finding("ok", "integration", shift, text)]
    advice = "Run res.check_integration(); use nagq= or method='mcml' if it says so."
    severity = "note" if abs(shift) < LARGE else "warning"
    return [Finding(severity, "integration", shift, text, advice)]
