"""One month of one material as a linear system: rule C, and its elimination by components.

    (I - P^T) X = B      P_ij = (F_ij / O_i) a_i / T_i,  X_io = kg of origin o passing the pool of i

Proportional sharing: Bialek 1996; Kirschen, Allan, Strbac 1997.  P is non-negative with row sums
<= 1, so I - P^T is a Z-matrix; without the places of rule C it is a nonsingular M-matrix (paper 6
section 3).  Queues (yards, transits) are contracted beforehand (`operators`); a contracted yard
leaves a self-loop at its site, so components of one place can still be loops.
"""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np
from msgspec import Struct

from wasteflow.core.later import sparse
from wasteflow.core.tracing.flows import Floats, Ints, Mask


class Moves(NamedTuple):
    """What left holding places in a month, one element a row.

    `target` -1 at a boundary, then `kind` says which; `share` = kg / all outflow of `source`.
    """

    source: Ints
    target: Ints
    kg: Ints
    kind: Ints
    route: Ints
    evidence: Ints
    mark: Ints
    share: Floats


class Sources(NamedTuple):
    """Mass that came in: place, origin, kilograms, and the kind of boundary (0 = hole).

    In a finished chain in order of origin.
    """

    place: Ints
    origin: Ints
    kg: Ints
    born: Ints


class MonthSystem(Struct, frozen=True):
    """Books of one month, one element a holding place; whole kilograms but `passed` = a / T.

    `opening` includes what `opened` (postings from `opening:…`) adds; `out` includes `settled`.
    `treated` = kilograms of treatment entries, at most the throughput.
    """

    month: int
    is_site: Mask
    opening: Ints
    closing: Ints
    debt: Ints
    throughput: Ints
    out: Ints
    draw: Ints
    passed: Floats
    moves: Moves
    opened: Sources
    sources: Sources
    treated: Ints
    circulating: Mask


def reached_from_sources(system: MonthSystem) -> Mask:
    """Places a source can reach along pool shares (rule C): the others have no composition.

    Sources: opening of a site, what came in, holes, and the receivers of a queue's draw.
    """
    moves = system.moves
    inner = moves.target >= 0
    reached = system.is_site & (system.opening > 0)
    reached[system.sources.place] = True
    reached[moves.target[inner & (system.draw[moves.source] > 0)]] = True
    carries = inner & (system.passed[moves.source] > 0)
    source, target = moves.source[carries], moves.target[carries]
    while True:
        left = ~reached[target]
        source, target = source[left], target[left]
        next_ones = target[reached[source]]
        if not len(next_ones):
            return reached
        reached[next_ones] = True


class LevelPlan:
    """Elimination of (I - P^T) X = B in topological order of strongly connected components.

    Components are peeled level by level (Kahn); inside a component W = (I - P^T)^-1 is dense, a
    place without loop has W = 1.  Then X_L = W (B_L + P^T X_<L), sparse rows throughout: time is
    the sum over arcs of the origins that pass them, never places x origins.  All levels are rows of
    one matrix W [E | P^T] whose columns are the rows of B and then of X in order of level.
    """

    def __init__(self, p: sparse.csr_array) -> None:
        self.size = size = p.shape[0]
        arcs = sparse.coo_array(p)
        level, component = _levels(arcs, size)
        self._order = np.lexsort((component, level))
        self._position = np.empty(size, np.int64)
        self._position[self._order] = np.arange(size)
        source, target = self._position[arcs.row], self._position[arcs.col]
        inside = component[arcs.row] == component[arcs.col]
        rows = np.concatenate([np.arange(size), target[~inside]])
        columns = np.concatenate([self._order, size + source[~inside]])
        values = np.concatenate([np.ones(size), arcs.data[~inside]])
        self._matrix = csr(values, rows, columns, (size, 2 * size))
        if inside.any():
            loops = csr(arcs.data[inside], target[inside], source[inside], (size, size))
            blocks = _inverse_of_blocks(loops, component[self._order])
            self._matrix = blocks @ self._matrix
        bounds = np.flatnonzero(np.diff(level[self._order], prepend=-1, append=-1)).tolist()
        self.levels = list(pairwise(bounds))

    def solve(self, b: sparse.csr_array) -> sparse.csr_array:
        """X for sparse B (places x origins)."""
        stack = _Stack(b)
        whole = self._matrix
        for low, high in self.levels:
            pointer = whole.indptr[low : high + 1]
            first, last = int(pointer[0]), int(pointer[-1])
            parts = whole.data[first:last], whole.indices[first:last], pointer - first
            step = sparse.csr_array(parts, shape=(high - low, self.size + low))
            stack.push(step @ stack.rows())
        return stack.rows(self.size)[self._position]


