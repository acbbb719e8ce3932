"""Looking at single records of a database under test."""

from __future__ import annotations

from sqlalchemy import select

from tests.store.books import Books
from wasteflow_models.ledger import EventRow, ShipmentRow


def header(books: Books, doc_no: str) -> ShipmentRow:
    """The shipment row of a number."""
    with books.db.read() as session:
        row = session.scalars(select(ShipmentRow).where(ShipmentRow.doc_no == doc_no)).one()
        session.expunge_all()
        return row


def events(books: Books, doc_no: str) -> list[EventRow]:
    """The events of a load in order."""
    with books.db.read() as session:
        query = select(EventRow).join(ShipmentRow, ShipmentRow.id == EventRow.shipment_id)
        query = query.where(ShipmentRow.doc_no == doc_no).order_by(EventRow.seq)
        rows = list(session.scalars(query))
        session.expunge_all()
        return rows
