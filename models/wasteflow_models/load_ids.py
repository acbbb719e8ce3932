"""Ids of loads: the month of dispatch when it was recorded (yyyymm), then eight digits."""

from __future__ import annotations

STEP = 100_000_000


def month_of_id(shipment_id: int) -> int:
    """The month under which a load is kept.

    >>> month_of_id(20230700000012)
    202307
    """
    return shipment_id // STEP
