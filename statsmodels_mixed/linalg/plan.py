"""Symbolic elimination: which factor goes when, and where each number is kept.

Factors are eliminated one after the other as long as the next one is still block
diagonal after the fill of the earlier ones (nested factors are); what remains is
the *tail*, one dense or sparse matrix. All numbers of the partly eliminated Gram
matrix live in one flat `storage` vector: first, per eliminated factor, the blocks
on its diagonal (upper triangles in full squares) and its couplings with every
later scalar column, one row of k numbers per (level, column); then the tail.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from .blocks import BlockGram
from .schur import PAIR_LIMIT

# With a tail wider than this, sparsity decides between a dense and a sparse tail.
DENSE_TAIL_WIDTH = 2500
SPARSE_TAIL_FILL = 0.02
# A factor that couples more pairs of later columns than this is eliminated only if
# it is the first: the products of later steps are formed anew at each Lambda.
LATER_PAIRS = 2_000_000


@dataclass(frozen=True)
class Step:
    """Elimination of one factor.

    Attributes
    ----------
    factor : int
        Index in the Gram matrix.
    m, k : int
    start : int
        First scalar column in elimination order.
    diagonal, coupling : slice
        Places in the storage vector, of m k k and of entries k numbers.
    level, column : ndarray of int, shape (entries,)
        Level of this factor and later scalar column of each coupling entry,
        sorted by level, then column.
    """

    factor: int
    m: int
    k: int
    start: int
    diagonal: slice
    coupling: slice
    level: np.ndarray
    column: np.ndarray

    @property
    def columns(self):
        """Slice of this factor's scalar columns in elimination order."""
        return slice(self.start, self.start + self.m * self.k)

    @property
    def after(self):
        """Slice of all later scalar columns."""
        return slice(self.columns.stop, None)

    @property
    def shape(self):
        """Shape of the coupling numbers, (entries, k)."""
        return len(self.level), self.k


@dataclass(frozen=True)
class TailPlan:
    """The part that is factorised as one matrix.

    Attributes
    ----------
    factors : tuple of int
    sizes : tuple of (m, k)
    start, width : int
        First scalar column in elimination order, and how many.
    storage : slice
    rows, cols : ndarray of int or None
        Pattern of the upper triangle (tail coordinates, sorted by row, then
        column) of a sparse tail; None for a dense one, kept as a full square.
    """

    factors: tuple
    sizes: tuple
    start: int
    width: int
    storage: slice
    rows: np.ndarray | None = None
    cols: np.ndarray | None = None

    def positions(self, row, col):
        """Places in the storage vector of tail entries with ``row <= col``."""
        if self.rows is None:
            return self.storage.start + row * self.width + col
        keys = self.rows * self.width + self.cols
        return self.storage.start + np.searchsorted(keys, row * self.width + col)


@dataclass(frozen=True)
class Plan:
    """Order of elimination and layout of the storage vector."""

    order: tuple
    steps: tuple
    tail: TailPlan
    size: int
    width: int


def _entries(pattern, k_row):
    """Expand a level-by-level pattern to (level, scalar column) entries."""
    level = np.repeat(pattern.row, k_row)
    column = (pattern.col[:, None] * k_row + np.arange(k_row)).ravel()
    return level, column


class _Graph:
    """Level-by-level patterns between the factors not yet eliminated."""

    def __init__(self, gram: BlockGram):
        self.sizes = gram.sizes
        self.pattern = {}
        for (s, t), c in gram.couplings.items():
            shape = (self.sizes[s][0], self.sizes[t][0])
            ones = np.ones(len(c.rows), dtype=bool)
            self.pattern[s, t] = sparse.csr_matrix((ones, (c.rows, c.cols)), shape)
        self.alive = set(range(len(self.sizes)))
        self.filled = set()  # factors whose own block is no longer block diagonal

    def between(self, s, t):
        if (s, t) in self.pattern:
            return self.pattern[s, t]
        return self.pattern[t, s].T.tocsr()

    def coupled(self, s, t):
        return (s, t) in self.pattern or (t, s) in self.pattern

    def next(self):
        """The factor to eliminate next, None if none is block diagonal any more.

        One that is nested in all others comes first, as it fills nothing in;
        otherwise the widest, which leaves the least.
        """
        free = sorted(self.alive - self.filled)
        nested = [f for f in free if not self.fills(f)]
        return max(nested or free, key=self.rank, default=None)

    def rank(self, f):
        """Width, then levels: what decides between factors."""
        m, k = self.sizes[f]
        return m * k, m

    def fills(self, f):
        """Whether some level of `f` meets several levels of another factor."""
        others = [t for t in self.alive if t != f and self.coupled(f, t)]
        return any((np.diff(self.between(f, t).indptr) > 1).any() for t in others)

    def eliminate(self, f):
        """Remove `f`; record what fills in between and within its neighbours."""
        self.alive.discard(f)
        near = {t: self.between(f, t) for t in self.alive if self.coupled(f, t)}
        for t, p in near.items():
            if (np.diff(p.indptr) > 1).any():
                self.filled.add(t)
        for s in near:
            for t in near:
                if s < t and not {s, t} <= self.filled:
                    fill = (near[s].T.tocsr().astype(np.int32) @ near[t]).astype(bool)
                    old = self.pattern.get((s, t))
                    self.pattern[s, t] = fill if old is None else (old + fill).tocsr()


