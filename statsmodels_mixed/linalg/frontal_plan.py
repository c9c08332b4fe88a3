"""Where the numbers of a multifrontal factorisation go, worked out once per pattern.

Supernodes of one height of the tree are independent. Those of similar size are
padded to a common size and stacked, and every number that enters a front (an entry
of the matrix, an element of a child's update) has its place computed here, so that
the numeric phase of `supernodal` consists of gathers and dense kernels.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

# Fronts with more pivots or rows go to LAPACK one by one, smaller ones in stacks.
# Timings on 2-D grids and random local graphs are flat within a factor of two.
STACKED_PIVOTS = 32
STACKED_ROWS = 128
# Stacked fronts are padded to a common size; sizes within a factor 2^(1/3) share it.
SIZES_PER_OCTAVE = 3.0
# Rows of a large update that are added to a front at once: bounds the index array,
# and blocks above the diagonal are skipped.
ROWS_AT_ONCE = 64


@dataclass(frozen=True)
class Batch:
    """A stack of g fronts with k pivots and r rows below, and where their data are.

    Attributes
    ----------
    k, r : int
        Pivots and rows below of every front, padding included.
    large : bool
        A single front for LAPACK, without padding.
    pivots, rows : ndarray of int, shape (g, k), (g, r)
        Their indices in the order of elimination. Padding points to row n of a
        right-hand side, which is kept at zero.
    update_at : int
        Place of the Schur complements in the workspace.
    inverse_at : int
        Place of the fronts of the inverse in the arena, -1 if no child needs them.
    relative : ndarray of int, shape (g, r)
        Positions of `rows` in the parents' fronts; padding repeats the first.
    parent_at, parent_size : ndarray of int, shape (g,)
        Places in the arena and sizes of the parents' fronts.
    source, target : ndarray of int
        What is gathered from the workspace, and where it goes in the fronts, lower
        triangles only; the first `n_entries` are entries of the matrix.
    n_entries : int
    heavy : list
        Updates that come as blocks, for large fronts: place in the workspace, size,
        and positions in the front.
    """

    k: int
    r: int
    large: bool
    pivots: np.ndarray
    rows: np.ndarray
    update_at: int
    inverse_at: int
    relative: np.ndarray
    parent_at: np.ndarray
    parent_size: np.ndarray
    source: np.ndarray
    target: np.ndarray
    n_entries: int
    heavy: list

    def update(self, workspace):
        """The stack of Schur complements, a view of the workspace."""
        g, r = self.rows.shape
        return workspace[self.update_at : self.update_at + g * r * r].reshape(g, r, r)

    def assemble(self, workspace):
        """Lower triangles of the fronts: entries plus the updates of children."""
        g, m = len(self.pivots), self.k + self.r
        front = np.bincount(self.target, workspace.take(self.source), g * m * m)
        for at, size, place in self.heavy:
            block = workspace[at : at + size * size].reshape(size, size)
            _add_lower(front, m, place, block)
        return front.reshape(g, m, m)

    def shared_inverse(self, arena):
        """Blocks of the inverse at the rows below the pivots, from the parents."""
        if self.r == 0:
            return np.empty((len(self.pivots), 0, 0))
        if not self.large:
            row = self.parent_at[:, None] + self.relative * self.parent_size[:, None]
            return arena.take(row[:, :, None] + self.relative[:, None, :])
        m, at, place = self.parent_size[0], self.parent_at[0], self.relative[0]
        parent = arena[at : at + m * m].reshape(m, m)
        return parent.take(place, axis=0).take(place, axis=1)[None]


def _add_lower(front, m, place, block):
    """Add the lower triangle of a block to a flat front of size m."""
    for start in range(0, len(place), ROWS_AT_ONCE):
        stop = min(start + ROWS_AT_ONCE, len(place))
        index = place[start:stop, None] * m + place[:stop]
        part = front.take(index)
        part += block[start:stop, :stop]
        front[index] = part


def _is_large(k, r):
    return (k > STACKED_PIVOTS) | (k + r > STACKED_ROWS)


def _size_class(size):
    """Sizes that are padded to the same size have the same class, zero its own."""
    return np.ceil(SIZES_PER_OCTAVE * np.log2(np.maximum(size, 0.5))).astype(np.int64)


def _allocate(sizes, last_use):
    """Places for blocks in one array: block i lives from step i to its last use.

    First fit. A block may take the place of one that is read in the same step,
    because the reader copies before it writes.
    """
    places, live, total = [], [], 0
    for step, (size, last) in enumerate(zip(sizes, last_use, strict=True)):
        live = [block for block in live if block[2] > step]
        at = 0
        for start, stop, _ in live:
            if start - at >= size:
                break
            at = max(at, stop)
        if size and last > step:
            live.append((at, at + size, last))
            live.sort()
        places.append(at)
        total = max(total, at + size)
    return np.array(places, dtype=np.int64), total


@dataclass
class _Inbox:
    """What a stack is going to gather, as its children announce it."""

    source: list = field(default_factory=list)
    target: list = field(default_factory=list)
    heavy: list = field(default_factory=list)


class FrontalPlan:
    """Stacks of fronts and every index array of the numeric phase.

    The workspace holds the entries of the matrix, a one for the diagonals of padded
    pivots, and the updates that wait for their parents.

    Parameters
    ----------
    nodes : Supernodes
    rows, cols : ndarray of int
        The pattern.

    Attributes
    ----------
    batches : list of Batch
        Children before parents.
    workspace_size, arena_size : int
    """

    def __init__(self, nodes, rows, cols):
        self._nodes, self._n, self._nnz = nodes, len(nodes.order), len(rows)
        self._stack()
        self._place()
        self._locate(rows, cols)
        inboxes = [_Inbox() for _ in self._k]
        for b, inbox in enumerate(inboxes):
            entries = self._by_entry[self._entry_start[b] : self._entry_start[b + 1]]
            inbox.source.append(entries)
            inbox.target.append(self._entry_target[entries])
        # An inbox is complete once all earlier stacks, the children, are done.
        self.batches = [self._batch(b, inboxes) for b in range(len(inboxes))]

    def _stack(self):
        """Group supernodes by height and size, large ones alone."""
        nodes = self._nodes
        k, r = np.diff(nodes.first), np.diff(nodes.row_start)
        self._large = _is_large(k, r)
        by_size = (_size_class(k) + 4) * 1024 + _size_class(r) + 4
        alone = (1 << 24) + np.arange(len(k))
        kind = (nodes.height << 40) + np.where(self._large, alone, by_size)
        stack = np.unique(kind, return_inverse=True)[1].reshape(-1)
        n_stacks = int(stack.max()) + 1
        self._above = np.where(nodes.parent < 0, -1, stack[nodes.parent])
        # Members of a stack that update the same parent stack are neighbours.
        self._members = np.lexsort((self._above, stack))
        self._start = np.searchsorted(stack[self._members], np.arange(n_stacks + 1))
        self._slot = np.empty_like(stack)
        self._slot[self._members] = np.arange(len(k))
        self._slot -= self._start[stack]
        self._k, self._r = np.zeros((2, n_stacks), dtype=np.int64)
        np.maximum.at(self._k, stack, k)
        np.maximum.at(self._r, stack, r)
        self._of = stack

    def _place(self):
        """Places of updates in the workspace and of inverse fronts in the arena."""
        number, count = np.arange(len(self._k)), np.diff(self._start)
        last = number.copy()
        np.maximum.at(last, self._of, self._above)
        places, total = _allocate((count * self._r**2).tolist(), last.tolist())
        self._update_at = places + self._nnz + 1
        self.workspace_size = self._nnz + 1 + total
        # The inverse runs downwards: steps are counted from the last stack.
        child = number.copy()
        inner = self._above >= 0
        np.minimum.at(child, self._above[inner], self._of[inner])
        self._is_parent = child < number
        sizes = count * (self._k + self._r) ** 2 * self._is_parent
        last = number[-1] - child
        places, total = _allocate(sizes[::-1].tolist(), last[::-1].tolist())
        self._inverse_at = places[::-1]
        self.arena_size = total

    def _locate(self, rows, cols):
        """Positions in fronts: of rows in the parent's front, of entries in theirs."""
        nodes, n = self._nodes, self._n
        number = np.arange(len(nodes.parent))
        owner = np.repeat(number, np.diff(nodes.first))
        child = np.repeat(number, np.diff(nodes.row_start))
        keys = child * n + nodes.rows
        self._relative = self._position(keys, nodes.parent[child], nodes.rows)
        label = np.empty(n, dtype=np.int64)
        label[nodes.order] = np.arange(n)
        a, b = label[rows], label[cols]
        low, high = np.minimum(a, b), np.maximum(a, b)
        s = owner[low]
        stack = self._of[s]
        m = self._k[stack] + self._r[stack]
        row = self._slot[s] * m + self._position(keys, s, high)
        self._entry_target = row * m + low - nodes.first[s]
        self._by_entry = np.argsort(stack, kind="stable")
        self._entry_start = np.searchsorted(
            stack[self._by_entry], np.arange(len(self._k) + 1)
        )

    def _position(self, keys, s, row):
        """Position of a row in the front of supernode s, padding counted."""
        nodes = self._nodes
        below = np.searchsorted(keys, s * self._n + row) - nodes.row_start[s]
        is_pivot = row < nodes.first[s + 1]
        return np.where(is_pivot, row - nodes.first[s], self._k[self._of[s]] + below)

    def _batch(self, b, inboxes):
        """Index arrays of stack b; its parents are told of its updates."""
        nodes, inbox = self._nodes, inboxes[b]
        n_entries = len(inbox.source[0])
        k, r = int(self._k[b]), int(self._r[b])
        members = self._members[self._start[b] : self._start[b + 1]]
        begin = nodes.row_start[members, None]
        real = np.arange(r) < nodes.row_start[members + 1, None] - begin
        at = begin + np.where(real, np.arange(r), 0)
        relative = self._relative[at]
        if r:
            self._announce(b, members, relative, real, inboxes)
        parent = nodes.parent[members]
        above = self._of[parent]
        size = self._k[above] + self._r[above]
        return Batch(
            k=k,
            r=r,
            large=bool(self._large[members[0]]),
            pivots=self._pivots(members, k, r, inbox),
            rows=np.where(real, nodes.rows[at], self._n),
            update_at=int(self._update_at[b]),
            inverse_at=int(self._inverse_at[b]) if self._is_parent[b] else -1,
            relative=relative,
            parent_at=self._inverse_at[above] + self._slot[parent] * size**2,
            parent_size=size,
            source=np.concatenate(inbox.source),
            target=np.concatenate(inbox.target),
            n_entries=n_entries,
            heavy=inbox.heavy,
        )

    def _pivots(self, members, k, r, inbox):
        """Pivots, padded; padding gets a one on the diagonal of its front."""
        first, stop = self._nodes.first[members, None], self._nodes.first[members + 1]
        pivots = first + np.arange(k)
        slot, pad = np.nonzero(pivots >= stop[:, None])
        pivots[slot, pad] = self._n
        inbox.source.append(np.full(len(slot), self._nnz))
        inbox.target.append((slot * (k + r) + pad) * (k + r) + pad)
        return pivots

    def _announce(self, b, members, relative, real, inboxes):
        """Tell the parents' stacks where they find the updates of stack b."""
        r, update_at = relative.shape[1], int(self._update_at[b])
        parent, above = self._nodes.parent[members], self._above[members]
        if r > STACKED_ROWS:
            inboxes[above[0]].heavy.append((update_at, r, relative[0]))
            return
        i, j = np.tril_indices(r)
        m = (self._k[above] + self._r[above])[:, None]
        row = (self._slot[parent, None] * m + relative) * m
        target = row[:, i] + relative[:, j]
        source = update_at + np.arange(len(members))[:, None] * r * r + (i * r + j)
        used = real[:, i]
        cuts = np.r_[0, np.flatnonzero(np.diff(above)) + 1, len(members)]
        for first, last in pairwise(cuts):
            chosen = used[first:last]
            inboxes[above[first]].source.append(source[first:last][chosen])
            inboxes[above[first]].target.append(target[first:last][chosen])
