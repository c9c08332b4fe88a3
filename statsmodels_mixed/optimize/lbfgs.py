"""Limited-memory BFGS of scipy behind the interface of the Newton driver."""

from __future__ import annotations

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


def _one(evaluate, start, i, tol, max_iter):
    index = np.array([i])

    def function(x):
        result = evaluate(x[None], index)
        return float(result.value[0]), np.asarray(result.gradient[0])

    options = {"maxfun": max_iter, "maxiter": max_iter, "maxcor": 20}
    # its own tests are scale dependent: stop it late and let the certificate judge
    options |= {"ftol": 1e-15, "gtol": np.sqrt(tol) * 1e-2}
    found = optimize.minimize(
        function, start, jac=True, method="L-BFGS-B", options=options
    )
    last = evaluate(found.x[None], index)
    step, decrease = newton_step(last.gradient, last.curvature, np.ones(1))
    ahead = found.x + step[0] if decrease[0] <= tol else found.x
    return found.x, ahead, float(last.value[0]), float(decrease[0]), found.nfev + 1
