"""Packed months of the roll-up: what is read from them is what the rows say, and never older."""

from __future__ import annotations

from sqlalchemy import text

from tests.store.books import Books, entry, load
from wasteflow.services.checking import check_books
from wasteflow.services.packing import Packer, pack_books
from wasteflow.services.rebuilding import rebuild_rollup
from wasteflow.services.tracing import forget
from wasteflow_models import flow_columns, packed_months
from wasteflow_models.convert import load_keys


def kilograms(books: Books) -> dict[int, tuple[int, int]]:
    """Month → (kilograms of all rows as a fresh process reads them, as the rows say)."""
    forget()
    with books.db.read() as session:
        material = load_keys(session).id_of("material", "pg")
        read = flow_columns.months(session, material)
        return {
            month: (
                int(columns.kg.sum()),
                int(flow_columns.read_month(session, material, month).kg.sum()),
            )
            for month, columns in read.items()
        }


def packed_and_stale(books: Books) -> tuple[int, int]:
    with books.db.read() as session:
        current = len(packed_months.current_months(session))
        return current, len(packed_months.stale_months(session))


def test_what_is_packed_is_read_and_void_once_the_month_is_written(books: Books) -> None:
    books.loads(load("A", "30.000", "29.500", reason="x"), load("B", "31.000"))
    books.entries(entry("G", "generation", "90.000"))
    rows, before = books.rollup(), kilograms(books)
    months = pack_books(db=books.db)
    assert months and packed_and_stale(books) == (months, 0)
    assert kilograms(books) == before and all(read == said for read, said in before.values())
    assert pack_books(db=books.db) == 0, "nothing is packed twice"

    # The packed copy is what is read: spoiled, it shows.
    with books.db.write() as session:
        session.execute(text("DELETE FROM flow_month"))
    assert {read for read, _ in kilograms(books).values()} == {read for read, _ in before.values()}
    rebuild_rollup(db=books.db)
    assert books.rollup() == rows and packed_and_stale(books)[0] == 0
    pack_books(db=books.db)

    books.entries(entry("G2", "generation", "10.000"))
    assert packed_and_stale(books)[1] >= 1, "the month that was written is void"
    now = kilograms(books)
    assert all(read == said for read, said in now.values())
    assert (
        sum(read for read, _ in now.values()) == sum(read for read, _ in before.values()) + 10_000
    )
    books.check()


def test_a_spoiled_copy_is_named_and_made_anew(books: Books) -> None:
    books.entries(entry("G", "generation", "90.000"))
    pack_books(db=books.db)
    for spoiled in ("data = zeroblob(length(data))", "data = x'00'"):
        if books.db.url.startswith("postgresql"):
            spoiled = "data = set_byte(data, 0, 99)" if "zero" in spoiled else "data = '\\x00'"
        with books.db.write() as session:
            session.connection().exec_driver_sql(f"UPDATE flow_packed SET {spoiled}")
        report = check_books(db=books.db)
        assert {fault.code for fault in report.faults} == {"packed_differs"}
        rebuild_rollup(db=books.db)
        assert check_books(db=books.db).ok
        pack_books(db=books.db)


def test_a_server_packs_what_has_settled(books: Books) -> None:
    books.entries(entry("G", "generation", "90.000"))
    packer = Packer(books.db)
    assert packer.round() == 0, "a month may be written again in a moment"
    books.entries(entry("G2", "generation", "10.000"))
    assert packer.round() == 0
    assert packer.round() == 1 and packer.round() == 0
    assert kilograms(books).popitem()[1] == (100_000, 100_000)
