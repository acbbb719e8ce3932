"""The contracted systems (I - P^T) of months, made for many months at once; nothing is solved here.

Queues (yards, transits) are eliminated beforehand by their Schur complement

    C = P_ss + P_sq N P_qs,   N = (I - P_qq)^-1,   H = P_sq N,   G = N P_qs

Months do not touch each other, so the blocks of all of them stand in one block-diagonal matrix
while they are made: a month alone is so small that the calls would take longer than the numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import splu

from wasteflow.core.tracing.flows import Floats, Ints, Mask
from wasteflow.core.tracing.solve import LevelPlan, MonthSystem, csr

WIDE = 300
"""Places in a loop from which on an ordering that looks for little fill-in pays."""


class Draws(NamedTuple):
    """Where the opening content goes of the queues that are drawn from: `rows` x its receivers.

    `to_sites` in the order of the operator's sites, `to_queues` to the queues `targets`.
    """

    rows: Ints
    to_sites: sparse.csr_array
    to_queues: sparse.csr_array
    targets: Ints


class Operator:
    """(I - P^T) of a month on its sites, for the moves that the traced class goes along with.

    `sites` numbers the places that are sites in an order in which senders precede receivers but
    for loops, so that the elimination hardly fills in; queues are the places behind all sites.

        X_s = (I - C^T)^-1 (B_s + G^T B_q);  X_q = N^T B_q + H^T X_s
    """

    def __init__(self, blocks: _Blocks, number: int) -> None:
        self._blocks, self._number = blocks, number
        self.sites: Ints = blocks.sites[number]

    def _cut(self, matrix: sparse.csr_array) -> sparse.csr_array:
        """This month's block on the diagonal."""
        rows, columns = (length // self._blocks.count for length in matrix.shape)
        mine = slice(self._number * rows, (self._number + 1) * rows)
        return _rows_of(matrix, mine, self._number * columns, columns)

    @cached_property
    def to_site(self) -> sparse.csr_array:
        """G, queues x sites."""
        return self._cut(self._blocks.to_site)

    @cached_property
    def to_queue(self) -> sparse.csr_array:
        """H, sites x queues."""
        return self._cut(self._blocks.to_queue)

    @cached_property
    def sites_alone(self) -> sparse.csr_array:
        """C, sites x sites."""
        return self._cut(self._blocks.sites_alone)

    @cached_property
    def onward(self) -> sparse.csr_array:
        """N - I, queues x queues."""
        return self._cut(self._blocks.onward)

    @cached_property
    def drawn(self) -> sparse.csr_array:
        """Where draws of queues go: F_ij / O_i, queues x places."""
        return self._cut(self._blocks.drawn)

    @cached_property
    def staying(self) -> sparse.csr_array:
        """H times what stays of the pool of each queue: how a site feels what queues keep."""
        return self._cut(self._blocks.staying)

    @property
    def draws(self) -> Draws:
        """Draws, sites and queues apart."""
        return self._blocks.draws[self._number]

    @cached_property
    def needed(self) -> Ints:
        """Queues with something of their own: with a source, or a draw sent to them."""
        rows = np.zeros(self.queue_count, bool)
        rows[self._blocks.born[self._number]] = True
        rows[self.draws.targets] = True
        return np.flatnonzero(rows)

    @property
    def widest(self) -> int:
        """Places in the largest loop (of all moves, where the order is that of all moves)."""
        return int(self._blocks.widest[self._number])

    @property
    def queues(self) -> slice:
        """Where the queues stand among the places."""
        return slice(len(self.sites), None)

    @property
    def queue_count(self) -> int:
        """How many queues there are."""
        return self._blocks.n_queues

    @cached_property
    def _factors(self) -> Any:
        """LU of I - C^T.  Columns are diagonally dominant: no pivoting; panels of one column."""
        a = self._cut(self._blocks.unit_less).T
        order = "NATURAL" if self.widest < WIDE else "COLAMD"
        return splu(a, permc_spec=order, diag_pivot_thresh=0.0, panel_size=1, relax=1)

    @cached_property
    def plan(self) -> LevelPlan:
        """Elimination of the sites by strongly connected components, for sparse columns."""
        return LevelPlan(self.sites_alone)

    @cached_property
    def needed_to_site(self) -> sparse.csr_array:
        """The rows of G that are `needed`."""
        return self.to_site[self.needed]

    @cached_property
    def born(self) -> Ints:
        """Queues with a source."""
        rows = np.zeros(self.queue_count, bool)
        rows[self._blocks.born[self._number]] = True
        return np.flatnonzero(rows)

    @cached_property
    def _born_to_site(self) -> sparse.csr_array:
        return self.to_site[self.born]

    def to_site_of(self, queues: Ints) -> sparse.csr_array:
        """Rows of G, kept for the queues that a sweep backwards asks for every time."""
        if np.array_equal(queues, self.born):
            return self._born_to_site
        return self.to_site[queues]

    @cached_property
    def ways_on(self) -> tuple[Ints, sparse.csr_array]:
        """(queues that refused parts are handed on to, N - I with only their columns)."""
        targets, column = np.unique(self.onward.indices, return_inverse=True)
        parts = self.onward.data, column, self.onward.indptr
        return targets, sparse.csr_array(parts, shape=(self.queue_count, len(targets)))

    def through_queues(self, at_queues: Any) -> Any:
        """N^T b: mass that enters queues, with what refused parts pass on to child transits."""
        return at_queues + self.onward.T @ at_queues if self.onward.nnz else at_queues

    def forward(self, b: Floats) -> Floats:
        """X of (I - P^T) X = b for few dense columns (places x columns)."""
        x = np.empty_like(b)
        at_queues = b[self.queues]
        at_sites = b[self.sites] + self.to_site.T @ at_queues
        at_sites = self.forward_sites(at_sites)
        x[self.sites] = at_sites
        x[self.queues] = self.through_queues(at_queues) + self.to_queue.T @ at_sites
        return x

    def forward_sites(self, b: Floats) -> Floats:
        """X_s of (I - C^T) X_s = b, both in the order of `sites`."""
        return np.asarray(self._factors.solve(b)) if len(self.sites) else b

    def to_queues_of(self, at: Ints, count: int) -> sparse.csr_array:
        """H with only some queues as columns: `at` gives the position of each among `count`."""
        parts = self.to_queue.data, at[self.to_queue.indices], self.to_queue.indptr
        return sparse.csr_array(parts, shape=(len(self.sites), count))

    def solve_back(self, at_sites: Floats) -> Floats:
        """u of (I - C) u = v at the sites, both in the order of `sites`."""
        if not len(self.sites):
            return at_sites
        return np.asarray(self._factors.solve(at_sites, trans="T"))


def contracted(
    systems: Sequence[MonthSystem],
    lens: Callable[[MonthSystem], Mask] | None = None,
    like: Sequence[Operator] = (),
) -> list[Operator]:
    """The operators of months of one chain; `lens`: the moves to go along with (None: all).

    Moves outside the lens are exits of the class that is traced.  like: operators of the same
    months for all moves, if there are any: the order of sites is good for some of the moves too.
    """
    if not systems:
        return []
    blocks = _Blocks(systems, lens, like)
    return [Operator(blocks, number) for number in range(blocks.count)]


class _Blocks:
    """Block-diagonal matrices of some months; the symbols are those of `Operator`."""

    def __init__(
        self,
        systems: Sequence[MonthSystem],
        lens: Callable[[MonthSystem], Mask] | None,
        like: Sequence[Operator],
    ) -> None:
        is_site = systems[0].is_site
        self.count, self.size = len(systems), len(is_site)
        self.n_sites = int(is_site.sum())
        self.n_queues = self.size - self.n_sites
        self.born = [_queues_in(system.sources.place, self.n_sites) for system in systems]
        kept = [_carried(system, lens) for system in systems]
        month = np.repeat(np.arange(self.count, dtype=np.int32), [len(part) for part in kept])
        pairs = list(zip(systems, kept, strict=True))
        self._source = self._joined([system.moves.source[part] for system, part in pairs], month)
        self._target = self._joined([system.moves.target[part] for system, part in pairs], month)
        self._share = np.concatenate([system.moves.share[part] for system, part in pairs])
        self._passed = np.concatenate([system.passed for system in systems])
        self._draw = np.concatenate([system.draw for system in systems])
        self._passing = self._share * self._passed[self._source]
        self._site = np.tile(is_site, self.count)
        self._from_site, self._to_site = self._site[self._source], self._site[self._target]
        if like:
            self.sites = np.array([one.sites for one in like])
            self.widest = np.array([one.widest for one in like])
        else:
            self.sites, self.widest = self._ordered()
        self._at = self._positions()
        self._contract()

    def _joined(self, places: Sequence[Ints], month: Any) -> Any:
        """Places of all months numbered through (32 bits, as SciPy keeps its indices)."""
        return np.concatenate(places).astype(np.int32) + month * np.int32(self.size)

    def _ordered(self) -> tuple[Ints, Ints]:
        """Sites by strongly connected component, in the order SciPy finds them; largest loops.

        Only fill-in depends on that order, never the result.
        """
        whole = self.count * self.size
        some = self._passing > 0
        graph = csr(self._passing[some], self._source[some], self._target[some], (whole, whole))
        _, component = sparse.csgraph.connected_components(graph, connection="strong")
        table = component.reshape(self.count, self.size)
        widest = np.bincount(component)[table].max(axis=1, initial=0)
        return np.argsort(table[:, : self.n_sites], axis=1, kind="stable"), widest

    def _positions(self) -> Any:
        """Place of a month → its row among the sites, or among the queues, of all months."""
        at = np.empty((self.count, self.size), np.int32)
        month = np.arange(self.count, dtype=np.int32)[:, None]
        at[month, self.sites] = month * self.n_sites + np.arange(self.n_sites, dtype=np.int32)
        at[:, self.n_sites :] = month * self.n_queues + np.arange(self.n_queues, dtype=np.int32)
        return at.ravel()

    def _rows(self, site: bool) -> int:
        return self.count * (self.n_sites if site else self.n_queues)

    def _block(self, from_site: bool, to_site: bool) -> sparse.csr_array:
        """Block of P between sites and queues, duplicates added."""
        some = (self._from_site == from_site) & (self._to_site == to_site) & (self._passing > 0)
        rows, columns = self._at[self._source[some]], self._at[self._target[some]]
        shape = self._rows(from_site), self._rows(to_site)
        return csr(self._passing[some], rows, columns, shape)

    def _contract(self) -> None:
        p_sq, p_qs = self._block(True, False), self._block(False, True)
        p_qq, p_ss = self._block(False, False), self._block(True, True)
        self.onward, self.to_site, self.to_queue = p_qq, p_qs, p_sq
        if p_qq.nnz:
            self.onward = _onward(p_qq)
            self.to_site = p_qs + self.onward @ p_qs
            self.to_queue = p_sq + p_sq @ self.onward
        self.sites_alone = self.to_queue @ p_qs
        if p_ss.nnz:
            self.sites_alone = self.sites_alone + p_ss

    @cached_property
    def unit_less(self) -> sparse.csr_array:
        """I - C."""
        unit = sparse.eye_array(self.sites_alone.shape[0], format="csr")
        found = sparse.csr_array(unit - self.sites_alone)
        found.sort_indices()
        return found

    @cached_property
    def staying(self) -> sparse.csr_array:
        """H times what stays of each queue's pool."""
        stays, held = (1.0 - self._passed)[~self._site], self.to_queue
        parts = held.data * stays[held.indices], held.indices, held.indptr
        return sparse.csr_array(parts, shape=held.shape)

    @cached_property
    def _drawing(self) -> Mask:
        """Moves along which opening content of queues is drawn."""
        return np.asarray((self._draw[self._source] > 0) & ~self._from_site)

    @cached_property
    def drawn(self) -> sparse.csr_array:
        """F_ij / O_i of draws, queues x places."""
        some = self._drawing
        rows, columns = self._at[self._source[some]], self._target[some]
        return csr(self._share[some], rows, columns, (self._rows(False), self.count * self.size))

    @cached_property
    def draws(self) -> list[Draws]:
        """Draws of every month, sites and queues apart."""
        some, to_site = self._drawing, self._to_site
        place = np.flatnonzero((self._draw > 0) & ~self._site)
        row = np.full(len(self._draw), -1, np.int32)
        row[place] = np.arange(len(place))
        goal = np.unique(self._target[some & ~to_site])
        column = np.full(len(self._draw), -1, np.int32)
        column[goal] = np.arange(len(goal))
        column[self._site] = self._at[self._site]
        found = []
        for chosen, width in ((some & to_site, self._rows(True)), (some & ~to_site, len(goal))):
            ends = row[self._source[chosen]], column[self._target[chosen]]
            found.append(csr(self._share[chosen], *ends, (len(place), width)))
        months = np.arange(self.count + 1) * self.size
        rows, goals = np.searchsorted(place, months), np.searchsorted(goal, months)
        made = []
        for number in range(self.count):
            mine, ours = slice(*rows[number : number + 2]), slice(*goals[number : number + 2])
            first = number * self.n_queues
            parts = (
                _rows_of(found[0], mine, number * self.n_sites, self.n_sites),
                _rows_of(found[1], mine, ours.start, ours.stop - ours.start),
            )
            made.append(Draws(self._at[place[mine]] - first, *parts, self._at[goal[ours]] - first))
        return made


def _queues_in(places: Ints, n_sites: int) -> Ints:
    """The queues among places, by their position among the queues."""
    return np.asarray(places[places >= n_sites] - n_sites)


def _carried(system: MonthSystem, lens: Callable[[MonthSystem], Mask] | None) -> Ints:
    """Moves between places that hold stock, along which the traced class goes."""
    kept = (system.moves.target >= 0) & ~system.circulating[system.moves.source]
    return np.flatnonzero(kept if lens is None else kept & lens(system))


def _onward(p: sparse.csr_array) -> sparse.csr_array:
    """(I - P)^-1 - I, sparse.  Refused parts are handed on once or twice, so P + P^2 + … ends soon;
    loads sent in circles go through the level plan, which sees only the queues concerned."""
    arcs = sparse.coo_array(p)
    here, ends = np.unique(np.concatenate([arcs.row, arcs.col]), return_inverse=True)
    source, target = ends[: arcs.nnz], ends[arcs.nnz :]
    few = sparse.coo_array(_chains(csr(arcs.data, source, target, (len(here), len(here)))))
    return csr(few.data, here[few.row], here[few.col], p.shape)


def _chains(p: sparse.csr_array) -> sparse.csr_array:
    found, power = p, p
    for _ in range(4):
        power = power @ p
        if not power.nnz:
            return found
        found = found + power
    unit = sparse.eye_array(p.shape[0], format="csr")
    whole = sparse.csr_array(LevelPlan(p).solve(sparse.csr_array(unit)).T)
    return sparse.csr_array(whole - unit)


def _rows_of(
    matrix: sparse.csr_array, rows: slice, first_column: int, columns: int
) -> sparse.csr_array:
    """Some rows of a matrix all of whose entries stand in columns first_column… onwards."""
    pointer = matrix.indptr[rows.start : rows.stop + 1]
    low, high = int(pointer[0]), int(pointer[-1])
    parts = matrix.data[low:high].copy(), matrix.indices[low:high] - first_column, pointer - low
    return sparse.csr_array(parts, shape=(len(pointer) - 1, columns))
