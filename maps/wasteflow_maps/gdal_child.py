"""Run as a program of its own: read one vector file with GDAL and print what it holds as JSON.

Imports nothing of ours.  GDAL opens what the content says, whatever the name: so every driver but
the wanted ones is left out before GDAL loads, the path is one we made, nothing is fetched, and
memory, time and file size have limits.  A file that breaks GDAL breaks this process alone.
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


def read(path: str, encoding: str | None, most: int) -> dict[str, Any]:
    """Layers: name, CRS as WKT, columns, rows of cells as text, geometry as WKB hex."""
    import pyogrio
    from pyogrio.raw import read as read_layer

    strange = sorted(set(pyogrio.list_drivers()) - set(ALLOWED))
    if strange:
        return {"error": "drivers", "why": ", ".join(strange)}
    layers = []
    for name, _ in pyogrio.list_layers(path):
        meta, _, shapes, cells = read_layer(
            path, layer=name, encoding=encoding, max_features=most + 1
        )
        columns = [str(column) for column in meta["fields"]][:COLUMNS]
        texts = [[_text(value) for value in cell] for cell in cells[:COLUMNS]]
        layers.append(
            {
                "name": str(name),
                "crs": str(meta["crs"] or ""),
                "columns": columns,
                "rows": [list(row) for row in zip(*texts, strict=True)],
                "shapes": [None if shape is None else bytes(shape).hex() for shape in shapes]
                if shapes is not None
                else [],
            }
        )
        most -= len(layers[-1]["shapes"])
        if most < 0:
            break
    return {"layers": layers}


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


def main() -> None:
    """`gdal_child.py drivers`, or `gdal_child.py PATH ENCODING MOST`; JSON on standard output."""
    if sys.argv[1:] == ["drivers"]:
        answer: Any = drivers()
    else:
        fence()
        path, encoding, most = sys.argv[1:]
        try:
            answer = read(path, encoding or None, int(most))
        except Exception as error:  # whatever GDAL raises is told, not traced
            answer = {"error": type(error).__name__, "why": str(error)[:300]}
    json.dump(answer, sys.stdout)


if __name__ == "__main__":
    main()
