"""Public ids of loads and their revisions: UUIDv7 made from the integer key and back; no look-up.

The 48 bits of time are the moment the load was recorded.  The 74 bits that RFC 9562 leaves random
hold the key, scrambled by a fixed permutation that depends on the time, so that neither the order
nor the number of loads shows, and an id nobody was given does not decode (1 in half a million by
chance, and then to a load of another moment).  This hides numbers; it is no access control.
"""

from __future__ import annotations

from datetime import UTC, datetime
from hashlib import blake2b
from typing import NamedTuple
from uuid import UUID

_KEY_BITS = 45
_NUMBER_BITS = 10
_HALF = 37
_MASK = (1 << _HALF) - 1
_ROUNDS = 4
_SALT = b"wasteflow.ids.1"
_STAMP_BITS = 48


class LoadRef(NamedTuple):
    """What an id means: key of the load, number of its revision (0 = the load), whole second."""

    key: int
    number: int
    recorded_at: datetime


def load_uid(key: int, recorded_at: datetime, number: int = 0) -> UUID:
    """The id of a load recorded at a moment (whole seconds count), or of its revision `number`.

    >>> at = datetime(2026, 11, 21, 4, 0, tzinfo=UTC)
    >>> uid = load_uid(20261100000012, at)
    >>> uid.version, load_of_uid(uid) == LoadRef(20261100000012, 0, at)
    (7, True)

    Raises ValueError for a key or number that does not fit.
    """
    if not 0 < key < 1 << _KEY_BITS or not 0 <= number < 1 << _NUMBER_BITS:
        raise ValueError(f"no id for {key} / {number}")
    stamp = int(recorded_at.timestamp() // 1) * 1000
    mixed = _mix(number << _KEY_BITS | key, stamp)
    return UUID(int=stamp << 80 | 7 << 76 | mixed >> 62 << 64 | 2 << 62 | mixed & ((1 << 62) - 1))


def load_of_uid(uid: UUID) -> LoadRef | None:
    """What an id means; None for one that was not made by `load_uid`."""
    if uid.version != 7:
        return None
    stamp = uid.int >> 80
    mixed = (uid.int >> 64 & 0xFFF) << 62 | uid.int & ((1 << 62) - 1)
    number, key = divmod(_unmix(mixed, stamp), 1 << _KEY_BITS)
    if not key or number >> _NUMBER_BITS or stamp % 1000:
        return None
    return LoadRef(key, number, datetime.fromtimestamp(stamp // 1000, UTC))


def _mix(value: int, stamp: int) -> int:
    """A balanced Feistel network over 74 bits."""
    left, right = value >> _HALF, value & _MASK
    for step in range(_ROUNDS):
        left, right = right, left ^ _round(right, stamp, step)
    return left << _HALF | right


def _unmix(value: int, stamp: int) -> int:
    left, right = value >> _HALF, value & _MASK
    for step in reversed(range(_ROUNDS)):
        left, right = right ^ _round(left, stamp, step), left
    return left << _HALF | right


def _round(half: int, stamp: int, step: int) -> int:
    text = half.to_bytes(5, "big") + stamp.to_bytes(_STAMP_BITS // 8, "big") + bytes([step])
    return int.from_bytes(blake2b(text, digest_size=8, key=_SALT).digest(), "big") & _MASK
