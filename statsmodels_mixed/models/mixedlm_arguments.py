"""What statsmodels' MixedLM takes, in the terms of `LMM`."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ..design.components import check_coding, read_component
from ..design.table import Table, check_order
from ..errors import DataError, MissingColumnError
from ..formula import parse_formula
from .namespace import caller_namespace
from .random import RandomEffects

GROUPS = "Group"


def namespace_of(eval_env, depth):
    """Names for formulas: a number of frames, a dict, or patsy's environment."""
    if not isinstance(eval_env, int):
        return getattr(eval_env, "namespace", eval_env)
    return {} if eval_env < 0 else caller_namespace(eval_env + depth + 1)


# ---- formulas -----------------------------------------------------------------


def with_groups(data, groups):
    """Data that hold the grouping column, and its name."""
    table = Table.from_data(data)
    if isinstance(groups, str):
        if groups not in table:
            raise MissingColumnError(groups, table.names, "groups=")
        return data, groups
    name = getattr(groups, "name", None) or GROUPS
    pandas = isinstance(data, pd.DataFrame) and isinstance(groups, pd.Series)
    if pandas and name in data and groups.equals(data[name]):
        return data, name  # groups=data["subject"]
    check_order(groups, table.index, "groups=")
    if len(groups) != table.nobs:
        raise DataError(f"groups= has length {len(groups)}, the data {table.nobs}.")
    name = str(name)
    while name in table:
        name = f"{name}_"
    frame = data if isinstance(data, pd.DataFrame) else None
    if frame is None:
        frame = pd.DataFrame({c: table.column(c) for c in table.names})
    return frame.assign(**{name: np.asarray(groups)}), name


def parse_components(vc_formula):
    """Formula of each variance component, by name."""
    specs = {}
    for name, text in (vc_formula or {}).items():
        tilde = "" if str(text).lstrip().startswith("~") else "~ "
        spec = parse_formula(f"{tilde}{text}", one_sided=True)
        if spec.response or spec.mean.random or spec.mean.offsets:
            raise DataError(
                f"vc_formula[{name!r}] = {text!r}: a variance component is a sum of "
                "effects; write random terms and offsets in the formula instead."
            )
        specs[name] = spec
    return specs


def terms(specs, re_formula, data, group, namespace):
    """Random effects and variance components as random terms of a formula."""
    out = []
    if re_formula or not specs:
        effects = re_formula.strip().lstrip("~").strip() if re_formula else "1"
        out.append(f"({effects} | Q({group!r}))")
    if not specs:
        return out
    return out + _component_terms(specs, Table.from_data(data), group, namespace)


def _component_terms(specs, table, group, namespace):
    column = pd.Series(table.column(group)).dropna()
    crossing = [f"Q({group!r})"] if column.nunique() > 1 else []
    out = []
    for name, spec in specs.items():
        where = component_name(name)
        part = read_component(spec, table, namespace, where)
        grouping = ":".join([*crossing, *part.factors])
        if not grouping:
            raise DataError(
                f"{where} ({spec.mean.fixed}) varies over groups=, which has one level."
            )
        term = f"({part.effects} | {grouping})"
        out.append(f"homdiag{term}" if part.tied else term)
    return out


def check_components(specs, data, rows, group, namespace):
    """Refuse components that statsmodels codes differently in different groups."""
    table = Table.from_data(data)
    rows = np.arange(table.nobs)[rows]
    dtypes = data.dtypes.items() if isinstance(data, pd.DataFrame) else ()
    declared = {c for c, dtype in dtypes if isinstance(dtype, pd.CategoricalDtype)}
    for name, spec in specs.items():
        where = component_name(name)
        check_coding(spec, table, rows, group, declared, namespace, where)


def component_name(name):
    """What messages call a variance component."""
    return f"vc_formula[{name!r}]"


# ---- arrays -------------------------------------------------------------------


def array_components(exog_vc, groups, index):
    """`RandomEffects` of ``exog_vc``, by name.

    Parameters
    ----------
    exog_vc : VCSpec, or dict of dicts of ndarray
        Names, and per name the columns of each group, in sorted order.
    groups : array_like, shape (n,)
    index : pandas.Index
        Labels of the rows.
    """
    levels = dict(
        sorted(
            pd.Series(np.asarray(groups)).groupby(np.asarray(groups)).indices.items()
        )
    )
    if isinstance(exog_vc, dict):
        given = {k: [v[g] for g in levels] for k, v in sorted(exog_vc.items())}
    else:
        given = dict(zip(exog_vc.names, exog_vc.mats, strict=True))
    return {
        name: _array_component(
            name, _stacked(name, mats, levels, len(index)), groups, index
        )
        for name, mats in given.items()
    }