def _order_and_patterns(gram):
    graph, eliminated = _Graph(gram), []
    while (f := graph.next()) is not None:
        patterns = {
            t: graph.between(f, t)
            for t in graph.alive
            if t != f and graph.coupled(f, t)
        }
        listed = _pairs(patterns, gram) * gram.sizes[f][1] ** 2
        if eliminated and listed > LATER_PAIRS:
            graph.filled.add(f)  # cheaper within the tail than a step of its own
            continue
        graph.eliminate(f)
        eliminated.append((f, patterns))
        if listed > PAIR_LIMIT:  # too many to list, and only a tail needs no list
            graph.filled |= graph.alive
    tail = sorted(graph.alive, key=lambda t: -gram.widths[t])
    return eliminated, tuple(tail)


def _pairs(patterns, gram):
    """Pairs of scalar columns that share a level of the factor to be eliminated."""
    degree = sum(
        np.diff(p.indptr).astype(float) * gram.sizes[t][1] for t, p in patterns.items()
    )
    return float(np.sum(degree * (degree + 1) / 2))


def _tail_pattern(gram, tail, starts, base, steps):
    """Upper-triangle pattern of the tail, or None when it had better be dense."""
    width = sum(gram.widths[t] for t in tail)
    if width <= DENSE_TAIL_WIDTH:
        return None
    parts = []
    for t in tail:
        m, k = gram.sizes[t]
        block = sparse.kron(sparse.eye(m, dtype=np.int32), np.ones((k, k), np.int32))
        parts.append(_place(block.tocoo(), starts[t] - base, starts[t] - base, width))
    for (s, t), c in gram.couplings.items():
        if s in tail and t in tail:
            k_s, k_t = gram.sizes[s][1], gram.sizes[t][1]
            cells = sparse.coo_matrix(
                (np.ones(len(c.rows), np.int32), (c.rows, c.cols)),
                (gram.sizes[s][0], gram.sizes[t][0]),
            )
            block = sparse.kron(cells, np.ones((k_s, k_t), np.int32)).tocoo()
            placed = _place(block, starts[s] - base, starts[t] - base, width)
            parts += [placed, placed.T]
    total = sum(parts[1:], parts[0].tocsr())
    for step in steps:
        inside = step.column >= base
        b = sparse.csr_matrix(
            (
                np.ones(inside.sum(), np.int32),
                (step.level[inside], step.column[inside] - base),
            ),
            (step.m, width),
        )
        work = float((np.diff(b.indptr).astype(float) ** 2).sum())
        if work > 4 * SPARSE_TAIL_FILL * width**2:
            return None
        total = total + b.T @ b
    upper = sparse.triu(total.tocsr(), format="csr")
    if upper.nnz > SPARSE_TAIL_FILL * width**2 / 2:
        return None
    upper.sort_indices()
    rows = np.repeat(np.arange(width), np.diff(upper.indptr))
    return rows, upper.indices.astype(np.int64)


def _place(block, row, col, width):
    return sparse.coo_matrix(
        (block.data, (block.row + row, block.col + col)), (width, width)
    )


def make_plan(gram: BlockGram) -> Plan:
    """Choose the order of elimination and lay out the storage vector.

    The choice depends on the widths of the factors and on which levels meet, never
    on the order in which a formula names them.
    """
    eliminated, tail = _order_and_patterns(gram)
    order = tuple(f for f, _ in eliminated) + tail
    starts, at = {}, 0
    for f in order:
        starts[f], at = at, at + gram.widths[f]
    steps, place = [], 0
    for f, patterns in eliminated:
        m, k = gram.sizes[f]
        level, column = [np.zeros(0, int)], [np.zeros(0, int)]
        for t, p in patterns.items():
            lev, col = _entries(p.tocoo(), gram.sizes[t][1])
            level.append(lev)
            column.append(col + starts[t])
        level, column = np.concatenate(level), np.concatenate(column)
        by_level = np.lexsort((column, level))
        level, column = level[by_level].astype(np.int64), column[by_level]
        diagonal = slice(place, place + m * k * k)
        coupling = slice(diagonal.stop, diagonal.stop + len(level) * k)
        place = coupling.stop
        steps.append(Step(f, m, k, starts[f], diagonal, coupling, level, column))
    base = at - sum(gram.widths[t] for t in tail)
    pattern = _tail_pattern(gram, tail, starts, base, steps)
    size = (at - base) ** 2 if pattern is None else len(pattern[0])
    plan_tail = TailPlan(
        tail,
        tuple(gram.sizes[t] for t in tail),
        base,
        at - base,
        slice(place, place + size),
        *(pattern or ()),
    )
    return Plan(order, tuple(steps), plan_tail, plan_tail.storage.stop, at)
