"""Random-effects terms given as arrays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..covariance import STRUCTURES
from ..design.columns import as_column
from ..design.design import TermDesign
from ..design.grouping import check_grouping, code_factor
from ..design.matrices import as_matrix, same_columns
from ..design.newrows import ArrayTermEncoder
from ..design.table import check_finite
from ..errors import DataError

INTERCEPT = "Intercept"


@dataclass(frozen=True, eq=False)
class RandomEffects:
    """One random-effects term for the array interface.

    Parameters
    ----------
    groups : array_like, shape (n,)
        Level of the grouping factor of each row, of any type.
    exog : array_like, shape (n,) or (n, k), optional
        Columns whose coefficients vary over the levels; an intercept by default.
    name : str, optional
        Name of the grouping factor; that of a Series otherwise.
    structure : str
        Covariance structure: ``"us"``, ``"diag"``, or ``"homdiag"`` (one variance that
        all columns share).

    Examples
    --------
    >>> import numpy as np
    >>> RandomEffects(np.repeat([1, 2, 3], 4), name="subject").name
    'subject'
    """

    groups: object
    exog: object = None
    name: str | None = None
    structure: str = "us"

    def design(self, position, nobs, rows, labels, fixed):
        """The term over the rows that are used.

        Parameters
        ----------
        position : int
            Which term it is.
        nobs : int
            Rows that were given.
        rows : slice or ndarray of int
            Rows that are used.
        labels : pandas.Index
            Their labels.
        fixed : tuple of (ndarray, sequence of str)
            Fixed-effects columns over these rows, and their names.

        Returns
        -------
        TermDesign
        """
        name = self.name or getattr(self.groups, "name", None) or f"group{position}"
        if self.structure not in STRUCTURES:
            raise DataError(
                f"random[{position}]: structure={self.structure!r} is not one of "
                f"{', '.join(STRUCTURES)}."
            )
        groups = as_column(self.groups, f"random[{position}]: groups")
        grouping = code_factor(groups[rows], str(name))
        check_grouping(grouping, len(labels))
        z, names = self._effects(position, nobs)
        z = np.ones((len(labels), 1)) if z is None else np.ascontiguousarray(z[rows])
        check_finite(f"exog of random[{position}]", z, labels)
        effects, columns = _repeated(z, names, *fixed)
        if z.shape[1] == 1 and (z == 1.0).all():
            z, columns = None, ()
        return TermDesign(
            text=f"{' + '.join(effects)} | {name}",
            effects=effects,
            z=z,
            grouping=grouping,
            structure=STRUCTURES[self.structure](len(effects)),
            encoder=ArrayTermEncoder(position, effects, columns, names is not None),
        )

    def _effects(self, position, nobs):
        """Columns over the rows that were given, and the names they carry."""
        if self.exog is None:
            return None, None
        z, names = as_matrix(self.exog, f"random[{position}]: exog", "C")
        if len(z) != nobs:
            raise DataError(
                f"random[{position}]: exog has shape {z.shape}, endog {nobs} rows."
            )
        return z, names

    def incomplete(self, position, nobs):
        """Rows in which something of the term is missing."""
        if len(self.groups) != nobs:
            raise DataError(
                f"random[{position}]: groups has length {len(self.groups)}, endog "
                f"{nobs}."
            )
        if np.ndim(self.groups) != 1:
            raise DataError(
                f"random[{position}]: groups must be one column of labels, not of "
                f"shape {np.shape(self.groups)}; a pair is (groups, exog)."
            )
        missing = np.asarray(pd.isna(pd.Series(np.asarray(self.groups, dtype=object))))
        z, _ = self._effects(position, nobs)
        return missing if z is None else missing | np.isnan(z).any(axis=1)


def _repeated(z, names, exog, exog_names):
    """Names of varying effects, and where they stand among the fixed effects.

    A column without a name gets that of the fixed-effects column it repeats: as in a
    formula, what varies about a coefficient has its name.
    """
    columns = same_columns(z, exog)
    if names is None:
        return tuple(_names(z, columns, exog_names)), tuple(columns)
    same = zip(columns, names, strict=True)
    own = (None if j is None or exog_names[j] != name else j for j, name in same)
    return names, tuple(own)


def _names(z, columns, exog_names):
    count = 0
    for column, j in zip(z.T, columns, strict=True):
        count += j is None
        other = INTERCEPT if (column == 1.0).all() else f"z{count}"
        yield other if j is None else exog_names[j]


def as_terms(random, argument="random"):
    """Normalise what a user gives as ``random=``.

    A `RandomEffects`, a pair (groups, exog), or groups alone; or a list of these.
    """
    if isinstance(random, RandomEffects):
        return (random,)
    if not isinstance(random, (list, tuple)):
        raise DataError(
            f"{argument}= takes a list of RandomEffects, of pairs (groups, exog), or "
            "of arrays of group labels."
        )
    return tuple(_as_term(item) for item in random)


def _as_term(item):
    if isinstance(item, RandomEffects):
        return item
    if isinstance(item, tuple) and len(item) == 2:
        return RandomEffects(*item)
    return RandomEffects(item)
