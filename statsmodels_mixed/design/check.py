"""What a design must satisfy before anything is fitted."""

from __future__ import annotations

import numpy as np

from ..errors import DataError, IdentifiabilityError
from ..linalg import orthonormal_basis

# residuals below this many units of rounding of the response are no residuals
EXACT = 4.0
# share of random-effects columns left after projection on the fixed effects, below
# which nothing is left
ABSORBED = 1e-10
# families with a residual variance that an effect per row cannot be told apart from
RESIDUAL_VARIANCE = frozenset(("gaussian",))


def check_design(design, family=None):
    """Refuse designs whose parameters the data cannot determine.

    An effect for each row is overdispersion where the family has no residual variance
    of its own, and allowed there. So it is with the dispersion of a gamma, an inverse
    gaussian or a negative binomial family, which differs in shape.

    Raises
    ------
    DataError
        A constant response.
    IdentifiabilityError
        As many fixed effects as rows, more random effects than rows, one level
        per row, collinear varying effects.
    """
    check_response(design.endog, design.endog_name, design.trials)
    check_exog(design.mean.exog, design.weights)
    if family is None or family.name in RESIDUAL_VARIANCE:
        for term in design.terms:
            check_term(term, design.nobs)
    check_factors(design)


def check_response(endog, name, trials=None):
    """Refuse a response, or a column of many, that is constant (relative to trials)."""
    if trials is None:
        constant = (endog == endog[0]).all(axis=0)
    else:  # not divided: products of whole numbers are exact
        first = np.expand_dims(endog[0], -1)
        constant = (endog.T * trials[0] == trials * first).all(axis=-1)
    if constant.any():
        value = np.atleast_1d(endog[0])[np.argmax(constant)]
        what = f"{value:g}"
        if trials is not None:
            what = f"{value / trials[0]:g} of the trials are successes in every row"
        raise DataError(
            f"The response {name!r} is constant ({what}); there is nothing to model."
        )


def check_exog(exog, weights):
    """Refuse as many independent fixed effects as rows."""
    n, p = exog.shape
    if p < n:
        return
    rank = len(orthonormal_basis(exog, weights).kept)
    if rank >= n:
        raise IdentifiabilityError(
            f"There are {rank} fixed effects for {n} rows, so nothing is left to "
            "estimate variances from; drop columns or terms of the fixed part."
        )


def check_weights(weights, row_labels):
    """Refuse weights that are negative or all zero."""
    if weights is None:
        return
    negative = weights < 0
    if negative.any():
        row = row_labels[int(np.argmax(negative))]
        raise DataError(
            f"weights= has {negative.sum()} negative values (first in row {row}); "
            "weights are 0 or more (in a linear model, the residual variance of row i "
            "is sigma^2 / w_i)."
        )
    if (weights == 0).all():
        raise DataError("weights= is zero in every row, so no row has a say.")


def check_term(term, nobs):
    """Levels and columns of one random-effects term against the rows there are."""
    label, m, k = f"({term.text})", term.grouping.n_levels, term.k
    if m >= nobs:
        raise IdentifiabilityError(
            f"{label}: the grouping factor {term.group!r} has as many levels as there "
            f"are rows ({nobs}), so its variance and the residual variance cannot be "
            "told apart; drop the term or group by something coarser."
        )
    if m * k >= nobs and term.structure.covarying():
        raise IdentifiabilityError(
            f"{label}: {m} levels times {k} varying effects make {m * k} random "
            f"effects for {nobs} rows, so the residual variance cannot be told apart; "
            "let fewer effects vary."
        )


def check_factors(design):
    """Terms that share a grouping factor: one factor, and no effect twice.

    A formula cannot say otherwise, arrays can.
    """
    for members in design.factors:
        terms = [design.terms[t] for t in members]
        first = terms[0].grouping
        for term in terms[1:]:
            same = np.array_equal(term.grouping.codes, first.codes)
            if not (same and term.grouping.levels.equals(first.levels)):
                raise DataError(
                    f"Two different grouping factors are called {first.name!r}; give "
                    "them names, RandomEffects(groups, name=...)."
                )
        intercepts = [term for term in terms if term.z is None]
        if len(intercepts) > 1:
            raise IdentifiabilityError(
                f"{len(intercepts)} terms let the intercept vary over {first.name!r}, "
                "so their variances cannot be told apart; keep one of them."
            )


def check_effects(term, kept):
    """Refuse varying effects that are linear combinations of one another.

    Not of structures which can tell them apart all the same.

    Parameters
    ----------
    term : TermDesign
    kept : ndarray of int
        Columns of ``term.z`` that are not.
    """
    if len(kept) == term.k or not term.structure.needs_rank:
        return
    lost = [effect for j, effect in enumerate(term.effects) if j not in kept]
    raise IdentifiabilityError(
        f"({term.text}): the varying effects {', '.join(lost)} are linear combinations "
        "of the others in this term (or zero); leave them out."
    )


def check_residual(unit, columns):
    """Refuse responses that the fixed effects reproduce up to rounding.

    Parameters
    ----------
    unit : ndarray, shape (R,)
        Root mean square of the residuals on the fixed effects.
    columns : ndarray, shape (n, R)
        Responses.
    """
    rounding = np.finfo(float).eps * np.abs(columns).max(axis=0)
    if (unit <= EXACT * rounding).any():
        raise DataError(
            "The fixed effects reproduce the response exactly (their residuals are "
            f"{unit.min():.1e} of values up to {np.abs(columns).max():.1e}): there is "
            "no variance left to divide among random effects."
        )


def check_absorbed(design, cross):
    """Refuse random effects that the fixed effects reproduce.

    Parameters
    ----------
    design : Design
    cross : CrossProducts
    """
    system = cross.system
    for f, part in enumerate(system.slices):
        own = np.einsum("mii->i", system.gram.diagonals[f])
        k = system.gram.sizes[f][1]
        fixed = np.array([(cross.zx[part][a::k] ** 2).sum() for a in range(k)])
        lost = np.flatnonzero((own > 0) & (own - fixed <= ABSORBED * own))
        if len(lost):
            terms = [design.terms[t] for t in design.factors[f]]
            effects = [effect for term in terms for effect in term.effects]
            raise IdentifiabilityError(
                f"The fixed effects already hold a coefficient of {effects[lost[0]]} "
                f"for every level of {terms[0].group!r}, so its variance cannot be "
                "estimated; leave it out of the fixed or of the random effects."
            )
