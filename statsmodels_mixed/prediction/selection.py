"""Which random effects a prediction is conditional on: ``level=``."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Number

import numpy as np

from ..errors import DataError


def select_effects(design, level):
    """Effects of each term that a prediction is conditional on.

    Parameters
    ----------
    design : Design
    level : str, sequence of str, dict, or None
        Grouping factors, or a dict of grouping factor to names of effects (None for
        all of its effects). None stands for all factors.

    Returns
    -------
    tuple of ndarray of bool, shape (k,)
        One per random-effects term.

    Raises
    ------
    DataError
        Names that the model does not have.

    Examples
    --------
    >>> import statsmodels_mixed as smm
    >>> data = smm.datasets.load("sleepstudy")
    >>> design = smm.lmm("Reaction ~ Days + (Days | Subject)", data).design
    >>> select_effects(design, {"Subject": "Days"})[0].tolist()
    [False, True]
    """
    if level is None:
        return tuple(np.ones(term.k, dtype=bool) for term in design.terms)
    if isinstance(level, Number):
        raise DataError(
            f"level={level!r} is a number; level= names the grouping factors a "
            "prediction is conditional on. The level of intervals is "
            "summary_frame(alpha=)."
        )
    wanted = _as_mapping(level)
    groups = {term.group for term in design.terms}
    for name, effects in wanted.items():
        _check(f"level={level!r}", "grouping factor", name, groups)
        own = {e for t in design.terms if t.group == name for e in t.effects}
        for effect in effects or ():
            _check(f"level={level!r}", f"effect that varies over {name}", effect, own)
    return tuple(
        np.array([_chosen(wanted, t.group, effect) for effect in t.effects])
        for t in design.terms
    )


def _as_mapping(level):
    if isinstance(level, Mapping):
        return {
            name: [effects] if isinstance(effects, str) else effects
            for name, effects in level.items()
        }
    return dict.fromkeys([level] if isinstance(level, str) else level)


def _chosen(wanted, group, effect):
    if group not in wanted:
        return False
    return wanted[group] is None or effect in wanted[group]


def _check(argument, what, name, known):
    if name not in known:
        raise DataError(
            f"{argument}: there is no {what} called {name!r}; there are "
            f"{', '.join(sorted(known))}."
        )
