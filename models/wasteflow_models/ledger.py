"""Ledger tables: batch, entry, shipment, event, product, place and the monthly roll-up.

Entries, shipment headers and events are append-only; the status columns of `shipment` are a cache
of the fold of its events and `flow_month` a sum over records: `check` recomputes both.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import cast
from uuid import UUID

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Date,
    ForeignKey,
    Index,
    Integer,
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
)
from sqlalchemy.orm import Mapped, mapped_column

from wasteflow_models.base import Base, Key, UtcMoment


class BatchRow(Base):
    """One import: what file, when, how many rows; `synthetic` marks invented data."""

    __tablename__ = "batch"
    id: Mapped[int] = mapped_column(Key, primary_key=True)
    kind: Mapped[str] = mapped_column(String(20))
    filename: Mapped[str] = mapped_column(String(500), default="")
    sha256: Mapped[str] = mapped_column(String(64), default="")
    recorded_at: Mapped[datetime] = mapped_column(UtcMoment)
    taken: Mapped[int] = mapped_column(default=0)
    completed: Mapped[int] = mapped_column(default=0)
    skipped: Mapped[int] = mapped_column(default=0)
    rounded_rows: Mapped[int] = mapped_column(default=0)
    rounded_kg: Mapped[str] = mapped_column(String(40), default="0")
    synthetic: Mapped[bool] = mapped_column(Boolean, default=False)


class EntryRow(Base):
    """One record of one enterprise; a reversal is a row of its own that names what it reverses."""

    __tablename__ = "entry"
    __table_args__ = (
        UniqueConstraint("enterprise_id", "doc_no"),
        CheckConstraint("kg >= 0", name="kg_not_negative"),
        Index("ix_entry_place", "enterprise_id", "material_id", "day"),
    )
    id: Mapped[int] = mapped_column(Key, primary_key=True)
    uid: Mapped[UUID] = mapped_column(Uuid, unique=True)
    batch_id: Mapped[int | None] = mapped_column(ForeignKey("batch.id"))
    doc_no: Mapped[str] = mapped_column(String(100))
    enterprise_id: Mapped[int] = mapped_column(ForeignKey("enterprise.id"))
    facility_id: Mapped[int | None] = mapped_column(ForeignKey("facility.id"))
    kind: Mapped[str] = mapped_column(String(20))
    material_id: Mapped[int] = mapped_column(ForeignKey("material.id"))
    route_id: Mapped[int | None] = mapped_column(ForeignKey("route.id"))
    day: Mapped[date] = mapped_column(Date)
    month: Mapped[int] = mapped_column(Integer)
    booked_month: Mapped[int] = mapped_column(Integer)
    kg: Mapped[int] = mapped_column(Key)
    input_kg: Mapped[int] = mapped_column(Key)
    dry_kg: Mapped[int | None] = mapped_column(Key)
    basis: Mapped[str] = mapped_column(String(3), default="wet")
    moisture: Mapped[int | None] = mapped_column(Integer)
    weighed: Mapped[str] = mapped_column(String(10), default="measured")
    compartment: Mapped[str] = mapped_column(String(4), default="site")
    generator_id: Mapped[int | None] = mapped_column(ForeignKey("enterprise.id"))
    year_generated: Mapped[int | None] = mapped_column(SmallInteger)
    from_use: Mapped[bool] = mapped_column(Boolean, default=False)
    evidence: Mapped[int] = mapped_column(SmallInteger)
    book_kg: Mapped[int | None] = mapped_column(Key)
    difference_kg: Mapped[int] = mapped_column(Key, default=0)
    reverses_id: Mapped[int | None] = mapped_column(ForeignKey("entry.id"), unique=True)
    handler: Mapped[str] = mapped_column(Text, default="")
    reason: Mapped[str] = mapped_column(Text, default="")
    remark: Mapped[str] = mapped_column(Text, default="")
    content: Mapped[int] = mapped_column(Key, default=0)
    recorded_at: Mapped[datetime] = mapped_column(UtcMoment)


class ShipmentRow(Base):
    """Header of one load and the cache of its status."""

    __tablename__ = "shipment"
    __table_args__ = (
        UniqueConstraint("consignor_id", "doc_no"),
        Index("ix_shipment_consignee", "consignee_id", "material_id", "received_month"),
        Index("ix_shipment_holder", "holder_id", "material_id", "dispatched_month"),
    )
    id: Mapped[int] = mapped_column(Key, primary_key=True)
    uid: Mapped[UUID] = mapped_column(Uuid, unique=True)
    batch_id: Mapped[int | None] = mapped_column(ForeignKey("batch.id"))
    doc_no: Mapped[str] = mapped_column(String(100))
    kind: Mapped[str] = mapped_column(String(10))
    consignor_id: Mapped[int] = mapped_column(ForeignKey("enterprise.id"))
    consignee_id: Mapped[int] = mapped_column(ForeignKey("enterprise.id"))
    holder_id: Mapped[int] = mapped_column(ForeignKey("enterprise.id"))
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("shipment.id"), index=True)
    parent_consignee_id: Mapped[int | None] = mapped_column(ForeignKey("enterprise.id"))
    material_id: Mapped[int] = mapped_column(ForeignKey("material.id"))
    route_id: Mapped[int] = mapped_column(ForeignKey("route.id"))
    from_facility_id: Mapped[int | None] = mapped_column(ForeignKey("facility.id"))
    to_facility_id: Mapped[int | None] = mapped_column(ForeignKey("facility.id"))
    from_outside: Mapped[bool] = mapped_column(Boolean, default=False)
    to_outside: Mapped[bool] = mapped_column(Boolean, default=False)
    trips: Mapped[int] = mapped_column(default=1)
    mode: Mapped[str] = mapped_column(String(10), default="")
    vehicle: Mapped[str] = mapped_column(Text, default="")
    carrier: Mapped[str] = mapped_column(Text, default="")
    handler: Mapped[str] = mapped_column(Text, default="")
    ticket_no: Mapped[str] = mapped_column(Text, default="")
    remark: Mapped[str] = mapped_column(Text, default="")
    dispatch_content: Mapped[int] = mapped_column(Key, default=0)
    receipt_content: Mapped[int | None] = mapped_column(Key)
    state: Mapped[str] = mapped_column(String(20))
    dispatched_month: Mapped[int] = mapped_column(Integer, default=0)
    dispatched_kg: Mapped[int] = mapped_column(Key, default=0)
    received_month: Mapped[int] = mapped_column(Integer, default=0)
    received_kg: Mapped[int] = mapped_column(Key, default=0)
    accepted_kg: Mapped[int] = mapped_column(Key, default=0)
    refused_kg: Mapped[int] = mapped_column(Key, default=0)
    lost_month: Mapped[int] = mapped_column(Integer, default=0)
    evidence: Mapped[int] = mapped_column(SmallInteger)
    reversed_: Mapped[bool] = mapped_column("reversed", Boolean, default=False)


class EventRow(Base):
    """One event of a shipment."""

    __tablename__ = "event"
    shipment_id: Mapped[int] = mapped_column(ForeignKey("shipment.id"), primary_key=True)
    seq: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    batch_id: Mapped[int | None] = mapped_column(ForeignKey("batch.id"))
    kind: Mapped[str] = mapped_column(String(20))
    at: Mapped[datetime] = mapped_column(UtcMoment)
    booked_month: Mapped[int] = mapped_column(Integer)
    kg: Mapped[int] = mapped_column(Key, default=0)
    input_kg: Mapped[int] = mapped_column(Key, default=0)
    dry_kg: Mapped[int | None] = mapped_column(Key)
    accepted_kg: Mapped[int] = mapped_column(Key, default=0)
    refused_kg: Mapped[int] = mapped_column(Key, default=0)
    basis: Mapped[str] = mapped_column(String(3), default="wet")
    moisture: Mapped[int | None] = mapped_column(Integer)
    weighed: Mapped[str] = mapped_column(String(10), default="measured")
    evidence: Mapped[int] = mapped_column(SmallInteger)
    reason: Mapped[str] = mapped_column(Text, default="")
    recorded_at: Mapped[datetime] = mapped_column(UtcMoment)


class ProductRow(Base):
    """Output of one product of an enterprise on a day; beside the books, it moves no mass.

    `p2o5` is its content in thousandths of a percent.  A reversed row stays; the next of the same
    enterprise, product and day has a higher `take`.
    """

    __tablename__ = "product"
    __table_args__ = (
        UniqueConstraint("enterprise_id", "product", "day", "take"),
        CheckConstraint("kg > 0", name="kg_positive"),
        Index("ix_product_month", "month", "enterprise_id"),
    )
    id: Mapped[int] = mapped_column(Key, primary_key=True)
    batch_id: Mapped[int | None] = mapped_column(ForeignKey("batch.id"))
    enterprise_id: Mapped[int] = mapped_column(ForeignKey("enterprise.id"))
    product: Mapped[str] = mapped_column(String(80))
    day: Mapped[date] = mapped_column(Date)
    month: Mapped[int] = mapped_column(Integer)
    kg: Mapped[int] = mapped_column(Key)
    p2o5: Mapped[int | None] = mapped_column(Integer)
    take: Mapped[int] = mapped_column(SmallInteger, default=1)
    reversed_: Mapped[bool] = mapped_column("reversed", Boolean, default=False)
    reason: Mapped[str] = mapped_column(Text, default="")
    recorded_at: Mapped[datetime] = mapped_column(UtcMoment)


SHIPMENTS = cast(Table, ShipmentRow.__table__)
EVENTS = cast(Table, EventRow.__table__)
ENTRIES = cast(Table, EntryRow.__table__)
"""The tables themselves: bulk inserts past the ORM, which groups rows by their empty columns."""


class PlaceRow(Base):
    """Integer key of a place: kind (core.places.PlaceKind) and up to two arguments (0 = none).

    a, b are enterprise ids (site, yard, transit), a route id (use, disposal), or generator id and
    year (opening).
    """

    __tablename__ = "place"
    __table_args__ = (UniqueConstraint("kind", "a", "b"),)
    id: Mapped[int] = mapped_column(Key, primary_key=True)
    kind: Mapped[int] = mapped_column(SmallInteger)
    a: Mapped[int] = mapped_column(Key, default=0)
    b: Mapped[int] = mapped_column(Key, default=0)


class RollupVersionRow(Base):
    """How often the roll-up of a material was written: what is computed from it may be kept."""

    __tablename__ = "rollup_version"
    material_id: Mapped[int] = mapped_column(ForeignKey("material.id"), primary_key=True)
    version: Mapped[int] = mapped_column(Key)


class FlowMonthRow(Base):
    """The one roll-up: kilograms and loads per month, two places, material, route, evidence."""

    __tablename__ = "flow_month"
    __table_args__ = (
        Index("ix_flow_month_source", "source_id", "material_id", "month"),
        Index("ix_flow_month_target", "target_id", "material_id", "month"),
        {"sqlite_with_rowid": False},
    )
    month: Mapped[int] = mapped_column(Integer, primary_key=True)
    source_id: Mapped[int] = mapped_column(ForeignKey("place.id"), primary_key=True)
    target_id: Mapped[int] = mapped_column(ForeignKey("place.id"), primary_key=True)
    material_id: Mapped[int] = mapped_column(ForeignKey("material.id"), primary_key=True)
    route_id: Mapped[int] = mapped_column(Key, primary_key=True)
    evidence: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    kg: Mapped[int] = mapped_column(Key)
    n: Mapped[int] = mapped_column(Key)
