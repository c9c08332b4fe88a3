"""The benchmark problems: data, formula, criterion, peers and bars.

A problem says what is fitted and what must be reached; how a package is called
is written in ``peers.py``, how runs alternate in ``run.py``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

OURS = "statsmodels_mixed"
SEED = 20240607


@dataclass(frozen=True)
class Unit:
    """How a measured value is printed.

    Parameters
    ----------
    name : str
        Heading of the column.
    scale : float
        Factor from the measured value to the printed one.
    """

    name: str
    scale: float = 1.0

    def show(self, value: float) -> str:
        """Return `value` with four significant digits, in this unit."""
        return f"{value * self.scale:.4g}"


SECONDS = Unit("seconds")
MILLISECONDS = Unit("ms", 1e3)
MS_PER_RESPONSE = Unit("ms/response", 1e3)
DESIGN_MATRICES = Unit("x design matrix")


@dataclass(frozen=True)
class FasterThan:
    """Bar: at least `factor` times as fast as `peer` in the same run."""

    peer: str
    factor: float

    def text(self, unit: Unit) -> str:
        """Return the bar in words."""
        if self.factor == 1:
            return f"faster than {self.peer}"
        return f"{self.factor:g}x faster than {self.peer}"

    def reached(self, medians: dict[str, float], unit: Unit) -> tuple[bool, str] | None:
        """Return (met, what was seen), or None when a run is missing."""
        if OURS not in medians or self.peer not in medians:
            return None
        ratio = medians[self.peer] / medians[OURS]
        met = ratio >= self.factor and ratio > 1
        return met, f"{ratio:.3g}x"


@dataclass(frozen=True)
class AtMost:
    """Bar: our own value is at most `limit` (in the unit that is measured)."""

    limit: float

    def text(self, unit: Unit) -> str:
        """Return the bar in words."""
        return f"at most {unit.show(self.limit)} {unit.name}"

    def reached(self, medians: dict[str, float], unit: Unit) -> tuple[bool, str] | None:
        """Return (met, what was seen), or None when our run is missing."""
        if OURS not in medians:
            return None
        return medians[OURS] <= self.limit, f"{unit.show(medians[OURS])} {unit.name}"


@dataclass(frozen=True)
class Problem:
    """One model on one data set.

    Parameters
    ----------
    name : str
        Name used by ``--problems``.
    formula : str
        lme4 formula; every peer but MixedLM is given exactly this text.
    make : callable
        ``make(shrink)`` returns the DataFrame; simulated data have ``1/shrink``
        of the rows and levels, shipped data ignore `shrink`.
    reml : bool
        Criterion.
    peers : tuple of str
        Packages that can take the problem in reasonable time.
    bars : tuple
        What has to be reached.
    task : str
        What is measured: ``fit``, ``refit`` or ``memory``.
    unit : Unit
        How the measured value is printed.
    repeats : int
        Runs of each peer unless ``--repeats`` says otherwise.
    in_a_row : int
        Runs of a peer before the next one has its turn; several where a run takes
        milliseconds, or a process that was just woken is what is timed.
    repeatable : bool
        False when only the first run in a fresh process means anything.
    limit : float
        Seconds after which one run of one peer is stopped.
    columns : int
        Columns of the fixed-effects design matrix.
    mixedlm : dict
        Arguments of ``smf.mixedlm`` that say the same model.
    """

    name: str
    formula: str
    make: Callable[[int], pd.DataFrame]
    reml: bool
    peers: tuple[str, ...]
    bars: tuple[FasterThan | AtMost, ...]
    task: str = "fit"
    unit: Unit = SECONDS
    repeats: int = 3
    in_a_row: int = 1
    repeatable: bool = True
    limit: float = 300.0
    columns: int = 0
    mixedlm: dict = field(default_factory=dict)

    @property
    def criterion(self) -> str:
        """REML or ML."""
        return "REML" if self.reml else "ML"


def shipped(name: str) -> Callable[[int], pd.DataFrame]:
    """Return a loader of one of the shipped data sets."""

    def make(shrink: int) -> pd.DataFrame:
        from statsmodels_mixed import datasets

        return getattr(datasets, name).load_pandas().data

    return make


def labels(codes: np.ndarray, n_levels: int) -> pd.Categorical:
    """Return `codes` as a factor with text levels, as R reads it."""
    levels = [f"L{code:06d}" for code in range(n_levels)]
    return pd.Categorical.from_codes(codes, levels)


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
ALL = (OURS, "glmm", "lme_python", "lme4", "MixedLM")

PROBLEMS = {
    problem.name: problem
    for problem in (
        Problem(
            name="sleepstudy",
            formula=SLEEPSTUDY,
            make=shipped("sleepstudy"),
            reml=True,
            peers=ALL,
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
            peers=ALL,
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
}
