"""Realised links as rows of the report: distance, freight, CO2, shares, change; every gap named."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from wasteflow.core.geodesy import kept_distance_km
from wasteflow.core.periods import Period, month_text
from wasteflow.core.registry import Registry
from wasteflow.core.symbiosis.books import MONTHS, OPERATING, position_of, routes_of
from wasteflow.core.symbiosis.links import Position
from wasteflow.core.symbiosis.prices import Prices
from wasteflow.core.symbiosis.realised import Exchange, Realised, trend_months
from wasteflow.core.symbiosis.rows import GRAMS_PER_TONNE, KG, yuan
from wasteflow.core.units import tonnes_text
from wasteflow.core.vocabulary import Fate

CAPACITY, INTAKE = "capacity", "intake"
"""What the receiver's need is: the yearly capacity of its use facilities for the material, by the
months of the period; where not all of them state one, all it accepted of the material."""
ACROSS, INSIDE = "across", "inside"


@dataclass
class Setting:
    """What rows are made with; positions and capacities are looked up once per firm."""

    registry: Registry
    prices: Prices
    exchange: Exchange
    period: Period
    _positions: dict[str, Position | None] = field(default_factory=dict)
    _capacity: dict[tuple[str, str], int | None] = field(default_factory=dict)
    _parks: dict[str, frozenset[str]] = field(default_factory=dict)
    _uses: dict[str, list[tuple[int | None, frozenset[str]]]] = field(default_factory=dict)
    trend_from: str = ""

    def __post_init__(self) -> None:
        self.trend_from = month_text(trend_months(self.period)[0])
        for _, item in sorted(self.registry.facilities.items()):
            if item.kind == Fate.USE and item.status in OPERATING and item.enterprise:
                taken = frozenset(routes_of(self.registry, item))
                held = self._uses.setdefault(item.enterprise, [])
                held.append((item.capacity_kg_per_year, taken))

    def position(self, firm: str) -> Position | None:
        """(lon, lat) of a firm or its park."""
        if firm not in self._positions:
            self._positions[firm] = position_of(self.registry, firm)
        return self._positions[firm]

    def where(self, giver: str, taker: str) -> str:
        """`where` of two firms."""
        for firm in (giver, taker):
            if firm not in self._parks:
                self._parks[firm] = parks_of(self.registry, firm)
        return _where(self._parks[giver], self._parks[taker])

    def capacity_kg(self, firm: str, material: str) -> int | None:
        """What a firm can use of a material in the period; None unless every facility says it."""
        key = firm, material
        if key not in self._capacity:
            stated = [kg for kg, taken in self._uses.get(firm, ()) if material in taken]
            whole = None if not stated or None in stated else sum(filter(None, stated))
            months = len(list(self.period.months()))
            self._capacity[key] = whole * months // MONTHS if whole else None
        return self._capacity[key]


def realised_row(link: Realised, setting: Setting) -> dict[str, Any]:
    """A row of the report; what cannot be known is None and has its reason in `not_computable`."""
    missing: dict[str, str] = {}
    km, basis = _distance(link, setting, missing)
    freight, co2 = _haul(link, setting, km, missing)
    made = setting.exchange.output_kg.get((link.giver, link.material), 0)
    if made <= 0:
        missing["share_of_output"] = "nothing_generated"
    need, need_basis = _need(link, setting)
    if need <= 0:
        missing["share_of_need"] = "need_unknown"
    if link.prior_kg is None:
        missing["change"] = "before_the_books"
    elif link.prior_kg <= 0:
        missing["change"] = "nothing_before"
    prior = link.prior_kg
    return {
        "from": link.giver,
        "to": link.taker,
        "material": link.material,
        "route": link.route,
        "tonnes": tonnes_text(link.kg),
        "loads": link.loads,
        "first": month_text(link.first),
        "last": month_text(link.last),
        "where": setting.where(link.giver, link.taker),
        "external": link.external,
        "distance_km": None if km is None else round(km, 1),
        "distance_basis": basis,
        "freight": None if freight is None else yuan(freight),
        "co2_t": None if co2 is None else f"{co2 / KG / GRAMS_PER_TONNE:.3f}",
        "share_of_output": round(link.kg / made, 6) if made > 0 else None,
        "share_of_need": round(link.kg / need, 6) if need > 0 else None,
        "need_basis": need_basis,
        "prior_t": None if prior is None else tonnes_text(prior),
        "change": round(link.kg / prior - 1, 6) if prior else None,
        "trend_from": setting.trend_from,
        "trend_t": [None if kg is None else tonnes_text(kg) for kg in link.trend],
        "by_evidence": {word: tonnes_text(kg) for word, kg in link.by_evidence.items()},
        "not_computable": missing,
    }


def where(registry: Registry, giver: str, taker: str) -> str:
    """Whether both firms lie in one park (sub-parks count as the park) or the link leaves it."""
    return _where(parks_of(registry, giver), parks_of(registry, taker))


def parks_of(registry: Registry, firm: str) -> frozenset[str]:
    """The park of a firm and those above it."""
    return frozenset(registry.parks_up(registry.park_of(firm)))


def _where(one: frozenset[str], other: frozenset[str]) -> str:
    return INSIDE if one & other else ACROSS


def totals(rows: Iterable[Mapping[str, Any]], links: Iterable[Realised]) -> dict[str, Any]:
    """Sums over rows; freight and CO2 with the tonnes whose value is not known beside them."""
    sums = {"kg": 0, "loads": 0, "fen": 0, ACROSS: 0, INSIDE: 0, "unpriced": 0, "co2": 0}
    no_co2 = 0
    for row, link in zip(rows, links, strict=True):
        sums["kg"] += link.kg
        sums["loads"] += link.loads
        sums[row["where"]] += link.kg
        if row["freight"] is None:
            sums["unpriced"] += link.kg
        else:
            sums["fen"] += round(float(row["freight"]) * 100)
        if row["co2_t"] is None:
            no_co2 += link.kg
        else:
            sums["co2"] += round(float(row["co2_t"]) * 1000)
    known = sums["kg"] > sums["unpriced"]
    return {
        "tonnes": tonnes_text(sums["kg"]),
        "loads": sums["loads"],
        "across_t": tonnes_text(sums[ACROSS]),
        "inside_t": tonnes_text(sums[INSIDE]),
        "freight": yuan(sums["fen"]) if known else None,
        "freight_unknown_t": tonnes_text(sums["unpriced"]),
        "co2_t": f"{sums['co2'] / 1000:.3f}" if sums["kg"] > no_co2 else None,
        "co2_unknown_t": tonnes_text(no_co2),
    }


def masked(row: Mapping[str, Any], sees: Callable[[str], bool]) -> dict[str, Any]:
    """The row as somebody may read it: a share tells a partner's output or intake."""
    found = dict(row)
    hidden = {
        name: "not_yours"
        for name, firm in (("share_of_output", row["from"]), ("share_of_need", row["to"]))
        if not sees(firm)
    }
    if hidden:
        found |= dict.fromkeys(hidden)
        found["not_computable"] = {**row["not_computable"], **hidden}
    return found


