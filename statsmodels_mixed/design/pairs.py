"""Which levels of two grouping factors were observed together."""

from __future__ import annotations

import numpy as np
import pandas as pd


def pair_index(first, second, m_second):
    """Observed pairs of levels, and the pair of each row.

    Parameters
    ----------
    first, second : ndarray of int, shape (n,)
        Codes of two grouping factors.
    m_second : int
        Number of levels of the second.

    Returns
    -------
    rows, cols : ndarray of int, shape (pairs,)
        Sorted by row, then column.
    index : ndarray of int, shape (n,)
        Pair of each row of the data.
    """
    keys = first.astype(np.int64) * m_second + second
    # hashing is several times faster than np.unique's sort of all rows
    index, unique = pd.factorize(keys)
    order = np.argsort(unique)
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    rows, cols = np.divmod(unique[order], m_second)
    return rows, cols, rank[index]
