"""Derivatives of all orders at once: generators that work only as far as asked.

A *jet* is an iterator over a function and its first, second and third derivative.
Whoever wants two of them takes two, and the work they share is done once.
"""

from __future__ import annotations

import numpy as np


def compose(outer, inner):
    """Jet of f(g(x)) from the jet of f at g(x) and the derivatives of g.

    Faa di Bruno's formula to third order.

    Parameters
    ----------
    outer : iterator
        f, f', f'', f''' at g(x).
    inner : iterator
        g', g'', g''' at x (not g itself).

    Examples
    --------
    >>> list(compose(iter([1.0, 2.0, 3.0, 4.0]), iter([10.0, 5.0, 0.0])))
    [1.0, 20.0, 310.0, 4450.0]
    """
    yield next(outer)
    f1, g1 = next(outer), next(inner)
    yield f1 * g1
    f2, g2 = next(outer), next(inner)
    yield f2 * g1**2 + f1 * g2
    f3, g3 = next(outer), next(inner)
    yield g1 * (f3 * g1**2 + 3 * f2 * g2) + f1 * g3


def mirror(jet):
    """Jet of f(-x) from that of f at -x: odd derivatives change sign."""
    yield next(jet)
    yield -next(jet)
    yield next(jet)
    yield -next(jet)


def scaled(factor, jet):
    """Jet of a multiple of the function; no factor (None) costs nothing."""
    return jet if factor is None else (factor * d for d in jet)


def logistic_halves(x):
    """``1/(1 + exp(-x))``, ``1/(1 + exp(x))`` and ``exp(-|x|)``, to full digits."""
    up, down = np.exp(x), np.exp(-x)
    return 1 / (1 + down), 1 / (1 + up), np.minimum(up, down)


def logistic(x, hits, misses):
    """Jet of ``hits log p + misses log(1 - p)`` with p the logistic function of x.

    Both the binomial with logit link and the negative binomial are of this form.
    Each term keeps its sign, so no digits cancel where p rounds to 0 or 1.
    """
    p, q, small = logistic_halves(x)
    total = hits + misses
    value = hits * np.minimum(x, 0)
    value -= misses * np.maximum(x, 0)
    value -= total * np.log1p(small)
    yield value
    yield hits * q - misses * p
    curvature = -total * (p * q)
    yield curvature
    yield -curvature * np.tanh(0.5 * x)
