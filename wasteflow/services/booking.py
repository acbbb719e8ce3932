"""The month in which a record is booked: its own, or the first open one after it."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy.orm import Session


def open_month(session: Session, firm_ids: Collection[int], month: int) -> int:
    """First month not before `month` that is open for all of `firm_ids` (no month closes yet)."""
    return month
