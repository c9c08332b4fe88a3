"""Symbolic analysis of a sparse symmetric matrix: order, tree, supernodes.

Everything here looks at the pattern only. Columns are ordered to keep the factor
sparse, the elimination tree (Liu 1990, SIAM J. Matrix Anal. Appl. 11, 134-172) and
the column counts of the factor follow, and columns that share a structure are
gathered into supernodes, dense trapezoids that LAPACK can work on. Supernodes are
then merged with their parents where that costs few explicit zeros (Ashcraft and
Grimes 1989, ACM Trans. Math. Softw. 15, 291-309).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csc_matrix, csr_matrix
from scipy.sparse.csgraph import minimum_spanning_tree
from scipy.sparse.linalg import spilu

# Rows with more entries than this many square roots of n are put last by hand:
# minimum degree takes quadratic time over them (the rule of AMD: Amestoy, Davis
# and Duff 2004, ACM Trans. Math. Softw. 30, 381-388).
DENSE_ROW = 10.0
# A child is merged into its parent when the result has at most `columns` pivots
# and at most this share of explicit zeros. Tuned by timing on 2-D grids of 1e4
# and 1e5 points and on random local graphs; broad optimum.
RELAXATION = ((8, 0.6), (24, 0.3), (64, 0.12), (1 << 30, 0.04))


@dataclass(frozen=True)
class Supernodes:
    """Partition of the ordered columns into supernodes, children before parents.

    Attributes
    ----------
    order : ndarray of int, shape (n,)
        Original index of each eliminated column.
    first : ndarray of int, shape (S + 1,)
        Supernode s eliminates the columns ``first[s] : first[s + 1]``.
    parent : ndarray of int, shape (S,)
        Parent in the tree of supernodes, -1 for a root.
    height : ndarray of int, shape (S,)
        Zero for leaves, else one more than the highest child.
    row_start, rows : ndarray of int
        Supernode s has entries below its pivots in the (ordered) rows
        ``rows[row_start[s] : row_start[s + 1]]``, ascending.
    fill : int
        Entries of the factor, its diagonal included, before merging.
    flops : int
        Sum of squared column counts: multiply-add pairs are counted as two.
    """

    order: np.ndarray
    first: np.ndarray
    parent: np.ndarray
    height: np.ndarray
    row_start: np.ndarray
    rows: np.ndarray
    fill: int
    flops: int


def analyse(n, rows, cols):
    """Supernodes of the pattern with entries (rows, cols) above the diagonal.

    Parameters
    ----------
    n : int
    rows, cols : ndarray of int
        Off-diagonal pairs, each once, in either triangle.

    Returns
    -------
    Supernodes
    """
    order = fill_reducing_order(n, rows, cols)
    low, high = _relabel(order, rows, cols)
    parent = elimination_tree(n, low, high)
    by_tree = postorder(parent)
    order = order[by_tree]
    low, high = _relabel(order, rows, cols)
    new_label = np.empty(n + 1, dtype=np.int64)
    new_label[by_tree] = np.arange(n)
    new_label[n] = n
    parent = new_label[parent[by_tree]]
    count = column_counts(parent, low, high)

    top, group = _merge(*_fundamental(parent, count))
    by_group = np.argsort(group, kind="stable")
    order = order[by_group]
    low, high = _relabel(order, rows, cols)
    first = np.searchsorted(group[by_group], np.arange(len(top) + 1))
    height = _heights(top)
    row_start, below = _structures(n, first, top, height, low, high)
    return Supernodes(
        order,
        first,
        top,
        height,
        row_start,
        below,
        int(count.sum()),
        int(count @ count),
    )


def _relabel(order, rows, cols):
    """Both ends of every pair in the new labels, the earlier one first."""
    label = np.empty_like(order)
    label[order] = np.arange(len(order))
    a, b = label[rows], label[cols]
    return np.minimum(a, b), np.maximum(a, b)


def fill_reducing_order(n, rows, cols):
    """Multiple minimum degree order, rows that are nearly full last.

    SciPy offers SuperLU's ordering (Liu 1985, ACM Trans. Math. Softw. 11, 141-153)
    only as a by-product. An incomplete factorisation that drops everything yields
    the same permutation as `splu` without the cost of the fill.
    """
    degree = np.bincount(rows, minlength=n) + np.bincount(cols, minlength=n)
    full = degree > max(16.0, DENSE_ROW * np.sqrt(n))
    keep = np.flatnonzero(~full)
    last = np.flatnonzero(full)
    last = last[np.argsort(degree[last], kind="stable")]
    if len(keep) < 2:
        return np.concatenate([keep, last])
    label = np.full(n, -1)
    label[keep] = np.arange(len(keep))
    a, b = label[rows], label[cols]
    inside = (a >= 0) & (b >= 0)
    a, b = a[inside], b[inside]
    diagonal = np.arange(len(keep))
    # A dominant diagonal keeps SuperLU's own arithmetic free of zero pivots.
    values = np.concatenate([np.full(2 * len(a), -1.0), degree[keep] + 2.0])
    pattern = csc_matrix(
        (values, (np.r_[a, b, diagonal], np.r_[b, a, diagonal])), (len(keep),) * 2
    )
    position = spilu(
        pattern,
        drop_tol=1e10,
        fill_factor=1,
        permc_spec="MMD_AT_PLUS_A",
        diag_pivot_thresh=0,
        options={"SymmetricMode": True},
    ).perm_c
    return np.concatenate([keep[np.argsort(position)], last])


def elimination_tree(n, low, high):
    """Parent of every column in the elimination tree, n for a root.

    The tree only depends on which columns are connected within 0..i for each i.
    A spanning tree that is minimal for the weight max(i, j) keeps all of that, so
    the loop in Python (Liu 1990, algorithm 4.2) runs over fewer than n edges.
    """
    graph = csr_matrix((high + 1.0, (low, high)), (n, n))
    tree = minimum_spanning_tree(graph).tocoo()
    a, b = np.minimum(tree.row, tree.col), np.maximum(tree.row, tree.col)
    by_end = np.argsort(b, kind="stable")
    parent = [n] * n
    ancestor = list(range(n))
    for start, end in zip(a[by_end].tolist(), b[by_end].tolist(), strict=True):
        root = start
        while ancestor[root] != root:
            root = ancestor[root]
        while start != root:
            ancestor[start], start = end, ancestor[start]
        parent[root] = ancestor[root] = end
    return np.array(parent, dtype=np.int64)


def _subtree_sizes(above):
    """Columns in the subtree under each, itself included; one more for the forest."""
    size = [1] * (len(above) + 1)
    for j, p in enumerate(above):
        size[p] += size[j]
    return size


def postorder(parent):
    """Columns in an order in which every subtree is contiguous, roots last."""
    n = len(parent)
    above = parent.tolist()
    size = _subtree_sizes(above)
    # A node ends where its parent's place minus later siblings' sizes puts it.
    free = [0] * n + [n]
    place = [0] * n
    for j in range(n - 1, -1, -1):
        p = above[j]
        end = free[p]
        free[p] = end - size[j]
        place[j] = end - 1
        free[j] = end - 1
    order = np.empty(n, dtype=np.int64)
    order[place] = np.arange(n)
    return order


def column_counts(parent, low, high):
    """Entries per column of the factor, diagonal included; columns postordered.

    Row i of the factor is the union of the tree paths from its entries up to i.
    Ones at the entries, minus ones at the common ancestors of neighbours and
    above i, summed over subtrees, count the rows that contain a column (Gilbert,
    Ng and Peyton 1994, SIAM J. Matrix Anal. Appl. 15, 1075-1091). In a postorder
    the common ancestor of a < b is the largest parent within a..b-1.
    """
    n = len(parent)
    diagonal = np.arange(n)
    low, high = np.r_[low, diagonal], np.r_[high, diagonal]
    by_row = np.lexsort((low, high))
    low, high = low[by_row], high[by_row]
    neighbours = np.flatnonzero(high[1:] == high[:-1])
    common = _range_maximum(parent, low[neighbours], low[neighbours + 1])
    change = np.bincount(low, minlength=n + 1)
    change -= np.bincount(common, minlength=n + 1)
    change -= np.bincount(parent, minlength=n + 1)
    running = np.r_[0, np.cumsum(change[:n])]
    size = np.array(_subtree_sizes(parent.tolist())[:n], dtype=np.int64)
    return running[1:] - running[diagonal + 1 - size]


def _range_maximum(x, start, stop):
    """Maximum of ``x[start:stop]`` for arrays of nonempty ranges."""
    out = np.empty(len(start), dtype=x.dtype)
    level = np.frexp(stop - start)[1] - 1
    table = x
    for h in range(int(level.max(initial=-1)) + 1):
        if h:
            half = 1 << (h - 1)
            table = np.maximum(table[:-half], table[half:])
        chosen = np.flatnonzero(level == h)
        a, b = start[chosen], stop[chosen] - (1 << h)
        out[chosen] = np.maximum(table[a], table[b])
    return out


def _fundamental(parent, count):
    """Supernodes without any zeros: parent, pivots, front size, and of columns."""
    n = len(parent)
    joined = (parent[:-1] == np.arange(1, n)) & (count[:-1] == count[1:] + 1)
    group = np.r_[0, np.cumsum(~joined)]
    first = np.flatnonzero(np.r_[True, ~joined])
    last = np.r_[first[1:], n] - 1
    above = np.r_[group, -1][parent[last]]
    return above, last - first + 1, count[first], group


def _merge(parent, pivots, front, group):
    """Merge children into parents while that adds few zeros.

    Returns
    -------
    parent : ndarray of int
        Parents of the merged supernodes, -1 for a root.
    group : ndarray of int
        Merged supernode of every column.
    """
    above, k, m = parent.tolist(), pivots.tolist(), front.tolist()
    entries = [a * b - a * (a - 1) // 2 for a, b in zip(k, m, strict=True)]
    children = [[] for _ in k]
    into = list(range(len(k)))
    for s, p in enumerate(above):
        for c in sorted(children[s], key=m.__getitem__, reverse=True):
            columns, rows = k[c] + k[s], k[c] + m[s]
            size = columns * rows - columns * (columns - 1) // 2
            zeros = size - entries[c] - entries[s]
            share = next(limit for most, limit in RELAXATION if columns <= most)
            if zeros <= share * size:
                into[c] = s
                k[s], m[s], entries[s] = columns, rows, entries[c] + entries[s]
        if p >= 0:
            children[p].append(s)
    for s in range(len(k) - 1, -1, -1):
        into[s] = into[into[s]]
    into = np.array(into)
    kept = np.flatnonzero(into == np.arange(len(k)))
    label = np.searchsorted(kept, into)
    merged = np.where(parent[kept] < 0, -1, label[parent[kept]])
    return merged, label[group]


def _heights(parent):
    height = [0] * (len(parent) + 1)
    for s, p in enumerate(parent.tolist()):
        height[p] = max(height[p], height[s] + 1)
    return np.array(height[:-1], dtype=np.int64)


def _structures(n, first, parent, height, low, high):
    """Rows below the pivots of every supernode: its own entries and its children's.

    One pass per height of the tree, all supernodes of a height at once.
    """
    owner = np.repeat(np.arange(len(parent)), np.diff(first))
    outside = owner[low] != owner[high]
    own, row = owner[low[outside]], high[outside]
    pending = [[] for _ in range(int(height.max()) + 1)]
    _hand_over(pending, height[own], own * n + row)
    done = []
    for waiting in pending:
        if not waiting:
            continue
        key = np.unique(np.concatenate(waiting))
        done.append(key)
        s, row = np.divmod(key, n)
        above = parent[s]
        further = owner[row] != above
        above, row = above[further], row[further]
        _hand_over(pending, height[above], above * n + row)
    key = np.sort(np.concatenate(done)) if done else np.empty(0, dtype=np.int64)
    s, row = np.divmod(key, n)
    return np.searchsorted(s, np.arange(len(parent) + 1)), row


def _hand_over(pending, level, key):
    """Append every key to the list of its level."""
    by_level = np.argsort(level, kind="stable")
    level, key = level[by_level], key[by_level]
    cuts = np.flatnonzero(np.diff(level)) + 1
    for start, part in zip(np.r_[0, cuts], np.split(key, cuts), strict=True):
        if len(part):
            pending[level[start]].append(part)
