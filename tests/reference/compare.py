"""Read a result of the package under the names the stored fits use."""

from __future__ import annotations

import pandas as pd

from .loader import coefficient_key, group_key, level_key


def coefficients(series):
    """Return {coefficient key: value} of a Series."""
    return {coefficient_key(str(name)): float(v) for name, v in series.items()}


def variance_components(rows):
    """Return {(group, effect, effect): (vcov, sdcor)}; a variance repeats its effect.

    Parameters
    ----------
    rows : iterable of (group, effect, effect2, vcov, sdcor)
        As in lme4's ``as.data.frame(VarCorr(fit))``; the residual has no effects.
    """
    result = {}
    for group, effect, effect2, vcov, sdcor in rows:
        if group == "Residual":
            result["Residual"] = (vcov, sdcor)
            continue
        first = coefficient_key(effect)
        second = first if pd.isna(effect2) or not effect2 else coefficient_key(effect2)
        result[(group_key(group), *sorted([first, second]))] = (vcov, sdcor)
    return result


def random_effects(tables):
    """Return {(group, level, effect): value} of a dict of levels x effects frames."""
    result = {}
    for group, frame in tables.items():
        effects = [coefficient_key(str(name)) for name in frame.columns]
        for level, row in zip(frame.index, frame.to_numpy(), strict=True):
            for effect, value in zip(effects, row, strict=True):
                result[group_key(group), level_key(group, level), effect] = float(value)
    return result
