"""Which links could be made: supply, demand, and what stands against each pair; nothing is chosen.

A pair is judged in this order, and the first that fails is its reason: the material fits a route of
the facility, the permit holds, the position is known, a filing covers the border, the distance is
within the limit, the cost is within the ceiling.  Only the nearest allowed receivers of a producer
become arcs (`NEAREST`), which is written with the result.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

import numpy as np
from msgspec import Struct, field
from numpy.typing import NDArray

from wasteflow.core.geodesy import kept_distance_km
from wasteflow.core.symbiosis.prices import Cost, Prices

NEAREST: Final = 30
SLACK: Final = 1.01
"""The sphere and the ellipsoid differ by less than this."""
EARTH_KM: Final = 6371.0088
"""Mean radius (IUGG); the sphere only ranks receivers, distances shown are ellipsoidal."""
REASONS: Final = (
    "no_receiver",
    "capacity_unknown",
    "permit_not_valid",
    "no_position",
    "no_filing",
    "too_far",
    "too_dear",
    "capacity_taken",
)
"""Why tonnes stay unserved, in the order in which a pair is judged."""
Position = tuple[float, float]


class Supply(Struct, frozen=True):
    """Kilograms of a material at a producer that no use takes; position (lon, lat) or None."""

    enterprise: str
    material: str
    kg: int
    position: Position | None = None


class Demand(Struct, frozen=True):
    """Free capacity of a use facility in kilograms, and the routes it takes by material.

    `valid`: the permit holds in the period; `planned`: not in operation yet.
    """

    facility: str
    enterprise: str
    kg: int
    routes: Mapping[str, tuple[str, ...]]
    position: Position | None = None
    valid: bool = True
    planned: bool = False


class Limits(Struct, frozen=True):
    """Choices of whoever asks: None = none of their own (the radius by rule of thumb holds)."""

    max_km: float | None = None
    max_cost_fen: int | None = None
    nearest: int = NEAREST


class Arc(Struct, frozen=True):
    """A feasible link: positions of supply and demand, route, road km, cost per tonne.

    `filing`: code of the filing that covers the border, "" where none is crossed.
    """

    supply: int
    demand: int
    route: str
    km: float
    cost: Cost
    filing: str = ""
    conditional: bool = False


class Obstacle(Struct, frozen=True):
    """Why a producer has no arc: the reason of the receiver that came furthest, its numbers."""

    reason: str
    facility: str = ""
    km: float | None = None
    cost: Cost | None = None
    limit_km: float | None = None


class Verdict(Struct, frozen=True):
    """One pair that was asked for: all that stands against it (nothing: feasible), its numbers."""

    against: tuple[str, ...]
    arc: Arc | None = None
    limit_km: float | None = None


class Problem(Struct, frozen=True):
    """Everything an allocation may use: arcs over supplies and demands, quotas by filing."""

    supplies: tuple[Supply, ...]
    demands: tuple[Demand, ...]
    arcs: tuple[Arc, ...]
    quotas: Mapping[str, int] = field(default_factory=dict)
    obstacles: Mapping[int, Obstacle] = field(default_factory=dict)


Way = tuple[str, float, Cost, str, bool]
"""Of an arc: route, road km, cost, filing, whether the route needs a document."""
Judged = dict[tuple[str, str, str], Way | Obstacle]
"""(producer, material, facility) → the verdict, which does not depend on tonnes."""
FilingOf = Callable[[str, str, str], str | None]
"""(giver, taker, material) → filing of the border crossed, "" if none is, None if none covers."""


NO_LIMITS: Final = Limits()


def feasible_links(
    supplies: Sequence[Supply],
    demands: Sequence[Demand],
    prices: Prices,
    filing_of: FilingOf,
    *,
    limits: Limits = NO_LIMITS,
    conditional: frozenset[str] = frozenset(),
    quotas: Mapping[str, int] | None = None,
    unknown: frozenset[str] = frozenset(),
    known: Judged | None = None,
) -> Problem:
    """The arcs of every producer, and for producers without one the obstacle that is closest.

    conditional: routes that need a document; quotas: kilograms left of a filing (absent = no end);
    unknown: materials that a facility takes whose capacity nobody states; known: pairs that were
    judged before under the same prices, filings and limits, from places that stayed.
    """
    judge = Judge(demands, prices, filing_of, limits, conditional, unknown, known)
    arcs: list[Arc] = []
    obstacles: dict[int, Obstacle] = {}
    for number, supply in enumerate(supplies):
        found, obstacle = judge.of(number, supply)
        arcs += found
        if obstacle is not None:
            obstacles[number] = obstacle
    used = {arc.filing for arc in arcs if arc.filing}
    held = {code: kg for code, kg in (quotas or {}).items() if code in used}
    return Problem(tuple(supplies), tuple(demands), tuple(arcs), held, obstacles)


class Judge:
    """Judges every receiver of a producer at once; distances to all of them are one expression."""

    def __init__(
        self,
        demands: Sequence[Demand],
        prices: Prices,
        filing_of: FilingOf,
        limits: Limits = NO_LIMITS,
        conditional: frozenset[str] = frozenset(),
        unknown: frozenset[str] = frozenset(),
        known: Judged | None = None,
    ) -> None:
        self._demands, self._prices, self._filing_of = demands, prices, filing_of
        self._known: Judged = {} if known is None else known
        self._limits, self._conditional, self._unknown = limits, conditional, unknown
        self._unit = _unit_vectors([demand.position for demand in demands])
        self._placed = np.array([d.position is not None for d in demands], dtype=bool)
        self._valid = np.array([demand.valid for demand in demands], dtype=bool)
        self._detour = prices.straight_factor
        self._radii: dict[str, float | None] = {}
        self._fits: dict[str, NDArray[np.int64]] = {}

    def of(self, number: int, supply: Supply) -> tuple[list[Arc], Obstacle | None]:
        """Arcs of a producer, nearest receivers first; else its obstacle."""
        fitting = self._fitting(supply.material)
        if not len(fitting):
            return [], self._none_fits(supply.material)
        valid = fitting[self._valid[fitting]]
        if not len(valid):
            return [], Obstacle("permit_not_valid", self._demands[fitting[0]].facility)
        if supply.position is None or not self._placed[valid].any():
            return [], Obstacle("no_position", self._demands[valid[0]].facility)
        placed = valid[self._placed[valid]]
        line = self._line_km(supply.position, placed)
        order = np.argsort(line, kind="stable")
        end = len(order)
        limit = self._hard_limit(supply.material)
        if limit is not None:  # all that are surely beyond it but the first, which is the obstacle
            end = int(np.searchsorted(line[order], limit / self._detour * SLACK)) + 1
        return self._nearest(number, supply, placed[order[:end]].tolist())

    def one(self, supply: Supply, demand: Demand) -> Verdict:
        """The verdict on one pair, whatever is free there, and all that stands against it."""
        material = supply.material
        if not demand.routes.get(material):
            return Verdict(("no_receiver",))
        against = [] if demand.valid else ["permit_not_valid"]
        filing = self._filing_of(supply.enterprise, demand.enterprise, material)
        if filing is None:
            against.append("no_filing")
        if supply.position is None or demand.position is None:
            return Verdict((*against, "no_position"))
        km = self._road_km(supply, demand)
        route, cost = self._best_route(demand, material, km)
        limit = self._too_far(material, km, cost)
        if limit is not None:
            against.append("too_far")
        if self._too_dear(cost):
            against.append("too_dear")
        arc = Arc(0, 0, route, km, cost, filing or "", route in self._conditional)
        return Verdict(tuple(against), arc, limit)

    def _too_dear(self, cost: Cost) -> bool:
        ceiling = self._limits.max_cost_fen
        return ceiling is not None and cost.net_fen > ceiling

    def _none_fits(self, material: str) -> Obstacle:
        """Why no facility has room for a material."""
        full = [demand for demand in self._demands if demand.routes.get(material)]
        if full:
            return Obstacle("capacity_taken", full[0].facility)
        return Obstacle("capacity_unknown" if material in self._unknown else "no_receiver")

    def _nearest(
        self, number: int, supply: Supply, ranked: Sequence[int]
    ) -> tuple[list[Arc], Obstacle | None]:
        found: list[Arc] = []
        closest: Obstacle | None = None
        for position in ranked:
            if len(found) == self._limits.nearest:
                break
            demand = self._demands[position]
            key = supply.enterprise, supply.material, demand.facility
            judged = self._known.get(key)
            if judged is None:
                judged = self._known[key] = self._pair(supply, demand)
            if not isinstance(judged, Obstacle):
                found.append(Arc(number, position, *judged))
            elif closest is None or _further(judged, closest):
                closest = judged
        return found, None if found else closest

    def _pair(self, supply: Supply, demand: Demand) -> Way | Obstacle:
        """The way to one receiver, or what stands against it."""
        material = supply.material
        filing = self._filing_of(supply.enterprise, demand.enterprise, material)
        if filing is None:
            return Obstacle("no_filing", demand.facility)
        km = self._road_km(supply, demand)
        route, cost = self._best_route(demand, material, km)
        far = self._too_far(material, km, cost)
        if far is not None:
            return Obstacle("too_far", demand.facility, km, cost, far)
        if self._too_dear(cost):
            return Obstacle("too_dear", demand.facility, km, cost)
        return route, km, cost, filing, route in self._conditional

    def _hard_limit(self, material: str) -> float | None:
        """Road km beyond which no receiver of a material can be allowed; None if that depends."""
        if self._prices.has_distances:
            return None
        if self._limits.max_km is not None:
            return self._limits.max_km
        return None if self._prices.priced(material) else self._radius(material)

    def _radius(self, material: str) -> float | None:
        """The rule of thumb of a material: the high end of its economic radius."""
        if material not in self._radii:
            row = self._prices.radius(material)
            ends = (row.high, row.typical, row.low) if row else ()
            self._radii[material] = next((float(end) for end in ends if end is not None), None)
        return self._radii[material]

    def _too_far(self, material: str, km: float, cost: Cost) -> float | None:
        """The limit that a distance breaks, in road km.

        Where every part of the cost is known and the link earns or breaks even, no rule of thumb
        stands against it; a limit of whoever asks always does.
        """
        own = self._limits.max_km
        if own is not None:
            return own if km > own else None
        limit = self._radius(material)
        if limit is None or (not cost.unpriced and cost.net_fen <= 0):
            return None
        return limit if km > limit else None

    def _best_route(self, demand: Demand, material: str, km: float) -> tuple[str, Cost]:
        """The cheapest route of a facility for a material; of equal ones the first by code."""
        priced = [
            (self._prices.cost(material, route, demand.enterprise, km), route)
            for route in sorted(demand.routes[material])
        ]
        cost, route = min(priced, key=lambda pair: (pair[0].net_fen, pair[1]))
        return route, cost

    def _road_km(self, supply: Supply, demand: Demand) -> float:
        line = 0.0
        if supply.enterprise != demand.enterprise:
            assert supply.position is not None and demand.position is not None
            line = kept_distance_km(*supply.position, *demand.position)
        km = self._prices.road_km(supply.enterprise, demand.enterprise, line)
        assert km is not None
        return km

    def _fitting(self, material: str) -> NDArray[np.int64]:
        found = self._fits.get(material)
        if found is None:
            fits = [d.kg > 0 and bool(d.routes.get(material)) for d in self._demands]
            found = self._fits[material] = np.flatnonzero(np.array(fits, dtype=bool))
        return found

    def _line_km(self, start: Position, some: NDArray[np.int64]) -> NDArray[np.float64]:
        """Great-circle kilometres on the sphere, for ranking only."""
        cosine = np.clip(self._unit[some] @ _unit_vectors([start])[0], -1.0, 1.0)
        return np.asarray(EARTH_KM * np.arccos(cosine))


def _further(one: Obstacle, other: Obstacle) -> bool:
    """True if `one` failed later in the order of judging."""
    return REASONS.index(one.reason) > REASONS.index(other.reason)


def _unit_vectors(positions: Sequence[Position | None]) -> NDArray[np.float64]:
    """Points on the unit sphere of (lon, lat) in degrees; rows of zeros for None."""
    degrees = np.array([position or (0.0, 0.0) for position in positions], dtype=np.float64)
    lon, lat = np.radians(degrees.reshape(-1, 2)).T
    found = np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)], axis=1)
    found[[position is None for position in positions]] = 0.0
    return found
