"""What may be told of an area to people who may not see its firms: `core.told` over the books.

The cost follows generators and areas, never loads; a verdict is kept until one of the quarters that
are over changes.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from hashlib import sha256
from typing import TypeVar

from msgspec import Struct
from sqlalchemy.orm import Session

from wasteflow.core.disclosure import Area, Atoms, hidden_through
from wasteflow.core.errors import InvalidValue
from wasteflow.core.periods import Period
from wasteflow.core.registry import Registry
from wasteflow.core.told import Hidden, Year, areas_before, quarters_of, told_period
from wasteflow.services.rating import firm_terms
from wasteflow_models.convert import Keys
from wasteflow_models.kept import Kept

K = TypeVar("K", bound=Hashable)
KEPT = 64
_kept: Kept[tuple[str, ...], Hidden] = Kept(KEPT)


class Reader(Struct, frozen=True):
    """For whom sums are made who may not see the firms behind them.

    running: the month that is not over yet (yyyymm); own: firms whose figures the reader knows,
    none of the public.
    """

    running: int
    own: frozenset[str] = frozenset()


def check_told(period: Period, reader: Reader) -> None:
    """Raise InvalidValue `period_not_told` unless sums of the period are told to such a reader."""
    told = told_period(period, reader.running)
    if told != period:
        raise InvalidValue("period_not_told", value=period.text, told=told.text if told else "")


def hidden_of(session: Session, keys: Keys, scope: str, period: Period, reader: Reader) -> Hidden:
    """The lines of an area that are not told for a period of `check_told`.

    Raises InvalidValue `period_not_told`, `bad_scope`; NotFound `unknown_code`.
    """
    check_told(period, reader)
    registry = keys.registry
    areas = areas_before(scope, registry)
    quarters = quarters_of(period.first // 100, reader.running)
    year = Year(quarters, firm_terms(session, keys, quarters, "declared")[0], registry)
    # what one own firm could subtract is hidden from everybody already: three less one is two
    own = reader.own if len(reader.own) > 1 else frozenset[str]()
    key = scope, year.mark, _places(registry), *sorted(own)
    return _kept.get(key) or _kept.put(key, year.hidden(areas, own)[-1])


def hidden_cells(
    registry: Registry, scope: str, cells: Mapping[K, Atoms], own: frozenset[str]
) -> frozenset[K]:
    """Cells of a table of one calendar year that are not told of a scope.

    cells: what stands behind each, in every area that shares firms with the scope.
    """
    areas = [
        Area(inside, ({key: (_inside(atoms, inside),) for key, atoms in cells.items()},), {})
        for inside in map(registry.in_scope, areas_before(scope, registry))
    ]
    gone = hidden_through(areas)[-1]
    if len(own) > 1:
        gone |= hidden_through(areas, own)[-1]
    return gone


def firms_beside(registry: Registry, scope: str) -> frozenset[str]:
    """The firms of a scope and of all areas that are judged before it."""
    places = areas_before(scope, registry)
    return frozenset().union(*(registry.in_scope(place) for place in places))


def _inside(atoms: Atoms, firms: frozenset[str]) -> Atoms:
    return frozenset(atom for atom in atoms if atom[0] in firms)


def _places(registry: Registry) -> str:
    """Digest of where every firm lies and in which industry."""
    lines = [
        f"{firm}|{registry.park_of(firm)}|{registry.region_of(firm)}|{item.industry}"
        for firm, item in sorted(registry.enterprises.items())
    ]
    lines += [f"{code}<{park.parent}" for code, park in sorted(registry.parks.items())]
    lines += [f"{code}<{region.parent}" for code, region in sorted(registry.regions.items())]
    return sha256("\n".join(lines).encode()).hexdigest()
