"""One month of one material as a linear system: rule C, contraction of queues, elimination.

    (I - P^T) X = B      P_ij = (F_ij / O_i) a_i / T_i,  X_io = kg of origin o passing the pool of i

Proportional sharing: Bialek 1996; Kirschen, Allan, Strbac 1997.  P is non-negative with row sums
<= 1, so I - P^T is a Z-matrix; without the places of rule C it is a nonsingular M-matrix (paper 6
section 3).  Queues (yards, transits) are eliminated beforehand by their Schur complement

    C = P_ss + P_sq N P_qs,   N = (I - P_qq)^-1,   H = P_sq N,   G = N P_qs

A contracted yard leaves a self-loop at its site, so components of one place can still be loops.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import splu

from wasteflow.core.tracing.flows import Floats, Ints, Mask

WIDE = 300
"""Places in a loop from which on an ordering that looks for little fill-in pays."""


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
    """Mass that came in: place, origin, kilograms, and the kind of boundary (0 = hole)."""

    place: Ints
    origin: Ints
    kg: Ints
    born: Ints


@dataclass(frozen=True, slots=True)
class MonthSystem:
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
    known = -1
    while known != (known := int(np.count_nonzero(reached))):
        reached[target[reached[source]]] = True
    return reached


class Operator:
    """(I - P^T) of a month on its sites, for the moves in `carry` (None: all of them).

    Moves outside `carry` are exits of the class that is traced.  `sites` and `queues` number the
    places; sites stand in an order in which senders precede receivers but for loops, so that the
    elimination hardly fills in.  `to_queue` = H, `to_site` = G, `sites_alone` = C.

        X_s = (I - C^T)^-1 (B_s + G^T B_q);  X_q = N^T B_q + H^T X_s
    """

    def __init__(self, system: MonthSystem, carry: Mask | None = None) -> None:
        moves = system.moves
        kept = (moves.target >= 0) & ~system.circulating[moves.source]
        if carry is not None:
            kept &= carry
        self._is_site = system.is_site
        self._source, self._target = moves.source[kept], moves.target[kept]
        self._share = moves.share[kept]
        self._passing = self._share * system.passed[self._source]
        self._drawing = system.draw[self._source] > 0
        order = self._order(len(system.out))
        self.sites, self.queues = order[system.is_site[order]], np.flatnonzero(~system.is_site)
        self._at = np.empty(len(order), np.int64)
        self._at[self.sites] = np.arange(len(self.sites))
        self._at[self.queues] = np.arange(len(self.queues))
        self._contract()

    def _order(self, count: int) -> Ints:
        """Places by strongly connected component, in the order SciPy finds them.

        Only fill-in depends on it, never the result.
        """
        some = self._passing > 0
        graph = _csr(self._passing[some], self._source[some], self._target[some], (count, count))
        _, component = sparse.csgraph.connected_components(graph, connection="strong")
        self._widest = int(np.bincount(component).max(initial=0))
        return np.argsort(component, kind="stable")

    def _contract(self) -> None:
        p_sq, p_qs = self._block(True, False), self._block(False, True)
        p_qq, p_ss = self._block(False, False), self._block(True, True)
        self._chains: sparse.csr_array | None = None
        self.to_site, self.to_queue = p_qs, p_sq
        if p_qq.nnz:
            self._chains = _resolvent(p_qq)
            self.to_site = self._chains @ p_qs
            self.to_queue = p_sq @ self._chains
        self.sites_alone = self.to_queue @ p_qs
        if p_ss.nnz:
            self.sites_alone = self.sites_alone + p_ss

    def _block(self, from_site: bool, to_site: bool) -> sparse.csr_array:
        """Block of P between sites and queues, duplicates added."""
        some = (self._is_site[self._source] == from_site) & (self._passing > 0)
        some &= self._is_site[self._target] == to_site
        shape = (
            len(self.sites if from_site else self.queues),
            len(self.sites if to_site else self.queues),
        )
        rows, columns = self._at[self._source[some]], self._at[self._target[some]]
        return _csr(self._passing[some], rows, columns, shape)

    @cached_property
    def drawn(self) -> sparse.csr_array:
        """Where the draws of queues go: F_ij / O_i, queues x places."""
        some = self._drawing & ~self._is_site[self._source]
        shape = (len(self.queues), len(self._is_site))
        return _csr(self._share[some], self._at[self._source[some]], self._target[some], shape)

    @cached_property
    def _factors(self) -> Any:
        """LU of I - C^T.  Columns are diagonally dominant: no pivoting; panels of one column."""
        a = (sparse.eye_array(len(self.sites), format="csr") - self.sites_alone).T
        order = "NATURAL" if self._widest < WIDE else "COLAMD"
        return splu(a, permc_spec=order, diag_pivot_thresh=0.0, panel_size=1, relax=1)

    @cached_property
    def plan(self) -> LevelPlan:
        """Elimination of the sites by strongly connected components, for sparse columns."""
        return LevelPlan(self.sites_alone)

    def through_queues(self, at_queues: Any) -> Any:
        """N^T b: mass that enters queues, with what refused parts pass on to child transits."""
        return at_queues if self._chains is None else self._chains.T @ at_queues

    def forward(self, b: Floats) -> Floats:
        """X of (I - P^T) X = b for few dense columns (places x columns)."""
        x = np.empty_like(b)
        at_queues = b[self.queues]
        at_sites = b[self.sites] + self.to_site.T @ at_queues
        if len(self.sites):
            at_sites = self._factors.solve(at_sites)
        x[self.sites] = at_sites
        x[self.queues] = self.through_queues(at_queues) + self.to_queue.T @ at_sites
        return x

    def solve_back(self, at_sites: Floats) -> Floats:
        """u of (I - C) u = v at the sites, both in the order of `sites`."""
        if not len(self.sites):
            return at_sites
        return np.asarray(self._factors.solve(at_sites, trans="T"))

    def through(self, rows: Ints) -> sparse.csr_array:
        """Rows of N: where mass that enters some queues goes on to, itself included."""
        if self._chains is not None:
            return self._chains[rows]
        return _csr(np.ones(len(rows)), np.arange(len(rows)), rows, (len(rows), len(self.queues)))

    def drawn_parts(self, rows: Ints) -> tuple[sparse.csr_array, sparse.csr_array, Ints]:
        """Rows of `drawn`, to sites (in order) and to the queues that are named, each once."""
        whole = sparse.coo_array(self.drawn[rows])
        to_site = self._is_site[whole.col]
        at = self._at[whole.col]
        targets, place = np.unique(at[~to_site], return_inverse=True)
        count = len(rows)
        sites = _csr(whole.data[to_site], whole.row[to_site], at[to_site], (count, len(self.sites)))
        queues = _csr(whole.data[~to_site], whole.row[~to_site], place, (count, len(targets)))
        return sites, queues, targets


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
        self._matrix = _csr(values, rows, columns, (size, 2 * size))
        if inside.any():
            loops = _csr(arcs.data[inside], target[inside], source[inside], (size, size))
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


def _resolvent(p: sparse.csr_array) -> sparse.csr_array:
    """(I - P)^-1, sparse.  Refused parts are handed on once or twice, so I + P + P^2 + … ends soon;
    loads sent in circles go through the level plan."""
    unit = sparse.eye_array(p.shape[0], format="csr")
    found, power = unit + p, p
    for _ in range(4):
        power = power @ p
        if not power.nnz:
            return found
        found = found + power
    return sparse.csr_array(LevelPlan(p).solve(sparse.csr_array(unit)).T)


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


def _csr(values: Floats, rows: Ints, columns: Ints, shape: tuple[int, int]) -> sparse.csr_array:
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
