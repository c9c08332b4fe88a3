"""Time of simulated residuals: 1,000 draws of 10^5 rows.

Usage: ``PYTHONPATH=. python benchmarks/residual_speed.py [rows] [draws]``. Prints the
seconds of ``simulated_residuals`` for each family, and the growth of the largest
resident memory meanwhile, in megabytes.
"""

from __future__ import annotations

import resource
import sys
import time

import numpy as np
import pandas as pd

import statsmodels_mixed as smm

FAMILIES = ("gaussian", "poisson", "negative_binomial")
GROUPS = 1000


def fitted(family, n, rng):
    """A random-intercept model of simulated data."""
    g = rng.integers(GROUPS, size=n)
    x = rng.standard_normal(n)
    eta = 0.5 + 0.3 * x + 0.5 * rng.standard_normal(GROUPS)[g]
    noise = rng.standard_normal(n)
    y = eta + noise if family == "gaussian" else rng.poisson(np.exp(eta))
    data = pd.DataFrame({"y": y, "x": x, "g": g})
    if family == "gaussian":
        return smm.lmm("y ~ x + (1 | g)", data).fit()
    if family == "negative_binomial":
        family = smm.families.NegativeBinomial(alpha=0.5)
    return smm.glmm("y ~ x + (1 | g)", data, family=family).fit()


def peak():
    """Largest resident memory so far, in megabytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024.0


def main(arguments):
    """Time each family."""
    n, draws = (int(a) for a in [*arguments, 100_000, 1000][:2])
    print(f"{draws} draws of {n} rows; seconds and growth of the peak in MB")
    for family in FAMILIES:
        results = fitted(family, n, np.random.default_rng(1))
        before, start = peak(), time.perf_counter()
        results.simulated_residuals(n=draws, rng=1)
        seconds = time.perf_counter() - start
        print(f"{family:<20} {seconds:6.1f} s  {peak() - before:6.0f} MB")


if __name__ == "__main__":
    main(sys.argv[1:])
