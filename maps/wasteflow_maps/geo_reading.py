"""Geodata in: layers and features of an uploaded file as shapely geometry, in its own coordinates.

GeoJSON is parsed here as plain JSON; Shapefile, KML and GeoPackage by GDAL in a fenced process.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import shapely
from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry

from wasteflow.core.errors import UnusableFile
from wasteflow_maps import gdal_child
from wasteflow_maps.geo_unpack import GEOJSON, Source, unpack

MAX_FEATURES: Final = 5_000
MAX_POSITIONS: Final = 300_000
TIMEOUT_S: Final = 90
_CELL_CHARS: Final = 200


@dataclass(frozen=True, slots=True)
class Feature:
    """One feature: number in its layer from 1, cells by column as text, geometry or None."""

    number: int
    cells: Mapping[str, str]
    geometry: BaseGeometry | None


@dataclass(frozen=True, slots=True)
class Layer:
    """A layer; `crs` is what the file itself says (WKT or a name), "" if nothing.

    sure: the statement can be believed; GeoJSON and KML always say WGS 84, whatever is in them.
    """

    name: str
    kind: str
    columns: tuple[str, ...]
    features: tuple[Feature, ...]
    crs: str = ""
    sure: bool = False
    encoding: str = ""


def read_geodata(data: bytes, filename: str) -> tuple[Layer, ...]:
    """The layers of an uploaded file, at least one.

    Raises UnusableFile: those of `unpack`, `geo_broken`, `geo_empty`, `geo_too_many`.
    """
    with tempfile.TemporaryDirectory(prefix="wasteflow-geo-") as name:
        folder = Path(name)
        layers = [
            layer
            for source in unpack(data, filename, folder)
            for layer in (
                _geojson(source, filename) if source.kind == GEOJSON else _gdal(source, filename)
            )
        ]
    found = tuple(layer for layer in layers if layer.features)
    if not found:
        raise UnusableFile("geo_empty", file=filename)
    features = [feature for layer in found for feature in layer.features]
    positions = sum(
        int(shapely.get_num_coordinates(item.geometry)) for item in features if item.geometry
    )
    if len(features) > MAX_FEATURES or positions > MAX_POSITIONS:
        raise UnusableFile(
            "geo_too_many", file=filename, features=MAX_FEATURES, positions=MAX_POSITIONS
        )
    return found


def _broken(filename: str, why: object) -> UnusableFile:
    return UnusableFile("geo_broken", file=filename, why=str(why)[:200])


# --- GeoJSON -------------------------------------------------------------------------------


def _geojson(source: Source, filename: str) -> list[Layer]:
    try:
        content = json.loads(source.path.read_bytes().decode("utf-8-sig"), parse_constant=_constant)
        features = _features_of(content)
        if len(features) > MAX_FEATURES:
            raise UnusableFile(
                "geo_too_many", file=filename, features=MAX_FEATURES, positions=MAX_POSITIONS
            )
        read = tuple(_feature(item, number) for number, item in enumerate(features, start=1))
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError) as error:
        raise _broken(filename, error) from error
    except shapely.errors.ShapelyError as error:
        raise _broken(filename, error) from error
    columns = tuple(sorted({name for item in read for name in item.cells}))
    stated = (content.get("crs") or {}) if isinstance(content.get("crs"), dict) else {}
    name = str((stated.get("properties") or {}).get("name") or "")
    return [Layer(source.name, source.kind, columns, read, name, False, "utf-8")]


def _constant(word: str) -> float:
    raise ValueError(f"{word} is not JSON")


def _features_of(content: Any) -> list[Any]:
    kind = content.get("type") if isinstance(content, dict) else None
    if kind == "FeatureCollection":
        features = content["features"]
        if not isinstance(features, list):
            raise TypeError("`features` is not a list")
        return features
    if kind == "Feature":
        return [content]
    if kind in ("Polygon", "MultiPolygon", "GeometryCollection"):
        return [{"type": "Feature", "properties": {}, "geometry": content}]
    raise ValueError(f"{kind!r} is not a FeatureCollection")


def _feature(item: Any, number: int) -> Feature:
    given = item.get("properties") or {}
    cells = {str(key): _cell(value) for key, value in given.items()}
    geometry = item.get("geometry")
    return Feature(number, cells, shape(geometry) if geometry else None)


def _cell(value: Any) -> str:
    return "" if value is None else str(value)[:_CELL_CHARS]


# --- GDAL in a process of its own ----------------------------------------------------------


def _gdal(source: Source, filename: str) -> list[Layer]:
    answer = _ask(str(source.path), source.encoding, str(MAX_FEATURES), folder=source.path.parent)
    if "error" in answer:
        raise _broken(filename, answer.get("why") or answer["error"])
    try:
        return [_layer(source, given) for given in answer["layers"]]
    except (shapely.errors.ShapelyError, ValueError) as error:
        raise _broken(filename, error) from error


def _layer(source: Source, given: Mapping[str, Any]) -> Layer:
    shapes = [
        None if text is None else shapely.from_wkb(text, on_invalid="fix")
        for text in given["shapes"]
    ]
    rows = given["rows"] or [[] for _ in shapes]
    features = tuple(
        Feature(number, dict(zip(given["columns"], row, strict=True)), geometry)
        for number, (row, geometry) in enumerate(zip(rows, shapes, strict=True), start=1)
    )
    own = source.kind == "Shapefile"
    name = source.name if own or len(given["name"]) == 0 else given["name"]
    sure = source.kind != "KML" and bool(given["crs"])
    return Layer(
        name, source.kind, tuple(given["columns"]), features, given["crs"], sure, source.encoding
    )


def _ask(*words: str, folder: Path) -> dict[str, Any]:
    """Ask the fenced process; a process that dies or hangs is an answer too."""
    env = {"PATH": os.defpath, "LANG": "C.UTF-8", "WASTEFLOW_OGR_SKIP": ",".join(_unwanted())}
    try:
        done = subprocess.run(
            [sys.executable, "-I", gdal_child.__file__, *words],
            cwd=folder,
            env=env | {"OPENBLAS_NUM_THREADS": "1"},
            capture_output=True,
            timeout=TIMEOUT_S,
            check=False,
        )
        answer: dict[str, Any] = json.loads(done.stdout)
    except subprocess.TimeoutExpired:
        return {"error": "timeout", "why": f"> {TIMEOUT_S} s"}
    except ValueError:
        return {"error": f"GDAL ended with {done.returncode}"}
    return answer


@cache
def _unwanted() -> tuple[str, ...]:
    """Names of the drivers to leave out, asked of the GDAL that is installed."""
    done = subprocess.run(
        [sys.executable, "-I", gdal_child.__file__, "drivers"],
        env={"PATH": os.defpath},
        capture_output=True,
        timeout=TIMEOUT_S,
        check=True,
    )
    return tuple(json.loads(done.stdout))
