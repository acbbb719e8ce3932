"""The rules of the findings list, each a small pure function, and what a finding is; no reading.

A finding blocks nothing.  It names a place or a record, says since when, and goes when its cause
goes.  `docs/guide` tells people what to do about each.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Final

import numpy as np
from msgspec import Struct, field
from numpy.typing import NDArray

from wasteflow.core.columns import Groups, Ints
from wasteflow.core.finding_kinds import KINDS, SEVERITIES, SEVERITY
from wasteflow.core.registry import Facility, Registry, Route
from wasteflow.core.rules import CAP_KG, cap_breach, expired_permit, unfiled_border

__all__ = ["CAP_KG", "KINDS", "SEVERITIES", "SEVERITY", "Found"]
CONFIRM_DAYS: Final = 10
"""Days after the dispatch from which an unanswered load is a finding."""
LEAST_KG: Final = 1_000
"""Tracing is not asked about less than a tonne."""
LEAST_LOADS: Final = 8
_SPREADS, _SHARE = 6, 0.3


class Found(Struct, frozen=True):
    """One finding as the books are now.

    key: what makes it the same finding tomorrow; ref_kind, ref: where it leads (`load` and its id,
    `facility` and its code …); month: yyyymm, 0 = of no month; since: the day it begins, if known;
    params: what its wording takes.
    """

    kind: str
    key: str
    enterprise: str
    material: str = ""
    month: int = 0
    ref_kind: str = ""
    ref: str = ""
    since: date | None = None
    params: Mapping[str, str] = field(default_factory=dict)

    @property
    def severity(self) -> str:
        """How urgent."""
        return SEVERITY[self.kind]


def unanswered(dispatched: date, today: date, days: int = CONFIRM_DAYS) -> bool:
    """A load on the road, or weighed and not decided, for more than `days`.

    >>> today = date(2026, 7, 12)
    >>> unanswered(date(2026, 7, 1), today), unanswered(date(2026, 7, 2), today)
    (True, False)
    """
    return (today - dispatched).days > days


def duplicate_tickets(
    tickets: Iterable[tuple[int, str, str]],
) -> dict[tuple[int, str], list[str]]:
    """(firm, ticket) → loads that carry the same weigh ticket, where there are several.

    tickets: (firm that weighed, ticket number, load); blank tickets are no tickets.

    >>> duplicate_tickets([(1, "T1", "a"), (1, "T1", "b"), (2, "T1", "c"), (1, "", "d")])
    {(1, 'T1'): ['a', 'b']}
    """
    groups: dict[tuple[int, str], list[str]] = {}
    for firm, ticket, load in tickets:
        if ticket.strip():
            groups.setdefault((firm, ticket.strip()), []).append(load)
    return {key: loads for key, loads in sorted(groups.items()) if len(loads) > 1}


def outliers(groups: Groups, kg: Ints) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """Which loads of a link are far from its others, and the usual weight (median) of its link.

    Far: six median deviations and 30 % of the median.  None of fewer than eight loads: there is no
    usual weight yet.

    >>> from wasteflow.core.columns import groups_of
    >>> kg = np.array([30, 31, 30, 29, 30, 31, 30, 62]) * 1000
    >>> far, usual = outliers(groups_of([np.zeros(8, np.int64)]), kg)
    >>> far.tolist().index(True), usual.tolist()[0]
    (7, 30000.0)
    """
    link = groups.numbers()
    sizes = np.bincount(link, minlength=len(groups.starts))
    middle = _medians(link, sizes, kg)[link]
    gap = np.abs(kg - middle)
    usual = _medians(link, sizes, gap)[link]
    far = (gap > _SPREADS * usual) & (gap > _SHARE * middle) & (sizes[link] >= LEAST_LOADS)
    return np.asarray(far), middle


def _medians(group: Ints, sizes: Ints, values: Ints | NDArray[np.float64]) -> NDArray[np.float64]:
    """The median of the values of every group; every group has some."""
    ordered = values[np.lexsort((values, group))].astype(np.float64)
    first = np.cumsum(sizes) - sizes
    return np.asarray((ordered[first + (sizes - 1) // 2] + ordered[first + sizes // 2]) / 2)


def over_cap(mode: str, kg: int, trips: int) -> bool:
    """A load above the payload cap of its mode."""
    return bool(cap_breach(mode, kg, trips))


def over_limit(kg: int, limit_kg: int | None) -> bool:
    """More than a capacity or a quota; none stated is none exceeded."""
    return limit_kg is not None and kg > limit_kg


def permit_over(
    route: Route, material: str, facilities: Sequence[Facility], day: date
) -> Facility | None:
    """The facility that took loads outside the dates of its permit."""
    return expired_permit(route, material, facilities, day)


def undocumented(conditional: bool, documents: int) -> bool:
    """A conditional route that no document of the year covers."""
    return conditional and not documents


def unfiled(
    registry: Registry, consignor: str, consignee: str, material: str, day: date
) -> tuple[str, str] | None:
    """The two provinces mass went between without a filing in force."""
    return unfiled_border(registry, consignor, consignee, material, day)


def refusal_left(refused_kg: int, moved_kg: int, received: date, today: date, days: int) -> int:
    """Kilograms of a refused part that nothing has moved for more than `days`; 0 if none.

    >>> refusal_left(5000, 2000, date(2026, 6, 1), date(2026, 7, 12), 30)
    3000
    """
    left = refused_kg - moved_kg
    return left if left > 0 and (today - received).days > days else 0


def looped(repeat_kg: float) -> bool:
    """Mass that came round to where it had been, a tonne or more."""
    return repeat_kg >= LEAST_KG


def disposed_later(disposed_kg: float) -> bool:
    """Mass declared as used that was disposed of after all, a tonne or more."""
    return disposed_kg >= LEAST_KG


def generation_off(finding: str) -> bool:
    """The cross-check says that generation and output do not fit."""
    return bool(finding)


def count_changed(book_at_count_kg: int, book_now_kg: int) -> bool:
    """Records came in after a stocktake and moved the book it was held against."""
    return book_at_count_kg != book_now_kg
