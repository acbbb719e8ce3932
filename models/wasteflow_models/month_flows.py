"""Months of the roll-up as core reads them: columns numbered by sorted names.

The numbering is kept per state of places and registry, the books of a period per state of every
month they rest on.
"""

from __future__ import annotations

from collections.abc import Hashable

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from wasteflow.core.books import MonthFlows, Names, PeriodBooks, books_of_months
from wasteflow.core.collecting import no_collecting
from wasteflow.core.periods import Period
from wasteflow_models import flow_columns
from wasteflow_models.convert import Keys
from wasteflow_models.kept import Kept

Ints = NDArray[np.int64]
NUMBERINGS_KEPT = 4
BOOKS_KEPT = 8
"""Numberings and books of periods kept at most in a process."""


class Numbering(Struct, frozen=True):
    """Names in sorted order, and the position among them of every id (-1: there is none)."""

    names: Names
    place: Ints
    route: Ints
    material: dict[int, int]

    def month(self, month: int, material_id: int, part: flow_columns.MonthColumns) -> MonthFlows:
        """Rows of a month with positions instead of ids."""
        return MonthFlows(
            month,
            self.material[material_id],
            self.place[part.source],
            self.place[part.target],
            self.route[part.route],
            part.evidence.astype(np.int64),
            part.kg,
            part.n,
        )


_numberings: Kept[tuple[int, int], Numbering] = Kept(NUMBERINGS_KEPT)
_books: Kept[Hashable, PeriodBooks] = Kept(BOOKS_KEPT)


def numbering(session: Session, keys: Keys) -> Numbering:
    """Names of all places, materials and routes, and where every id stands among them."""
    key = flow_columns.stamp(session, "place"), flow_columns.stamp(session, "registry")
    found = _numberings.get(key)
    if found is not None:
        return found
    table = flow_columns.place_columns(session)
    columns = (table.kind.tolist(), table.a.tolist(), table.b.tolist())
    with no_collecting():
        places = [keys.place(kind, a, b) for kind, a, b in zip(*columns, strict=True)]
        order = sorted(range(len(places)), key=places.__getitem__)
    place = _positions(table.id[order], int(table.id.max(initial=0)))
    stuff, routes = (sorted(keys.codes[kind].items(), key=_by_code) for kind in _NUMBERED)
    ids = np.array([key for key, _ in routes], dtype=np.int64)
    names = Names(
        [places[number] for number in order],
        [code for _, code in stuff],
        [code for _, code in routes],
    )
    material = {key: number for number, (key, _) in enumerate(stuff)}
    made = Numbering(names, place, _positions(ids, int(ids.max(initial=0))), material)
    return _numberings.put(key, made)


_NUMBERED = ("material", "route")


def _by_code(item: tuple[int, str]) -> str:
    return item[1]


def _positions(ids: Ints, largest: int) -> Ints:
    found = np.full(largest + 1, -1, np.int64)
    found[ids] = np.arange(len(ids))
    return found


def month_flows(
    session: Session, keys: Keys, first: int, last: int, *, material: str = "", as_of: int = 0
) -> list[MonthFlows]:
    """Roll-up rows of the months first..last (of one material), in order of month.

    as_of: the books as they were booked by the end of that month (0 = as they are now).
    """
    numbers = numbering(session, keys)
    found = [
        numbers.month(month, material_id, part)
        for material_id in wanted_materials(session, keys, material)
        for month, part in flow_columns.months(session, material_id, first, last, as_of).items()
    ]
    return sorted(found, key=lambda item: (item.month, item.material))


def wanted_materials(session: Session, keys: Keys, material: str) -> list[int]:
    """Ids of the materials with records, or of one material ("" = all)."""
    if material:
        return [keys.id_of("material", material)]
    return list(flow_columns.versions(session))


def state(
    session: Session, keys: Keys, first: int, last: int, material: str, as_of: int = 0
) -> Hashable:
    """What the roll-up of the months first..last (as of a month) and its names are known by."""
    known = flow_columns.versions(session)
    months = tuple(
        (material_id, month, version)
        for material_id in wanted_materials(session, keys, material)
        for month, version in known.get(material_id, {}).items()
        if first <= month <= min(last, as_of or last)
    )
    stamps = flow_columns.stamp(session, "place"), flow_columns.stamp(session, "registry")
    return *stamps, as_of, months


def period_books(
    session: Session,
    keys: Keys,
    period: Period,
    *,
    material: str = "",
    negatives: bool = True,
    as_of: int = 0,
) -> PeriodBooks:
    """Opening stock and flows of a period, kept until one of its months is written."""
    key = period, negatives, state(session, keys, 0, period.last, material, as_of)
    found = _books.get(key)
    if found is None:
        months = month_flows(session, keys, 0, period.last, material=material, as_of=as_of)
        names = numbering(session, keys).names
        found = _books.put(key, books_of_months(names, months, period, negatives=negatives))
    return found


def forget_books() -> None:
    """Drop what is kept here (tests of cold reading)."""
    _numberings.clear()
    _books.clear()
