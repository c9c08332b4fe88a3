"""A drop-in for ``statsmodels.formula.api.mixedlm``."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd

from ..design.table import Table, check_order
from ..errors import DataError, MissingColumnError
from .lmm import LMM

GROUPS = "Group"
# ``0 + C(tank)``, ``0 + C(a):C(b)``, ``0 + C(tank):time`` or ``0 + time``
_COMPONENT = re.compile(
    r"^\s*~?\s*(?:0\s*\+\s*(?P<left>.+)|(?P<right>.+?)\s*-\s*1)\s*$"
)
_FACTOR = re.compile(r"^C\((?P<name>[^(),]+)\)$")
# what steers the optimiser of statsmodels' MixedLM: accepted, and of no effect here
STEERING = {"niter_sa", "do_cg", "full_output", "method", "maxiter", "gtol", "ftol"}
STEERING |= {"disp", "cov_type"}
OWN = {"start", "optimizer", "tol", "max_iter", "use_t"}


class MixedLMDropIn(LMM):
    """`LMM` whose ``fit`` takes the arguments of statsmodels' MixedLM."""

    def fit(
        self,
        start_params=None,
        reml=True,
        niter_sa=0,
        do_cg=True,
        fe_pen=None,
        cov_pen=None,
        free=None,
        full_output=False,
        method=None,
        **kwargs,
    ):
        """Estimate the model.

        Parameters
        ----------
        start_params, fe_pen, cov_pen, free : None
            statsmodels' start vectors, penalties and fixed parameters, which would
            change the estimates, are not supported.
        reml : bool
            Restricted maximum likelihood, or maximum likelihood.
        niter_sa, do_cg, full_output, method
            Steer statsmodels' optimiser. Accepted so that existing calls run; the
            fit does not depend on them.
        **kwargs
            ``maxiter``, ``gtol``, ``ftol``, ``disp`` and ``cov_type`` likewise;
            ``start``, ``optimizer``, ``tol``, ``max_iter`` and ``use_t`` as in
            `LMM.fit`.

        Raises
        ------
        DataError
            For an argument that is not supported.
        """
        refused = {
            "start_params": start_params,
            "fe_pen": fe_pen,
            "cov_pen": cov_pen,
            "free": free,
        }
        unknown = [name for name, value in refused.items() if value is not None]
        unknown += sorted(set(kwargs) - STEERING - OWN)
        if unknown:
            raise DataError(
                f"fit() of the drop-in does not support {', '.join(unknown)}; see "
                "statsmodels_mixed.lmm."
            )
        own = {name: value for name, value in kwargs.items() if name in OWN}
        return super().fit(reml=reml, **own)


def mixedlm(
    formula,
    data,
    re_formula=None,
    vc_formula=None,
    subset=None,
    use_sparse=False,
    missing="none",
    *,
    groups=None,
    weights=None,
    offset=None,
    eval_env=0,
):
    """Linear mixed model with the arguments of ``smf.mixedlm``.

    Parameters
    ----------
    formula : str
        Fixed part; lme4's random terms may stand in it too.
    data : DataFrame, dict, ...
    re_formula : str, optional
        Effects that vary over `groups`, such as ``"~time"``; an intercept alone by
        default (none, when `vc_formula` is given).
    vc_formula : dict, optional
        Variance components within groups: name to ``"0 + C(column)"``,
        ``"0 + C(a):C(b)"``, ``"0 + column"`` or ``"0 + C(a):column"``.
    subset : array_like, optional
        Rows to use.
    use_sparse : bool
        Accepted; the algorithm here is always sparse.
    missing : {"none", "drop", "raise"}
        ``"none"`` and ``"raise"`` refuse missing values.
    groups : str or array_like, optional
        Grouping factor; needed unless the formula holds random terms.
    weights, offset, eval_env
        As in `lmm`.

    Returns
    -------
    LMM

    Raises
    ------
    DataError
        Neither groups nor random terms, or a variance component of another form.

    Examples
    --------
    >>> import statsmodels_mixed as smm
    >>> data = smm.datasets.load("sleepstudy")
    >>> model = smm.mixedlm("Reaction ~ Days", data, "~Days", groups="Subject")
    >>> round(float(model.fit().llf), 4)
    -871.8141
    """
    terms = []
    if groups is None and (re_formula or vc_formula or "|" not in formula):
        raise DataError(
            "mixedlm needs groups=, or random terms in the formula such as (1 | g)."
        )
    if groups is not None:
        data, name = _with_groups(data, groups)
        terms = _terms(data, name, re_formula, vc_formula or {})
    if isinstance(eval_env, int):
        eval_env += 1
    return MixedLMDropIn.from_formula(
        " + ".join([formula, *terms]),
        data,
        weights=weights,
        offset=offset,
        subset=subset,
        missing=missing,
        eval_env=eval_env,
    )


def _with_groups(data, groups):
    """Data that hold the grouping column, and its quoted name."""
    table = Table.from_data(data)
    if isinstance(groups, str):
        if groups not in table:
            raise MissingColumnError(groups, table.names, "groups=")
        return data, f"Q({groups!r})"
    name = getattr(groups, "name", None) or GROUPS
    pandas = isinstance(data, pd.DataFrame) and isinstance(groups, pd.Series)
    if pandas and name in data and groups.equals(data[name]):
        return data, f"Q({name!r})"  # groups=data["subject"]
    check_order(groups, table.index, "groups=")
    if len(groups) != table.nobs:
        raise DataError(f"groups= has length {len(groups)}, the data {table.nobs}.")
    name = str(name)
    while name in table:
        name = f"{name}_"
    frame = data if isinstance(data, pd.DataFrame) else None
    if frame is None:
        frame = pd.DataFrame({c: table.column(c) for c in table.names})
    return frame.assign(**{name: np.asarray(groups)}), f"Q({name!r})"


def _terms(data, group, re_formula, components):
    effects = re_formula.strip().lstrip("~").strip() if re_formula else "1"
    terms = [f"({effects} | {group})"] if re_formula or not components else []
    table = Table.from_data(data)
    column = table.column(group[3:-2])
    single = len(pd.unique(pd.Series(column).dropna())) == 1
    for name, text in components.items():
        terms.append(_component(name, text, None if single else group))
    return terms


def _component(name, text, group):
    """One variance component as a random term; crossed effects have one group."""
    match = _COMPONENT.match(text)
    parts = (match["left"] or match["right"]).split(":") if match else []
    factors, numeric = [], []
    for part in map(str.strip, parts):
        found = _FACTOR.match(part)
        (factors if found else numeric).append(found["name"].strip() if found else part)
    if not match or len(numeric) > 1 or any("+" in p or "*" in p for p in parts):
        raise DataError(
            f"vc_formula[{name!r}] = {text!r} is not of the form '0 + C(column)', "
            "'0 + C(a):C(b)', '0 + column' or '0 + C(a):column'; write the random term "
            "in the formula instead."
        )
    if not group and not factors:
        raise DataError(
            f"vc_formula[{name!r}] = {text!r} varies over groups=, which has one level."
        )
    effect = f"0 + {numeric[0]}" if numeric else "1"
    grouping = ":".join(([group] if group else []) + factors)
    return f"({effect} | {grouping})"
