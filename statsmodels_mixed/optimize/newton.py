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
    along = (gradient[:, None, :] @ vectors)[:, 0]
    step = -(vectors @ (along / size)[..., None])[..., 0]
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
    plain = change - (curvature @ step[..., None])[..., 0]
    rest = plain - (missing @ step[..., None])[..., 0]
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
        A problem is finished when its predicted decrease falls below this; the step
        that predicts it is the record's `ahead`.
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
    everyone = np.arange(len(start))
    state = _State(start, evaluate(np.array(start, dtype=float), everyone))
    while (active := state.unfinished(tol, max_iter)).any():
        index = everyone[active]
        trial = state.x[index] + state.alpha[index, None] * state.step[index]
        result = evaluate(trial, index)
        state.move(index, trial, result, state.enough(index, result))
    return state.record(start, tol)


class _State:
    """Where each problem stands, and the step it tries next."""

    def __init__(self, start, first):
        self.x = np.array(start, dtype=float)
        self.value = np.array(first.value)
        self.gradient = np.array(first.gradient)
        self.curvature = np.array(first.curvature)
        self.missing = np.zeros_like(self.curvature)
        self.count = np.ones(len(self.x), dtype=int)
        self.alpha = np.ones(len(self.x))
        self.step, self.decrease = newton_step(
            self.gradient, self.curvature, _longest(self.x)
        )
        self.trace = [(float(self.value[0]), float(self.decrease[0]))]

    def unfinished(self, tol, max_iter):
        """Problems that need, and may have, another evaluation."""
        wanting = (self.decrease > tol) & (self.alpha > SHORTEST)
        return wanting & (self.count < max_iter)

    def slope(self, index):
        """Directional derivative along the step."""
        return (self.gradient[index] * self.step[index]).sum(axis=-1)

    def enough(self, index, result):
        """Whether the value fell enough (Armijo), up to its rounding error."""
        bound = SUFFICIENT * self.alpha[index] * self.slope(index)
        noise = ROUNDING * (1.0 + np.abs(self.value[index]))
        noise = noise + getattr(result, "rounding", 0.0)
        return result.value - self.value[index] <= bound + noise

    def move(self, index, trial, result, good):
        """Accept the trials that are good enough, shorten the other steps."""
        self.count[index] += 1
        bad = index[~good]
        change = result.value[~good] - self.value[bad]
        self.alpha[bad] = _shrink(self.alpha[bad], self.slope(bad), change)
        taken = index[good]
        if not len(taken):
            return
        self.missing[taken], trusted = secant_update(
            self.missing[taken],
            result.curvature[good],
            trial[good] - self.x[taken],
            result.gradient[good] - self.gradient[taken],
        )
        self.x[taken], self.value[taken] = trial[good], result.value[good]
        self.gradient[taken] = result.gradient[good]
        self.curvature[taken] = result.curvature[good]
        self.alpha[taken] = 1.0
        correction = trusted[:, None, None] * self.missing[taken]
        self.step[taken], self.decrease[taken] = newton_step(
            self.gradient[taken],
            self.curvature[taken] + correction,
            _longest(self.x[taken]),
        )
        if taken[0] == 0:
            self.trace.append((float(self.value[0]), float(self.decrease[0])))

    def record(self, start, tol):
        """What is left when all problems are finished."""
        reached = self.decrease <= tol
        return OptimizationRecord(
            start=np.array(start, dtype=float),
            end=self.x,
            ahead=np.where(reached[:, None], self.x + self.step, self.x),
            value=self.value,
            predicted_decrease=self.decrease,
            n_evaluations=self.count,
            reached=reached,
            trace=tuple(self.trace),
        )


def _longest(x):
    """Longest step from x: the order of magnitude may change, not more."""
    return 2.0 * np.maximum(1.0, np.sqrt((x**2).sum(axis=-1)))
