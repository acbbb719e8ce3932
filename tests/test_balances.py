"""Balance lines: every kilogram of a firm on one line, named by what it was, residual beside it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings

from tests.builders import (
    FIRMS,
    LANDFILL,
    MATERIALS,
    PG,
    SLAG,
    STORE,
    TRADE,
    USE,
    WASH,
    A,
    B,
    C,
    Record,
    books_of,
    entry,
    ledgers,
    load,
    net_of,
    periods,
    registry,
)
from wasteflow.core.balances import COMPARTMENTS, Balance, balances, total_balance
from wasteflow.core.books import PeriodBooks
from wasteflow.core.records import Entry

EVERYONE = registry().in_scope("all")
Line = tuple[str, str, str]


def lines_of(books: PeriodBooks, firms: frozenset[str] = EVERYONE) -> dict[Line, Balance]:
    """Balance lines by (enterprise, compartment, material)."""
    found = balances(books, firms)
    lines = {(line.enterprise, line.compartment, line.material): line for line in found}
    assert len(lines) == len(found)
    return lines


def line_of(records: list[Record], at: str, firm: str = A, period: str = "2024") -> Balance:
    """One line of phosphogypsum."""
    return lines_of(books_of(records, period))[firm, at, PG]


@settings(max_examples=28)
@given(ledgers(), periods)
def test_every_line_closes_on_the_books(records: list[Record], text: str) -> None:
    """Law: opening + in - out = closing per line, and the closing is that of the places."""
    books = books_of(records, text)
    lines = lines_of(books)
    expected: dict[Line, int] = {}
    for (place, material), kg in books.closing().items():
        key = place.owner, COMPARTMENTS[place.kind], material
        expected[key] = expected.get(key, 0) + kg
    assert {key: line.closing_kg for key, line in lines.items() if line.closing_kg} == {
        key: kg for key, kg in expected.items() if kg
    }
    for line in lines.values():
        moved = sum(line.ins.values()) - sum(line.outs.values())
        assert line.opening_kg + moved == line.closing_kg
        assert all(kg > 0 for kg in (*line.ins.values(), *line.outs.values()))


@settings(max_examples=28)
@given(ledgers(), periods)
def test_inside_words_cancel_and_the_rest_is_the_boundary(records: list[Record], text: str) -> None:
    """Law: over all firms in - out = what the boundaries gave less what they took."""
    books = books_of(records, text)
    for material in MATERIALS:
        total = total_balance(balances(books, EVERYONE, material))
        boundary = sum(
            kg
            for (place, stuff), kg in net_of(books.flows).items()
            if stuff == material and not place.holds_stock
        )
        assert sum(total.ins.values()) - sum(total.outs.values()) == -boundary
        for gone, come in (
            ("dispatched", "dispatched"),
            ("to_yard", "to_yard"),
            ("from_yard", "from_yard"),
            ("accepted", "received"),
            ("returned", "returned"),
            ("redirected", "redirected"),
        ):
            assert total.outs.get(gone, 0) == total.ins.get(come, 0)


@settings(max_examples=28)
@given(ledgers(), periods)
def test_lines_of_parts_are_the_lines_of_the_whole(records: list[Record], text: str) -> None:
    """Law: firm by firm and material by material give the same lines as all at once, in order."""
    books = books_of(records, text)
    whole = balances(books, EVERYONE)
    parts = [
        line
        for firm in sorted(EVERYONE)
        for material in MATERIALS
        for line in balances(books, [firm], material)
    ]
    order = {name: number for number, name in enumerate(MATERIALS)}
    assert sorted(parts, key=lambda line: (line.enterprise, order[line.material])) == parts
    assert {str(line) for line in parts} == {str(line) for line in whole}
    compartments = list(COMPARTMENTS.values())
    keys = [(w.enterprise, w.material, compartments.index(w.compartment)) for w in whole]
    assert keys == sorted(keys)


@settings(max_examples=28)
@given(ledgers())
def test_residuals_of_months_add_up_to_that_of_the_year(records: list[Record]) -> None:
    """Law: residual = net stocktake difference + new debt - debt settled, additive in time."""
    # A stated opening is stock for the period it begins and a flow for a longer one.
    records = [r for r in records if not (isinstance(r, Entry) and r.kind == "opening")]
    year = {key: line.residual_kg for key, line in lines_of(books_of(records, "2024")).items()}
    months: dict[Line, int] = dict.fromkeys(year, 0)
    for month in range(1, 13):
        for key, line in lines_of(books_of(records, f"2024-{month:02d}")).items():
            months[key] = months.get(key, 0) + line.residual_kg
    assert months == year


def test_what_a_producer_does_alone_is_named() -> None:
    records: list[Record] = [
        entry("opening", 900, "2024-01-01", at="yard", year=2020),
        entry("generation", 1_000),
        entry("generation", 30, from_use=True),
        entry("to_yard", 200),
        entry("from_yard", 150),
        entry("use", 300, route=USE),
        entry("disposal", 50, route=LANDFILL),
        entry("dumping", 10),
        entry("treatment", 400, route=WASH),
        entry("stocktake", 0, difference=-20),
        entry("stocktake", 0, at="yard", difference=5),
    ]
    site, yard = line_of(records, "site"), line_of(records, "yard")
    assert site.ins == {"generation": 1_000, "recirculated": 30, "from_yard": 150}
    assert site.outs == {
        "to_yard": 200,
        "use": 300,
        "disposal": 50,
        "dumping": 10,
        "stocktake": 20,
    }
    assert (site.opening_kg, site.closing_kg, site.residual_kg) == (0, 600, -20)
    assert (yard.ins, yard.outs) == ({"to_yard": 200, "stocktake": 5}, {"from_yard": 150})
    assert (yard.opening_kg, yard.closing_kg, yard.residual_kg) == (900, 955, 5)


def test_what_happens_to_a_load_is_named_on_both_sides() -> None:
    parent = load(kg=100).decided("2024-03-06", 57, 40)
    back = parent.returned(15, "2024-03-07").decided("2024-03-08", 15)
    on = parent.redirected(C, 20, "2024-03-07").decided("2024-03-08", 21)
    gone = load(kg=8).lost("2024-03-09")
    away = load(A, "ext.x", 6).decided("2024-03-09", 6)
    books = lines_of(books_of([parent, back, on, gone, away]))
    assert books[A, "site", PG].outs == {"dispatched": 114}
    assert books[A, "site", PG].ins == {"returned": 15}
    road = books[A, "transit", PG]
    assert road.ins == {"dispatched": 114, "redirected": 35, "weighing_difference": 1}
    assert road.outs == {
        "accepted": 78,
        "returned": 15,
        "redirected": 35,
        "weighing_difference": 3,
        "lost": 8,
        "outside": 6,
    }
    assert road.closing_kg == 5
    assert books[B, "site", PG].ins == {"received": 57}
    assert books[C, "site", PG].ins == {"received": 21}
    assert ("ext.x", "site", PG) not in books


def test_from_outside_the_road_belongs_to_the_external_firm() -> None:
    books = lines_of(books_of([load("ext.x", B, 9).decided("2024-03-09", 9)]))
    assert books["ext.x", "transit", PG].ins == {"outside": 9}
    assert books[B, "site", PG].ins == {"received": 9}


@pytest.mark.parametrize(
    ("inflow", "difference", "unbalanced"),
    [
        (0, 1_000, False),
        (0, -1_000, False),
        (0, 1_001, True),
        (0, -1_001, True),
        (50_000, 1_000, False),
        (50_000, -1_001, True),
        (100_000, 2_000, False),
        (100_000, -2_000, False),
        (100_000, 2_001, True),
        (100_049, -2_000, False),
    ],
)
def test_a_line_is_unbalanced_beyond_a_tonne_and_two_percent(
    inflow: int, difference: int, unbalanced: bool
) -> None:
    """Law: |residual| > max(1 t, 2 % of inflow); a surplus is no inflow of its own threshold."""
    records: list[Record] = [
        entry("opening", 10**6, "2024-01-01"),
        entry("generation", inflow),
        entry("stocktake", 0, difference=difference),
    ]
    line = line_of(records, "site")
    assert line.residual_kg == difference
    assert line.unbalanced is unbalanced
    assert line.findings() == (["unbalanced"] if unbalanced else [])


def test_a_shortage_is_shown_and_taken_back_when_it_is_filled() -> None:
    """Law (holes): new debt stands in the residual, settled debt with the other sign."""
    records: list[Record] = [
        entry("use", 5_000, "2024-02-05", route=USE),
        entry("generation", 3_000, "2024-04-05"),
    ]
    first, second = (line_of(records, "site", period=text) for text in ("2024Q1", "2024Q2"))
    assert (first.closing_kg, first.shortage_kg, first.residual_kg) == (-5_000, 5_000, 5_000)
    assert first.findings() == ["negative_stock", "unbalanced"]
    assert (second.opening_kg, second.shortage_kg, second.residual_kg) == (-5_000, -3_000, -3_000)
    assert second.findings() == ["negative_stock", "unbalanced"]
    assert line_of(records, "site").shortage_kg == 2_000


def test_a_road_short_and_a_road_long_do_not_hide_each_other() -> None:
    """Law: shortage is summed place by place, not over the compartment."""
    parent = load(kg=10).decided("2024-01-06", 10)
    child = parent.redirected(C, 7_000, "2024-01-07")
    line = line_of([parent, child, load(A, "ent.d", 9_000, "2024-01-08")], "transit")
    assert (line.closing_kg, line.shortage_kg) == (9_000, 7_000)


def test_treatment_stands_on_no_line() -> None:
    assert lines_of(books_of([entry("treatment", 5, route=WASH)])) == {}


def test_the_total_adds_the_lines() -> None:
    records: list[Record] = [
        entry("generation", 100),
        entry("use", 5_000, route=USE, firm=C),
        load(kg=40, route=STORE).decided("2024-03-06", 40),
        load(B, C, 15, "2024-03-07", route=TRADE),
        entry("generation", 7, material=SLAG),
    ]
    lines = balances(books_of(records), FIRMS)
    total = total_balance(lines)
    assert total.closing_kg == sum(line.closing_kg for line in lines) == 100 - 5_000 + 7
    assert total.residual_kg == sum(line.residual_kg for line in lines) == 5_000
    assert total.negative and "negative_stock" in total.findings()
    assert total_balance([]).findings() == []
