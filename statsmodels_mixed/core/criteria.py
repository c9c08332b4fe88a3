"""Which criterion a number of quadrature nodes asks for."""

from __future__ import annotations

import numpy as np

from ..errors import DataError
from .laplace import LaplaceObjective
from .nested import NestedQuadratureObjective
from .quadrature import QuadratureObjective

MOST_EFFECTS = 3
MOST_NODES = 100  # along an axis; weights beyond underflow
MOST_PRODUCTS = 20_000  # in all, for one level

_OTHERWISE = (
    'Use nagq=1 (Laplace), nagq=0, or method="mcml" (Monte Carlo maximum likelihood).'
)


def quadrature_objective(rows, likelihood, offset, layout, zeta, nodes):
    """The deviance by as many nodes as wanted, for structures that allow it.

    Parameters
    ----------
    rows : RowProducts
    likelihood : Likelihood
    offset : ndarray, shape (n,), or float
    layout : ThetaLayout
    zeta : float
        Log dispersion; NaN when it is part of x.
    nodes : int or sequence of int
        Nodes along each effect; for nested factors one number for both or one for
        each, outermost first. The number 1 is the joint Laplace approximation.

    Returns
    -------
    ModeObjective

    Raises
    ------
    DataError
        There is no quadrature for this structure, or the nodes are too many.
    """
    if np.ndim(nodes) == 0 and nodes == 1:
        return LaplaceObjective(rows, likelihood, offset, layout, zeta=zeta)
    sizes = layout.sizes
    if len(sizes) == 1:
        (count,) = _counts(nodes, 1)
        _check_size(count, sizes[0])
        return QuadratureObjective(rows, likelihood, offset, layout, count, zeta)
    outer = _outer_factor(rows.codes, sizes)
    counts = _counts(nodes, 2)
    for count in counts:
        _check_size(count, 1)
    return NestedQuadratureObjective(
        rows, likelihood, offset, layout, counts, outer, zeta
    )


def _outer_factor(codes, sizes):
    """Which of two factors the other is nested in, with one effect each."""
    if sizes == (1, 1):
        for outer, inner in ((0, 1), (1, 0)):
            parent = np.empty(codes[inner].max() + 1, dtype=np.intp)
            parent[codes[inner]] = codes[outer]
            if (parent[codes[inner]] == codes[outer]).all():
                return outer
    raise DataError(
        "Gauss-Hermite quadrature is there for one grouping factor, or for one nested "
        f"in another with a single effect of each. This model has {len(sizes)} "
        f"grouping factors with {' and '.join(map(str, sizes))} effects. {_OTHERWISE}"
    )


def _counts(nodes, levels):
    """One number of nodes for each level of nesting."""
    counts = (nodes,) * levels if np.ndim(nodes) == 0 else tuple(nodes)
    if len(counts) != levels:
        raise DataError(
            f"nagq={nodes!r} has {len(counts)} numbers of nodes; this model has "
            f"{levels} level{'s' * (levels > 1)} of grouping. Give one number for each."
        )
    return counts


def _check_size(count, k):
    if k > MOST_EFFECTS:
        raise DataError(
            f"Gauss-Hermite quadrature over {k} effects of a level is out of reach; "
            f"{MOST_EFFECTS} are the most. {_OTHERWISE}"
        )
    if count > MOST_NODES or count**k > MOST_PRODUCTS:
        most = next(c for c in range(MOST_NODES, 0, -1) if c**k <= MOST_PRODUCTS)
        raise DataError(
            f"nagq={count} with {k} effect{'s' * (k > 1)} of a level makes {count**k} "
            f"nodes. The most is nagq={most}; {min(most, 15)} are usually plenty."
        )
