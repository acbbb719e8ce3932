"""Tables of the findings list, and the records its rules look at, a month of loads at a time."""

from collections.abc import Collection, Iterable, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray
from sqlalchemy import (
    ColumnElement,
    Date,
    Index,
    Integer,
    String,
    Text,
    delete,
    func,
    select,
)
from sqlalchemy.orm import Mapped, Session, mapped_column

from wasteflow.core.ids import load_of_uid, load_uid
from wasteflow_models.api import AttachmentRow
from wasteflow_models.base import Base, Key, UtcMoment
from wasteflow_models.ledger import EventRow, LoadChildRow, ShipmentRow, visible
from wasteflow_models.live import LoadDraftRow
from wasteflow_models.load_ids import STEP
from wasteflow_models.raw import read_ints

FEW = 500
Ints = NDArray[np.int64]


class FindingRow(Base):
    """One finding: since when, resolved when, snoozed by whom, why and until when.

    `key` is what makes it the same finding tomorrow; `source` the month of loads it was found in, 0
    where it comes from the roll-up; `ref_kind`, `ref` say where it leads; `params` is JSON.
    """

    __tablename__ = "finding"
    __table_args__ = (
        Index("ix_finding_enterprise", "enterprise", "kind"),
        Index("ix_finding_source", "source"),
    )
    id: Mapped[int] = mapped_column(Key, primary_key=True)
    key: Mapped[str] = mapped_column(String(400), unique=True)
    kind: Mapped[str] = mapped_column(String(40))
    source: Mapped[int] = mapped_column(Integer, default=0)
    enterprise: Mapped[str] = mapped_column(String(80))
    material: Mapped[str] = mapped_column(String(80), default="")
    month: Mapped[int] = mapped_column(Integer, default=0)
    ref_kind: Mapped[str] = mapped_column(String(20), default="")
    ref: Mapped[str] = mapped_column(Text, default="")
    params: Mapped[str] = mapped_column(Text, default="{}")
    since: Mapped[datetime] = mapped_column(UtcMoment)
    resolved_at: Mapped[datetime | None] = mapped_column(UtcMoment)
    snoozed_until: Mapped[date | None] = mapped_column(Date)
    snoozed_at: Mapped[datetime | None] = mapped_column(UtcMoment)
    snoozed_by: Mapped[str] = mapped_column(String(80), default="")
    snooze_reason: Mapped[str] = mapped_column(Text, default="")


class FindingStateRow(Base):
    """What the list was last made from: `books`, and each month of loads (`202607`).

    `value` is a digest; `open_loads` counts those of the month that may still change.
    """

    __tablename__ = "finding_state"
    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    value: Mapped[str] = mapped_column(String(80))
    open_loads: Mapped[int] = mapped_column(default=0)


def load_months(session: Session) -> list[int]:
    """Months under which loads are kept."""
    query = select((ShipmentRow.id / STEP).cast(Integer)).distinct()
    return sorted({int(month) for month in session.scalars(query)})


_INTS = (
    "id", "consignor_id", "consignee_id", "material_id", "route_id", "mode", "trips",
    "dispatched_kg", "state", "refused_kg", "kind",
)  # fmt: skip


def month_columns(session: Session, month: int, unseen: str) -> dict[str, Ints]:
    """Integer columns of the loads in the books that are kept under a month.

    unseen: SQL of what is not in the books.
    """
    columns = ", ".join(_INTS)
    query = (
        f"SELECT {columns} FROM shipment WHERE id BETWEEN {month * STEP} AND "
        f"{(month + 1) * STEP - 1} AND {unseen} AND NOT reversed ORDER BY id"
    )
    return dict(zip(_INTS, read_ints(session, query, len(_INTS)), strict=True))


def tickets_of_month(session: Session, month: int) -> list[tuple[int, str, int]]:
    """(consignor, ticket, load) of the loads of a month whose ticket is not theirs alone."""
    row = ShipmentRow
    here = (row.id.between(month * STEP, (month + 1) * STEP - 1), row.ticket_no != "", visible())
    several = (
        select(row.consignor_id, row.ticket_no)
        .where(*here, ~row.reversed_)
        .group_by(row.consignor_id, row.ticket_no)
        .having(func.count() > 1)
        .subquery()
    )
    query = (
        select(row.consignor_id, row.ticket_no, row.id)
        .join(
            several,
            (several.c.consignor_id == row.consignor_id) & (several.c.ticket_no == row.ticket_no),
        )
        .where(*here, ~row.reversed_)
        .order_by(row.id)
    )
    return [(firm, ticket, key) for firm, ticket, key in session.execute(query)]


