"""Record numbers of the statutory ledger, and which record stands before which; pure.

A number is the initials of the link, the month and a serial (CS202603001 产生, ZC 贮存, LY 利用,
CZ 处置; [K], 2-domain 2).  The serial follows the order of recording: a record entered late or
reversed leaves every other number as it was, and a number is never given twice.  The number before
is that of the last record, by day, that put the material where this one takes it from.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import date
from typing import Final

from msgspec import Struct

from wasteflow.core.periods import month_of_day
from wasteflow.core.vocabulary import EntryKind

INITIALS: Final = {
    EntryKind.GENERATION: "CS",
    EntryKind.TO_YARD: "ZC",
    EntryKind.FROM_YARD: "ZC",
    EntryKind.USE: "LY",
    EntryKind.DISPOSAL: "CZ",
}
"""Kind of entry → initials of its form."""


class FormEntry(Struct, frozen=True):
    """What a form tells of one entry; masses in kilograms, `handler` "" where nobody is named.

    recirculated: generated out of a use of the same material, which is no generation;
    gone: reversed since, so that only its number is taken; booked: the later month it was booked
    in (yyyymm), 0 if that is its own.
    """

    kind: EntryKind
    material: str
    day: date
    kg: int
    facility: str = ""
    route: str = ""
    handler: str = ""
    doc_no: str = ""
    recirculated: bool = False
    gone: bool = False
    booked: int = 0


class FormLoad(Struct, frozen=True):
    """A load that left the firm, or came to it (`came`): its day, mass and who carried it.

    booked: the later month in which its leaving, or a correction of it, was booked; 0 without one.
    """

    doc_no: str
    material: str
    route: str
    day: date
    kg: int
    other: str
    mode: str = ""
    carrier: str = ""
    vehicle: str = ""
    handler: str = ""
    came: bool = False
    booked: int = 0


class Numbered(Struct, frozen=True):
    """An entry with its record number and the number of the record before it ("" = none)."""

    entry: FormEntry
    number: str
    before: str


def numbered(entries: Iterable[FormEntry], loads: Iterable[FormLoad] = ()) -> list[Numbered]:
    """Entries in force by day, with numbers that stay and chain.

    entries: all of a firm from its start, in the order they were recorded, reversed ones too.
    A load that came in stands before what was made of it under its own number.
    """
    site: dict[str, str] = {}
    yard: dict[str, str] = {}
    found = []
    steps: list[tuple[date, int, int, str, FormEntry | FormLoad]] = [
        (load.day, 0, place, load.doc_no, load) for place, load in enumerate(loads) if load.came
    ]
    steps += [
        (entry.day, 1, place, number, entry)
        for place, (number, entry) in enumerate(_with_numbers(entries))
        if not entry.gone
    ]
    for _, _, _, number, step in sorted(steps, key=lambda item: item[:3]):
        if isinstance(step, FormLoad):
            site[step.material] = number
            continue
        source = yard if step.kind is EntryKind.FROM_YARD else site
        made = step.kind is EntryKind.GENERATION
        found.append(Numbered(step, number, "" if made else source.get(step.material, "")))
        if step.kind in (EntryKind.GENERATION, EntryKind.FROM_YARD):
            site[step.material] = number
        elif step.kind is EntryKind.TO_YARD:
            yard[step.material] = number
    return found


def _with_numbers(entries: Iterable[FormEntry]) -> Iterator[tuple[str, FormEntry]]:
    """Entries that stand in a form with their numbers, in the order given."""
    serial: dict[tuple[str, int], int] = defaultdict(int)
    for entry in entries:
        initials = INITIALS.get(entry.kind)
        if initials is not None:
            month = month_of_day(entry.day)
            serial[initials, month] += 1
            yield f"{initials}{month}{serial[initials, month]:03d}", entry
