"""What a load or an entry must satisfy against the registry (4-contract 4.5), as pure functions.

Each returns nothing or a code; the caller decides on the row it belongs to.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Final

from msgspec import Struct

from wasteflow.core.registry import Facility, Registry, Route
from wasteflow.core.units import dry_from_wet
from wasteflow.core.vocabulary import Fate, Named

CAP_KG = {"road": 35_000}
"""Payload cap per mode and trip; modes not named have none."""
PROVINCE_DIGITS = 2
REGION_DIGITS = 6


class Tolerance(Struct, frozen=True):
    """Received against dispatched weight, in thousandths of a percent of the dispatched one.

    Above `reason` a reason is asked, above `dispute` the load is disputed; both are settings.
    Source of 10 %: US 40 CFR 264.72, the only published rule between two parties.
    """

    reason: int = 2_000
    dispute: int = 10_000


USUAL_TOLERANCE: Final = Tolerance()
"""2 % and 10 % (4-contract 4.5), where no setting says otherwise."""
WHOLE: Final = 100_000
"""100 % in thousandths of a percent."""


def cap_breach(mode: str, kg: int, trips: int) -> str:
    """ "over_twice_cap" (refused), "over_cap" (finding) or ""."""
    cap = CAP_KG.get(mode)
    if cap is None or kg <= cap * trips:
        return ""
    return "over_twice_cap" if kg > 2 * cap * trips else "over_cap"


def weight_gap(
    dispatched_kg: int,
    received_kg: int,
    moisture: int | None,
    received_moisture: int | None,
    tolerance: Tolerance = USUAL_TOLERANCE,
) -> str:
    """ "disputed", "reason" or "" by the tolerance: compared dry if both moistures are known.

    Masses are wet kilograms, moistures thousandths of a percent.
    """
    gap, whole = _compared(dispatched_kg, received_kg, moisture, received_moisture)
    if gap * WHOLE > tolerance.dispute * whole:
        return "disputed"
    return "reason" if gap * WHOLE > tolerance.reason * whole else ""


def gap_percent(
    dispatched_kg: int, received_kg: int, moisture: int | None, received_moisture: int | None
) -> str:
    """The difference `weight_gap` judges, as a percentage of the dispatched mass ("12.5")."""
    gap, whole = _compared(dispatched_kg, received_kg, moisture, received_moisture)
    return f"{gap / whole * 100:.1f}" if whole else "?"


def _compared(
    dispatched_kg: int, received_kg: int, moisture: int | None, received_moisture: int | None
) -> tuple[int, int]:
    """(difference, dispatched) in kilograms on one basis."""
    if moisture is not None and received_moisture is not None:
        dispatched_kg = dry_from_wet(dispatched_kg, moisture)
        received_kg = dry_from_wet(received_kg, received_moisture)
    return abs(received_kg - dispatched_kg), dispatched_kg


def route_at_receiver(route: Route, material: str, facilities: Sequence[Facility]) -> str:
    """ "" if a receiving facility takes the route, "unregistered" if there is none, else "unfit".

    Generation facilities receive nothing and do not count; a transfer to a trader needs none.
    """
    if route.fate == Fate.TRANSFER:
        return ""
    receiving = [item for item in facilities if item.kind != "generation"]
    if not receiving:
        return "unregistered"
    return "" if any(takes(item, route, material) for item in receiving) else "unfit"


def takes(facility: Facility, route: Route, material: str) -> bool:
    """True if a facility is registered for the material and the route (or its fate)."""
    if facility.kind == "generation" or (facility.materials and material not in facility.materials):
        return False
    return route.code in facility.routes or (not facility.routes and facility.kind == route.fate)


def expired_permit(
    route: Route, material: str, facilities: Sequence[Facility], day: date
) -> Facility | None:
    """The facility that takes the route but was not permitted on `day`; None if another was."""
    fitting = [item for item in facilities if takes(item, route, material)]
    if not fitting or any(item.valid_on(day) for item in fitting):
        return None
    return fitting[0]


def unfiled_border(
    registry: Registry, consignor: str, consignee: str, material: str, day: date
) -> tuple[str, str] | None:
    """The two province codes (first two digits) a load crosses without a filing in force, or None.

    Firms without a region cross nothing that could be known.
    """
    ends = [registry.region_of(firm)[:PROVINCE_DIGITS] for firm in (consignor, consignee)]
    if not all(ends) or ends[0] == ends[1]:
        return None
    for filing in registry.filings.values():
        if (
            (not filing.from_region or filing.from_region[:PROVINCE_DIGITS] == ends[0])
            and (not filing.to_region or filing.to_region[:PROVINCE_DIGITS] == ends[1])
            and filing.enterprise in ("", consignor)
            and (not filing.materials or material in filing.materials)
            and (filing.valid_from is None or filing.valid_from <= day)
            and (filing.valid_to is None or day <= filing.valid_to)
        ):
            return None
    return ends[0], ends[1]


def border_words(registry: Registry, crossed: tuple[str, str]) -> dict[str, Named]:
    """The provinces of `unfiled_border` by their names, for a message.

    A province the registry does not name goes by its code.
    """
    found = {}
    for end, digits in zip(("origin", "goal"), crossed, strict=True):
        code = digits.ljust(REGION_DIGITS, "0")
        region = registry.regions.get(code)
        found[end] = Named(region.name_zh, region.name_en) if region else Named(code, code)
    return found
