"""`wasteflow synth`: an invented registry and its books of any size, the same bytes every time."""

from __future__ import annotations

from pathlib import Path

from msgspec import Struct

from wasteflow.synthetic import registry as places
from wasteflow.synthetic.books import Books
from wasteflow.synthetic.calendar import Calendar
from wasteflow.synthetic.plan import plan
from wasteflow.synthetic.shipments import Loads
from wasteflow.synthetic.writing import RowFile

LAST_MONTH = (2025, 12)
"""The ledger of `synth` always ends with this month, whatever the day it is made on."""
MAX_MONTHS = 600
MAX_LOADS = 200_000_000


class SynthSummary(Struct, frozen=True):
    """What `synth` wrote: rows per file, months as yyyymm, kilograms dispatched by deliveries."""

    files: dict[str, Path]
    rows: dict[str, int]
    first_month: int
    last_month: int
    links: int
    dispatched_kg: int
    refused_in_part: int
    in_transit: int


def synth(
    loads: int, enterprises: int, parks: int, months: int, seed: int, out: Path
) -> SynthSummary:
    """Write parks, enterprises, facilities, entries and shipments as CSV into the folder `out`.

    `loads` = rows of shipments.csv (deliveries of about 30 t, returns and redirects together).
    Files of the same names in `out` are replaced.  Months end at December 2025.

    Raises ValueError for sizes that make no ledger.
    """
    for name, value, low, high in (
        ("loads", loads, 1, MAX_LOADS),
        ("enterprises", enterprises, 2, 1_000_000),
        ("parks", parks, 1, 100_000),
        ("months", months, 1, MAX_MONTHS),
    ):
        if not low <= value <= high:
            raise ValueError(f"{name} must be between {low} and {high}, not {value}")
    out.mkdir(parents=True, exist_ok=True)
    calendar = Calendar(months, LAST_MONTH)
    registry = places.build(enterprises, parks, seed)
    rows: dict[str, int] = {}
    files = {
        kind: out / f"{kind}.csv"
        for kind in ("parks", "enterprises", "facilities", "entries", "shipments")
    }
    with RowFile(files["shipments"], "shipments") as target:
        moved = Loads(registry, calendar, plan(registry, calendar, loads, seed), seed).write(target)
        rows["shipments"] = target.rows
    books = Books(registry, calendar, moved, seed)
    for kind, write in (
        ("parks", lambda target: places.write_parks(registry, target)),
        ("enterprises", lambda target: places.write_enterprises(registry, target)),
        ("facilities", books.write_facilities),
        ("entries", books.write_entries),
    ):
        with RowFile(files[kind], kind) as target:
            write(target)
            rows[kind] = target.rows
    first, last = calendar.month(0), calendar.month(months - 1)
    return SynthSummary(
        files=files,
        rows=rows,
        first_month=first[0] * 100 + first[1],
        last_month=last[0] * 100 + last[1],
        links=len(registry.links),
        dispatched_kg=moved.kg,
        refused_in_part=moved.refused,
        in_transit=moved.in_transit,
    )
