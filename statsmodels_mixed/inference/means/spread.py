"""Variances of the random part at marginal means."""

from __future__ import annotations

import numpy as np

from ...errors import DataError
from ...formula import expression_names
from .reference_grid import grid_table


def random_variances(fit, table, grid, kept, weights):
    """Variance of the random part of a new group at each mean.

    Varying effects are averaged over the grid as the columns of the fixed effects are.

    Parameters
    ----------
    fit : GeneralizedFit
    table : Table
        Data of the model.
    grid : ReferenceGrid
    kept : sequence of str
    weights : str
        As for `ReferenceGrid.averaged`.

    Returns
    -------
    ndarray, shape (means,)
        ``z' Sigma z``, summed over the terms.

    Raises
    ------
    DataError
        Some effect varies along a column that is not in the fixed effects.
    """
    labels, positions, share = grid.plan(list(dict.fromkeys(kept)), weights)
    rows = grid_table(grid.variables)
    out = np.zeros(len(labels))
    for term, cov in zip(fit.design.terms, fit.covariances, strict=True):
        names = sorted(expression_names(term.text.split("|")[0]))
        missing = [n for n in names if n in table and n not in grid.names]
        if missing:
            raise DataError(
                f"random='marginal': {term.text} varies along {missing[0]!r}, which is "
                "not in the fixed effects, so that the means have no value of it: use "
                "get_prediction(data, random='marginal') with values of it."
            )
        z = term.encoder.effect_values(rows)
        z = np.ones((len(positions.ravel()), 1)) if z is None else z
        z = np.einsum("ks,ksj->kj", share, z[positions])
        out += ((z @ cov) * z).sum(axis=1)
    return out
