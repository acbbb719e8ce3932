"""What a scenario changes: typed blocks, read from plain data and written back; pure.

    {"kind": "add", "name", "enterprise" or "park", "materials", "routes", "capacity_t", "from",
     "lon", "lat", "code", "source"}        a facility is put into operation
    {"kind": "close", "facility" or "enterprise", "from"}
    {"kind": "resize", "facility", "capacity_t", "from"}
    {"kind": "price", "price", "driver", "material", "value"}      RMB/t, RMB/t·km, kg/t·km, 1
    {"kind": "target", "target", "value"}                          in the target's own unit
    {"kind": "growth", "enterprise", "material", "percent"}        of generation, a year

`add` with the code of a registered project puts that one into operation.  Months count whole: a
facility works from the month of `from` on, one that closes stops with it; blank = all along.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final

from msgspec import Struct

from wasteflow.core.errors import FieldIssue, FieldsRefused, WasteflowError
from wasteflow.core.registry import Registry
from wasteflow.core.symbiosis.prices import KINDS as PRICE_KINDS
from wasteflow.core.units import decimal_from_text, kg_from_tonnes, tonnes_text
from wasteflow.core.vocabulary import Fate

MOST_BLOCKS: Final = 40
LONGEST: Final = 200
LEAST_PERCENT, MOST_PERCENT = Fraction(-50), Fraction(100)
PRICES: Final = tuple(kind for kind in PRICE_KINDS if kind != "road_distance")


class Add(Struct, frozen=True):
    """A use facility put into operation; position (lon, lat) of its own, or that of its place."""

    name: str
    materials: tuple[str, ...]
    capacity_kg: int
    enterprise: str = ""
    park: str = ""
    routes: tuple[str, ...] = ()
    start: date | None = None
    lon: float | None = None
    lat: float | None = None
    code: str = ""
    source: str = ""


class Close(Struct, frozen=True):
    """A facility, or everything a firm uses, stops."""

    facility: str = ""
    enterprise: str = ""
    start: date | None = None


class Resize(Struct, frozen=True):
    """A facility has another capacity a year."""

    facility: str
    capacity_kg: int
    start: date | None = None


class Price(Struct, frozen=True):
    """A coefficient of cost has another value; `driver` and `material` as registered."""

    price: str
    value: Fraction
    driver: str
    material: str = ""


class Goal(Struct, frozen=True):
    """A target has another value, in its own unit."""

    target: str
    value: str


class Growth(Struct, frozen=True):
    """Generation grows by a percentage a year; blank = every firm, every material."""

    percent: Fraction
    enterprise: str = ""
    material: str = ""


Block = Add | Close | Resize | Price | Goal | Growth
KINDS: Final[Mapping[str, type[Block]]] = {
    "add": Add,
    "close": Close,
    "resize": Resize,
    "price": Price,
    "target": Goal,
    "growth": Growth,
}
FIELDS: Final[Mapping[str, tuple[str, ...]]] = {
    "add": (
        "code", "name", "enterprise", "park", "materials", "routes", "capacity_t", "from", "lon",
        "lat", "source",
    ),
    "close": ("facility", "enterprise", "from"),
    "resize": ("facility", "capacity_t", "from"),
    "price": ("price", "driver", "material", "value"),
    "target": ("target", "value"),
    "growth": ("enterprise", "material", "percent"),
}  # fmt: skip


def kind_of(block: Block) -> str:
    """The word of a block's kind."""
    return next(word for word, made in KINDS.items() if isinstance(block, made))


def read_blocks(given: Sequence[Mapping[str, Any]], registry: Registry) -> tuple[Block, ...]:
    """Typed blocks, checked against the registry.

    Raises FieldsRefused with a pointer to each field (`/blocks/2/capacity_t`).
    """
    issues: list[FieldIssue] = []
    if len(given) > MOST_BLOCKS:
        raise FieldsRefused([FieldIssue("/blocks", "too_many_blocks", {"limit": str(MOST_BLOCKS)})])
    found = []
    for number, item in enumerate(given):
        reader = _Reader(number, item, registry)
        block = reader.block()
        issues += reader.issues
        if block is not None and not reader.issues:
            found.append(block)
    if issues:
        raise FieldsRefused(issues)
    return tuple(found)


