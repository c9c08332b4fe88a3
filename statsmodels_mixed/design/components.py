"""Variance components as statsmodels' ``vc_formula`` writes them.

A component is any patsy formula; all columns of its design vary over the groups
independently, with one variance. statsmodels evaluates it on the rows of each group.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..errors import DataError
from ..formula import variables
from ..formula.spec import bare_name
from .columns import drop_unused_levels
from .complete import complete_rows
from .encode import Encoder


@dataclass(frozen=True)
class Component:
    """What varies, over what beside the groups, and how.

    Attributes
    ----------
    effects : str
        patsy text, ``"1"`` for an intercept alone.
    factors : tuple of str
        Factors that are crossed with the groups.
    tied : bool
        Whether there are several effects, of one variance.
    """

    effects: str
    factors: tuple
    tied: bool


def read_component(spec, table, namespace, where):
    """The shortest random term that is a variance component.

    Indicators of a factor's levels, of one variance, are an intercept that varies
    over that factor: no columns are made, however many levels there are.

    Parameters
    ----------
    spec : ModelSpec
        One-sided.
    table : Table
        The data, incomplete rows included.
    namespace : dict
    where : str
        For messages.

    Returns
    -------
    Component
    """
    text = spec.mean.fixed
    used = [name for name in sorted(variables(spec)) if name in table]
    complete = complete_rows(table, used)
    if complete is not None:
        table = table.take(complete)
    info = Encoder(text, table, namespace, where).design_info
    if not info.column_names:
        raise DataError(f"{where} has no column; drop it.")
    subterms = [s for parts in info.term_codings.values() for s in parts]
    if len(subterms) > 1 or not _is_full(subterms[0]):
        return Component(text, (), True)
    (subterm,) = subterms
    coded = subterm.contrast_matrices
    numeric = [f for f in subterm.factors if f not in coded]
    width = np.prod([info.factor_infos[f].num_columns for f in numeric])
    product = ":".join(f.name() for f in numeric)
    factors = tuple(_column(f.name(), table) for f in subterm.factors if f in coded)
    return Component(f"0 + {product}" if product else "1", factors, bool(width > 1))


def check_coding(spec, table, rows, group, declared, namespace, where):
    """Refuse a component whose coding depends on the group it is evaluated in.

    Treatment contrasts leave out the first level there is in the group, ``center``
    and ``bs`` learn from its rows. What the columns do to the covariance is all that
    counts, so that is compared.

    Parameters
    ----------
    spec : ModelSpec
        One-sided.
    table : Table
        The data.
    rows : ndarray of int
        Rows of the model.
    group : str
        Column of the groups.
    declared : set of str
        Columns that keep levels which do not occur, as pandas' categories.
    namespace : dict
    where : str
        For messages.
    """
    text = spec.mean.fixed
    used = table.take(rows)
    whole = Encoder(text, used, namespace, where)
    if _is_rowwise(whole.design_info, used):
        return
    columns = whole.encode(used)
    groups = np.asarray(used.column(group))
    for level, own_rows in pd.Series(groups).groupby(groups).indices.items():
        part = _Rows(table, rows[own_rows], declared)
        there = f"{where}, group {level},"
        own = Encoder(text, part, namespace, there).encode(part)
        ours = columns[own_rows] @ columns[own_rows].T
        theirs = own @ own.T
        if not np.allclose(ours, theirs, rtol=1e-8, atol=1e-8 * np.abs(ours).max()):
            raise DataError(
                f"{where} ({text}): statsmodels codes it anew from the rows of each "
                f"group, and in group {level} that is not the coding of the whole data "
                "(its first level, mean or knots differ). Write '0 + C(column)' for "
                "one effect per level, or make the columns in the data before."
            )


class _Rows:
    """Rows of a table; declared factors keep the levels that do not occur in them.

    As in pandas, and so in statsmodels: `Table.take` would drop these levels.
    """

    def __init__(self, table, rows, declared):
        self._table, self._rows, self._declared = table, rows, declared
        self.names, self.nobs, self.index = table.names, len(rows), table.index[rows]

    def __contains__(self, name):
        return name in self._table

    def column(self, name):
        """Values of a column in these rows."""
        values = self._table.column(name)[self._rows]
        return values if name in self._declared else drop_unused_levels(values)

    def missing(self, name):
        """Nothing: rows of a model are complete."""
        return None


def _is_full(subterm):
    """Whether every factor has an indicator for each of its levels."""
    return all(
        np.array_equal(c.matrix, np.eye(*c.matrix.shape))
        for c in subterm.contrast_matrices.values()
    )


def _is_rowwise(info, table):
    """Whether the columns of a row depend on nothing but the row."""
    subterms = [s for parts in info.term_codings.values() for s in parts]
    factors = [_column(f.name(), table) for f in info.factor_infos]
    plain = all(bare_name(name) in table.names for name in factors)
    return plain and all(map(_is_full, subterms))


def _column(text, table):
    """The column in ``C(column)``, any other text unchanged."""
    inner = text[2:-1]
    boxed = text.startswith("C(") and bare_name(inner) in table.names
    return inner if boxed else text
