"""In which month a change of the books is booked: pure rules of late records, no database.

A posting keeps its physical month.  The record or event that made or changed it names a booked
month B, the first month from the earliest it changes that none of its firms had closed.  Each
posting is booked in the later of B and its own month; where that is later than its own month the
posting is *late*.  The books as of a month M are the postings of months up to M that are booked by
M, so what was reported when M was closed never changes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from wasteflow.core.periods import next_month
from wasteflow.core.postings import Rollup, add_postings, load_postings
from wasteflow.core.postings_bulk import BulkRollup, LoadColumns, bulk_load_postings, merge, picked
from wasteflow.core.records import Event, LoadHeader, LoadStatus, apply_event

Ints = NDArray[np.int64]
Late = dict[int, BulkRollup]
"""Booked month → roll-up rows (signed) of earlier months that are booked in it."""


def first_open(month: int, through: Iterable[int]) -> int:
    """The first month from `month` on that none of the firms has closed.

    through: last closed month of each firm, 0 for none; a firm closes its months in order.

    >>> first_open(202602, [202603, 0]), first_open(202605, [202603])
    (202604, 202605)
    """
    last = max(through, default=0)
    return max(month, next_month(last)) if last else month


class Change(Struct, frozen=True):
    """What one event changed in the roll-up (signed), and the month in which it is booked."""

    booked_month: int
    rollup: Rollup

    @property
    def floor(self) -> int:
        """The earliest month it changes, 0 if it moves nothing."""
        return floor_of(self.rollup)

    @property
    def is_late(self) -> bool:
        """True if it is booked later than the earliest month it changes."""
        return bool(self.rollup) and self.booked_month > self.floor


def floor_of(rollup: Rollup) -> int:
    """The earliest month of a roll-up, 0 if it is empty."""
    return min((key.month for key in rollup), default=0)


def load_changes(
    header: LoadHeader,
    events: Iterable[tuple[Event, int]],
    revised: Mapping[int, LoadHeader] | None = None,
) -> Iterator[Change]:
    """What each event of a load, with its booked month, changed; in order of `seq`.

    header: as it was first; revised: number of an event → the header from that event on
    (`core.revisions.headers_of`).  Raises RuleBroken for events that do not fold.
    """
    status = LoadStatus()
    for event, booked_month in sorted(events, key=lambda item: item[0].seq):
        after = apply_event(status, event)
        then = revised.get(event.seq, header) if revised else header
        yield Change(booked_month, change_of(header, status, after, then))
        status, header = after, then


def change_of(
    header: LoadHeader, before: LoadStatus, after: LoadStatus, then: LoadHeader | None = None
) -> Rollup:
    """The signed roll-up rows by which a load differs after an event; `then`: its new header."""
    rollup: Rollup = {}
    add_postings(rollup, load_postings(header, before), -1)
    add_postings(rollup, load_postings(then or header, after))
    return rollup


def not_before(changes: Iterable[Change]) -> int:
    """Booked month that a further change of the same record must not be before, 0 if any may do.

    A month can be reopened after something was booked past it; taking that back any earlier would
    leave the months in between with less than nothing.
    """
    return max((change.booked_month for change in changes if change.is_late), default=0)


def late_part(rollup: BulkRollup, booked_month: int) -> Late:
    """The rows of a change that are late when it is booked in `booked_month`."""
    rows = np.flatnonzero(rollup.keys[:, 0] < booked_month)
    if not len(rows):
        return {}
    return {booked_month: BulkRollup(rollup.keys[rows], rollup.kg[rows], rollup.n[rows])}


def late_loads(loads: LoadColumns, through: Ints) -> Late:
    """The late postings of new loads whose parties closed their months to `through` (0 = none).

    What is booked late goes to the month after `through`.  Costs nothing where nothing is closed.
    """
    late = (loads.dispatched_month > 0) & (loads.dispatched_month <= through)
    found: Late = {}
    for last in np.unique(through[late]).tolist():
        rows = np.flatnonzero(late & (through == last))
        found |= late_part(bulk_load_postings(picked(loads, rows)), next_month(last))
    return found


def load_difference(before: LoadColumns, after: LoadColumns, rows: Ints) -> BulkRollup:
    """What the loads at `rows` post after a change minus what they posted before it."""
    old = bulk_load_postings(picked(before, rows))
    new = bulk_load_postings(picked(after, rows))
    return merge([BulkRollup(old.keys, -old.kg, -old.n), new])


def booked_months(months: Ints, through: Ints) -> Ints:
    """`first_open` of each of `months` (0 stays 0), `through` being the latest of its firms."""
    year, month = np.divmod(through, 100)
    after = np.where(month == 12, (year + 1) * 100 + 1, through + 1)
    return np.where((months > 0) & (through > 0), np.maximum(months, after), months)


def merge_late(parts: Iterable[Mapping[int, BulkRollup]]) -> Late:
    """Sum of several late parts, booked months in order."""
    listed: dict[int, list[BulkRollup]] = {}
    for part in parts:
        for booked_month, rollup in part.items():
            listed.setdefault(booked_month, []).append(rollup)
    return {month: merge(listed[month]) for month in sorted(listed)}
