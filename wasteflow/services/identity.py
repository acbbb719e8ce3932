"""Opaque record ids: UUIDv7 (RFC 9562), ordered by time, made in blocks for bulk writes."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from datetime import datetime
from uuid import UUID

_STEP_BITS = 74


def new_uids(count: int, now: datetime) -> list[UUID]:
    """`count` UUIDv7 of the moment `now`, increasing; the first is random, the rest follow it."""
    return [UUID(int=number) for number in _uuid7s(count, now)]


def new_uid_texts(count: int, now: datetime) -> list[str]:
    """The same as 32 hexadecimal digits each, for rows by the hundred thousand."""
    return [f"{number:032x}" for number in _uuid7s(count, now)]


def _uuid7s(count: int, now: datetime) -> Iterator[int]:
    stamp = int(now.timestamp() * 1000) & ((1 << 48) - 1)
    start = secrets.randbits(_STEP_BITS - 1)
    return (_uuid7(stamp, start + position) for position in range(count))


def _uuid7(stamp: int, random: int) -> int:
    high = (random >> 62) & 0xFFF
    low = random & ((1 << 62) - 1)
    return (stamp << 80) | (7 << 76) | (high << 64) | (2 << 62) | low
