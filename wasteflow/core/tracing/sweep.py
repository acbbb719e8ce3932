"""Adjoint over unrolled months: what sources are worth for chosen targets; nothing of queues shown.

The equations and results are those of `adjoint`, which also tells what every queue is worth.  Here
only sites and kept queues carry values from month to month (`unrolled`), so a month costs a
fraction.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from wasteflow.core.later import sparse
from wasteflow.core.tracing.adjoint import NEW, PRIOR, Column, HitsOf, Reached, collect
from wasteflow.core.tracing.blocks import rows_of
from wasteflow.core.tracing.flows import Floats, Ints, Mask
from wasteflow.core.tracing.months import Chain
from wasteflow.core.tracing.unrolled import Counted, Hit, Lying, Unrolled
from wasteflow.core.tracing.ways import Books
from wasteflow.core.tracing.yearpass import Lens, Operators, Rows, YearPass


class More(NamedTuple):
    """Further value per kilogram in the pools of some sites: sites x live years x live columns."""

    sites: Ints
    pool: Floats


MoreOf = Callable[[int, Ints, int], More | None]
Watcher = Callable[[int, Ints, Floats], None]


def sweep(
    operators: Operators,
    passed: YearPass,
    columns: Sequence[Column],
    hits: HitsOf,
    *,
    lens: Lens | None = None,
    more: MoreOf | None = None,
    observe: Watcher | None = None,
) -> Reached:
    """Kilograms of every origin that reach the columns, as `adjoint`.

    more(number, live columns, live years): value that is added at sites of the month.
    observe(number, live columns, values): is offered the values of the pools of the sites, sites x
    years x columns.
    """
    chain, spans = operators.chain, _Spans.of(columns)
    found = np.zeros((2, len(chain.origins), len(columns)))
    if not chain.months:
        return Reached(found)
    unrolled = operators.unrolled(lens)
    books = unrolled.books
    counted = _counted(unrolled, chain, spans, columns, hits)
    _at_once(found, counted.sources, books, spans)
    values = _Values(unrolled, counted)
    for number in range(int(spans.last.max(initial=-1)), -1, -1):
        live = spans.live(number)
        if not len(live):
            values.forget()
            continue
        system = chain.months[number]
        values.keep(live, chain.live_years(system))
        for position in np.flatnonzero(spans.last[live] == number).tolist():
            values.lies(number, position, columns[live[position]].stock)
        further = more(number, live, values.years) if more else None
        at_sites = values.into(number, further)
        if observe:
            observe(number, live, at_sites)
        year = int(np.searchsorted(chain.years, system.month // 100))
        came = values.reached(number, year)
        origins = books.origins[slice(*books.source_cuts[number : number + 2])]
        new = spans.first[live] <= number
        for status, some in ((NEW, new), (PRIOR, ~new)):
            if some.any():
                found[status, origins[:, None], live[some]] += came[:, some]
        values.go_back(number, passed.phi[number])
        opened = system.opened
        if len(opened.kg):
            lay = values.at(opened.place, chain.origin_year[opened.origin])
            collect(found, opened, lay, live, np.zeros(len(live), bool))
    return Reached(found)


class _Spans(NamedTuple):
    """First and last month of the columns, and whether they have a history."""

    first: Ints
    last: Ints
    history: Mask

    @classmethod
    def of(cls, columns: Sequence[Column]) -> _Spans:
        return cls(
            np.array([column.first for column in columns], dtype=np.int64),
            np.array([column.last for column in columns], dtype=np.int64),
            np.array([column.history for column in columns], dtype=bool),
        )

    def live(self, number: int) -> Ints:
        """Columns that a month has to do with."""
        return np.flatnonzero((self.last >= number) & (self.history | (self.first <= number)))


def _counted(
    unrolled: Unrolled, chain: Chain, spans: _Spans, columns: Sequence[Column], hits: HitsOf
) -> Counted:
    none = np.zeros(0, np.int64)
    parts = [Hit(none, none, np.zeros(0), none)]
    for number, system in enumerate(chain.months[: int(spans.last.max(initial=-1)) + 1]):
        move, column = hits(number, system)
        counts = (spans.first[column] <= number) & (spans.last[column] >= number)
        counts &= ~system.circulating[system.moves.source[move]]
        move, column = move[counts], column[counts]
        source, share = system.moves.source[move], system.moves.share[move]
        parts.append(Hit(np.full(len(move), number), source, share, column))
    lying = [
        Lying(column.last, column.stock, at)
        for at, column in enumerate(columns)
        if column.stock is not None and column.last >= 0
    ]
    whole = Hit(*(np.concatenate(part) for part in zip(*parts, strict=True)))
    return unrolled.counted(whole, lying, len(columns))


def _at_once(found: Floats, sources: sparse.csr_array, books: Books, spans: _Spans) -> None:
    """Add what comes in and reaches a column through queues alone."""
    row = np.repeat(np.arange(sources.shape[0]), np.diff(sources.indptr))
    column, month = sources.indices, books.source_month[row]
    some = spans.history[column] | (spans.first[column] <= month)
    status = np.where(spans.first[column] <= month, NEW, PRIOR)
    cell = (status * found.shape[1] + books.origins[row]) * found.shape[2] + column
    kg = np.bincount(cell[some], sources.data[some], found.size)
    found += kg.reshape(found.shape)


class _Values:
    """Value of a kilogram at the nodes, by year of origin and live column.

    `ring`: those of the last months that were done (`Unrolled.depth`), nodes x years x columns;
    `held`: of the kept queues at the end of the month that comes next.
    """

    def __init__(self, unrolled: Unrolled, counted: Counted) -> None:
        self.unrolled, self.counted = unrolled, counted
        self.books = unrolled.books
        self.forget()

    def forget(self) -> None:
        """Begin anew."""
        books = self.books
        self.columns, self.years = np.zeros(0, np.int64), 0
        self.ring = np.zeros((self.unrolled.depth * books.nodes, 0, 0))
        self.held = np.zeros((len(books.kept), 0, 0))
        self._first = 0
        self._lying: list[tuple[int, Floats]] = []

    @property
    def sites(self) -> Floats:
        """Of the sites in the month that was done last."""
        return self.ring[self._first : self._first + self.books.n_sites]

    def keep(self, live: Ints, years: int) -> None:
        """Let go of columns and years that are over, and take in new columns, worth nothing yet."""
        self._lying = []
        if years == self.years and np.array_equal(live, self.columns):
            return
        known = np.flatnonzero(np.isin(live, self.columns))
        old = np.searchsorted(self.columns, live[known])

        def fitted(part: Floats) -> Floats:
            if np.array_equal(live, self.columns):
                return np.ascontiguousarray(part[:, :years])
            if len(known) == len(live):
                return np.take(part[:, :years], old, axis=2)
            made = np.zeros((len(part), years, len(live)))
            if len(known):
                made[:, :, known] = part[:, :years, old]
            return made

        self.ring, self.held = fitted(self.ring), fitted(self.held)
        self.columns, self.years = live, years

    def lies(self, number: int, position: int, stock: Mask | None) -> None:
        """A column ends with this month: what lies at the places of `stock` counts 1."""
        if stock is not None:
            books = self.books
            self.held[stock[books.n_sites :][books.kept], :, position] = 1.0
            at_sites = books.stays[number, : books.n_sites] * stock[: books.n_sites]
            self._lying.append((position, at_sites))

    def into(self, number: int, more: More | None) -> Floats:
        """Values of the pools of the sites in a month, from those of the months after it."""
        books, unrolled = self.books, self.unrolled
        before = self.sites
        self._first = first = number % unrolled.depth * books.nodes
        self.ring[first + books.n_sites : first + books.nodes] = self.held
        v = self.sites
        np.multiply(before, books.stays[number, : books.n_sites, None, None], out=v)
        rows = slice(number * books.n_sites, (number + 1) * books.n_sites)
        v += self._dense(self.counted.sites, rows)[:, None, :]
        for position, lying in self._lying:
            v[:, :, position] += lying[:, None]
        flat = _flat(v)
        flat += unrolled.links[number] @ _flat(self.ring)
        if more is not None:
            v[more.sites] += more.pool
        unrolled.eliminations[number].back(flat)
        return v

    def reached(self, number: int, year: int) -> Floats:
        """What came in times its value: origins of the month x columns."""
        wanted, links = self.unrolled.sources[number]
        return np.asarray(links @ self.ring[wanted, year], dtype=np.float64)

    def go_back(self, number: int, phi: Rows) -> None:
        """Over the month, to what the kept queues held at its start."""
        books = self.books
        rows = slice(*books.draw_cuts[number : number + 2])
        queues = books.draws[rows]
        if len(queues):
            drawn = np.repeat(self._dense(self.counted.draws, rows)[:, None, :], self.years, axis=1)
            _flat(drawn)[...] += self.unrolled.draws[number] @ _flat(self.ring)
            at = books.node[books.n_sites + queues] - books.n_sites
            share = phi.part[np.searchsorted(phi.at, queues), : self.years, None]
            self.held[at] += share * (drawn - self.held[at])

    def at(self, place: Ints, year: Ints) -> Floats:
        """Value per kilogram at the start of the month that was done last: pairs x columns."""
        site = place < self.books.n_sites
        found = np.empty((len(place), len(self.columns)))
        found[site] = self.sites[place[site], year[site]]
        node = self.books.node[place[~site]]
        found[~site] = self.held[node - self.books.n_sites, year[~site]]
        return found

    def _dense(self, matrix: sparse.csr_array, rows: slice) -> Floats:
        found = rows_of(matrix, rows, 0, matrix.shape[1]).toarray()
        return np.asarray(found[:, self.columns], dtype=np.float64)


def _flat(values: Floats) -> Floats:
    return values.reshape(len(values), values.shape[1] * values.shape[2])
