"""Standard deviations and correlations of a fit: the scale users read them on."""

from __future__ import annotations

import numpy as np


def sdcor_entries(term):
    """Free standard deviations and correlations of a term, column by column.

    Parameters
    ----------
    term : TermDesign

    Returns
    -------
    list of (int, int)
        ``(j, j)`` for the standard deviation of effect j, ``(i, j)`` with i > j for
        a correlation; in lme4's order.
    """
    varying, pairs = term.structure.varying(), term.structure.covarying()
    out = []
    for j in range(term.k):
        out += [(j, j)] if j in varying else []
        out += [(max(pair), j) for pair in pairs if min(pair) == j]
    return out


def sdcor_names(fit):
    """Names of standard deviations, correlations and the scale, as lme4 has them.

    Parameters
    ----------
    fit : Fit, GeneralizedFit or PQLFit

    Returns
    -------
    list of str
        ``sd_Days|Subject``, ``cor_Days.Intercept|Subject``, ``sigma``.
    """
    out = []
    for term in fit.design.terms:
        for i, j in sdcor_entries(term):
            first, second = term.effects[i], term.effects[j]
            name = f"sd_{first}" if i == j else f"cor_{first}.{second}"
            out.append(f"{name}|{term.group}")
    return out + list(fit.scale_parameters)


def sdcor_values(fit):
    """Standard deviations, correlations and the scale of a fit.

    Parameters
    ----------
    fit : Fit, GeneralizedFit or PQLFit

    Returns
    -------
    ndarray, shape (..., n)
        In the order of `sdcor_names`; leading axes are responses. A correlation
        with an effect without variance is NaN.
    """
    out = []
    for term, cov in zip(fit.design.terms, fit.covariances, strict=True):
        sd = np.sqrt(np.diagonal(cov, axis1=-2, axis2=-1))
        for i, j in sdcor_entries(term):
            out.append(sd[..., i] if i == j else _correlation(cov, sd, i, j))
    out += list(fit.scale_parameters.values())
    lead = np.shape(fit.beta)[:-1]  # a Poisson GLM has none of them
    return np.stack(out, axis=-1) if out else np.empty((*lead, 0))


def _correlation(cov, sd, i, j):
    product = sd[..., i] * sd[..., j]
    known = product > 0
    return np.where(known, cov[..., i, j] / np.where(known, product, 1.0), np.nan)


def sdcor_jacobian(fit):
    """Derivative of `sdcor_values` in the variance parameters of a single fit.

    Parameters
    ----------
    fit : Fit or GeneralizedFit

    Returns
    -------
    ndarray, shape (n, n_v)
        Columns are theta in the coordinates of the fit and, last, the logarithm of
        the residual variance (of the dispersion, where one is estimated). Rows of
        standard deviations that are 0, and of their correlations, are NaN: there is
        no derivative.
    """
    layout, maps = fit.model.layout, fit.model.coordinates.maps
    n_scale = len(fit.scale_parameters)
    rows = []
    for t, (term, cov) in enumerate(
        zip(fit.design.terms, fit.covariances, strict=True)
    ):
        derivative = np.zeros((layout.n_par + n_scale, term.k, term.k))
        derivative[layout.slices[t]] = _covariance_derivative(fit, t, maps[t])
        if fit.relative_to_scale:
            derivative[-1] = cov
        rows += [_entry(cov, derivative, i, j) for i, j in sdcor_entries(term)]
    for value, power in zip(
        fit.scale_parameters.values(), fit.scale_powers, strict=True
    ):
        last = np.zeros(layout.n_par + n_scale)
        last[-1] = power * value
        rows.append(last)
    return np.reshape(rows, (len(rows), layout.n_par + n_scale))


def _covariance_derivative(fit, t, linear):
    """Derivative of a term's covariance in its part of theta, (n_t, k, k)."""
    layout = fit.model.layout
    par = fit.evaluation.x[layout.slices[t]]
    half = linear @ layout.structures[t].factor(par)
    change = linear @ layout.structures[t].factor_derivative(par)
    product = change @ half.T
    return fit.scale * (product + np.swapaxes(product, -1, -2))


def _entry(cov, derivative, i, j):
    """Derivative of one standard deviation (i = j) or correlation."""
    variances = np.diag(cov)
    if not variances[i] * variances[j] > 0:
        return np.full(len(derivative), np.nan)
    if i == j:
        return derivative[:, i, i] / (2.0 * np.sqrt(variances[i]))
    product = np.sqrt(variances[i] * variances[j])
    shares = derivative[:, i, i] / variances[i] + derivative[:, j, j] / variances[j]
    return (derivative[:, i, j] - 0.5 * cov[i, j] * shares) / product
