"""The contracted systems (I - P^T) of months, made for many months at once; nothing is solved here.

Queues (yards, transits) are eliminated beforehand by their Schur complement

    C = P_ss + P_sq N P_qs,   N = (I - P_qq)^-1,   H = P_sq N,   G = N P_qs

Months do not touch each other, so the blocks of all of them stand in one block-diagonal matrix
while they are made: a month alone is so small that the calls would take longer than the numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
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


@dataclass(frozen=True, eq=False)
class Operator:
    """(I - P^T) of a month on its sites, for the moves that the traced class goes along with.

    `sites` numbers the places that are sites in an order in which senders precede receivers but
    for loops, so that the elimination hardly fills in; queues are the places behind all sites.
    `to_queue` = H, `to_site` = G, `sites_alone` = C, `onward` = N - I, `drawn` = F_ij / O_i of
    draws (queues x places).

        X_s = (I - C^T)^-1 (B_s + G^T B_q);  X_q = N^T B_q + H^T X_s
    """

    sites: Ints
    to_site: sparse.csr_array
    to_queue: sparse.csr_array
    sites_alone: sparse.csr_array
    onward: sparse.csr_array
    drawn: sparse.csr_array
    draws: Draws
    staying: sparse.csr_array
    """H times what stays of the pool of each queue: how a site's value feels what queues keep."""
    needed: Ints
    """Queues whose pool a sweep backwards asks for: they have a source or receive a draw."""
    _widest: int
    _unit_less: sparse.csr_array

    @property
    def queues(self) -> slice:
        """Where the queues stand among the places."""
        return slice(len(self.sites), None)

    @property
    def queue_count(self) -> int:
        """How many queues there are."""
        return int(self.onward.shape[0])

    @cached_property
    def _factors(self) -> Any:
        """LU of I - C^T.  Columns are diagonally dominant: no pivoting; panels of one column."""
        a = self._unit_less.T
        order = "NATURAL" if self._widest < WIDE else "COLAMD"
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


def contracted(
    systems: Sequence[MonthSystem], lens: Callable[[MonthSystem], Mask] | None = None
) -> list[Operator]:
    """The operators of months of one chain; `lens`: the moves to go along with (None: all).

    Moves outside the lens are exits of the class that is traced.
    """
    return _Contraction(systems, lens).operators() if systems else []


