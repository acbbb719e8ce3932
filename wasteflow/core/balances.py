"""Balances: opening + in - out = closing for every enterprise, compartment and material.

The residual is the mass the books cannot explain: net stocktake difference plus shortage (book
driven below zero).  It is shown, never spread (1-product feature 6; 3-architecture 3.2 "Holes").
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

import numpy as np
from msgspec import Struct, field

from wasteflow.core.books import FlowSums, PeriodBooks, StockSums, closing_of
from wasteflow.core.columns import groups_of
from wasteflow.core.places import Place, PlaceKind

COMPARTMENTS = {PlaceKind.SITE: "site", PlaceKind.YARD: "yard", PlaceKind.TRANSIT: "transit"}
UNBALANCED_KG = 1000
UNBALANCED_SHARE_PERCENT = 2


class Balance(Struct):
    """One line of the balance; masses in kilograms.

    `ins` and `outs` are keyed by what the mass was (see `_in_word`, `_out_word`).
    """

    enterprise: str
    compartment: str
    material: str
    opening_kg: int = 0
    ins: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    outs: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    shortage_kg: int = 0
    negative: bool = False

    @property
    def closing_kg(self) -> int:
        """Book stock at the end of the period."""
        return self.opening_kg + sum(self.ins.values()) - sum(self.outs.values())

    @property
    def stocktake_kg(self) -> int:
        """Net counted difference of the period, surplus positive."""
        return self.ins.get("stocktake", 0) - self.outs.get("stocktake", 0)

    @property
    def residual_kg(self) -> int:
        """Mass that appeared (positive) or vanished (negative) without a record."""
        return self.stocktake_kg + self.shortage_kg

    @property
    def unbalanced(self) -> bool:
        """|residual| > max(1 t, 2 % of inflow); the inflow without the stocktake itself."""
        inflow = sum(self.ins.values()) - self.ins.get("stocktake", 0)
        return abs(self.residual_kg) * 100 > max(
            UNBALANCED_KG * 100, UNBALANCED_SHARE_PERCENT * inflow
        )

    def findings(self) -> list[str]:
        """Codes of what needs attention on this line."""
        found = ["negative_stock"] if self.negative else []
        return [*found, "unbalanced"] if self.unbalanced else found


def balances(books: PeriodBooks, enterprises: Iterable[str], material: str = "") -> list[Balance]:
    """Balance lines of `enterprises` in order of enterprise, material and compartment.

    Lines without stock and movement are left out.
    """
    wanted = frozenset(enterprises)
    lines: dict[tuple[str, str, str], Balance] = {}

    def line(place: Place, stuff: str) -> Balance:
        key = place.owner, stuff, COMPARTMENTS[place.kind]
        if key not in lines:
            lines[key] = Balance(place.owner, key[2], stuff)
        return lines[key]

    flows, opening = books.columns()
    for (place, stuff), kg in opening.items():
        if place.owner in wanted and (not material or stuff == material) and kg:
            line(place, stuff).opening_kg += kg
    for place, stuff, word, sign, kg in _moved(flows.of_material(material)):
        if place.owner in wanted:
            target = line(place, stuff)
            (target.ins if sign > 0 else target.outs)[word] += kg
    _add_shortages(lines, flows, opening, books.negative)
    order = {"site": 0, "yard": 1, "transit": 2}
    return sorted(lines.values(), key=lambda b: (b.enterprise, b.material, order[b.compartment]))


def _add_shortages(
    lines: Mapping[tuple[str, str, str], Balance],
    flows: FlowSums,
    opening: StockSums,
    negative: Iterable[tuple[Place, str]],
) -> None:
    """New debt of each place (book below zero) minus debt settled, per line."""
    names = opening.names
    for stock, sign in ((closing_of(flows, opening), 1), (opening, -1)):
        below = np.flatnonzero(stock.kg < 0)
        columns = stock.place[below], stock.material[below], -sign * stock.kg[below]
        for number, stuff, kg in zip(*(column.tolist() for column in columns), strict=True):
            place = names.places[number]
            key = place.owner, names.materials[stuff], COMPARTMENTS[place.kind]
            if key in lines:
                lines[key].shortage_kg += kg
    for place, code in negative:
        key = place.owner, code, COMPARTMENTS[place.kind]
        if key in lines:
            lines[key].negative = True


def _moved(flows: FlowSums) -> Iterator[tuple[Place, str, str, int, int]]:
    """(holding place, material, word, +1 in / -1 out, kg) of flows, one place for all of a line.

    What a word depends on is the kinds of both ends and whether a road leads back to its consignor.
    """
    names = flows.names
    first, second = names.ends
    home = (first == second).astype(np.int64)
    flows = flows.only(flows.source != flows.target)
    kinds = names.kinds
    for end, other, sign, word in (
        (flows.target, flows.source, 1, _in_word),
        (flows.source, flows.target, -1, _out_word),
    ):
        held = np.flatnonzero(names.holding[end])
        key = first[end], kinds[end], flows.material, kinds[other], home[flows.source]
        groups = groups_of([column[held] for column in key])
        rows = held[groups.first]
        source, target = flows.source[rows], flows.target[rows]
        told = end[rows], flows.material[rows], kinds[source], kinds[target], home[source]
        kilograms = groups.sums(flows.kg[held])
        columns = (column.tolist() for column in (*told, kilograms))
        words: dict[tuple[int, int, int], str] = {}
        for place, stuff, sent, got, back, kg in zip(*columns, strict=True):
            if (sent, got, back) not in words:
                words[sent, got, back] = word(PlaceKind(sent), PlaceKind(got), bool(back))
            yield names.places[place], names.materials[stuff], words[sent, got, back], sign, kg


def _in_word(source: PlaceKind, target: PlaceKind, back: bool) -> str:
    """What an inflow is called: generation, received, to_yard, dispatched, redirected, …

    back: whether the road it came by leads back to its consignor.
    """
    if source is PlaceKind.TRANSIT:
        if target is PlaceKind.TRANSIT:
            return "redirected"
        return "returned" if back else "received"
    if source is PlaceKind.YARD:
        return "from_yard"
    if source is PlaceKind.SITE:
        return "dispatched" if target is PlaceKind.TRANSIT else "to_yard"
    return Place(source).word


def _out_word(source: PlaceKind, target: PlaceKind, back: bool) -> str:
    """What an outflow is called: use, disposal, dispatched, accepted, to_yard, …"""
    if target is PlaceKind.TRANSIT:
        return "redirected" if source is PlaceKind.TRANSIT else "dispatched"
    if target is PlaceKind.YARD:
        return "to_yard"
    if target is PlaceKind.SITE:
        if source is PlaceKind.YARD:
            return "from_yard"
        return "returned" if back else "accepted"
    return Place(target).word


def total_balance(lines: Iterable[Balance]) -> Balance:
    """Sum of all lines (movements between their places stand on both sides)."""
    total = Balance("", "", "")
    for line in lines:
        total.opening_kg += line.opening_kg
        total.shortage_kg += line.shortage_kg
        total.negative = total.negative or line.negative
        for word, kg in line.ins.items():
            total.ins[word] += kg
        for word, kg in line.outs.items():
            total.outs[word] += kg
    return total
