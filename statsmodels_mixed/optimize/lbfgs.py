"""Limited-memory BFGS of scipy behind the interface of the Newton driver."""

from __future__ import annotations

import contextlib

import numpy as np
from scipy import optimize

from .newton import newton_step
from .record import OptimizationRecord


def minimise_lbfgs(evaluate, start, tol, max_iter):
    """Minimise from gradients only, one problem after the other.

    A second road to the same minimum: it shares the criterion with the Newton
    driver, not the curvature. Parameters and result are those of
    `statsmodels_mixed.optimize.minimise`.
    """
    ends = [_one(evaluate, x, i, tol, max_iter) for i, x in enumerate(start)]
    x, ahead, value, decrease, count = (
        np.array(column) for column in zip(*ends, strict=True)
    )
    return OptimizationRecord(
        start=np.array(start, dtype=float),
        end=x,
        ahead=ahead,
        value=value,
        predicted_decrease=decrease,
        n_evaluations=count,
        reached=decrease <= tol,
        trace=(),
    )


class _SpentError(Exception):
    """The evaluations allowed are spent; scipy itself checks between iterations."""


def _one(evaluate, start, i, tol, max_iter):
    index, best = np.array([i]), []

    def function(x):
        if len(best) == max_iter:
            raise _SpentError
        result = evaluate(x[None], index)
        best.append((float(result.value[0]), len(best), x.copy(), result))
        return float(result.value[0]), np.array(result.gradient[0], dtype=float)

    # its own tests are scale dependent: stop it late and let the certificate judge
    options = {"maxfun": max_iter, "maxiter": max_iter, "maxcor": 20}
    options |= {"ftol": 1e-15, "gtol": np.sqrt(tol) * 1e-2}
    with contextlib.suppress(_SpentError):
        optimize.minimize(function, start, jac=True, method="L-BFGS-B", options=options)
    value, _, x, last = min(best, key=lambda item: item[:2])
    step, decrease = newton_step(last.gradient, last.curvature, np.ones(1))
    ahead = x + step[0] if decrease[0] <= tol else x
    return x, ahead, value, float(decrease[0]), len(best)
