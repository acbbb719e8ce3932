"""Run as a program of its own: read vector files and print what they hold as JSON.

Imports nothing of ours.  GDAL opens what the content says, whatever the name: so every driver but
the wanted ones is left out before GDAL loads, the path is one we made, nothing is fetched, and
memory, time and file size have limits.  A file that breaks GDAL breaks this process alone; GeoJSON
is plain JSON and needs no GDAL, but the same fence.
"""

from __future__ import annotations

import json
import os
import resource
import sys
from typing import Any

ALLOWED = ("ESRI Shapefile", "GPKG", "KML", "LIBKML")
MEMORY_BYTES = 4 * 2**30
CPU_S = 60
COLUMNS, CELL_CHARS = 60, 200


def fence() -> None:
    """Set the limits of this process and leave out every driver that is not wanted."""
    for what, limit in (
        (resource.RLIMIT_AS, MEMORY_BYTES),
        (resource.RLIMIT_CPU, CPU_S),
        (resource.RLIMIT_FSIZE, 2**20),  # SQLite keeps a small side file of a GeoPackage
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(what, (limit, limit))
    os.environ.update(
        OGR_SKIP=os.environ.get("WASTEFLOW_OGR_SKIP", ""),
        GDAL_SKIP="",
        GDAL_DRIVER_PATH="disable",
        GDAL_HTTP_MAX_RETRY="0",
        CPL_VSIL_CURL_ALLOWED_EXTENSIONS=".none",
        GDAL_DISABLE_READDIR_ON_OPEN="FALSE",
        SHAPE_RESTORE_SHX="YES",
        OGR_SQLITE_LOAD_EXTENSIONS="",
    )


class TooMany(Exception):
    """More features or positions than are wanted."""


class Budget:
    """What all files together may hold: features and bytes of geometry."""

    def __init__(self, features: int, positions: int) -> None:
        self.features, self.bytes = features, positions * 16 + features * 64

    def spend(self, shapes: list[bytes | None], features: int) -> None:
        """Take a layer off; TooMany when nothing is left."""
        self.features -= features
        self.bytes -= sum(len(shape) for shape in shapes if shape is not None)
        if self.features < 0 or self.bytes < 0:
            raise TooMany


def read(path: str, encoding: str | None, budget: Budget) -> list[dict[str, Any]]:
    """Layers with geometry: name, CRS as WKT, columns, rows of cells as text, shapes as WKB hex."""
    import pyogrio
    from pyogrio.raw import read as read_layer

    layers = []
    for name, geometry in pyogrio.list_layers(path):
        if geometry is None:  # a table of attributes beside the outlines
            continue
        meta, _, found, cells = read_layer(
            path, layer=name, encoding=encoding, max_features=budget.features + 1
        )
        columns = [str(column) for column in meta["fields"]][:COLUMNS]
        texts = [[_text(value) for value in cell] for cell in cells[:COLUMNS]]
        shapes = [None if shape is None else bytes(shape) for shape in found]
        budget.spend(shapes, len(shapes))
        rows = [list(row) for row in zip(*texts, strict=True)]
        layers.append(_layer(str(name), str(meta["crs"] or ""), columns, rows, shapes))
    return layers


def _layer(
    name: str, crs: str, columns: list[str], rows: list[list[str]], shapes: list[bytes | None]
) -> dict[str, Any]:
    return {
        "name": name,
        "crs": crs,
        "columns": columns,
        "rows": rows,
        "shapes": [None if shape is None else shape.hex() for shape in shapes],
    }


def read_geojson(path: str, budget: Budget) -> list[dict[str, Any]]:
    """The one layer of a GeoJSON file, in the shape of `read`."""
    from shapely import to_wkb
    from shapely.geometry import shape

    with open(path, encoding="utf-8-sig") as file:
        content = json.load(file, parse_constant=_constant)
    features = _features_of(content)
    budget.spend([], len(features))
    cells, shapes = [], []
    for number, item in enumerate(features, start=1):
        try:
            given, geometry = item.get("properties") or {}, item.get("geometry")
            cells.append({str(key): _cell(value) for key, value in given.items()})
            shapes.append(to_wkb(shape(geometry)) if geometry else None)
        except (ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError) as why:
            raise ValueError(f"feature {number}: {str(why)[:120]}") from why
    budget.spend(shapes, 0)
    columns = sorted({name for row in cells for name in row})[:COLUMNS]
    rows = [[row.get(name, "") for name in columns] for row in cells]
    return [_layer("", _stated(content.get("crs")), columns, rows, shapes)]


def _stated(crs: Any) -> str:
    """The name in the old `crs` member of GeoJSON."""
    if crs is None:
        return ""
    properties = crs.get("properties") if isinstance(crs, dict) else None
    if not isinstance(properties, dict):
        raise ValueError('`crs` is not {"type": "name", "properties": {"name": …}}')
    return str(properties.get("name") or "")[:CELL_CHARS]


def _constant(word: str) -> float:
    raise ValueError(f"{word} is not JSON")


def _features_of(content: Any) -> list[Any]:
    kind = content.get("type") if isinstance(content, dict) else None
    if kind == "FeatureCollection":
        features = content.get("features")
        if not isinstance(features, list):
            raise ValueError("`features` is not a list")
        return features
    if kind == "Feature":
        return [content]
    if kind in ("Polygon", "MultiPolygon", "GeometryCollection"):
        return [{"type": "Feature", "properties": {}, "geometry": content}]
    raise ValueError(f"{str(kind)[:40]!r} is not a FeatureCollection")


def _cell(value: Any) -> str:
    return "" if value is None else str(value)[:CELL_CHARS]


def _text(value: Any) -> str:
    """A cell as text; whole numbers without the ".0" of a float column."""
    if value is None or value != value:
        return ""
    if isinstance(value, float) or type(value).__name__.startswith("float"):
        number = float(value)
        return str(int(number)) if number.is_integer() and abs(number) < 1e15 else repr(number)
    return str(value)[:CELL_CHARS]


def drivers() -> list[str]:
    """Every driver this GDAL has, to be left out next time but for the wanted ones."""
    import pyogrio

    return sorted(set(pyogrio.list_drivers()) - set(ALLOWED))


def answer_to(asked: dict[str, Any]) -> dict[str, Any]:
    """Read every source within the limits they share: {"layers": [[…] by source]} or an error."""
    try:
        fence()
        budget = Budget(asked["features"], asked["positions"])
        if any(kind != "GeoJSON" for kind, _, _ in asked["sources"]):
            import pyogrio

            strange = sorted(set(pyogrio.list_drivers()) - set(ALLOWED))
            if strange:
                return {"error": "drivers", "why": ", ".join(strange)}
        return {
            "layers": [
                read_geojson(path, budget)
                if kind == "GeoJSON"
                else read(path, encoding or None, budget)
                for kind, path, encoding in asked["sources"]
            ]
        }
    except TooMany:
        return {"error": "too_many"}
    except Exception as error:  # whatever a reader raises is told, not traced
        return {"error": type(error).__name__, "why": str(error)[:300]}


def main() -> None:
    """`gdal_child.py drivers`, or what is to be read as JSON on standard input; JSON out."""
    if sys.argv[1:] == ["drivers"]:
        json.dump(drivers(), sys.stdout)
    else:
        json.dump(answer_to(json.load(sys.stdin)), sys.stdout)


if __name__ == "__main__":
    main()
