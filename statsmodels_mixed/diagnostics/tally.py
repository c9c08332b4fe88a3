"""What residuals and their tests need of simulations, counted as they go by."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from ..errors import DataError


@dataclass(frozen=True, eq=False)
class Counts:
    """Figures of all simulations beside those of the observed response.

    In the arrays that go by response the first entry is the observed one's.

    Attributes
    ----------
    lower, upper : ndarray, shape (nobs,)
        Shares of the simulations below the observed response, and not above it.
    whole : bool
        Whether all responses are whole numbers.
    spread : ndarray, shape (1 + n,)
        Variance of response minus prediction, over the rows.
    zeros : ndarray of int, shape (1 + n,)
        Rows in which the response is zero.
    lowest, highest : ndarray of int, shape (1 + n,)
        Rows in which the response is below, or above, all others.
    """

    lower: np.ndarray = field(repr=False)
    upper: np.ndarray = field(repr=False)
    whole: bool
    spread: np.ndarray = field(repr=False)
    zeros: np.ndarray = field(repr=False)
    lowest: np.ndarray = field(repr=False)
    highest: np.ndarray = field(repr=False)


class _Extreme:
    """The largest response of each row so far, and whose it is."""

    def __init__(self, observed):
        self.largest = observed.copy()
        self.holder = np.zeros(len(observed), dtype=np.int32)
        self.alone = np.ones(len(observed), dtype=bool)

    def add(self, draw, number):
        """Compare with one more response, shape (nobs,)."""
        above = draw > self.largest
        self.alone &= draw != self.largest
        self.alone |= above
        self.holder[above] = number
        np.copyto(self.largest, draw, where=above)

    def counts(self, n):
        """Rows that each of the n responses tops alone, shape (n,)."""
        return np.bincount(self.holder[self.alone], minlength=n)


def tally(simulations, observed, fitted):
    """Go once through simulations.

    Parameters
    ----------
    simulations : GivenSimulations, DrawnSimulations or SummedSimulations
    observed : ndarray, shape (nobs,)
    fitted : ndarray, shape (nobs,)
        What `Counts.spread` is about.

    Returns
    -------
    Counts

    Raises
    ------
    DataError
        A simulated response is missing or infinite.
    """
    below, within = np.zeros((2, len(observed)), dtype=np.int64)
    low, high, seen = _Extreme(-observed), _Extreme(observed), 0
    whole = is_whole(observed)
    spread, zeros = ([part] for part in _of_columns(observed[None], fitted))
    for block in simulations.blocks():
        draws = np.ascontiguousarray(block.T)
        _refuse_missing(draws, seen)
        whole = whole and is_whole(draws)
        below += (draws < observed).sum(axis=0)
        within += (draws <= observed).sum(axis=0)
        for number, draw in enumerate(draws, start=seen + 1):
            high.add(draw, number)
            low.add(-draw, number)
        seen += len(draws)
        for parts, part in zip(
            (spread, zeros), _of_columns(draws, fitted), strict=True
        ):
            parts.append(part)
    return Counts(
        below / seen,
        within / seen,
        whole,
        np.concatenate(spread),
        np.concatenate(zeros),
        low.counts(seen + 1),
        high.counts(seen + 1),
    )


def is_whole(values):
    """Whether all values are whole numbers."""
    return bool((values == np.rint(values)).all())


def _of_columns(draws, fitted):
    """Spread about the prediction, and zeros, of responses in rows."""
    if draws.shape[1] > 1:
        spread = (draws - fitted).var(axis=1, ddof=1)
    else:
        spread = np.full(len(draws), np.nan)
    return spread, (draws == 0).sum(axis=1)


def _refuse_missing(draws, seen):
    # a single non-finite number makes the sum so
    if not np.isfinite(draws.sum()):
        bad = np.argwhere(~np.isfinite(draws))
        if len(bad):
            raise DataError(
                f"Simulation {seen + bad[0][0]} is missing or infinite in row "
                f"{bad[0][1]} (both counted from 0); leave it out or mend it."
            )
