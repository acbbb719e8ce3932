"""Break-even road distance of a material and route: how far a tonne may go before it costs.

    gain     = gate value + avoided storage - treatment                   (CNY per tonne)
    distance = (gain - base freight) / price per tonne-kilometre           (road kilometres)

The delivered-price argument of location theory (A. Weber, 1909), as used for fly ash and gypsum
haul distances.  Prices are the operator's coefficients; nothing is assumed.  Below 50 km the
short-haul price holds, so the distance is the larger of the two solutions that lie in their range.
"""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from typing import Any, Final

from msgspec import Struct

from wasteflow.core.registry import Registry
from wasteflow.core.symbiosis.books import routes_of
from wasteflow.core.symbiosis.prices import FEN, SHORT_HAUL_KM, Prices, typical, yuan_of
from wasteflow.core.vocabulary import Fate

REACHES, NEVER, ALWAYS, UNKNOWN = "reaches", "never", "always", "unknown"
"""It pays up to a distance; not even next door; at any (haulage is free); a price lacks."""
PARTS: Final = ("freight", "gate", "storage", "treatment")


class Radius(Struct, frozen=True):
    """`road_km` where the answer is REACHES; `missing`: the prices that lack where it is UNKNOWN.

    `line_km`: the same as a radius on the map, the road distance divided by the detour factor.
    """

    material: str
    route: str
    taker: str
    answer: str
    road_km: float | None = None
    line_km: float | None = None
    missing: tuple[str, ...] = ()
    gain: Fraction | None = None


def break_even(prices: Prices, material: str, route: str, taker: str = "") -> Radius:
    """How far it pays to haul `material` into `route` at the firm `taker` ("" = any firm)."""
    near, far = (prices.freight_row(km) for km in (0, SHORT_HAUL_KM))
    values = prices.values(material, route, taker)
    gaps = {"freight": near is None or far is None, **{k: v is None for k, v in values.items()}}
    missing = tuple(part for part in PARTS if gaps[part])
    if missing or near is None or far is None:
        return Radius(material, route, taker, UNKNOWN, missing=missing)
    known = {name: value or Fraction(0) for name, value in values.items()}
    gain = known["gate"] + known["storage"] - known["treatment"]
    left = gain - prices.base()
    short, long = (yuan_of(row) for row in (near, far))
    if left < 0:
        return Radius(material, route, taker, NEVER, gain=gain)
    if long == 0:
        return Radius(material, route, taker, ALWAYS, gain=gain)
    km = left / long
    if km < SHORT_HAUL_KM:
        km = min(left / short, Fraction(SHORT_HAUL_KM)) if short else Fraction(SHORT_HAUL_KM)
    detour = prices.detour()
    factor = (typical(detour) or Fraction(1)) if detour else Fraction(1)
    return Radius(
        material, route, taker, REACHES, float(km), float(km / factor), gain=gain
    )  # fmt: skip


def radii(registry: Registry, prices: Prices, material: str = "") -> tuple[Radius, ...]:
    """One per waste and use route, and one more per receiver with a price of its own."""
    found = []
    priced = sorted(prices.drivers("gate_value", "treatment_cost") & set(registry.enterprises))
    for code, item in sorted(registry.materials.items()):
        if not item.is_waste or material not in ("", code):
            continue
        for name, route in sorted(registry.routes.items()):
            if route.fate == Fate.USE and route.fits(code):
                found.append(break_even(prices, code, name))
                found += [
                    break_even(prices, code, name, firm)
                    for firm in priced
                    if _takes(registry, firm, code, name)
                ]
    return tuple(found)


def widest(found: Iterable[Radius]) -> dict[str, Radius]:
    """Material → the radius of its best route that holds for any receiver."""
    best: dict[str, Radius] = {}
    for item in found:
        if item.taker or item.answer != REACHES:
            continue
        held = best.get(item.material)
        if held is None or (item.road_km or 0) > (held.road_km or 0):
            best[item.material] = item
    return best


def radius_row(item: Radius) -> dict[str, Any]:
    """A row of the report; `gain` in yuan per tonne as a decimal string."""
    return {
        "material": item.material,
        "route": item.route,
        "to": item.taker,
        "answer": item.answer,
        "road_km": None if item.road_km is None else round(item.road_km, 1),
        "line_km": None if item.line_km is None else round(item.line_km, 1),
        "gain": None if item.gain is None else f"{round(item.gain * FEN) / FEN:.2f}",
        "missing": list(item.missing),
    }


def _takes(registry: Registry, firm: str, material: str, route: str) -> bool:
    return any(
        route in routes_of(registry, item).get(material, ())
        for _, item in sorted(registry.facilities.items())
        if item.enterprise == firm and item.kind == Fate.USE
    )
