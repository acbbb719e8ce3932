"""Hand-written builders of entries, loads and a registry, and strategies of whole random ledgers.

Masses are kilograms, days ISO text; every default is a plain value that a test can read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from hypothesis import strategies as st
from msgspec import structs

from wasteflow.core.books import FlowSum, PeriodBooks, books_of_rollup
from wasteflow.core.periods import SHANGHAI, Period
from wasteflow.core.places import Place
from wasteflow.core.postings import (
    Posting,
    Rollup,
    add_postings,
    entry_postings,
    load_postings,
)
from wasteflow.core.records import Entry, Event, EventKind, LoadHeader, LoadStatus, fold
from wasteflow.core.registry import Enterprise, Material, Park, Region, Registry, Route, by_code
from wasteflow.core.vocabulary import EntryKind, Evidence, Fate, LoadKind

PG, SLAG, COKE = "phosphogypsum", "steel_slag", "petroleum_coke"
MATERIALS = (PG, SLAG, COKE)
A, B, C, D, E, F = (f"ent.{letter}" for letter in "abcdef")
FIRMS = (A, B, C, D, E, F)
ABROAD = ("ext.x", "ext.y")
USE, BRICK, LANDFILL, STORE, WASH, TRADE = (
    "r_use",
    "r_brick",
    "r_landfill",
    "r_store",
    "r_wash",
    "r_trade",
)
FATES: dict[str, str] = {
    USE: Fate.USE,
    BRICK: Fate.USE,
    LANDFILL: Fate.DISPOSAL,
    STORE: Fate.STORAGE,
    WASH: Fate.TREATMENT,
    TRADE: Fate.TRANSFER,
}
ROUTES = tuple(FATES)
FIRST_DAY = date(2024, 1, 1)
LEDGER_DAYS = 456
"""The random ledgers run from 2024-01 to 2025-03: fifteen months, one New Year."""


def registry() -> Registry:
    """Three parks (one inside another), four regions, six firms and two external ones.

    a, b: park.sub (in park.main, region 530181); c: park.main; d: park.far (region 500118);
    e: no park, region 530100; f: neither.
    """
    homes = {A: "park.sub", B: "park.sub", C: "park.main", D: "park.far"}
    firms = [
        Enterprise(code, code, code, park=homes.get(code, ""), region="530100" if code == E else "")
        for code in FIRMS
    ]
    firms += [Enterprise(code, code, code, external=True) for code in ABROAD]
    return Registry(
        regions=by_code(
            [
                Region("530000", "云南省", "Yunnan"),
                Region("530100", "昆明市", "Kunming", "530000"),
                Region("530181", "安宁市", "Anning", "530100"),
                Region("500118", "永川区", "Yongchuan"),
            ]
        ),
        parks=by_code(
            [
                Park("park.main", "主园", "Main", region="530181", lon=102.48, lat=24.92),
                Park("park.sub", "子园", "Sub", parent="park.main"),
                Park("park.far", "远园", "Far", region="500118", lon=105.93, lat=29.36),
            ]
        ),
        enterprises=by_code(firms),
        materials=by_code(Material(code, code, code, is_waste=code != COKE) for code in MATERIALS),
        routes=by_code(Route(code, code, code, fate) for code, fate in FATES.items()),
    )


# --- one record ----------------------------------------------------------------------------


def moment(day: str) -> datetime:
    """Noon in Shanghai of an ISO day, or the moment itself if a time is given."""
    at = datetime.fromisoformat(day)
    at = at if "T" in day else at.replace(hour=12)
    return at if at.tzinfo else at.replace(tzinfo=SHANGHAI)


def entry(
    kind: str,
    kg: int,
    day: str = "2024-03-05",
    firm: str = A,
    *,
    material: str = PG,
    route: str = "",
    at: str = "site",
    generator: str = "",
    year: int | None = None,
    from_use: bool = False,
    evidence: Evidence = Evidence.ONE_SIDED,
    difference: int = 0,
) -> Entry:
    """One entry; `at` is the compartment, `difference` that of a stocktake."""
    return Entry(
        f"{kind}-{firm}-{day}",
        firm,
        EntryKind(kind),
        material,
        date.fromisoformat(day),
        kg,
        route=route,
        compartment=at,
        generator=generator,
        year_generated=year,
        from_use=from_use,
        evidence=evidence,
        difference_kg=difference,
    )


@dataclass(frozen=True, slots=True)
class Load:
    """A load with its events; the methods give the same load with more events, or its child."""

    header: LoadHeader
    events: tuple[Event, ...]

    @property
    def status(self) -> LoadStatus:
        """Fold of the events."""
        return fold(self.events)

    @property
    def open_kg(self) -> int:
        """Refused kilograms a child may take."""
        return self.status.refused_kg

    def _with(self, kind: EventKind, at: datetime, kg: int = 0, yes: int = 0, no: int = 0) -> Load:
        grade = self.events[-1].evidence
        event = Event(len(self.events) + 1, kind, at, kg, yes, no, grade)
        return replace(self, events=(*self.events, event))

    def decided(self, day: str, accepted: int, refused: int = 0) -> Load:
        """Received and decided."""
        return self._with(EventKind.DECIDED, moment(day), accepted + refused, accepted, refused)

    def lost(self, day: str) -> Load:
        """Lost on the road."""
        return self._with(EventKind.LOST, moment(day))

    def reversed(self, day: str = "2025-12-01") -> Load:
        """Taken out of the books."""
        return self._with(EventKind.REVERSED, moment(day))

    def returned(self, kg: int, day: str) -> Load:
        """The refused part on its way back to the holder."""
        return self._child(LoadKind.RETURN, self.header.holder, kg, day)

    def redirected(self, consignee: str, kg: int, day: str, route: str = "") -> Load:
        """The refused part on its way to another firm."""
        return self._child(LoadKind.REDIRECT, consignee, kg, day, route)

    def _child(self, kind: LoadKind, consignee: str, kg: int, day: str, route: str = "") -> Load:
        mine = self.header
        header = structs.replace(
            mine,
            doc_no=f"{mine.doc_no}.{kind}",
            consignor=mine.consignee,
            consignee=consignee,
            route=route or mine.route,
            kind=kind,
            parent_consignee=mine.consignee,
            to_outside=consignee in ABROAD,
            from_outside=mine.consignee in ABROAD,
        )
        sent = Event(1, EventKind.DISPATCHED, moment(day), kg, evidence=self.events[-1].evidence)
        return Load(header, (sent,))


def load(
    consignor: str = A,
    consignee: str = B,
    kg: int = 30_000,
    sent: str = "2024-03-05",
    *,
    material: str = PG,
    route: str = USE,
    trips: int = 1,
    evidence: Evidence = Evidence.IMPORTED,
    doc_no: str = "L1",
) -> Load:
    """A delivery on the road."""
    header = LoadHeader(
        doc_no,
        consignor,
        consignee,
        material,
        route,
        to_outside=consignee in ABROAD,
        from_outside=consignor in ABROAD,
        trips=trips,
    )
    return Load(header, (Event(1, EventKind.DISPATCHED, moment(sent), kg, evidence=evidence),))


def shipped(consignor: str, consignee: str, kg: int, day: str, route: str = USE) -> Load:
    """A delivery accepted in full on the day it was sent."""
    return load(consignor, consignee, kg, day, route=route).decided(day, kg)


# --- whole ledgers -------------------------------------------------------------------------

Record = Entry | Load


def postings_of(record: Record) -> tuple[Posting, ...]:
    """Postings of one record."""
    if isinstance(record, Entry):
        return entry_postings(record)
    return load_postings(record.header, record.status)


def rollup_of(records: Iterable[Record]) -> Rollup:
    """The roll-up of records, added one by one."""
    rollup: Rollup = {}
    for record in records:
        add_postings(rollup, postings_of(record))
    return rollup


def books_of(records: Iterable[Record], period: str = "2024", material: str = "") -> PeriodBooks:
    """Books of a period."""
    return books_of_rollup(rollup_of(records), Period.parse(period), material)


def flows_until(records: Iterable[Record], last: int) -> list[FlowSum]:
    """All flows up to a month, as the attribution reads its history."""
    return [
        FlowSum(key.source, key.target, key.material, key.route, key.evidence, kg, n)
        for key, (kg, n) in sorted(rollup_of(records).items())
        if key.month <= last
    ]


def moved(record: Record) -> list[tuple[int, str, str, str, int, int]]:
    """Postings as (month, from, to, route, kg, n) with the keys of the places as text."""
    return [
        (key.month, key.source.key, key.target.key, key.route, kg, n)
        for key, kg, n in postings_of(record)
    ]


def net_of(flows: Iterable[FlowSum]) -> dict[tuple[Place, str], int]:
    """In - out of every place and boundary."""
    net: dict[tuple[Place, str], int] = {}
    for flow in flows:
        for place, sign in ((flow.target, 1), (flow.source, -1)):
            net[place, flow.material] = net.get((place, flow.material), 0) + sign * flow.kg
    return net


# --- strategies ----------------------------------------------------------------------------

kilograms = st.integers(1, 40_000)
grades = st.sampled_from(sorted(Evidence))
days = st.integers(0, LEDGER_DAYS - 1).map(lambda offset: FIRST_DAY + timedelta(days=offset))

entries: st.SearchStrategy[Entry] = st.builds(
    Entry,
    doc_no=st.just("E"),
    enterprise=st.sampled_from(FIRMS),
    kind=st.sampled_from(sorted(EntryKind)),
    material=st.sampled_from(MATERIALS),
    day=days,
    kg=st.one_of(st.just(0), kilograms, st.integers(1, 10**9)),
    route=st.sampled_from(("", *ROUTES)),
    compartment=st.sampled_from(("site", "yard")),
    generator=st.sampled_from(("", *FIRMS)),
    year_generated=st.one_of(st.none(), st.integers(2015, 2024)),
    from_use=st.booleans(),
    evidence=grades,
    difference_kg=st.integers(-40_000, 40_000),
    reversed_=st.sampled_from((False, False, False, True)),
)
"""Any entry; routes, years and compartments also where the kind has no use for them."""


def _fitting(record: Entry) -> Entry:
    """The same entry with a route of the fate its kind needs."""
    routes = {EntryKind.USE: USE, EntryKind.DISPOSAL: LANDFILL, EntryKind.TREATMENT: WASH}
    route = record.route if record.route == BRICK and record.kind is EntryKind.USE else ""
    return structs.replace(record, route=route or routes.get(record.kind, ""))


def _decided(draw: st.DrawFn, item: Load) -> Load:
    """The load on the road, lost, or decided with any weight and any refused part."""
    fate = draw(st.sampled_from(("road", "lost", "decided", "decided", "decided", "refused")))
    if fate == "road":
        return item
    sent = item.events[0]
    at = (sent.at + timedelta(days=draw(st.integers(0, 40)))).isoformat()
    if fate == "lost":
        return item.lost(at)
    received = max(1, sent.kg + draw(st.sampled_from((0, 0, 0, -1, 1, -700, 900))))
    refused = draw(st.integers(0, received)) if fate == "refused" else 0
    return item.decided(at, received - refused, refused)


def _children(draw: st.DrawFn, item: Load, depth: int) -> Iterator[Load]:
    """The load, then its children and theirs: returns and redirects within the refused part."""
    yield item
    left = item.open_kg
    while left > 0 and depth < 3 and draw(st.booleans()):
        kg = draw(st.integers(1, left))
        left -= kg
        day = (item.events[-1].at + timedelta(days=draw(st.integers(0, 30)))).isoformat()
        firms = [
            f for f in (*FIRMS, *ABROAD) if f not in (item.header.consignee, item.header.holder)
        ]
        goal = draw(st.sampled_from(["", *firms]))
        if goal or item.header.consignee == item.header.holder:
            child = item.redirected(goal or firms[0], kg, day, draw(st.sampled_from(("", *ROUTES))))
        else:
            child = item.returned(kg, day)
        yield from _children(draw, _decided(draw, child), depth + 1)


@st.composite
def families(draw: st.DrawFn) -> list[Load]:
    """A delivery with everything that came of it; reversed only where no child hangs on it."""
    consignor = draw(st.sampled_from((*FIRMS, *FIRMS, *ABROAD)))
    goals = [f for f in (*FIRMS, *ABROAD) if f != consignor]
    if consignor in ABROAD:
        goals = list(FIRMS)
    item = load(
        consignor,
        draw(st.sampled_from(goals)),
        draw(kilograms),
        draw(days).isoformat(),
        material=draw(st.sampled_from(MATERIALS)),
        route=draw(st.sampled_from(ROUTES)),
        trips=draw(st.integers(1, 4)),
        evidence=draw(grades),
    )
    found = list(_children(draw, _decided(draw, item), 1))
    if len(found) == 1 and draw(st.integers(0, 4)) == 0:
        return [found[0].reversed()]
    return found


@st.composite
def ledgers(draw: st.DrawFn) -> list[Record]:
    """A whole random ledger in random order."""
    alone: list[Record] = [_fitting(item) for item in draw(st.lists(entries, max_size=10))]
    shipments = draw(st.lists(families(), max_size=6))
    records = [*alone, *(item for family in shipments for item in family)]
    return draw(st.permutations(records)) if draw(st.booleans()) else records


periods = st.sampled_from(
    ("2024", "2025", "2024H1", "2024Q2", "2024Q4", "2024-01", "2024-07", "2024-11..2025-02")
)
