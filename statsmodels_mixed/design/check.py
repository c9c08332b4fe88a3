"""What a design must satisfy before anything is fitted."""

from __future__ import annotations

import numpy as np

from ..errors import DataError, IdentifiabilityError
from ..linalg import orthonormal_basis


def check_design(design):
    """Refuse designs whose parameters the data cannot determine.

    Raises
    ------
    DataError
        A constant response.
    IdentifiabilityError
        As many fixed effects as rows, more random effects than rows, one level
        per row, collinear varying effects.
    """
    y = design.endog
    if (y == y[0]).all():
        raise DataError(
            f"The response {design.endog_name!r} is constant ({y[0]:g}); there is "
            "nothing to model."
        )
    for term in design.terms:
        check_term(term, design.nobs, design.weights)


def check_weights(weights, row_labels):
    """Refuse weights that are negative or all zero."""
    if weights is None:
        return
    negative = weights < 0
    if negative.any():
        row = row_labels[int(np.argmax(negative))]
        raise DataError(
            f"weights= has {negative.sum()} negative values (first in row {row!r}); "
            "the residual variance of row i is sigma^2 / w_i."
        )
    if (weights == 0).all():
        raise DataError("weights= is zero in every row, so no row has a say.")


def check_term(term, nobs, weights):
    """Levels, rows and columns of one random-effects term."""
    label, m, k = f"({term.text})", term.grouping.n_levels, term.k
    if m >= nobs:
        raise IdentifiabilityError(
            f"{label}: the grouping factor {term.group!r} has as many levels as there "
            f"are rows ({nobs}), so its variance and the residual variance cannot be "
            "told apart; drop the term or group by something coarser."
        )
    if m * k >= nobs and k > 1:
        raise IdentifiabilityError(
            f"{label}: {m} levels times {k} varying effects make {m * k} random "
            f"effects for {nobs} rows, so the residual variance cannot be told apart; "
            "let fewer effects vary."
        )
    if term.z is None:
        return
    kept = orthonormal_basis(term.z, weights).kept
    if len(kept) < k:
        lost = [e for j, e in enumerate(term.effects) if j not in kept]
        raise IdentifiabilityError(
            f"{label}: the varying effects {', '.join(lost)} are linear combinations "
            "of the others in this term (or zero); leave them out."
        )
