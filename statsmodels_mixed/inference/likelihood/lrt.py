"""Likelihood-ratio comparison of two fits, with the guards it needs."""

from __future__ import annotations

from functools import partial

import numpy as np

from ...errors import ComparisonError
from .chibar import chi2_sf
from .likelihoods import stated
from .ratio import contradicts, exact_zero, ratio_error


class LRTestResult(tuple):
    """Likelihood-ratio test: unpacks to (statistic, pvalue, df_diff).

    Attributes
    ----------
    statistic, pvalue : float
    df_diff : int
    note : str
        What to mind when reading the p-value; empty when there is nothing.
    """

    def __new__(cls, statistic, pvalue, df_diff, note=""):
        self = super().__new__(cls, (statistic, pvalue, df_diff))
        self.note = note
        return self

    def __getnewargs__(self):
        return (*self, self.note)

    statistic = property(lambda self: self[0])
    pvalue = property(lambda self: self[1])
    df_diff = property(lambda self: self[2])

    def __repr__(self):
        text = f"LRTestResult(statistic={self[0]:.6g}, pvalue={self[1]:.6g}, "
        text += f"df_diff={self[2]})"
        return f"{text}\n{self.note}" if self.note else text


BOUNDARY = (
    "The restricted fit fixes a variance at its bound of zero, where the chi-square "
    "reference is conservative: for one variance the p-value is about half of this."
)

MONTE_CARLO = (
    "The log-likelihoods are by Monte Carlo: the statistic has a standard error of "
    "{:.2g}."
)


def compare_fits(full, restricted, names=None, turned=False):
    """Likelihood-ratio test of a restricted against a full model.

    Parameters
    ----------
    full, restricted : results
        ``restricted`` may be a statsmodels result of OLS or GLM: then the random
        effects (and what else differs) are tested. Of a GLM with a dispersion the
        log-likelihood is taken at its maximum, not at the moment estimate.
    names : tuple of str, optional
        What messages call the two.
    turned : bool
        Whether the user gave the restricted one first, so that messages do too.

    Returns
    -------
    LRTestResult

    Raises
    ------
    ComparisonError
        REML with different fixed effects, REML against ML, different data, families
        or integrals, or a restricted model with as many parameters as the full one.
    """
    larger, smaller = stated(full), stated(restricted)
    tell = partial(_told, names, turned)
    _check_data(larger, smaller, tell)
    _check_family(larger.family, smaller.family, tell)
    _check_criterion(full, restricted, tell)
    df_diff = larger.n_parameters - smaller.n_parameters
    if df_diff <= 0:
        raise ComparisonError(
            "The model passed as restricted has at least as many parameters; call the "
            "method on the larger model and pass the smaller one."
        )
    _check_nested(full, restricted)
    statistic = 2.0 * (larger.llf - smaller.llf)
    error = ratio_error(full, restricted, name="llf_se")
    if contradicts(statistic, error):
        raise ComparisonError(
            f"The restricted model fits better (by {-statistic:.4g} in deviance), so "
            "the models are not nested or the full one has not converged."
        )
    # of a Monte Carlo error a negative one says how large it is
    statistic = statistic if error else exact_zero(statistic)
    pvalue = chi2_sf(statistic, df_diff)
    fewer = _n_variances(restricted) < _n_variances(full)
    notes = [BOUNDARY] if fewer else []
    notes += [MONTE_CARLO.format(error)] if error else []
    return LRTestResult(statistic, pvalue, df_diff, " ".join(notes))


def _told(names, turned, full, restricted, between=" and "):
    """What differs between two fits, in the order they were given in, with names."""
    parts = [str(full), str(restricted)]
    if names is not None:
        parts = [f"{part} ({name})" for part, name in zip(parts, names, strict=True)]
    return between.join(reversed(parts) if turned else parts)


def _n_variances(results):
    return sum(term.k for term in getattr(results.model, "terms", ()))


def _check_data(full, restricted, tell):
    """Refuse likelihoods of different rows, given as `Stated`."""
    lengths = len(full.endog), len(restricted.endog)
    if lengths[0] != lengths[1]:
        raise ComparisonError(
            f"The fits use {tell(*lengths)} rows, so their likelihoods "
            "cannot be compared; drop the rows with missing values from both first."
        )
    if not np.array_equal(full.endog, restricted.endog):
        raise ComparisonError("The fits have different responses (or rows).")
    for name in ("trials", "weights", "offset"):
        if not np.allclose(getattr(full, name), getattr(restricted, name), rtol=1e-12):
            what = "numbers of trials" if name == "trials" else f"{name.rstrip('s')}s"
            raise ComparisonError(f"The fits have different {what}.")


