"""When a refused part that nobody has moved becomes a finding; pure."""

from __future__ import annotations

from datetime import datetime, timedelta

from wasteflow.core.lifecycle import Waits


def is_overdue(
    refused_kg: int, moved_kg: int, received_at: datetime | None, now: datetime, waits: Waits
) -> bool:
    """Whether refused kilograms lie unmoved for longer than the parties have to move them.

    >>> from datetime import UTC
    >>> at = datetime(2026, 3, 1, tzinfo=UTC)
    >>> is_overdue(5_000, 3_000, at, at + timedelta(days=31), Waits())
    True
    >>> is_overdue(5_000, 5_000, at, at + timedelta(days=31), Waits())
    False
    """
    if received_at is None or refused_kg <= moved_kg:
        return False
    return now - received_at > timedelta(days=waits.refused_days)
