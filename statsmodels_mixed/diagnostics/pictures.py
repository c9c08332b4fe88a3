"""What pictures of a model show, as tables: modes, shrinkage, one effect of a group."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import stats
from scipy.integrate import trapezoid

from ..errors import DataError, check_level

# Of the curves of an effect
FINE = 4001
REACH = 8.0  # prior standard deviations looked at
LEAST = 0.004  # share of its height below which a curve is not shown
WIDEST = 5.0  # prior standard deviations shown at most


def find_factor(design, group, what):
    """Number of the grouping factor a picture is of.

    Parameters
    ----------
    design : Design
    group : str or None
        Not needed where there is one.
    what : str
        What asks, for messages.

    Returns
    -------
    int

    Raises
    ------
    DataError
        No such factor, several and none named, or no random effects.
    """
    names = factor_names(design)
    if not names:
        raise DataError(f"The model has no random effects, so {what} has no picture.")
    if group is None and len(names) == 1:
        return 0
    if group in names:
        return names.index(group)
    said = "are several grouping factors" if group is None else f"is no {group!r}"
    listed = ", ".join(map(repr, names))
    raise DataError(f"{what}: there {said}; give group= one of {listed}.")


def factor_names(design):
    """Names of the grouping factors, in the order of `Design.factors`."""
    return [design.terms[terms[0]].group for terms in design.factors]


def without_others(design, factor):
    """What a picture of one grouping factor is without, empty if there is no other."""
    others = [name for i, name in enumerate(factor_names(design)) if i != factor]
    if not others:
        return ""
    return f"response without the conditional modes of {', '.join(others)}"


def chosen_levels(grouping, levels):
    """Codes of levels that are asked for by their labels.

    Raises
    ------
    DataError
        A level that the factor does not have.
    """
    levels = [levels] if np.isscalar(levels) else list(levels)
    labels = grouping.labels()
    codes = labels.get_indexer([str(level) for level in levels])
    for level, code in zip(levels, codes, strict=True):
        if code < 0:
            raise DataError(
                f"{grouping.name} has no level {level!r}; it has "
                f"{', '.join(labels[:12])}{', ...' if len(labels) > 12 else ''}."
            )
    if not len(codes):
        raise DataError(f"levels= is empty: name at least one of {grouping.name}.")
    return codes


def mode_table(modes, sds, group=None, effects=None, level=0.95, sort=True):
    """Conditional modes with normal intervals, tidy.

    Parameters
    ----------
    modes, sds : dict of str to DataFrame, levels x effects
        Per grouping factor the conditional modes and standard deviations.
    group : str or sequence of str, optional
        Grouping factors, all by default.
    effects : str or sequence of str, optional
        Effects, all by default.
    level : float
    sort : bool or str
        By the modes of the first effect, or of one named; False for the order of the
        levels.

    Returns
    -------
    DataFrame
        Columns group, effect, level, mode, lower, upper.

    Raises
    ------
    DataError
        Unknown factors or effects.
    """
    check_level(level)
    groups = _wanted("group", group, list(modes))
    known = [e for g in groups for e in modes[g].columns]
    wanted = _wanted("effects", effects, known)
    if isinstance(sort, str):
        _wanted("sort", sort, known)
    z, parts = stats.norm.ppf(0.5 + 0.5 * level), []
    for name in groups:
        values, errors = modes[name], sds[name]
        order = _order(values, sort, wanted)
        labels = values.index.astype(str)[order]
        for j, effect in enumerate(values.columns):
            if effect not in wanted:
                continue
            mode, half = (t.iloc[order, j].to_numpy() for t in (values, z * errors))
            columns = {"level": labels, "mode": mode}
            columns |= {"lower": mode - half, "upper": mode + half}
            part = pd.DataFrame(columns)
            part.insert(0, "effect", effect)
            part.insert(0, "group", name)
            parts.append(part)
    return pd.concat(parts, ignore_index=True)


def _order(values, sort, wanted):
    if sort is False:
        return np.arange(len(values))[::-1]  # the first level on top
    first = [e for e in values.columns if e in wanted][:1] or list(values.columns[:1])
    by = sort if isinstance(sort, str) and sort in values else first[0]
    column = list(values.columns).index(by)
    return np.argsort(values.iloc[:, column].to_numpy(), kind="stable")


def _wanted(argument, given, known):
    if given is None:
        return known
    given = [given] if isinstance(given, str) else list(given)
    unknown = [name for name in given if name not in known]
    if unknown or not given:
        raise DataError(
            f"{argument}={unknown[0] if unknown else given!r} is not one of "
            f"{', '.join(dict.fromkeys(known))}."
        )
    return given


def picked_effects(available, effects, most=2):
    """Places of the effects that span the plane of a picture.

    Raises
    ------
    DataError
        Unknown, repeated or too many effects.
    """
    if effects is None:
        return list(range(min(most, len(available))))
    effects = _wanted("effects", effects, list(available))
    if len(effects) > most or len(set(effects)) < len(effects):
        raise DataError(f"effects={effects!r}: give one or two different effects.")
    return [list(available).index(e) for e in effects]


def compromise(fit, factor, level, effect=None):
    """Likelihood, normal distribution and conditional density of one effect.

    All parameters are at their estimates. Other random effects, of this level and of
    other factors, are at their conditional modes; the normal distribution is that of
    the effect given the others of its level.

    Parameters
    ----------
    fit : Fit or GeneralizedFit
        With its rows.
    factor : int
    level : str
        Label of the level.
    effect : str, optional
        The first by default.

    Returns
    -------
    curves : DataFrame
        Columns value, likelihood, prior, conditional (all of area one over the values),
        and for responses that are not Gaussian laplace: the normal curve with the
        mode and curvature of the conditional density.
    effect : str

    Raises
    ------
    DataError
        No such level or effect, or the effect does not vary.
    """
    design = fit.design
    places = [(t, j) for t in design.factors[factor] for j in range(design.terms[t].k)]
    names = [design.terms[t].effects[j] for t, j in places]
    t, j = places[picked_effects(names, effect, 1)[0]]
    term = design.terms[t]
    (code,) = chosen_levels(term.grouping, [level])
    centre, sd = _given_others(fit.covariances[t], fit.modes[t][code], j)
    if not sd > 0:
        raise DataError(
            f"The effect {term.effects[j]} of {term.group} has no variance of its own, "
            "so there is nothing to compromise."
        )
    rows = np.flatnonzero(term.grouping.codes == code)
    value = centre + sd * np.linspace(-REACH, REACH, FINE)
    log_density = _row_density(fit, rows)
    z = np.ones(len(rows)) if term.z is None else term.z[rows, j]
    eta = (fit.fixed_part + fit.random_part)[rows] - z * fit.modes[t][code, j]
    data = log_density(eta + value[:, None] * z).sum(axis=1)
    prior = -0.5 * ((value - centre) / sd) ** 2
    logs = {"likelihood": data, "prior": prior, "conditional": data + prior}
    if getattr(fit, "family", None) is not None:
        logs["laplace"] = _parabola(value, data + prior)
    return _visible(value, logs, centre, sd), term.effects[j]


def _given_others(cov, modes, j):
    """Mean and standard deviation of one effect given the others at their modes."""
    rest = np.arange(len(cov)) != j
    weights = np.linalg.pinv(cov[np.ix_(rest, rest)], hermitian=True) @ cov[rest, j]
    variance = cov[j, j] - weights @ cov[rest, j]
    # what rounding leaves of a singular covariance is none
    variance = variance if variance > 1e-10 * cov[j, j] else 0.0
    return float(weights @ modes[rest]), float(np.sqrt(variance))


def _row_density(fit, rows):
    """Log density of some rows, as a function of their linear predictor."""
    design = fit.design
    part = {
        name: None if values is None else values[rows]
        for name, values in (("trials", design.trials), ("weights", design.weights))
    }
    endog, family = design.endog[rows], getattr(fit, "family", None)
    if family is None:
        weights = 1.0 if part["weights"] is None else part["weights"]
        return lambda eta: -0.5 * weights * (endog - eta) ** 2 / fit.sigma2
    likelihood = family.observe(endog, **part)
    zeta = np.log(fit.dispersion) if fit.dispersion > 0 else None
    return lambda eta: likelihood.value(eta, zeta)


def _parabola(value, log_density):
    top = int(np.clip(np.nanargmax(log_density), 1, len(value) - 2))
    below, at, above = log_density[top - 1 : top + 2]
    step = value[1] - value[0]
    curvature = (above - 2.0 * at + below) / step**2
    mode = value[top] - 0.5 * (above - below) / (step * curvature)
    return 0.5 * curvature * (value - mode) ** 2


def _visible(value, logs, centre, sd):
    """Densities of area one over the values at which any of them can be seen."""
    relative = {k: np.exp(v - np.nanmax(v)) for k, v in logs.items()}
    # a likelihood may go on for ever, as that of a group of zeros
    seen = np.abs(value - centre) <= WIDEST * sd
    top = value[np.argmax(relative["conditional"])]
    seen |= np.abs(value - top) <= 1.5 * sd
    own = np.max([relative[k] for k in relative], axis=0) > LEAST
    kept = seen & own
    value = value[kept]
    out = {"value": value}
    for key, density in relative.items():
        density = density[kept]
        out[key] = density / trapezoid(density, value)
    return pd.DataFrame(out)
