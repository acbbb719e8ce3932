"""Block-diagonal matrices of many months of one chain, from which `operators` cuts each month.

Months do not touch each other, so the blocks of all of them stand in one block-diagonal matrix
while they are made: a month alone is so small that the calls would take longer than the numbers.
The symbols are those of `operators`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from wasteflow.core.later import sparse
from wasteflow.core.tracing.elimination import Elimination, eliminations
from wasteflow.core.tracing.flows import Ints, Mask
from wasteflow.core.tracing.solve import LevelPlan, MonthSystem, csr

NOTHING = 1e-18
"""A share that no sum of kilograms can feel: these are exact to 1e-16 of themselves."""
LONGEST_CHAIN = 24
"""Queues one after the other up to which shares are followed one by one."""


class Draws(NamedTuple):
    """Where the opening content goes of the queues that are drawn from: `rows` x its receivers.

    `to_sites` to the sites, `to_queues` to the queues `targets`.
    """

    rows: Ints
    to_sites: sparse.csr_array
    to_queues: sparse.csr_array
    targets: Ints


class Ways(NamedTuple):
    """N - I without its blank rows and columns: refused parts from queues `froms` to `targets`."""

    froms: Ints
    targets: Ints
    share: sparse.csr_array


class Blocks:
    """Block-diagonal matrices of some months, for the moves of a lens (None: all).

    like: those of the same months for all moves.  A lens that only ends acceptances at sites leaves
    everything that has to do with how queues are filled as it is there.
    """

    def __init__(
        self,
        systems: Sequence[MonthSystem],
        lens: Callable[[MonthSystem], Mask] | None,
        like: Blocks | None = None,
    ) -> None:
        is_site = systems[0].is_site
        self.count, self.size = len(systems), len(is_site)
        self.n_sites = int(is_site.sum())
        self.n_queues = self.size - self.n_sites
        self.born = [self._queues_in(system.sources.place) for system in systems]
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
        self._at = self._positions()
        self._same = like if like is not None and self._fills_as(like) else None
        self._contract()

    def _queues_in(self, places: Ints) -> Ints:
        """The queues among places, ascending, by their position among the queues."""
        found = np.zeros(self.n_queues, bool)
        found[places[places >= self.n_sites] - self.n_sites] = True
        return np.flatnonzero(found)

    def _joined(self, places: Sequence[Ints], month: Any) -> Any:
        """Places of all months numbered through (32 bits, as SciPy keeps its indices)."""
        return np.concatenate(places).astype(np.int32) + month * np.int32(self.size)

    def _positions(self) -> Any:
        """Place of a month → its row among the sites, or among the queues, of all months."""
        at = np.empty((self.count, self.size), np.int32)
        month = np.arange(self.count, dtype=np.int32)[:, None]
        at[:, : self.n_sites] = month * self.n_sites + np.arange(self.n_sites, dtype=np.int32)
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

    def _fills_as(self, other: Blocks) -> bool:
        """True if the same moves go into queues."""
        mine, theirs = ~self._to_site, ~other._to_site
        pairs = (self._source, other._source), (self._target, other._target)
        same = all(np.array_equal(a[mine], b[theirs]) for a, b in pairs)
        return same and np.array_equal(self._passing[mine], other._passing[theirs])

    def _contract(self) -> None:
        p_qs, p_ss = self._block(False, True), self._block(True, True)
        self.to_site = p_qs
        self.onward: sparse.csr_array
        self.to_queue: sparse.csr_array
        if self._same is not None:
            self.onward, self.to_queue = self._same.onward, self._same.to_queue
        else:
            direct, p_qq = self._block(True, False), self._block(False, False)
            self.onward, self.to_queue = p_qq, direct
            if p_qq.nnz:
                self.onward = onward_of(p_qq)
                self.to_queue = direct + direct @ self.onward
        if self.onward.nnz:
            self.to_site = p_qs + self.onward @ p_qs
        self.sites_alone = self.to_queue @ p_qs
        if p_ss.nnz:
            self.sites_alone = self.sites_alone + p_ss

    def block(self, matrix: sparse.csr_array, number: int) -> sparse.csr_array:
        """The block of a month on the diagonal."""
        rows, columns = (length // self.count for length in matrix.shape)
        mine = slice(number * rows, (number + 1) * rows)
        return sparse.csr_array(rows_of(matrix, mine, number * columns, columns))

    def _rows_to_site(self, rows: Sequence[Ints]) -> list[sparse.csr_array]:
        """Some rows of G of every month."""
        whole = [part + number * self.n_queues for number, part in enumerate(rows)]
        found = self.to_site[np.concatenate(whole)]
        ends = np.cumsum([len(part) for part in rows]).tolist()
        cuts = zip([0, *ends], ends, strict=False)
        return [
            rows_of(found, slice(*cut), number * self.n_sites, self.n_sites)
            for number, cut in enumerate(cuts)
        ]

    @cached_property
    def needed(self) -> list[Ints]:
        """Queues with a source or a draw sent to them."""
        pairs = zip(self.born, self.draws, strict=True)
        return [np.union1d(born, part.targets) for born, part in pairs]

    @cached_property
    def needed_to_site(self) -> list[sparse.csr_array]:
        """Rows of G of the `needed`."""
        return self._rows_to_site(self.needed)

    @cached_property
    def born_to_site(self) -> list[sparse.csr_array]:
        """Rows of G of queues with a source."""
        return self._rows_to_site(self.born)

    @cached_property
    def targets_to_site(self) -> list[sparse.csr_array]:
        """Rows of G of queues that a draw is sent to."""
        return self._rows_to_site([part.targets for part in self.draws])

    @cached_property
    def ways(self) -> list[Ways]:
        """How refused parts are handed on, by month."""
        if self._same is not None:
            return self._same.ways
        pointer, held = self.onward.indptr, self.onward.indices
        froms = np.flatnonzero(np.diff(pointer))
        targets, column = np.unique(held, return_inverse=True)
        parts = self.onward.data, column, np.append(pointer[froms], len(held))
        whole = sparse.csr_array(parts, shape=(len(froms), len(targets)))
        months = np.arange(self.count + 1) * self.n_queues
        rows, columns = np.searchsorted(froms, months), np.searchsorted(targets, months)
        found = []
        for number, first in enumerate(months[:-1].tolist()):
            mine, ours = slice(*rows[number : number + 2]), slice(*columns[number : number + 2])
            share = rows_of(whole, mine, ours.start, ours.stop - ours.start)
            found.append(Ways(froms[mine] - first, targets[ours] - first, share))
        return found

    @cached_property
    def eliminations(self) -> list[Elimination]:
        """How the sites of each month are solved for dense columns."""
        return eliminations(self.sites_alone, self.count, rows_of)

    @cached_property
    def staying(self) -> sparse.csr_array:
        """H times what stays of each queue's pool."""
        if self._same is not None:
            return self._same.staying
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
                rows_of(found[0], mine, number * self.n_sites, self.n_sites),
                rows_of(found[1], mine, ours.start, ours.stop - ours.start),
            )
            made.append(Draws(self._at[place[mine]] - first, *parts, self._at[goal[ours]] - first))
        return made


