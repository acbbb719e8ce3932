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
from typing import Any, NamedTuple

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import splu

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
    """(I - P^T) of a month for the moves in `carry` (None: all of them).

    Moves outside `carry` are exits of the class that is traced.  Few dense columns are solved by
    one LU factorisation of the whole month; the sparse columns of origins go through
    `contraction` and its level plan.
    """

    def __init__(self, system: MonthSystem, carry: Mask | None = None) -> None:
        moves = system.moves
        kept = (moves.target >= 0) & ~system.circulating[moves.source]
        if carry is not None:
            kept &= carry
        self.system = system
        self.sites = np.flatnonzero(system.is_site)
        self.queues = np.flatnonzero(~system.is_site)
        self.source, self.target = moves.source[kept], moves.target[kept]
        self._share = moves.share[kept]
        self._count = len(system.out)

    @cached_property
    def _factors(self) -> Any:
        """LU of A = I - P^T, built as triplets of both parts (duplicates add up)."""
        diagonal = np.arange(self._count)
        passing = self._share * self.system.passed[self.source]
        rows = np.concatenate([self.target, diagonal])
        columns = np.concatenate([self.source, diagonal])
        values = np.concatenate([-passing, np.ones(self._count)])
        return splu(sparse.csc_array((values, (rows, columns)), shape=(self._count, self._count)))

    @cached_property
    def drawn(self) -> sparse.csr_array:
        """Where the draws of queues go: F_ij / O_i, queues x places."""
        some = (self.system.draw[self.source] > 0) & ~self.system.is_site[self.source]
        row = np.cumsum(~self.system.is_site) - 1
        return sparse.csr_array(
            (self._share[some], (row[self.source[some]], self.target[some])),
            shape=(len(self.queues), self._count),
        )

    @cached_property
    def contraction(self) -> Contraction:
        """The same month on sites alone."""
        passing = self._share * self.system.passed[self.source]
        return Contraction(self.system.is_site, self.source, self.target, passing)

    def forward(self, b: Floats) -> Floats:
        """X of (I - P^T) X = b for few dense columns (places x columns)."""
        return np.asarray(self._factors.solve(b)) if self._count else b

    def backward(self, v: Floats) -> Floats:
        """u of (I - P) u = v (places x columns): value of a kilogram in each pool."""
        return np.asarray(self._factors.solve(v, trans="T")) if self._count else v


class Contraction:
    """Schur complement of the queues: C = `sites`, N, H = `to_queue`, G = `to_site` (see above).

    X_s = (I - C^T)^-1 (B_s + G^T B_q);  X_q = N^T B_q + H^T X_s.
    """

    def __init__(self, is_site: Mask, source: Ints, target: Ints, passing: Floats) -> None:
        self._is_site = is_site
        self._at = np.where(is_site, np.cumsum(is_site), np.cumsum(~is_site)) - 1
        arcs = source, target, passing
        p_sq = self._block(*arcs, True, False)
        p_qs = self._block(*arcs, False, True)
        p_qq = self._block(*arcs, False, False)
        self._chains: sparse.csr_array | None = None
        self.to_site, self.to_queue = p_qs, p_sq
        if p_qq.nnz:
            self._chains = LevelPlan(p_qq).resolvent()
            self.to_site = sparse.csr_array(self._chains @ p_qs)
            self.to_queue = sparse.csr_array(p_sq @ self._chains)
        self.sites = sparse.csr_array(self._block(*arcs, True, True) + self.to_queue @ p_qs)
        self.plan = LevelPlan(self.sites)

    def _block(
        self, source: Ints, target: Ints, passing: Floats, from_site: bool, to_site: bool
    ) -> sparse.csr_array:
        """Block of P between sites and queues, duplicates added."""
        is_site = self._is_site
        some = (is_site[source] == from_site) & (is_site[target] == to_site) & (passing > 0)
        counts = {True: int(is_site.sum()), False: int((~is_site).sum())}
        return sparse.csr_array(
            (passing[some], (self._at[source[some]], self._at[target[some]])),
            shape=(counts[from_site], counts[to_site]),
        )

    def through_queues(self, at_queues: sparse.csr_array) -> sparse.csr_array:
        """N^T b: mass that enters queues, with what refused parts pass on to child transits."""
        if self._chains is None:
            return at_queues
        return sparse.csr_array(self._chains.T @ at_queues)


