"""Geodata in: layers and features of an uploaded file as shapely geometry, in its own coordinates.

One fenced process reads all of an upload: GeoJSON as plain JSON, Shapefile, KML and GeoPackage by
GDAL; what it answers is within the limits here.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final

import shapely
from msgspec import Struct
from shapely.geometry.base import BaseGeometry

from wasteflow.core.errors import UnusableFile
from wasteflow_maps import gdal_child
from wasteflow_maps.geo_unpack import GEOJSON, GPKG, SHAPEFILE, Source, unpack

MAX_FEATURES: Final = 5_000
MAX_POSITIONS: Final = 300_000
TIMEOUT_S: Final = 90


class Feature(Struct, frozen=True):
    """One feature: number in its layer from 1, cells by column as text, geometry or None."""

    number: int
    cells: Mapping[str, str]
    geometry: BaseGeometry | None


class Layer(Struct, frozen=True):
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
        sources = unpack(data, filename, folder)
        given = [(source.kind, str(source.path), source.encoding) for source in sources]
        answer = _ask(given, folder)
    if answer.get("error") == "too_many":
        raise UnusableFile(
            "geo_too_many", file=filename, features=MAX_FEATURES, positions=MAX_POSITIONS
        )
    if "error" in answer:
        raise _broken(filename, answer.get("why") or answer["error"])
    try:
        layers = [
            _layer(source, layer)
            for source, found in zip(sources, answer["layers"], strict=True)
            for layer in found
        ]
    except (shapely.errors.ShapelyError, ValueError) as error:
        raise _broken(filename, error) from error
    found = tuple(layer for layer in layers if layer.features)
    if not found:
        raise UnusableFile("geo_empty", file=filename)
    return found


def _broken(filename: str, why: object) -> UnusableFile:
    return UnusableFile("geo_broken", file=filename, why=str(why)[:200])


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
    own = source.kind == SHAPEFILE
    name = source.name if own or len(given["name"]) == 0 else given["name"]
    sure = source.kind in (SHAPEFILE, GPKG) and bool(given["crs"])
    coded = "utf-8" if source.kind == GEOJSON else source.encoding
    return Layer(name, source.kind, tuple(given["columns"]), features, given["crs"], sure, coded)


def _ask(sources: Sequence[tuple[str, str, str]], folder: Path) -> dict[str, Any]:
    """Ask the fenced process for (kind, path, encoding); one that dies or hangs answers too."""
    asked = {"sources": sources, "features": MAX_FEATURES, "positions": MAX_POSITIONS}
    env = {"PATH": os.defpath, "LANG": "C.UTF-8", "WASTEFLOW_OGR_SKIP": ",".join(_unwanted())}
    try:
        done = subprocess.run(
            [sys.executable, "-I", gdal_child.__file__],
            input=json.dumps(asked).encode(),
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
        return {"error": f"the reader ended with {done.returncode}"}
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
