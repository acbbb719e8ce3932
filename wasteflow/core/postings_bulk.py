"""Vectorised twin of `postings`: columns of integers in, summed roll-up columns out.

Codes are integers given by the caller (0 = none).  A property test holds this equal to adding up
`entry_postings` and `load_postings` one by one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, TypeVar

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from wasteflow.core.columns import groups_of
from wasteflow.core.places import PlaceKind

Ints = NDArray[np.int64]
_Place = tuple[Ints | int, Ints | int, Ints | int]
"""kind, a, b of the place of every row; a plain number stands for all rows."""


class LoadColumns(Struct, frozen=True):
    """Loads as they stand, one element a load; all int64.

    Months yyyymm (0 = has not happened); masses wet kilograms; `child` 1 for return or redirect;
    `gone` 1 if reversed; ids by the caller's coding.
    """

    holder: Ints
    consignor: Ints
    consignee: Ints
    parent_consignee: Ints
    child: Ints
    from_outside: Ints
    to_outside: Ints
    material: Ints
    route: Ints
    evidence: Ints
    trips: Ints
    dispatched_month: Ints
    dispatched_kg: Ints
    received_month: Ints
    received_kg: Ints
    accepted_kg: Ints
    lost_month: Ints
    gone: Ints


class EntryColumns(Struct, frozen=True):
    """Entries, one element each; all int64.

    `kind` by `ENTRY_CODES`; `yard` 1 if the compartment of an opening or stocktake is the yard;
    `year` 0 = unknown; `kg` as recorded, `difference_kg` signed (stocktake only).
    """

    kind: Ints
    enterprise: Ints
    material: Ints
    route: Ints
    month: Ints
    kg: Ints
    difference_kg: Ints
    yard: Ints
    generator: Ints
    year: Ints
    from_use: Ints
    evidence: Ints
    gone: Ints


_Records = TypeVar("_Records", LoadColumns, EntryColumns)

ENTRY_CODES = {
    "opening": 1,
    "generation": 2,
    "to_yard": 3,
    "from_yard": 4,
    "use": 5,
    "disposal": 6,
    "treatment": 7,
    "dumping": 8,
    "stocktake": 9,
}
"""Entry kind → code in `EntryColumns.kind`."""

KEY_COLUMNS = 10
"""month, source (kind, a, b), target (kind, a, b), material, route, evidence."""
SOURCE, TARGET = 1, 4
"""Where the places begin among them."""


class BulkRollup(Struct, frozen=True):
    """Roll-up rows in key order: `keys` (n x KEY_COLUMNS), `kg` and `n`; no all-zero rows."""

    keys: Ints
    kg: Ints
    n: Ints


class Difference(NamedTuple):
    """A key with the (kg, n) that were expected and found under it, (0, 0) for no row."""

    key: tuple[int, ...]
    expected: tuple[int, int]
    found: tuple[int, int]


def firms_in(rollup: BulkRollup) -> set[int]:
    """Keys of the enterprises whose places the rows touch."""
    found: set[int] = set()
    for start in (SOURCE, TARGET):
        kind, a, b = rollup.keys[:, start : start + 3].T
        theirs = np.isin(kind, (PlaceKind.SITE, PlaceKind.YARD, PlaceKind.TRANSIT))
        found |= set(np.unique(a[theirs]).tolist())
        found |= set(np.unique(b[kind == PlaceKind.TRANSIT]).tolist())
    return found


def bulk_load_postings(loads: LoadColumns) -> BulkRollup:
    """Summed postings of loads (see `postings.load_postings` for the rules)."""
    alive = (loads.gone == 0) & (loads.dispatched_month > 0)
    road = _place(PlaceKind.TRANSIT, loads.holder, loads.consignee)
    outside = _place(PlaceKind.OUTSIDE)
    origin = _either(loads.from_outside == 1, outside, _place(PlaceKind.SITE, loads.consignor))
    parent = _place(PlaceKind.TRANSIT, loads.holder, loads.parent_consignee)
    origin = _either(loads.child == 1, parent, origin)
    goal = _either(loads.to_outside == 1, outside, _place(PlaceKind.SITE, loads.consignee))
    weighing, gone = _place(PlaceKind.WEIGHING), _place(PlaceKind.LOST)
    gain = loads.received_kg - loads.dispatched_kg
    decided = alive & (loads.received_month > 0)
    moves = [
        (alive, loads.dispatched_month, origin, road, loads.dispatched_kg),
        (alive & (loads.lost_month > 0), loads.lost_month, road, gone, loads.dispatched_kg),
        (decided & (gain > 0), loads.received_month, weighing, road, gain),
        (decided & (gain < 0), loads.received_month, road, weighing, -gain),
        (decided, loads.received_month, road, goal, loads.accepted_kg),
    ]
    parts = [
        _rows(
            mask & (kg != 0),
            [month, source, target, loads.material, loads.route, loads.evidence],
            kg,
            loads.trips,
        )
        for mask, month, source, target, kg in moves
    ]
    return _sum(parts)


def bulk_entry_postings(entries: EntryColumns) -> BulkRollup:
    """Summed postings of entries (see `postings.entry_postings` for the rules)."""
    zero = np.zeros_like(entries.kind)
    here = _place(PlaceKind.SITE, entries.enterprise)
    store = _place(PlaceKind.YARD, entries.enterprise)
    counted = _either(entries.yard == 1, store, here)
    birth = np.where(entries.from_use == 1, PlaceKind.RECIRCULATED, PlaceKind.GENERATION)
    stated = _place(PlaceKind.OPENING, entries.generator, entries.year)
    found = _place(PlaceKind.STOCKTAKE)
    surplus = entries.difference_kg > 0
    sources = {
        "opening": stated,
        "generation": _place(birth),
        "from_yard": store,
        "stocktake": _either(surplus, found, counted),
    }
    targets = {
        "opening": counted,
        "generation": here,
        "to_yard": store,
        "from_yard": here,
        "use": _place(PlaceKind.USE, entries.route),
        "disposal": _place(PlaceKind.DISPOSAL, entries.route),
        "treatment": here,
        "dumping": _place(PlaceKind.DUMPING),
        "stocktake": _either(surplus, counted, found),
    }
    routed = {"use", "disposal", "treatment"}
    parts = []
    for kind, code in ENTRY_CODES.items():
        kg = np.abs(entries.difference_kg) if kind == "stocktake" else entries.kg
        route = entries.route if kind in routed else zero
        mask = (entries.kind == code) & (entries.gone == 0) & (kg != 0)
        columns: list[Ints | _Place] = [entries.month, sources.get(kind, here), targets[kind]]
        columns += [entries.material, route, entries.evidence]
        parts.append(_rows(mask, columns, kg, zero + 1))
    return _sum(parts)


def picked(records: _Records, rows: Ints) -> _Records:
    """The loads or entries at positions `rows`, in that order."""
    kind = type(records)
    return kind(*(getattr(records, name)[rows] for name in kind.__struct_fields__))


def merge(rollups: list[BulkRollup]) -> BulkRollup:
    """Sum of several roll-ups."""
    return _sum([(list(item.keys.T), item.kg, item.n) for item in rollups])


def differences(expected: BulkRollup, found: BulkRollup) -> list[Difference]:
    """Keys on which two roll-ups differ, in order of key, with what each holds under them."""
    keys = np.concatenate([expected.keys, found.keys])
    groups = groups_of(list(keys.T))
    ours, theirs = np.zeros_like(expected.kg), np.zeros_like(found.kg)
    sides = [
        groups.sums(np.concatenate(pair))
        for pair in (
            (expected.kg, theirs), (expected.n, theirs), (ours, found.kg), (ours, found.n)
        )
    ]  # fmt: skip
    bad = np.flatnonzero((sides[0] != sides[2]) | (sides[1] != sides[3]))
    rows = zip(*(side[bad].tolist() for side in sides), strict=True)
    listed = keys[groups.first[bad]].tolist()
    return [
        Difference(tuple(key), (kg, n), (found_kg, found_n))
        for key, (kg, n, found_kg, found_n) in zip(listed, rows, strict=True)
    ]


def _place(kind: Ints | int, a: Ints | int = 0, b: Ints | int = 0) -> _Place:
    return kind, a, b


def _either(choice: NDArray[np.bool_], one: _Place, other: _Place) -> _Place:
    """The one place where `choice` holds, else the other."""
    kind, a, b = (np.where(choice, *pair) for pair in zip(one, other, strict=True))
    return kind, a, b


def _rows(
    mask: NDArray[np.bool_], columns: list[Ints | _Place], kg: Ints, n: Ints
) -> tuple[list[Ints], Ints, Ints]:
    """The masked rows of the ten key columns with their masses and counts."""
    rows = np.flatnonzero(mask)
    flat: list[Ints] = []
    for column in columns:
        for part in column if isinstance(column, tuple) else (column,):
            flat.append(part[rows] if isinstance(part, np.ndarray) else np.full(len(rows), part))
    return flat, kg[rows], n[rows]


def _sum(parts: Sequence[tuple[Sequence[Ints], Ints, Ints]]) -> BulkRollup:
    """Sum equal keys; rows in lexicographic order of the key."""
    count = sum(len(part[1]) for part in parts)
    if not count:
        empty = np.zeros(0, np.int64)
        return BulkRollup(np.zeros((0, KEY_COLUMNS), np.int64), empty, empty)
    keys = [np.concatenate(column) for column in zip(*(part[0] for part in parts), strict=True)]
    kg = np.concatenate([part[1] for part in parts])
    n = np.concatenate([part[2] for part in parts])
    groups = groups_of(keys)
    kg, n = groups.sums(kg), groups.sums(n)
    keep = (kg != 0) | (n != 0)
    first = groups.first[keep]
    table = np.column_stack([column[first] for column in keys]).astype(np.int64, copy=False)
    return BulkRollup(table, kg[keep], n[keep])


def columns_from_rows(
    kind: type[LoadColumns] | type[EntryColumns], rows: list[tuple[int, ...]]
) -> LoadColumns | EntryColumns:
    """Columns of a list of tuples in field order."""
    count = len(kind.__struct_fields__)
    array = np.array(rows, dtype=np.int64).reshape(len(rows), count)
    return kind(*(array[:, position] for position in range(count)))
