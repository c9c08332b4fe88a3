"""The benchmark problems by name, and which small one warms a process up.

A problem says what is fitted and what must be reached; how a package is called
is written in ``peers.py`` and ``r_worker.R``, how runs alternate in ``run.py``.
"""

from __future__ import annotations

from contract import OURS, Problem
from generalized import GENERALIZED
from inference import INFERENCE
from linear import LINEAR

R_PEERS = ("lme4", "glmmTMB", "lmerTest", "pbkrtest")
ALL = (OURS, "glmm", "lme_python", *R_PEERS, "MixedLM")
KINDS = ("lmm", "glmm", "inference")
PROBLEMS = {p.name: p for p in (*LINEAR, *GENERALIZED, *INFERENCE)}


def warm_of(problem: Problem) -> Problem:
    """Return the small problem fitted before `problem` is timed."""
    return PROBLEMS["cbpp_laplace" if problem.generalized else "sleepstudy"]


def chosen(names: list[str], only: str | None) -> list[str]:
    """Return those of `names` that ``--only`` lets through."""
    if only in KINDS:
        return [name for name in names if PROBLEMS[name].kind == only]
    return [name for name in names if only in (None, name)]
