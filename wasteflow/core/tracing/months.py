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
from typing import NamedTuple

import numpy as np
from msgspec import Struct

from wasteflow.core.later import sparse
from wasteflow.core.periods import Period
from wasteflow.core.places import HOLDING, Place, PlaceKind
from wasteflow.core.tracing.flows import (
    FlowTable,
    Ints,
    Mask,
    Origin,
    hole_name,
    opening_year,
    source_name,
)
from wasteflow.core.tracing.solve import MonthSystem, Moves, Sources, reached_from_sources
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


class Chain(Struct, frozen=True):
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
    """Walks the months once; keeps book, names and findings while doing so."""

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
        self.book = np.zeros(len(self.places), np.int64)
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
        labels, starts = np.unique(self.table.month, return_index=True)
        bounds = [*starts.tolist(), len(self.table.month)]
        cuts = [
            np.searchsorted(rows, bounds).tolist()
            for rows in (self.opened, self.entering, self.memo, self.leaving)
        ]
        months = [
            self._month(
                int(label),
                self.opened[cuts[0][number] : cuts[0][number + 1]],
                self.entering[cuts[1][number] : cuts[1][number + 1]],
                self.memo[cuts[2][number] : cuts[2][number + 1]],
                self.leaving[cuts[3][number] : cuts[3][number + 1]],
            )
            for number, label in enumerate(labels)
        ]
        return self._finish(months)

    def _month(
        self, month: int, opened: Ints, entering: Ints, memo: Ints, leaving: Ints
    ) -> MonthSystem:
        """The system of a month from the rows of each sort."""
        table, count = self.table, len(self.places)
        target = self.target
        moves = self._moves(leaving)
        inner = moves.target >= 0
        start = np.maximum(self.book, 0) + _sum(target[opened], table.kg[opened], count)
        debt = np.maximum(-self.book, 0)
        inflow = _sum(moves.target[inner], moves.kg[inner], count)
        inflow += _sum(target[entering], table.kg[entering], count)
        out = _sum(moves.source, moves.kg, count)
        self.book = start - debt + inflow - out
        new_debt = np.maximum(-self.book, 0)
        hole, settled = np.maximum(new_debt - debt, 0), np.maximum(debt - new_debt, 0)
        sources = self._with_holes(month, self._sources(entering), hole)
        treated = _sum(self.source[memo], table.kg[memo], count)
        return self._system(
            month=month,
            opening=start,
            debt=new_debt,
            throughput=np.where(self.is_site, start, 0) + inflow + hole,
            out=out + settled,
            moves=_with_settled(moves, settled),
            opened=self._sources(opened),
            sources=sources,
            treated=treated,
        )

    def _system(
        self,
        *,
        month: int,
        opening: Ints,
        debt: Ints,
        throughput: Ints,
        out: Ints,
        moves: Moves,
        opened: Sources,
        sources: Sources,
        treated: Ints,
    ) -> MonthSystem:
        draw = np.where(self.is_site, 0, np.minimum(out, opening))
        left = (out - draw).astype(np.float64)
        passed = np.divide(left, throughput, out=np.zeros(len(out)), where=throughput > 0)
        share = moves.kg / out[moves.source]
        closing = np.maximum(self.book, 0)
        system = MonthSystem(
            month=month,
            is_site=self.is_site,
            opening=opening,
            closing=closing,
            debt=debt,
            throughput=throughput,
            out=out,
            draw=draw,
            passed=passed,
            moves=moves._replace(share=share),
            opened=opened,
            sources=sources,
            treated=np.minimum(treated, throughput),
            circulating=np.zeros(len(out), bool),
        )
        lost = (throughput > 0) & ~reached_from_sources(system)
        if lost.any():
            self._circulations(month, system, lost)
            system.passed[lost] = 0.0
            system.circulating[:] = lost
        return system

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

    def _with_holes(self, month: int, sources: Sources, hole: Ints) -> Sources:
        places = np.flatnonzero(hole)
        names = [self._name(hole_name(self.places[place])) for place in places]
        code = np.array(names, dtype=np.int64) * 10_000 + month // 100
        for place in places:
            key = self.places[place].key
            self.findings.append(Finding(month, "negative_stock", (key,), int(hole[place])))
        added = Sources(places, code, hole[places], np.zeros(len(places), np.int64))
        pairs = zip(sources, added, strict=True)
        return Sources(*(np.concatenate(pair) for pair in pairs))

    def _finish(self, months: list[MonthSystem]) -> Chain:
        """Number names and origins in sorted order and put the numbers into the sources."""
        ordered = sorted(self.names)
        rank = np.empty(len(ordered), np.int64)
        for position, name in enumerate(ordered):
            rank[self.names[name]] = position
        parts = [part for system in months for part in (system.opened, system.sources)]
        for part in parts:
            part.origin[:] = rank[part.origin // 10_000] * 10_000 + part.origin % 10_000
        codes = np.unique(np.concatenate([part.origin for part in parts] or [np.zeros(0, int)]))
        for part in parts:
            part.origin[:] = np.searchsorted(codes, part.origin)
            order = np.argsort(part.origin, kind="stable")
            for column in part:
                column[:] = column[order]
        own = {system.month // 100 for system in months}
        years = sorted({*(codes % 10_000).tolist(), *own})
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


def _sum(index: Ints, kg: Ints, count: int) -> Ints:
    """Whole kilograms per place (bincount in float64 is exact below 2^53 kg)."""
    return np.bincount(index, weights=kg, minlength=count).astype(np.int64)


def _with_settled(moves: Moves, settled: Ints) -> Moves:
    """The moves and what goes to the boundary `settled`."""
    places = np.flatnonzero(settled)
    blank = np.zeros(len(places), np.int64)
    kind, no_share = blank + SETTLED, np.zeros(len(places))
    added = Moves(places, blank - 1, settled[places], kind, blank - 1, blank, blank, no_share)
    return Moves(*(np.concatenate(pair) for pair in zip(moves, added, strict=True)))
