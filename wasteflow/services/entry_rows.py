"""From the rows of an entries file to checked entries: names resolved, routes and dates fit.

Nothing is written here; a broken rule becomes a RowIssue of its line and column.
"""

from __future__ import annotations

from datetime import date
from hashlib import blake2b
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from wasteflow.core.errors import RowIssue, WasteflowError
from wasteflow.core.records import Entry
from wasteflow.core.registry import Registry
from wasteflow.core.vocabulary import ROUTE_ENTRIES, EntryKind, Evidence
from wasteflow.services.load_rows import Weight, weight
from wasteflow.services.naming import Names, known
from wasteflow.services.outcome import Row, Warnings

CONTENT_FIELDS = (
    "facility",
    "kind",
    "material",
    "route",
    "date",
    "tonnes",
    "moisture_pct",
    "basis",
    "weighed",
    "year_generated",
    "from_use",
    "handler",
    "reason",
    "remark",
)
_BASIS, _WEIGHED = CONTENT_FIELDS.index("basis"), CONTENT_FIELDS.index("weighed")
SEPARATOR = "\x1f"
CONDITIONAL = "conditional_without_document"
"""Warning of a row whose route asks for a document."""
_COUNTED = (EntryKind.OPENING, EntryKind.STOCKTAKE)


class CheckedEntry(Struct, frozen=True):
    """One entry of a file, ready to be written; `content` recognises a repeated row."""

    line: int
    entry: Entry
    values: Any
    weight: Weight
    content: int
    book_kg: int | None = None

    def counted_against(self, book_kg: int) -> CheckedEntry:
        """The same stocktake with the book it was held against."""
        difference = self.entry.kg - book_kg
        return replace(self, entry=replace(self.entry, difference_kg=difference), book_kg=book_kg)


_NAMED = ("enterprise", "facility", "material", "route", "generator", "kind")
Named = tuple[str, str, str, EntryKind, str, bool]
"""Codes of enterprise, material and generator, kind, kind of the facility, conditional route."""
MOST_NAMED = 100_000


