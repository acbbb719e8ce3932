"""The registry as plain data: regions, parks, enterprises, facilities, materials, routes, targets.

Answers who lies in what (a park includes its sub-parks, a region everything below it) without a
database.  Codes are the keys; "" means none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import TypeVar

from msgspec import Struct

from wasteflow.core.errors import InvalidValue, NotFound
from wasteflow.core.vocabulary import Fate

NO_PARK, NO_REGION = "park:none", "region:none"


class Region(Struct, frozen=True):
    """Administrative region (GB/T 2260 code)."""

    code: str
    name_zh: str
    name_en: str
    parent: str = ""


class Park(Struct, frozen=True):
    """Park or sub-park; position in WGS 84 degrees; `boundary` GeoJSON geometry text or ""."""

    code: str
    name_zh: str
    name_en: str
    parent: str = ""
    region: str = ""
    level: str = "other"
    lon: float | None = None
    lat: float | None = None
    precision_km: str = ""
    boundary: str = ""
    source: str = ""


class Enterprise(Struct, frozen=True):
    """Enterprise; `external` firms stand outside the books."""

    code: str
    name_zh: str
    name_en: str
    uscc: str = ""
    park: str = ""
    region: str = ""
    industry: str = ""
    external: bool = False
    aliases: str = ""
    lon: float | None = None
    lat: float | None = None
    precision_km: str = ""
    source: str = ""


class Material(Struct, frozen=True):
    """A waste, or a product with `is_waste` false."""

    code: str
    name_zh: str
    name_en: str
    waste_code: str = ""
    waste_class: str = ""
    is_waste: bool = True
    verified: bool = False
    source: str = ""


class Route(Struct, frozen=True):
    """What can be done with a material; `materials` empty = any ("*")."""

    code: str
    name_zh: str
    name_en: str
    fate: str
    materials: frozenset[str] = frozenset()
    standard: str = ""
    conditional: bool = False
    condition: str = ""
    source: str = ""

    def fits(self, material: str) -> bool:
        """True if the route may take `material`."""
        return not self.materials or material in self.materials


class Facility(Struct, frozen=True):
    """Plant, yard or landfill of an enterprise (or a planned project without one)."""

    code: str
    kind: str
    name: str = ""
    enterprise: str = ""
    park: str = ""
    materials: frozenset[str] = frozenset()
    routes: frozenset[str] = frozenset()
    capacity_kg_per_year: int | None = None
    status: str = ""
    source: str = ""
    valid_from: date | None = None
    valid_to: date | None = None

    def valid_on(self, day: date) -> bool:
        """True if `day` lies in the permit; an end that is not stated is open."""
        begun = self.valid_from is None or self.valid_from <= day
        return begun and (self.valid_to is None or day <= self.valid_to)


class Target(Struct, frozen=True):
    """A policy target; `value` is decimal text ("" when qualitative)."""

    code: str
    scope: str
    materials: tuple[str, ...]
    metric: str
    operator: str = ""
    value: str = ""
    unit: str = ""
    year: int | None = None
    baseline_year: int | None = None
    baseline_value: str = ""
    binding: str = ""
    coverage_complete: bool = False
    source: str = ""


class Filing(Struct, frozen=True):
    """Cross-province filing or approval; empty fields = any."""

    code: str
    from_region: str = ""
    to_region: str = ""
    enterprise: str = ""
    materials: frozenset[str] = frozenset()
    quota_kg: int | None = None
    valid_from: date | None = None
    valid_to: date | None = None
    document: str = ""


@dataclass(frozen=True)
class Registry:
    """Everything registered, by code."""

    regions: Mapping[str, Region] = field(default_factory=dict)
    parks: Mapping[str, Park] = field(default_factory=dict)
    enterprises: Mapping[str, Enterprise] = field(default_factory=dict)
    facilities: Mapping[str, Facility] = field(default_factory=dict)
    materials: Mapping[str, Material] = field(default_factory=dict)
    routes: Mapping[str, Route] = field(default_factory=dict)
    targets: Mapping[str, Target] = field(default_factory=dict)
    filings: Mapping[str, Filing] = field(default_factory=dict)

    def park_of(self, enterprise: str) -> str:
        """Park code of a firm, "" if none."""
        return self.enterprises[enterprise].park

    def region_of(self, enterprise: str) -> str:
        """Region code of a firm; a blank one is that of its park or the next park above."""
        firm = self.enterprises[enterprise]
        if firm.region:
            return firm.region
        for park in chain(firm.park, self.parks):
            if self.parks[park].region:
                return self.parks[park].region
        return ""

    def parks_up(self, park: str) -> list[str]:
        """`park` and the parks above it."""
        return chain(park, self.parks)

    def regions_up(self, region: str) -> list[str]:
        """`region` and the regions above it."""
        return chain(region, self.regions)

    @cached_property
    def facilities_of(self) -> dict[str, list[Facility]]:
        """Enterprise code → its facilities in order of code."""
        found: dict[str, list[Facility]] = {}
        for facility in sorted(self.facilities.values(), key=lambda item: item.code):
            found.setdefault(facility.enterprise, []).append(facility)
        return found

    @cached_property
    def use_routes(self) -> dict[str, list[Route]]:
        """Material → the routes of use that fit it, in order of code."""
        using = [item for _, item in sorted(self.routes.items()) if item.fate == Fate.USE]
        return {code: [item for item in using if item.fits(code)] for code in self.materials}

    def in_scope(self, scope: str) -> frozenset[str]:
        """Codes of the enterprises of `all`, `region:…`, `park:…` or `enterprise:…`.

        Raises InvalidValue `bad_scope`, NotFound `unknown_code`.
        """
        word, _, code = scope.partition(":")
        if scope == "all":
            return frozenset(self.enterprises)
        if word == "enterprise":
            self._known("enterprise", code, self.enterprises)
            return frozenset({code})
        if word == "park":
            self._known("park", code, self.parks)
            return self._firms_in_parks.get(code, frozenset())
        if word == "region":
            self._known("region", code, self.regions)
            return self._firms_in_regions.get(code, frozenset())
        raise InvalidValue("bad_scope", value=scope)

    @cached_property
    def _firms_in_parks(self) -> dict[str, frozenset[str]]:
        """Park → the firms in it and in the parks below it: pages ask for a hundred scopes."""
        return _gathered(self.enterprises, self.park_of, self.parks_up)

    @cached_property
    def _firms_in_regions(self) -> dict[str, frozenset[str]]:
        """Region → the firms in it and in the regions below it."""
        return _gathered(self.enterprises, self.region_of, self.regions_up)

    def name_of_scope(self, scope: str, lang: str) -> str:
        """The name of a scope in a language; its own text if it names nothing registered.

        >>> Registry(regions={"5": Region("5", "云南省", "Yunnan")}).name_of_scope("region:5", "en")
        'Yunnan'
        """
        word, _, code = scope.partition(":")
        tables: dict[str, Mapping[str, Region | Park | Enterprise]] = {
            "region": self.regions,
            "park": self.parks,
            "enterprise": self.enterprises,
        }
        item = tables.get(word, {}).get(code)
        if item is None:
            return {"zh": "全部", "en": "everything"}[lang] if scope == "all" else scope
        names = (item.name_en, item.name_zh) if lang == "en" else (item.name_zh, item.name_en)
        return names[0] or names[1] or item.code

    @staticmethod
    def _known(what: str, code: str, table: Mapping[str, object]) -> None:
        if code not in table:
            raise NotFound("unknown_code", what=what, value=code)


def _gathered(
    firms: Iterable[str], place_of: Callable[[str], str], up: Callable[[str], list[str]]
) -> dict[str, frozenset[str]]:
    """Every place → the firms that lie in it or below it."""
    here: dict[str, set[str]] = {}
    for firm in firms:
        here.setdefault(place_of(firm), set()).add(firm)
    found: dict[str, set[str]] = {}
    for place, some in here.items():
        for above in up(place):
            found.setdefault(above, set()).update(some)
    return {place: frozenset(all_) for place, all_ in found.items()}


def chain(code: str, table: Mapping[str, Park] | Mapping[str, Region]) -> list[str]:
    """`code` and its ancestors in `table`, nearest first; stops at an unknown code or a cycle."""
    found: list[str] = []
    while code and code in table and code not in found:
        found.append(code)
        code = table[code].parent
    return found


def cycle_in(parents: Mapping[str, str]) -> list[str]:
    """Codes whose chain of parents returns to itself, sorted; [] if there are none."""
    bad: set[str] = set()
    for start in parents:
        seen = {start}
        code = parents.get(start, "")
        while code and code not in seen:
            seen.add(code)
            code = parents.get(code, "")
        if code == start:
            bad.add(start)
    return sorted(bad)


_T = TypeVar("_T", Region, Park, Enterprise, Facility, Material, Route, Target, Filing)


def by_code(items: Iterable[_T]) -> dict[str, _T]:
    """Code → item in order of code."""
    return {item.code: item for item in sorted(items, key=lambda item: item.code)}
