"""Columns of the data as variables of a reference grid: levels, or chosen values."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ...design.table import Table
from ...errors import DataError
from ...formula import expression_names

# Covariates with no more values than this are averaged over, as in emmeans
FEW = 2


@dataclass(frozen=True, eq=False)
class GridVariable:
    """A column of the data in a reference grid.

    Attributes
    ----------
    name : str
    levels : ndarray or Categorical
        Its values in the grid, as the encoders of the formula read them.
    codes : ndarray of int, shape (n,), or None
        Position among `levels` of each row of the data, -1 for those left out; None
        for a covariate that is set to chosen values.
    """

    name: str
    levels: object
    codes: np.ndarray | None = None

    def __len__(self):
        return len(self.levels)

    @property
    def values(self):
        """The levels as they stand in tables."""
        return np.asarray(self.levels)


def at_mean(values):
    """A covariate at its mean."""
    return [values.mean()]


def around_mean(values):
    """A covariate one below and one above its mean, to see its slope."""
    return values.mean() + np.array([-1.0, 1.0])


def used_rows(fit, frame):
    """The rows of the data that were fitted, as the encoders read them."""
    design = fit.design
    if design.mean.encoder.design_info is None:
        raise DataError(
            "Marginal means need the columns of the data, and this model was built "
            "from arrays: use lmm(formula, data) or glmm(formula, data), or test "
            "rows of your own with t_test()."
        )
    if frame is None:
        raise DataError(
            "Marginal means need the columns of the data, and these results do not "
            "hold the data frame of their formula (a repeated fit, perhaps): ask for "
            "them of the results of lmm(formula, data) or glmm(formula, data)."
        )
    index, labels = frame.index, design.row_labels
    if index.is_unique:
        rows = index.get_indexer(labels)
    elif len(frame) == design.nobs_given:
        rows = np.arange(len(frame))[design.rows]
    else:
        raise DataError(
            "The data have repeated row labels and subset= was given, so that rows "
            "cannot be told apart: give data.reset_index(drop=True) to the model."
        )
    return Table.from_data(frame).take(rows)


def read_variables(fit, table, at, reduce):
    """The columns of the fixed effects and of offsets, with their values."""
    coded = coded_as_factors(fit, table)
    names = _column_names(fit, table)
    out = tuple(_read(name, table, name in coded, at, reduce) for name in names)
    check_names(out, list(at), "at")
    return out


def term_columns(fit, table):
    """Columns of the data in each term of the fixed effects."""
    coding = fit.design.mean.encoder.design_info
    return [
        [name for factor in term.factors for name in _columns(factor.name(), table)]
        for term in coding.terms
    ]


def _columns(text, table):
    return [name for name in sorted(expression_names(text)) if name in table]


def _column_names(fit, table):
    names = [name for term in term_columns(fit, table) for name in term]
    for part in fit.design.mean.offsets:
        text = getattr(part, "text", None)  # a logarithm of an exposure has a name
        names += [part.name] if text is None else _columns(text, table)
    return list(dict.fromkeys(names))


def coded_as_factors(fit, table):
    """Columns within expressions that are categorical."""
    infos = fit.design.mean.encoder.design_info.factor_infos
    out = set()
    for factor, info in infos.items():
        if info.type == "categorical":
            out |= set(_columns(factor.name(), table))
    return out


def _read(name, table, is_coded, at, reduce):
    column = table.column(name)
    numeric = not isinstance(column, pd.Categorical) and column.dtype.kind in "iuf"
    if is_coded or isinstance(column, pd.Categorical) or column.dtype.kind in "bUSO":
        return _factor(name, column, at)
    if name in at:
        return GridVariable(name, _numbers(name, at[name]))
    if not numeric:
        raise DataError(
            f"Column {name!r} ({column.dtype}) has no mean: say by at= where it is "
            "held, or make it a number in the data."
        )
    values, codes = np.unique(column, return_inverse=True)
    if len(values) <= FEW:
        return GridVariable(name, values.astype(float), codes)
    return GridVariable(name, np.asarray(reduce(column), dtype=float))


def _numbers(name, values):
    try:
        out = np.atleast_1d(np.asarray(values, dtype=float))
    except (TypeError, ValueError):
        raise DataError(f"at: {name!r} is a covariate; give numbers.") from None
    if out.ndim != 1 or not len(out) or not np.isfinite(out).all():
        raise DataError(f"at: {name!r} needs one finite number, or a list of them.")
    return out


def _factor(name, column, at):
    """A factor with all of its levels, or with those that `at` gives."""
    coded = column if isinstance(column, pd.Categorical) else pd.Categorical(column)
    codes = np.asarray(coded.codes)
    first = np.unique(codes, return_index=True)[1]
    levels = column[first]
    if name not in at:
        return GridVariable(name, levels, codes)
    known = np.asarray(levels).tolist()
    given = at[name]
    given = [given] if np.isscalar(given) else list(given)
    place = {str(v): i for i, v in enumerate(known)}
    place |= {v: i for i, v in enumerate(known)}
    wrong = [v for v in given if v not in place]
    if wrong or not given:
        raise DataError(
            f"at: {name!r} has no level {', '.join(map(repr, wrong)) or 'left'}; "
            f"its levels are {', '.join(map(str, known[:12]))}."
        )
    chosen = [place[v] for v in given]
    again = np.full(len(known), -1)
    again[chosen] = np.arange(len(chosen))
    return GridVariable(name, levels[chosen], again[codes])


def split_specs(specs, by, variables):
    """Columns of the means and of `by`, from names or text such as ``"a + b | c"``.

    Parameters
    ----------
    specs, by : str, list of str or None
    variables : sequence of GridVariable

    Returns
    -------
    specs, by : list of str

    Raises
    ------
    DataError
        Unknown columns; `by` twice.
    """
    known = {v.name for v in variables}
    if isinstance(specs, str) and specs not in known:
        specs, bar, within = specs.strip().removeprefix("~").partition("|")
        if bar and by:
            raise DataError(f"by= was given, and specs has one too: {within.strip()}.")
        by = _names(within, known) if bar else by
        specs = _names(specs, known)
    specs = check_names(variables, specs, "specs")
    return specs, [b for b in check_names(variables, by, "by") if b not in specs]


def _names(text, known):
    """Names of columns between the signs of a formula."""
    text = text.strip()
    if text in known:
        return [text]
    parts = [part.strip() for part in re.split(r"[+*:]", text)]
    return [part for part in parts if part != "1"]


def check_names(variables, names, argument):
    """Refuse names that are no variables of the fixed effects."""
    names = [names] if isinstance(names, str) else list(names or ())
    known = [v.name for v in variables]
    for name in names:
        if name not in known:
            raise DataError(
                f"{argument}: {name!r} is not a column of the fixed effects; these "
                f"are {', '.join(known) or 'none'}."
            )
    return names
