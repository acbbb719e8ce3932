"""Signatures that a published file of loads still owes: written with it, taken away as they come.

A row is gone in the transaction that signs its load, so whoever goes on signs none twice.
"""

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import ForeignKey, Integer, delete, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from wasteflow_models.base import Base, Key
from wasteflow_models.ledger import BatchRow
from wasteflow_models.raw import insert_columns

Ints = NDArray[np.int64]


class SigningDueRow(Base):
    """A load in the books that the file `batch_id` names alike; `events`: how many it had then."""

    __tablename__ = "signing_due"
    __table_args__ = ({"sqlite_with_rowid": False},)
    batch_id: Mapped[int] = mapped_column(
        Key, ForeignKey("batch.id"), primary_key=True, autoincrement=False
    )
    shipment_id: Mapped[int] = mapped_column(Key, primary_key=True, autoincrement=False)
    events: Mapped[int] = mapped_column(Integer)


def add_due(session: Session, batch_id: int, ids: Ints, events: Ints) -> None:
    """Note loads (distinct) that a file is going to sign once it is published."""
    columns = {"batch_id": batch_id, "shipment_id": ids, "events": events}
    insert_columns(session, "signing_due", len(ids), columns)


def due_part(session: Session, batch_id: int, most: int) -> tuple[Ints, Ints]:
    """The first `most` loads that wait for a signature, ascending, and their events then.

    Held until the transaction ends: who asks for the same meanwhile gets those behind them.
    """
    row = SigningDueRow
    query = select(row.shipment_id, row.events).where(row.batch_id == batch_id)
    found = session.execute(query.order_by(row.shipment_id).limit(most).with_for_update()).all()
    table = np.array([tuple(item) for item in found], np.int64).reshape(-1, 2)
    return table[:, 0].copy(), table[:, 1].copy()


def drop_due(session: Session, batch_id: int, last: int | None = None) -> bool:
    """Take away what was due up to the load `last`, or all; whether anything is left."""
    row = SigningDueRow
    mine = row.batch_id == batch_id
    if last is None:
        session.execute(delete(row).where(mine))
        return False
    session.execute(delete(row).where(mine, row.shipment_id <= last))
    return session.scalar(select(row.shipment_id).where(mine).limit(1)) is not None


def owing(session: Session) -> list[int]:
    """Published files that still owe signatures."""
    due = select(SigningDueRow.batch_id).distinct()
    query = select(BatchRow.id).where(BatchRow.id.in_(due), BatchRow.published)
    return list(session.scalars(query.order_by(BatchRow.id)))
