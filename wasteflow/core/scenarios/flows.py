"""The links of a projected year with distance, cost and CO2, and their sums; pure.

A link goes from the generator straight to the firm that uses its waste; own use covers no distance.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

import numpy as np
from msgspec import Struct, field

from wasteflow.core.columns import Ints
from wasteflow.core.geodesy import kept_distance_km
from wasteflow.core.scenarios.blocks import Price
from wasteflow.core.scenarios.columns import columns_of
from wasteflow.core.scenarios.project import Run, Year
from wasteflow.core.symbiosis.books import position_of
from wasteflow.core.symbiosis.links import Position
from wasteflow.core.symbiosis.placing import Placement
from wasteflow.core.symbiosis.prices import Cost, Prices
from wasteflow.core.symbiosis.today import Today, UseLink

KEPT, MOVED, TAKEN = "kept", "moved", "taken"
"""A link of today; one for what lost or outgrew its place; one for what has no use today."""
MILLI: Final = 1000
PARTS: Final = 4
"""Parts of a cost: freight, treatment, gate value, avoided storage."""
Priced = tuple[float | None, Cost | None, int, tuple[str, ...]]
"""Road km, cost per tonne (None = not known), its net fen, what of it is not registered."""
Parts = tuple[str, ...] | None
"""Parts of a cost that are not registered; None: there is no distance, so no cost."""
NO_CO2: Final = -1
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


class Table(NamedTuple):
    """Costs of links as columns: fen and grams per tonne, and which of `unpriced` is not known."""

    net_fen: Ints
    co2_g: Ints
    parts: Ints
    unpriced: tuple[Parts, ...]


class Sums(Struct):
    """Sums: kilograms by kind, net cost in fen per tonne and CO2 in grams per tonne, both times
    kilograms.

    priced_kg: of what some part of the cost is known; no_co2_kg, no_distance_kg: of what it is not
    known, of what goes between firms without a position.  unpriced: parts of a cost that are not
    registered.
    """

    kg: dict[str, int] = field(default_factory=dict)
    fen_kg: int = 0
    g_kg: int = 0
    priced_kg: int = 0
    no_co2_kg: int = 0
    no_distance_kg: int = 0
    unpriced: set[str] = field(default_factory=set)

    def kg_of(self, what: str) -> int:
        """Kilograms of a kind."""
        return self.kg.get(what, 0)

    def add(self, what: str, kg: int, priced: Priced) -> None:
        """Add kilograms of a link."""
        _, cost, net_fen, unpriced = priced
        self.kg[what] = self.kg.get(what, 0) + kg
        if cost is None:
            self.no_distance_kg += kg
            return
        self.fen_kg += net_fen * kg
        if unpriced:
            self.unpriced.update(unpriced)
        if len(unpriced) < PARTS:
            self.priced_kg += kg
        if cost.co2_g is None:
            self.no_co2_kg += kg
        else:
            self.g_kg += cost.co2_g * kg

    def add_many(self, what: str, kg: Ints, table: Table, rows: Ints, parts: Parts) -> None:
        """Add kilograms of links of which the same parts of the cost are not registered."""
        whole = sum(kg.tolist())
        self.kg[what] = self.kg.get(what, 0) + whole
        if parts is None:
            self.no_distance_kg += whole
            return
        self.unpriced.update(parts)
        self.fen_kg += sum((table.net_fen[rows] * kg).tolist())
        self.priced_kg += whole if len(parts) < PARTS else 0
        known = table.co2_g[rows] != NO_CO2
        self.no_co2_kg += sum(kg[~known].tolist())
        self.g_kg += sum((table.co2_g[rows] * kg)[known].tolist())

    @property
    def cost_fen(self) -> int | None:
        """Net cost in fen; None where no part of any cost is known."""
        return round(self.fen_kg / MILLI) if self.priced_kg else None

    @property
    def co2_g_kg(self) -> int | None:
        """Grams per tonne x kilograms; None where that of some link, or of all, is not known."""
        known = sum(self.kg.values()) > self.no_distance_kg and not self.no_co2_kg
        return self.g_kg if known else None


class Pricing:
    """Distance and cost of links under the prices of a run, each worked out once."""

    def __init__(self, today: Today, prices: Prices, known: Costs) -> None:
        self._today, self._prices = today, prices
        self._positions: dict[str, Position | None] = {}
        self._known = known
        self._made: Table | None = None

    def of(self, link: UseLink) -> Priced:
        """Distance and cost of a link of today."""
        key = link[:4]
        found = self._known.get(key)
        if found is None:
            km = self._road_km(link.generator, link.receiver)
            cost = None if km is None else self._prices.cost(link.material, link.route, link[1], km)
            found = self._known[key] = _priced(km, cost)
        return found

    def kept(self, link: UseLink, kg: int) -> Flow:
        """A link of today with what it carries in a year."""
        giver, taker, material, route, _, _ = link
        return Flow(KEPT, giver, taker, "", material, route, kg, *self.of(link))

    def sums(self, year: Year, firms: frozenset[str]) -> Sums:
        """Sums over every link of a year whose generator is among `firms`."""
        found = sums_of(placed_of(year, firms))
        rows = rows_of(self._today, firms)
        rows = rows[year.links.kg[rows] > 0]
        kg, table = year.links.kg[rows], self._table()
        for number in np.unique(table.parts[rows]).tolist():  # few: what is not registered of them
            some = table.parts[rows] == number
            found.add_many(KEPT, kg[some], table, rows[some], table.unpriced[number])
        return found

    def _table(self) -> Table:
        """Costs of today's links as columns, made once."""
        if self._made is None:
            priced = [self.of(link) for link in self._today.links]
            unpriced = sorted({_parts_of(item) for item in priced}, key=repr)
            at = {parts: number for number, parts in enumerate(unpriced)}
            grams = [NO_CO2 if cost is None else cost.co2_g for _, cost, _, _ in priced]
            self._made = Table(
                np.array([net for _, _, net, _ in priced], np.int64),
                np.array([NO_CO2 if value is None else value for value in grams], np.int64),
                np.array([at[_parts_of(item)] for item in priced], np.int64),
                tuple(unpriced),
            )
        return self._made

    def _road_km(self, giver: str, taker: str) -> float | None:
        line = 0.0 if giver == taker else None
        one, other = self._position(giver), self._position(taker)
        if line is None and one is not None and other is not None:
            line = kept_distance_km(*one, *other)
        if self._prices.has_distances:
            return self._prices.road_km(giver, taker, line)
        return None if line is None else line * self._prices.straight_factor

    def _position(self, firm: str) -> Position | None:
        if firm not in self._positions:
            self._positions[firm] = position_of(self._today.registry, firm)
        return self._positions[firm]


