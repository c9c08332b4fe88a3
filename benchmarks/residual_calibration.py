"""How often tests of simulated residuals reject: right models, and one that is wrong.

Usage: ``PYTHONPATH=. python benchmarks/residual_calibration.py [data sets]``. Prints
the share of p-values below 0.05 for each setting, with the random effects conditional
on the modes and drawn anew. In the last setting rows vary more than the model says.
"""

from __future__ import annotations

import sys
import warnings

import numpy as np
import pandas as pd

import statsmodels_mixed as smm

# family, groups, rows of each, sd between rows, predictor between groups
SETTINGS = {
    "normal, 100 groups of 2": ("gaussian", 100, 2, 0.0, False),
    "normal, 20 groups of 10": ("gaussian", 20, 10, 0.0, False),
    "Poisson, 100 groups of 2": ("poisson", 100, 2, 0.0, False),
    "Poisson, 20 groups of 10": ("poisson", 20, 10, 0.0, False),
    "Poisson, 30 groups of 8, x between": ("poisson", 30, 8, 0.0, True),
    "Poisson, 30 groups of 8, overdispersed": ("poisson", 30, 8, 0.5, False),
}
TESTS = ("uniformity", "dispersion", "outliers", "quantiles")
DRAWS = 100


def fitted(setting, rng):
    """A fit of data of one setting."""
    family, m, size, sd, between = setting
    g = np.repeat(np.arange(m), size)
    x = rng.standard_normal(m)[g] if between else rng.standard_normal(m * size)
    eta = 0.7 + 0.3 * x + 0.7 * rng.standard_normal(m)[g]
    eta = eta + sd * rng.standard_normal(m * size)
    noise = rng.standard_normal(m * size)
    y = eta + noise if family == "gaussian" else rng.poisson(np.exp(eta))
    data = pd.DataFrame({"y": y, "x": x, "g": g})
    if family == "gaussian":
        return smm.lmm("y ~ x + (1 | g)", data).fit()
    return smm.glmm("y ~ x + (1 | g)", data, family=family).fit()


def shares(setting, count):
    """Shares rejected at 5%, by way of drawing and test."""
    rng, rejected = np.random.default_rng(1), {}
    for _ in range(count):
        results = fitted(setting, rng)
        for random in ("conditional", "new"):
            found = results.simulated_residuals(n=DRAWS, random=random, rng=rng)
            for test in TESTS:
                low = getattr(found, test)().pvalue < 0.05
                rejected.setdefault((random, test), []).append(low)
    return {key: float(np.mean(values)) for key, values in rejected.items()}


def main(arguments):
    """Print the shares of all settings."""
    warnings.simplefilter("ignore")
    count = int(arguments[0]) if arguments else 100
    print(f"{count} data sets each, {DRAWS} draws; share of p-values below 0.05")
    print(f"{'':<40}{'':<13}" + "".join(f"{test:>12}" for test in TESTS))
    for name, setting in SETTINGS.items():
        found = shares(setting, count)
        for random in ("conditional", "new"):
            figures = "".join(f"{found[random, test]:>12.2f}" for test in TESTS)
            print(f"{name:<40}{random:<13}{figures}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
