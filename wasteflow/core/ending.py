"""Permits of facilities and filings that end soon, told by the registry alone; pure."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from wasteflow.core.registry import Registry

SOON_DAYS: Final = 60
"""A permit or filing is told of so many days before it ends, and as long after it ended."""


@dataclass(frozen=True, slots=True)
class Ending:
    """What ends: `kind` facility or filing, its code, the firm it belongs to ("" = any), the day."""

    kind: str
    code: str
    enterprise: str
    day: date

    def over(self, today: date) -> bool:
        """Whether its last day has passed."""
        return self.day < today


def ending_soon(
    registry: Registry, firms: Collection[str], today: date, days: int = SOON_DAYS
) -> list[Ending]:
    """Permits of the facilities of `firms` and filings in their name that end within `days`.

    One that ended no longer ago than `days` is told of too, unless another of its kind took over:
    a filing of the same firm and provinces.  The first to end comes first.
    """
    first, last = today - timedelta(days=days), today + timedelta(days=days)
    found = [
        Ending("facility", item.code, item.enterprise, item.valid_to)
        for item in registry.facilities.values()
        if item.enterprise in firms and item.valid_to is not None and item.status != "closed"
    ]
    for filing in registry.filings.values():
        if filing.enterprise not in firms or filing.valid_to is None:
            continue
        later = (
            other
            for other in registry.filings.values()
            if (other.enterprise, other.from_region, other.to_region, other.materials)
            == (filing.enterprise, filing.from_region, filing.to_region, filing.materials)
            and (other.valid_to is None or other.valid_to > filing.valid_to)
        )
        if next(later, None) is None:
            found.append(Ending("filing", filing.code, filing.enterprise, filing.valid_to))
    near = [item for item in found if first <= item.day <= last]
    return sorted(near, key=lambda item: (item.day, item.kind, item.code))
