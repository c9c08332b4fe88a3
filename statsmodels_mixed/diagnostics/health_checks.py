"""Checks of what every mixed model has: optimum, predictors, random effects.

Each takes the facts of a fit and gives findings; none where it does not apply.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np
from scipy import stats

from ..design.table import Table
from .design_advice import all_findings
from .design_factors import Factors
from .factor_pairs import FactorPair
from .findings import Finding, joined
from .re_pca import components, zeroing_cost

# Errors of the deviance from rounding: larger than the certificate's, and doubtful
ROUNDED, DOUBTFUL = 1e-6, 1e-3
# Ratios of standard deviations of predictors
FAR_APART, HOPELESS = 1e3, 1e8
# Condition numbers of the correlations of predictors, in the sense of Belsley (1991)
NEARLY_COLLINEAR, COLLINEAR = 30.0, 1000.0
# Rises of the deviance that no test would notice
CHEAP = 0.1
# What is named of a direction: loadings from, and effects of one variance up to
SMALL_PART, FEW_NAMES = 0.1, 3
FEW_LEVELS = 5
# Chances of the most extreme level, corrected for the number of levels
UNLIKELY, ABSURD = 1e-2, 1e-6
# Shares of the variance of a direction that are none, and of it that the data tell
NO_VARIANCE, UNINFORMED = 1e-10, 1e-6
# Standard deviations of a covariate from 0 to its mean, and what it correlates
FAR, NEARLY_ONE = 3.0, 0.9
# Rows per parameter, and residual degrees of freedom
FEW_ROWS, FEW_DF = 3.0, 5


def convergence(facts):
    """Certificate of the minimum, or of the fixed point of quasi-likelihood."""
    found = facts.fit.convergence
    figure = getattr(found, "predicted_decrease", getattr(found, "change", np.nan))
    if found.converged:
        return [Finding("ok", "convergence", float(figure), found.message)]
    advice = "Raise max_iter, simplify the model, and see res.compare_optimizers()."
    return [Finding("problem", "convergence", float(figure), found.message, advice)]


def flatness(facts):
    """Directions in the variances along which the deviance does not change."""
    fit = getattr(facts.fit, "lmm", facts.fit)
    flat = fit.flat_terms()
    if not flat:
        return []
    names = joined([f"({facts.design.terms[t].text})" for t in flat])
    text = f"the data cannot tell the variances of {names} apart"
    advice = "Leave out one of the terms or effects."
    return [Finding("problem", "identifiability", float(len(flat)), text, advice)]


def rounding(facts):
    """Digits that are left of the residual variance."""
    found = facts.fit.convergence
    figure = float(getattr(found, "last", found).rounding)
    text = f"the deviance is known to {figure:.1g}"
    if figure <= ROUNDED:
        return [Finding("ok", "rounding", figure, text)]
    advice = (
        "The residual variance is a tiny part of the response's: look for a response "
        "that is nearly constant within levels, and subtract what is known of it."
    )
    severity = "note" if figure < DOUBTFUL else "warning"
    return [Finding(severity, "rounding", figure, f"{text} only", advice)]


def singular(facts):
    """Variances, or combinations of effects, that are exactly zero."""
    if not facts.singular:
        text = "every direction of the random effects has variance"
        return [Finding("ok", "singularity", 0.0, text)] if facts.design.terms else []
    lost = {}  # directions by term, in the order of the sentences
    for found in facts.fit.singulars[0]:
        lost[found.term] = lost.get(found.term, 0) + 1
    n = float(len(facts.fit.singulars[0]))
    return [
        Finding("warning", "singularity", n, text, _simpler(facts.fit, t, lost[t]))
        for t, text in zip(lost, facts.singular, strict=True)
    ]


def _simpler(fit, t, lost):
    """Advice about a term that has no variance along so many directions."""
    term, variances = fit.design.terms[t], np.diag(fit.covariances[t])
    if np.count_nonzero(variances == 0) >= lost:  # each direction is an effect
        return (
            "Drop the effect, use || for independent effects, or keep it knowingly: "
            "the likelihood is the same without it. See res.re_pca()."
        )
    text = (
        f"The data show {term.k - lost} of {term.k} directions. A simpler term, with "
        "|| or fewer effects, has a lower likelihood: compare by res.ranova() or "
        "smm.anova()."
    )
    if _covariates(term):
        text += (
            " Centre the covariate first if 0 is far from its values: what || means "
            "depends on where 0 is."
        )
    return text


def cheap_directions(facts):
    """Directions with variance that the likelihood would hardly miss."""
    out = []
    for t, term in enumerate(facts.design.terms):
        least = components(facts.fit, t, scaled=True)[-1]
        if least.sd == 0.0:
            continue  # exactly singular, which is said elsewhere
        cost = zeroing_cost(facts.fit, least)
        if np.isnan(cost) or cost >= CHEAP:
            continue
        text = f"({term.text}): setting {_direction(term, least)} to zero raises the "
        text += f"deviance by {cost:.2g} only"
        advice = "The data say little about it: see res.re_pca() and res.ranova()."
        out.append(Finding("note", "random directions", cost, text, advice))
    return out


def _direction(term, component):
    if not component.columns.shape[1]:  # the term as a whole
        few = term.k <= FEW_NAMES
        return f"the variance of {joined(term.effects) if few else 'its effects'}"
    weights = zip(component.loadings, term.effects, strict=True)
    parts = [f"{w:+.2f} {effect}" for w, effect in weights if abs(w) >= SMALL_PART]
    return f"the variance along {' '.join(parts)} (effects scaled by their columns)"


def far_from_zero(facts):
    """Intercepts that are extrapolated, and therefore nearly tied to their slopes."""
    out = []
    for term, cov in zip(facts.design.terms, facts.fit.covariances, strict=True):
        sd = np.sqrt(np.diag(cov))
        for i, j in _covariates(term):
            if sd[i] == 0.0 or sd[j] == 0.0:
                continue
            z, r = term.z[:, j], float(cov[i, j] / (sd[i] * sd[j]))
            distance = abs(z.mean()) / z.std()
            if distance <= FAR or abs(r) <= NEARLY_ONE:
                continue
            text = f"({term.text}): {term.effects[i]} and {term.effects[j]} correlate "
            text += f"by {r:.2g}; 0 is {distance:.2g} standard deviations from the "
            text += f"mean of {term.effects[j]}"
            advice = (
                f"Centre {term.effects[j]}: the correlation is then that of slopes "
                "with levels within the data, and || means independence there."
            )
            out.append(Finding("note", "centring", float(distance), text, advice))
    return out


def _covariates(term):
    """Positions of the intercept and of each covariate with a slope; none without."""
    if term.z is None:
        return []
    constant = [j for j in range(term.k) if np.ptp(term.z[:, j]) == 0.0]
    measured = [j for j in range(term.k) if len(np.unique(term.z[:, j])) > 2]
    return [(constant[0], j) for j in measured] if constant else []


def predictor_scales(facts):
    """Predictors measured in very different units."""
    names, columns = _varying_columns(facts)
    if len(names) < 2:
        return []
    sizes = columns.std(axis=0)
    low, high = np.argmin(sizes), np.argmax(sizes)
    ratio = float(sizes[high] / sizes[low])
    text = (
        f"standard deviations of predictors go from {sizes[low]:.2g} ({names[low]}) to "
        f"{sizes[high]:.2g} ({names[high]})"
    )
    if ratio < FAR_APART:
        return [Finding("ok", "scaling", ratio, text)]
    advice = (
        "The fit does not depend on units, but coefficients are hard to read and other "
        "programs may fail: rescale, such as to standard deviations or to thousands."
    )
    severity = "note" if ratio < HOPELESS else "warning"
    return [Finding(severity, "scaling", ratio, text, advice)]


def collinearity(facts):
    """Condition number of the correlations of the predictors."""
    names, columns = _varying_columns(facts)
    if len(names) < 2:
        return []
    # without a constant, columns that add up to one are not nearly a relation
    center = columns.mean(axis=0) if _has_constant_column(facts) else 0.0
    centred = columns - center
    centred /= np.sqrt((centred**2).sum(axis=0))
    _, s, directions = np.linalg.svd(centred, full_matrices=False)
    figure = float(s[0] / s[-1])
    text = f"condition number of the predictors {figure:.3g}"
    if figure < NEARLY_COLLINEAR:
        return [Finding("ok", "collinearity", figure, text)]
    part = np.abs(directions[-1])
    involved = [n for n, p in zip(names, part, strict=True) if p > 0.3 * part.max()]
    advice = (
        "Their separate coefficients are poorly determined; centre what is multiplied, "
        "use orthogonal polynomials, or leave one out. Predictions do not suffer."
    )
    severity = "note" if figure < COLLINEAR else "warning"
    text += f", nearly a relation among {joined(involved)}"
    return [Finding(severity, "collinearity", figure, text, advice)]


def _has_constant_column(facts):
    exog = facts.design.mean.exog[:, facts.kept]
    return bool((exog == exog[:1]).all(axis=0).any())


def _varying_columns(facts):
    """Names and values of the fixed-effects columns that vary, aliased ones not."""
    mean, kept = facts.design.mean, facts.kept
    columns = mean.exog[:, kept]
    varies = columns.std(axis=0) > 1e-14 * np.abs(columns).max(axis=0, initial=0.0)
    names = [mean.exog_names[j] for j, v in zip(kept, varies, strict=True) if v]
    return names, columns[:, varies]


def aliasing(facts):
    """Fixed-effects columns that are linear combinations of others."""
    names = facts.design.mean.exog_names
    lost = [name for j, name in enumerate(names) if j not in facts.kept]
    if not lost:
        text = "the fixed effects have full rank"
        return [Finding("ok", "rank", 0.0, text)] if names else []
    text = f"{joined(lost)}: linear combinations of other columns, left out"
    advice = (
        "The other coefficients mean what they mean without these columns; drop a "
        "term, or look for cells of a design without rows."
    )
    return [Finding("warning", "rank", float(len(lost)), text, advice)]


def group_counts(facts):
    """Levels of the grouping factors, against 5 and the variance parameters."""
    out, design = [], facts.design
    for terms in design.factors:
        first = design.terms[terms[0]]
        levels = first.grouping.n_levels
        n_par = sum(design.terms[t].structure.n_par for t in terms)
        text = f"{first.group} has {levels} levels"
        severity, advice = "ok", ""
        if levels < FEW_LEVELS:
            severity = "warning"
            advice = (
                "A variance cannot be learnt from so few levels: make "
                f"{first.group} a fixed effect."
            )
        elif n_par >= levels:
            severity = "note"
            text += f" for {n_par} variance parameters"
            advice = "Use a simpler covariance: ||, or fewer varying effects."
        out.append(Finding(severity, "levels", float(levels), text, advice))
    return out


def labels(facts):
    """Crossed factors, the labels of one of which look numbered anew in the other."""
    terms = facts.design.terms
    groupings = {term.group: term.grouping for term in terms}
    if len(groupings) < 2 or any(term.encoder is None for term in terms):
        return []
    # names of other columns are not known to a fit: only what labels themselves show
    rows = Table.from_data({"": np.zeros(facts.design.nobs)})
    factors = Factors(rows, rows.nobs, {}, groupings)
    pairs = [FactorPair.of(*both) for both in combinations(groupings.values(), 2)]
    return [
        Finding("warning", "labels", found.figure, found.message, found.advice)
        for found in all_findings(factors, pairs)
        if found.topic == "reused labels" and found.severity == "warning"
    ]


def extreme_levels(facts):
    """Conditional modes too far out for a normal distribution.

    ``b' (Sigma - C)^-1 b``, C the conditional covariance, is chi-square with as many
    degrees of freedom as there are effects (fixed effects taken as known).
    """
    out, fit = [], facts.fit
    for t, term in enumerate(facts.design.terms):
        if term.grouping.n_levels < FEW_LEVELS:
            continue
        level, chance = _most_extreme(fit, t)
        if chance is None:
            continue
        text = f"{term.group} {term.grouping.index[level]} is the most extreme level "
        text += f"of ({term.text}), with a chance of {chance:.2g} among all"
        if chance >= UNLIKELY:
            out.append(Finding("ok", "extreme levels", chance, text))
            continue
        severity = "note" if chance >= ABSURD else "warning"
        advice = (
            "Look at its rows, and fit once without it: one level should not carry "
            "the variance or the fixed effects."
        )
        out.append(Finding(severity, "extreme levels", chance, text, advice))
    return out


def _most_extreme(fit, t):
    """Position and Bonferroni-corrected chance of the most extreme level of a term.

    The chance is None where the term has no variance.
    """
    values, vectors = np.linalg.eigh(fit.covariances[t])
    alive = values > NO_VARIANCE * values[-1]
    if not alive.any():
        return 0, None
    inverse = (vectors[:, alive] / np.sqrt(values[alive])).T
    spread = np.eye(len(inverse))
    spread = spread - inverse @ fit.conditional_covariances[t] @ inverse.T
    values, vectors = np.linalg.eigh(spread)
    along = np.einsum("mij,mi->mj", vectors, fit.modes[t] @ inverse.T)
    informed = values > UNINFORMED
    squares = np.where(informed, along**2 / np.where(informed, values, 1.0), 0.0)
    df = informed.sum(axis=1)
    chances = stats.chi2.sf(squares.sum(axis=1), np.maximum(df, 1))
    level = int(np.argmin(np.where(df > 0, chances, 1.0)))
    return level, float(min(1.0, len(df) * chances[level]))


def degrees_of_freedom(facts):
    """Rows against parameters."""
    n, p = facts.design.nobs, len(facts.fit.beta) + facts.fit.n_covariance
    left = n - p
    text = f"{n} rows for {p} parameters"
    if left >= FEW_DF and n >= FEW_ROWS * p:
        return [Finding("ok", "residual df", float(left), text)]
    severity = "warning" if left < FEW_DF else "note"
    advice = (
        "Estimates are hardly more than the data again: simplify the model, and prefer "
        "Kenward-Roger degrees of freedom where they exist."
    )
    return [Finding(severity, "residual df", float(left), text, advice)]
