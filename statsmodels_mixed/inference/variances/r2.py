"""How much of the variance of a response the parts of a mixed model explain.

Nakagawa and Schielzeth (2013), Methods in Ecology and Evolution 4, 133-142; Johnson
(2014), same journal 5, 944-946, for random slopes; Nakagawa, Johnson and Schielzeth
(2017), Journal of the Royal Society Interface 14, 20170213, for other families.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ...errors import DataError
from .distribution_variance import distribution_variance

FIXED, RANDOM, DISPERSION = "fixed effects", "random effects", "overdispersion"


@dataclass(frozen=True)
class ExplainedVariances:
    """Variances of the linear predictor, averages over the rows.

    Attributes
    ----------
    fixed : float
        Sample variance of ``X beta`` over the rows, without offset.
    terms : tuple of float
        Of each random-effects term, ``mean_i z_i' Sigma z_i``.
    per_row : tuple of bool
        Whether the term has one level per row: overdispersion, not explained.
    distribution : float
        Of the response about its mean: ``mean_i sigma^2 / w_i``, or what stands for it
        on the scale of the link.
    definition : str
        How `distribution` is defined.
    """

    fixed: float
    terms: tuple
    per_row: tuple
    distribution: float
    definition: str

    def _sum(self, per_row):
        pairs = zip(self.terms, self.per_row, strict=True)
        return float(sum(value for value, own in pairs if own == per_row))

    @property
    def random(self):
        """Of the random effects that rows share."""
        return self._sum(False)

    @property
    def dispersion(self):
        """Of random effects with one level per row: additive overdispersion."""
        return self._sum(True)

    @property
    def residual(self):
        """What neither fixed nor shared random effects explain."""
        return self.distribution + self.dispersion

    @property
    def total(self):
        """All."""
        return self.fixed + self.random + self.residual


def explained_variances(fit, method=None):
    """Variances of fixed part, random-effects terms, and response about its mean.

    Parameters
    ----------
    fit : Fit, GeneralizedFit or PQLFit
        Of a single response.
    method : str, optional
        As for `distribution_variance`; a linear mixed model needs none.

    Returns
    -------
    ExplainedVariances
    """
    design = fit.design
    kept = np.sort(fit.model.coordinates.basis.kept)
    x = design.mean.exog[:, kept]
    # centred before, so that an intercept contributes exactly nothing
    fixed = (((x - x.mean(axis=0)) @ fit.beta) ** 2).sum() / (design.nobs - 1)
    terms = []
    for term, cov in zip(design.terms, fit.covariances, strict=True):
        moments = np.ones((1, 1)) if term.z is None else term.z.T @ term.z / design.nobs
        terms.append(float((moments * cov).sum()))
    distribution, definition = _about_the_mean(fit, method)
    return ExplainedVariances(
        fixed=float(fixed),
        terms=tuple(terms),
        per_row=tuple(t.grouping.n_levels == design.nobs for t in design.terms),
        distribution=distribution,
        definition=definition,
    )


def _is_linear(fit):
    return getattr(fit.model, "family", None) is None


def _about_the_mean(fit, method):
    if not _is_linear(fit):
        return distribution_variance(fit, method)
    if method is not None:
        raise DataError(
            f"method={method!r} is for generalized models; the residual variance of a "
            "linear mixed model needs none."
        )
    weights = fit.design.weights
    if weights is None:
        return float(fit.sigma2), "residual variance sigma^2"
    return float((fit.sigma2 / weights).mean()), "mean residual variance sigma^2/w"


@dataclass(frozen=True)
class R2Result:
    """Shares of the variance that fixed, and fixed and random effects explain.

    Attributes
    ----------
    marginal : float
        By the fixed effects.
    conditional : float
        By fixed and random effects; those with one level per row explain nothing.
    variances : ExplainedVariances
    definition : str
        Source, and how the variance of the response about its mean is defined.
    """

    marginal: float
    conditional: float
    variances: ExplainedVariances
    definition: str

    def __repr__(self):
        return (
            f"R2 marginal (fixed effects)               {self.marginal:.4f}\n"
            f"R2 conditional (fixed and random effects) {self.conditional:.4f}\n"
            + _note(self.definition, self.variances)
        )


@dataclass(frozen=True, eq=False)
class ICCResult:
    """Intraclass correlation: shares of the variance of the random effects.

    Attributes
    ----------
    adjusted : float
        Of what the fixed effects leave: ``random / (random + residual)``.
    unadjusted : float
        Of all: ``random / (fixed + random + residual)``.
    by_group : Series
        The adjusted one of each grouping factor; they add up to `adjusted`.
    variances : ExplainedVariances
    definition : str
    """

    adjusted: float
    unadjusted: float
    by_group: pd.Series
    variances: ExplainedVariances
    definition: str

    def __repr__(self):
        lines = [
            f"ICC adjusted   {self.adjusted:.4f}",
            f"ICC unadjusted {self.unadjusted:.4f}",
        ]
        if len(self.by_group) > 1:
            lines += [f"  {g}: {value:.4f}" for g, value in self.by_group.items()]
        return "\n".join(lines) + "\n" + _note(self.definition, self.variances)


def _note(definition, variances):
    parts = {
        "fixed": variances.fixed,
        "random": variances.random,
        "about the mean": variances.distribution,
    }
    if any(variances.per_row):
        parts["overdispersion"] = variances.dispersion
    figures = ", ".join(f"{name} {value:.6g}" for name, value in parts.items())
    return f"Variances: {figures}\n{definition}"


def _definition(fit, variances):
    slopes = any(term.z is not None for term in fit.design.terms)
    source = "Nakagawa and Schielzeth (2013)"
    if not _is_linear(fit):
        source = "Nakagawa, Johnson and Schielzeth (2017)"
    johnson = ", random slopes by Johnson (2014)" if slopes else ""
    return f"{source}{johnson}; {variances.definition}."


def r2(fit, method=None):
    """Marginal and conditional R squared of Nakagawa and Schielzeth.

    Parameters
    ----------
    fit : Fit, GeneralizedFit or PQLFit
    method : {"latent", "lognormal", "delta", "trigamma"}, optional
        For generalized models: see `distribution_variance`.

    Returns
    -------
    R2Result

    Raises
    ------
    DataError
        The method is not defined for the model.

    Notes
    -----
    Marginal ``F / (F + R + E)`` and conditional ``(F + R) / (F + R + E)``, with F the
    variance of ``X beta``, R that of the random effects averaged over the rows, and E
    the variance about the mean, to which effects with one level per row belong
    (Nakagawa and Schielzeth 2013, equations 26-31; Johnson 2014, equations 10-11).

    Examples
    --------
    >>> import statsmodels_mixed as smm
    >>> data = smm.datasets.load("sleepstudy")
    >>> res = smm.lmm("Reaction ~ Days + (Days | Subject)", data).fit()
    >>> found = r2(res.fit_record)
    >>> round(found.marginal, 4), round(found.conditional, 4)
    (0.2787, 0.7992)
    >>> found.variances.definition
    'residual variance sigma^2'
    """
    v = explained_variances(fit, method)
    return R2Result(
        marginal=v.fixed / v.total,
        conditional=(v.fixed + v.random) / v.total,
        variances=v,
        definition=_definition(fit, v),
    )


def icc(fit, method=None):
    """Intraclass correlation: adjusted, unadjusted, and by grouping factor.

    Parameters
    ----------
    fit, method
        As for `r2`.

    Returns
    -------
    ICCResult

    Examples
    --------
    >>> import statsmodels_mixed as smm
    >>> data = smm.datasets.load("pastes")
    >>> res = smm.lmm("strength ~ 1 + (1 | batch/cask)", data).fit()
    >>> found = icc(res.fit_record)
    >>> round(found.adjusted, 4)
    0.937
    >>> found.by_group.round(4).to_dict()
    {'batch': 0.1539, 'batch:cask': 0.7831}
    """
    v = explained_variances(fit, method)
    groups = {}
    for term, value, own in zip(fit.design.terms, v.terms, v.per_row, strict=True):
        if not own:
            groups[term.group] = groups.get(term.group, 0.0) + value
    by_group = pd.Series(groups, dtype=float, name="icc") / (v.random + v.residual)
    return ICCResult(
        adjusted=v.random / (v.random + v.residual),
        unadjusted=v.random / v.total,
        by_group=by_group,
        variances=v,
        definition=_definition(fit, v),
    )


def vcomp_shares(fit, method=None):
    """Variance components and their shares.

    Parameters
    ----------
    fit, method
        As for `r2`.

    Returns
    -------
    DataFrame
        One row per component: fixed effects, each random-effects term, and the response
        about its mean. Columns ``component``, ``group``, ``effects``, ``variance`` (of
        a row on average: terms with slopes have one), ``share`` of what the fixed
        effects leave, and ``share_total``.

    Examples
    --------
    >>> import statsmodels_mixed as smm
    >>> data = smm.datasets.load("dyestuff")
    >>> res = smm.lmm("Yield ~ 1 + (1 | Batch)", data).fit()
    >>> vcomp_shares(res.fit_record).share.round(4).tolist()
    [nan, 0.4185, 0.5815]
    """
    v = explained_variances(fit, method)
    rows = [(FIXED, None, None, v.fixed)]
    for term, value, own in zip(fit.design.terms, v.terms, v.per_row, strict=True):
        effects = ", ".join(term.effects)
        rows.append((DISPERSION if own else RANDOM, term.group, effects, value))
    last = "residual" if _is_linear(fit) else "distribution"
    rows.append((last, None, None, v.distribution))
    out = pd.DataFrame(rows, columns=["component", "group", "effects", "variance"])
    out["share"] = out.variance / (v.random + v.residual)
    out.loc[0, "share"] = np.nan
    out["share_total"] = out.variance / v.total
    return out
