"""What a tonne costs on its way and where it ends, from coefficients; no default in the code.

    net cost = freight + treatment - gate value - avoided storage           (CNY per tonne)
    break-even road distance = (gate value + avoided storage - treatment) / price per t·km

Kinds of coefficient read (driver in order of preference; the operator's own row comes first):
`freight_price`, `freight_base` (`road`, `road:general_cargo:<50km` below 50 km,
`road:general_cargo`), `detour` (`road`, then any), `co2` (`road`, `road:diesel_30t`),
`economic_radius` (`road`, `road:raw`), `road_distance` (`from>to`), and `gate_value`,
`treatment_cost`, `storage_cost` (a receiver's code, a route's code, `*`).  A coefficient for the
material comes before one for any.  Source of the seeded ones: 2-domain section 8.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import Final

from msgspec import Struct

from wasteflow.core.coefficients import Coefficient

SHORT_HAUL_KM: Final = 50
FEN: Final = 100
KINDS: Final = (
    "freight_price",
    "freight_base",
    "detour",
    "co2",
    "economic_radius",
    "road_distance",
    "gate_value",
    "treatment_cost",
    "storage_cost",
)
"""Kinds of coefficient that say what a link costs."""


def typical(item: Coefficient) -> Fraction | None:
    """The typical value, else the middle of both ends, else the end that is known.

    >>> float(typical(Coefficient("c", "k", "", "d", low=Fraction(1), high=Fraction(2))))
    1.5
    """
    if item.typical is not None:
        return item.typical
    ends = [end for end in (item.low, item.high) if end is not None]
    return sum(ends, Fraction(0)) / len(ends) if ends else None


class Cost(Struct, frozen=True):
    """A tonne over one link; money in fen, None = no coefficient says it (counted as 0).

    `net_fen` is the sum of what is known; `unpriced` names what is not.
    """

    freight_fen: int | None
    treatment_fen: int | None
    gate_fen: int | None
    storage_fen: int | None
    co2_g: int | None

    @property
    def net_fen(self) -> int:
        """Freight + treatment - gate value - avoided storage, unknown parts 0."""
        paid = (self.freight_fen or 0) + (self.treatment_fen or 0)
        return paid - (self.gate_fen or 0) - (self.storage_fen or 0)

    @property
    def unpriced(self) -> tuple[str, ...]:
        """Names of the unknown parts."""
        parts = ("freight", "treatment", "gate", "storage")
        return tuple(name for name in parts if getattr(self, f"{name}_fen") is None)


class Prices:
    """Coefficients by what they say; asks are answered by the first that fits.

    has_distances: the operator gives road distances; straight_factor: road kilometres per kilometre
    of the straight line where he gives none.
    """

    def __init__(self, coefficients: Iterable[Coefficient]) -> None:
        self._found: dict[tuple[str, str, str], Coefficient] = {}
        for item in sorted(coefficients, key=lambda item: item.code):
            if item.kind in KINDS and typical(item) is not None:
                self._found.setdefault((item.kind, item.driver, item.material), item)
        self._haul: dict[bool, tuple[float | None, float, float | None]] = {}
        self._at: dict[tuple[str, str, str], tuple[int | None, int | None, int | None]] = {}
        detours = [item for key, item in sorted(self._found.items()) if key[0] == "detour"]
        self._detour = self.of("detour", ("road",)) or next(iter(detours), None)
        self.straight_factor = float(_value(self._detour)) or 1.0 if self._detour else 1.0
        self.has_distances = any(key[0] == "road_distance" for key in self._found)

    def of(self, kind: str, drivers: Sequence[str], material: str = "") -> Coefficient | None:
        """The coefficient of a kind for the first of `drivers` that has one."""
        for driver in drivers:
            for stuff in (material, "") if material else ("",):
                found = self._found.get((kind, driver, stuff))
                if found is not None:
                    return found
        return None

    def detour(self) -> Coefficient | None:
        """Road kilometres per kilometre of the straight line."""
        return self._detour

    def road_km(self, giver: str, taker: str, straight_km: float | None) -> float | None:
        """Road distance: the operator's table either way, else the line times the detour."""
        known = self.given_km(giver, taker)
        if known is not None:
            return known
        return None if straight_km is None else straight_km * self.straight_factor

    def given_km(self, giver: str, taker: str) -> float | None:
        """Road distance of the operator's table, either way; None if it holds none."""
        if not self.has_distances:
            return None
        known = self.of("road_distance", (f"{giver}>{taker}", f"{taker}>{giver}"))
        return None if known is None else float(_value(known))

    def freight_row(self, km: float) -> Coefficient | None:
        """The price per tonne-kilometre on the road over a distance."""
        short = ("road:general_cargo:<50km",) if km < SHORT_HAUL_KM else ()
        return self.of("freight_price", ("road", *short, "road:general_cargo"))

    def radius(self, material: str) -> Coefficient | None:
        """How far a material is worth hauling by rule of thumb; its high end is the limit."""
        for driver in ("road", "road:raw"):
            found = self._found.get(("economic_radius", driver, material))
            if found is not None:
                return found
        return None

    def cost(self, material: str, route: str, taker: str, km: float) -> Cost:
        """A tonne of `material` by road over `km` into `route` at the firm `taker`."""
        short = km < SHORT_HAUL_KM
        if short not in self._haul:
            row, base = self.freight_row(km), self.of("freight_base", ("road",))
            co2 = self.of("co2", ("road", "road:diesel_30t"))
            self._haul[short] = (
                None if row is None else float(_value(row)) * FEN,
                float(_value(base)) * FEN if base else 0.0,
                None if co2 is None else float(_value(co2)) * 1000,
            )
        price, base_fen, grams = self._haul[short]
        at = self._at.get((material, route, taker))
        if at is None:
            where = (taker, route, "*")
            at = self._at[material, route, taker] = (
                self._fen("treatment_cost", where, material),
                self._fen("gate_value", where, material),
                self._fen("storage_cost", ("*",), material),
            )
        freight = None if price is None else round(price * km + base_fen)
        return Cost(freight, *at, None if grams is None else round(grams * km))

    def priced(self, material: str) -> bool:
        """True if some link of a material could be judged by its whole cost."""
        kinds = {key[0] for key in self._found if key[2] in ("", material)}
        return {"gate_value", "treatment_cost", "storage_cost"} <= kinds

    def break_even_km(self, material: str, route: str, taker: str) -> float | None:
        """Road distance at which a link costs nothing; None if a part of it is unknown.

        (gate value + avoided storage - treatment - base freight) / price; negative: not even next
        door.  `radius` tells the cases apart.
        """
        here = self.cost(material, route, taker, SHORT_HAUL_KM)
        price = self.freight_row(SHORT_HAUL_KM)
        if here.unpriced or price is None or not _value(price):
            return None
        gain = (here.gate_fen or 0) + (here.storage_fen or 0) - (here.treatment_fen or 0)
        return float((Fraction(gain, FEN) - self.base()) / _value(price))

    def values(self, material: str, route: str, taker: str) -> dict[str, Fraction | None]:
        """Yuan per tonne of `gate`, `storage` and `treatment`; None = no coefficient says it."""
        at = (taker, route, "*") if taker else (route, "*")
        rows = {
            "gate": self.of("gate_value", at, material),
            "storage": self.of("storage_cost", ("*",), material),
            "treatment": self.of("treatment_cost", at, material),
        }
        return {name: None if row is None else _value(row) for name, row in rows.items()}

    def base(self) -> Fraction:
        """Yuan per tonne of a haul whatever its length; 0 if none is registered."""
        row = self.of("freight_base", ("road",))
        return Fraction(0) if row is None else _value(row)

    def drivers(self, *kinds: str) -> set[str]:
        """What coefficients of some kinds stand for: receivers, routes, `*`."""
        return {driver for kind, driver, _ in self._found if kind in kinds}

    def _fen(self, kind: str, drivers: Sequence[str], material: str) -> int | None:
        found = self.of(kind, drivers, material)
        return None if found is None else round(_value(found) * FEN)


def yuan_of(item: Coefficient) -> Fraction:
    """The value a coefficient of `Prices` is reckoned with."""
    return _value(item)


def _value(item: Coefficient) -> Fraction:
    found = typical(item)
    assert found is not None
    return found