def _check_family(full, restricted, tell):
    """Refuse distributions of which one is not a special case of the other."""
    same = type(full) is type(restricted) and full.link == restricted.link
    # a dispersion the full model estimates may be fixed in the restricted one
    if full == restricted or (same and full.dispersion_name):
        return
    described = [
        f"{family.name} family with the {family.link.name} link"
        for family in (full, restricted)
    ]
    if same:
        described = [f"{family!r}" for family in (full, restricted)]
    raise ComparisonError(
        f"The fits have different distributions, {tell(*described)}, so the models "
        "are not nested; compare AIC or BIC instead."
    )


def _check_criterion(full, restricted, tell):
    if _integrates(full) and _integrates(restricted):
        methods = full.method, restricted.method
        if methods[0] != methods[1]:
            raise ComparisonError(
                "The random effects were integrated out in different ways, "
                f"{tell(*methods)}; fit both with the same nagq."
            )
    flags = [getattr(r, "reml", False) for r in (full, restricted)]
    remedy = "refit with .fit(reml=False)"
    if flags[0] != flags[1]:
        kinds = ["REML" if flag else "ML" for flag in flags]
        told = tell(*kinds, ", the other by ")
        raise ComparisonError(f"One fit is by {told}; {remedy}.")
    if flags[0] and not _same_columns(full, restricted):
        raise ComparisonError(
            "REML criteria of models with different fixed effects are not comparable: "
            "each conditions on its own fixed effects, and their coding and units "
            f"enter it; {remedy}."
        )


def _integrates(results):
    """Whether the likelihood holds an integral that was approximated."""
    return hasattr(results, "family") and _n_variances(results) > 0


def _same_columns(a, b):
    """Whether the fixed effects are the same columns, in whatever order."""
    a, b = (np.asarray(r.model.exog, dtype=float) for r in (a, b))
    if a.shape != b.shape:
        return False
    return bool(np.array_equal(a, b)) or all(
        any(np.array_equal(x, y) for y in b.T) for x in a.T
    )


def _spans(full, restricted):
    """Whether the fixed effects of `restricted` are combinations of `full`'s."""
    inner = np.asarray(restricted.model.exog, dtype=float)
    outer = np.asarray(full.model.exog, dtype=float)
    if inner.shape[1] > outer.shape[1]:
        return False
    names = set(full.model.exog_names or ())
    if set(restricted.model.exog_names or ("",)) <= names and inner.shape[1]:
        columns = [full.model.exog_names.index(n) for n in restricted.model.exog_names]
        if np.array_equal(outer[:, columns], inner):
            return True
    scale = np.sqrt((inner**2).sum(axis=0))
    fitted = outer @ np.linalg.lstsq(outer, inner, rcond=None)[0]
    distance = np.sqrt(((inner - fitted) ** 2).sum(axis=0))
    return bool((distance <= 1e-8 * np.maximum(scale, 1e-300)).all())


def _check_nested(full, restricted):
    if not _spans(full, restricted):
        raise ComparisonError(
            "The fixed effects of the restricted model are not a special case of the "
            "full model's, so the models are not nested; compare AIC or BIC instead."
        )
    larger = getattr(full.model, "terms", ())
    for term in getattr(restricted.model, "terms", ()):
        if not any(_within(term, other) for other in larger):
            raise ComparisonError(
                f"The random term ({term.text}) of the restricted model is not a "
                "special case of the full model's terms, so the models are not "
                "nested; compare AIC or BIC instead."
            )


def _within(term, larger):
    """Whether the variation of one term can be that of another, larger one.

    The same grouping factor needs effects that are combinations of the larger
    term's. A crossing g:f within slopes of f over g is compound symmetry; whether
    it is one is not looked into.
    """
    if term.group != larger.group:
        return set(larger.grouping.parts) < set(term.grouping.parts) and larger.k > 1
    n = len(term.grouping.codes)
    inner, outer = (np.ones((n, 1)) if t.z is None else t.z for t in (term, larger))
    fitted = outer @ np.linalg.lstsq(outer, inner, rcond=None)[0]
    return bool(np.allclose(fitted, inner, rtol=0, atol=1e-8 * np.abs(inner).max()))
