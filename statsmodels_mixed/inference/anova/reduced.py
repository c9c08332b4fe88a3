"""Smaller models of a design: without a fixed-effects term, or a random effect.

They are made from the columns that are there, not from the text of a formula, so they
have the same rows, weights and offset, and exist for models built from arrays.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ...design.columnterms import column_terms
from ...errors import ComparisonError, DataError
from ...fitting import METHODS, GaussianModel, GeneralizedModel, deliver
from .contrasts import null_space, solutions

# Share of a column of ones that may lie outside of the span of others
OUTSIDE = 1e-8
INTERCEPT = "Intercept"


@dataclass(frozen=True, eq=False)
class Deletion:
    """A design with less random variation.

    Attributes
    ----------
    label : str
        What was left out, such as ``"Days in (1 + Days | Subject)"``.
    design : Design
    """

    label: str
    design: object


# ---- fits -----------------------------------------------------------------------


def _gaussian(fit, design, options, reml):
    return deliver(GaussianModel(design).fit(reml, options))


def _generalized(fit, design, options, reml):
    if isinstance(options.nagq, tuple) and 0 < len(design.factors) < len(options.nagq):
        raise ComparisonError(
            f"nagq={options.nagq} names a number of nodes for each grouping factor, "
            "and a smaller model has fewer of them; fit with one number for all."
        )
    if not design.terms:  # nothing to integrate over: the likelihood is exact
        options = replace(options, method="ml", nagq=1)
    return METHODS[options.method](GeneralizedModel(design, fit.family), options)


FITTERS = {GaussianModel: _gaussian, GeneralizedModel: _generalized}


def fit_design(fit, design, options, reml=False):
    """Fit another design as a fit was made.

    Parameters
    ----------
    fit : Fit or GeneralizedFit
    design : Design
    options : FitOptions
        ``start`` is not used: it is of the random effects of `fit`.
    reml : bool

    Returns
    -------
    Fit or GeneralizedFit
    """
    options = replace(options, start=None)
    return FITTERS[type(fit.model)](fit, design, options, reml)


# ---- designs --------------------------------------------------------------------


def _replaced(design, **changes):
    """The design with another predictor of the mean."""
    mean = replace(design.mean, **changes)
    return replace(design, predictors=(mean, *design.predictors[1:]))


def with_constraint(fit, matrix):
    """The design of a fit in which linear hypotheses about the fixed effects hold.

    Parameters
    ----------
    fit : Fit or GeneralizedFit
    matrix : ndarray, shape (r, p)
        Linearly independent rows of ``C beta = 0``.

    Returns
    -------
    Design
        Columns of the original where the hypotheses leave parameters out.
    """
    mean = fit.design.mean
    kept = np.sort(fit.model.coordinates.basis.kept)
    basis, free = solutions(matrix)
    return _replaced(
        fit.design,
        exog=np.asfortranarray(mean.exog[:, kept] @ basis),
        exog_names=tuple(mean.exog_names[kept[j]] for j in free),
    )


def random_deletions(design, reduce_terms=True):
    """The designs with one random term, or one of its effects, less.

    Parameters
    ----------
    design : Design
    reduce_terms : bool
        Whether correlated effects are left out one by one, as far as they are not
        marginal to others, rather than with their term. Independent effects are terms
        of their own.

    Returns
    -------
    list of Deletion
    """
    if not design.terms:
        raise DataError("The model has no random effects, so there is none to drop.")
    out = []
    for t, term in enumerate(design.terms):
        for label, rest in _smaller_terms(term, reduce_terms):
            terms = list(design.terms)
            if rest is not None and not _is_there(rest, terms[:t] + terms[t + 1 :]):
                terms[t] = rest
            else:
                del terms[t]
            out.append(Deletion(label, _replaced(design, terms=tuple(terms))))
    return out


def _is_there(term, others):
    """Whether an intercept that would be left stands in another term already."""
    return term.z is None and any(
        other.group == term.group and other.z is None for other in others
    )


def _smaller_terms(term, reduce_terms):
    """What can be left out of a term: labels, and what is left (None for nothing)."""
    n_varying, n_pairs = (
        len(x) for x in (term.structure.varying(), term.structure.covarying())
    )
    parts = _parts(term)
    if n_varying == term.k and not n_pairs:
        return _independent(term, parts)
    correlated = n_varying == term.k and n_pairs == term.k * (term.k - 1) // 2
    whole = _label(parts, term.group)
    if not reduce_terms or not correlated:
        return [(whole, None)]
    return [
        (f"{part.name} in {whole}", _without(term, parts, part))
        for part in _ends(parts)
    ]


def _parts(term):
    """The varying effects of a term as terms of a formula."""
    ones = [j for j in range(term.k) if term.z is None or (term.z[:, j] == 1.0).all()]
    encoder = getattr(term.encoder, "effects", None)
    described = getattr(encoder, "design_info", None) is not None
    encoder = encoder if described else _Undescribed
    return column_terms(encoder, term.effects, ones[0] if ones else None)


class _Undescribed:
    """Stands for the encoder of columns that no formula describes."""

    design_info = None


def _label(parts, group):
    constant = any(part.is_constant for part in parts)
    names = [part.name for part in parts if not part.is_constant]
    return f"({' + '.join(['1' if constant else '0', *names])} | {group})"


def _independent(term, parts):
    """Every effect with a variance of its own; the columns of a factor together."""
    out = []
    for part in parts:
        rest = np.setdiff1d(np.arange(term.k), part.columns)
        label = _label([part], term.group)
        out.append((label, _with_effects(term, np.eye(term.k)[:, rest], rest)))
    return out


def _ends(parts):
    """Effects that are marginal to no other; the intercept only where it is alone."""
    free = [part for part in parts if not part.is_constant]
    return [part for part in free if not any(map(part.marginal_to, parts))]


def _without(term, parts, part):
    """Correlated effects without those of one part: a subspace of the columns."""
    others = [p.parameters for p in parts if p is not part]
    rows = null_space(np.vstack([np.empty((0, term.k)), *others])).T
    rest = _with_effects(term, *solutions(rows))
    return _intercept(term) if rest is None and _spans_ones(term.z) else rest


def _with_effects(term, basis, free):
    """The term with combinations of its columns for effects; None without any."""
    if not len(free):
        return None
    z = np.ascontiguousarray(term.z @ basis)
    only_ones = z.shape[1] == 1 and (z == 1.0).all()
    return replace(
        term,
        effects=tuple(term.effects[j] for j in free),
        z=None if only_ones else z,
        structure=type(term.structure)(len(free)),
        encoder=None,
    )


def _intercept(term):
    structure = type(term.structure)(1)
    return replace(
        term, effects=(INTERCEPT,), z=None, structure=structure, encoder=None
    )


def _spans_ones(z):
    """Whether the columns, such as indicators of all levels, add up to a constant."""
    ones = np.ones(len(z))
    gap = ones - z @ np.linalg.lstsq(z, ones, rcond=None)[0]
    return bool(np.abs(gap).max() < OUTSIDE)
