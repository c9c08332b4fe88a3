"""Connected components of the levels of a Gram matrix: blocks of H that never meet."""

from __future__ import annotations

from functools import cached_property

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components


class Components:
    """Levels that are linked by shared rows, directly or through others.

    With one grouping factor every level is a component; levels of nested factors
    form one component per level of the outermost.

    Parameters
    ----------
    system : BlockSystem

    Attributes
    ----------
    count : int
        Number of components.
    labels : tuple of ndarray of int, shape (m_t,)
        Component of each level, per grouping factor.
    of_place : ndarray of int, shape (width,)
        Component of each scalar column, in elimination order.
    sizes : ndarray of int, shape (count,)
        Scalar columns of each component.

    Examples
    --------
    >>> import numpy as np
    >>> from statsmodels_mixed.linalg import BlockGram, BlockSystem, Coupling
    >>> pairs = np.array([0, 0, 1]), np.array([0, 1, 2])
    >>> gram = BlockGram((np.ones((2, 1, 1)), np.ones((3, 1, 1))),
    ...                  {(0, 1): Coupling(*pairs, np.ones((3, 1, 1)))})
    >>> found = Components(BlockSystem(gram))
    >>> found.count, [part.tolist() for part in found.labels]
    (2, [[0, 1], [0, 0, 1]])
    """

    def __init__(self, system):
        gram, self._system = system.gram, system
        starts = np.cumsum([0] + [m for m, _ in gram.sizes])
        joined = gram.couplings.items()
        row = [starts[s] + c.rows for (s, _), c in joined]
        col = [starts[t] + c.cols for (_, t), c in joined]
        row, col = (np.concatenate([np.zeros(0, int), *part]) for part in (row, col))
        n = starts[-1]
        graph = coo_matrix((np.ones(len(row)), (row, col)), (n, n))
        self.count, labels = connected_components(graph, directed=False)
        self.labels = tuple(np.split(labels, starts[1:-1]))[: len(gram.sizes)]
        self.of_place = np.empty(system.width, dtype=int)
        for part, (_, k), own in zip(
            system.slices, gram.sizes, self.labels, strict=True
        ):
            self.of_place[part] = np.repeat(own, k)
        self.sizes = np.bincount(self.of_place, minlength=self.count)

    @cached_property
    def groups(self):
        """Components of equal size together.

        Returns
        -------
        list of (ndarray, ndarray)
            Components, (c,), and their places in elimination order, (c, size).
        """
        by_component = np.argsort(self.of_place, kind="stable")
        starts = np.cumsum(self.sizes) - self.sizes
        out = []
        for size in np.unique(self.sizes):
            members = np.flatnonzero(self.sizes == size)
            places = by_component[starts[members][:, None] + np.arange(size)]
            out.append((members, places))
        return out

    def sums(self, values):
        """Sums over the places of each component, (s, width) to (s, count)."""
        out = np.empty((len(values), self.count))
        for members, places in self.groups:
            out[:, members] = values[:, places].sum(axis=-1)
        return out

    def dense(self, gram, left, right):
        """``L'C R`` of each component, for one matrix per factor in L and in R.

        Parameters
        ----------
        gram : BlockGram
            C, in the pattern of the system.
        left, right : sequence of ndarray, shape (k_t, k_t)

        Returns
        -------
        list of ndarray, shape (c, size, size)
            Stacked as in `groups`.
        """
        storage = np.zeros(int((self.sizes**2).sum()))
        for f, block in enumerate(gram.diagonals):
            place = self._places(f)
            storage[self._address(place, place)] = left[f].T @ block @ right[f]
        for (s, t), c in gram.couplings.items():
            i, j = self._places(s)[c.rows], self._places(t)[c.cols]
            storage[self._address(i, j)] = left[s].T @ c.data @ right[t]
            mirrored = np.swapaxes(c.data, -1, -2)
            storage[self._address(j, i)] = left[t].T @ mirrored @ right[s]
        out, at = [], 0
        for _, places in self.groups:
            count, size = places.shape
            stop = at + count * size**2
            out.append(storage[at:stop].reshape(count, size, size))
            at = stop
        return out

    def level_blocks(self, stacks):
        """Blocks on the diagonal of dense components, one per level, (m, k, k)."""
        storage = np.concatenate([part.ravel() for part in stacks])
        places = map(self._places, range(len(self.labels)))
        return [storage[self._address(place, place)] for place in places]

    def pair_blocks(self, stacks):
        """Blocks between the levels that meet, (pairs, k_s, k_t), by (s, t)."""
        storage, out = np.concatenate([part.ravel() for part in stacks]), {}
        for (s, t), c in self._system.gram.couplings.items():
            i, j = self._places(s)[c.rows], self._places(t)[c.cols]
            out[s, t] = storage[self._address(i, j)]
        return out

    def _address(self, row, col):
        """Where blocks of places (b, k) by (b, j) are in all stacks, end to end."""
        origin, width, rank = self._addresses
        first = origin[row] + rank[row] * width[row]
        return first[:, :, None] + rank[col][:, None, :]

    def _places(self, f):
        """Places of factor f in elimination order, level by level, (m, k)."""
        part = self._system.slices[f]
        return np.arange(part.start, part.stop).reshape(self._system.gram.sizes[f])

    @cached_property
    def _addresses(self):
        """Start of each place's component in the storage, its size, the rank in it."""
        width = self.sizes[self.of_place]
        origin, rank, at = np.empty_like(width), np.empty_like(width), 0
        for _, places in self.groups:
            count, size = places.shape
            origin[places] = at + np.arange(count)[:, None] * size**2
            rank[places] = np.arange(size)
            at += count * size**2
        return origin, width, rank
