"""The generalized linear mixed models that are timed."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
from contract import (
    MILLISECONDS,
    OURS,
    SEED,
    AtMost,
    FasterThan,
    Problem,
    RightLogLikelihood,
    labels,
    shipped,
)

PEERS = (OURS, "glmm", "lme4", "glmmTMB")
OVER_R = (FasterThan("lme4", 10, above=0.5), FasterThan("glmmTMB", 5, above=0.5))
IN_R = ("lme4", "glmmTMB")
WIDE_X = " + ".join(f"x{j}" for j in range(1, 21))
CBPP = "cbind(incidence, healthy) ~ period + (1|herd)"
CONTRACEPTION = "use ~ age + I(age^2) + urban + livch + (urban|district)"
GUIMMUN = (
    "immun ~ kid2p + mom25p + ord + ethn + momEd + husEd + momWork + rural + pcInd81"
    " + (1|mom) + (1|comm)"
)
GUIMMUN_LLF = -1323.9524  # brute-force quadrature, -1323.9524321


def make_cbpp(shrink: int) -> pd.DataFrame:
    """Shipped data with the failures as a column: glmm takes only names in cbind."""
    frame = shipped("cbpp")(shrink)
    return frame.assign(healthy=frame["size"] - frame["incidence"])


def binary(slope: bool) -> Callable[[int], pd.DataFrame]:
    """Return a generator of 0/1 rows: 10^6, 10^3 groups, 20 numeric predictors.

    With `slope` the coefficient of x1 varies between the groups.
    """

    def make(shrink: int) -> pd.DataFrame:
        rng = np.random.default_rng(SEED + (5 if slope else 4))
        n, n_groups, p = 1_000_000 // shrink, 1_000 // shrink, 20
        codes = rng.integers(0, n_groups, n)
        factor = np.array([[0.8, 0.0], [0.2, 0.4]])
        effects = rng.standard_normal((n_groups, 2)) @ factor.T
        eta = -0.5 + effects[codes, 0]
        columns = {}
        for j, coefficient in enumerate(np.linspace(-0.5, 0.5, p), start=1):
            columns[f"x{j}"] = rng.standard_normal(n)
            eta += coefficient * columns[f"x{j}"]
        if slope:
            eta += effects[codes, 1] * columns["x1"]
        y = (rng.random(n) < 1 / (1 + np.exp(-eta))).astype(float)
        return pd.DataFrame({"y": y, **columns, "g": labels(codes, n_groups)})

    return make


GENERALIZED = (
    Problem(
        name="verbagg",
        formula="r2 ~ Anger + Gender + btype + situ + (1|id) + (1|item)",
        make=shipped("verbagg"),
        family="binomial",
        peers=PEERS,
        bars=(*OVER_R, FasterThan("glmm", 1)),
    ),
    Problem(
        name="contraception",
        formula=CONTRACEPTION,
        spelling={OURS: CONTRACEPTION.replace("^", "**")},
        make=shipped("contraception"),
        family="binomial",
        peers=PEERS,
        bars=OVER_R,
    ),
    Problem(
        name="grouseticks",
        formula="TICKS ~ YEAR + cHEIGHT + (1|BROOD) + (1|INDEX) + (1|LOCATION)",
        make=shipped("grouseticks"),
        family="poisson",
        peers=PEERS,
        bars=OVER_R,
    ),
    Problem(
        name="cbpp_laplace",
        formula=CBPP,
        make=make_cbpp,
        family="binomial",
        peers=PEERS,
        bars=(AtMost(0.020), *OVER_R),
        unit=MILLISECONDS,
        repeats=25,
        in_a_row=5,
    ),
    Problem(
        name="cbpp",
        formula=CBPP,
        make=make_cbpp,
        family="binomial",
        nagq=25,
        peers=(OURS, "glmm", "lme4"),
        skips={"glmmTMB": "it has no quadrature"},
        bars=(AtMost(0.020), FasterThan("lme4", 10, above=0.5)),
        unit=MILLISECONDS,
        repeats=25,
        in_a_row=5,
    ),
    Problem(
        name="guimmun",
        formula=GUIMMUN,
        make=shipped("guimmun"),
        family="binomial",
        peers=PEERS,
        bars=OVER_R,
    ),
    Problem(
        name="guimmun_nested",
        formula=GUIMMUN,
        make=shipped("guimmun"),
        family="binomial",
        nagq=(5, 20),
        peers=(OURS, "lme4"),
        stand_in={"lme4": 1},
        skips={
            "glmm": "it has no quadrature for two grouping factors",
            "glmmTMB": "it has no quadrature; guimmun times its Laplace fit",
        },
        bars=(FasterThan("lme4", 10), RightLogLikelihood(GUIMMUN_LLF, 1e-3)),
    ),
    Problem(
        name="binary_intercept",
        formula=f"y ~ {WIDE_X} + (1|g)",
        make=binary(slope=False),
        family="binomial",
        peers=PEERS,
        once=IN_R,
        bars=(*OVER_R, FasterThan("glmm", 1)),
    ),
    Problem(
        name="binary_slope",
        formula=f"y ~ {WIDE_X} + (x1|g)",
        make=binary(slope=True),
        family="binomial",
        peers=PEERS,
        once=IN_R,
        bars=(*OVER_R, FasterThan("glmm", 1)),
    ),
)
