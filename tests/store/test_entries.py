"""Entries through files: kinds, openings first, stocktakes held against the book, reversal."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import pytest
from sqlalchemy import select

from tests.store.books import NOW, Books, child, entry, load
from tests.store.test_staging import twin
from wasteflow.core.errors import RuleBroken
from wasteflow.core.vocabulary import Evidence
from wasteflow.services.corrections import REVERSAL_MARK, reverse
from wasteflow_models.ledger import EntryRow

__all__ = ["twin"]


def row_of(books: Books, doc_no: str) -> EntryRow:
    """The entry row of a number."""
    with books.db.read() as session:
        row = session.scalars(select(EntryRow).where(EntryRow.doc_no == doc_no)).one()
        session.expunge_all()
        return row


def take(books: Books, doc_no: str) -> None:
    """Reverse a record."""
    reverse(db=books.db, doc_no=doc_no, reason="误录", now=NOW)


def count(doc_no: str, tonnes: str, day: str, **more: str) -> dict[str, str]:
    """A stocktake of the yard of maker (of its site with `facility="maker.works"`)."""
    return entry(doc_no, "stocktake", tonnes, day, reason="survey", **more)


def stocktake(books: Books, doc_no: str) -> tuple[int | None, int, int]:
    """(book at count, counted level, difference) in kilograms."""
    row = row_of(books, doc_no)
    return row.book_kg, row.kg, row.difference_kg


ALL_KINDS = [
    entry("O", "opening", "100.000", "2026-01-01", year_generated="2020", generator="maker2"),
    entry("O2", "opening", "5.000", "2026-01-01", facility="maker.works"),
    entry("G", "generation", "80.000"),
    entry("R", "generation", "3.000", from_use="true"),
    entry("TY", "to_yard", "20.000"),
    entry("FY", "from_yard", "10.000"),
    entry("U", "use", "7.000", route="retarder"),
    entry("D", "disposal", "6.000", route="fill"),
    entry("T", "treatment", "4.000", route="wash"),
    entry("X", "dumping", "1.000"),
]


def test_every_kind_moves_what_it_says(books: Books) -> None:
    assert books.entries(*ALL_KINDS).taken == len(ALL_KINDS)
    assert books.flows() == {
        ("opening:maker2:2020", "yard:maker", "pg/"): 100_000,
        ("opening::", "site:maker", "pg/"): 5_000,
        ("generation", "site:maker", "pg/"): 80_000,
        ("recirculated", "site:maker", "pg/"): 3_000,
        ("site:maker", "yard:maker", "pg/"): 20_000,
        ("yard:maker", "site:maker", "pg/"): 10_000,
        ("site:maker", "use:retarder", "pg/retarder"): 7_000,
        ("site:maker", "disposal:fill", "pg/fill"): 6_000,
        ("site:maker", "site:maker", "pg/wash"): 4_000,
        ("site:maker", "dumping", "pg/"): 1_000,
    }
    assert books.closing() == {"site:maker": "64.000", "yard:maker": "110.000"}
    assert books.entries(*reversed(ALL_KINDS)).skipped == len(ALL_KINDS)
    books.check()


def test_dry_and_estimated_entries(books: Books) -> None:
    books.entries(
        entry("A", "generation", "8.000", basis="dry", moisture_pct="20"),
        entry("B", "generation", "10.000", moisture_pct="20"),
        entry("C", "generation", "10.000", weighed="估算"),
    )
    rows = {doc: row_of(books, doc) for doc in "ABC"}
    assert {doc: (row.kg, row.dry_kg) for doc, row in rows.items()} == {
        "A": (10_000, 8_000),
        "B": (10_000, 8_000),
        "C": (10_000, None),
    }
    assert [rows[doc].evidence for doc in "ABC"] == [
        Evidence.ONE_SIDED,
        Evidence.ONE_SIDED,
        Evidence.ESTIMATED,
    ]
    books.check()


def test_a_reversed_entry_leaves_nothing_and_returns_as_two(books: Books) -> None:
    books.entries(*ALL_KINDS)
    for row in ALL_KINDS:
        take(books, row["doc_no"])
    assert books.flows() == {}
    assert row_of(books, "G" + REVERSAL_MARK).reason == "误录"
    for doc_no in ("G", "G" + REVERSAL_MARK):
        with pytest.raises(RuleBroken) as caught:
            take(books, doc_no)
        assert caught.value.code == "already_reversed"
    again = entry("G", "generation", "81.000")
    assert books.codes("entries", again) == [(2, "doc_no", "doc_no_reversed")]
    books.entries(again | {"doc_no": "G/2"})
    assert books.flows() == {("generation", "site:maker", "pg/"): 81_000}
    books.check()


def test_conflicting_and_repeated_entries(books: Books) -> None:
    first = entry("G", "generation", "80.000")
    books.entries(first)
    for change in (
        {"tonnes": "80.001"},
        {"date": "2026-03-02"},
        {"remark": "另注"},
        {"material": "slag"},
        {"weighed": "estimated"},
        {"from_use": "是"},
    ):
        (issue,) = books.refused("entries", first | change)
        assert (issue.field, issue.code) == ("doc_no", "doc_no_differs"), change
        assert "wasteflow reverse G --reason" in issue.text("zh") and "G/2" in issue.text("en")
        fresh = first | {"doc_no": "H"}
        assert books.codes("entries", fresh, fresh | change) == [
            (3, "doc_no", "duplicate_doc_in_file")
        ]
    assert books.entries(first, first, first | {"enterprise": "maker2"}).skipped == 2
    books.check()


# --- openings first --------------------------------------------------------------------------


def test_an_opening_comes_before_every_record_of_its_place(books: Books) -> None:
    """Whatever comes first: the opening, the entry or the load; in one file or in two."""
    site = {"facility": "maker.works"}
    late_yard = entry("O", "opening", "9.000", "2026-03-02")
    late_site = entry("O", "opening", "9.000", "2026-03-03", **site)
    to_yard = entry("TY", "to_yard", "1.000", "2026-03-01")
    dispatch = load("L", "1.000", "1.000")  # 2026-03-02
    opening_late, record_early = "opening_not_first", "before_opening"

    assert books.codes("entries", to_yard, late_yard) == [(3, "date", opening_late)]
    books.entries(to_yard)
    books.loads(dispatch)
    assert books.codes("entries", late_yard) == [(2, "date", opening_late)]
    assert books.codes("entries", late_site) == [(2, "date", opening_late)]
    books.entries(entry("O2", "opening", "9.000", "2026-03-01"))  # the same day will do
    books.entries(entry("O3", "opening", "9.000", "2026-03-01", **site))

    early = "2026-02-28"
    assert books.codes("entries", entry("G", "generation", "1.000", early)) == [
        (2, "date", record_early)
    ]
    assert books.codes("entries", entry("FY", "from_yard", "1.000", early)) == [
        (2, "date", record_early)
    ]
    assert books.codes("shipments", load("L2", dispatched_at=early)) == [
        (2, "dispatched_at", record_early)
    ]
    take(books, "O3")
    books.loads(load("L2", dispatched_at=early))
    books.check()


def test_the_receiver_has_an_opening_too(books: Books) -> None:
    books.entries(
        entry("O", "opening", "9.000", "2026-03-03", enterprise="cement", facility="cement.kiln")
    )
    assert books.codes("shipments", load("A", "1.000", "1.000")) == [
        (2, "received_at", "before_opening")
    ]
    books.loads(load("A", "1.000"))
    assert books.codes("shipments", load("A", "1.000", "1.000")) == [
        (2, "received_at", "before_opening")
    ]
    books.loads(load("A", "1.000", "1.000", received_at="2026-03-03"))
    assert books.codes(
        "entries",
        entry("O2", "opening", "9.000", "2026-03-04", enterprise="cement", facility="cement.kiln"),
    ) == [(2, "date", "opening_not_first")]
    books.check()


def test_openings_by_year_and_generator_come_in_several_rows(books: Books) -> None:
    years = [("2018", "maker2"), ("2019", "maker2"), ("2019", ""), ("", "")]
    rows = [
        entry(f"O{position}", "opening", "10.000", "2026-01-01", year_generated=year, generator=who)
        for position, (year, who) in enumerate(years)
    ]
    books.entries(*rows)
    assert set(books.flows()) == {
        (f"opening:{who}:{year}", "yard:maker", "pg/") for year, who in years
    }
    by_name = entry("N", "opening", "1.000", "2026-01-01", generator="第二磷化工厂")
    books.entries(by_name)
    assert books.flows()["opening:maker2:", "yard:maker", "pg/"] == 1_000
    assert books.codes("entries", entry("B", "opening", "1.000", generator="无此企业")) == [
        (2, "generator", "unknown_code")
    ]
    assert books.codes("entries", entry("B", "generation", "1.000", generator="maker2")) == [
        (2, "generator", "generator_only_opening")
    ]
    books.check()


# --- stocktakes ------------------------------------------------------------------------------


def test_a_stocktake_posts_the_difference_to_the_book_of_its_day(books: Books) -> None:
    books.entries(
        entry("O", "opening", "100.000", "2026-01-01"),
        entry("A", "to_yard", "20.000", "2026-03-10"),
        entry("B", "to_yard", "5.000", "2026-03-15"),
        entry("C", "from_yard", "3.000", "2026-03-16"),
        count("S", "110.000", "2026-03-15"),
    )
    assert stocktake(books, "S") == (125_000, 110_000, -15_000)
    assert books.flows()["yard:maker", "stocktake", "pg/"] == 15_000
    assert books.closing()["yard:maker"] == "107.000"
    assert books.findings("stocktake_stale") == []


def test_a_stocktake_of_the_site_sees_loads_up_to_its_day(books: Books) -> None:
    books.entries(entry("G", "generation", "200.000", "2026-02-01"))
    books.loads(
        load("before", "30.000", "30.000"),
        load("day", "10.000", dispatched_at="2026-03-15T23:30:00+08:00"),
        load("after", "50.000", dispatched_at="2026-03-16T00:30:00+08:00"),
        load(
            "in", "8.000", "6.000", consignor="maker2", consignee="maker", route="trade", reason="x"
        ),
        load("reversed", "1.000", "1.000"),
        load("P", "20.000", "0.000", refused_t="20.000"),
        child("R", "P", "20.000"),
    )
    take(books, "reversed")
    books.entries(count("S", "150.000", "2026-03-15", facility="maker.works"))
    assert stocktake(books, "S") == (166_000, 150_000, -16_000)
    assert books.findings("stocktake_stale") == []


def test_a_surplus_and_a_count_of_zero(books: Books) -> None:
    books.entries(count("S", "12.500", "2026-03-15"))
    assert stocktake(books, "S") == (0, 12_500, 12_500)
    assert books.flows() == {("stocktake", "yard:maker", "pg/"): 12_500}
    books.entries(count("Z", "0", "2026-04-15"))
    assert stocktake(books, "Z") == (12_500, 0, -12_500)
    books.entries(count("Z2", "0", "2026-05-15"))
    assert stocktake(books, "Z2") == (0, 0, 0)
    assert books.closing() == {}
    books.check()


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (3, 2, 1, 0), (2, 0, 3, 1)])
def test_several_stocktakes_in_one_file_follow_their_days(
    books: Books, order: Sequence[int]
) -> None:
    rows = [
        count("S1", "90.000", "2026-02-10"),
        count("S2", "120.000", "2026-03-20"),
        entry("O", "opening", "100.000", "2026-01-01"),
        entry("A", "to_yard", "20.000", "2026-03-05"),
    ]
    books.entries(*(rows[position] for position in order))
    assert stocktake(books, "S1") == (100_000, 90_000, -10_000)
    assert stocktake(books, "S2") == (110_000, 120_000, 10_000)
    assert books.closing()["yard:maker"] == "120.000"
    assert books.findings("stocktake_stale") == []


@pytest.mark.parametrize(
    ("late", "now_t"),
    [
        (entry("L", "to_yard", "4.000", "2026-03-14"), "104.000"),
        (entry("L", "to_yard", "4.000", "2026-03-15"), "104.000"),
        (entry("L", "from_yard", "4.000", "2026-02-01"), "96.000"),
        (entry("L", "to_yard", "4.000", "2026-03-16"), None),
    ],
)
def test_a_record_from_before_the_count_that_comes_later_makes_it_stale(
    books: Books, late: dict[str, Any], now_t: str | None
) -> None:
    books.entries(
        entry("O", "opening", "100.000", "2026-01-01"), count("S", "90.000", "2026-03-15")
    )
    books.entries(late)
    found = books.findings("stocktake_stale")
    if now_t is None:
        assert found == []
        return
    assert [(item["record"], item["book_at_count_t"], item["book_now_t"]) for item in found] == [
        ("S", "100.000", now_t)
    ]
    take(books, "L")
    assert books.findings("stocktake_stale") == []


def test_a_late_load_makes_a_count_of_the_site_stale(books: Books) -> None:
    books.entries(count("S", "90.000", "2026-03-15", facility="maker.works"))
    books.loads(load("A", "30.000", "30.000"))
    (found,) = books.findings("stocktake_stale")
    assert (found["enterprise"], found["compartment"]) == ("maker", "site")
    assert (found["book_at_count_t"], found["book_now_t"]) == ("0.000", "-30.000")


def test_reversing_a_stocktake_takes_back_its_difference(books: Books) -> None:
    books.entries(
        entry("O", "opening", "100.000", "2026-01-01"), count("S", "90.000", "2026-03-15")
    )
    take(books, "S")
    assert books.closing() == {"yard:maker": "100.000"}
    books.entries(count("S/2", "80.000", "2026-03-15"))
    assert stocktake(books, "S/2") == (100_000, 80_000, -20_000)
    take(books, "O")
    assert books.closing() == {"yard:maker": "-20.000"}
    (found,) = books.findings("stocktake_stale")
    assert found["book_now_t"] == "0.000"
    assert books.findings("negative_stock") != []


def many_rows() -> list[dict[str, str]]:
    """More entries than are written one by one, of every kind, in an order files have."""
    dice = random.Random(4)
    rows = [entry("OPEN", "opening", "900.000", "2026-01-01", year_generated="2025")]
    for number in range(90):
        day = f"2026-0{dice.randint(1, 6)}-{dice.randint(2, 28):02d}"
        tonnes = f"{dice.randint(1, 40_000) / 1000:.3f}"
        kind, more = dice.choice(
            [
                ("generation", {}),
                ("generation", {"basis": "dry", "moisture_pct": "20", "weighed": "estimated"}),
                ("to_yard", {"handler": "王"}),
                ("from_yard", {}),
                ("use", {"route": "retarder", "facility": "maker.works"}),
                ("dumping", {"reason": "leak, “big”\\", "remark": "'=1"}),
            ]
        )
        rows.append(entry(f"E{number}", kind, tonnes, day, **more))
    return [*rows, count("S2", "30.000", "2026-07-02"), count("S1", "12.000", "2026-07-01")]


def test_many_at_once_leave_the_same_books_as_one_by_one(books: Books, twin: Books) -> None:
    rows = many_rows()
    assert books.entries(*rows).taken == len(rows) == 93
    assert books.entries(*rows).skipped == len(rows)
    for row in [*rows[:-2], rows[-1], rows[-2]]:
        twin.entries(row)
    assert twin.entries(*rows).skipped == len(rows)
    assert table(books) == table(twin)
    assert books.rollup() == twin.rollup()
    books.check()
    twin.check()


def table(books: Books) -> list[tuple[Any, ...]]:
    """Every entry but its ids and its batch."""
    columns = [c for c in EntryRow.__table__.c if c.name not in ("id", "uid", "batch_id")]
    with books.db.read() as session:
        return [tuple(row) for row in session.execute(select(*columns).order_by(EntryRow.doc_no))]
