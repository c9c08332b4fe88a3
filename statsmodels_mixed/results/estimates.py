"""Fixed effects of one result, or of several side by side."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ..errors import DataError, check_level
from ..plotting.estimates import plot_forest

INTERCEPTS = ("Intercept", "const")


def plot_estimates(
    results,
    level=0.95,
    parameters=None,
    intercept=False,
    exponentiate=False,
    ax=None,
    **options,
):
    """Forest plot of the fixed effects of several results.

    Parameters
    ----------
    results : dict of str to results, or results
        Of mixed models, or of any model of statsmodels.
    level : float
        Level of the intervals.
    parameters : str or sequence of str, optional
        Which to draw, and in which order; all by default.
    intercept : bool
        Whether to draw the intercept, if there is anything beside it.
    exponentiate : bool
        Whether to draw odds ratios or ratios of rates, on a logarithmic axis.
    ax : matplotlib Axes, optional
        Made by default.
    **options
        Of `intervals` of mixed models, such as ``method="profile"``.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    DataError
        No results, or parameters that none of them has.

    Examples
    --------
    >>> import statsmodels_mixed as smm
    >>> data = smm.datasets.load("sleepstudy")
    >>> with_slopes = smm.lmm("Reaction ~ Days + (Days | Subject)", data).fit()
    >>> without = smm.lmm("Reaction ~ Days + (1 | Subject)", data).fit()
    >>> models = {"random slopes": with_slopes, "random intercepts": without}
    >>> figure = plot_estimates(models)
    """
    table = estimates_table(results, level, parameters, intercept, **options)
    if exponentiate:
        columns = ["estimate", "lower", "upper"]
        table[columns] = np.exp(table[columns])
    return plot_forest(table, level, exponentiate, ax)


def estimates_table(results, level=0.95, parameters=None, intercept=False, **options):
    """Fixed effects with intervals, tidy.

    Parameters
    ----------
    results, level, parameters, intercept, **options
        As for `plot_estimates`.

    Returns
    -------
    DataFrame
        Columns model, parameter, estimate, lower, upper.
    """
    check_level(level)
    results = results if isinstance(results, dict) else {"": results}
    if not results:
        raise DataError("results is empty: give at least one, as {name: result}.")
    parts = [_rows(str(k), res, level, options) for k, res in results.items()]
    table = pd.concat(parts, ignore_index=True)
    known = list(dict.fromkeys(table.parameter))
    if parameters is not None:
        wanted = [parameters] if isinstance(parameters, str) else list(parameters)
        unknown = [name for name in wanted if name not in known]
        if unknown or not wanted:
            raise DataError(
                f"parameters={unknown[0] if unknown else wanted!r} is not one of "
                f"{', '.join(known)}."
            )
    else:
        wanted = [n for n in known if intercept or n not in INTERCEPTS] or known
    place = {name: i for i, name in enumerate(wanted)}
    table = table[table.parameter.isin(wanted)]
    return table.sort_values(
        "parameter", key=lambda names: names.map(place), kind="stable"
    ).reset_index(drop=True)


def _rows(name, res, level, options):
    params = getattr(res, "fe_params", res.params)
    names = getattr(params, "index", None)
    names = list(res.model.exog_names if names is None else names)
    if hasattr(res, "fit_record"):
        interval = res.intervals(level, which="fixed", **options).to_numpy()
    else:
        interval = np.asarray(res.conf_int(alpha=1.0 - level))[: len(names)]
    values = {"estimate": np.asarray(params), "lower": interval[:, 0]}
    table = pd.DataFrame(values | {"upper": interval[:, 1]})
    table.insert(0, "parameter", names)
    table.insert(0, "model", name)
    return table
