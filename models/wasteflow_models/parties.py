"""Loads of a firm on either side; on SQLite found by `sender`, who ever sent to whom.

SQLite keeps one index of loads, by consignor and consignee: a second one by the consignee alone
costs a large import a fifth of its time.  What comes to a firm is found by those that send to it.
PostgreSQL keeps an index for each side and no rows of `sender`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

from sqlalchemy import ColumnElement, and_, delete, exists, or_, select, tuple_
from sqlalchemy.orm import Session

from wasteflow_models.ledger import SenderRow, ShipmentRow
from wasteflow_models.raw import is_postgresql

FEW_LINKS: Final = 64
"""So many links are looked up one by one, the loads of each in the order of their ids."""


def sent_to(session: Session, firms: Iterable[int]) -> ColumnElement[bool]:
    """Loads whose consignee is one of `firms` (ids), so that an index finds them."""
    return coming(is_postgresql(session), list(firms))


def coming(postgresql: bool, firms: Sequence[Any]) -> ColumnElement[bool]:
    """The same for a statement that is built once; firms: ids, or parameters for them."""
    if postgresql:
        return ShipmentRow.consignee_id.in_(firms)
    links = select(SenderRow.consignor_id, SenderRow.consignee_id)
    link = tuple_(ShipmentRow.consignor_id, ShipmentRow.consignee_id)
    return link.in_(links.where(SenderRow.consignee_id.in_(firms)))


def of_either(session: Session, firms: Iterable[int]) -> ColumnElement[bool]:
    """Loads with one of `firms` (ids) as consignor or consignee."""
    ids = list(firms)
    return or_(ShipmentRow.consignor_id.in_(ids), sent_to(session, ids))


def sides(session: Session, firms: Sequence[int], few: int) -> list[list[ColumnElement[bool]]]:
    """Conditions each of which an index answers; together, the loads of `firms` on either side.

    Up to `few` firms stand alone, so that the index also gives the loads in the order of their ids.
    """
    row = ShipmentRow
    if len(firms) > few:
        return [[row.consignor_id.in_(firms)], [sent_to(session, firms)]]
    if is_postgresql(session):
        return [[side == firm] for side in (row.consignor_id, row.consignee_id) for firm in firms]
    sender = SenderRow
    links = (
        select(sender.consignor_id, sender.consignee_id)
        .where(or_(sender.consignor_id.in_(firms), sender.consignee_id.in_(firms)))
        .order_by(sender.consignor_id, sender.consignee_id)
        .limit(FEW_LINKS + 1)
    )
    found = session.execute(links).all()
    if len(found) > FEW_LINKS:
        return [[row.consignor_id.in_(firms)], [sent_to(session, firms)]]
    return [[and_(row.consignor_id == a, row.consignee_id == b)] for a, b in found]


def add_senders(session: Session, links: Iterable[tuple[int, int]]) -> None:
    """Note (consignor, consignee) of new loads, in the transaction that adds them."""
    rows = sorted((consignee, consignor) for consignor, consignee in links)
    if rows and not is_postgresql(session):
        session.connection().exec_driver_sql(
            "INSERT INTO sender (consignee_id, consignor_id) VALUES (?, ?) ON CONFLICT DO NOTHING",
            rows,
        )


def drop_senders(session: Session) -> None:
    """Forget who sent to whom where no load is left to say so."""
    there = exists().where(
        ShipmentRow.consignor_id == SenderRow.consignor_id,
        ShipmentRow.consignee_id == SenderRow.consignee_id,
    )
    if not is_postgresql(session):
        session.execute(delete(SenderRow).where(~there))


def settle_senders(session: Session) -> None:
    """Make `sender` what this kind of database keeps, after loads came from another kind."""
    if is_postgresql(session):
        session.execute(delete(SenderRow))
    add_senders(session, missing_senders(session))


def missing_senders(session: Session) -> list[tuple[int, int]]:
    """(consignor, consignee) of loads that `sender` does not lead to; a draft names no firms."""
    if is_postgresql(session):
        return []
    found = session.connection().exec_driver_sql(
        "SELECT consignor_id, consignee_id FROM (SELECT DISTINCT consignor_id, consignee_id "
        "FROM shipment WHERE consignor_id > 0) EXCEPT SELECT consignor_id, consignee_id "
        "FROM sender ORDER BY 1, 2"
    )
    return [(int(consignor), int(consignee)) for consignor, consignee in found]
