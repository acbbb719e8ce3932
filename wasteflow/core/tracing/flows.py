"""The roll-up of one material as integer columns, and the names of origins; no month, no solving.

An origin is (generating enterprise, year).  Mass whose generator is not known keeps the place where
it arose, as a pseudo-origin that credits nobody (paper 6, rule O).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from wasteflow.core.places import Place, PlaceKind
from wasteflow.core.postings import FlowKey

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

UNKNOWN_YEAR = 0
"""Year of stock whose year nobody stated: sorts first and is prior for every period."""


class Origin(NamedTuple):
    """Where mass comes from: an enterprise code, or `<what>@<where>` for a pseudo-origin."""

    name: str
    year: int

    @property
    def key(self) -> str:
        """`ent.a:2026`, `unexplained@site:ent.a:2026`; the year is blank when unknown.

        >>> Origin("ent.a", 2026).key, Origin("unknown@ent.t", 0).key
        ('ent.a:2026', 'unknown@ent.t:')
        """
        return f"{self.name}:{self.year or ''}"

    @property
    def generator(self) -> str:
        """The enterprise that is credited, "" for a pseudo-origin."""
        return "" if is_pseudo(self.name) else self.name


def is_pseudo(name: str) -> bool:
    """True for names that stand for no generator (codes of enterprises hold no `@`)."""
    return "@" in name


class FlowTable(Struct, frozen=True):
    """Roll-up rows of one material, one element a row, all int64.

    `source` and `target` index `places`, `route` indexes `routes`; `month` yyyymm, `kg` whole
    kilograms > 0.  Rows may come in any order and repeat keys.
    """

    places: tuple[Place, ...]
    routes: tuple[str, ...]
    month: Ints
    source: Ints
    target: Ints
    route: Ints
    evidence: Ints
    kg: Ints

    @classmethod
    def of_rollup(cls, rollup: Mapping[FlowKey, tuple[int, int]], material: str = "") -> FlowTable:
        """Columns of a roll-up in memory (of one material, or filtered to `material`)."""
        rows = sorted(
            (key, kg)
            for key, (kg, _) in rollup.items()
            if kg and (not material or key.material == material)
        )
        return cls.of_rows(
            (key.month, key.source, key.target, key.route, int(key.evidence), kg)
            for key, kg in rows
        )

    @classmethod
    def of_rows(cls, rows: Iterable[tuple[int, Place, Place, str, int, int]]) -> FlowTable:
        """Columns of (month, source, target, route, evidence, kg) rows."""
        listed = list(rows)
        places = sorted({end for row in listed for end in row[1:3]})
        routes = sorted({row[3] for row in listed})
        place_id = {place: number for number, place in enumerate(places)}
        route_id = {route: number for number, route in enumerate(routes)}
        coded = [(m, place_id[s], place_id[t], route_id[r], e, kg) for m, s, t, r, e, kg in listed]
        columns = np.array(coded, dtype=np.int64).reshape(len(coded), 6).T
        month, source, target, route, evidence, kg = (np.ascontiguousarray(c) for c in columns)
        return cls(tuple(places), tuple(routes), month, source, target, route, evidence, kg)

    @classmethod
    def of_columns(
        cls,
        places: Sequence[Place],
        routes: Sequence[str],
        *,
        month: Ints,
        source: Ints,
        target: Ints,
        route: Ints,
        evidence: Ints,
        kg: Ints,
    ) -> FlowTable:
        """Columns that are there already (a database): only the places used, in sorted order.

        `source` and `target` index `places`, `route` indexes `routes`; rows of 0 kg are dropped.
        """
        some: Mask | slice = kg != 0 if not np.all(kg) else slice(None)
        here = np.zeros(len(places), bool)
        here[source[some]] = here[target[some]] = True
        order = sorted(np.flatnonzero(here).tolist(), key=places.__getitem__)
        position = np.full(len(places), -1, np.int64)
        position[order] = np.arange(len(order))
        named = tuple(places[number] for number in order)
        columns = position[source[some]], position[target[some]], route[some], evidence[some]
        return cls(named, tuple(routes), month[some], *columns, kg[some])

    def by_month(self) -> FlowTable:
        """The rows in order of month, those of a month in the order they stood in."""
        if (self.month[1:] >= self.month[:-1]).all():
            return self
        order = np.argsort(self.month, kind="stable")
        columns = self.source, self.target, self.route, self.evidence, self.kg
        ordered = (column[order] for column in columns)
        return FlowTable(self.places, self.routes, self.month[order], *ordered)

    def generating_firms(self) -> frozenset[str]:
        """Firms with a generation entry of the material at any date (rule O, `unknown@`)."""
        born = [place.kind is PlaceKind.GENERATION for place in self.places]
        reached = np.zeros(len(self.places), bool)
        reached[self.target[np.array(born, dtype=bool)[self.source]]] = True
        return frozenset(self.places[number].owner for number in np.flatnonzero(reached))


def ledger_starts(table: FlowTable) -> dict[str, tuple[int, bool]]:
    """Enterprise → (month its ledger of the material starts, an opening entry states it).

    The month of the earliest opening entry, otherwise January of the year of the earliest record
    (2-domain 1.5).
    """
    never = np.iinfo(np.int64).max
    table = table.by_month()
    first = np.full(len(table.places), never)
    stated = np.full(len(table.places), never)
    opening = np.array([place.kind is PlaceKind.OPENING for place in table.places], dtype=bool)
    rows = np.flatnonzero(opening[table.source])[::-1]
    back = slice(None, None, -1)  # of several months the earliest is written last
    source = np.full(len(table.places), never)
    source[table.source[back]] = table.month[back]
    first[table.target[back]] = table.month[back]
    first = np.minimum(first, source)
    stated[table.target[rows]] = table.month[rows]
    earliest: dict[str, int] = {}
    openings: dict[str, int] = {}
    for place, month, said in zip(table.places, first.tolist(), stated.tolist(), strict=True):
        owner = place.owner
        if owner:
            earliest[owner] = min(month, earliest.get(owner, never))
            if said != never:
                openings[owner] = min(said, openings.get(owner, never))
    return {
        firm: (openings[firm], True) if firm in openings else (month // 100 * 100 + 1, False)
        for firm, month in earliest.items()
    }


def source_name(boundary: Place, place: Place, generators: frozenset[str]) -> str:
    """Name of the origin of mass that enters holding `place` from `boundary`.

    Generation is the firm's own; opening stock is the named generator's, else the holder's if it
    ever generated the material, else `unknown@`.  `outside@` is mass from an external consignor.
    """
    match boundary.kind:
        case PlaceKind.GENERATION:
            return place.owner
        case PlaceKind.OPENING:
            if boundary.a:
                return boundary.a
            return place.owner if place.owner in generators else f"unknown@{place.owner}"
        case PlaceKind.STOCKTAKE:
            return f"stocktake@{place.key}"
        case PlaceKind.RECIRCULATED:
            return f"recirculated@{place.owner}"
        case PlaceKind.WEIGHING:
            return f"weighing@{place.owner}"
        case PlaceKind.OUTSIDE:
            return f"outside@{place.owner}"
    return f"{boundary.word}@{place.owner}"


def hole_name(place: Place) -> str:
    """Name of the origin of mass that must have been there although no record says so (rule H)."""
    return f"unexplained@{place.key}"


def opening_year(boundary: Place) -> int:
    """Year that an opening boundary states, `UNKNOWN_YEAR` where it is blank."""
    return int(boundary.b) if boundary.b else UNKNOWN_YEAR
