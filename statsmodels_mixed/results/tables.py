"""Tables of variance parameters and random effects."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.linalg import block_diag

RESIDUAL = "Residual"


def covariance_frames(fit):
    """Covariance matrix of the random effects of each grouping factor.

    Returns
    -------
    dict
        Grouping factor to DataFrame effects x effects; terms that share a factor
        are independent blocks of one matrix.
    """
    out = {}
    for terms in fit.design.factors:
        names = [e for t in terms for e in fit.design.terms[t].effects]
        values = block_diag(*[fit.covariances[t] for t in terms])
        group = fit.design.terms[terms[0]].group
        out[group] = pd.DataFrame(values, index=names, columns=names)
    return out


def varcorr_frame(fit):
    """Variances, covariances, standard deviations and correlations, tidy.

    Columns as in lme4's ``as.data.frame(VarCorr(.))``: one row per variance and
    per estimated covariance, the residual last. ``sdcor`` is a standard deviation
    where ``effect2`` is missing, a correlation otherwise.
    """
    rows = []
    for term, cov in zip(fit.design.terms, fit.covariances, strict=True):
        sd = np.sqrt(np.diag(cov))
        for i, effect in enumerate(term.effects):
            rows.append((term.group, effect, None, cov[i, i], sd[i]))
        for i, j in term.structure.covarying():
            product = sd[i] * sd[j]
            correlation = cov[i, j] / product if product > 0 else np.nan
            pair = (term.effects[i], term.effects[j])
            rows.append((term.group, *pair, cov[i, j], correlation))
    if fit.residual_variance is not None:
        variance = float(fit.residual_variance)
        rows.append((RESIDUAL, None, None, variance, float(np.sqrt(variance))))
    columns = ["group", "effect", "effect2", "vcov", "sdcor"]
    return pd.DataFrame(rows, columns=columns)


def mode_frames(fit, values=None):
    """Per grouping factor, a DataFrame levels x effects.

    Parameters
    ----------
    fit : Fit
    values : sequence of ndarray, shape (m, k), optional
        One per term; the conditional modes by default.
    """
    values = fit.modes if values is None else values
    out = {}
    for terms in fit.design.factors:
        first = fit.design.terms[terms[0]]
        names = [e for t in terms for e in fit.design.terms[t].effects]
        table = np.concatenate([values[t] for t in terms], axis=1)
        out[first.group] = pd.DataFrame(
            table, index=first.grouping.index, columns=names
        )
    return out


def coefficient_frames(fit, names):
    """Fixed plus random effects of each level, as lme4's ``coef``."""
    beta = pd.Series(fit.beta, index=names)
    out = {}
    for group, modes in mode_frames(fit).items():
        extra = [e for e in modes.columns if e not in beta.index]
        columns = [*beta.index, *extra]
        base = beta.reindex(columns).fillna(0.0).to_numpy()
        table = pd.DataFrame(
            np.tile(base, (len(modes), 1)), index=modes.index, columns=columns
        )
        # an effect may vary in several terms of one factor: add them all
        for position, effect in enumerate(modes.columns):
            table[effect] += modes.iloc[:, position]
        out[group] = table
    return out


def theta_names(fit):
    """lme4-like names of theta: grouping factor, then the structure's own names."""
    return [
        f"{term.group}.{name}"
        for term in fit.design.terms
        for name in term.structure.names(term.effects)
    ]


def theta_series(fit):
    """Relative covariance factors in the user's units, with lme4-like names."""
    return pd.Series(fit.theta, index=theta_names(fit), dtype=float, name="theta")


def singular_messages(fit):
    """One sentence per singular term, naming the term and what does not vary."""
    by_term = {}
    for s in fit.singulars[0]:
        by_term.setdefault(s.term, []).append(s.direction)
    return [_singular_message(fit, t, np.array(d)) for t, d in by_term.items()]


def _singular_message(fit, t, directions):
    term, cov = fit.design.terms[t], fit.covariances[t]
    label = f"({term.text.split('|')[0].strip()} | {term.group})"
    sd = np.sqrt(np.diag(cov))
    still = [effect for effect, s in zip(term.effects, sd, strict=True) if s == 0]
    if len(still) >= len(directions):  # more, where effects share one variance
        return f"{label}: no variance of {', '.join(still)}"
    if term.k == 2:
        sign = "+1" if cov[0, 1] > 0 else "-1"
        return f"{label}: correlation of {' and '.join(term.effects)} is {sign}"
    rank = term.k - len(directions)
    text = f"{label}: the covariance of {term.k} effects has rank {rank}"
    return text + (f", no variance of {', '.join(still)}" if still else "")
