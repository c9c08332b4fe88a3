"""Damped Newton steps for many problems at once.

All problems of one call share their structure, so each round is one vectorised
evaluation over those not yet finished. A single fit is the case of one problem.
"""

from __future__ import annotations

import numpy as np

from .record import OptimizationRecord

SUFFICIENT = 1e-4  # Armijo's constant
CURVATURE_FLOOR = 1e-7  # smallest |eigenvalue| of the curvature, relative to the largest
ROUNDING = 1e-13  # of the value, relative
SHORTEST = 1e-8  # step lengths below this give up


def newton_step(gradient, curvature, longest):
    """Modified Newton step and the decrease it predicts.

    Eigenvalues of the curvature enter by their size, so a step never climbs and
    leaves saddle points.

    Parameters
    ----------
    gradient : ndarray, shape (R, p)
    curvature : ndarray, shape (R, p, p)
    longest : ndarray, shape (R,)
        Steps are shortened to this length.

    Returns
    -------
    step : ndarray, shape (R, p)
    decrease : ndarray, shape (R,)
        Predicted by the unshortened step.
    """
    values, vectors = np.linalg.eigh(curvature)
    size = np.abs(values)
    largest = size.max(axis=-1, keepdims=True)
    floor = np.maximum(CURVATURE_FLOOR * largest, np.finfo(float).tiny)
    size = np.maximum(size, floor)
    along = np.einsum("rij,ri->rj", vectors, gradient)
    step = -np.einsum("rij,rj->ri", vectors, along / size)
    decrease = 0.5 * (along**2 / size).sum(axis=-1)
    length = np.sqrt((step**2).sum(axis=-1))
    with np.errstate(divide="ignore", invalid="ignore"):
        shorten = np.where(length > longest, longest / length, 1.0)
    return step * shorten[:, None], decrease


def _shrink(alpha, slope, change):
    """Minimiser of the parabola through the two values, kept within bounds."""
    with np.errstate(divide="ignore", invalid="ignore"):
        best = -0.5 * slope * alpha**2 / (change - slope * alpha)
    best = np.where(np.isfinite(best), best, 0.1 * alpha)
    return np.clip(best, 0.1 * alpha, 0.5 * alpha)


def minimise(evaluate, start, tol, max_iter):
    """Minimise one or many smooth functions from curvature and gradient.

    Parameters
    ----------
    evaluate : callable
        ``evaluate(x, index)`` with x of shape (r, p) for the problems in `index`
        gives an object with ``value`` (r,), ``gradient`` (r, p) and ``curvature``
        (r, p, p).
    start : ndarray, shape (R, p)
    tol : float
        A problem is finished when its predicted decrease falls below this.
    max_iter : int
        Most evaluations per problem.

    Returns
    -------
    OptimizationRecord

    Examples
    --------
    >>> import numpy as np
    >>> from types import SimpleNamespace
    >>> def bowl(x, index):
    ...     return SimpleNamespace(value=((x - 3) ** 2).sum(1), gradient=2 * (x - 3),
    ...                            curvature=np.full((len(x), 1, 1), 2.0))
    >>> minimise(bowl, np.zeros((1, 1)), 1e-10, 50).end.tolist()
    [[3.0]]
    """
    x = np.array(start, dtype=float)
    n, p = x.shape
    everyone = np.arange(n)
    first = evaluate(x, everyone)
    value, gradient = np.array(first.value), np.array(first.gradient)
    curvature = np.array(first.curvature)
    count = np.ones(n, dtype=int)
    step, decrease = newton_step(gradient, curvature, _longest(x))
    alpha = np.ones(n)
    trace = [(float(value[0]), float(decrease[0]))]
    active = decrease > tol
    while active.any():
        index = everyone[active]
        trial = x[index] + alpha[index, None] * step[index]
        result = evaluate(trial, index)
        count[index] += 1
        change = result.value - value[index]
        slope = (gradient[index] * step[index]).sum(axis=-1)
        bound = SUFFICIENT * alpha[index] * slope
        good = change <= bound + ROUNDING * (1.0 + np.abs(value[index]))
        bad = index[~good]
        alpha[bad] = _shrink(alpha[bad], slope[~good], change[~good])
        taken = index[good]
        if len(taken):
            x[taken], value[taken] = trial[good], result.value[good]
            gradient[taken] = result.gradient[good]
            curvature[taken] = result.curvature[good]
            alpha[taken] = 1.0
            step[taken], decrease[taken] = newton_step(
                gradient[taken], curvature[taken], _longest(x[taken])
            )
            if 0 in taken:
                trace.append((float(value[0]), float(decrease[0])))
        active = (decrease > tol) & (count < max_iter) & (alpha > SHORTEST)
    return OptimizationRecord(
        np.array(start, dtype=float),
        x,
        value,
        decrease,
        count,
        decrease <= tol,
        tuple(trace),
    )


def _longest(x):
    """Longest step from x: the order of magnitude may change, not more."""
    return 2.0 * np.maximum(1.0, np.sqrt((x**2).sum(axis=-1)))
