"""Geodata out: parks, enterprises and links as GeoJSON, GeoPackage or KML in a datum that is named.

Everything arrives in degrees WGS 84 / CGCS2000 (lon, lat); labels are Chinese, attributes English.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final
from xml.etree import ElementTree

import numpy as np
import shapely
from msgspec import Struct, field
from shapely.geometry import MultiPolygon, Polygon, mapping
from shapely.geometry.base import BaseGeometry

from wasteflow.core.errors import UnusableFile
from wasteflow.core.geodesy import (
    BD09,
    CGCS2000,
    CRS_NAMES,
    GCJ02,
    WGS84,
    wgs84_to_bd09,
    wgs84_to_gcj02,
)
from wasteflow_maps.geo_repair import DECIMALS

_EPSG: Final = {WGS84: 4326, CGCS2000: 4490}
_SHIFTS: Final = {GCJ02: wgs84_to_gcj02, BD09: wgs84_to_bd09}
_KML: Final = "http://www.opengis.net/kml/2.2"


class GeoLayer(Struct, frozen=True):
    """A layer: name, label of the folder, features as (attributes, geometry)."""

    name: str
    label: str
    features: Sequence[tuple[Mapping[str, Any], BaseGeometry]]


class GeoDocument(Struct, frozen=True):
    """What is written: layers, and notes (scope, period, synthetic mark) that stand in the file."""

    title: str
    layers: Sequence[GeoLayer]
    notes: Mapping[str, str] = field(default_factory=dict)


def write_geo(document: GeoDocument, ending: str, crs: str, path: Path) -> int:
    """Write a document as geojson, gpkg or kml in `crs` of `CRS_NAMES`; how many features.

    Raises UnusableFile `geo_crs_unknown`.
    """
    if crs not in CRS_NAMES:
        raise UnusableFile("geo_crs_unknown", value=crs)
    layers = [
        GeoLayer(
            layer.name,
            layer.label,
            [({**cells, "crs": crs}, shifted(shape, crs)) for cells, shape in layer.features],
        )
        for layer in document.layers
    ]
    moved = GeoDocument(document.title, layers, {**document.notes, "crs": crs})
    writers = {"geojson": _geojson, "gpkg": _geopackage, "kml": _kml}
    writers[ending](moved, crs, path)
    return sum(len(layer.features) for layer in layers)


def shifted(geometry: BaseGeometry, crs: str) -> BaseGeometry:
    """`geometry` of degrees WGS 84 in another datum."""
    shift = _SHIFTS.get(crs)
    if shift is None:
        return geometry
    moved: BaseGeometry = shapely.transform(
        geometry,
        lambda positions: np.array([shift(float(x), float(y)) for x, y in positions]).reshape(
            -1, 2
        ),
    )
    return moved


def _geojson(document: GeoDocument, crs: str, path: Path) -> None:
    epsg = _EPSG.get(crs)
    name = f"urn:ogc:def:crs:EPSG::{epsg}" if epsg and crs != WGS84 else crs
    features = [
        {
            "type": "Feature",
            "properties": {"layer": layer.name, **cells},
            "geometry": _rounded(mapping(shape)),
        }
        for layer in document.layers
        for cells, shape in layer.features
    ]
    whole: dict[str, Any] = {"type": "FeatureCollection", "name": document.title}
    if crs != WGS84:
        whole["crs"] = {"type": "name", "properties": {"name": name}}
    whole |= {"notes": dict(document.notes), "features": features}
    path.write_text(json.dumps(whole, ensure_ascii=False) + "\n", encoding="utf-8")


def _rounded(coded: Mapping[str, Any]) -> dict[str, Any]:
    def plain(value: Any) -> Any:
        if isinstance(value, float | int):
            return round(float(value), DECIMALS)
        return [plain(item) for item in value]

    return {"type": coded["type"], "coordinates": plain(coded["coordinates"])}


def crs_wkt(crs: str) -> str:
    """WKT of a datum; GCJ-02 and BD-09 have no EPSG code and are named, so nobody takes them for
    WGS 84.
    """
    from pyproj import CRS

    epsg = _EPSG.get(crs)
    if epsg:
        return str(CRS.from_epsg(epsg).to_wkt())
    return (
        f'GEOGCS["{crs}",DATUM["{crs}",SPHEROID["Krassowsky 1940",6378245,298.3]],'
        'PRIMEM["Greenwich",0],UNIT["degree",0.0174532925199433]]'
    )


def _geopackage(document: GeoDocument, crs: str, path: Path) -> None:
    from pyogrio.raw import write

    path.unlink(missing_ok=True)
    for layer in document.layers:
        if not layer.features:
            continue
        names = list(dict.fromkeys(name for cells, _ in layer.features for name in cells))
        columns = [_column([cells.get(name) for cells, _ in layer.features]) for name in names]
        shapes = [shape for _, shape in layer.features]
        kinds = {shape.geom_type for shape in shapes}
        if kinds == {"Polygon", "MultiPolygon"}:
            shapes = [MultiPolygon(getattr(shape, "geoms", [shape])) for shape in shapes]
            kinds = {"MultiPolygon"}
        write(
            path,
            geometry=np.array([shapely.to_wkb(shape) for shape in shapes], dtype=object),
            field_data=columns,
            fields=names,
            layer=layer.name,
            driver="GPKG",
            geometry_type=kinds.pop() if len(kinds) == 1 else "Unknown",
            crs=crs_wkt(crs),
            append=path.exists(),
            layer_metadata={"title": layer.label, **document.notes},
        )


def _column(values: Sequence[Any]) -> Any:
    known = [value for value in values if value is not None]
    if known and all(
        isinstance(value, int | float) and not isinstance(value, bool) for value in known
    ):
        return np.array([np.nan if value is None else float(value) for value in values])
    return np.array([None if value is None else str(value) for value in values], dtype=object)


def _kml(document: GeoDocument, crs: str, path: Path) -> None:
    ElementTree.register_namespace("", _KML)
    root = ElementTree.Element(f"{{{_KML}}}kml")
    top = _child(root, "Document")
    _child(top, "name", document.title)
    _child(
        top, "description", "; ".join(f"{key}: {value}" for key, value in document.notes.items())
    )
    for layer in document.layers:
        folder = _child(top, "Folder")
        _child(folder, "name", layer.label)
        for cells, shape in layer.features:
            mark = _child(folder, "Placemark")
            _child(mark, "name", str(cells.get("label") or cells.get("name_zh") or ""))
            data = _child(mark, "ExtendedData")
            for key, value in cells.items():
                if value is not None:
                    item = _child(data, "Data")
                    item.set("name", key)
                    _child(item, "value", str(value))
            _kml_shape(mark, shape)
    ElementTree.ElementTree(root).write(path, encoding="utf-8", xml_declaration=True)


def _child(parent: Any, tag: str, text: str = "") -> Any:
    child = ElementTree.SubElement(parent, f"{{{_KML}}}{tag}")
    if text:
        child.text = "".join(c for c in text if c >= " " or c in "\t\n")
    return child


def _kml_shape(parent: Any, shape: BaseGeometry) -> None:
    if hasattr(shape, "geoms"):
        several = _child(parent, "MultiGeometry")
        for part in shape.geoms:
            _kml_shape(several, part)
    elif isinstance(shape, Polygon):
        area = _child(parent, "Polygon")
        for tag, ring in (
            ("outerBoundaryIs", shape.exterior),
            *(("innerBoundaryIs", hole) for hole in shape.interiors),
        ):
            _child(_child(_child(area, tag), "LinearRing"), "coordinates", _positions(ring))
    else:
        _child(_child(parent, shape.geom_type), "coordinates", _positions(shape))


def _positions(shape: BaseGeometry) -> str:
    return " ".join(f"{x:.{DECIMALS}f},{y:.{DECIMALS}f}" for x, y in shape.coords)
