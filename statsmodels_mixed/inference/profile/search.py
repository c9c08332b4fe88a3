"""Parts of the searches along a profile: restricted evaluations and rival minima."""

from __future__ import annotations

import numpy as np

ROUGH = 0.1  # predicted decrease at which a rival is left until it matters
ROUGHLY = 2.0  # how far the deviance of such a one may still be from its minimum


class Held:
    """An evaluation with the coordinates that are not free left out."""

    def __init__(self, found, free):
        self.value = found.value
        self.rounding = found.rounding
        # where there is no deviance nothing moves
        free = free & np.isfinite(found.value)[:, None]
        self.gradient = np.where(free, found.gradient, 0.0)
        both = free[:, :, None] & free[:, None, :]
        curvature = np.where(both, found.curvature, 0.0)
        i = np.arange(free.shape[1])
        diagonal = curvature[:, i, i]
        count = np.maximum(free.sum(axis=1), 1)
        size = np.abs(diagonal).sum(axis=1, keepdims=True) / count[:, None]
        curvature[:, i, i] = np.where(free, diagonal, np.where(size > 0, size, 1.0))
        self.curvature = curvature


class Best:
    """The lowest evaluation of each problem."""

    def __init__(self, count, n):
        self.value = np.full(count, np.inf)
        self.rounding = np.zeros(count)
        self.y = np.full((count, n), np.nan)
        self.gradient = np.full((count, n), np.nan)
        self.curvature = np.full((count, n, n), np.nan)

    def offer(self, index, y, found):
        """Keep what is lower than before."""
        better = found.value <= self.value[index]
        i = index[better]
        self.value[i], self.rounding[i] = found.value[better], found.rounding[better]
        self.y[i], self.gradient[i] = y[better], found.gradient[better]
        self.curvature[i] = found.curvature[better]


class Rivals:
    """Minima where a correlation is of an effect without variance, for each chain.

    Such a minimum is there at every correlation. Along a chain it may become the lower
    one, or lead to it.

    Parameters
    ----------
    problem : GaussianChains or GeneralizedChains
    which : int
        0 for the first effect of the correlation, 2 for the second.

    Attributes
    ----------
    value, error : ndarray, shape (chains,)
        Deviances, and how much lower they may be. Infinite for other parameters.
    y : ndarray, shape (chains, n)
        Minimisers.
    """

    def __init__(self, problem, which):
        self.y = np.array(problem.start)
        self.value, self.error = np.full((2, len(self.y)), np.inf)
        self._place = np.array(
            [t.bent[which] if t.bent else -1 for t in problem.targets for _ in range(2)]
        )
        self.error[self._place < 0] = 0.0

    def find(self, paths, chains):
        """Find those of some chains, not closely."""
        chains = chains[(self._place[chains] >= 0) & (chains % 2 == 0)]
        self._search(paths, chains, {"tol": ROUGH}, ROUGHLY)

    def refine(self, paths, chains):
        """Find those of some chains as closely as any point."""
        chains = np.unique(chains[self.error[chains] > 0.0] // 2 * 2)
        self._search(paths, chains, {}, 0.0)

    def _search(self, paths, chains, options, error):
        if not len(chains):
            return
        rows, place = np.arange(len(chains)), self._place[chains]
        free, y = paths.problem.free[chains], self.y[chains]
        free[rows, place], y[rows, place] = False, 0.0
        points = paths.minimised(chains, y, free, **options)[0]
        for both in (chains, chains + 1):
            self.value[both], self.y[both] = points.value, points.y
            self.error[both] = error