class EntryChecker:
    """Checks rows one by one against a registry snapshot."""

    def __init__(self, registry: Registry, warnings: Warnings) -> None:
        self._registry = registry
        self._names = Names(registry)
        self._warnings = warnings
        self._resolved: dict[tuple[Any, ...], Named] = {}

    def check(self, row: Row) -> CheckedEntry | RowIssue:
        """The entry of a row, or why it is refused (first broken rule)."""
        values = row.values
        named = self.named(row)
        if isinstance(named, RowIssue):
            return named
        enterprise, material, generator, kind, kind_of_facility, conditional = named
        if conditional:
            self._warnings.add(row.line, CONDITIONAL, value=values["route"])
        basis = values.get("basis") or "wet"
        weighed = values.get("weighed") or "measured"
        try:
            mass = weight(values["tonnes"], basis, values.get("moisture_pct"), weighed)
        except WasteflowError as error:
            shown = str(values.get("moisture_pct") or "")
            return RowIssue(row.line, "moisture_pct", shown, error.code, error.params)
        in_yard = kind in _COUNTED and kind_of_facility == "storage"
        entry = Entry(
            doc_no=values["doc_no"],
            enterprise=enterprise,
            kind=kind,
            material=material,
            day=values["date"],
            kg=mass.kg,
            route=values.get("route") or "",
            compartment="yard" if in_yard else "site",
            generator=generator,
            year_generated=values.get("year_generated"),
            from_use=bool(values.get("from_use")),
            evidence=Evidence.ESTIMATED if weighed == "estimated" else Evidence.ONE_SIDED,
        )
        told = [str(part) if part else "" for part in map(values.get, CONTENT_FIELDS)]
        told[_BASIS], told[_WEIGHED] = basis, weighed
        hashed = content_of(SEPARATOR.join([enterprise, generator, *told]))
        return CheckedEntry(row.line, entry, values, mass, hashed)

    def named(self, row: Row) -> Named | RowIssue:
        """What the names of a row mean, and whether its route fits; the first broken rule."""
        asked = tuple(map(row.values.get, _NAMED))
        found = self._resolved.get(asked) or self._resolve(row)
        if isinstance(found, RowIssue):
            return found
        if len(self._resolved) > MOST_NAMED:
            self._resolved.clear()
        self._resolved[asked] = found
        return found

    def _resolve(self, row: Row) -> Named | RowIssue:
        values = row.values
        field = "enterprise"
        try:
            enterprise = self._names.enterprise(values["enterprise"])
            field = "facility"
            facility = values.get("facility")
            kind_of_facility = (
                self._names.facility(facility, enterprise).kind if facility else "storage"
            )
            field = "material"
            material = known(self._registry.materials, "material", values["material"])
            field = "route"
            if values.get("route"):
                known(self._registry.routes, "route", values["route"])
            field = "generator"
            generator = values.get("generator") or ""
            if generator:
                generator = self._names.enterprise(generator)
        except WasteflowError as error:
            shown = str(values.get(field) or "")
            return RowIssue(row.line, field, shown, error.code, error.params)
        kind = EntryKind(values["kind"])
        issue = self._route_issue(row, kind, material)
        if isinstance(issue, RowIssue):
            return issue
        return enterprise, material, generator, kind, kind_of_facility, issue

    def _route_issue(self, row: Row, kind: EntryKind, material: str) -> RowIssue | bool:
        """The route of a use, disposal or treatment must have that fate and take the material.

        Without an issue: whether the route asks for a document.
        """
        needed = ROUTE_ENTRIES.get(kind)
        code = row.values.get("route") or ""
        if needed is None or not code:
            return False
        route = self._registry.routes[code]
        if route.fate != needed:
            return RowIssue(row.line, "route", code, "route_has_wrong_fate", {"needed": needed})
        if not route.fits(material):
            fitting = ", ".join(sorted(route.materials))
            return RowIssue(
                row.line, "route", code, "route_does_not_fit_material", {"materials": fitting}
            )
        return route.conditional


def content_of(told: str) -> int:
    """64-bit hash of the values of a row: the same row gives the same number on every machine.

    told: enterprise, generator and `CONTENT_FIELDS`, "" for a blank, `SEPARATOR` between them.
    """
    digest = blake2b(told.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)


def compartments_touched(entry: Entry) -> tuple[str, ...]:
    """ "site", "yard" or both: the places of the firm an entry moves."""
    if entry.kind in (EntryKind.TO_YARD, EntryKind.FROM_YARD):
        return ("site", "yard")
    return (entry.compartment,) if entry.kind in _COUNTED else ("site",)


Place3 = tuple[str, str, str]
"""(enterprise, compartment, material)."""


def opening_issues(
    entries: list[CheckedEntry], openings: dict[Place3, date], first_days: dict[Place3, date]
) -> list[RowIssue]:
    """Rows that break "the opening precedes every other record of its place".

    openings: latest opening day of each place in the books; first_days: earliest other record in
    the books of the places the file opens.
    """
    earliest = dict(first_days)
    for item in entries:
        for compartment in compartments_touched(item.entry):
            place = item.entry.enterprise, compartment, item.entry.material
            day = item.entry.day
            if item.entry.kind is not EntryKind.OPENING:
                earliest[place] = min(day, earliest.get(place, day))
    found = []
    for item in entries:
        entry = item.entry
        for compartment in compartments_touched(entry):
            place = entry.enterprise, compartment, entry.material
            if entry.kind is EntryKind.OPENING:
                first = earliest.get(place)
                if first is not None and first < entry.day:
                    found.append(_issue(item, "opening_not_first", first.isoformat()))
                    break
            elif place in openings and entry.day < openings[place]:
                found.append(_issue(item, "before_opening", openings[place].isoformat()))
                break
    return found


def _issue(item: CheckedEntry, code: str, first_day: str) -> RowIssue:
    shown = item.entry.day.isoformat()
    return RowIssue(item.line, "date", shown, code, {"first_day": first_day})
