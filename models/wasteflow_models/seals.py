"""Tables of the seal: one row per seal, its leaf hashes in blocks; reading and writing of blocks.

A leaf is known by (kind, id, part).  Leaves of a seal lie in that order, at most 1,024 to a block,
so that a proof reads one block and the roots of the others.
"""

import zlib
from collections.abc import Iterator, Sequence
from datetime import datetime

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray
from sqlalchemy import (
    Index,
    LargeBinary,
    PrimaryKeyConstraint,
    SmallInteger,
    String,
    Text,
    delete,
    func,
    select,
)
from sqlalchemy.orm import Mapped, Session, mapped_column

from wasteflow.core.seal import FORM, block_root, keys_hash
from wasteflow_models.base import Base, Key, UtcMoment

Ints = NDArray[np.int64]
PART_BITS = 15
"""A leaf's key is its id, shifted, and its part (number of an event or revision) below."""
DIGEST = 32


class SealRow(Base):
    """One seal; every column but `head` is what `head` was computed over.

    `form`: how its blocks are hashed (docs/seal.md).
    """

    __tablename__ = "seal"
    number: Mapped[int] = mapped_column(Key, primary_key=True, autoincrement=False)
    form: Mapped[int] = mapped_column(SmallInteger, default=FORM, server_default="1")
    prev_head: Mapped[str] = mapped_column(String(64))
    root: Mapped[str] = mapped_column(String(64))
    head: Mapped[str] = mapped_column(String(64), unique=True)
    count: Mapped[int] = mapped_column(Key)
    counts: Mapped[str] = mapped_column(Text)
    bounds: Mapped[str] = mapped_column(Text)
    sealed_at: Mapped[datetime] = mapped_column(UtcMoment)
    sealed_by: Mapped[str] = mapped_column(String(200), default="")


class SealBlockRow(Base):
    """Up to 1,024 leaves of one kind: ids of the first and the last, their keys, their hashes.

    `leaves` is compressed: differences of the keys, 64-bit little-endian.  A block of
    a number that has no seal was left by a process that died, and is dropped by the next.
    """

    __tablename__ = "seal_block"
    __table_args__ = (
        PrimaryKeyConstraint("number", "block"),
        Index("ix_seal_block_first", "kind", "first_id", "last_id"),
    )
    number: Mapped[int] = mapped_column(Key, autoincrement=False)
    block: Mapped[int] = mapped_column(Key, autoincrement=False)
    kind: Mapped[int] = mapped_column(SmallInteger)
    count: Mapped[int] = mapped_column(SmallInteger)
    first_id: Mapped[int] = mapped_column(Key)
    last_id: Mapped[int] = mapped_column(Key)
    root: Mapped[bytes] = mapped_column(LargeBinary)
    leaves: Mapped[bytes] = mapped_column(LargeBinary)
    hashes: Mapped[bytes] = mapped_column(LargeBinary)


class Leaves(Struct, frozen=True):
    """Some leaves of one kind: their keys, ascending, and their hashes."""

    kind: int
    keys: Ints
    hashes: Sequence[bytes]

    @property
    def keyed(self) -> bytes:
        """The hash of their kind and keys."""
        return keys_hash(self.kind, self.keys.astype("<i8").tobytes())


def key_of(ids: Ints, parts: Ints) -> Ints:
    """One number per leaf."""
    return np.asarray((ids << PART_BITS) | parts)


def block_row(number: int, block: int, leaves: Leaves) -> SealBlockRow:
    """A block as it is stored."""
    keys = leaves.keys
    steps = np.diff(keys, prepend=np.int64(0)).astype("<i8")
    return SealBlockRow(
        number=number,
        block=block,
        kind=leaves.kind,
        count=len(keys),
        first_id=int(keys[0]) >> PART_BITS,
        last_id=int(keys[-1]) >> PART_BITS,
        root=block_root(leaves.hashes, leaves.keyed),
        leaves=zlib.compress(steps.tobytes(), 6),
        hashes=b"".join(leaves.hashes),
    )


def leaves_of(row: SealBlockRow) -> Leaves:
    """What a block holds; ValueError if it cannot be read."""
    try:
        steps = np.frombuffer(zlib.decompress(row.leaves), "<i8")
    except zlib.error as error:
        raise ValueError("damaged") from error
    if len(steps) * DIGEST != len(row.hashes):
        raise ValueError("damaged")
    data = row.hashes
    hashes = [data[start : start + DIGEST] for start in range(0, len(data), DIGEST)]
    return Leaves(row.kind, np.cumsum(steps).astype(np.int64), hashes)


def seals(session: Session) -> list[SealRow]:
    """Every seal, the first one first."""
    return list(session.scalars(select(SealRow).order_by(SealRow.number)))


def last_seal(session: Session) -> SealRow | None:
    """The newest seal."""
    return session.scalars(select(SealRow).order_by(SealRow.number.desc()).limit(1)).one_or_none()


def blocks_over(session: Session, kind: int, first_id: int, last_id: int) -> Iterator[SealBlockRow]:
    """Blocks that may hold leaves of a kind with ids first_id..last_id, in order of seals."""
    row = SealBlockRow
    query = (
        select(row)
        .where(row.kind == kind, row.first_id <= last_id, row.last_id >= first_id)
        .where(row.number <= select(func.coalesce(func.max(SealRow.number), 0)).scalar_subquery())
        .order_by(row.number, row.block)
    )
    yield from session.scalars(query.execution_options(yield_per=64))


def blocks_of(session: Session, number: int) -> Iterator[SealBlockRow]:
    """The blocks of a seal in order."""
    row = SealBlockRow
    query = select(row).where(row.number == number).order_by(row.block)
    yield from session.scalars(query.execution_options(yield_per=64))


def roots_of(session: Session, number: int) -> list[bytes]:
    """The roots of the blocks of a seal in order."""
    row = SealBlockRow
    query = select(row.root).where(row.number == number).order_by(row.block)
    return list(session.scalars(query))


def drop_blocks_after(session: Session, number: int) -> None:
    """Drop the blocks of seals that were never finished."""
    session.execute(delete(SealBlockRow).where(SealBlockRow.number > number))
