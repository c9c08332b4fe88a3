"""At which values covariates are held in marginal means, in words."""

from __future__ import annotations

import numpy as np

from .printing import decimals_of, level_text
from .reference_grid import offset_argument

DIGITS = 3  # of the standard deviation of a covariate


def held_values(fit, table, variables, kept, at):
    """Texts such as ``"age at 11.0 (mean)"`` for variables with one value.

    Parameters
    ----------
    fit : Fit
    table : Table
        Data of the model.
    variables : sequence of GridVariable
    kept : collection of str
        Those that are told in the table.
    at : dict or None
        What the user chose.

    Returns
    -------
    list of str
    """
    at = at or {}
    out = []
    for variable in variables:
        name = variable.name
        if name in kept or len(variable) != 1:
            continue
        value = variable.values[0]
        if name in at:
            out.append(f"{name} at {level_text(value)} (given)")
        elif variable.codes is None:
            text = _at_mean(value, np.std(table.column(name)))
            out.append(f"{name} at {text} (mean)")
    return out


def held_offset(fit, table, given):
    """The same of an offset: one that a user gives, or that of an array."""
    if given is not None:
        return [f"offset at {given:g} (given)"]
    value = offset_argument(fit, table)
    if value is None:
        return []
    return [f"offset at {value:.4g} (mean)"]


def _at_mean(value, sd):
    """A mean, with the decimals that matter beside the spread of the values."""
    decimals = max(decimals_of(np.atleast_1d(sd), DIGITS), 0)
    return f"{round(value, decimals) + 0.0:.{decimals}f}"
