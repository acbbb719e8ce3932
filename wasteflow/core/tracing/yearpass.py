"""Year pass: who leaves a queue first, and how old the mass of every place is; columns are years.

Gives the draw fractions phi(queue, year) on which both the adjoint and the forward pass stand
(paper 6, 4.1).  phi depends on the year alone, so every finer split (generator, credited or not)
stays linear once it is known.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
from msgspec import Struct, field

from wasteflow.core.tracing.flows import Floats, Ints, Mask
from wasteflow.core.tracing.months import Chain
from wasteflow.core.tracing.operators import Operator, contracted
from wasteflow.core.tracing.solve import MonthSystem, Sources, csr
from wasteflow.core.tracing.unrolled import Unrolled
from wasteflow.core.tracing.ways import Books, Ways

Lens = Callable[[MonthSystem], Mask]
"""Which moves of a month a class of mass goes along with; the others are its exits."""


def open_lens(system: MonthSystem) -> Mask:
    """Mass not yet credited: an acceptance that credits ends it (2-domain 1.5)."""
    return np.asarray(system.moves.mark == 0)


class Rows(NamedTuple):
    """Rows of a table of `height` rows that hold something, by `at` ascending; the rest is 0."""

    at: Ints
    part: Floats
    height: int

    def dense(self) -> Floats:
        """The whole table."""
        found = np.zeros((self.height, self.part.shape[1]))
        found[self.at] = self.part
        return found


class Contents(NamedTuple):
    """What every place holds by year at the start and at the end of each month."""

    start: tuple[Rows, ...]
    close: tuple[Rows, ...]


class YearPass:
    """Result per month of the chain; tables are places x years (phi: queues x years).

    `start` = content at the beginning, openings posted in the month included; `close` = content at
    the end; both made when first asked for.  Kilograms, float64.  The rows of `phi` are the queues
    that are drawn from.
    """

    def __init__(self, phi: tuple[Rows, ...], contents: Callable[[], Contents]) -> None:
        self.phi = phi
        self._make: Callable[[], Contents] | None = contents
        self._contents: Contents | None = None

    def __iter__(self) -> Iterator[tuple[Rows, ...]]:
        """The three tables, in this order: phi, start, close."""
        return iter((self.phi, self.start, self.close))

    @property
    def contents(self) -> Contents:
        """What every place holds; lets go of what it was made from."""
        make = self._make
        if self._contents is None and make is not None:
            self._contents = make()
            self._make = None
        assert self._contents is not None
        return self._contents

    @property
    def start(self) -> tuple[Rows, ...]:
        """Content at the beginning of each month."""
        return self.contents.start

    @property
    def close(self) -> tuple[Rows, ...]:
        """Content at the end of each month."""
        return self.contents.close


class Operators(Struct):
    """The contracted systems of a chain, one per month and lens, made when first needed."""

    chain: Chain
    _made: dict[tuple[int, Lens | None], Operator] = field(default_factory=dict)
    _unrolled: dict[Lens | None, Unrolled] = field(default_factory=dict)
    _ways: Ways | None = None

    def of(self, number: int, lens: Lens | None = None) -> Operator:
        """Operator of month `number` of the chain."""
        if (number, lens) not in self._made:
            self.prepare(number, number, lens)
        return self._made[number, lens]

    def prepare(self, first: int, last: int, lens: Lens | None = None) -> None:
        """Make those of the months first..last together: many at once are quicker than each."""
        wanted = [n for n in range(first, last + 1) if (n, lens) not in self._made]
        months = [self.chain.months[number] for number in wanted]
        whole = [self._made.get((number, None)) for number in wanted]
        made = contracted(months, lens, [one for one in whole if one is not None])
        self._made.update(((number, lens), one) for number, one in zip(wanted, made, strict=True))

    def unrolled(self, lens: Lens | None = None) -> Unrolled:
        """All months as one system, for dense columns."""
        if lens not in self._unrolled:
            if self._ways is None:
                self._ways = Ways.of_all(Books(self.chain.months, self.chain.is_yard))
            self._unrolled[lens] = Unrolled(self._ways, lens)
        return self._unrolled[lens]

    def take_over(self, other: Operators, before: int) -> None:
        """Take the systems of months 0..before - 1 from a chain that is the same so far."""
        self._made.update({key: made for key, made in other._made.items() if key[0] < before})


def prepared(chain: Chain) -> tuple[Operators, YearPass]:
    """What every question about a material starts from."""
    operators = Operators(chain)
    return operators, year_pass(operators)


def year_pass(operators: Operators, known: YearPass | None = None, before: int = 0) -> YearPass:
    """Every month forward from the start of the books, columns = years.

    known: the pass of a chain of the same places and years that agrees in months 0..before - 1.
    """
    chain = operators.chain
    if not chain.months:
        return YearPass((), lambda: Contents((), ()))
    if known is None or not before:
        walk = _Walk(
            chain, operators.unrolled(), 0, np.zeros((len(chain.places), len(chain.years)))
        )
        return YearPass(walk.phi, walk.contents)
    start, close = known.start[:before], known.close[:before]
    if before >= len(chain.months):
        return YearPass(known.phi[:before], lambda: Contents(start, close))
    ways = Ways.of_all(Books(chain.months[before:], chain.is_yard))
    walk = _Walk(chain, Unrolled(ways), before, close[-1].dense())

    def contents() -> Contents:
        own = walk.contents()
        return Contents(start + own.start, close + own.close)

    return YearPass(known.phi[:before] + walk.phi, contents)


class _Walk:
    """The months from position `first` on, forward: sites and kept queues at once, what the
    contracted queues held when it is asked for."""

    def __init__(self, chain: Chain, unrolled: Unrolled, first: int, content: Floats) -> None:
        self.chain, self.unrolled, self.books = chain, unrolled, unrolled.books
        books = self.books
        self._before = content
        self._at_sites = content[: books.n_sites].copy()
        self._held = content[books.n_sites + books.kept]
        self._ring = np.zeros((unrolled.depth * books.nodes, len(chain.years)))
        self._years = np.searchsorted(chain.years, [one.month // 100 for one in books.systems])
        self._arrivals = unrolled.arrivals(self._years, len(chain.years))
        self._drawn: list[Floats] = []
        self._pools: list[Floats] = []
        self._closing: list[Floats] = []
        self.phi = tuple(self._month(*month) for month in enumerate(chain.months[first:]))

    def _month(self, number: int, system: MonthSystem) -> Rows:
        """Take the content of the nodes over a month; gives the draw fractions."""
        books, unrolled, ring = self.books, self.unrolled, self._ring
        sites, first = slice(0, books.n_sites), number % unrolled.depth * books.nodes
        entering = ring[first : first + books.nodes]
        queues = books.draws[slice(*books.draw_cuts[number : number + 2])]
        at = books.node[books.n_sites + queues] - books.n_sites
        if len(system.opened.place):
            self._open(by_place_and_year(self.chain, system.opened))
        lying = self._held[at] if number else self._at_first(queues, at)
        share = draw_fractions(self.chain, system, lying, queues)
        drawn = lying * share
        entering += self._arrivals[number * books.nodes : (number + 1) * books.nodes]
        ring += unrolled.draws[number].T @ drawn
        pool = self._at_sites + entering[sites]
        unrolled.eliminations[number].forward(pool)
        np.maximum(pool, 0.0, out=pool)
        pool[system.circulating[sites]] = 0.0
        ring += unrolled.links[number].T @ pool
        self._at_sites = pool * books.stays[number, sites, None]
        kept = at >= 0
        self._held[at[kept]] -= drawn[kept]
        self._held += entering[books.n_sites :]
        self._held[system.closing[books.n_sites + books.kept] == 0] = 0.0
        self._drawn.append(drawn)
        self._pools.append(pool)
        self._closing.append(np.concatenate([self._at_sites, self._held]))
        entering[...] = 0.0
        return self._fractions(number, queues, share)

    def _open(self, opened: Rows) -> None:
        """Add what openings posted in the month say that lies there."""
        site = opened.at < self.books.n_sites
        self._at_sites[opened.at[site]] += opened.part[site]
        node = self.books.node[opened.at[~site]]
        self._held[node - self.books.n_sites] += opened.part[~site]

    def _at_first(self, queues: Ints, at: Ints) -> Floats:
        """What lies in the first month in queues that are drawn from, kept ones and others."""
        found = self._before[self.books.n_sites + queues]
        found[at >= 0] = self._held[at[at >= 0]]
        return found

    def _fractions(self, number: int, queues: Ints, share: Floats) -> Rows:
        """phi of every queue that is drawn from: 1 of those that are contracted."""
        rows = np.flatnonzero(self.books.draw[number])
        phi = np.ones((len(rows), share.shape[1]))
        phi[np.searchsorted(rows, queues)] = share
        return Rows(rows, phi, self.books.n_queues)

    def contents(self) -> Contents:
        """What every place holds at the start and the end of each month."""
        chain, books, ways = self.chain, self.books, self.unrolled.ways
        years = len(chain.years)
        rows = np.arange(len(books.origins))
        year = self._years[books.source_month]
        own = csr(np.ones(len(rows)), rows, year, (len(rows), years))
        filled: Floats = (ways.come.T @ own).toarray()
        filled += ways.enter.T @ np.concatenate(self._pools)
        filled += ways.sent.T @ np.concatenate(self._drawn)
        held = self._before
        start, close = [], []
        for number, system in enumerate(books.systems):
            if len(system.opened.place):
                held = held + by_year(chain, system.opened)
            start.append(_rows(held))
            held = np.zeros_like(held)
            waiting = filled[number * books.n_queues : (number + 1) * books.n_queues]
            held[books.n_sites :] = waiting * books.stays[number, books.n_sites :, None]
            held[: books.n_sites] = self._closing[number][: books.n_sites]
            held[books.n_sites + books.kept] = self._closing[number][books.n_sites :]
            close.append(_rows(held))
        return Contents(tuple(start), tuple(close))


def _rows(table: Floats) -> Rows:
    some = np.zeros(len(table), bool)
    for column in table.T:  # many times quicker than `any` over short rows
        some |= column != 0
    at = np.flatnonzero(some)
    return Rows(at, table[at], len(table))


def by_place_and_year(chain: Chain, sources: Sources) -> Rows:
    """Kilograms of sources per place and year, of the places that have any."""
    places, row = np.unique(sources.place, return_inverse=True)
    shape = len(places), len(chain.years)
    cell = row * shape[1] + chain.origin_year[sources.origin]
    kg = np.bincount(cell, sources.kg.astype(np.float64), minlength=shape[0] * shape[1])
    return Rows(places, np.asarray(kg.reshape(shape), dtype=np.float64), len(chain.places))


def by_year(chain: Chain, sources: Sources) -> Floats:
    """Kilograms of sources per place and year."""
    return by_place_and_year(chain, sources).dense()


def draw_fractions(chain: Chain, system: MonthSystem, held: Floats, rows: Ints) -> Floats:
    """phi(queue, year) of the queues `rows`, all of them drawn from; `held`: their content.

    The share of each year of the opening content that is drawn (rule Q).  Yards give the oldest
    year first, transits pro rata; 1 where everything is drawn.
    """
    places = chain.site_count + rows
    draw, opening = system.draw[places], system.opening[places]
    phi = np.repeat((draw / opening)[:, None], held.shape[1], axis=1)
    yards = np.flatnonzero(chain.is_yard[places])
    old = held[yards]
    taken = np.clip(draw[yards, None] - (np.cumsum(old, axis=1) - old), 0.0, old)
    phi[yards] = np.divide(taken, old, out=np.zeros_like(old), where=old > 0)
    phi[draw == opening] = 1.0
    return phi
