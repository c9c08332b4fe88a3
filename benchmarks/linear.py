"""The linear mixed models that are timed."""

from __future__ import annotations

import numpy as np
import pandas as pd
from contract import (
    DESIGN_MATRICES,
    MILLISECONDS,
    MS_PER_RESPONSE,
    OURS,
    SEED,
    AtMost,
    FasterThan,
    Problem,
    labels,
    shipped,
)


def make_wide(shrink: int) -> pd.DataFrame:
    """10^6 rows, 10^3 groups, 20 numeric predictors, slope of x1 varies."""
    rng = np.random.default_rng(SEED)
    n, n_groups, p = 1_000_000 // shrink, 1_000 // shrink, 20
    codes = rng.integers(0, n_groups, n)
    factor = np.array([[0.8, 0.0], [0.2, 0.4]])
    effects = rng.standard_normal((n_groups, 2)) @ factor.T
    y = 1.0 + effects[codes, 0] + rng.standard_normal(n)
    columns = {}
    for j, slope in enumerate(np.linspace(-1.0, 1.0, p), start=1):
        columns[f"x{j}"] = rng.standard_normal(n)
        y += slope * columns[f"x{j}"]
    y += effects[codes, 1] * columns["x1"]
    return pd.DataFrame({"y": y, **columns, "g": labels(codes, n_groups)})


def make_many_groups(shrink: int) -> pd.DataFrame:
    """125,066 groups of 4 rows, 3 covariates, a random intercept."""
    rng = np.random.default_rng(SEED + 1)
    n_groups = 125_066 // shrink
    codes = np.repeat(np.arange(n_groups), 4)
    x = rng.standard_normal((codes.size, 3))
    y = 1.0 + x @ [0.5, -0.3, 0.2] + 0.7 * rng.standard_normal(n_groups)[codes]
    y += rng.standard_normal(codes.size)
    frame = pd.DataFrame({"y": y, "x1": x[:, 0], "x2": x[:, 1], "x3": x[:, 2]})
    return frame.assign(g=labels(codes, n_groups))


def make_crossed(shrink: int) -> pd.DataFrame:
    """10^6 rows, crossed factors of 6,000 and 4,000 levels."""
    rng = np.random.default_rng(SEED + 2)
    n, n_a, n_b = 1_000_000 // shrink, 6_000 // shrink, 4_000 // shrink
    a, b = rng.integers(0, n_a, n), rng.integers(0, n_b, n)
    x1 = rng.standard_normal(n)
    y = 1.0 + 0.5 * x1 + rng.standard_normal(n)
    y += 0.8 * rng.standard_normal(n_a)[a] + 0.6 * rng.standard_normal(n_b)[b]
    return pd.DataFrame({"y": y, "x1": x1, "a": labels(a, n_a), "b": labels(b, n_b)})


def sleepstudy_responses(frame: pd.DataFrame, n_responses: int = 500) -> np.ndarray:
    """Return (n, n_responses) draws from the model fitted to sleepstudy."""
    rng = np.random.default_rng(SEED + 3)
    codes = np.unique(frame["Subject"], return_inverse=True)[1]
    days = frame["Days"].to_numpy(float)[:, None]
    cov = np.array([[612.1, 9.6], [9.6, 35.07]])
    effects = rng.standard_normal((codes.max() + 1, n_responses, 2))
    effects = effects @ np.linalg.cholesky(cov).T
    mean = 251.405 + effects[codes, :, 0] + (10.467 + effects[codes, :, 1]) * days
    return mean + 25.59 * rng.standard_normal(mean.shape)


WIDE_X = " + ".join(f"x{j}" for j in range(1, 21))
SLEEPSTUDY = "Reaction ~ Days + (Days | Subject)"
PEERS = (OURS, "glmm", "lme_python", "lme4", "MixedLM")

LINEAR = (
    Problem(
        name="sleepstudy",
        formula=SLEEPSTUDY,
        make=shipped("sleepstudy"),
        reml=True,
        peers=PEERS,
        bars=(FasterThan("lme4", 3), AtMost(0.005)),
        unit=MILLISECONDS,
        repeats=25,
        in_a_row=5,
        mixedlm={
            "formula": "Reaction ~ Days",
            "groups": "Subject",
            "re_formula": "~Days",
        },
    ),
    Problem(
        name="penicillin",
        formula="diameter ~ 1 + (1|plate) + (1|sample)",
        make=shipped("penicillin"),
        reml=True,
        peers=PEERS,
        bars=(FasterThan("lme4", 3), AtMost(0.005)),
        unit=MILLISECONDS,
        repeats=25,
        in_a_row=5,
        mixedlm={
            "formula": "diameter ~ 1",
            "groups": np.ones(144),
            "re_formula": "0",
            "vc_formula": {"plate": "0 + C(plate)", "sample": "0 + C(sample)"},
        },
    ),
    Problem(
        name="insteval",
        formula="y ~ service + (1|s) + (1|d) + (1|dept:service)",
        make=shipped("insteval"),
        reml=False,
        peers=(OURS, "glmm", "lme4"),
        bars=(FasterThan("lme4", 15), FasterThan("glmm", 1)),
    ),
    Problem(
        name="wide",
        formula=f"y ~ {WIDE_X} + (x1|g)",
        make=make_wide,
        reml=True,
        peers=(OURS, "glmm", "lme_python", "lme4", "MixedLM"),
        bars=(FasterThan("glmm", 1),),
        mixedlm={
            "formula": f"y ~ {WIDE_X}",
            "groups": "g",
            "re_formula": "~x1",
        },
    ),
    Problem(
        name="many_groups",
        formula="y ~ x1 + x2 + x3 + (1|g)",
        make=make_many_groups,
        reml=True,
        peers=(OURS, "glmm", "lme4"),
        bars=(FasterThan("lme4", 10),),
    ),
    Problem(
        name="crossed",
        formula="y ~ x1 + (1|a) + (1|b)",
        make=make_crossed,
        reml=True,
        peers=(OURS, "glmm"),
        bars=(FasterThan("glmm", 3),),
        limit=900.0,
    ),
    Problem(
        name="refit",
        formula=SLEEPSTUDY,
        make=shipped("sleepstudy"),
        reml=False,  # lme4 1.1-31 refits REML models with n - 1 for n - p
        peers=(OURS, "glmm", "lme_python", "lme4"),
        bars=(
            AtMost(0.0002),
            *(FasterThan(peer, 1) for peer in ("lme4", "glmm", "lme_python")),
        ),
        task="refit",
        unit=MS_PER_RESPONSE,
    ),
    Problem(
        name="memory",
        formula=f"y ~ {WIDE_X} + (x1|g)",
        make=make_wide,
        reml=True,
        peers=(OURS, "glmm", "lme_python"),
        bars=(AtMost(2.5),),
        task="memory",
        unit=DESIGN_MATRICES,
        repeats=1,
        repeatable=False,
        columns=21,
    ),
)
