"""Grouping factors of a formula, or given by name, coded over the complete rows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from pandas.api.types import is_list_like

from ..design.complete import complete_rows
from ..design.encode import Encoder
from ..design.grouping import Grouping, code_factor, cross
from ..design.table import Table
from ..errors import DataError, MissingColumnError
from ..formula import expression_names, parse_formula, variables
from ..formula.spec import bare_name

ALWAYS = {"np": np}


@dataclass(frozen=True, eq=False)
class Factors:
    """Coded grouping factors.

    Attributes
    ----------
    table : Table
        The complete rows.
    nobs_given : int
        Rows of the data, incomplete ones included.
    singles : dict
        Name to Grouping of each column, or expression, in the order of appearance.
    groupings : dict
        Name to Grouping of each grouping factor of a random term; crossed ones too.
    """

    table: Table
    nobs_given: int
    singles: dict
    groupings: dict

    @property
    def nobs(self) -> int:
        """Number of complete rows."""
        return self.table.nobs

    @property
    def all(self) -> dict:
        """Name to Grouping of the single and of the crossed ones."""
        return self.singles | self.groupings


def read_factors(formula_or_data, data_or_groups, eval_env=None) -> Factors:
    """Code the grouping factors of a formula, or those that are named.

    Parameters
    ----------
    formula_or_data : str or DataFrame, dict, ...
        A formula with random terms; or the data.
    data_or_groups : DataFrame, dict, ... or str or list of str
        The data; or, where these come first, names of columns. ``"f:g"`` and
        ``"f/g"`` are read as right of a bar.
    eval_env : dict, optional
        Names that expressions use beside the columns; ``np`` is numpy anyway.

    Returns
    -------
    Factors
    """
    namespace = ALWAYS | dict(eval_env or {})
    if isinstance(formula_or_data, str):
        return _of_formula(formula_or_data, data_or_groups, namespace)
    table = Table.from_data(formula_or_data)
    return code_crossings(table, group_crossings(data_or_groups, table), (), namespace)


def _of_formula(formula, data, namespace):
    if isinstance(data, str) or data is None:
        raise DataError(
            "A formula needs data: describe_design(formula, data). For columns by "
            "name give the data first: describe_design(data, ['school', 'class'])."
        )
    spec = parse_formula(formula, one_sided=True, trials=True)
    table = Table.from_data(data)
    crossings = [term.grouping for term in spec.mean.random]
    if not crossings:
        raise DataError(f"{formula!r} has no random term, such as (1 | g).")
    try:
        return code_crossings(table, crossings, variables(spec), namespace)
    except MissingColumnError as error:
        raise error.located(formula) from None


def group_crossings(groups, table):
    """Crossed columns of each grouping factor that a user names.

    Parameters
    ----------
    groups : str or sequence of str
        Columns, or what stands right of a bar: ``"f:g"``, ``"f/g"``.
    table : Table

    Returns
    -------
    list of tuple of str
    """
    groups = [groups] if isinstance(groups, str) or not is_list_like(groups) else groups
    groups = list(groups)
    if not groups or not all(isinstance(g, str) for g in groups):
        raise DataError("groups: give the name of a column, or a list of names.")
    found = []
    for group in groups:
        if group in table.names:
            found.append((group,))
            continue
        spec = parse_formula(f"~ (1 | {group})", one_sided=True)
        found += [term.grouping for term in spec.mean.random]
    return found


def code_crossings(table, crossings, used, namespace) -> Factors:
    """Code crossed factors over the rows that are complete in all that is used.

    Parameters
    ----------
    table : Table
    crossings : sequence of tuple of str
        patsy text, or name, of the factors that are crossed in each.
    used : iterable of str
        Further variables that must not be missing; names that are no column are
        passed over.
    namespace : dict
    """
    texts = list(dict.fromkeys(text for crossing in crossings for text in crossing))
    names = set(used).union(*(_variables(text, table) for text in texts))
    names = sorted(name for name in names if name in table)
    complete = complete_rows(table, names)
    kept = table.take() if complete is None else table.take(complete)
    singles = {bare_name(text): _code(text, kept, namespace) for text in texts}
    groupings = {}
    for crossing in crossings:
        whole = cross([singles[bare_name(text)] for text in crossing])
        groupings[whole.name] = whole
    return Factors(kept, table.nobs, singles, groupings)


def _variables(text, table):
    name = bare_name(text)
    return {name} if name in table.names else expression_names(text)


def _code(text, table, namespace) -> Grouping:
    name = bare_name(text)
    where = f"the grouping factor {name}"
    if name in table.names:
        return code_factor(table.column(name, where), name)
    labels = Encoder(f"0 + {text}", table, namespace, where).labels(table)
    return code_factor(labels, name)
