"""Tables of the HTTP door: answers kept, outside ids, attachments, webhooks, sent reminders."""

from datetime import date, datetime

from sqlalchemy import (
    Boolean,
    Date,
    ForeignKey,
    Index,
    PrimaryKeyConstraint,
    SmallInteger,
    String,
    Text,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column

from wasteflow_models.base import Base, Key, UtcMoment


class IdempotencyRow(Base):
    """A request that was answered, by account and key; written with what the request changed.

    `digest` is that of method, address and body; `status` 0: only the digest is held (bulk).
    """

    __tablename__ = "idempotency"
    __table_args__ = (PrimaryKeyConstraint("account_id", "key"),)
    account_id: Mapped[int] = mapped_column(Key)
    key: Mapped[str] = mapped_column(String(220))
    digest: Mapped[str] = mapped_column(String(64))
    status: Mapped[int] = mapped_column(SmallInteger, default=0)
    headers: Mapped[str] = mapped_column(Text, default="{}")
    body: Mapped[str] = mapped_column(Text, default="")
    at: Mapped[datetime] = mapped_column(UtcMoment, index=True)


class ExternalIdRow(Base):
    """The number a record carries in the software of an organisation; unique there per kind."""

    __tablename__ = "external_id"
    __table_args__ = (
        PrimaryKeyConstraint("organisation", "kind", "external_id"),
        Index("ix_external_id_ref", "kind", "ref"),
    )
    organisation: Mapped[str] = mapped_column(String(80))
    kind: Mapped[str] = mapped_column(String(20))
    external_id: Mapped[str] = mapped_column(String(120))
    ref: Mapped[str] = mapped_column(String(80))


class AttachmentRow(Base):
    """A weigh ticket or document of a load or an entry; the bytes lie in a file by their SHA-256.

    `ref` is the public id of the record; `organisation` is the one that handed it in.
    """

    __tablename__ = "attachment"
    __table_args__ = (
        UniqueConstraint("kind", "ref", "sha256"),
        Index("ix_attachment_sha256", "sha256"),
    )
    id: Mapped[int] = mapped_column(Key, primary_key=True)
    uid: Mapped[str] = mapped_column(String(36), unique=True)
    kind: Mapped[str] = mapped_column(String(20))
    ref: Mapped[str] = mapped_column(String(80))
    sha256: Mapped[str] = mapped_column(String(64))
    size: Mapped[int] = mapped_column(Key)
    media_type: Mapped[str] = mapped_column(String(80))
    filename: Mapped[str] = mapped_column(String(200))
    remark: Mapped[str] = mapped_column(Text, default="")
    account_id: Mapped[int] = mapped_column(Key)
    organisation: Mapped[str] = mapped_column(String(200), default="")
    at: Mapped[datetime] = mapped_column(UtcMoment)


class WebhookRow(Base):
    """Somebody's address that is told of changes in a scope, one after the other.

    `after` is the last change told or passed over; `failures` in a row; `next_at`: not before;
    `off_reason`: why it was switched off ("" while it is on).
    """

    __tablename__ = "webhook"
    id: Mapped[int] = mapped_column(Key, primary_key=True)
    uid: Mapped[str] = mapped_column(String(36), unique=True)
    scope: Mapped[str] = mapped_column(String(100), index=True)
    url: Mapped[str] = mapped_column(String(500))
    secret: Mapped[str] = mapped_column(String(100))
    kinds: Mapped[str] = mapped_column(Text, default="")
    active: Mapped[bool] = mapped_column(Boolean, default=True)
    off_reason: Mapped[str] = mapped_column(String(40), default="")
    version: Mapped[int] = mapped_column(default=1)
    account_id: Mapped[int] = mapped_column(Key)
    created_at: Mapped[datetime] = mapped_column(UtcMoment)
    after: Mapped[int] = mapped_column(Key, default=0)
    failures: Mapped[int] = mapped_column(default=0)
    next_at: Mapped[datetime] = mapped_column(UtcMoment)


class WebhookDeliveryRow(Base):
    """One attempt to tell a webhook of a change; `status` is that of HTTP, 0 if none came."""

    __tablename__ = "webhook_delivery"
    __table_args__ = (Index("ix_webhook_delivery_webhook_id", "webhook_id", "id"),)
    id: Mapped[int] = mapped_column(Key, primary_key=True)
    webhook_id: Mapped[int] = mapped_column(ForeignKey("webhook.id"))
    change_id: Mapped[int] = mapped_column(Key)
    attempt: Mapped[int] = mapped_column(SmallInteger)
    at: Mapped[datetime] = mapped_column(UtcMoment, index=True)
    status: Mapped[int] = mapped_column(SmallInteger, default=0)
    error: Mapped[str] = mapped_column(String(300), default="")
    duration_ms: Mapped[int] = mapped_column(default=0)


class ReminderMailRow(Base):
    """A digest that was mailed: one per account and day."""

    __tablename__ = "reminder_mail"
    __table_args__ = (PrimaryKeyConstraint("account_id", "day"),)
    account_id: Mapped[int] = mapped_column(Key)
    day: Mapped[date] = mapped_column(Date)
    items: Mapped[int] = mapped_column()
    sent_at: Mapped[datetime] = mapped_column(UtcMoment)


class DailyWorkRow(Base):
    """The last day for which some work of a server is done, whichever process did it."""

    __tablename__ = "daily_work"
    work: Mapped[str] = mapped_column(String(40), primary_key=True)
    day: Mapped[date] = mapped_column(Date)
    done_at: Mapped[datetime] = mapped_column(UtcMoment)
