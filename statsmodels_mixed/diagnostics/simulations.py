"""Where simulated responses come from: a matrix, or draws made again when wanted."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from scipy import sparse

from ..design.grouping import Grouping
from ..simulation import simulate_responses

CELLS = 1 << 20  # responses in memory at a time


@dataclass(frozen=True, eq=False)
class GivenSimulations:
    """Simulated responses that were handed over.

    Attributes
    ----------
    values : ndarray, shape (nobs, n)
    """

    values: np.ndarray = field(repr=False)

    random = "given"

    @property
    def n(self):
        """Number of simulated responses."""
        return self.values.shape[1]

    def blocks(self):
        """Some of the simulations at a time, each of shape (nobs, some)."""
        step = max(1, CELLS // len(self.values))
        for start in range(0, self.n, step):
            yield self.values[:, start : start + step]


@dataclass(frozen=True, eq=False)
class DrawnSimulations:
    """Responses drawn from a fit: the same ones each time, never all in memory.

    Attributes
    ----------
    fit : Fit, GeneralizedFit or PQLFit
    n : int
    random : {"conditional", "new"}
    seed : int
    """

    fit: object = field(repr=False)
    n: int
    random: str
    seed: int

    def blocks(self):
        """Some of the simulations at a time, each of shape (nobs, some)."""
        rng = np.random.default_rng(self.seed)
        step = max(1, CELLS // self.fit.design.nobs)
        for start in range(0, self.n, step):
            count = min(step, self.n - start)
            yield simulate_responses(self.fit, count, random=self.random, rng=rng)


@dataclass(frozen=True, eq=False)
class SummedSimulations:
    """Sums over groups of rows of other simulations.

    Attributes
    ----------
    source : GivenSimulations, DrawnSimulations or SummedSimulations
    grouping : Grouping
        Of the rows of the source.
    """

    source: object
    grouping: Grouping = field(repr=False)

    @property
    def n(self):
        """Number of simulated responses."""
        return self.source.n

    @property
    def random(self):
        """What was done with the random effects."""
        return self.source.random

    def blocks(self):
        """Some of the simulations at a time, each of shape (groups, some)."""
        for block in self.source.blocks():
            yield group_sums(block, self.grouping)


def group_sums(values, grouping):
    """Sums of rows by group.

    Parameters
    ----------
    values : ndarray, shape (nobs, ...)
    grouping : Grouping

    Returns
    -------
    ndarray, shape (groups, ...)
    """
    nobs = len(grouping.codes)
    ones = np.ones(nobs)
    # rows in order within a group: the sums are those of a loop over the rows
    places = (ones, grouping.codes, np.arange(nobs + 1))
    indicator = sparse.csr_array(places, shape=(nobs, grouping.n_levels))
    return indicator.T @ values
