"""Tables of background work: jobs and how far they are, their files in pieces, column maps."""

from datetime import datetime

from sqlalchemy import (
    Boolean,
    ForeignKey,
    Index,
    LargeBinary,
    PrimaryKeyConstraint,
    SmallInteger,
    String,
    Text,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column

from wasteflow_models.base import Base, Key, UtcMoment


class JobRow(Base):
    """One piece of background work; the row is the truth of it, whoever does it.

    `lease` is the secret of the worker that has it now, "" if none; `lease_until` when another may
    take it; `step` is what is done next (of an import: check, publish); `error` and `error_params`
    word its end in either language; `batch_id` the import it published, written with it.
    """

    __tablename__ = "job"
    __table_args__ = (
        Index("ix_job_state", "state", "id"),
        Index("ix_job_owner", "organisation", "id"),
    )
    id: Mapped[int] = mapped_column(Key, primary_key=True)
    uid: Mapped[str] = mapped_column(String(36), unique=True)
    kind: Mapped[str] = mapped_column(String(40))
    step: Mapped[str] = mapped_column(String(20), default="")
    state: Mapped[str] = mapped_column(String(12))
    organisation: Mapped[str] = mapped_column(String(200), default="")
    account_id: Mapped[int] = mapped_column(Key, default=0)
    login: Mapped[str] = mapped_column(String(200), default="")
    subject: Mapped[str] = mapped_column(String(40), default="")
    filename: Mapped[str] = mapped_column(String(500), default="")
    options: Mapped[str] = mapped_column(Text, default="{}")
    result: Mapped[str] = mapped_column(Text, default="{}")
    error: Mapped[str] = mapped_column(String(60), default="")
    error_params: Mapped[str] = mapped_column(Text, default="{}")
    done: Mapped[int] = mapped_column(Key, default=0)
    total: Mapped[int] = mapped_column(Key, default=0)
    attempts: Mapped[int] = mapped_column(SmallInteger, default=0)
    cancel_asked: Mapped[bool] = mapped_column(Boolean, default=False)
    lease: Mapped[str] = mapped_column(String(32), default="")
    lease_until: Mapped[datetime | None] = mapped_column(UtcMoment, default=None)
    heartbeat_at: Mapped[datetime | None] = mapped_column(UtcMoment, default=None)
    created_at: Mapped[datetime] = mapped_column(UtcMoment)
    started_at: Mapped[datetime | None] = mapped_column(UtcMoment, default=None)
    finished_at: Mapped[datetime | None] = mapped_column(UtcMoment, default=None)
    expires_at: Mapped[datetime] = mapped_column(UtcMoment, index=True)
    batch_id: Mapped[int | None] = mapped_column(Key, default=None)


class JobFileRow(Base):
    """A file of a job by its role (input, errors, result …); `size` -1 until it is whole."""

    __tablename__ = "job_file"
    __table_args__ = (UniqueConstraint("job_id", "role"),)
    id: Mapped[int] = mapped_column(Key, primary_key=True)
    job_id: Mapped[int] = mapped_column(
        ForeignKey("job.id", ondelete="CASCADE"), type_=Key, index=True
    )
    role: Mapped[str] = mapped_column(String(20))
    filename: Mapped[str] = mapped_column(String(500))
    media_type: Mapped[str] = mapped_column(String(100))
    sha256: Mapped[str] = mapped_column(String(64), default="")
    size: Mapped[int] = mapped_column(Key, default=-1)


class JobChunkRow(Base):
    """A piece of a file of a job: bytes in the database reach every worker and every backup."""

    __tablename__ = "job_chunk"
    __table_args__ = (PrimaryKeyConstraint("file_id", "seq"),)
    file_id: Mapped[int] = mapped_column(ForeignKey("job_file.id", ondelete="CASCADE"), type_=Key)
    seq: Mapped[int] = mapped_column(Key)
    data: Mapped[bytes] = mapped_column(LargeBinary)


class ColumnMapRow(Base):
    """How an organisation's header (by its digest) was last told to be read for a kind."""

    __tablename__ = "column_map"
    __table_args__ = (PrimaryKeyConstraint("organisation", "kind", "header"),)
    organisation: Mapped[str] = mapped_column(String(200))
    kind: Mapped[str] = mapped_column(String(20))
    header: Mapped[str] = mapped_column(String(64))
    columns: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime] = mapped_column(UtcMoment)
