"""The links of a projected year with distance, cost and CO2, and their sums; pure.

A link goes from the generator straight to the firm that uses its waste; own use covers no distance.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final, NamedTuple

from wasteflow.core.geodesy import geodesic_distance_km
from wasteflow.core.scenarios.blocks import Price
from wasteflow.core.scenarios.project import Run, Year
from wasteflow.core.symbiosis.books import position_of
from wasteflow.core.symbiosis.links import Position
from wasteflow.core.symbiosis.placing import Placement
from wasteflow.core.symbiosis.prices import Cost, Prices
from wasteflow.core.symbiosis.today import Today

KEPT, MOVED, TAKEN = "kept", "moved", "taken"
"""A link of today; one for what lost or outgrew its place; one for what has no use today."""
MILLI: Final = 1000
Priced = tuple[float | None, Cost | None, int, tuple[str, ...]]
"""Road km, cost per tonne (None = not known), its net fen, what of it is not registered."""
Costs = dict[tuple[str, str, str, str], Priced]
"""(giver, taker, material, route) → what it costs."""


class Flow(NamedTuple):
    """A link of a year; taker is a firm, or the code of a facility without one."""

    what: str
    giver: str
    taker: str
    facility: str
    material: str
    route: str
    kg: int
    km: float | None
    cost: Cost | None
    net_fen: int
    unpriced: tuple[str, ...]


@dataclass(slots=True)
class Sums:
    """Sums: kilograms by kind, net cost in fen, CO2 in grams per tonne times kilograms.

    co2_g_kg None: not known of some.  unpriced: parts of a cost that are not registered;
    no_distance_kg: what goes between firms without a position.
    """

    kg: dict[str, int] = field(default_factory=dict)
    cost_fen: int = 0
    co2_g_kg: int | None = 0
    unpriced: set[str] = field(default_factory=set)
    no_distance_kg: int = 0

    def kg_of(self, what: str) -> int:
        """Kilograms of a kind."""
        return self.kg.get(what, 0)


class Pricing:
    """Distance and cost of links under the prices of a run, each worked out once."""

    def __init__(self, today: Today, prices: Prices, known: Costs) -> None:
        self._today, self._prices = today, prices
        self._positions: dict[str, Position | None] = {}
        self._known = known
        self._detour = prices.road_km("", "", 1.0) or 1.0

    def flows(self, year: Year) -> Iterator[Flow]:
        """Every link of a year of the run that carries something, in order."""
        for item in year.links:
            if item.kg:
                giver, taker, material, route, _, _ = item.link
                priced = self._cost(giver, taker, material, route)
                yield Flow(KEPT, giver, taker, "", material, route, item.kg, *priced)
        yield from _placed(MOVED, year.displaced)
        yield from _placed(TAKEN, year.unused)

    def _cost(self, giver: str, taker: str, material: str, route: str) -> Priced:
        key = giver, taker, material, route
        found = self._known.get(key)
        if found is None:
            km = self._road_km(giver, taker)
            cost = None if km is None else self._prices.cost(material, route, taker, km)
            found = self._known[key] = _priced(km, cost)
        return found

    def _road_km(self, giver: str, taker: str) -> float | None:
        line = 0.0 if giver == taker else None
        one, other = self._position(giver), self._position(taker)
        if line is None and one is not None and other is not None:
            line = _line_km(*one, *other)
        if self._prices.has_distances:
            return self._prices.road_km(giver, taker, line)
        return None if line is None else line * self._detour

    def _position(self, firm: str) -> Position | None:
        if firm not in self._positions:
            self._positions[firm] = position_of(self._today.registry, firm)
        return self._positions[firm]


def _placed(what: str, placement: Placement) -> Iterable[Flow]:
    problem = placement.problem
    for arc, kg in zip(problem.arcs, placement.found.kg, strict=True):
        if kg:
            supply, demand = problem.supplies[arc.supply], problem.demands[arc.demand]
            yield Flow(
                what,
                supply.enterprise,
                demand.enterprise,
                demand.facility,
                supply.material,
                arc.route,
                kg,
                *_priced(arc.km, arc.cost),
            )


def _priced(km: float | None, cost: Cost | None) -> Priced:
    return (km, None, 0, ()) if cost is None else (km, cost, cost.net_fen, cost.unpriced)


@lru_cache(maxsize=100_000)
def _line_km(lon1: float, lat1: float, lon2: float, lat2: float) -> float:
    return geodesic_distance_km(lon1, lat1, lon2, lat2)


def sums_of(flows: Iterable[Flow]) -> Sums:
    """Flows added up."""
    found, fen, grams = Sums(), 0, 0
    unpriced: set[tuple[str, ...]] = set()
    for flow in flows:
        found.kg[flow.what] = found.kg.get(flow.what, 0) + flow.kg
        cost = flow.cost
        if cost is None:
            found.no_distance_kg += flow.kg
            continue
        fen += flow.net_fen * flow.kg
        unpriced.add(flow.unpriced)
        if cost.co2_g is None:
            found.co2_g_kg = None
        else:
            grams += cost.co2_g * flow.kg
    found.unpriced = {part for parts in unpriced for part in parts}
    found.cost_fen = round(fen / MILLI)
    if found.co2_g_kg is not None:
        found.co2_g_kg = grams
    return found


def pricing_of(made: Run) -> Pricing:
    """The pricing of a run, kept with it; runs under today's prices share what they worked out."""
    found = made.memo.get("pricing")
    if not isinstance(found, Pricing):
        changed = any(isinstance(block, Price) for block in made.plan.blocks)
        known: Costs = {} if changed else made.today.memo.setdefault("costs", {})
        found = made.memo["pricing"] = Pricing(made.today, made.prices, known)
    return found