def _stacked(name, mats, levels, nobs):
    """Columns of all groups beside one another: the first of each, the second, ..."""
    mats = [m.toarray() if hasattr(m, "toarray") else np.asarray(m) for m in mats]
    mats = [m[:, None] if m.ndim == 1 else m for m in mats]
    out = np.zeros((nobs, max(m.shape[1] for m in mats)))
    for (level, rows), m in zip(levels.items(), mats, strict=True):
        if len(m) != len(rows):
            raise DataError(
                f"exog_vc {name!r} has {len(m)} rows for group {level}, which has "
                f"{len(rows)}."
            )
        out[rows, : m.shape[1]] = m
    return out


def _array_component(name, z, groups, index):
    label = str(getattr(groups, "name", None) or GROUPS)
    if z.shape[1] > 1 and ((z != 0).sum(axis=1) <= 1).all():
        # one column at a time, as indicators are: levels of a factor within groups
        at = np.argmax(z != 0, axis=1)
        value = pd.Series(z[np.arange(len(z)), at], index, name=name)
        inner = [f"{g}:{j}" for g, j in zip(np.asarray(groups), at, strict=True)]
        return RandomEffects(np.array(inner), value, f"{label}:{name}")
    columns = [name] if z.shape[1] == 1 else [f"{name}[{j}]" for j in range(z.shape[1])]
    frame = pd.DataFrame(z, index, columns)
    return RandomEffects(groups, frame, label, "homdiag" if len(columns) > 1 else "us")


# ---- fitting ------------------------------------------------------------------


def refuse_penalties(fe_pen, cov_pen):
    """Refuse what would make the criterion another one than the likelihood."""
    if fe_pen is not None or cov_pen is not None:
        raise DataError(
            "fe_pen= and cov_pen= are not supported: a penalty changes the criterion, "
            "and results here (standard errors, AIC, tests) are those of the "
            "likelihood. Use MixedLM of statsmodels for penalised fits."
        )


def start_covariances(params, k_fe, k_re, k_vc, use_sqrt):
    """Relative covariance of the random effects and variances of the components.

    Parameters
    ----------
    params : MixedLMParams or array_like
        As an array: fixed effects (which may be left out), then the lower triangle
        of the covariance or, with `use_sqrt`, of its factor, then the components.
        Fixed effects alone say nothing about covariances.
    k_fe, k_re, k_vc : int
    use_sqrt : bool

    Returns
    -------
    tuple of ndarray, or None
    """
    if hasattr(params, "cov_re"):
        found = np.asarray(params.cov_re, float), np.asarray(params.vcomp, float)
        if found[0].shape == (k_re, k_re) and found[1].shape == (k_vc,):
            return found
        raise DataError(
            f"start_params holds cov_re of shape {found[0].shape} and {len(found[1])} "
            f"vcomp, the model has {k_re} random effects and {k_vc} components."
        )
    try:
        packed = np.array(params, dtype=float).ravel()
    except (TypeError, ValueError):
        raise DataError(
            f"start_params is a {type(params).__name__}; give MixedLMParams or numbers."
        ) from None
    n_re = k_re * (k_re + 1) // 2
    if len(packed) == k_fe + n_re + k_vc:
        packed = packed[k_fe:]
    elif len(packed) == k_fe != n_re + k_vc:
        return None
    if len(packed) != n_re + k_vc:
        raise DataError(
            f"start_params has {len(packed)} values; the model has {k_fe} fixed "
            f"effects and {n_re + k_vc} variance parameters."
        )
    lower = np.zeros((k_re, k_re))
    lower[np.tril_indices(k_re)] = packed[:n_re]
    if use_sqrt:
        return lower @ lower.T, packed[n_re:] ** 2
    return lower + np.tril(lower, -1).T, packed[n_re:]


def is_independent(free, k_re, k_vc, start_params):
    """Whether a mask of free parameters asks for independent random effects.

    Raises
    ------
    DataError
        It holds anything else fixed.
    """
    cov_re = np.asarray(getattr(free, "cov_re", np.empty(0)), dtype=float)
    vcomp = np.asarray(getattr(free, "vcomp", np.empty(0)), dtype=float)
    lower = np.tril_indices(k_re, -1)
    known = cov_re.shape == (k_re, k_re) and len(vcomp) == k_vc
    if known and vcomp.all() and np.diag(cov_re).all():
        if cov_re[lower].all():
            return False
        at = getattr(start_params, "cov_re", None)
        if not cov_re[lower].any() and (
            at is None or not np.any(np.asarray(at)[lower])
        ):
            return True
    raise DataError(
        "free= can hold the covariances of the random effects at zero (its cov_re the "
        "identity matrix), and nothing else; leave terms out of the model, or write "
        "them in the formula, such as (x || g), (1 | g) or (0 + x | g)."
    )
