"""Realised links of a period and scope with distance, freight, CO2 and shares; nothing is written.

Read from the roll-up and the registry alone; loads are looked at only when somebody drills.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from wasteflow.core.collecting import no_collecting
from wasteflow.core.errors import InvalidValue
from wasteflow.core.periods import Period
from wasteflow.core.symbiosis.prices import KINDS, Prices
from wasteflow.core.symbiosis.realised import realised_links
from wasteflow.core.symbiosis.realised_rows import (
    ACROSS,
    INSIDE,
    Setting,
    masked,
    realised_row,
    totals,
)
from wasteflow.services.reports import check_material
from wasteflow_models import month_flows, products, queries
from wasteflow_models.convert import load_keys
from wasteflow_models.engine import Database

PLACES: Final = ("", ACROSS, INSIDE)


def realised_report(
    *,
    db: Database,
    period: Period,
    scope: str = "all",
    material: str = "",
    place: str = "",
    sees: Callable[[str], bool] | None = None,
    most: int | None = None,
) -> dict[str, Any]:
    """Links with an end in the scope, largest first, and their sums.

    Money is yuan, mass tonnes, as decimal strings; freight and CO2 as if every tonne went by road.
    place: `across` or `inside` parks, "" = both.  sees: whose output and intake the asker may read
    (None = everybody's).  most: rows and sums of so many of the largest alone.  Raises InvalidValue
    `bad_scope`, `bad_word`; NotFound `unknown_code`.
    """
    if place not in PLACES:
        raise InvalidValue("bad_word", value=place, known=f"{ACROSS} {INSIDE}")
    with db.read() as session:
        keys = load_keys(session)
        registry = keys.registry
        check_material(registry, material)
        wanted = registry.in_scope(scope)
        months = month_flows.month_flows(session, keys, 0, period.last, material=material)
        names = month_flows.numbering(session, keys).names
        prices = Prices(products.coefficients(session, keys, KINDS))
        synthetic = queries.has_synthetic(session)
    exchange = realised_links(names, months, period)
    setting = Setting(registry, prices, exchange, period)
    links = [
        link
        for link in exchange.links
        if (link.giver in wanted or link.taker in wanted)
        and place in ("", setting.where(link.giver, link.taker))
    ][:most]
    with no_collecting():
        rows = [realised_row(link, setting) for link in links]
    total = totals(rows, links)
    if sees is not None:
        rows = [masked(row, sees) for row in rows]
    return {
        "period": period.text,
        "scope": scope,
        "synthetic": synthetic,
        "rows": rows,
        "total": {"links": len(rows), **total},
    }