def _carried(system: MonthSystem, lens: Callable[[MonthSystem], Mask] | None) -> Ints:
    """Moves between places that hold stock, along which the traced class goes."""
    kept = (system.moves.target >= 0) & ~system.circulating[system.moves.source]
    return np.flatnonzero(kept if lens is None else kept & lens(system))


def onward_of(p: sparse.csr_array) -> sparse.csr_array:
    """(I - P)^-1 - I, sparse.  Refused parts are handed on once or twice, so P + P^2 + … ends soon;
    if much goes in circles the level plan, which sees only the queues concerned, is quicker."""
    some = np.diff(p.indptr) > 0
    some[p.indices] = True
    here, at = np.flatnonzero(some), np.cumsum(some) - 1
    parts = p.data, at[p.indices], np.append(p.indptr[here], p.nnz)  # rows left out are blank
    few = _chains(sparse.csr_array(parts, shape=(len(here), len(here))))
    pointer = np.zeros(len(p.indptr), np.int64)
    pointer[here + 1] = np.diff(few.indptr)
    return sparse.csr_array((few.data, here[few.indices], np.cumsum(pointer)), shape=p.shape)


def _chains(p: sparse.csr_array) -> sparse.csr_array:
    powers = [p]
    while len(powers) < LONGEST_CHAIN:
        power = powers[-1] @ p
        power.data[power.data < NOTHING] = 0.0
        power.eliminate_zeros()
        if not power.nnz:
            row = np.arange(p.shape[0])
            rows = np.concatenate([np.repeat(row, np.diff(one.indptr)) for one in powers])
            columns = np.concatenate([one.indices for one in powers])
            shares = np.concatenate([one.data for one in powers])
            return csr(shares, rows, columns, (p.shape[0], p.shape[0]))
        powers.append(power)
    unit = sparse.eye_array(p.shape[0], format="csr")
    whole = sparse.csr_array(LevelPlan(p).solve(sparse.csr_array(unit)).T)
    return sparse.csr_array(whole - unit)


def rows_of(
    matrix: sparse.csr_array, rows: slice, first_column: int, columns: int, kind: Any = None
) -> Any:
    """Some rows of a matrix all of whose entries stand in columns first_column… onwards.

    kind: `csc_array` takes them as columns.
    """
    pointer = matrix.indptr[rows.start : rows.stop + 1]
    low, high = int(pointer[0]), int(pointer[-1])
    parts = matrix.data[low:high].copy(), matrix.indices[low:high] - first_column, pointer - low
    if kind is not None:
        return kind(parts, shape=(columns, len(pointer) - 1))
    return sparse.csr_array(parts, shape=(len(pointer) - 1, columns))