def rows_of(today: Today, firms: frozenset[str]) -> Ints:
    """Positions of the links whose generator is among `firms`, kept with the starting point."""
    key = "rows", firms
    found = today.memo.get(key)
    if found is None:
        columns = columns_of(today)
        inside = np.array([firm in firms for firm, _ in columns.owners], dtype=bool)
        found = np.flatnonzero(inside[columns.owner]) if len(inside) else columns.owner
        today.memo[key] = found
    rows: Ints = found
    return rows


def placed_of(year: Year, firms: frozenset[str]) -> list[Flow]:
    """New links of a year: what moved, what was taken."""
    both = (*_placed(MOVED, year.displaced), *_placed(TAKEN, year.unused))
    return [flow for flow in both if flow.giver in firms]


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


def _parts_of(priced: Priced) -> Parts:
    return None if priced[1] is None else priced[3]


def _priced(km: float | None, cost: Cost | None) -> Priced:
    return (km, None, 0, ()) if cost is None else (km, cost, cost.net_fen, cost.unpriced)


def sums_of(flows: Iterable[Flow]) -> Sums:
    """Flows added up."""
    found = Sums()
    for flow in flows:
        found.add(flow.what, flow.kg, flow[7:])
    return found


def pricing_of(made: Run) -> Pricing:
    """The pricing of a run, kept with it; runs under today's prices share what they worked out."""
    found = made.memo.get("pricing")
    if not isinstance(found, Pricing):
        changed = any(isinstance(block, Price) for block in made.plan.blocks)
        known: Costs = {} if changed else made.today.memo.setdefault("costs", {})
        found = made.memo["pricing"] = Pricing(made.today, made.prices, known)
    return found
