"""A linear programme: the direction along which the most rows move forward."""

from __future__ import annotations

import numpy as np
from scipy.optimize import linprog


def farthest_direction(forward, still):
    """Direction that moves no row back, and the rows forward the most.

    The linear programme of Konis (2007, Linear programming algorithms for detecting
    separated data in binary logistic regression models, thesis, Oxford, section 4.1).

    Parameters
    ----------
    forward : ndarray, shape (n, p)
        Rows that must not move back: ``forward @ d >= 0``.
    still : ndarray, shape (m, p)
        Rows that must not move: ``still @ d = 0``.

    Returns
    -------
    ndarray, shape (p,)
        Entries are at most 1 in size; zero where nothing moves.

    Examples
    --------
    >>> import numpy as np
    >>> farthest_direction(np.array([[1.0, 1.0], [0.0, -2.0]]), np.zeros((0, 2)))
    array([ 1., -1.])
    """
    found = linprog(
        -forward.sum(axis=0),
        A_ub=-forward,
        b_ub=np.zeros(len(forward)),
        A_eq=still if len(still) else None,
        b_eq=np.zeros(len(still)) if len(still) else None,
        bounds=(-1.0, 1.0),
        method="highs",
    )
    return np.zeros(forward.shape[1]) if found.x is None else found.x
