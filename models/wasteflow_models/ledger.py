"""Ledger tables: batch, entry, shipment, event, product, place and the monthly roll-up.

Entries, shipment headers and events are append-only; the status columns of `shipment` are a cache
of the fold of its events and `flow_month` a sum over records: `check` recomputes both.
"""

from datetime import date, datetime
from typing import cast
from uuid import UUID

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    ColumnElement,
    Date,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    and_,
    func,
    select,
)
from sqlalchemy.orm import Mapped, mapped_column

from wasteflow.core.vocabulary import LoadState
from wasteflow_models.base import Base, Key, Second, UtcMoment, Word, index_on
from wasteflow_models.words import BASES, EVENT_KINDS, LOAD_KINDS, MODES, STATES, WEIGHED


class BatchRow(Base):
    """One import: what file, when, how many rows; `synthetic` marks invented data.

    The loads of a batch that is not `published` are staged: no report, list or export sees them.
    """

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
    published: Mapped[bool] = mapped_column(Boolean, default=True)


class BatchSignerRow(Base):
    """The firm whose own file of loads a batch was: its signature on those it is a party of."""

    __tablename__ = "batch_signer"
    batch_id: Mapped[int] = mapped_column(
        Key, ForeignKey("batch.id"), primary_key=True, autoincrement=False
    )
    organisation: Mapped[str] = mapped_column(String(80))


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
    """Header of one load and the cache of its status.

    `id` is the month of dispatch when it was recorded (yyyymm) followed by eight digits, so that
    the loads of a month lie together and PostgreSQL can keep a partition for each.  References are
    not foreign keys: they cost more than the row itself by the million; `check` proves them.
    """

    __tablename__ = "shipment"
    __table_args__ = (
        index_on("sqlite", "ix_shipment_link", "consignor_id", "consignee_id"),
        index_on("postgresql", "ix_shipment_consignor", "consignor_id"),
        index_on("postgresql", "ix_shipment_consignee", "consignee_id"),
        {"info": {"partition_by": "id"}},
    )
    id: Mapped[int] = mapped_column(Key, primary_key=True, autoincrement=False)
    batch_id: Mapped[int | None] = mapped_column(Key)
    doc_no: Mapped[str] = mapped_column(Text)
    kind: Mapped[str] = mapped_column(Word(*LOAD_KINDS))
    consignor_id: Mapped[int] = mapped_column(Key)
    consignee_id: Mapped[int] = mapped_column(Key)
    holder_id: Mapped[int] = mapped_column(Key)
    parent_id: Mapped[int | None] = mapped_column(Key)
    parent_consignee_id: Mapped[int | None] = mapped_column(Key)
    material_id: Mapped[int] = mapped_column(Key)
    route_id: Mapped[int] = mapped_column(Key)
    from_facility_id: Mapped[int | None] = mapped_column(Key)
    to_facility_id: Mapped[int | None] = mapped_column(Key)
    from_outside: Mapped[bool] = mapped_column(Boolean, default=False)
    to_outside: Mapped[bool] = mapped_column(Boolean, default=False)
    trips: Mapped[int] = mapped_column(default=1)
    mode: Mapped[str] = mapped_column(Word(*MODES), default="")
    vehicle: Mapped[str] = mapped_column(Text, default="")
    carrier: Mapped[str] = mapped_column(Text, default="")
    handler: Mapped[str] = mapped_column(Text, default="")
    ticket_no: Mapped[str] = mapped_column(Text, default="")
    remark: Mapped[str] = mapped_column(Text, default="")
    state: Mapped[str] = mapped_column(Word(*STATES))
    dispatched_at: Mapped[datetime | None] = mapped_column(Second)
    dispatched_month: Mapped[int] = mapped_column(Integer, default=0)
    dispatched_kg: Mapped[int] = mapped_column(Key, default=0)
    received_at: Mapped[datetime | None] = mapped_column(Second)
    received_month: Mapped[int] = mapped_column(Integer, default=0)
    received_kg: Mapped[int] = mapped_column(Key, default=0)
    accepted_kg: Mapped[int] = mapped_column(Key, default=0)
    refused_kg: Mapped[int] = mapped_column(Key, default=0)
    lost_month: Mapped[int] = mapped_column(Integer, default=0)
    evidence: Mapped[int] = mapped_column(SmallInteger)
    reversed_: Mapped[bool] = mapped_column("reversed", Boolean, default=False)