class _Reader:
    """One block's fields; every fault becomes an issue and reading goes on."""

    def __init__(self, number: int, given: Mapping[str, Any], registry: Registry) -> None:
        self._number, self._given, self._registry = number, given, registry
        self.issues: list[FieldIssue] = []

    def block(self) -> Block | None:
        """The block, None if its kind is unknown; it holds only if there are no issues."""
        kind = self._text("kind")
        if kind not in FIELDS:
            self._fault("kind", "bad_block_kind", value=kind, known=" ".join(FIELDS))
            return None
        for name in self._given:
            if name not in ("kind", *FIELDS[kind]):
                self._fault(name, "field_unknown", value=name, known=" ".join(FIELDS[kind]))
        made: dict[str, Callable[[], Block]] = {
            "add": self._add,
            "close": self._close,
            "resize": lambda: Resize(self._use_facility(), self._capacity(), self._day()),
            "price": self._price,
            "target": self._goal,
            "growth": lambda: Growth(
                self._number_of("percent", LEAST_PERCENT, MOST_PERCENT),
                self._known("enterprise", self._registry.enterprises, blank=True),
                self._known("material", self._registry.materials, blank=True),
            ),
        }
        return made[kind]()

    def _add(self) -> Add:
        known = self._registry.facilities.get(self._text("code"))
        if known is not None and known.kind != Fate.USE:
            self._fault("code", "block_no_use", value=known.code)
        firm = self._known("enterprise", self._registry.enterprises, blank=True)
        park = self._known("park", self._registry.parks, blank=True)
        materials = self._codes("materials", self._registry.materials)
        if not materials:
            self._fault("materials", "missing_value")
        routes = self._codes("routes", self._registry.routes)
        for code in routes:
            route = self._registry.routes.get(code)
            if route is not None and route.fate != Fate.USE:
                self._fault("routes", "block_route_no_use", value=code)
            elif route is not None and not any(route.fits(item) for item in materials):
                self._fault("routes", "block_route_misfit", value=code)
        lon, lat = self._degrees("lon", 180), self._degrees("lat", 90)
        if (lon is None) != (lat is None):
            self._fault("lat" if lat is None else "lon", "missing_value")
        if not firm and not park and lon is None:
            self._fault("park", "block_no_place")
        return Add(
            self._text("name", need=True),
            materials,
            self._capacity(),
            firm,
            park,
            routes,
            self._day(),
            lon,
            lat,
            self._text("code"),
            self._text("source", 2000),
        )

    def _close(self) -> Close:
        firm = self._known("enterprise", self._registry.enterprises, blank=True)
        facility = "" if firm else self._use_facility()
        if firm and self._text("facility"):
            self._fault("facility", "block_two_places")
        return Close(facility, firm, self._day())

    def _price(self) -> Price:
        word = self._text("price", need=True)
        if word and word not in PRICES:
            self._fault("price", "bad_block_price", value=word, known=" ".join(PRICES))
        material = self._known("material", self._registry.materials, blank=True)
        value = self._number_of("value", Fraction(-1_000_000), Fraction(1_000_000))
        return Price(word, value, self._text("driver", need=True), material)

    def _goal(self) -> Goal:
        code = self._known("target", self._registry.targets)
        value = self._number_of("value", Fraction(0), Fraction(10**12))
        return Goal(code, _decimal(value))

    def _use_facility(self) -> str:
        code = self._known("facility", self._registry.facilities)
        item = self._registry.facilities.get(code)
        if item is not None and item.kind != Fate.USE:
            self._fault("facility", "block_no_use", value=code)
        return code

    def _fault(self, name: str, code: str, **params: str) -> None:
        self.issues.append(FieldIssue(f"/blocks/{self._number}/{name}", code, params))

    def _text(self, name: str, longest: int = LONGEST, *, need: bool = False) -> str:
        given = self._given.get(name)
        words = "" if given is None else str(given).strip()
        if len(words) > longest:
            self._fault(name, "block_too_long", limit=str(longest))
        if hidden := hidden_character(words):
            self._fault(name, "control_character", byte=hidden)
        if need and not words:
            self._fault(name, "missing_value")
        return words

    def _known(self, name: str, table: Mapping[str, object], *, blank: bool = False) -> str:
        code = self._text(name)
        if not code and not blank:
            self._fault(name, "missing_value")
        elif code and code not in table:
            self._fault(name, "unknown_code", what=name, value=code)
        return code

    def _codes(self, name: str, table: Mapping[str, object]) -> tuple[str, ...]:
        given = self._given.get(name) or ()
        listed = given.replace(",", ";").split(";") if isinstance(given, str) else given
        if not isinstance(listed, list | tuple):
            self._fault(name, "missing_value")
            return ()
        codes = sorted({str(code).strip() for code in listed} - {""})
        for code in codes:
            if code not in table:
                self._fault(name, "unknown_code", what=name, value=code)
        return tuple(codes)

    def _capacity(self) -> int:
        words = self._text("capacity_t", need=True)
        if not words:
            return 0
        try:
            kg = kg_from_tonnes(words)
        except WasteflowError as error:
            self.issues.append(
                FieldIssue(f"/blocks/{self._number}/capacity_t", error.code, error.params)
            )
            return 0
        if kg < 0:
            self._fault("capacity_t", "block_below_zero", value=words)
        return kg

    def _day(self) -> date | None:
        words = self._text("from")
        if not words:
            return None
        try:
            return date.fromisoformat(words)
        except ValueError:
            self._fault("from", "bad_block_day", value=words)
            return None

    def _number_of(self, name: str, least: Fraction, most: Fraction) -> Fraction:
        words = self._text(name, need=True)
        if not words:
            return Fraction(0)
        try:
            value = Fraction(decimal_from_text(words))
        except WasteflowError as error:
            self.issues.append(
                FieldIssue(f"/blocks/{self._number}/{name}", error.code, error.params)
            )
            return Fraction(0)
        if not least <= value <= most:
            self._fault(name, "block_out_of_range", value=words, least=str(least), most=str(most))
        return value

    def _degrees(self, name: str, most: int) -> float | None:
        if not self._text(name):
            return None
        return float(self._number_of(name, Fraction(-most), Fraction(most)))


