"""Joins geodata files and outlines of parks: read, match, preview, keep; for every door."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from wasteflow.core.errors import UnusableFile
from wasteflow.core.registry import Registry
from wasteflow.services.outlines import NewOutline, Origin, digest, set_outlines
from wasteflow_maps.geo_places import Found, Place, Wanted

if TYPE_CHECKING:
    from wasteflow_maps.geo_reading import Layer


class OutlineFile(Struct, frozen=True):
    """A file of outlines as it was read once."""

    filename: str
    sha256: str
    layers: tuple[Layer, ...]


def read_outline_file(data: bytes, filename: str) -> OutlineFile:
    """Read a file; UnusableFile as `geo_reading.read_geodata` tells."""
    from wasteflow_maps.geo_reading import read_geodata

    return OutlineFile(filename, hashlib.sha256(data).hexdigest(), read_geodata(data, filename))


def places_of(registry: Registry, may: Callable[[str], bool] = lambda _: True) -> list[Place]:
    """The parks outlines can be of, as far as `may` lets their code through, by code."""
    return [
        Place(
            code=park.code,
            names=tuple(name for name in (park.name_zh, park.name_en) if name),
            lon=park.lon,
            lat=park.lat,
            precision_km=float(park.precision_km or 0),
            outline=json.loads(park.boundary) if park.boundary else None,
        )
        for code, park in sorted(registry.parks.items())
        if may(code)
    ]


def find_outlines(
    file: OutlineFile, wanted: Wanted, registry: Registry, may: Callable[[str], bool]
) -> Found:
    """The outlines of a file for the parks one may change; UnusableFile tells what is missing."""
    from wasteflow_maps.geo_outlines import outlines_of

    return outlines_of(file.layers, wanted, places_of(registry, may))


def keep_outlines(
    *,
    db: Any,
    file: OutlineFile,
    found: Found,
    now: datetime,
    source: str,
    licence: str = "",
    dated: date | None = None,
    login: str = "",
    expected: dict[str, str] | None = None,
    dry_run: bool = False,
) -> list[str]:
    """Keep what was found; the parks whose outline changed.

    expected: park → `digest` of the outline shown beside the new one.  Raises UnusableFile
    `geo_source_missing`, and as `set_outlines`.
    """
    if not source.strip():
        raise UnusableFile("geo_source_missing")
    new = [
        NewOutline(
            park=item.park,
            geometry=item.geometry,
            area_m2=item.area_m2,
            system=found.system,
            notes=item.notes,
            expected=expected.get(item.park) if expected is not None else None,
        )
        for item in found.outlines
    ]
    origin = Origin(source.strip(), licence.strip(), dated, file.filename, file.sha256, login)
    return set_outlines(db=db, outlines=new, origin=origin, now=now, dry_run=dry_run)


def digests(registry: Registry, parks: Sequence[str]) -> dict[str, str]:
    """Park → what its outline is known by now."""
    return {code: digest(registry.parks[code].boundary) for code in parks}


def told(found: Found) -> dict[str, Any]:
    """What a file gives as plain JSON: areas in km2, shares as fractions."""
    return {
        "layer": found.layer,
        "column": found.column,
        "crs": found.system,
        "outlines": [
            {
                "park": item.park,
                "area_km2": round(item.area_m2 / 1e6, 4),
                "corners": item.corners,
                "features": list(item.features),
                "notes": list(item.notes),
                "away_km": None if item.away_km is None else round(item.away_km, 3),
                "changed": None if item.changed is None else round(item.changed, 6),
                "shift_m": None if item.shift_m is None else round(item.shift_m, 1),
                "geometry": item.geometry,
            }
            for item in found.outlines
        ],
        "unmatched": [{"feature": number, "value": value} for number, value in found.unmatched],
    }
