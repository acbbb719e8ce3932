"""All months of a chain as one system in which queues that pass on all they hold are contracted.

What waits in a transit over the end of a month leaves before anything else in the next (rule Q),
and mostly all of it, whatever its year.  Such a queue only leads from a site to places of the same
month and of later ones, so it is eliminated as within a month (`operators`), for all months at
once.  What is left are the nodes of a month: the pools of its sites, and what lies at its end in
the kept queues, whose draws depend on the year (yards) or are a part of what is there.

    u(t) = C u(t) + staying u(t + 1) + sum over k of L(t, k) y(t + k) + what counts

y = values of the nodes; k = 0 within the month, 1 over its end, more along several queues.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from wasteflow.core.later import sparse
from wasteflow.core.tracing.blocks import onward_of, rows_of
from wasteflow.core.tracing.elimination import eliminations
from wasteflow.core.tracing.flows import Floats, Ints, Mask
from wasteflow.core.tracing.solve import MonthSystem, csr


class Pooled(NamedTuple):
    """Shares of pools of queues (rows: queues of the months) that go along moves."""

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

    def out_of_pools(self, month: Ints, source: Ints, share: Floats) -> Pooled:
        """What of the pools of queues goes along moves out of them: in the same month, and of what
        waits over the end of the month before."""
        place = month * self.size + source
        row = month * self.n_queues + source - self.n_sites
        now = share * self.passed.reshape(-1)[place]
        at, later = np.flatnonzero(now), np.flatnonzero(self.empties.reshape(-1)[row])
        value = share[later] * self.stays.reshape(-1)[place[later] - self.size]
        return Pooled(
            np.concatenate([now[at], value]),
            np.concatenate([row[at], row[later] - self.n_queues]),
            np.concatenate([at, later]),
        )

    def passing(self, month: Ints, source: Ints, share: Floats) -> Floats:
        """Share of the pools of places that goes along moves out of them in the month."""
        passed: Floats = self.passed.reshape(-1)[month * self.size + source]
        return share * passed

    def drawn(self, month: Ints, source: Ints) -> tuple[Ints, Ints]:
        """(row among the draws by year, which move) of moves out of queues."""
        row = self.draw_row.reshape(-1)[month * self.n_queues + source - self.n_sites]
        move = np.flatnonzero(row >= 0)
        return row[move], move

    @cached_property
    def _everything(self) -> Ways:
        return Ways(self, None)

    def unrolled(self, lens: Callable[[MonthSystem], Mask] | None = None) -> Unrolled:
        """The months for the moves that a class goes along with (None: all)."""
        everything = self._everything
        return Unrolled(self, everything if lens is None else Ways(self, lens, everything))


class Ways:
    """Moves between holding places along which a class goes, and how queues fill by them.

    enter, sent, come: shares that sites and draws by year, and kilograms that what came in, give to
    the pools of queues, by way of other queues too.  direct, drawn: what the first two give to
    nodes past all pools of queues; out: what these pools give to nodes.
    """

    def __init__(
        self,
        books: Books,
        lens: Callable[[MonthSystem], Mask] | None,
        like: Ways | None = None,
    ) -> None:
        self.books = books
        self.enter: sparse.csr_array
        self.sent: sparse.csr_array
        self.come: sparse.csr_array
        if like is None:
            held = [
                np.flatnonzero((one.moves.target >= 0) & ~one.circulating[one.moves.source])
                for one in books.systems
            ]
            pairs = list(zip(books.systems, held, strict=True))
            self.held = held
            number: Any = np.arange(books.count, dtype=np.int32)
            self.month = np.repeat(number, [len(part) for part in held])
            self.source = _short([one.moves.source[part] for one, part in pairs])
            self.target = _short([one.moves.target[part] for one, part in pairs])
            self.share = np.concatenate([one.moves.share[part] for one, part in pairs])
        else:
            assert lens is not None
            pairs = list(zip(books.systems, like.held, strict=True))
            goes = np.concatenate([lens(one)[part] for one, part in pairs])
            self.month, self.source = like.month[goes], like.source[goes]
            self.target, self.share = like.target[goes], like.share[goes]
            into_queues = like.target >= books.n_sites
            like = like if goes[into_queues].all() else None
        self._into_sites()
        self._fill(like)

    def _fill(self, like: Ways | None) -> None:
        """The ways into queues; those of all moves if the class goes along all of them."""
        if like is not None:
            self.enter, self.sent, self.come = like.enter, like.sent, like.come
            return
        books = self.books
        some = np.flatnonzero(self.target >= books.n_sites)
        source, month = self.source[some], self.month[some]
        queue = month * books.n_queues + self.target[some] - books.n_sites
        site = source < books.n_sites
        columns = books.count * books.n_queues
        value = books.passing(month, source, self.share[some])
        at = (month * books.n_sites + source)[site]
        enter = csr(value[site], at, queue[site], (books.count * books.n_sites, columns))
        enter.eliminate_zeros()
        row, move = books.drawn(month[~site], source[~site])
        shape = len(books.draws), columns
        sent = csr(self.share[some[~site][move]], row, queue[~site][move], shape)
        value, row, move = self._pooled(some[~site])
        onward = csr(value, row, queue[~site][move], (columns, columns))
        if onward.nnz:
            onward = onward_of(onward)
        self.enter, self.sent, self.come = (
            _plus(part, part @ onward) for part in (enter, sent, books.at_queues)
        )

    def _into_sites(self) -> None:
        """The ways into sites and, of kept queues, what stays there: as columns of nodes."""
        books = self.books
        some = np.flatnonzero(self.target < books.n_sites)
        source, month = self.source[some], self.month[some]
        node = month * books.nodes + self.target[some]
        site = source < books.n_sites
        columns = books.count * books.nodes
        value = books.passing(month, source, self.share[some])
        at = (month * books.n_sites + source)[site]
        self.direct = csr(value[site], at, node[site], (books.count * books.n_sites, columns))
        self.direct.eliminate_zeros()
        row, at = books.drawn(month[~site], source[~site])
        shape = len(books.draws), columns
        self.drawn = csr(self.share[some[~site][at]], row, node[~site][at], shape)
        pools = self._pooled(some[~site])
        number, place = np.nonzero(books.stays[:, books.n_sites + books.kept])
        stays = books.stays[number, books.n_sites + books.kept[place]]
        self.out = csr(
            np.concatenate([pools.value, stays]),
            np.concatenate([pools.row, number * books.n_queues + books.kept[place]]),
            np.concatenate([node[~site][pools.move], number * books.nodes + books.n_sites + place]),
            (books.count * books.n_queues, columns),
        )

    def _pooled(self, moves: Ints) -> Pooled:
        return self.books.out_of_pools(self.month[moves], self.source[moves], self.share[moves])


class Hit(NamedTuple):
    """Moves that count, each with weight 1 in a column: month, source and share of each."""

    month: Ints
    source: Ints
    share: Floats
    column: Ints


class Lying(NamedTuple):
    """What lies in some places at the end of a month counts 1 in a column."""

    month: int
    places: Mask
    column: int


class Counted(NamedTuple):
    """Value of what counts, once the contracted queues are gone, x columns; rows: sites of the
    months, draws by year, and what came in (kilograms)."""

    sites: sparse.csr_array
    draws: sparse.csr_array
    sources: sparse.csr_array


class Unrolled:
    """The months of `books` for the moves of a class (lens), with the contracted queues gone.

    What a site gives to sites within the month is left to `eliminations`.  Everything else leads to
    nodes of this and of later months, of which `depth` stand in a ring: node k of month t is column
    (t modulo depth) * nodes + k.
    """

    def __init__(self, books: Books, ways: Ways) -> None:
        self.books, self.ways = books, ways
        month = np.repeat(np.arange(books.count), books.n_sites)
        within, links = _apart(_plus(ways.direct, ways.enter @ ways.out), month, books)
        self.eliminations = eliminations(within, books.count, rows_of)
        pairs = (ways.enter, month), (ways.sent, books.draw_month), (ways.come, books.source_month)
        self.depth = 2 + max(_months_ahead(*pair, books.n_queues) for pair in pairs)
        self.links = self._cut(links, [n * books.n_sites for n in range(books.count + 1)])
        self.draws = self._cut(_plus(ways.drawn, ways.sent @ ways.out), books.draw_cuts)

    @cached_property
    def sources(self) -> list[tuple[Ints, sparse.csr_array]]:
        """Where what came in goes first, kilograms, by month: (nodes that get something, origins
        of the month x these)."""
        books, ways = self.books, self.ways
        found = []
        for part in self._cut(_plus(books.at_sites, ways.come @ ways.out), books.source_cuts):
            wanted, at = np.unique(part.indices, return_inverse=True)
            few = sparse.csr_array((part.data, at, part.indptr), shape=(part.shape[0], len(wanted)))
            found.append((wanted, few))
        return found

    def arrivals(self, column: Ints, columns: int) -> Floats:
        """The same without origins, added up: nodes of all months x columns; `column`: that of each
        month."""
        books, ways = self.books, self.ways
        found = []
        for part in (books.at_sites, ways.come):
            of = np.repeat(column[books.source_month], np.diff(part.indptr))
            shape = part.shape[1], columns
            kg = np.bincount(part.indices * columns + of, part.data, shape[0] * columns)
            found.append(kg.reshape(shape))
        return np.asarray(found[0] + ways.out.T @ found[1], dtype=np.float64)

    def _cut(self, whole: sparse.csr_array, cuts: Sequence[int]) -> list[sparse.csr_array]:
        """The rows of each month; columns in the ring."""
        width = self.depth * self.books.nodes
        parts = whole.data, whole.indices % width, whole.indptr
        ring = sparse.csr_array(parts, shape=(whole.shape[0], width))
        return [rows_of(ring, slice(*some), 0, width) for some in pairwise(cuts)]

    def counted(self, hits: Hit, lying: Sequence[Lying], columns: int) -> Counted:
        """The value of moves and of what lies in contracted queues."""
        books, ways = self.books, self.ways
        site = np.flatnonzero(hits.source < books.n_sites)
        row = hits.month[site] * books.n_sites + hits.source[site]
        value = books.passing(hits.month[site], hits.source[site], hits.share[site])
        shape = books.count * books.n_sites, columns
        sites = csr(value, row, hits.column[site], shape)
        some = np.flatnonzero(hits.source >= books.n_sites)
        month, source, share = hits.month[some], hits.source[some], hits.share[some]
        pools = books.out_of_pools(month, source, share)
        parts = [(pools.value, pools.row, hits.column[some][pools.move])]
        for end, places, number in lying:
            held = books.stays[end, books.n_sites :] * (places[books.n_sites :] & ~books.keeps)
            queue = np.flatnonzero(held)
            at = end * books.n_queues + queue
            parts.append((held[queue], at, np.full(len(queue), number)))
        value, row, column = (np.concatenate(part) for part in zip(*parts, strict=True))
        pooled = csr(value, row, column, (ways.out.shape[0], columns))
        row, move = books.drawn(month, source)
        drawn = csr(share[move], row, hits.column[some][move], (len(books.draws), columns))
        return Counted(
            _plus(sites, ways.enter @ pooled),
            _plus(drawn, ways.sent @ pooled),
            sparse.csr_array(ways.come @ pooled),
        )


def _short(parts: Sequence[Ints]) -> Any:
    """Joined, with 32 bits, as SciPy keeps its indices."""
    return np.concatenate(parts, dtype=np.int32, casting="same_kind")


def _months_ahead(matrix: sparse.csr_array, month: Ints, queues: int) -> int:
    """How many months the queue of a column is at most after its row."""
    of_row = np.repeat(month, np.diff(matrix.indptr))
    return int((matrix.indices // queues - of_row).max(initial=0))


def _plus(one: sparse.csr_array, other: sparse.csr_array) -> sparse.csr_array:
    """The sum, quicker where one of the two is empty, as is common here."""
    if one.nnz and other.nnz:
        return sparse.csr_array(one + other)
    return one if one.nnz else other


def _apart(
    whole: sparse.csr_array, month: Ints, books: Books
) -> tuple[sparse.csr_array, sparse.csr_array]:
    """(sites x sites within a month, all the others)."""
    row = np.repeat(np.arange(len(month)), np.diff(whole.indptr))
    node = whole.indices - (month * books.nodes)[row]
    at = np.flatnonzero(node < books.n_sites)
    here = row[at]
    columns = node[at] + (month * books.n_sites)[here]
    count = np.bincount(here, minlength=len(month))
    within = whole.data[at], columns, np.concatenate([[0], np.cumsum(count)])
    rest = np.flatnonzero(node >= books.n_sites)
    pointer = whole.indptr - within[2]
    others = whole.data[rest], whole.indices[rest], pointer
    shape = len(month), len(month)
    return sparse.csr_array(within, shape=shape), sparse.csr_array(others, shape=whole.shape)
