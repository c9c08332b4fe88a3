"""Between-within degrees of freedom: those of the level a column varies at.

Pinheiro and Bates (2000), Mixed-Effects Models in S and S-PLUS, section 2.4.2.
"""

from __future__ import annotations

import itertools

import numpy as np

from ...design.grouping import is_nested
from ...errors import DataError
from .wald import WaldTests


class ColumnTests(WaldTests):
    """Tests with degrees of freedom for each column of X.

    A contrast of several columns has the fewest of those it mixes.

    Parameters
    ----------
    beta, cov
        As for `WaldTests`.
    column_df : ndarray, shape (p,)
    """

    def __init__(self, beta, cov, column_df):
        super().__init__(beta, cov, None)
        self.column_df = column_df

    def df(self, matrix):
        """The fewest degrees of freedom among the columns of each row, shape (r,)."""
        used = np.atleast_2d(np.asarray(matrix, dtype=float)) != 0
        return np.where(used, self.column_df, np.inf).min(axis=1, initial=np.inf)


def between_within(fit):
    """Tests with the degrees of freedom of nlme, for nested grouping factors.

    Without a constant column nlme counts one more.

    Parameters
    ----------
    fit : Fit or GeneralizedFit

    Returns
    -------
    ColumnTests

    Raises
    ------
    DataError
        Grouping factors that are not nested.
    """
    groupings = nested_groupings(fit.design)
    kept = np.sort(fit.model.coordinates.basis.kept)
    exog = fit.design.mean.exog[:, kept]
    constant = (exog == exog[:1]).all(axis=0)
    stratum = np.full(len(kept), len(groupings))
    for i, grouping in reversed(list(enumerate(groupings))):
        stratum[_constant_within(exog, grouping)] = i
    sizes = [int(constant.any()), *(g.n_levels for g in groupings), fit.design.nobs]
    # a constant column counts as the unit of the outermost stratum and is tested
    # within the innermost one
    columns = np.bincount(stratum[~constant], minlength=len(groupings) + 1)
    df = np.diff(sizes) - columns
    stratum[constant] = len(groupings)
    column_df = np.where(df[stratum] > 0, df[stratum], np.nan)
    return ColumnTests(fit.beta, fit.cov_beta, column_df.astype(float))


def nested_groupings(design):
    """Grouping factors from the outermost to the innermost.

    Raises
    ------
    DataError
        They are not nested.
    """
    groupings = [design.terms[terms[0]].grouping for terms in design.factors]
    groupings = sorted(groupings, key=lambda g: g.n_levels)
    for outer, inner in itertools.pairwise(groupings):
        if not is_nested(inner, outer):
            raise DataError(
                f"Between-within degrees of freedom need nested grouping factors; "
                f"{inner.name!r} is not nested in {outer.name!r}. Use df_method="
                "'satterthwaite'."
            )
    return groupings


def _constant_within(exog, grouping):
    """Which columns have one value in each level of a grouping factor, (p,)."""
    first = np.zeros(grouping.n_levels, dtype=int)
    first[grouping.codes[::-1]] = np.arange(len(exog))[::-1]
    return (exog == exog[first[grouping.codes]]).all(axis=0)
