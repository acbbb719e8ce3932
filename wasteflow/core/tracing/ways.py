"""How queues of all months of a chain fill and empty, as matrices of months side by side.

Place p of month t is row or column t * places + p; the same with sites, queues and nodes alone
(`unrolled`, which says what nodes are).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from wasteflow.core.later import sparse
from wasteflow.core.tracing.blocks import onward_of
from wasteflow.core.tracing.flows import Floats, Ints, Mask
from wasteflow.core.tracing.solve import MonthSystem, csr


class Shares(NamedTuple):
    """Shares of rows of a matrix that go along moves; `move`: which of those asked for."""

    value: Floats
    row: Ints
    move: Ints


class Books:
    """Months side by side, for whatever class is traced: place p of month t is t * places + p."""

    def __init__(self, systems: Sequence[MonthSystem], is_yard: Mask) -> None:
        is_site = systems[0].is_site
        self.systems = systems
        self.count, self.size = len(systems), len(is_site)
        self.n_sites = int(np.count_nonzero(is_site))
        self.n_queues = self.size - self.n_sites
        self.passed = np.stack([system.passed for system in systems])
        closing = np.stack([system.closing for system in systems])
        self.stays = np.where(closing > 0, 1.0 - self.passed, 0.0)
        opening = np.stack([system.opening[self.n_sites :] for system in systems])
        self.draw = np.stack([system.draw[self.n_sites :] for system in systems])
        keeps = is_yard[self.n_sites :] | (self.draw < opening).any(axis=0)
        for system in systems:
            places = system.opened.place
            keeps[places[places >= self.n_sites] - self.n_sites] = True
        self.keeps = keeps
        self.kept = np.flatnonzero(keeps)
        self.nodes = self.n_sites + len(self.kept)
        self.node = np.full(self.size, -1, np.int64)
        self.node[: self.n_sites] = np.arange(self.n_sites)
        self.node[self.n_sites + self.kept] = self.n_sites + np.arange(len(self.kept))
        self._drawn_rows()
        self._source_rows()

    def _drawn_rows(self) -> None:
        """Queues whose draw is by year, by month: the kept ones, in the first month all of them."""
        drawn = self.draw > 0
        self.empties = drawn & ~self.keeps  # gives all it held, which came a month before
        self.empties[0] = False
        drawn[1:] &= self.keeps
        month, self.draws = np.nonzero(drawn)
        self.draw_row = np.full(drawn.shape, -1, np.int64)
        self.draw_row[month, self.draws] = np.arange(len(month))
        self.draw_cuts = np.searchsorted(month, np.arange(self.count + 1)).tolist()
        self.draw_month = month

    def _source_rows(self) -> None:
        """Rows (month, origin) of what came in, in that order."""
        parts = [system.sources for system in self.systems]
        month = np.repeat(np.arange(self.count), [len(part.kg) for part in parts])
        origin = np.concatenate([part.origin for part in parts])
        place = np.concatenate([part.place for part in parts])
        kg = np.concatenate([part.kg for part in parts]).astype(np.float64)
        new = np.ones(len(month), bool)  # they stand in order of origin
        new[1:] = (origin[1:] != origin[:-1]) | (month[1:] != month[:-1])
        row = np.cumsum(new) - 1
        self.origins, self.source_month = origin[new], month[new]
        self.source_cuts = np.searchsorted(self.source_month, np.arange(self.count + 1)).tolist()
        site = place < self.n_sites
        rows = len(self.origins)
        shape = rows, self.count * self.nodes
        at = month * self.nodes + place
        self.at_sites = csr(kg[site], row[site], at[site], shape)
        at = month * self.n_queues + place - self.n_sites
        shape = rows, self.count * self.n_queues
        self.at_queues = csr(kg[~site], row[~site], at[~site], shape)

    def out_of_pools(self, month: Ints, source: Ints, share: Floats) -> Shares:
        """What of the pools of queues goes along moves out of them: in the same month, and of what
        waits over the end of the month before."""
        place = month * self.size + source
        row = month * self.n_queues + source - self.n_sites
        now = share * self.passed.reshape(-1)[place]
        at, later = np.flatnonzero(now), np.flatnonzero(self.empties.reshape(-1)[row])
        value = share[later] * self.stays.reshape(-1)[place[later] - self.size]
        return Shares(
            np.concatenate([now[at], value]),
            np.concatenate([row[at], row[later] - self.n_queues]),
            np.concatenate([at, later]),
        )

    def out_of_sites(self, month: Ints, source: Ints, share: Floats) -> Shares:
        """What of the pools of sites goes along moves out of them."""
        now = share * self.passed.reshape(-1)[month * self.size + source]
        at = np.flatnonzero(now)
        return Shares(now[at], (month * self.n_sites + source)[at], at)

    def drawn(self, month: Ints, source: Ints, share: Floats) -> Shares:
        """What of the draws by year goes along moves out of queues."""
        row = self.draw_row.reshape(-1)[month * self.n_queues + source - self.n_sites]
        move = np.flatnonzero(row >= 0)
        return Shares(share[move], row[move], move)


class _Cells(NamedTuple):
    """Cells of a matrix, each of a move (its position among those between places)."""

    value: Floats
    row: Ints
    column: Ints
    move: Ints

    @classmethod
    def of(cls, shares: Shares, column: Ints, moves: Ints) -> _Cells:
        """Of shares of some `moves`, that go to the `column` of each."""
        return cls(shares.value, shares.row, column[shares.move], moves[shares.move])

    def along(self, goes: Mask) -> _Cells:
        """Those of some moves."""
        at = np.flatnonzero(goes[self.move])
        return _Cells(self.value[at], self.row[at], self.column[at], self.move[at])

    def matrix(self, rows: int, columns: int) -> sparse.csr_array:
        return csr(self.value, self.row, self.column, (rows, columns))


class _Into(NamedTuple):
    """Where moves into sites, or into queues, come from: pools of sites, of queues, draws."""

    sites: _Cells
    queues: _Cells
    draws: _Cells

    @classmethod
    def of(cls, books: Books, month: Ints, source: Ints, share: Floats, to: _To) -> _Into:
        """Of some moves, given with the column each leads to."""
        found = []
        for site, shares in (
            (True, books.out_of_sites),
            (False, books.out_of_pools),
            (False, books.drawn),
        ):
            some = np.flatnonzero((source < books.n_sites) == site)
            parts = shares(month[some], source[some], share[some])
            found.append(_Cells.of(parts, to.column[some], to.moves[some]))
        return cls(*found)

    def along(self, goes: Mask) -> _Into:
        """Those of some moves."""
        return _Into(*(part.along(goes) for part in self))


class _To(NamedTuple):
    """Moves (positions among those between places), and the column each leads to."""

    moves: Ints
    column: Ints


class Ways:
    """Moves between holding places along which a class goes, and how queues fill by them.

    enter, sent, come: shares that sites and draws by year, and kilograms that what came in, give to
    the pools of queues, by way of other queues too.  direct, drawn: what the first two give to
    nodes past all pools of queues; out: what these pools give to nodes.
    """

    def __init__(
        self,
        books: Books,
        held: Sequence[Ints],
        into_sites: _Into,
        into_queues: _Into,
        like: Ways | None = None,
    ) -> None:
        self.books, self._held = books, held
        self._into_sites, self._into_queues = into_sites, into_queues
        self.enter: sparse.csr_array
        self.sent: sparse.csr_array
        self.come: sparse.csr_array
        queues, nodes = books.count * books.n_queues, books.count * books.nodes
        self.direct = into_sites.sites.matrix(books.count * books.n_sites, nodes)
        self.drawn = into_sites.draws.matrix(len(books.draws), nodes)
        month, place = np.nonzero(books.stays[:, books.n_sites + books.kept])
        stays = books.stays[month, books.n_sites + books.kept[place]]
        pools = into_sites.queues
        rows = np.concatenate([pools.row, month * books.n_queues + books.kept[place]])
        ends = np.concatenate([pools.column, month * books.nodes + books.n_sites + place])
        self.out = csr(np.concatenate([pools.value, stays]), rows, ends, (queues, nodes))
        if like is not None:
            self.enter, self.sent, self.come = like.enter, like.sent, like.come
            return
        onward = into_queues.queues.matrix(queues, queues)
        if onward.nnz:
            onward = onward_of(onward)
        enter = into_queues.sites.matrix(books.count * books.n_sites, queues)
        sent = into_queues.draws.matrix(len(books.draws), queues)
        self.enter, self.sent, self.come = (
            plus(part, part @ onward) for part in (enter, sent, books.at_queues)
        )

    @classmethod
    def of_all(cls, books: Books) -> Ways:
        """All moves."""
        held = [
            np.flatnonzero((one.moves.target >= 0) & ~one.circulating[one.moves.source])
            for one in books.systems
        ]
        pairs = list(zip(books.systems, held, strict=True))
        number: Any = np.arange(books.count, dtype=np.int32)
        month = np.repeat(number, [len(part) for part in held])
        source = _short([one.moves.source[part] for one, part in pairs])
        target = _short([one.moves.target[part] for one, part in pairs])
        share = np.concatenate([one.moves.share[part] for one, part in pairs])
        found = []
        for site, width, first in ((True, books.nodes, 0), (False, books.n_queues, books.n_sites)):
            some = np.flatnonzero((target < books.n_sites) == site)
            column = month[some] * width + target[some] - first
            parts = month[some], source[some], share[some], _To(some, column)
            found.append(_Into.of(books, *parts))
        return cls(books, held, found[0], found[1])

    def along(self, lens: Callable[[MonthSystem], Mask]) -> Ways:
        """The moves a class goes along with; queues fill as they do if it goes into all of them."""
        pairs = zip(self.books.systems, self._held, strict=True)
        goes = np.concatenate([lens(one)[part] for one, part in pairs])
        into_queues = self._into_queues.along(goes)
        old = self._into_queues
        same = all(len(a.move) == len(b.move) for a, b in zip(into_queues, old, strict=True))
        into_sites = self._into_sites.along(goes)
        return Ways(self.books, self._held, into_sites, into_queues, self if same else None)


def _short(parts: Sequence[Ints]) -> Any:
    """Joined, with 32 bits, as SciPy keeps its indices."""
    return np.concatenate(parts, dtype=np.int32, casting="same_kind")


def plus(one: sparse.csr_array, other: sparse.csr_array) -> sparse.csr_array:
    """The sum, quicker where one of the two is empty, as is common here."""
    if one.nnz and other.nnz:
        return sparse.csr_array(one + other)
    return one if one.nnz else other
