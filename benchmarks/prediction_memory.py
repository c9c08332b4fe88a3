"""Memory and time of predictions with standard errors: 10^6 rows, 10^5 levels.

Usage: ``python benchmarks/prediction_memory.py [rows] [levels]``. Each model is fitted
and predicts as many new rows in a process of its own, whose largest resident memory is
printed after the fit and at the end, in megabytes (the interpreter and its libraries
included). The fit runs on the same number of rows; they are there while predicting.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time

import numpy as np

FORMULAS = {
    "intercepts": "y ~ x + (1 | g)",
    "slopes": "y ~ x + (x | g)",
    "crossed": "y ~ x + (x | g) + (1 | h)",
}
LIMIT_MB = 2000.0
CROSSED_LEVELS = 200


def rows_of(n, m, rng):
    """Columns x, g and h, of which half the pairs of levels are new each time."""
    import pandas as pd

    columns = {
        "x": rng.standard_normal(n),
        "g": rng.integers(m, size=n),
        "h": rng.integers(CROSSED_LEVELS, size=n),
    }
    return pd.DataFrame(columns)


def peak():
    """Largest resident memory of this process so far, in megabytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024.0


def measure(formula, n, m):
    """Fit, predict, and say what it took."""
    import statsmodels_mixed as smm

    rng = np.random.default_rng(1)
    data = rows_of(n, m, rng)
    b, c = rng.standard_normal((m, 2)), rng.standard_normal(CROSSED_LEVELS)
    g, x = data["g"].to_numpy(), data["x"].to_numpy()
    data["y"] = 1.0 + x + b[g, 0] + b[g, 1] * x + c[data["h"].to_numpy()]
    data["y"] += rng.standard_normal(n)
    start = time.perf_counter()
    res = smm.lmm(formula, data).fit()
    out = {"fit_s": time.perf_counter() - start, "fit_mb": peak()}
    new = rows_of(n, m, rng)
    for random in ("none", "conditional"):
        start = time.perf_counter()
        options = {"random": random, "new_levels": "population"}
        frame = res.get_prediction(new, **options).summary_frame()
        out[f"{random}_s"] = time.perf_counter() - start
        out[f"{random}_mb"] = peak()
        assert np.isfinite(frame["mean_se"]).all()
    return out


def main(arguments):
    """Print a table, or measure one model in a child."""
    if arguments and arguments[0] in FORMULAS:
        n, m = map(int, arguments[1:])
        print(json.dumps(measure(FORMULAS[arguments[0]], n, m)))
        return
    n, m = (*map(int, arguments), *(10**6, 10**5)[len(arguments) :])
    print(f"{n} rows, {m} levels of g, {CROSSED_LEVELS} of h; seconds and peak MB")
    for name, formula in FORMULAS.items():
        command = [sys.executable, __file__, name, str(n), str(m)]
        found = json.loads(subprocess.check_output(command, text=True))
        parts = [
            f"{what} {found[f'{what}_s']:.2f} s {found[f'{what}_mb']:.0f} MB"
            for what in ("fit", "none", "conditional")
        ]
        verdict = "under" if found["conditional_mb"] < LIMIT_MB else "OVER"
        print(f"{formula:28s} {'; '.join(parts)} ({verdict} {LIMIT_MB:.0f} MB)")


if __name__ == "__main__":
    main(sys.argv[1:])
