"""Which cross-province filing covers a link, and what of its quota is used."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from wasteflow.core.books import FlowSum
from wasteflow.core.periods import Period
from wasteflow.core.places import PlaceKind
from wasteflow.core.registry import Filing, Registry
from wasteflow.core.rules import PROVINCE_DIGITS


class Filings:
    """Which filing covers a border on a day, and what of its quota was used."""

    def __init__(self, registry: Registry, day: date) -> None:
        self._registry, self._day = registry, day
        self._known: dict[tuple[str, str, str], str | None] = {}
        self._provinces: dict[str, str] = {}

    def of(self, giver: str, taker: str, material: str) -> str | None:
        """Code of the filing, "" where no border is crossed that could be known, else None."""
        ends = self.province(giver), self.province(taker)
        if not all(ends) or ends[0] == ends[1]:
            return ""
        key = giver, ends[1], material
        if key not in self._known:
            covering = (
                item.code
                for _, item in sorted(self._registry.filings.items())
                if self._covers(item, giver, ends, material)
            )
            self._known[key] = next(covering, None)
        return self._known[key]

    def province(self, code: str) -> str:
        """The two digits of the province of a firm, or of the park of a project without a firm."""
        found = self._provinces.get(code)
        if found is None:
            registry = self._registry
            if code in registry.enterprises:
                region = registry.region_of(code)
            else:
                facility = registry.facilities.get(code)
                parks = registry.parks_up(facility.park) if facility else []
                region = next(
                    (registry.parks[p].region for p in parks if registry.parks[p].region), ""
                )
            found = self._provinces[code] = region[:PROVINCE_DIGITS]
        return found

    def used_kg(self, filing: Filing, sums: Iterable[FlowSum]) -> int:
        """Accepted kilograms of flows that a filing covers."""
        return sum(
            flow.kg
            for flow in sums
            if flow.source.kind is PlaceKind.TRANSIT
            and flow.target.kind is PlaceKind.SITE
            and self._covers(
                filing,
                flow.source.a,
                (self.province(flow.source.a), self.province(flow.target.owner)),
                flow.material,
                always=True,
            )
        )

    def _covers(
        self,
        filing: Filing,
        giver: str,
        ends: tuple[str, str],
        material: str,
        always: bool = False,
    ) -> bool:
        sides = zip((filing.from_region, filing.to_region), ends, strict=True)
        return (
            all(not region or region[:PROVINCE_DIGITS] == end for region, end in sides)
            and ends[0] != ends[1]
            and filing.enterprise in ("", giver)
            and (not filing.materials or material in filing.materials)
            and (always or filing.valid_from is None or filing.valid_from <= self._day)
            and (always or filing.valid_to is None or self._day <= filing.valid_to)
        )


def months_of(filing: Filing, period: Period) -> tuple[int, int]:
    """First and last month a filing holds, to the end of the period at most."""
    first = filing.valid_from.year * 100 + filing.valid_from.month if filing.valid_from else 0
    return first, period.last
