"""The map of a period: joins the flow report, park rates and registry with `wasteflow_maps`."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from wasteflow.core.periods import Period, month_text
from wasteflow.services.rating import rates_report
from wasteflow.services.reports import flows_report, overview


def map_page(
    *,
    db: Any,
    period: Period,
    material: str = "",
    level: str = "enterprise",
    lang: str = "zh",
    single_file: bool,
    formula: str = "simple",
    basemap: dict[str, str] | None = None,
    asset_url: Callable[[str], str] | None = None,
    nonce: str | None = None,
) -> str:
    """The folium page of a period; `single_file` opens from disk without internet."""
    from wasteflow_maps.layers import map_data
    from wasteflow_maps.page import render_map

    seen = overview(db=db)
    registry = seen.registry
    flows = flows_report(db=db, period=period, level=level, material=material)
    rates = rates_report(db=db, period=period, material=material, formula=formula, by="park")
    data = map_data(
        flows,
        [_park(park) for park in registry.parks.values()],
        [_located(firm) for firm in registry.enterprises.values()],
        period=period.text,
        materials=[asdict(item) for item in registry.materials.values()],
        rates={row["park"]: row for row in rates["rows"] if row["park"]},
        synthetic=seen.synthetic,
        basemap=basemap,
        evidence_date=month_text(seen.last) if seen.last else "-",
        routes=[asdict(route) for route in registry.routes.values()],
        formula=formula,
    )
    return render_map(data, lang=lang, single_file=single_file, asset_url=asset_url, nonce=nonce)


def _located(item: Any) -> dict[str, Any]:
    """A registered object with its radius as a number."""
    radius = item.precision_km
    return {**asdict(item), "precision_km": float(radius) if radius else None}


def _park(park: Any) -> dict[str, Any]:
    outline = json.loads(park.boundary) if park.boundary else None
    return {**_located(park), "boundary": outline}