def named_loads(session: Session, ids: Iterable[int]) -> dict[int, Any]:
    """Id → (doc_no, dispatched_at, received_at, refused_kg, carrier) of some loads."""
    row = ShipmentRow
    found: dict[int, Any] = {}
    for part in _parts(ids):
        query = select(
            row.id, row.doc_no, row.dispatched_at, row.received_at, row.refused_kg, row.holder_id
        ).where(row.id.in_(part))
        found |= {item.id: item for item in session.execute(query)}
    return found


def load_uids(session: Session, ids: Iterable[int]) -> dict[int, UUID]:
    """Id → public id of some loads."""
    moments: dict[int, datetime] = {}
    for part in _parts(ids):
        first = select(EventRow.shipment_id, EventRow.recorded_at).where(
            EventRow.shipment_id.in_(part), EventRow.seq == 1
        )
        drafted = select(LoadDraftRow.shipment_id, LoadDraftRow.created_at).where(
            LoadDraftRow.shipment_id.in_(part)
        )
        for query in (first, drafted):
            moments |= {key: moment for key, moment in session.execute(query)}
    return {key: load_uid(key, moment) for key, moment in moments.items()}


def moved_parts(session: Session, parents: Iterable[int]) -> dict[int, int]:
    """Load → kilograms of its refused part that returns and redirects have taken."""
    found: dict[int, int] = {}
    for part in _parts(parents):
        query = (
            select(LoadChildRow.parent_id, func.sum(ShipmentRow.dispatched_kg))
            .join(ShipmentRow, ShipmentRow.id == LoadChildRow.child_id)
            .where(LoadChildRow.parent_id.in_(part), ~ShipmentRow.reversed_)
            .group_by(LoadChildRow.parent_id)
        )
        found |= {int(key): int(kg) for key, kg in session.execute(query)}
    return found


Link = tuple[int, int, int, int, int]
"""(consignor, consignee, material, route, year)."""


def documented_links(session: Session) -> set[Link]:
    """Links with a load of the year that has a document."""
    query = select(AttachmentRow.ref).where(AttachmentRow.kind == "shipment").distinct()
    refs = (load_of_uid(UUID(ref)) for ref in session.scalars(query))
    row = ShipmentRow
    found: set[Link] = set()
    for part in _parts(ref.key for ref in refs if ref is not None):
        links = select(
            row.consignor_id, row.consignee_id, row.material_id, row.route_id, row.dispatched_month
        ).where(row.id.in_(part))
        found |= {
            (giver, taker, stuff, route, month // 100)
            for giver, taker, stuff, route, month in session.execute(links)
        }
    return found


def _parts(ids: Iterable[int]) -> Iterable[Sequence[int]]:
    wanted = sorted(set(ids))
    return [wanted[start : start + FEW] for start in range(0, len(wanted), FEW)]


class FindingKey(Struct, frozen=True):
    """What a finding is filtered and ordered by."""

    id: int
    kind: str
    enterprise: str
    since: datetime


def finding_keys(
    session: Session,
    firms: Collection[str] | None,
    kinds: Collection[str],
    conditions: Sequence[ColumnElement[bool]],
) -> list[FindingKey]:
    """Keys of the findings of some firms (None = all) and kinds, by id.

    Few firms are asked for by name; of more than `FEW` the names are compared here.
    """
    row = FindingRow
    query = select(row.id, row.kind, row.enterprise, row.since).where(*conditions)
    query = query.where(row.kind.in_(sorted(kinds)))
    if firms is not None and len(firms) <= FEW:
        query = query.where(row.enterprise.in_(sorted(firms)))
        firms = None
    wanted = None if firms is None else frozenset(firms)
    found = (FindingKey(*item) for item in session.execute(query.order_by(row.id)))
    return [key for key in found if wanted is None or key.enterprise in wanted]


def finding_rows(session: Session, ids: Iterable[int]) -> dict[int, FindingRow]:
    """Id → finding."""
    found: dict[int, FindingRow] = {}
    for part in _parts(ids):
        query = select(FindingRow).where(FindingRow.id.in_(part)).order_by(FindingRow.id)
        found |= {row.id: row for row in session.scalars(query)}
    return found


def drop_resolved(session: Session, before: datetime) -> int:
    """Drop findings that were resolved before a moment; returns how many."""
    row = FindingRow
    done = session.execute(delete(row).where(row.resolved_at < before))
    return int(getattr(done, "rowcount", 0))
