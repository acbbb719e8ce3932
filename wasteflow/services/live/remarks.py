"""What stands beside a move and stops nothing: stock, quota of a filing, capacity, border, permit.

Sums come from the roll-up, whose months a process keeps, so their cost does not grow with loads.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime

from wasteflow.core.errors import Remark
from wasteflow.core.periods import month_of_day, shanghai_day
from wasteflow.core.places import PlaceKind, site
from wasteflow.core.postings import FlowKey
from wasteflow.core.registry import Filing
from wasteflow.core.rules import (
    PROVINCE_DIGITS,
    border_words,
    expired_permit,
    takes,
    unfiled_border,
)
from wasteflow.core.units import tonnes_text
from wasteflow.core.vocabulary import LoadKind
from wasteflow.services.live.content import remark
from wasteflow.services.live.held import Held
from wasteflow_models import records
from wasteflow_models.warm_sums import accepted_in_year, book_through


def stock_remarks(held: Held, kg: int, at: datetime) -> list[Remark]:
    """A dispatch of `kg` that the book stock of its site in that month does not cover."""
    header = held.header
    if header.kind is not LoadKind.DELIVERY or header.from_outside:
        return []
    month = month_of_day(shanghai_day(at))
    left = (
        book_through(held.session, held.keys, site(header.consignor), header.material, month) - kg
    )
    return [remark("below_stock", tonnes=tonnes_text(left))] if left < 0 else []


def quota_remarks(held: Held, kg: int, day: date) -> list[Remark]:
    """Filings with a quota that the transfers under them, with this load, go beyond."""
    header, found = held.header, []
    for filing in _filings(held, day):
        if filing.quota_kg is None:
            continue
        sent = sum(part for _, part in _sent_under(held, filing)) + kg
        if sent > filing.quota_kg:
            found.append(
                remark(
                    "over_quota",
                    filing=filing.code,
                    tonnes=tonnes_text(sent),
                    quota=tonnes_text(filing.quota_kg),
                )
            )
    crossed = unfiled_border(
        held.registry, header.consignor, header.consignee, header.material, day
    )
    if crossed:
        told = border_words(held.registry, crossed)
        found.append(remark("cross_province_without_filing", **told))
    return found


def _filings(held: Held, day: date) -> list[Filing]:
    """Filings in force that cover the load, where it crosses a border of provinces."""
    header, registry = held.header, held.registry
    ends = [_province(held, firm) for firm in (header.consignor, header.consignee)]
    if not all(ends) or ends[0] == ends[1]:
        return []
    return [
        filing
        for _, filing in sorted(registry.filings.items())
        if filing.from_region[:PROVINCE_DIGITS] in ("", ends[0])
        and filing.to_region[:PROVINCE_DIGITS] in ("", ends[1])
        and filing.enterprise in ("", header.consignor)
        and (not filing.materials or header.material in filing.materials)
        and (filing.valid_from is None or filing.valid_from <= day)
        and (filing.valid_to is None or day <= filing.valid_to)
    ]


def _province(held: Held, firm: str) -> str:
    return held.registry.region_of(firm)[:PROVINCE_DIGITS]


def _sent_under(held: Held, filing: Filing) -> Iterator[tuple[FlowKey, int]]:
    """Dispatches of the months of a filing between its provinces, of its firm and materials."""
    first = month_of_day(filing.valid_from) if filing.valid_from else 0
    last = month_of_day(filing.valid_to) if filing.valid_to else 999_912
    materials = sorted(filing.materials) or [held.header.material]
    for material in materials:
        for key, kg, _ in records.rollup_rows(
            held.session,
            held.keys,
            first,
            last,
            source=(int(PlaceKind.SITE), filing.enterprise),
            target=(int(PlaceKind.TRANSIT), ""),
            material=material,
        ):
            ends = _province(held, key.target.a), _province(held, key.target.b)
            if (
                ends[0] != ends[1]
                and filing.from_region[:PROVINCE_DIGITS] in ("", ends[0])
                and filing.to_region[:PROVINCE_DIGITS] in ("", ends[1])
            ):
                yield key, kg


def capacity_remarks(held: Held, accepted_kg: int, at: datetime) -> list[Remark]:
    """Receiving facilities whose yearly capacity the accepted loads of the year go beyond."""
    header, month = held.header, month_of_day(shanghai_day(at))
    if header.to_outside or header.kind is LoadKind.RETURN:
        return []
    route = held.registry.routes[header.route]
    fitting = [
        item
        for item in held.registry.facilities_of.get(header.consignee, [])
        if item.capacity_kg_per_year is not None and takes(item, route, header.material)
    ]
    named = held.keys.codes["facility"][held.row.to_facility_id or 0]
    fitting = [item for item in fitting if item.code == named] or fitting
    found = []
    for item in fitting:
        materials = item.materials or {header.material}
        taken = sum(
            accepted_in_year(
                held.session,
                held.keys,
                site(header.consignee),
                material,
                item.routes or {route.code},
                month,
            )
            for material in sorted(materials)
        )
        if taken + accepted_kg > (item.capacity_kg_per_year or 0):
            found.append(
                remark(
                    "over_capacity",
                    facility=item.code,
                    tonnes=tonnes_text(taken + accepted_kg),
                    capacity=tonnes_text(item.capacity_kg_per_year or 0),
                )
            )
    return found


def permit_remarks(held: Held, at: datetime) -> list[Remark]:
    """A receiving facility outside the dates of its permit."""
    header, day = held.header, shanghai_day(at)
    if header.kind is LoadKind.RETURN:
        return []
    facilities = held.registry.facilities_of.get(header.consignee, [])
    late = expired_permit(held.registry.routes[header.route], header.material, facilities, day)
    if late is None:
        return []
    return [
        remark(
            "expired_permit",
            facility=late.code,
            date=day,
            valid_from=late.valid_from or "…",
            valid_to=late.valid_to or "…",
        )
    ]