class _Stack:
    """Rows of B followed by the rows of X as they become known, in one growing CSR store."""

    def __init__(self, b: sparse.csr_array) -> None:
        self._data, self._indices = b.data.copy(), b.indices.astype(np.int32)
        self._pointer = [b.indptr.astype(np.int32)]
        self._used = len(self._data)
        self._columns = b.shape[1]

    def push(self, rows: sparse.csr_array) -> None:
        need = self._used + rows.nnz
        if need > len(self._data):
            grown = max(need, 2 * len(self._data))
            self._data = np.resize(self._data, grown)
            self._indices = np.resize(self._indices, grown)
        self._data[self._used : need] = rows.data
        self._indices[self._used : need] = rows.indices
        self._pointer.append((rows.indptr[1:] + self._used).astype(np.int32))
        self._used = need

    def rows(self, first: int = 0) -> sparse.csr_array:
        """All rows from `first` on, as a view where possible."""
        pointer = np.concatenate(self._pointer)[first:]
        parts = self._data[: self._used], self._indices[: self._used], pointer
        if first:
            low = int(pointer[0])
            parts = self._data[low : self._used], self._indices[low : self._used], pointer - low
        return sparse.csr_array(parts, shape=(len(pointer) - 1, self._columns))


def csr(values: Floats, rows: Ints, columns: Ints, shape: tuple[int, int]) -> sparse.csr_array:
    """Matrix of triplets, duplicates added, with index arrays of its own."""
    return sparse.csr_array((values, (rows, columns)), shape=shape)


def _levels(arcs: sparse.coo_array, size: int) -> tuple[Ints, Ints]:
    """(level, component) of every place; senders stand on lower levels than receivers."""
    graph = sparse.csr_array(arcs)
    count, component = sparse.csgraph.connected_components(graph, connection="strong")
    source, target = component[arcs.row], component[arcs.col]
    between = source != target
    source, target = source[between], target[between]
    level = np.zeros(count, np.int64)
    waiting = np.bincount(target, minlength=count)
    ready = waiting == 0
    done = np.zeros(count, bool)
    height = 0
    while ready.any():
        level[ready] = height
        done |= ready
        waiting -= np.bincount(target[ready[source]], minlength=count)
        ready = (waiting == 0) & ~done
        height += 1
    return level[component], component.astype(np.int64)


def _inverse_of_blocks(loops: sparse.csr_array, component: Ints) -> sparse.csr_array:
    """(I - L)^-1 where L has entries only inside equal `component`s (members stand together)."""
    size = len(component)
    starts = np.flatnonzero(np.diff(component, prepend=-1))
    ends = np.append(starts[1:], size)
    alone = ends - starts == 1
    single = starts[alone]
    lines, columns = [single], [single]
    values = [1.0 / (1.0 - loops.diagonal()[single])]
    for low, high in zip(starts[~alone], ends[~alone], strict=True):
        block = np.eye(high - low) - loops[low:high, low:high].toarray()
        grid = np.indices(block.shape) + low
        lines.append(grid[0].ravel())
        columns.append(grid[1].ravel())
        values.append(np.linalg.inv(block).ravel())
    parts = np.concatenate(values), (np.concatenate(lines), np.concatenate(columns))
    return sparse.csr_array(parts, shape=(size, size))
