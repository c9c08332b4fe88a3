"""Random-effects terms given as arrays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..covariance import STRUCTURES
from ..design.arrays import default_names
from ..design.design import TermDesign
from ..design.grouping import check_grouping, code_factor
from ..design.table import check_finite
from ..errors import DataError


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
        Covariance structure, ``"us"`` or ``"diag"``.

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

    def design(self, position, nobs, rows, labels):
        """The term over the rows that are used."""
        name = self.name or getattr(self.groups, "name", None) or f"group{position}"
        if self.structure not in STRUCTURES:
            raise DataError(
                f"random[{position}]: structure={self.structure!r} is not one of "
                f"{', '.join(STRUCTURES)}."
            )
        groups = pd.Series(np.asarray(self.groups))
        if isinstance(self.groups, pd.Series):
            groups = self.groups.reset_index(drop=True)
        groups = groups if isinstance(rows, slice) else groups.iloc[rows]
        grouping = code_factor(groups, str(name))
        check_grouping(grouping, len(labels))
        effects, z = self._effects(position, nobs)
        if z is not None:
            z = np.ascontiguousarray(z[rows])
            check_finite(f"exog of random[{position}]", z, labels)
            if z.shape[1] == 1 and (z == 1.0).all():
                z = None
        return TermDesign(
            text=f"{' + '.join(effects)} | {name}",
            effects=effects,
            z=z,
            grouping=grouping,
            structure=STRUCTURES[self.structure](len(effects)),
        )

    def _effects(self, position, nobs):
        if self.exog is None:
            return ("Intercept",), None
        try:
            z = np.asarray(self.exog, dtype=float)
        except (TypeError, ValueError):
            raise DataError(f"random[{position}]: exog must be numeric.") from None
        z = z[:, None] if z.ndim == 1 else z
        if z.ndim != 2 or len(z) != nobs:
            raise DataError(
                f"random[{position}]: exog has shape {z.shape}, endog {nobs} rows."
            )
        names = getattr(self.exog, "columns", None)
        if names is None and getattr(self.exog, "name", None) is not None:
            names = [self.exog.name]
        if names is None:
            names = default_names(z)
        return tuple(map(str, names)), z

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
        _, z = self._effects(position, nobs)
        return missing if z is None else missing | np.isnan(z).any(axis=1)


def as_terms(random):
    """Normalise what a user gives as ``random=``.

    A `RandomEffects`, a pair (groups, exog), or groups alone; or a list of these.
    """
    if isinstance(random, RandomEffects):
        return (random,)
    if not isinstance(random, (list, tuple)):
        raise DataError(
            "random= takes a list of RandomEffects, of pairs (groups, exog), or of "
            "arrays of group labels."
        )
    return tuple(_as_term(item) for item in random)


def _as_term(item):
    if isinstance(item, RandomEffects):
        return item
    if isinstance(item, tuple) and len(item) == 2:
        return RandomEffects(*item)
    return RandomEffects(item)