class EventRow(Base):
    """One event of a shipment; `input_kg` NULL: given in the wet kilograms of `kg`."""

    __tablename__ = "event"
    __table_args__ = ({"sqlite_with_rowid": False, "info": {"partition_by": "shipment_id"}},)
    shipment_id: Mapped[int] = mapped_column(Key, primary_key=True, autoincrement=False)
    seq: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    batch_id: Mapped[int | None] = mapped_column(Key)
    kind: Mapped[str] = mapped_column(Word(*EVENT_KINDS))
    at: Mapped[datetime] = mapped_column(Second)
    booked_month: Mapped[int] = mapped_column(Integer)
    kg: Mapped[int] = mapped_column(Key, default=0)
    input_kg: Mapped[int | None] = mapped_column(Key)
    dry_kg: Mapped[int | None] = mapped_column(Key)
    accepted_kg: Mapped[int] = mapped_column(Key, default=0)
    refused_kg: Mapped[int] = mapped_column(Key, default=0)
    basis: Mapped[str] = mapped_column(Word(*BASES), default="wet")
    moisture: Mapped[int | None] = mapped_column(Integer)
    weighed: Mapped[str] = mapped_column(Word(*WEIGHED), default="measured")
    evidence: Mapped[int] = mapped_column(SmallInteger)
    reason: Mapped[str] = mapped_column(Text, default="")
    recorded_at: Mapped[datetime] = mapped_column(Second)


class LoadNumberRow(Base):
    """The number of a load is unique within its consignor, over all months and partitions."""

    __tablename__ = "load_number"
    __table_args__ = ({"sqlite_with_rowid": False},)
    doc_no: Mapped[str] = mapped_column(Text, primary_key=True)
    consignor_id: Mapped[int] = mapped_column(Key, primary_key=True, autoincrement=False)
    shipment_id: Mapped[int] = mapped_column(Key)


class SenderRow(Base):
    """On SQLite: firms that ever sent a load to a firm; see `parties`.  On PostgreSQL empty."""

    __tablename__ = "sender"
    __table_args__ = (
        Index("ix_sender_consignor", "consignor_id"),
        {"sqlite_with_rowid": False},
    )
    consignee_id: Mapped[int] = mapped_column(Key, primary_key=True, autoincrement=False)
    consignor_id: Mapped[int] = mapped_column(Key, primary_key=True, autoincrement=False)


class LoadChildRow(Base):
    """A return or redirect and the load whose refused part it moves."""

    __tablename__ = "load_child"
    __table_args__ = ({"sqlite_with_rowid": False},)
    parent_id: Mapped[int] = mapped_column(Key, primary_key=True, autoincrement=False)
    child_id: Mapped[int] = mapped_column(Key, primary_key=True, autoincrement=False)


class StagedRow(Base):
    """Where the records of a batch that is not published yet lie: loads first..last of a month, or
    the entries of a file (below `LOAD_IDS`).
    """

    __tablename__ = "staged"
    __table_args__ = ({"sqlite_with_rowid": False},)
    batch_id: Mapped[int] = mapped_column(Key, primary_key=True, autoincrement=False)
    first_id: Mapped[int] = mapped_column(Key, primary_key=True, autoincrement=False)
    last_id: Mapped[int] = mapped_column(Key)


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


ENTRIES = cast(Table, EntryRow.__table__)
"""The table itself: bulk inserts past the ORM, which groups rows by their empty columns."""


