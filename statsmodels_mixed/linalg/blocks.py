"""The Gram matrix Z'WZ of several grouping factors, in blocks.

Each factor t has m_t levels with k_t columns each. Its own block of the Gram
matrix is block diagonal, an (m_t, k_t, k_t) array; the block between two factors
is sparse and holds one (k_s, k_t) block per pair of levels observed together.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Coupling:
    """The off-diagonal block between factors s and t.

    Attributes
    ----------
    rows, cols : ndarray of int, shape (pairs,)
        Levels of s and of t; each pair once.
    data : ndarray, shape (pairs, k_s, k_t)
    """

    rows: np.ndarray
    cols: np.ndarray
    data: np.ndarray


@dataclass(frozen=True)
class BlockGram:
    """Symmetric matrix over the levels of several factors.

    Attributes
    ----------
    diagonals : tuple of ndarray, shape (m_t, k_t, k_t) each
    couplings : dict
        ``(s, t)`` with ``s < t`` to `Coupling`.
    """

    diagonals: tuple
    couplings: dict

    @property
    def sizes(self):
        """Pairs (m_t, k_t), one per factor."""
        return tuple(d.shape[:2] for d in self.diagonals)

    @property
    def widths(self):
        """Number of scalar columns q_t = m_t k_t of each factor."""
        return tuple(m * k for m, k in self.sizes)
