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
from typing import NamedTuple

import numpy as np

from wasteflow.core.later import sparse
from wasteflow.core.tracing.blocks import rows_of
from wasteflow.core.tracing.elimination import eliminations
from wasteflow.core.tracing.flows import Floats, Ints, Mask
from wasteflow.core.tracing.solve import MonthSystem, csr
from wasteflow.core.tracing.ways import Books, Ways, plus


class Hit(NamedTuple):
    """Moves that count, each with weight 1 in a column: month, source and share of each."""

    month: Ints
    source: Ints
    share: Floats
    column: Ints

    def those(self, some: Mask) -> Hit:
        """Some of them."""
        return Hit(self.month[some], self.source[some], self.share[some], self.column[some])


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
    """All months for the moves of a class (lens), with the contracted queues gone.

    What a site gives to sites within the month is left to `eliminations`.  Everything else leads to
    nodes of this and of later months, of which `depth` stand in a ring: node k of month t is column
    (t modulo depth) * nodes + k.
    """

    def __init__(self, everything: Ways, lens: Callable[[MonthSystem], Mask] | None = None) -> None:
        """everything: all moves; lens: those that the class goes along with (None: all)."""
        ways = everything if lens is None else everything.along(lens)
        books = ways.books
        self.books, self.ways = books, ways
        month = np.repeat(np.arange(books.count), books.n_sites)
        within, links = _apart(plus(ways.direct, ways.enter @ ways.out), month, books)
        self.eliminations = eliminations(within, books.count, rows_of)
        pairs = (ways.enter, month), (ways.sent, books.draw_month), (ways.come, books.source_month)
        self.depth = 2 + max(_months_ahead(*pair, books.n_queues) for pair in pairs)
        self.links = self._cut(links, [n * books.n_sites for n in range(books.count + 1)])
        self.draws = self._cut(plus(ways.drawn, ways.sent @ ways.out), books.draw_cuts)

    @cached_property
    def sources(self) -> list[tuple[Ints, sparse.csr_array]]:
        """Where what came in goes first, kilograms, by month: (nodes that get something, origins
        of the month x these)."""
        books, ways = self.books, self.ways
        found = []
        for part in self._cut(plus(books.at_sites, ways.come @ ways.out), books.source_cuts):
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
        site = hits.source < books.n_sites
        own, others = hits.those(site), hits.those(~site)
        value, row, move = books.out_of_sites(*own[:3])
        shape = books.count * books.n_sites, columns
        sites = csr(value, row, own.column[move], shape)
        value, row, move = books.drawn(*others[:3])
        drawn = csr(value, row, others.column[move], (len(books.draws), columns))
        value, row, move = books.out_of_pools(*others[:3])
        parts = [(value, row, others.column[move])]
        for end, places, number in lying:
            held = books.stays[end, books.n_sites :] * (places[books.n_sites :] & ~books.keeps)
            queue = np.flatnonzero(held)
            at = end * books.n_queues + queue
            parts.append((held[queue], at, np.full(len(queue), number)))
        value, row, column = (np.concatenate(part) for part in zip(*parts, strict=True))
        pooled = csr(value, row, column, (ways.out.shape[0], columns))
        return Counted(
            plus(sites, ways.enter @ pooled),
            plus(drawn, ways.sent @ pooled),
            sparse.csr_array(ways.come @ pooled),
        )


def _months_ahead(matrix: sparse.csr_array, month: Ints, queues: int) -> int:
    """How many months the queue of a column is at most after its row."""
    of_row = np.repeat(month, np.diff(matrix.indptr))
    return int((matrix.indices // queues - of_row).max(initial=0))


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
