"""Parks that outlines can be of, what is asked of a file and what was found: plain values.

Apart from `geo_outlines`, so that pages know them without loading shapely.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct


class Place(Struct, frozen=True):
    """A park as outlines are matched to it; degrees, radius in kilometres, GeoJSON or None."""

    code: str
    names: tuple[str, ...]
    lon: float | None = None
    lat: float | None = None
    precision_km: float = 0.0
    outline: Mapping[str, Any] | None = None


class Wanted(Struct, frozen=True):
    """How to read a file: layer, column of codes or names, the one park of all, system.

    "": told by the file.
    """

    layer: str = ""
    column: str = ""
    park: str = ""
    system: str = ""


class Outline(Struct, frozen=True):
    """An outline ready to be kept; `geometry` GeoJSON in degrees WGS 84 / CGCS2000.

    away_km: from the stated position of the park, None where it has none; changed: share of the
    area of old and new together that only one of them has, None without an old one.
    """

    park: str
    geometry: Mapping[str, Any]
    area_m2: float
    corners: int
    features: tuple[int, ...]
    notes: tuple[str, ...]
    away_km: float | None = None
    changed: float | None = None
    shift_m: float | None = None


class Found(Struct, frozen=True):
    """What a file gives: outlines by park, features that belong to none, and how it was read."""

    layer: str
    column: str
    system: str
    outlines: tuple[Outline, ...]
    unmatched: tuple[tuple[int, str], ...] = ()
