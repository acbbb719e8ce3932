"""Realised links of a period out of the roll-up: who gave whom how much, since when, which way on.

A link is consignor, consignee, material and route; its mass is what the consignee accepted, in the
month of acceptance.  Cost grows with links × months, never with loads.  Returns are no links.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from wasteflow.core.books import MonthFlows, Names
from wasteflow.core.columns import Ints, groups_of
from wasteflow.core.periods import Period, next_month
from wasteflow.core.places import PlaceKind
from wasteflow.core.vocabulary import Evidence

TREND: Final = 12
"""Months that a trend shows, the last of the period the last of them."""
_ENDS: Final = (PlaceKind.SITE, PlaceKind.OUTSIDE)


class Realised(Struct, frozen=True):
    """What a consignor gave a consignee of a material by a route in a period, in kilograms.

    `first`, `last`: months (yyyymm) of the first and the last load accepted up to the end of the
    period.  `prior_kg`: as many months before the period, None if the books begin within them;
    `trend`: the 12 months up to its end, None for months before the books.  `external`: the
    consignee keeps no books.
    """

    giver: str
    taker: str
    material: str
    route: str
    kg: int
    loads: int
    by_evidence: Mapping[str, int]
    first: int
    last: int
    prior_kg: int | None
    trend: tuple[int | None, ...]
    external: bool = False


class Exchange(Struct, frozen=True):
    """All realised links of a period, and what shares of them are taken of.

    `output_kg`: (firm, material) → generated; `intake_kg`: (firm, material) → accepted from others.
    """

    links: tuple[Realised, ...]
    output_kg: Mapping[tuple[str, str], int]
    intake_kg: Mapping[tuple[str, str], int]


def trend_months(period: Period) -> tuple[int, ...]:
    """The months of the trend, oldest first.

    >>> trend_months(Period.parse("2026-03"))[0]
    202504
    """
    return tuple(next_month(period.last, step) for step in range(1 - TREND, 1))


def prior_of(period: Period) -> Period:
    """As many months as the period has, directly before it.

    >>> prior_of(Period.parse("2026Q1")).text
    '2025Q4'
    """
    length = len(list(period.months()))
    return Period.of(next_month(period.first, -length), next_month(period.first, -1))


def realised_links(names: Names, months: Sequence[MonthFlows], period: Period) -> Exchange:
    """Links with mass in the period, largest first; `months`: everything up to its end."""
    known = [part for part in months if len(part.kg)]
    begins = min((part.month for part in known), default=0)
    output = _generated(names, (part for part in known if period.first <= part.month))
    rows = _Rows.of(names, known)
    if not len(rows.kg):
        return Exchange((), output, {})
    links = tuple(
        sorted(
            _links(names, rows, period, begins),
            key=lambda link: (-link.kg, link.giver, link.taker, link.material, link.route),
        )
    )
    intake: dict[tuple[str, str], int] = {}
    for link in links:
        key = link.taker, link.material
        intake[key] = intake.get(key, 0) + link.kg
    return Exchange(links, output, intake)


class _Rows(Struct, frozen=True):
    """Roll-up rows that end a load, as columns."""

    source: Ints
    material: Ints
    route: Ints
    outside: Ints
    month: Ints
    evidence: Ints
    kg: Ints
    n: Ints

    @classmethod
    def of(cls, names: Names, months: Iterable[MonthFlows]) -> _Rows:
        road = np.array(
            [p.kind is PlaceKind.TRANSIT and p.a != p.b for p in names.places], dtype=np.bool_
        )
        lands = np.isin(names.kinds, [int(kind) for kind in _ENDS])
        away = names.kinds == PlaceKind.OUTSIDE
        parts: list[tuple[Ints, ...]] = []
        for part in months:
            at = np.flatnonzero(road[part.source] & lands[part.target])
            same = np.full(len(at), part.material, np.int64)
            when = np.full(len(at), part.month, np.int64)
            outside = away[part.target[at]].astype(np.int64)
            parts.append(
                (part.source[at], same, part.route[at], outside, when, part.evidence[at],
                 part.kg[at], part.n[at])
            )  # fmt: skip
        if not parts:
            return cls(*[np.zeros(0, np.int64)] * 8)
        return cls(*[np.concatenate(column) for column in zip(*parts, strict=True)])


def _links(names: Names, rows: _Rows, period: Period, begins: int) -> Iterable[Realised]:
    groups = groups_of([rows.source, rows.material, rows.route, rows.outside])
    number, size = groups.numbers(), len(groups.starts)
    inside = rows.month >= period.first
    by_grade = np.zeros((size, len(Evidence)), np.int64)
    np.add.at(by_grade, (number[inside], rows.evidence[inside]), rows.kg[inside])
    loads = _summed(number, rows.n, inside, size)
    prior = prior_of(period)
    before = _summed(
        number, rows.kg, (rows.month >= prior.first) & (rows.month <= prior.last), size
    )
    moved = rows.kg > 0
    first, last = np.full(size, 999_912, np.int64), np.zeros(size, np.int64)
    np.minimum.at(first, number[moved], rows.month[moved])
    np.maximum.at(last, number[moved], rows.month[moved])
    shown = trend_months(period)
    trend = np.stack([_summed(number, rows.kg, rows.month == month, size) for month in shown], 1)
    places, stuff, routes = names.places, names.materials, names.routes
    for link, row in enumerate(groups.first.tolist()):
        kg = int(by_grade[link].sum())
        if kg <= 0:
            continue
        road = places[int(rows.source[row])]
        route = int(rows.route[row])
        yield Realised(
            road.a,
            road.b,
            stuff[int(rows.material[row])],
            routes[route] if route >= 0 else "",
            kg,
            int(loads[link]),
            {grade.word: int(by_grade[link, grade]) for grade in Evidence if by_grade[link, grade]},
            int(first[link]),
            int(last[link]),
            int(before[link]) if prior.first >= begins else None,
            tuple(
                int(value) if month >= begins else None
                for month, value in zip(shown, trend[link], strict=True)
            ),
            bool(rows.outside[row]),
        )


def _summed(number: Ints, values: Ints, where: NDArray[np.bool_], size: int) -> Ints:
    """Sum of `values` per link over the rows of `where`."""
    found = np.zeros(size, np.int64)
    np.add.at(found, number[where], values[where])
    return found


def _generated(names: Names, months: Iterable[MonthFlows]) -> dict[tuple[str, str], int]:
    """(firm, material) → kilograms generated."""
    made = names.kinds == PlaceKind.GENERATION
    found: dict[tuple[str, str], int] = {}
    for part in months:
        at = np.flatnonzero(made[part.source])
        material = names.materials[part.material]
        for place, kg in zip(part.target[at].tolist(), part.kg[at].tolist(), strict=True):
            key = names.places[place].owner, material
            found[key] = found.get(key, 0) + kg
    return found
