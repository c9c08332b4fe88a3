"""Parameters that a user assumes for a simulation: read, checked, by name."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

import numpy as np
import pandas as pd

from ...errors import DataError


def effect_settings(effects):
    """Names of the effects, and their values, one dict for each setting."""
    if isinstance(effects, str):
        return [effects], [{}]
    if not isinstance(effects, Mapping):
        named = isinstance(effects, Collection) and not isinstance(effects, np.ndarray)
        if not named or not effects or not all(isinstance(n, str) for n in effects):
            raise DataError(
                f"effects={effects!r}: name the fixed effects to test, or say what "
                "they are assumed to be, as {'Days': 3.0}."
            )
        return list(effects), [{}]
    several = [name for name, value in effects.items() if np.ndim(value)]
    if len(several) > 1:
        raise DataError(
            f"effects: {' and '.join(several)} have several values each; vary one "
            "effect at a time."
        )
    fixed = {
        name: finite_number(f"effects[{name!r}]", value)
        for name, value in effects.items()
        if name not in several
    }
    if not several:
        return list(effects), [fixed]
    (name,) = several
    values = [finite_number(f"effects[{name!r}]", value) for value in effects[name]]
    if not values:
        raise DataError(f"effects[{name!r}] is empty; give at least one value.")
    return list(effects), [fixed | {name: value} for value in values]


def finite_number(name, value):
    """A finite number, or an error that names the argument."""
    number = isinstance(value, (int, float, np.number)) and not isinstance(value, bool)
    if not number or not np.isfinite(value):
        raise DataError(f"{name}={value!r}: give a number.")
    return float(value)


def with_effects(truth, values):
    """The same with some fixed effects of other size."""
    beta = truth.beta.copy()
    for name, value in values.items():
        beta[truth.names.index(name)] = value
    return replace(truth, beta=beta)


def assumed_effects(names, fit, params, values):
    """Fixed effects: of the fit, of `params`, and of the dict of effects."""
    known = {} if fit is None else dict(zip(names, fit.beta, strict=True))
    if params is not None and not isinstance(params, (Mapping, pd.Series)):
        raise DataError(
            f"params={params!r}: give a dict or Series of all fixed effects, by name."
        )
    params = {} if params is None else dict(params)
    effect_places(list(params), names, "params")
    known |= {name: finite_number(f"params[{name!r}]", v) for name, v in params.items()}
    effect_places(list(values), names, "effects")
    known |= values
    missing = [name for name in names if name not in known]
    if missing:
        raise DataError(
            f"params= has no value for {', '.join(missing)}; give one for each fixed "
            "effect."
        )
    return np.array([known[name] for name in names], dtype=float)


def effect_places(asked, names, argument):
    """Places of the effects that were asked for among the names."""
    unknown = [name for name in asked if name not in names]
    if unknown:
        raise DataError(
            f"{argument}: {unknown[0]!r} is no fixed effect; there are "
            f"{', '.join(names)}."
        )
    if argument == "effects" and len(set(asked)) < len(asked):
        raise DataError("effects: name each effect once.")
    return np.array([names.index(name) for name in asked], dtype=int)


def assumed_scale(model, fit, sigma, dispersion):
    """Residual variance or dispersion."""
    linear = not hasattr(model, "family")
    needed = linear or bool(model.family.dispersion_name)
    name, value = ("sigma", sigma) if linear else ("dispersion", dispersion)
    other, stray = ("dispersion", dispersion) if linear else ("sigma", sigma)
    if stray is not None or (value is not None and not needed):
        raise DataError(
            f"{other if stray is not None else name}= is no parameter of this model; "
            "leave it out."
        )
    if value is None:
        if fit is None and needed:
            raise DataError(f"{name}= is needed: the model was not fitted.")
        return 1.0 if fit is None else float(fit.sigma2)
    if finite_number(name, value) <= 0:
        raise DataError(f"{name}={value!r}: give a positive number.")
    return float(value) ** 2 if linear else float(value)
