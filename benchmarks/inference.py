"""What is timed of inference: degrees of freedom, profiles, bootstraps.

The model is fitted before the clock starts; only the tests, the intervals or the
refits are timed. `OURS_TASKS` is this package's side, `r_inference.R` that of R.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import pandas as pd
from contract import (
    MILLISECONDS,
    OURS,
    SECONDS,
    SEED,
    AtMost,
    FasterThan,
    Problem,
    TimesFit,
    labels,
    shipped,
)
from linear import SLEEPSTUDY
from peers import Timing

N_DRAWS = 1000
INSTEVAL = "y ~ service + (1|s) + (1|d) + (1|dept:service)"
UNBALANCED = "y ~ a * x + z + (x|g) + (1|g:session) + (1|item)"


def make_unbalanced(shrink: int) -> pd.DataFrame:
    """2,000 rows: slopes over 60 groups, nested sessions, 40 crossed items.

    Groups and items have between a few rows and over a hundred; `a` varies between
    groups, so its tests have few degrees of freedom.
    """
    rng = np.random.default_rng(SEED + 6)
    n, n_groups, n_items = 2_000 // shrink, max(60 // shrink, 6), max(40 // shrink, 4)
    g = rng.choice(n_groups, n, p=rng.dirichlet(np.full(n_groups, 2.0)))
    item = rng.choice(n_items, n, p=rng.dirichlet(np.full(n_items, 2.0)))
    session = rng.integers(0, 3, n)
    a = rng.permutation(np.arange(n_groups) % 3)[g]
    x, z = rng.standard_normal((2, n))
    slopes = rng.standard_normal((n_groups, 2)) @ np.array([[0.9, 0.0], [0.2, 0.5]]).T
    y = 1.0 + 0.4 * (a == 1) - 0.3 * (a == 2) + 0.5 * x + 0.2 * z
    y += slopes[g, 0] + slopes[g, 1] * x + 0.6 * rng.standard_normal(n_items)[item]
    y += 0.5 * rng.standard_normal((n_groups, 3))[g, session] + rng.standard_normal(n)
    columns = {"a": (a, 3), "g": (g, n_groups), "session": (session, 3)}
    columns["item"] = (item, n_items)
    factors = {name: labels(*coded) for name, coded in columns.items()}
    return pd.DataFrame({"y": y, "x": x, "z": z, **factors})


# ---- our side -----------------------------------------------------------------------


def _fitted(problem: Problem, data: pd.DataFrame):
    """Return a new fit and the seconds from the DataFrame to standard errors."""
    import statsmodels_mixed as smm

    start = time.perf_counter()
    result = smm.lmm(problem.formula, data).fit(reml=problem.reml, df_method="normal")
    se = np.asarray(result.bse)
    return result, se, time.perf_counter() - start


def _timed(ask: Callable, tell: Callable) -> Callable:
    """Return a task: fit, time `ask(result)`, and report what `tell` makes of it."""

    def run(problem: Problem, data: pd.DataFrame) -> Timing:
        result, se, fit_seconds = _fitted(problem, data)
        start = time.perf_counter()
        answer = ask(result)
        seconds = time.perf_counter() - start
        extras = {key: repr(float(value)) for key, value in tell(answer).items()}
        extras["fit (s)"] = repr(fit_seconds)
        return Timing(seconds, np.array([result.deviance]), se, extras)

    return run


def _df(method: str) -> Callable:
    """Degrees of freedom of every fixed effect, by `method`."""

    def ask(result):
        return result.fixed_tests(method).df(np.eye(len(result.params)))

    return ask


def _extremes(df) -> dict:
    return {"smallest df": np.min(df), "largest df": np.max(df)}


def _interval(table) -> dict:
    low, high = table.loc["Days"].iloc[:2]
    return {"Days low": low, "Days high": high}


def _spread(bootstrap) -> dict:
    """Standard deviation of the draws of the coefficient of Days."""
    draws = bootstrap.draws
    return {"sd of Days": np.std(np.asarray(draws["Days"], dtype=float), ddof=1)}


OURS_TASKS = {
    "satterthwaite": _timed(_df("satterthwaite"), _extremes),
    "kenward_roger": _timed(_df("kenward-roger"), _extremes),
    "profile": _timed(lambda r: r.profile().conf_int(), _interval),
    "bootstrap": _timed(lambda r: r.bootstrap(N_DRAWS, rng=1), _spread),
    "refits": _timed(
        lambda r: r.refit(r.simulate(N_DRAWS, rng=1)),
        lambda fits: {"not converged": np.sum(~np.asarray(fits.converged))},
    ),
}

# ---- problems -----------------------------------------------------------------------

INFERENCE = (
    Problem(
        name="sleepstudy_satterthwaite",
        formula=SLEEPSTUDY,
        make=shipped("sleepstudy"),
        reml=True,
        peers=(OURS, "lmerTest"),
        bars=(FasterThan("lmerTest", 1),),
        task="satterthwaite",
        unit=MILLISECONDS,
        repeats=15,
        in_a_row=5,
    ),
    Problem(
        name="sleepstudy_profile",
        formula=SLEEPSTUDY,
        make=shipped("sleepstudy"),
        reml=False,  # confint.merMod profiles the ML criterion, whatever the fit was
        peers=(OURS, "lme4"),
        bars=(FasterThan("lme4", 20),),
        task="profile",
        unit=SECONDS,
    ),
    Problem(
        name="sleepstudy_bootstrap",
        formula=SLEEPSTUDY,
        make=shipped("sleepstudy"),
        reml=True,
        peers=(OURS, "lme4"),
        bars=(FasterThan("lme4", 50),),
        task="bootstrap",
        unit=SECONDS,
    ),
    Problem(
        name="sleepstudy_refits",
        formula=SLEEPSTUDY,
        make=shipped("sleepstudy"),
        reml=True,
        peers=(OURS,),
        bars=(AtMost(1.0),),
        task="refits",
        unit=SECONDS,
        repeats=5,
    ),
    Problem(
        name="unbalanced_kenward_roger",
        formula=UNBALANCED,
        make=make_unbalanced,
        reml=True,
        peers=(OURS, "pbkrtest"),
        bars=(FasterThan("pbkrtest", 50),),
        task="kenward_roger",
        unit=SECONDS,
        once=("pbkrtest",),
        limit=1200.0,
    ),
    Problem(
        name="unbalanced_satterthwaite",
        formula=UNBALANCED,
        make=make_unbalanced,
        reml=True,
        peers=(OURS, "lmerTest"),
        bars=(FasterThan("lmerTest", 1),),
        task="satterthwaite",
        unit=SECONDS,
    ),
    Problem(
        name="insteval_satterthwaite",
        formula=INSTEVAL,
        make=shipped("insteval"),
        reml=True,
        peers=(OURS, "lmerTest"),
        bars=(TimesFit(2.0), FasterThan("lmerTest", 1)),
        task="satterthwaite",
        unit=SECONDS,
        once=("lmerTest",),
        limit=900.0,
    ),
    Problem(
        name="insteval_kenward_roger",
        formula=INSTEVAL,
        make=shipped("insteval"),
        reml=True,
        peers=(OURS, "pbkrtest"),
        bars=(FasterThan("pbkrtest", 50),),
        task="kenward_roger",
        unit=SECONDS,
        once=("pbkrtest",),
        limit=900.0,
    ),
)