def _distance(
    link: Realised, setting: Setting, missing: dict[str, str]
) -> tuple[float | None, str]:
    """(road kilometres, where they come from: table, line_detour, line)."""
    if setting.prices.given_km(link.giver, link.taker) is not None:
        return setting.prices.road_km(link.giver, link.taker, None), "table"
    start, end = setting.position(link.giver), setting.position(link.taker)
    if start is None or end is None:
        missing["distance_km"] = "no_position"
        return None, ""
    km = setting.prices.road_km(link.giver, link.taker, kept_distance_km(*start, *end))
    return km, "line_detour" if setting.prices.detour() else "line"


def _haul(
    link: Realised, setting: Setting, km: float | None, missing: dict[str, str]
) -> tuple[int | None, int | None]:
    """(fen, g·kg per tonne) of hauling the link's mass by road."""
    if km is None:
        missing |= {"freight": "no_position", "co2_t": "no_position"}
        return None, None
    cost = setting.prices.cost(link.material, link.route, link.taker, km)
    if cost.freight_fen is None:
        missing["freight"] = "no_freight_price"
    if cost.co2_g is None:
        missing["co2_t"] = "no_co2_factor"
    return (
        None if cost.freight_fen is None else round(cost.freight_fen * link.kg / KG),
        None if cost.co2_g is None else cost.co2_g * link.kg,
    )


def _need(link: Realised, setting: Setting) -> tuple[int, str]:
    route = setting.registry.routes.get(link.route)
    if route is not None and route.fate == Fate.USE:
        capacity = setting.capacity_kg(link.taker, link.material)
        if capacity:
            return capacity, CAPACITY
    return setting.exchange.intake_kg.get((link.taker, link.material), 0), INTAKE
