"""Sealed books for the tests of seals, and how to change them behind the program's back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from tests.store.books import NOW, Books, child, entry, load
from tests.store.live import CEMENT, MAKER, Gate
from wasteflow.services.attachments import NewAttachment, add_attachment
from wasteflow.services.closing import close_month, reopen_month
from wasteflow.services.live.entries import reverse_entry
from wasteflow.services.product_objects import reverse_output
from wasteflow.services.proof import Fault
from wasteflow.services.proof_seals import seal_faults
from wasteflow.services.seals import seal_books
from wasteflow_models.ledger import EntryRow
from wasteflow_models.seal_texts import (
    MOST,
    SealedKind,
    record_texts,
)

LATER = NOW + timedelta(hours=1)
OUTPUT = {"enterprise": "maker", "product": "P2O5", "date": "2026-03-01", "tonnes": "9"}


def with_every_kind(books: Books) -> Books:
    """Put a record of every kind into books, and seal them."""
    gate = Gate(books)
    books.entries(
        entry("O", "opening", "50.000", day="2026-01-01", year_generated="2025"),
        entry("G", "generation", "90.000", facility="maker.works", moisture_pct="20"),
        entry("U", "use", "5.000", route="retarder"),
    )
    books.loads(*(load(f"L{number}", "30.000", "29.900", vehicle="云A1") for number in range(3)))
    books.loads(load("P", "30.000", "20.000", refused_t="10.000"), child("R", "P", "6.000"))
    books.sign("cement", load("P", "30.000", "20.000", refused_t="10.000"), load("T", "8.000"))
    books.take("products", OUTPUT, OUTPUT | {"date": "2026-03-02"})
    told: dict[str, Any] = {"db": books.db, "actor": MAKER, "now": NOW}
    with books.db.read() as session:
        uid = session.scalars(sa.select(EntryRow.uid).where(EntryRow.doc_no == "U")).one()
    reverse_entry(**told, uid=uid, reason="重复")
    reverse_output(**told, name="maker/P2O5/2026-03-02", reason="重复", address="")
    uid = gate.decided()
    gate.answer("approve", CEMENT, gate.revise(MAKER, uid, dispatched_t="29.950"))
    gate.on_road(vehicle="云B·1")
    gate.draft()
    document = NewAttachment("shipment", str(uid), b"%PDF-1", "application/pdf", "磅单.pdf")
    add_attachment(db=books.db, folder=books.folder, document=document, actor=MAKER, now=NOW)
    close_month(db=books.db, enterprise="maker", month=202601, now=NOW)
    reopen_month(db=books.db, enterprise="maker", month=202601, reason="漏记", now=NOW)
    assert seal_books(db=books.db, now=NOW + timedelta(minutes=1), by="test") is not None
    assert faults(books) == []
    return books


def faults(books: Books, *witnesses: str) -> list[Fault]:
    """What the seals say."""
    with books.db.read() as session:
        return seal_faults(session, witnesses)


@contextmanager
def tampered(books: Books) -> Iterator[Session]:
    """A transaction behind the program's back that is thrown away at the end."""
    with books.db.connection() as connection:
        if books.db.is_sqlite:
            connection.exec_driver_sql("ROLLBACK")
            connection.exec_driver_sql("PRAGMA foreign_keys=OFF")
            connection.exec_driver_sql("BEGIN")
        else:
            connection.exec_driver_sql("BEGIN")
            connection.exec_driver_sql("SET LOCAL session_replication_role = replica")
        with Session(connection) as session:
            yield session
            session.rollback()
        if books.db.is_sqlite:
            connection.rollback()
            connection.exec_driver_sql("PRAGMA foreign_keys=ON")


def codes(session: Session) -> set[str]:
    """Codes of the faults seen in a transaction."""
    return {fault.code for fault in seal_faults(session)}


def first_key(session: Session, kind: SealedKind) -> str:
    """SQL that picks the first sealed record of a kind."""
    ident, part, _ = next(record_texts(session, kind, 0, MOST))
    alias = kind.ident.removeprefix("t.")
    where = f"{alias} = {ident}"
    if kind.part.startswith("t."):
        where += f" AND {kind.part.removeprefix('t.')} = {part}"
    return where
