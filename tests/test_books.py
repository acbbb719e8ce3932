"""The books of a period: opening + in - out = closing, month by month, from the roll-up alone."""

from __future__ import annotations

from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.builders import (
    MATERIALS,
    PG,
    SLAG,
    STORE,
    A,
    B,
    Record,
    books_of,
    entry,
    ledgers,
    load,
    net_of,
    periods,
    postings_of,
    rollup_of,
)
from wasteflow.core.books import PeriodBooks, books_of_rollup
from wasteflow.core.periods import Period, next_month
from wasteflow.core.places import Place, PlaceKind, site, yard

Book = dict[tuple[Place, str], int]


def _book_after(records: list[Record], last: int) -> Book:
    """Book of every holding place after month `last`, straight from the postings."""
    book: Book = {}
    for record in records:
        for key, kg, _ in postings_of(record):
            if key.month <= last:
                for place, sign in ((key.target, 1), (key.source, -1)):
                    if place.holds_stock:
                        book[place, key.material] = book.get((place, key.material), 0) + sign * kg
    return {key: kg for key, kg in book.items() if kg}


def _opened_in(records: list[Record], month: int) -> Book:
    """Opening postings (期初) of a month."""
    found: Book = {}
    for record in records:
        for key, kg, _ in postings_of(record):
            if key.month == month and key.source.kind is PlaceKind.OPENING:
                found[key.target, key.material] = found.get((key.target, key.material), 0) + kg
    return found


def _sum(*books: Book) -> Book:
    total: Book = {}
    for book in books:
        for key, kg in book.items():
            total[key] = total.get(key, 0) + kg
    return {key: kg for key, kg in total.items() if kg}


@settings(max_examples=40)
@given(ledgers(), periods)
def test_opening_plus_in_minus_out_is_closing(records: list[Record], text: str) -> None:
    """Law: opening + flows = closing = the book after the last month, for every place."""
    period = Period.parse(text)
    books = books_of(records, text)
    held = {key: kg for key, kg in net_of(books.flows).items() if key[0].holds_stock}
    assert books.closing() == _sum(dict(books.opening), held)
    assert books.closing() == _book_after(records, period.last)
    before = _book_after(records, next_month(period.first, -1))
    stated = _opened_in(records, period.first)
    assert _sum(dict(books.opening)) == _sum(before, stated)


@settings(max_examples=28)
@given(ledgers())
def test_a_month_opens_with_what_the_last_one_closed_with(records: list[Record]) -> None:
    """Law: closing of month m + the opening postings of m+1 = opening of m+1."""
    rollup = rollup_of(records)
    month = 202312
    closing: Book = {}
    while month < 202504:
        month = next_month(month)
        books = books_of_rollup(rollup, Period.of(month, month))
        assert _sum(closing, _opened_in(records, month)) == _sum(dict(books.opening))
        closing = books.closing()
    assert closing == _book_after(records, month)


@settings(max_examples=28)
@given(ledgers())
def test_months_add_up_to_quarters_and_years(records: list[Record]) -> None:
    """Law: the flows of the parts of a year sum to those of the year, but for stated openings."""
    rollup = rollup_of(records)

    def flows(text: str) -> dict[tuple[object, ...], tuple[int, int]]:
        found: dict[tuple[object, ...], tuple[int, int]] = {}
        for part in text.split("+"):
            for flow in books_of_rollup(rollup, Period.parse(part)).flows:
                if flow.source.kind is not PlaceKind.OPENING:
                    kg, n = found.get(flow[:5], (0, 0))
                    found[flow[:5]] = kg + flow.kg, n + flow.n
        return found

    year = flows("2024")
    assert flows("2024H1+2024H2") == year
    assert flows("2024Q1+2024Q2+2024Q3+2024Q4") == year
    assert flows("+".join(f"2024-{month:02d}" for month in range(1, 13))) == year


@settings(max_examples=28)
@given(ledgers(), periods)
def test_a_material_is_a_system_of_its_own(records: list[Record], text: str) -> None:
    """Law: the books of one material are the part of the books that names it."""
    whole = books_of(records, text)
    parts = [books_of(records, text, material) for material in MATERIALS]
    assert sorted(flow for part in parts for flow in part.flows) == list(whole.flows)
    for material, part in zip(MATERIALS, parts, strict=True):
        assert {flow.material for flow in part.flows} <= {material}
        assert part.negative == {key for key in whole.negative if key[1] == material}
        assert _sum(part.closing()) == {
            k: v for k, v in whole.closing().items() if k[1] == material
        }


@settings(max_examples=28)
@given(ledgers(), periods)
def test_negative_places_are_those_below_zero_at_a_month_end(
    records: list[Record], text: str
) -> None:
    """Law: a place is named if and only if its book is below zero at a month end inside."""
    expected = {
        key
        for month in Period.parse(text).months()
        for key, kg in _book_after(records, month).items()
        if kg < 0
    }
    assert books_of(records, text).negative == expected


@settings(max_examples=20)
@given(ledgers(), st.randoms(use_true_random=False))
def test_flows_come_in_one_order_whatever_the_records_order(
    records: list[Record], random: Random
) -> None:
    """Law: deterministic order everywhere."""
    shuffled = list(records)
    random.shuffle(shuffled)
    first, second = books_of(records), books_of(shuffled)
    assert list(first.flows) == list(second.flows) == sorted(first.flows)


def test_an_opening_of_the_first_month_is_stock_and_a_later_one_a_flow() -> None:
    """期初 dated in the first month says what lay there before; later ones are flows."""
    record = entry("opening", 500, "2024-03-05", at="yard")
    assert books_of([record], "2024-03").opening == {(yard(A), PG): 500}
    assert not books_of([record], "2024-03").flows
    later = books_of([record], "2024")
    assert not later.opening
    assert [(flow.source.key, flow.kg) for flow in later.flows] == [("opening::", 500)]
    assert books_of([record], "2024-04").opening == {(yard(A), PG): 500}


def test_a_debt_that_no_record_touches_is_still_named() -> None:
    """A place driven below zero before the period stays on the list until it is filled."""
    records = [entry("to_yard", 10, "2024-01-05"), entry("generation", 10, "2024-06-05")]
    for text in ("2024-01", "2024-03", "2024-05", "2024Q2", "2024"):
        assert books_of(records, text).negative == {(site(A), PG)}
    assert not books_of(records, "2024-06").negative
    assert not books_of(records, "2025").negative


def test_a_load_over_new_year_is_stock_of_the_consignor_in_between() -> None:
    """In-transit mass is the consignor's until accepted."""
    item = load(A, B, 100, "2024-12-30", route=STORE).decided("2025-01-02", 100)
    old, new = books_of([item], "2024"), books_of([item], "2025")
    road = Place(PlaceKind.TRANSIT, A, B)
    assert old.closing() == {(site(A), PG): -100, (road, PG): 100}
    assert new.opening == old.closing()
    assert new.closing() == {(site(A), PG): -100, (site(B), PG): 100}
    assert road.owner == A


def test_treatment_moves_nothing() -> None:
    books = books_of([entry("treatment", 40, route="r_wash")])
    assert [(flow.source, flow.target, flow.kg) for flow in books.flows] == [(site(A), site(A), 40)]
    assert books.closing() == {}


def test_zero_stock_leaves_no_line_at_the_end() -> None:
    records = [entry("generation", 5, material=SLAG), entry("dumping", 5, material=SLAG)]
    assert books_of(records).closing() == {}
    assert PeriodBooks(Period.parse("2024"), [], {(site(A), PG): 0}).closing() == {}
