"""The books of one material as a chain of months: shares, sources, draws, holes; nothing solved.

All kilograms here are whole numbers; what follows (shares, compositions) is float64.  Rules O, Q, H
and C and the symbols S, I, O, d, T, a are those of paper 6 section 2 and 3:

    book = S - d + I - O;  closing = max(0, book);  d' = max(0, -book)
    d' > d: a source of d' - d (`unexplained@`);  d' < d: an outflow of d - d' to `settled`
    draw = min(O, S) of a queue (yard, transit);  rest = O - draw
    T = S + I + hole (site), I + hole (queue);  a = O (site), rest (queue)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from wasteflow.core.later import sparse
from wasteflow.core.periods import Period
from wasteflow.core.places import HOLDING, Place, PlaceKind
from wasteflow.core.tracing.all_months import AllBooks, ByMonth, behind, reached_from_sources
from wasteflow.core.tracing.flows import (
    FlowTable,
    Ints,
    Mask,
    Origin,
    hole_name,
    opening_year,
    source_name,
)
from wasteflow.core.tracing.solve import MonthSystem, Moves, Sources
from wasteflow.core.vocabulary import Fate

SETTLED = 99
"""Kind of the boundary that takes what fills an earlier hole (rule H); others are PlaceKind."""
CREDIT_USE, CREDIT_DISPOSAL = 1, 2
"""Marks of moves that credit a generator on the declared basis (2-domain 1.5)."""


class Finding(NamedTuple):
    """`negative_stock` or `circulation_without_source`: month, code, place keys, kilograms."""

    month: int
    code: str
    places: tuple[str, ...]
    kg: int


@dataclass(frozen=True, slots=True)
class Chain:
    """All months of one material in order, with the numbering of places, years and origins.

    `places` are the holding places, sites before yards and transits; `years` ascending, 0 =
    unknown; `origins` sorted; `origin_year` and `origin_name` index `years` and `names`.
    """

    places: tuple[Place, ...]
    routes: tuple[str, ...]
    is_site: Mask
    is_yard: Mask
    years: tuple[int, ...]
    names: tuple[str, ...]
    origins: tuple[Origin, ...]
    origin_year: Ints
    origin_name: Ints
    months: tuple[MonthSystem, ...]
    findings: tuple[Finding, ...]

    @property
    def site_count(self) -> int:
        """How many of `places` are sites; the queues stand behind them."""
        return int(np.count_nonzero(self.is_site))

    def span(self, period: Period) -> tuple[int, int]:
        """Positions (first, last) of the months of `period`, clipped to the chain.

        last < first if none of them is in the books.
        """
        labels = [system.month for system in self.months]
        first = int(np.searchsorted(labels, period.first))
        return first, int(np.searchsorted(labels, period.last, side="right")) - 1

    def live_years(self, system: MonthSystem) -> int:
        """How many of `years` can exist in this month: the unknown year and all up to its own."""
        return int(np.searchsorted(self.years, system.month // 100, side="right"))


def build_chain(
    table: FlowTable,
    fates: Mapping[str, str],
    generators: frozenset[str] | None = None,
) -> Chain:
    """The months of a roll-up; `fates`: route code → fate (marks what credits).

    `generators`: firms with generation of the material at any date; by default those of `table`.
    """
    if generators is None:
        generators = table.generating_firms()
    return _Builder(table, fates, generators).build()


class _Builder:
    """Makes the months; keeps names and findings while doing so."""

    def __init__(
        self, table: FlowTable, fates: Mapping[str, str], generators: frozenset[str]
    ) -> None:
        self.table, self.generators = table.by_month(), generators
        kinds = np.array([place.kind for place in table.places], dtype=np.int64)
        holding = np.isin(kinds, [int(kind) for kind in HOLDING])
        local = np.where(holding, np.cumsum(holding) - 1, -1)
        self.source, self.target = local[self.table.source], local[self.table.target]
        self.kind, self.born = kinds[self.table.target], kinds[self.table.source]
        self.places = tuple(table.places[number] for number in np.flatnonzero(holding).tolist())
        own = kinds[holding]
        self.is_site = own == PlaceKind.SITE
        self.is_yard = own == PlaceKind.YARD
        opened = (self.source < 0) & (self.born == PlaceKind.OPENING)
        self.opened = np.flatnonzero(opened)
        self.entering = np.flatnonzero((self.source < 0) & (self.target >= 0) & ~opened)
        memo = self.table.source == self.table.target
        self.memo = np.flatnonzero(memo & (self.source >= 0))
        self.leaving = np.flatnonzero(~memo & (self.source >= 0))
        self.mark = self._marks(fates)
        self.names: dict[str, int] = {}
        self.findings: list[Finding] = []
        month = self.table.month
        starts = np.flatnonzero(np.diff(month, prepend=-1))
        self.labels = month[starts]
        lengths = np.diff(np.append(starts, len(month)))
        self.number = np.repeat(np.arange(len(starts)), lengths)
        self._name_rows()

    def _marks(self, fates: Mapping[str, str]) -> Ints:
        """Mark of every row: does it credit use or disposal (2-domain 1.5)?

        Use and disposal entries always; an acceptance by another firm by the fate of its route.
        """
        table = self.table
        word = {Fate.USE.value: CREDIT_USE, Fate.DISPOSAL.value: CREDIT_DISPOSAL}
        fate = np.array([word.get(fates.get(r, ""), 0) for r in table.routes], dtype=np.int64)
        between = np.array([place.a != place.b for place in table.places], dtype=bool)
        target = self.kind
        goal = (target == PlaceKind.SITE) | (target == PlaceKind.OUTSIDE)
        accepted = np.flatnonzero(goal & (self.born == PlaceKind.TRANSIT))
        accepted = accepted[between[table.source[accepted]]]
        mark = np.zeros(len(target), np.int64)
        mark[accepted] = fate[table.route[accepted]]
        mark[target == PlaceKind.USE] = CREDIT_USE
        mark[target == PlaceKind.DISPOSAL] = CREDIT_DISPOSAL
        return mark

    def _name_rows(self) -> None:
        """Name and year of the origin of every row that comes in from a boundary."""
        table = self.table
        entering = np.concatenate([self.opened, self.entering])
        entering = entering[self.target[entering] >= 0]
        target = self.target[entering]
        told = np.where(  # a stocktake is named by the place itself, all else by its owner
            self.born[entering] == PlaceKind.STOCKTAKE, target, self._alike()[target]
        )
        pair = table.source[entering] * len(self.places) + told
        found, inverse = np.unique(pair, return_inverse=True)
        numbers = np.empty(len(found), np.int64)
        for position, code in enumerate(found.tolist()):
            source, place = divmod(code, len(self.places))
            name = source_name(table.places[source], self.places[place], self.generators)
            numbers[position] = self._name(name)
        stated = np.array(
            [opening_year(p) if p.kind is PlaceKind.OPENING else -1 for p in table.places],
            dtype=np.int64,
        )
        year = stated[table.source[entering]]
        year = np.where(year >= 0, year, table.month[entering] // 100)
        self.code = np.full(len(table.kg), -1, np.int64)
        self.code[entering] = numbers[inverse] * 10_000 + year

    def _alike(self) -> Ints:
        """Of every holding place the first one of its owner."""
        first: dict[str, int] = {}
        found = [first.setdefault(place.a, number) for number, place in enumerate(self.places)]
        return np.array(found, dtype=np.int64)

    def _name(self, name: str) -> int:
        return self.names.setdefault(name, len(self.names))

    def build(self) -> Chain:
        """All months at once: only the book goes from month to month, and it is a running sum."""
        count = len(self.places)
        moves, at = self._moves(self.leaving), self.number[self.leaving]
        inner = moves.target >= 0
        opened = self._sums(self.opened, self.target[self.opened])
        inflow = self._sums(self.leaving[inner], moves.target[inner])
        inflow += self._sums(self.entering, self.target[self.entering])
        out = self._sums(self.leaving, moves.source)
        book = np.cumsum(opened + inflow - out, axis=0)
        before = np.concatenate([np.zeros((1, count), np.int64), book])[: len(book)]
        start, debt = np.maximum(before, 0) + opened, np.maximum(-before, 0)
        new_debt = np.maximum(-book, 0)
        hole, settled = np.maximum(new_debt - debt, 0), np.maximum(debt - new_debt, 0)
        throughput = np.where(self.is_site, start, 0) + inflow + hole
        treated = self._sums(self.memo, self.source[self.memo])
        books = AllBooks(
            opening=start,
            closing=np.maximum(book, 0),
            debt=new_debt,
            throughput=throughput,
            out=out + settled,
            draw=np.where(self.is_site, 0, np.minimum(out + settled, start)),
            treated=np.minimum(treated, throughput),
        )
        return self._finish(
            books,
            _with_settled(moves, at, settled),
            ByMonth(self.number[self.opened], self._sources(self.opened)),
            self._with_holes(hole),
        )

    def _sums(self, rows: Ints, places: Ints) -> Ints:
        """Whole kilograms of rows by month and place (exact in float64 below 2^53 kg)."""
        shape = len(self.labels), len(self.places)
        cell = self.number[rows] * shape[1] + places
        kg = np.bincount(cell, self.table.kg[rows], shape[0] * shape[1])
        return kg.astype(np.int64).reshape(shape)

    def _circulations(self, month: int, system: MonthSystem, lost: Mask) -> None:
        """Findings of rule C, one per connected part; tonnes = what its sites pass on."""
        moves = system.moves
        inner = (moves.target >= 0) & lost[moves.source]
        graph = sparse.csr_array(
            (np.ones(int(inner.sum())), (moves.source[inner], moves.target[inner])),
            shape=(len(lost), len(lost)),
        )
        _, part = sparse.csgraph.connected_components(graph, directed=False)
        for number in np.unique(part[lost]):
            inside = np.flatnonzero(lost & (part == number))
            sites = inside[self.is_site[inside]]
            kg = int(system.throughput[sites if len(sites) else inside].sum())
            named = tuple(self.places[place].key for place in inside)
            self.findings.append(Finding(month, "circulation_without_source", named, kg))

    def _moves(self, rows: Ints) -> Moves:
        table = self.table
        return Moves(
            source=self.source[rows],
            target=self.target[rows],
            kg=table.kg[rows],
            kind=self.kind[rows],
            route=table.route[rows],
            evidence=table.evidence[rows],
            mark=self.mark[rows],
            share=np.zeros(len(rows)),
        )

    def _sources(self, rows: Ints) -> Sources:
        """Sources with (name, year) still apart; `_finish` turns them into origins."""
        return Sources(self.target[rows], self.code[rows], self.table.kg[rows], self.born[rows])

    def _with_holes(self, hole: Ints) -> ByMonth[Sources]:
        """What came in, and at the end of each month what must have been there (rule H)."""
        entering = self._sources(self.entering)
        month, places = np.nonzero(hole)
        kg, labels = hole[month, places], self.labels[month]
        for label, place, missing in zip(
            labels.tolist(), places.tolist(), kg.tolist(), strict=True
        ):
            key = self.places[place].key
            self.findings.append(Finding(label, "negative_stock", (key,), missing))
        names = [self._name(hole_name(self.places[place])) for place in places.tolist()]
        code = np.array(names, dtype=np.int64) * 10_000 + labels // 100
        added = Sources(places, code, kg, np.zeros(len(places), np.int64))
        return behind(ByMonth(self.number[self.entering], entering), month, added)

    def _finish(
        self,
        books: AllBooks,
        moves: ByMonth[Moves],
        opened: ByMonth[Sources],
        sources: ByMonth[Sources],
    ) -> Chain:
        """Number names and origins in sorted order, put the numbers into the sources."""
        ordered = sorted(self.names)
        rank = np.empty(len(ordered), np.int64)
        for position, name in enumerate(ordered):
            rank[self.names[name]] = position
        parts = opened.rows, sources.rows
        for part in parts:
            part.origin[:] = rank[part.origin // 10_000] * 10_000 + part.origin % 10_000
        codes = np.unique(np.concatenate([part.origin for part in parts]))
        for part in parts:
            part.origin[:] = np.searchsorted(codes, part.origin)
        months = self._cut(books, moves, opened, sources)
        for part in (part for system in months for part in (system.opened, system.sources)):
            order = np.argsort(part.origin, kind="stable")
            for column in part:
                column[:] = column[order]
        years = sorted({*(codes % 10_000).tolist(), *(self.labels // 100).tolist()})
        named = [ordered[number] for number in (codes // 10_000).tolist()]
        return Chain(
            places=self.places,
            routes=self.table.routes,
            is_site=self.is_site,
            is_yard=self.is_yard,
            years=tuple(years),
            names=tuple(ordered),
            origins=tuple(map(Origin._make, zip(named, (codes % 10_000).tolist(), strict=True))),
            origin_year=np.searchsorted(years, codes % 10_000).astype(np.int64),
            origin_name=(codes // 10_000).astype(np.int64),
            months=tuple(months),
            findings=tuple(sorted(self.findings)),
        )

    def _cut(
        self,
        books: AllBooks,
        moves: ByMonth[Moves],
        opened: ByMonth[Sources],
        sources: ByMonth[Sources],
    ) -> list[MonthSystem]:
        """The months, and what circulates without a source in them."""
        left = (books.out - books.draw).astype(np.float64)
        passed = np.zeros(left.shape)
        np.divide(left, books.throughput, out=passed, where=books.throughput > 0)
        rows = moves.rows
        at = moves.month * len(self.places) + rows.source
        rows.share[:] = rows.kg / books.out.reshape(-1)[at]
        lost = books.throughput > 0
        lost &= ~reached_from_sources(books, passed, moves, sources, self.is_site)
        passed[lost] = 0.0
        columns = zip(*books, strict=True)
        cuts = [part.cuts(len(self.labels)) for part in (moves, opened, sources)]
        found = []
        for number, column in enumerate(columns):
            own = [slice(*cut[number : number + 2]) for cut in cuts]
            system = MonthSystem(
                month=int(self.labels[number]),
                is_site=self.is_site,
                passed=passed[number],
                moves=moves.of(own[0]),
                opened=opened.of(own[1]),
                sources=sources.of(own[2]),
                circulating=lost[number],
                **dict(zip(AllBooks._fields, column, strict=True)),
            )
            found.append(system)
            if lost[number].any():
                self._circulations(system.month, system, lost[number])
        return found


def _with_settled(moves: Moves, number: Ints, settled: Ints) -> ByMonth[Moves]:
    """The moves and what goes to the boundary `settled`."""
    month, places = np.nonzero(settled)
    blank = np.zeros(len(places), np.int64)
    kind, no_share = blank + SETTLED, np.zeros(len(places))
    kg = settled[month, places]
    added = Moves(places, blank - 1, kg, kind, blank - 1, blank, blank, no_share)
    return behind(ByMonth(number, moves), month, added)