class LevelPlan:
    """Elimination of (I - P^T) X = B in topological order of strongly connected components.

    Components are peeled level by level (Kahn); inside a component W = (I - P^T)^-1 is dense, a
    place without loop has W = 1.  Then X_L = W (B_L + P^T X_<L), sparse rows throughout: time is
    the sum over arcs of the origins that pass them, never places x origins.
    """

    def __init__(self, p: sparse.csr_array) -> None:
        self.size = p.shape[0]
        transposed = sparse.csr_array(p.T)
        level, component = _levels(p)
        self.order = np.lexsort((component, level))
        self._position = np.empty(self.size, np.int64)
        self._position[self.order] = np.arange(self.size)
        self._steps: list[tuple[int, sparse.csr_array | None]] = []
        bounds = np.flatnonzero(np.diff(level[self.order], prepend=-1, append=-1))
        for low, high in zip(bounds[:-1], bounds[1:], strict=True):
            members = self.order[low:high]
            self._steps.append((int(high), self._step(transposed, component, members, int(low))))

    def _step(
        self, transposed: sparse.csr_array, component: Ints, members: Ints, low: int
    ) -> sparse.csr_array | None:
        """W [E | P^T] for one level: columns are the rows of B, then the X solved so far.

        None where nothing flows in and nothing loops (then X = B).
        """
        rows = sparse.coo_array(transposed[members])
        inside = component[members[rows.row]] == component[rows.col]
        if not rows.nnz:
            return None
        arrive = ~inside
        count = len(members)
        columns = np.concatenate([members, self.size + self._position[rows.col[arrive]]])
        lines = np.concatenate([np.arange(count), rows.row[arrive]])
        values = np.concatenate([np.ones(count), rows.data[arrive]])
        shape = (count, self.size + low)
        step = sparse.csr_array((values, (lines, columns)), shape=shape)
        if not inside.any():
            return step
        loops = sparse.csr_array(
            (rows.data[inside], (rows.row[inside], self._position[rows.col[inside]] - low)),
            shape=(count, count),
        )
        return sparse.csr_array(_inverse_of_blocks(loops, component[members]) @ step)

    def solve(self, b: sparse.csr_array) -> sparse.csr_array:
        """X for sparse B (places x origins)."""
        stack = _Stack(b)
        done = 0
        for high, step in self._steps:
            if step is None:
                stack.push(b[self.order[done:high]])
            else:
                stack.push(step @ stack.rows())
            done = high
        return sparse.csr_array(stack.rows(self.size)[self._position])

    def resolvent(self) -> sparse.csr_array:
        """(I - P)^-1, sparse."""
        unit = sparse.csr_array(sparse.eye_array(self.size))
        return sparse.csr_array(self.solve(unit).T)


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


def _levels(p: sparse.csr_array) -> tuple[Ints, Ints]:
    """(level, component) of every place; senders stand on lower levels than receivers."""
    count, component = sparse.csgraph.connected_components(p, connection="strong")
    arcs = sparse.coo_array(p)
    source, target = component[arcs.row], component[arcs.col]
    between = source != target
    pairs = np.unique(source[between].astype(np.int64) * count + target[between])
    source, target = pairs // max(count, 1), pairs % max(count, 1)
    level = np.zeros(count, np.int64)
    waiting = np.bincount(target, minlength=count)
    starts = np.searchsorted(source, np.arange(count + 1))
    ready = np.flatnonzero(waiting == 0)
    height = 0
    while len(ready):
        level[ready] = height
        spans = [target[starts[number] : starts[number + 1]] for number in ready]
        told = np.concatenate(spans) if spans else target[:0]
        np.subtract.at(waiting, told, 1)
        ready = np.unique(told[waiting[told] == 0])
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