class _Contraction:
    """Block-diagonal matrices of some months, and how to cut them into months."""

    def __init__(
        self, systems: Sequence[MonthSystem], lens: Callable[[MonthSystem], Mask] | None
    ) -> None:
        self.systems, self.count = systems, len(systems)
        self.is_site = systems[0].is_site
        self.size = len(self.is_site)
        self.n_sites = int(self.is_site.sum())
        self.n_queues = self.size - self.n_sites
        kept = [_carried(system, lens) for system in systems]
        month = np.repeat(np.arange(self.count), [len(part) for part in kept])
        pairs = list(zip(systems, kept, strict=True))
        source = np.concatenate([system.moves.source[part] for system, part in pairs])
        target = np.concatenate([system.moves.target[part] for system, part in pairs])
        share = np.concatenate([system.moves.share[part] for system, part in pairs])
        self._source, self._target = month * self.size + source, month * self.size + target
        self._share = share
        self._passed = np.concatenate([system.passed for system in systems])
        self._draw = np.concatenate([system.draw for system in systems])
        self._passing = share * self._passed[self._source]
        self._site = np.tile(self.is_site, self.count)
        self._number()

    def _number(self) -> None:
        """Sites by strongly connected component, in the order SciPy finds them, month by month.

        Only fill-in depends on that order, never the result.
        """
        whole = self.count * self.size
        some = self._passing > 0
        graph = csr(self._passing[some], self._source[some], self._target[some], (whole, whole))
        _, component = sparse.csgraph.connected_components(graph, connection="strong")
        table = component.reshape(self.count, self.size)
        self.widest = np.bincount(component)[table].max(axis=1, initial=0)
        order = np.argsort(table, axis=1, kind="stable")
        self.sites = order[self.is_site[order]].reshape(self.count, self.n_sites)
        at = np.empty((self.count, self.size), np.int64)
        rows = np.arange(self.count)[:, None]
        at[rows, self.sites] = rows * self.n_sites + np.arange(self.n_sites)
        at[:, self.n_sites :] = rows * self.n_queues + np.arange(self.n_queues)
        self._at = at.ravel()

    def _rows(self, site: bool) -> int:
        return self.count * (self.n_sites if site else self.n_queues)

    def _block(self, from_site: bool, to_site: bool) -> sparse.csr_array:
        """Block of P between sites and queues of all months, duplicates added."""
        some = (self._site[self._source] == from_site) & (self._passing > 0)
        some &= self._site[self._target] == to_site
        rows, columns = self._at[self._source[some]], self._at[self._target[some]]
        shape = self._rows(from_site), self._rows(to_site)
        return csr(self._passing[some], rows, columns, shape)

    def operators(self) -> list[Operator]:
        """Every month on its own."""
        p_sq, p_qs = self._block(True, False), self._block(False, True)
        p_qq, p_ss = self._block(False, False), self._block(True, True)
        onward = p_qq
        to_site, to_queue = p_qs, p_sq
        if p_qq.nnz:
            onward = _onward(p_qq)
            to_site, to_queue = p_qs + onward @ p_qs, p_sq + p_sq @ onward
        alone = to_queue @ p_qs
        if p_ss.nnz:
            alone = alone + p_ss
        stays = (1.0 - self._passed)[~self._site]
        staying = csr_like(to_queue, to_queue.data * stays[to_queue.indices])
        unit_less = sparse.csr_array(sparse.eye_array(alone.shape[0], format="csr") - alone)
        unit_less.sort_indices()
        sites, queues = self.n_sites, self.n_queues
        cut = [
            _cut(matrix, self.count, rows, columns)
            for matrix, rows, columns in (
                (to_site, queues, sites),
                (to_queue, sites, queues),
                (alone, sites, sites),
                (onward, queues, queues),
                (self._drawn(), queues, self.size),
                (staying, sites, queues),
                (unit_less, sites, sites),
            )
        ]
        draws = self._draws()
        return [
            Operator(
                self.sites[number],
                *(part[number] for part in cut[:5]),
                draws[number],
                cut[5][number],
                self._needed(number, draws[number].targets),
                int(self.widest[number]),
                cut[6][number],
            )
            for number in range(self.count)
        ]

    def _drawing(self) -> Mask:
        """Moves along which opening content of queues is drawn."""
        return (self._draw[self._source] > 0) & ~self._site[self._source]

    def _drawn(self) -> sparse.csr_array:
        some = self._drawing()
        rows, columns = self._at[self._source[some]], self._target[some]
        shape = self._rows(False), self.count * self.size
        return csr(self._share[some], rows, columns, shape)

    def _draws(self) -> list[Draws]:
        """Draws of every month, sites and queues apart."""
        some, to_site = self._drawing(), self._site[self._target]
        place = np.flatnonzero((self._draw > 0) & ~self._site)
        row = np.full(len(self._draw), -1, np.int64)
        row[place] = np.arange(len(place))
        goal = np.unique(self._target[some & ~to_site])
        column = np.full(len(self._draw), -1, np.int64)
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

    def _needed(self, number: int, targets: Ints) -> Ints:
        """Queues (positions among them) with a source, or with a draw sent to them."""
        places = self.systems[number].sources.place
        rows = np.zeros(self.n_queues, bool)
        rows[self._at[places[~self.is_site[places]]]] = True
        rows[targets] = True
        return np.flatnonzero(rows)


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


def csr_like(matrix: sparse.csr_array, data: Floats) -> sparse.csr_array:
    """Other values in the places of a matrix; index arrays are shared and must not be changed."""
    return sparse.csr_array((data, matrix.indices, matrix.indptr), shape=matrix.shape)


def _cut(matrix: sparse.csr_array, count: int, rows: int, columns: int) -> list[sparse.csr_array]:
    """The blocks on the diagonal, each with arrays of its own."""
    return [
        _rows_of(matrix, slice(n * rows, (n + 1) * rows), n * columns, columns)
        for n in range(count)
    ]


def _rows_of(
    matrix: sparse.csr_array, rows: slice, first_column: int, columns: int
) -> sparse.csr_array:
    """Some rows of a matrix all of whose entries stand in columns first_column… onwards."""
    pointer = matrix.indptr[rows.start : rows.stop + 1]
    low, high = int(pointer[0]), int(pointer[-1])
    parts = matrix.data[low:high].copy(), matrix.indices[low:high] - first_column, pointer - low
    return sparse.csr_array(parts, shape=(len(pointer) - 1, columns))
