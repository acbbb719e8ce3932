"""The vectorised twin of the posting rules: equal to adding up record by record."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.builders import (
    ABROAD,
    FIRMS,
    MATERIALS,
    ROUTES,
    A,
    Load,
    Record,
    entries,
    entry,
    families,
    ledgers,
    load,
    rollup_of,
)
from wasteflow.core.places import Place, PlaceKind
from wasteflow.core.postings import FlowKey, Rollup
from wasteflow.core.postings_bulk import (
    ENTRY_CODES,
    KEY_COLUMNS,
    BulkRollup,
    EntryColumns,
    LoadColumns,
    bulk_entry_postings,
    bulk_load_postings,
    columns_from_rows,
    differences,
    merge,
)
from wasteflow.core.records import Entry
from wasteflow.core.vocabulary import EntryKind, Evidence, LoadKind

FIRM_IDS = {code: number for number, code in enumerate(("", *FIRMS, *ABROAD))}
STUFF_IDS = {code: number for number, code in enumerate(("", *MATERIALS))}
ROUTE_IDS = {code: number for number, code in enumerate(("", *ROUTES))}
FIRM_CODES, STUFF_CODES, ROUTE_CODES = list(FIRM_IDS), list(STUFF_IDS), list(ROUTE_IDS)


def _entry_row(item: Entry) -> tuple[int, ...]:
    return (
        ENTRY_CODES[item.kind],
        FIRM_IDS[item.enterprise],
        STUFF_IDS[item.material],
        ROUTE_IDS[item.route],
        item.month,
        item.kg,
        item.difference_kg,
        int(item.compartment == "yard"),
        FIRM_IDS[item.generator],
        item.year_generated or 0,
        int(item.from_use),
        int(item.evidence),
        int(item.reversed_),
    )


def _load_row(item: Load) -> tuple[int, ...]:
    header, status = item.header, item.status
    return (
        FIRM_IDS[header.holder],
        FIRM_IDS[header.consignor],
        FIRM_IDS[header.consignee],
        FIRM_IDS[header.parent_consignee],
        int(header.kind is not LoadKind.DELIVERY),
        int(header.from_outside),
        int(header.to_outside),
        STUFF_IDS[header.material],
        ROUTE_IDS[header.route],
        int(status.evidence),
        header.trips,
        status.dispatched_month,
        status.dispatched_kg,
        status.received_month,
        status.received_kg,
        status.accepted_kg,
        status.lost_month,
        int(status.reversed_),
    )


def bulk_of(records: list[Record]) -> BulkRollup:
    """The twin's roll-up of a ledger."""
    alone = [_entry_row(item) for item in records if isinstance(item, Entry)]
    sent = [_load_row(item) for item in records if isinstance(item, Load)]
    entry_columns = columns_from_rows(EntryColumns, alone)
    load_columns = columns_from_rows(LoadColumns, sent)
    assert isinstance(entry_columns, EntryColumns) and isinstance(load_columns, LoadColumns)
    return merge([bulk_entry_postings(entry_columns), bulk_load_postings(load_columns)])


def _place(kind: int, a: int, b: int) -> Place:
    match PlaceKind(kind):
        case PlaceKind.USE | PlaceKind.DISPOSAL:
            return Place(PlaceKind(kind), ROUTE_CODES[a])
        case PlaceKind.OPENING:
            return Place(PlaceKind.OPENING, FIRM_CODES[a], str(b) if b else "")
    return Place(PlaceKind(kind), FIRM_CODES[a], FIRM_CODES[b])


def _decoded(bulk: BulkRollup) -> Rollup:
    found: Rollup = {}
    for key, kg, n in zip(bulk.keys.tolist(), bulk.kg.tolist(), bulk.n.tolist(), strict=True):
        month, *ends, stuff, route, grade = key
        flow = FlowKey(
            month,
            _place(*ends[:3]),
            _place(*ends[3:]),
            STUFF_CODES[stuff],
            ROUTE_CODES[route],
            Evidence(grade),
        )
        assert flow not in found
        found[flow] = kg, n
    return found


