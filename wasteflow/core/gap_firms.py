"""Whose waste would close the gap of a target: firms by what they store and dispose of; pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from msgspec import Struct

YEAR: Final = 12
"""Months of a year."""


class GapFirm(Struct, frozen=True):
    """A firm, what it put in store or disposed of (kg), and that of it and all before it."""

    enterprise: str
    left_kg: int
    reach_kg: int


def gap_so_far(gap_kg: int | None, months: int) -> int | None:
    """The part of a gap at the year's end that falls to the months measured, rounded up.

    What firms have left was left in these months, so it is held against their part.

    >>> gap_so_far(1200, 5), gap_so_far(1201, 5), gap_so_far(None, 5)
    (500, 501, None)
    """
    return None if gap_kg is None else -(-gap_kg * min(months, YEAR) // YEAR)


def gap_firms(left: Mapping[str, int]) -> list[GapFirm]:
    """Firms with something left, the most first; ties by code.

    >>> [(f.enterprise, f.reach_kg) for f in gap_firms({"a": 5, "b": 9, "c": 0})]
    [('b', 9), ('a', 14)]
    """
    found, reach = [], 0
    for code in sorted(left, key=lambda code: (-left[code], code)):
        if left[code] > 0:
            reach += left[code]
            found.append(GapFirm(code, left[code], reach))
    return found


def needed(firms: list[GapFirm], gap_kg: int) -> int:
    """How many of the first firms hold as much as the gap; 0 if all of them do not.

    >>> firms = gap_firms({"a": 5, "b": 9})
    >>> needed(firms, 9), needed(firms, 10), needed(firms, 15)
    (1, 2, 0)
    """
    return next((place for place, item in enumerate(firms, 1) if item.reach_kg >= gap_kg), 0)
