"""Nodes and weights of Gauss-Hermite rules."""

from __future__ import annotations

import itertools

import numpy as np

# Nodes of a product rule whose weight is below this share of the largest are left out,
# unless the rule reaches as far along an axis.
NEGLIGIBLE = 1e-12


def gauss_hermite(count, k):
    """Product rule for the standard normal density in k dimensions.

    Parameters
    ----------
    count : int
        Nodes along each axis.
    k : int

    Returns
    -------
    nodes : ndarray, shape (Q, k)
    weights : ndarray, shape (Q,)

    Notes
    -----
    The integrand may fall more slowly than the normal density whose weights these are
    (a level of few binary rows does), so a small weight alone is no reason to leave a
    node out. The corners of the grid lie farther away than the ends of its axes, where
    the rule stops anyway: only nodes beyond these ends are left out.

    Examples
    --------
    >>> nodes, weights = gauss_hermite(3, 1)
    >>> nodes[:, 0].round(4).tolist(), weights.round(4).tolist()
    ([-1.7321, 0.0, 1.7321], [0.1667, 0.6667, 0.1667])
    """
    x, w = np.polynomial.hermite_e.hermegauss(count)
    w = w / w.sum()
    nodes = np.array(list(itertools.product(x, repeat=k)))
    weights = np.array(list(itertools.product(w, repeat=k))).prod(axis=-1)
    # the largest product weight is max(w)^k, that of an axis' end max(w)^(k-1) min(w)
    share = min(NEGLIGIBLE, w.min() / w.max())
    kept = weights >= (1.0 - 1e-9) * share * weights.max()
    return nodes[kept], weights[kept]
