"""Tables beside the loads that people keep by hand: drafts, who did what, revisions, changes.

A load from a file has none of these rows until somebody does something with it.  Users and tokens
are plain integers: their tables belong to the accounts.
"""

import json
from datetime import datetime

from sqlalchemy import (
    ForeignKey,
    Index,
    PrimaryKeyConstraint,
    SmallInteger,
    String,
    Text,
    select,
)
from sqlalchemy.orm import Mapped, Session, mapped_column

from wasteflow.core.records import LoadHeader
from wasteflow.core.revisions import headers_of
from wasteflow_models.base import Base, Key, Second

REVISION_STATUS = ("pending", "approved", "refused", "withdrawn")


class LoadDraftRow(Base):
    """A load that was drafted here: its content as it was drafted, kept after it was issued.

    `content` is a JSON object of contract columns and texts; `version` counts its changes.
    `organisation` is the enterprise on whose behalf it was made.  The parties (0 = not named yet)
    stand here too, because a load by the million has no index on its consignor.  `created_at` is
    the moment in its public id.
    """

    __tablename__ = "load_draft"
    __table_args__ = (
        Index("ix_load_draft_consignor_id", "consignor_id", "shipment_id"),
        Index("ix_load_draft_consignee_id", "consignee_id", "shipment_id"),
    )
    shipment_id: Mapped[int] = mapped_column(Key, primary_key=True, autoincrement=False)
    version: Mapped[int] = mapped_column(default=1)
    consignor_id: Mapped[int] = mapped_column(Key, default=0)
    consignee_id: Mapped[int] = mapped_column(Key, default=0)
    organisation: Mapped[str] = mapped_column(String(80))
    content: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(Second)


class EventActorRow(Base):
    """Who recorded an event, and for whom; events of an import have their batch instead.

    `organisation` is the code of the actor's own organisation (enterprise, park, carrier),
    `on_behalf_of` the enterprise whose delegate acted ("" otherwise), `side` the enterprise the
    event speaks for ("" for park and carrier).  `channel`: page, api, command.  `details` is a JSON
    object of what the event row has no column for.
    """

    __tablename__ = "event_actor"
    __table_args__ = (PrimaryKeyConstraint("shipment_id", "seq"), {"sqlite_with_rowid": False})
    shipment_id: Mapped[int] = mapped_column(Key, autoincrement=False)
    seq: Mapped[int] = mapped_column(SmallInteger, autoincrement=False)
    user_id: Mapped[int] = mapped_column(Key)
    token_id: Mapped[int] = mapped_column(Key, default=0)
    organisation: Mapped[str] = mapped_column(Text, default="")
    on_behalf_of: Mapped[str] = mapped_column(String(80), default="")
    side: Mapped[str] = mapped_column(String(80), default="")
    channel: Mapped[str] = mapped_column(String(20), default="")
    details: Mapped[str] = mapped_column(Text, default="")


class LoadHandedRow(Base):
    """A carrier that has handed a load over, found by its name; what the events say, once each."""

    __tablename__ = "load_handed"
    __table_args__ = (
        PrimaryKeyConstraint("carrier", "shipment_id"),
        {"sqlite_with_rowid": False},
    )
    carrier: Mapped[str] = mapped_column(Text)
    shipment_id: Mapped[int] = mapped_column(Key, autoincrement=False)


class EntryActorRow(Base):
    """Who recorded an entry, or its reversal; as `EventActorRow`."""

    __tablename__ = "entry_actor"
    entry_id: Mapped[int] = mapped_column(ForeignKey("entry.id"), primary_key=True)
    user_id: Mapped[int] = mapped_column(Key)
    token_id: Mapped[int] = mapped_column(Key, default=0)
    organisation: Mapped[str] = mapped_column(Text, default="")
    on_behalf_of: Mapped[str] = mapped_column(String(80), default="")
    channel: Mapped[str] = mapped_column(String(20), default="")


class RevisionRow(Base):
    """A correction of a load: proposed, answered by every other touched party, then in force.

    `before` and `after` are JSON objects of the contract columns that change, as text; an annulment
    has none.  `pending_of` is the load while the revision is pending, so that the database itself
    holds that there is one at most.  `event_seq` is the first event that put it in force.
    """

    __tablename__ = "revision"
    __table_args__ = (PrimaryKeyConstraint("shipment_id", "number"),)
    shipment_id: Mapped[int] = mapped_column(Key, autoincrement=False)
    number: Mapped[int] = mapped_column(SmallInteger, autoincrement=False)
    pending_of: Mapped[int | None] = mapped_column(Key, unique=True)
    status: Mapped[str] = mapped_column(String(10))
    annuls: Mapped[bool] = mapped_column(default=False)
    organisation: Mapped[str] = mapped_column(String(80))
    user_id: Mapped[int] = mapped_column(Key)
    token_id: Mapped[int] = mapped_column(Key, default=0)
    reason: Mapped[str] = mapped_column(Text)
    before: Mapped[str] = mapped_column(Text)
    after: Mapped[str] = mapped_column(Text)
    proposed_at: Mapped[datetime] = mapped_column(Second)
    closed_at: Mapped[datetime | None] = mapped_column(Second)
    event_seq: Mapped[int | None] = mapped_column(SmallInteger)


class RevisionAnswerRow(Base):
    """A party that a revision touches, and its answer ("" while it is awaited)."""

    __tablename__ = "revision_answer"
    __table_args__ = (PrimaryKeyConstraint("shipment_id", "number", "organisation"),)
    shipment_id: Mapped[int] = mapped_column(Key, autoincrement=False)
    number: Mapped[int] = mapped_column(SmallInteger, autoincrement=False)
    organisation: Mapped[str] = mapped_column(String(80))
    answer: Mapped[str] = mapped_column(String(10), default="")
    user_id: Mapped[int] = mapped_column(Key, default=0)
    token_id: Mapped[int] = mapped_column(Key, default=0)
    reason: Mapped[str] = mapped_column(Text, default="")
    at: Mapped[datetime | None] = mapped_column(Second)


class ChangeRow(Base):
    """One change, in the order in which changes were committed: the feed that others follow.

    `kind` says of what (shipment, entry, …), `record_id` its key inside and `ref` its id outside,
    `action` what happened, `organisations` whose business it is, each between semicolons (";a;b;"):
    codes of enterprises, `carrier:<name>`, and `holder:<code>` of the firm whose mass is moved.
    """

    __tablename__ = "change"
    __table_args__ = (
        Index("ix_change_record_id", "kind", "record_id"),
        Index("ix_change_at", "at"),
    )
    id: Mapped[int] = mapped_column(Key, primary_key=True)
    at: Mapped[datetime] = mapped_column(Second)
    kind: Mapped[str] = mapped_column(String(20))
    record_id: Mapped[int] = mapped_column(Key)
    ref: Mapped[str] = mapped_column(Text)
    action: Mapped[str] = mapped_column(String(40))
    organisations: Mapped[str] = mapped_column(Text)


def header_history(
    session: Session, shipment_id: int, header: LoadHeader
) -> tuple[LoadHeader, dict[int, LoadHeader]]:
    """The header of a load as it was first, and event → header from there on, by its revisions."""
    row = RevisionRow
    query = (
        select(row.event_seq, row.before)
        .where(row.shipment_id == shipment_id, row.event_seq.is_not(None), ~row.annuls)
        .order_by(row.event_seq)
    )
    told = [(int(seq or 0), dict(json.loads(before))) for seq, before in session.execute(query)]
    return headers_of(header, told)
