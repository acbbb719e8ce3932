"""What each record posts: the table of rules row by row, and conservation over random ledgers."""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.builders import (
    LANDFILL,
    TRADE,
    USE,
    WASH,
    A,
    B,
    C,
    Load,
    Record,
    entries,
    entry,
    families,
    ledgers,
    load,
    moved,
    postings_of,
    rollup_of,
)
from wasteflow.core.places import Place, PlaceKind
from wasteflow.core.postings import Rollup, add_postings, load_postings, place_net
from wasteflow.core.records import Entry, LoadHeader, LoadStatus
from wasteflow.core.vocabulary import EntryKind, Evidence

SITE, YARD = f"site:{A}", f"yard:{A}"
ROAD = f"transit:{A}:{B}"

ENTRY_TABLE = [
    (entry("generation", 7), ("generation", SITE, "")),
    (entry("generation", 7, from_use=True), ("recirculated", SITE, "")),
    (entry("opening", 7), ("opening::", SITE, "")),
    (entry("opening", 7, at="yard"), ("opening::", YARD, "")),
    (entry("opening", 7, at="yard", year=2021), ("opening::2021", YARD, "")),
    (entry("opening", 7, generator=C, year=2021), (f"opening:{C}:2021", SITE, "")),
    (entry("opening", 7, at="yard", generator=C), (f"opening:{C}:", YARD, "")),
    (entry("to_yard", 7), (SITE, YARD, "")),
    (entry("from_yard", 7), (YARD, SITE, "")),
    (entry("use", 7, route=USE), (SITE, f"use:{USE}", USE)),
    (entry("disposal", 7, route=LANDFILL), (SITE, f"disposal:{LANDFILL}", LANDFILL)),
    (entry("dumping", 7), (SITE, "dumping", "")),
    (entry("treatment", 7, route=WASH), (SITE, SITE, WASH)),
    (entry("stocktake", 90, difference=7), ("stocktake", SITE, "")),
    (entry("stocktake", 90, difference=-7), (SITE, "stocktake", "")),
    (entry("stocktake", 90, at="yard", difference=7), ("stocktake", YARD, "")),
    (entry("stocktake", 90, at="yard", difference=-7), (YARD, "stocktake", "")),
    (entry("stocktake", 0, at="yard", difference=-7), (YARD, "stocktake", "")),
]


@pytest.mark.parametrize(("record", "row"), ENTRY_TABLE, ids=lambda item: str(item)[:60])
def test_an_entry_posts_its_row_of_the_table(record: Entry, row: tuple[str, str, str]) -> None:
    """Law: one posting of 7 kg between the two ends the table names, in the entry's month."""
    assert moved(record) == [(202403, *row, 7, 1)]


def test_a_count_that_agrees_with_the_book_posts_nothing() -> None:
    """Law: a stocktake posts its difference only; 0 kg are no posting."""
    assert moved(entry("stocktake", 90, difference=0)) == []
    assert moved(entry("stocktake", 0, at="yard", difference=0)) == []


def test_only_use_disposal_and_treatment_carry_their_route() -> None:
    for kind in EntryKind:
        route = moved(entry(kind, 7, route=USE, difference=7))[0][3]
        assert bool(route) == (kind in ("use", "disposal", "treatment"))


def test_a_dispatch_lies_on_the_road() -> None:
    assert moved(load(kg=100)) == [(202403, SITE, ROAD, USE, 100, 1)]


def test_nothing_is_posted_before_the_dispatch() -> None:
    assert load_postings(LoadHeader("L", A, B, "m", USE), LoadStatus()) == ()


@pytest.mark.parametrize(
    ("accepted", "refused", "rows"),
    [
        (100, 0, [(ROAD, f"site:{B}", 100)]),
        (108, 0, [("weighing_difference", ROAD, 8), (ROAD, f"site:{B}", 108)]),
        (93, 0, [(ROAD, "weighing_difference", 7), (ROAD, f"site:{B}", 93)]),
        (60, 40, [(ROAD, f"site:{B}", 60)]),
        (0, 100, []),
        (60, 45, [("weighing_difference", ROAD, 5), (ROAD, f"site:{B}", 60)]),
        (0, 97, [(ROAD, "weighing_difference", 3)]),
        (0, 0, [(ROAD, "weighing_difference", 100)]),
    ],
)
def test_a_decision_posts_the_accepted_part_and_the_weight_difference(
    accepted: int, refused: int, rows: list[tuple[str, str, int]]
) -> None:
    """Law: received - dispatched is the weighing difference; the refused part stays on the road."""
    item = load(kg=100, trips=3).decided("2024-04-02", accepted, refused)
    assert moved(item) == [
        (202403, SITE, ROAD, USE, 100, 3),
        *((202404, source, target, USE, kg, 3) for source, target, kg in rows),
    ]
    assert place_net(rollup_of([item]))[Place.parse(ROAD), "phosphogypsum"] == refused


def test_a_lost_load_goes_from_the_road_to_lost_in_the_month_of_the_loss() -> None:
    assert moved(load(kg=100).lost("2024-05-01"))[1:] == [(202405, ROAD, "lost", USE, 100, 1)]


def test_a_return_leaves_the_parents_road_and_comes_home() -> None:
    """Law: return = transit of the parent → transit of the consignor to itself → its site."""
    parent = load(kg=100).decided("2024-03-06", 60, 40)
    back = parent.returned(40, "2024-03-07").decided("2024-04-01", 39)
    home = f"transit:{A}:{A}"
    assert moved(back) == [
        (202403, ROAD, home, USE, 40, 1),
        (202404, home, "weighing_difference", USE, 1, 1),
        (202404, home, SITE, USE, 39, 1),
    ]
    assert {k[0].key: v for k, v in place_net(rollup_of([parent, back])).items() if v} == {
        SITE: -61,
        f"site:{B}": 60,
        "weighing_difference": 1,
    }