def hidden_character(words: str) -> str:
    """The first character no database or workbook takes, as U+0000; "" if there is none.

    >>> hidden_character("two\\nlines"), hidden_character("a\\x07b")
    ('', 'U+0007')
    """
    for char in words:
        if char not in "\t\r\n" and unicodedata.category(char) in ("Cc", "Cs"):
            return f"U+{ord(char):04X}"
    return ""


def _decimal(value: Fraction) -> str:
    """A fraction that came from a decimal text, as one.

    >>> _decimal(Fraction(73, 100))
    '0.73'
    """
    number = Decimal(value.numerator) / Decimal(value.denominator)
    return format(number.normalize(), "f")


def block_row(block: Block) -> dict[str, Any]:
    """A block as plain data; `read_blocks` reads it back, blank fields are left out."""
    row: dict[str, Any] = {"kind": kind_of(block)}
    match block:
        case Add():
            row |= {
                "code": block.code,
                "name": block.name,
                "enterprise": block.enterprise,
                "park": block.park,
                "materials": list(block.materials),
                "routes": list(block.routes),
                "capacity_t": tonnes_text(block.capacity_kg),
                "from": _day(block.start),
                "lon": block.lon,
                "lat": block.lat,
                "source": block.source,
            }
        case Close():
            row |= {"facility": block.facility, "enterprise": block.enterprise}
            row["from"] = _day(block.start)
        case Resize():
            row |= {"facility": block.facility, "capacity_t": tonnes_text(block.capacity_kg)}
            row["from"] = _day(block.start)
        case Price():
            row |= {"price": block.price, "driver": block.driver, "material": block.material}
            row["value"] = _decimal(block.value)
        case Goal():
            row |= {"target": block.target, "value": block.value}
        case Growth():
            row |= {"enterprise": block.enterprise, "material": block.material}
            row["percent"] = _decimal(block.percent)
    return {name: value for name, value in row.items() if value not in ("", None, [])}


def _day(day: date | None) -> str:
    return day.isoformat() if day else ""


def block_rows(blocks: Iterable[Block]) -> list[dict[str, Any]]:
    """Blocks as plain data."""
    return [block_row(block) for block in blocks]