@settings(max_examples=45)
@given(ledgers())
def test_the_twin_equals_one_by_one(records: list[Record]) -> None:
    """Law: bulk roll-up = sum of the postings of every record, key by key, kg and loads."""
    assert _decoded(bulk_of(records)) == rollup_of(records)


@settings(max_examples=45)
@given(st.lists(entries, max_size=8))
def test_the_twin_reads_only_what_a_kind_has_a_use_for(items: list[Entry]) -> None:
    """Law: equal also where routes, years and compartments stand beside kinds that ignore them."""
    assert _decoded(bulk_of([*items])) == rollup_of(items)


@settings(max_examples=28)
@given(ledgers())
def test_rows_come_sorted_by_key_and_typed(records: list[Record]) -> None:
    """Law: rows in strictly rising order of the key (writers that sort cannot deadlock), int64."""
    bulk = bulk_of(records)
    keys = [tuple(row) for row in bulk.keys.tolist()]
    assert keys == sorted(set(keys))
    assert bulk.keys.shape == (len(bulk.kg), KEY_COLUMNS)
    assert {bulk.keys.dtype, bulk.kg.dtype, bulk.n.dtype} == {np.dtype(np.int64)}


@settings(max_examples=28)
@given(ledgers(), st.integers(0, 20))
def test_roll_ups_of_pieces_merge_to_the_roll_up_of_the_whole(
    records: list[Record], cut: int
) -> None:
    """Law: cutting the ledger anywhere changes nothing."""
    pieces = merge([bulk_of(records[:cut]), bulk_of(records[cut:])])
    whole = bulk_of(records)
    assert np.array_equal(pieces.keys, whole.keys)
    assert np.array_equal(pieces.kg, whole.kg) and np.array_equal(pieces.n, whole.n)


@settings(max_examples=25)
@given(families())
def test_a_reversed_load_weighs_nothing_in_bulk(family: list[Load]) -> None:
    last = family[-1]
    gone = last if last.status.reversed_ else last.reversed()
    assert len(bulk_of([gone]).kg) == 0


def test_nothing_gives_an_empty_roll_up() -> None:
    for bulk in (bulk_of([]), merge([])):
        assert bulk.keys.shape == (0, KEY_COLUMNS)
        assert len(bulk.kg) == len(bulk.n) == 0


def test_every_entry_kind_has_a_code() -> None:
    assert set(ENTRY_CODES) == {kind.value for kind in EntryKind}
    assert len(set(ENTRY_CODES.values())) == len(ENTRY_CODES)


@pytest.mark.parametrize("kg", [1, 10**12, 10**15])
def test_large_masses_stay_exact(kg: int) -> None:
    """Law: integers to the end, no float on the way."""
    records: list[Record] = [entry("generation", kg), load(kg=kg).decided("2024-04-01", kg - 1)]
    assert _decoded(bulk_of(records)) == rollup_of(records)
    assert sum(bulk_of(records).kg.tolist()) == 3 * kg


def test_equal_keys_add_up_with_their_trips() -> None:
    records: list[Record] = [load(kg=5, trips=2), load(kg=7, trips=3), load(kg=7).reversed()]
    bulk = bulk_of(records)
    assert (bulk.kg.tolist(), bulk.n.tolist()) == ([12], [5])
    assert _decoded(bulk)[next(iter(rollup_of(records)))] == (12, 5)
    assert next(iter(_decoded(bulk))).source == Place(PlaceKind.SITE, A)


@settings(max_examples=25)
@given(ledgers(), ledgers())
def test_differences_are_those_of_two_dicts(ours: list[Record], theirs: list[Record]) -> None:
    expected, found = bulk_of(ours), bulk_of([*theirs, *ours[: len(ours) // 2]])
    sides = [
        dict(zip(map(tuple, bulk.keys.tolist()), amounts, strict=True))
        for bulk in (expected, found)
        for amounts in [list(zip(bulk.kg.tolist(), bulk.n.tolist(), strict=True))]
    ]
    wanted = [
        (key, sides[0].get(key, (0, 0)), sides[1].get(key, (0, 0)))
        for key in sorted(sides[0].keys() | sides[1].keys())
        if sides[0].get(key) != sides[1].get(key)
    ]
    assert [tuple(item) for item in differences(expected, found)] == wanted
    assert differences(expected, expected) == []
