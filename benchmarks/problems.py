"""The benchmark problems by name, and which small one warms a process up.

A problem says what is fitted and what must be reached; how a package is called
is written in ``peers.py`` and ``r_worker.R``, how runs alternate in ``run.py``.
"""

from __future__ import annotations

from contract import OURS, Problem
from generalized import GENERALIZED
from linear import LINEAR

ALL = (OURS, "glmm", "lme_python", "lme4", "glmmTMB", "MixedLM")
R_PEERS = ("lme4", "glmmTMB")
PROBLEMS = {problem.name: problem for problem in (*LINEAR, *GENERALIZED)}


def warm_of(problem: Problem) -> Problem:
    """Return the small problem fitted before `problem` is timed."""
    return PROBLEMS["cbpp_laplace" if problem.generalized else "sleepstudy"]


def chosen(names: list[str], only: str | None) -> list[str]:
    """Return those of `names` that ``--only`` lets through."""
    kinds = {"lmm": False, "glmm": True}
    if only in kinds:
        return [n for n in names if PROBLEMS[n].generalized == kinds[only]]
    return [name for name in names if only in (None, name)]
