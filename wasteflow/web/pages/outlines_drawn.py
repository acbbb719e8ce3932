"""Park outlines as maps of links draw them, simplified once for a version of the data."""

from __future__ import annotations

import json
from typing import Any

from wasteflow.core.registry import Registry
from wasteflow.web.answers import once
from wasteflow.web.texts import lang, name_of


def park_outlines(registry: Registry) -> list[dict[str, Any]]:
    """Name and outline (GeoJSON, lon and lat) of every park that has one."""
    return once(("park_outlines", lang()), lambda: _made(registry))


def _made(registry: Registry) -> list[dict[str, Any]]:
    from wasteflow_maps.geo_repair import simplified

    return [
        {"name": name_of(park), "outline": simplified(json.loads(park.boundary))}
        for _, park in sorted(registry.parks.items())
        if park.boundary
    ]
