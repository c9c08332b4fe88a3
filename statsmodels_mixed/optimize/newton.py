"""Damped Newton steps, corrected by secants, for many problems at once.

The curvature a problem supplies may be approximate (average information is): the
part that is missing from it is learnt from the change of the gradient along each
step, as in the structured secant method of Dennis, Gay and Welsch (1981), ACM
Transactions on Mathematical Software 7, 348-368, with symmetric rank-one updates.

All problems of one call share their structure, so each round is one vectorised
evaluation over those not yet finished. A single fit is the case of one problem.
"""

from __future__ import annotations

import numpy as np

from .record import OptimizationRecord

SUFFICIENT = 1e-4  # Armijo's constant
CURVATURE_FLOOR = (
    1e-7  # smallest |eigenvalue| of the curvature, relative to the largest
)
FARTHEST = 1e8  # bound on steps for the flattest directions
ROUNDING = 1e-13  # of the value, relative
SHORTEST = 1e-8  # step lengths below this give up
SECANT_SAFETY = 1e-6  # smallest cosine for which a secant update is made
TRUST = 0.5  # a correction is used when its error is this share of the plain one's


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
    if gradient.shape[-1] == 0:
        return gradient, np.zeros(len(gradient))
    values, vectors = np.linalg.eigh(curvature)
    size = np.abs(values)
    # no direction is so flat that the step along it overflows
    steepest = np.abs(gradient).max(axis=-1) / np.minimum(longest, FARTHEST) / FARTHEST
    floor = np.maximum(CURVATURE_FLOOR * size.max(axis=-1), steepest)
    size = np.maximum(size, np.maximum(floor, np.finfo(float).tiny)[:, None])
    along = np.einsum("rij,ri->rj", vectors, gradient)
    step = -np.einsum("rij,rj->ri", vectors, along / size)
    decrease = 0.5 * (along**2 / size).sum(axis=-1)
    length = np.sqrt((step**2).sum(axis=-1))
    with np.errstate(divide="ignore", invalid="ignore"):
        shorten = np.where(length > longest, longest / length, 1.0)
    return step * shorten[:, None], decrease


def secant_update(missing, curvature, step, change):
    """Symmetric rank-one update of what is missing from the curvature.

    Afterwards ``(curvature + missing) step = change``, the change of the gradient.
    Updates with a vanishing denominator are skipped (Nocedal and Wright 2006,
    Numerical Optimization, eq. 6.26).

    Parameters
    ----------
    missing, curvature : ndarray, shape (R, p, p)
    step, change : ndarray, shape (R, p)

    Returns
    -------
    missing : ndarray, shape (R, p, p)
    trusted : ndarray of bool, shape (R,)
        Whether the correction, before this update, foretold the change better
        than the curvature alone: only then it is worth using.
    """
    plain = change - np.einsum("rij,rj->ri", curvature, step)
    rest = plain - np.einsum("rij,rj->ri", missing, step)
    trusted = (rest**2).sum(axis=-1) < TRUST**2 * (plain**2).sum(axis=-1)
    inner = (rest * step).sum(axis=-1)
    sizes = np.sqrt((rest**2).sum(axis=-1) * (step**2).sum(axis=-1))
    safe = np.abs(inner) > SECANT_SAFETY * sizes
    factor = np.where(safe, 1.0 / np.where(safe, inner, 1.0), 0.0)
    update = factor[:, None, None] * rest[:, :, None] * rest[:, None, :]
    return missing + update, trusted


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
        (r, p, p); and ``rounding`` (r,), the error of the value, where that is more
        than a few units in the last place.
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
    n = len(x)
    everyone = np.arange(n)
    first = evaluate(x, everyone)
    value, gradient = np.array(first.value), np.array(first.gradient)
    curvature = np.array(first.curvature)
    missing = np.zeros_like(curvature)
    count = np.ones(n, dtype=int)
    step, decrease = newton_step(gradient, curvature, _longest(x))
    alpha = np.ones(n)
    trace = [(float(value[0]), float(decrease[0]))]
    active = (decrease > tol) & (count < max_iter)
    while active.any():
        index = everyone[active]
        trial = x[index] + alpha[index, None] * step[index]
        result = evaluate(trial, index)
        count[index] += 1
        change = result.value - value[index]
        slope = (gradient[index] * step[index]).sum(axis=-1)
        bound = SUFFICIENT * alpha[index] * slope
        noise = ROUNDING * (1.0 + np.abs(value[index]))
        good = change <= bound + noise + getattr(result, "rounding", 0.0)
        bad = index[~good]
        alpha[bad] = _shrink(alpha[bad], slope[~good], change[~good])
        taken = index[good]
        if len(taken):
            missing[taken], trusted = secant_update(
                missing[taken],
                result.curvature[good],
                trial[good] - x[taken],
                result.gradient[good] - gradient[taken],
            )
            x[taken], value[taken] = trial[good], result.value[good]
            gradient[taken] = result.gradient[good]
            curvature[taken] = result.curvature[good]
            alpha[taken] = 1.0
            step[taken], decrease[taken] = newton_step(
                gradient[taken],
                curvature[taken] + trusted[:, None, None] * missing[taken],
                _longest(x[taken]),
            )
            if 0 in taken:
                trace.append((float(value[0]), float(decrease[0])))
        active = (decrease > tol) & (count < max_iter) & (alpha > SHORTEST)
    reached = decrease <= tol
    return OptimizationRecord(
        start=np.array(start, dtype=float),
        end=x,
        ahead=np.where(reached[:, None], x + step, x),
        value=value,
        predicted_decrease=decrease,
        n_evaluations=count,
        reached=reached,
        trace=tuple(trace),
    )


def _longest(x):
    """Longest step from x: the order of magnitude may change, not more."""
    return 2.0 * np.maximum(1.0, np.sqrt((x**2).sum(axis=-1)))