def test_a_redirect_of_a_redirect_stays_the_stock_of_the_first_consignor() -> None:
    """Law: every road of a family belongs to the first consignor; each leaves its parent's road."""
    parent = load(kg=100).decided("2024-03-06", 0, 100)
    first = parent.redirected(C, 100, "2024-03-07").decided("2024-03-08", 70, 30)
    second = first.redirected("ent.d", 30, "2024-03-09", TRADE).decided("2024-03-10", 10, 20)
    third = second.returned(20, "2024-03-11").decided("2024-03-12", 20)
    assert moved(first)[0][1:3] == (ROAD, f"transit:{A}:{C}")
    assert moved(second) == [
        (202403, f"transit:{A}:{C}", f"transit:{A}:ent.d", TRADE, 30, 1),
        (202403, f"transit:{A}:ent.d", "site:ent.d", TRADE, 10, 1),
    ]
    assert moved(third)[0][1:3] == (f"transit:{A}:ent.d", f"transit:{A}:{A}")
    net = place_net(rollup_of([parent, first, second, third]))
    assert {place.key: kg for (place, _), kg in net.items() if kg} == {
        SITE: -80,
        f"site:{C}": 70,
        "site:ent.d": 10,
    }


def test_to_an_external_firm_the_mass_leaves_the_books() -> None:
    item = load(A, "ext.x", 100).decided("2024-03-06", 100)
    road = f"transit:{A}:ext.x"
    assert [row[1:3] for row in moved(item)] == [(SITE, road), (road, "outside")]


def test_from_an_external_firm_the_mass_comes_from_outside() -> None:
    item = load("ext.x", B, 100).decided("2024-03-06", 100)
    road = f"transit:ext.x:{B}"
    assert [row[1:3] for row in moved(item)] == [("outside", road), (road, f"site:{B}")]


def test_what_an_external_receiver_refuses_comes_back_from_the_road() -> None:
    """Law: a child leaves its parent's road even when its consignor is external."""
    back = load(A, "ext.x", 100).decided("2024-03-06", 0, 100).returned(100, "2024-03-07")
    assert moved(back) == [(202403, f"transit:{A}:ext.x", f"transit:{A}:{A}", USE, 100, 1)]


@settings(max_examples=28)
@given(ledgers())
def test_no_kilogram_appears_or_vanishes(records: list[Record]) -> None:
    """Law (conservation): the net of all places and boundaries is 0, material by material."""
    total: Counter[str] = Counter()
    for (_, material), kg in place_net(rollup_of(records)).items():
        total[material] += kg
    assert not any(total.values())


@settings(max_examples=28)
@given(ledgers())
def test_every_posting_is_a_positive_move_between_two_ends(records: list[Record]) -> None:
    """Law: whole positive kilograms; only treatment stays in place; one end holds stock."""
    for record in records:
        for key, kg, n in postings_of(record):
            assert type(kg) is int and kg > 0 and n >= 1
            assert key.source.holds_stock or key.target.holds_stock
            memo = isinstance(record, Entry) and record.kind is EntryKind.TREATMENT
            assert (key.source == key.target) == memo
            material = record.material if isinstance(record, Entry) else record.header.material
            assert key.material == material
            assert Place.parse(key.source.key) == key.source
            assert Place.parse(key.target.key) == key.target


@settings(max_examples=28)
@given(ledgers(), st.randoms(use_true_random=False))
def test_reversal_returns_the_books_to_where_they_were(
    records: list[Record], random: Random
) -> None:
    """Law: taking out what was posted, in any order, leaves nothing; a reversed record posts 0."""
    rollup = rollup_of(records)
    shuffled = list(records)
    random.shuffle(shuffled)
    assert rollup_of(shuffled) == rollup
    for record in shuffled:
        add_postings(rollup, postings_of(record), -1)
    assert rollup == {}


@settings(max_examples=25)
@given(entries, families())
def test_a_reversed_record_posts_nothing(alone: Entry, family: list[Load]) -> None:
    assert postings_of(replace(alone, reversed_=True)) == ()
    last = family[-1]
    if not last.status.reversed_:
        assert postings_of(last.reversed()) == ()


@settings(max_examples=28)
@given(families())
def test_a_family_moves_each_kilogram_to_one_end(family: list[Load]) -> None:
    """Law: dispatched + gains = accepted + losses + lost + still on the road, over all children."""
    rollup: Rollup = rollup_of(family)
    first = family[0]
    if first.status.reversed_:
        assert rollup == {}
        return
    on_road = sum(
        kg for (place, _), kg in place_net(rollup).items() if place.kind is PlaceKind.TRANSIT
    )
    weighed = sum(
        item.status.received_kg - item.status.dispatched_kg
        for item in family
        if item.status.received_month
    )
    accepted = sum(item.status.accepted_kg for item in family)
    lost = sum(item.status.dispatched_kg for item in family if item.status.lost_month)
    assert first.status.dispatched_kg + weighed == accepted + lost + on_road
    roads = [key.target for key in rollup if key.target.kind is PlaceKind.TRANSIT]
    assert {road.owner for road in roads} == {first.header.consignor}


def test_the_evidence_of_a_load_is_on_all_its_postings() -> None:
    item = load(evidence=Evidence.ESTIMATED).decided("2024-03-06", 29_000)
    assert {key.evidence for key, _, _ in postings_of(item)} == {Evidence.ESTIMATED}
