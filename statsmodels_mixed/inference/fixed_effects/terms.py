"""Which columns of X belong to which term of the formula."""

from __future__ import annotations

import numpy as np


def term_constraints(design, kept):
    """Constraint matrix of each fixed-effects term.

    Parameters
    ----------
    design : Design
    kept : ndarray of int
        Columns that are not aliased; parameters are in this order.

    Returns
    -------
    list of (str, ndarray)
        Name and rows of the identity that select the term's parameters. Without
        a formula each column is a term.
    """
    identity = np.eye(len(kept))
    position = {int(column): i for i, column in enumerate(kept)}
    coding = design.mean.encoder.design_info
    if coding is None:
        names = [design.mean.exog_names[c] for c in kept]
        return [(name, identity[i : i + 1]) for i, name in enumerate(names)]
    out = []
    for name, part in coding.term_name_slices.items():
        columns = range(part.start, part.stop)
        rows = [position[c] for c in columns if c in position]
        if rows:
            out.append((name, identity[rows]))
    return out
