"""Lines of a fit through the data of single groups, and around predicted means."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ..design.table import Table
from ..errors import DataError
from ..formula import expression_names
from ..prediction import marginal_mean, new_rows, predict_linear
from .pictures import chosen_levels, factor_names

FINE = 41  # values of a covariate along a line


def observed(fit):
    """Response of each row as it is drawn: proportions where there are trials."""
    design = fit.design
    if design.trials is None:
        return design.endog
    return design.endog / np.where(design.trials > 0, design.trials, np.nan)


def mean_of(fit):
    """From the linear predictor to the mean of the response."""
    family = getattr(fit, "family", None)
    return np.asarray if family is None else family.mean


def is_number(column):
    """Whether a column of a `Table` holds numbers."""
    return not isinstance(column, pd.Categorical) and column.dtype.kind in "iuf"


def default_covariate(fit, factor, table):
    """The column that lines are drawn along, if the model has one.

    A number of the effects that vary over the factor, else one of the fixed effects,
    else a factor among the fixed effects.

    Returns
    -------
    str or None
    """
    design = fit.design
    varying = [design.terms[t].text.split("|")[0] for t in design.factors[factor]]
    fixed = [f.name() for f in design.mean.encoder.design_info.factor_infos]
    varying, fixed = (
        [n for text in texts for n in sorted(expression_names(text)) if n in table]
        for texts in (varying, fixed)
    )
    numbers = [n for n in varying + fixed if is_number(table.column(n))]
    return next(iter(numbers + varying + fixed), None)


def check_covariate(fit, table, name):
    """Refuse a column along which a model has no line.

    Raises
    ------
    DataError
    """
    table.column(name, "x=")
    known = _used_columns(fit.design, table)
    if name not in known:
        raise DataError(
            f"x={name!r} is not in the model, whose lines are along "
            f"{', '.join(known)}; leave x= out, or fit a model with it."
        )


def along(column):
    """Values of a covariate to draw a line through, or levels of a factor in order."""
    if is_number(column):
        return np.linspace(column.min(), column.max(), FINE)
    if isinstance(column, pd.Categorical):
        return column.remove_unused_categories().categories.to_numpy()
    return np.unique(np.asarray(column))


def picked_levels(grouping, order, levels, n_levels):
    """Codes of the levels of a picture, in the order they are drawn.

    Those named, or all in an order, or of many some at even distances in that order.
    """
    if levels is not None:
        return chosen_levels(grouping, levels)
    if len(order) <= n_levels:
        return order
    return order[
        np.unique(np.linspace(0, len(order) - 1, n_levels).round().astype(int))
    ]


def group_lines(fit, table, factor, codes, x, coded):
    """Means along a covariate in some levels: of the population and of the level.

    Other covariates are at their means in the level, factors at the value that most of
    its rows have. Lines of levels are conditional on the factor, and on others it is
    nested in.

    Parameters
    ----------
    fit : Fit or GeneralizedFit
    table : Table
        The rows of the fit.
    factor : int
    codes : sequence of int
        Levels.
    x : str or None
        Column; None for one value per level.
    coded : set of str
        Columns of numbers that the formula takes for factors.

    Returns
    -------
    DataFrame
        Columns level, x, population, conditional.
    """
    design = fit.design
    grouping = design.terms[design.factors[factor][0]].grouping
    grid = [None] if x is None else along(table.column(x))
    discrete = set(coded) | {p for t in design.terms for p in t.grouping.parts}
    names = _used_columns(design, table)
    own = [np.flatnonzero(grouping.codes == code) for code in codes]
    columns = {
        name: np.repeat(
            _array([_typical(table.column(name)[r], name in discrete) for r in own]),
            len(grid),
        )
        for name in names
    }
    if x is not None:
        columns[x] = np.tile(grid, len(own))
    data = pd.DataFrame(columns, index=pd.RangeIndex(len(own) * len(grid)))
    beyond = _offset_argument(design, table)
    offset = None
    if beyond is not None:
        offset = np.repeat([beyond[r].mean() for r in own], len(grid))
    rows = new_rows(fit, data, offset)
    level, mean = _outer_factors(design, factor), mean_of(fit)
    return pd.DataFrame(
        {
            "level": np.repeat(grouping.labels()[list(codes)], len(grid)),
            "x": np.tile(grid, len(own)),
            "population": mean(predict_linear(rows)),
            "conditional": mean(
                predict_linear(rows, random="conditional", level=level)
            ),
        }
    )


def _array(values):
    out = np.asarray(values)
    return out if out.dtype.kind in "iufb" else np.asarray(values, dtype=object)


def _used_columns(design, table):
    texts = [f.name() for f in design.mean.encoder.design_info.factor_infos]
    texts += [term.text.split("|")[0] for term in design.terms]
    names = {n for text in texts for n in expression_names(text)}
    names |= {p for term in design.terms for p in term.grouping.parts}
    for part in design.mean.offsets:
        text = getattr(part, "text", None)
        names |= {part.name} if text is None else expression_names(text)
    return sorted(n for n in names if n in table)


def _typical(values, discrete):
    """The value of all rows, else the mean of numbers, or what is there most often."""
    if is_number(values) and not discrete:
        same = (values == values[0]).all()
        return values[0] if same else values.mean()
    codes, distinct = pd.factorize(values)
    return distinct[np.bincount(codes).argmax()]


def _offset_argument(design, table):
    """Offset of each row that no column holds, None where there is none."""
    mean = design.mean
    if not mean.offset_argument:
        return None
    return mean.offset - sum(part.values(table) for part in mean.offsets)


def _outer_factors(design, factor):
    """Names of the factor and of those whose levels it is nested in."""
    codes = [design.terms[terms[0]].grouping.codes for terms in design.factors]
    first = np.unique(codes[factor], return_index=True)[1]
    names = factor_names(design)
    same = [(c[first][codes[factor]] == c).all() for c in codes]
    return [name for name, constant in zip(names, same, strict=True) if constant]


# ---- around predicted means ----------------------------------------------------------


def predicted_means(fit, table, cells, eta, random, coded):
    """Means and ends of intervals from those of the linear predictor.

    Parameters
    ----------
    fit : Fit or GeneralizedFit
    table : Table
    cells : DataFrame
        Values of columns of the data, one row per mean.
    eta : DataFrame
        Columns mean, lower, upper: the linear predictor.
    random : {"none", "marginal"}
        Random effects of zero, or integrated over.
    coded : set of str

    Returns
    -------
    DataFrame
        Columns mean, lower, upper.
    """
    mean = mean_of(fit)
    if random == "marginal" and getattr(fit, "family", None) is not None:
        spread = np.zeros(len(cells))
        for cov, z in _effects(fit, table, cells, coded):
            spread += ((z @ cov) * z).sum(axis=1)

        def mean(values):
            return marginal_mean(fit.family, values, spread)

    centre, *ends = (mean(eta[c].to_numpy()) for c in ("mean", "lower", "upper"))
    low, high = np.sort(ends, axis=0)  # a decreasing link turns them round
    return pd.DataFrame({"mean": centre, "lower": low, "upper": high})


def conditional_lines(fit, table, cells, eta, factor, by, coded):
    """Means of each level of a factor around those of the population.

    Parameters
    ----------
    fit, table, cells, coded
        As for `predicted_means`.
    eta : ndarray
        Linear predictor of the population.
    factor : int
    by : list of str
        Columns within whose observed combinations lines are drawn.

    Returns
    -------
    DataFrame
        Columns line (label of the level), cell (number of the row of `cells`), mean.
    """
    design = fit.design
    grouping = design.terms[design.factors[factor][0]].grouping
    total = np.tile(eta, (grouping.n_levels, 1))
    for t, (_, z) in enumerate(_effects(fit, table, cells, coded)):
        if t in design.factors[factor]:
            total += fit.modes[t] @ z.T
    there = np.ones(total.shape, dtype=bool)
    if by:
        there[:] = False
        seen = [_texts(table.column(name)) for name in by]
        wanted = [_texts(cells[name].to_numpy()) for name in by]
        number = pd.MultiIndex.from_arrays(wanted)
        pairs = pd.MultiIndex.from_arrays([grouping.codes, *seen]).unique()
        for code, *values in pairs:
            there[code] |= number.isin([tuple(values)])
    level, cell = np.nonzero(there)
    values = mean_of(fit)(total)[level, cell]
    return pd.DataFrame(
        {"line": grouping.labels()[level], "cell": cell, "mean": values}
    )


def _texts(values):
    values = np.asarray(values)
    return values.astype(float) if values.dtype.kind in "iuf" else values.astype(str)


def _effects(fit, table, cells, coded):
    """Covariance and values of the effects (rows of cells, k), term by term."""
    discrete = set(coded)
    columns = {
        name: cells[name].to_numpy()
        if name in cells
        else np.repeat(
            _array([_typical(table.column(name), name in discrete)]), len(cells)
        )
        for name in _used_columns(fit.design, table)
    }
    # a table cannot be without columns
    source = Table.from_data(columns or {"": np.zeros(len(cells))})
    for term, cov in zip(fit.design.terms, fit.covariances, strict=True):
        z = term.encoder.effect_values(source)
        yield cov, np.ones((len(cells), 1)) if z is None else z