LOAD_IDS = 10**13
"""Ids of entries are below it; those of loads, a month and eight digits, are not."""
STAGED_FROM = (
    select(func.coalesce(func.min(StagedRow.first_id), LOAD_IDS))
    .where(StagedRow.first_id < LOAD_IDS)
    .scalar_subquery()
)
"""First number of the files of entries that are not published yet; `LOAD_IDS` if there is none."""
LAST_ENTRY = (
    select(func.max(EntryRow.id)).where(EntryRow.id < STAGED_FROM).correlate(None).scalar_subquery()
)
"""The number of the newest entry in the books, None if there is none."""


def recorded() -> ColumnElement[bool]:
    """Entries that are in the books: those of a file that is not published lie behind them."""
    return EntryRow.id < STAGED_FROM


def no_reversal() -> ColumnElement[bool]:
    """Entries that reverse nothing.

    Not `IS NULL`: SQLite would answer that from the unique index and read every entry there is.
    """
    return func.coalesce(EntryRow.reverses_id, 0) == 0


def visible() -> ColumnElement[bool]:
    """Loads that are in the books: drafts, and those of a batch not published, are not."""
    staged = select(BatchRow.id).where(~BatchRow.published)
    return and_(
        func.coalesce(ShipmentRow.batch_id, 0).not_in(staged),
        ShipmentRow.state != LoadState.DRAFT.value,
    )


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
    """State of the roll-up of a material and month: what is computed from it may be kept.

    `version` is drawn at random at every write: equal versions mean equal rows, wherever they are.
    """

    __tablename__ = "rollup_month"
    material_id: Mapped[int] = mapped_column(ForeignKey("material.id"), primary_key=True)
    month: Mapped[int] = mapped_column(Integer, primary_key=True)
    version: Mapped[int] = mapped_column(Key)


class StampRow(Base):
    """State of tables that are read whole: `place`, `registry`, `close`; drawn like a version."""

    __tablename__ = "stamp"
    name: Mapped[str] = mapped_column(String(20), primary_key=True)
    version: Mapped[int] = mapped_column(Key)


class FlowMonthRow(Base):
    """The one roll-up: kilograms and loads per material, month, two places, route, evidence.

    Of a key also held by `flow_part` a row is what came after it, and may be below zero.  Read by
    whole months of a material, so the key is its only index; `check` proves its references.
    """

    __tablename__ = "flow_month"
    __table_args__ = (
        PrimaryKeyConstraint(
            "material_id", "month", "source_id", "target_id", "route_id", "evidence"
        ),
        {"sqlite_with_rowid": False},
    )
    month: Mapped[int] = mapped_column(Integer)
    source_id: Mapped[int] = mapped_column(Key)
    target_id: Mapped[int] = mapped_column(Key)
    material_id: Mapped[int] = mapped_column(Key)
    route_id: Mapped[int] = mapped_column(Key)
    evidence: Mapped[int] = mapped_column(SmallInteger)
    kg: Mapped[int] = mapped_column(Key)
    n: Mapped[int] = mapped_column(Key)


class FlowPartRow(Base):
    """The part of a material and month that large imports wrote, as one value: `flow_parts`.

    It counts beside the rows of flow_month with the same key; `version` is drawn at every write.
    """

    __tablename__ = "flow_part"
    __table_args__ = (PrimaryKeyConstraint("material_id", "month"),)
    material_id: Mapped[int] = mapped_column(Key)
    month: Mapped[int] = mapped_column(Integer)
    version: Mapped[int] = mapped_column(Key)
    data: Mapped[bytes] = mapped_column(LargeBinary)


class FlowPackedRow(Base):
    """The rows of a material and month as one value, for reading; void once `version` is another.

    A second form of flow_month that nothing is computed into: `packed_months`.
    """

    __tablename__ = "flow_packed"
    __table_args__ = (PrimaryKeyConstraint("material_id", "month"),)
    material_id: Mapped[int] = mapped_column(Key)
    month: Mapped[int] = mapped_column(Integer)
    version: Mapped[int] = mapped_column(Key)
    data: Mapped[bytes] = mapped_column(LargeBinary)
