"""附表1–7 of the ledger of general industrial solid waste, from records; no file is written here.

Source: 一般工业固体废物管理台账制定指南（试行）, 公告 2021年第82号.  Names of columns are from
memory and were not read again ([K], 2-domain 2): every form says so.  Record numbers are those of
`core.ledger_numbers`.  Products are no waste and stand in no form.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Final, NamedTuple

from msgspec import Struct, field

from wasteflow.core.books import FlowSum, PeriodBooks
from wasteflow.core.ledger_numbers import FormLoad, Numbered
from wasteflow.core.periods import month_of_day, month_text
from wasteflow.core.places import Place, PlaceKind
from wasteflow.core.registry import Registry
from wasteflow.core.rules import PROVINCE_DIGITS
from wasteflow.core.units import tonnes_text
from wasteflow.core.vocabulary import EntryKind, Fate

WITHIN, ACROSS, OTHER = "within", "across", "other"
"""Where a load went: inside the province, to another one, not known."""


class FlowRow(Struct):
    """附表2 of a material and month, in kilograms; use and disposal by route."""

    month: int
    material: str
    generated: int = 0
    stored: int = 0
    stock: int = 0
    own_use: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    given_use: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    own_disposal: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    given_disposal: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    given_other: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    dumped: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    @property
    def empty(self) -> bool:
        """True if there is nothing to tell."""
        used = (self.own_use, self.given_use, self.given_other)
        parts = (*used, self.own_disposal, self.given_disposal, self.dumped)
        return not (self.generated or self.stored or self.stock or any(parts))


def flow_rows(
    firm: str, books: Sequence[PeriodBooks], registry: Registry, material: str = ""
) -> list[FlowRow]:
    """附表2 of each month (books of one month each), in order of month and material.

    Stored is what the stock on the premises (works and yard) grew by, 0 if it fell; the stock is
    that at the month's end.  Given use and disposal are what receivers accepted.
    """
    found: list[FlowRow] = []
    for month in books:
        rows: dict[str, FlowRow] = {}
        stock = _stock(month.closing(), firm)
        before = _stock(month.opening, firm)
        for flow in month.flows:
            for stuff, part, kg in _moves(firm, flow, registry):
                _add(_row(rows, month.period.first, stuff), part, kg)
        for stuff in sorted(stock.keys() | before.keys()):
            row = _row(rows, month.period.first, stuff)
            row.stock = stock.get(stuff, 0)
            row.stored = max(0, row.stock - before.get(stuff, 0))
        found += [
            rows[stuff]
            for stuff in sorted(rows)
            if _counts(registry, stuff, material) and not rows[stuff].empty
        ]
    return found


def _counts(registry: Registry, material: str, asked: str) -> bool:
    """True if a material belongs into the forms asked for."""
    return asked in ("", material) and registry.materials[material].is_waste


def _row(rows: dict[str, FlowRow], month: int, material: str) -> FlowRow:
    return rows.setdefault(material, FlowRow(month, material))


def _stock(stock: Mapping[tuple[Place, str], int], firm: str) -> dict[str, int]:
    """Kilograms of each material on the premises."""
    found: dict[str, int] = defaultdict(int)
    for (place, material), kg in stock.items():
        if place.kind in (PlaceKind.SITE, PlaceKind.YARD) and place.a == firm:
            found[material] += kg
    return dict(found)


def _add(row: FlowRow, part: tuple[str, str], kg: int) -> None:
    name, route = part
    if name == "generated":
        row.generated += kg
    else:
        getattr(row, name)[route] += kg


def _moves(
    firm: str, flow: FlowSum, registry: Registry
) -> Iterator[tuple[str, tuple[str, str], int]]:
    """(material, part of the form and route, kilograms) of a flow that concerns the firm."""
    source, target = flow.source, flow.target
    if source.kind is PlaceKind.GENERATION and target.owner == firm:
        yield flow.material, ("generated", ""), flow.kg
    elif source.kind is PlaceKind.TRANSIT and source.a == firm and target.owner != firm:
        if target.kind in (PlaceKind.SITE, PlaceKind.OUTSIDE):
            yield flow.material, (_given(registry, flow.route), flow.route), flow.kg
    elif source.owner == firm and target.kind is PlaceKind.USE:
        yield flow.material, ("own_use", flow.route), flow.kg
    elif source.owner == firm and target.kind is PlaceKind.DISPOSAL:
        yield flow.material, ("own_disposal", flow.route), flow.kg
    elif source.owner == firm and target.kind is PlaceKind.DUMPING:
        yield flow.material, ("dumped", ""), flow.kg


def _given(registry: Registry, route: str) -> str:
    """The part of the form a load accepted elsewhere belongs to, by the fate of its route."""
    fate = registry.routes[route].fate
    return {Fate.USE: "given_use", Fate.DISPOSAL: "given_disposal"}.get(Fate(fate), "given_other")


def border_of(registry: Registry, firm: str, other: str) -> str:
    """Whether a load stays in the province, by the first two digits of both regions."""
    ends = [registry.region_of(code)[:PROVINCE_DIGITS] for code in (firm, other)]
    if not all(ends):
        return OTHER
    return WITHIN if ends[0] == ends[1] else ACROSS


class Mass(NamedTuple):
    """A cell that is a mass in kilograms."""

    kg: int

    @property
    def tonnes(self) -> str:
        """As a decimal string of tonnes."""
        return tonnes_text(self.kg)


Cell = str | Mass | date


class Form(Struct, frozen=True):
    """One form: number 1..7, rows of cells under its columns, the sum of each column of masses.

    columns: keys of its headings; `sums`: column → kilograms (of one material or of all).
    """

    number: int
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]

    @property
    def sums(self) -> dict[int, Mass]:
        """Position of a column of masses → its sum over the rows; stocks are not added up."""
        found: dict[int, int] = {}
        for row in self.rows:
            for place, cell in enumerate(row):
                if isinstance(cell, Mass) and self.columns[place] not in STATES:
                    found[place] = found.get(place, 0) + cell.kg
        return {place: Mass(kg) for place, kg in found.items()}


class Late(NamedTuple):
    """A row of a form (3 to 7) that was booked in a later month than it happened in (yyyymm)."""

    form: int
    number: str
    month: int
    booked: int


def late_of(
    forms: Sequence[Form], entries: Sequence[Numbered], loads: Sequence[FormLoad]
) -> list[Late]:
    """Rows booked in a later month, form by form as they stand in it.

    A closed month keeps what was reported of it; such rows are in the forms of their own month and
    not in the figures it was closed with.
    """
    late: dict[str, tuple[date, int]] = {
        item.number: (item.entry.day, item.entry.booked) for item in entries if item.entry.booked
    }
    gone = {load.doc_no: (load.day, load.booked) for load in loads if load.booked and not load.came}
    found = []
    for form in forms:
        known, name = (gone, "doc_no") if form.number == LEAVING else (late, "number")
        if name not in form.columns:
            continue
        place = form.columns.index(name)
        for row in form.rows:
            if (at := known.get(str(row[place]))) is not None:
                found.append(Late(form.number, str(row[place]), month_of_day(at[0]), at[1]))
    return found


LEAVING: Final = 3
"""The form of loads, whose rows go by the number of the load."""
GRADES: Final = {"I": "第Ⅰ类", "II": "第Ⅱ类"}
"""Class of GB 18599 as a profile states it → as the form says it."""
STATES: Final = frozenset({"stock"})
"""Columns that are states, not flows: their sum would say nothing."""
COLUMNS: Final[dict[int, tuple[str, ...]]] = {
    1: ("serial", "code", "name", "class", "stage", "form", "composition", "pollution", "yearly"),
    2: (
        "month", "code", "name", "class", "generated", "stored", "stock", "own_use_way", "own_use",
        "given_use_way", "given_use", "own_disposal_way", "own_disposal", "given_disposal_way",
        "given_disposal", "other_way", "other", "dumped",
    ),
    3: (
        "code", "name", "left_at", "left", "doc_no", "handler", "carrier", "vehicle", "mode",
        "receiver", "direction",
    ),
    4: (
        "number", "facility", "code", "name", "made_at", "made", "recirculated", "to", "handler",
    ),
    5: (
        "number", "facility", "before", "code", "name", "put_at", "put", "put_by", "taken_at",
        "taken", "taken_to", "taken_by",
    ),
    6: ("number", "facility", "source", "before", "code", "name", "at", "mass", "way", "handler"),
    7: ("number", "facility", "source", "before", "code", "name", "at", "mass", "way", "handler"),
}  # fmt: skip
"""Form → keys of its columns, all [K]: the annex was not read again."""


def forms_of(
    firm: str,
    *,
    registry: Registry,
    months: Sequence[int],
    flows: Sequence[FlowRow],
    entries: Sequence[Numbered],
    loads: Sequence[FormLoad],
    material: str = "",
    profiles: Mapping[str, Mapping[str, str]] | None = None,
) -> list[Form]:
    """Forms 1 to 7 of a firm; entries and loads of other months are left out.

    profiles: material → what 附表1 says of it beside its amount (`waste_code`, `grade`,
    `source_step`, `state`, `composition`, `pollution`; "" where nothing is stated).
    """
    wanted = frozenset(months)
    mine = [
        item
        for item in entries
        if month_of_day(item.entry.day) in wanted
        and _counts(registry, item.entry.material, material)
    ]
    gone = [
        load
        for load in loads
        if not load.came
        and month_of_day(load.day) in wanted
        and _counts(registry, load.material, material)
    ]
    rows = {
        1: _generated(firm, flows, registry, profiles or {}),
        2: [_flow_cells(row, registry) for row in flows],
        3: [
            _left_cells(firm, load, registry)
            for load in sorted(gone, key=lambda load: (load.day, load.doc_no))
        ],
        4: [_entry_cells(4, item, registry) for item in mine if item.number.startswith("CS")],
        5: [_entry_cells(5, item, registry) for item in mine if item.number.startswith("ZC")],
        6: [_entry_cells(6, item, registry) for item in mine if item.number.startswith("LY")],
        7: [_entry_cells(7, item, registry) for item in mine if item.number.startswith("CZ")],
    }
    return [Form(number, COLUMNS[number], tuple(rows[number])) for number in COLUMNS]


def _waste(registry: Registry, material: str) -> tuple[str, str, str]:
    """Code, name and class of a material as the forms want them."""
    item = registry.materials[material]
    return item.waste_code, item.name_zh, item.waste_class


def _generated(
    firm: str,
    flows: Sequence[FlowRow],
    registry: Registry,
    profiles: Mapping[str, Mapping[str, str]],
) -> list[tuple[Cell, ...]]:
    """附表1: one row per material, with what was generated in the period."""
    sums: dict[str, int] = defaultdict(int)
    for row in flows:
        sums[row.material] += row.generated
    found: list[tuple[Cell, ...]] = []
    for material in sorted(stuff for stuff, kg in sums.items() if kg):
        stages = [
            item.name or item.code
            for item in registry.facilities_of.get(firm, [])
            if item.kind == "generation" and material in item.materials
        ]
        code, name, group = _waste(registry, material)
        told = profiles.get(material, {})
        grade = GRADES.get(told.get("grade", ""), "")
        texts = [told.get(name, "") for name in ("state", "composition", "pollution")]
        found.append(
            (
                str(len(found) + 1),
                told.get("waste_code") or code,
                name,
                " ".join(part for part in (group, grade) if part),
                told.get("source_step") or "、".join(stages),
                *texts,
                Mass(sums[material]),
            )
        )
    return found


def _flow_cells(row: FlowRow, registry: Registry) -> tuple[Cell, ...]:
    cells: list[Cell] = [month_text(row.month), *_waste(registry, row.material)]
    cells += [Mass(row.generated), Mass(row.stored), Mass(row.stock)]
    for part in (row.own_use, row.given_use, row.own_disposal, row.given_disposal, row.given_other):
        ways = [registry.routes[route].name_zh for route in sorted(part)]
        cells += ["、".join(ways), Mass(sum(part.values()))]
    return (*cells, Mass(sum(row.dumped.values())))


def _left_cells(firm: str, load: FormLoad, registry: Registry) -> tuple[Cell, ...]:
    code, name, _ = _waste(registry, load.material)
    other = registry.enterprises[load.other]
    return (
        code, name, load.day, Mass(load.kg), load.doc_no, load.handler, load.carrier,
        load.vehicle, load.mode, other.name_zh, border_of(registry, firm, load.other),
    )  # fmt: skip


def _entry_cells(form: int, item: Numbered, registry: Registry) -> tuple[Cell, ...]:
    entry = item.entry
    facility = registry.facilities[entry.facility] if entry.facility else None
    place = (facility.name or facility.code) if facility else ""
    code, name, _ = _waste(registry, entry.material)
    route = registry.routes[entry.route].name_zh if entry.route else ""
    mass = Mass(entry.kg)
    head: tuple[Cell, ...] = (item.number, place)
    if form == 4:
        made = ("", mass) if entry.recirculated else (mass, "")
        return (*head, code, name, entry.day, *made, route, entry.handler)
    if form == 5:
        head = (*head, item.before, code, name)
        if entry.kind is EntryKind.TO_YARD:
            return (*head, entry.day, mass, entry.handler, "", "", "", "")
        return (*head, "", "", "", entry.day, mass, route or "site", entry.handler)
    source = "yard" if item.before.startswith("ZC") else "site" if item.before else ""
    return (*head, source, item.before, code, name, entry.day, mass, route, entry.handler)
