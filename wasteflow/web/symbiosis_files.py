"""Links as GeoJSON: straight lines between the ends, every figure an attribute."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final

from flask import Response

from wasteflow.core.geodesy import WGS84
from wasteflow.core.symbiosis.books import position_of
from wasteflow.web.texts import text

if TYPE_CHECKING:
    from wasteflow.web.pages.view import View

_PLAIN: Final = (
    "from", "to", "material", "route", "tonnes", "loads", "first", "last", "where", "distance_km",
    "distance_basis", "freight", "co2_t", "share_of_output", "share_of_need", "need_basis",
    "prior_t", "change",
)  # fmt: skip


def realised_geo(view: View, report: Mapping[str, Any]) -> Response:
    """The links both of whose ends have a position; how many have none stands in the notes."""
    from shapely import LineString

    mark = "true" if view.books.synthetic else "false"
    features, unplaced = [], 0
    for row in report["rows"]:
        ends = [position_of(view.registry, row[end]) for end in ("from", "to")]
        if None in ends:
            unplaced += 1
            continue
        cells = {name: row[name] for name in _PLAIN} | {"synthetic": mark}
        features.append((cells, LineString([end for end in ends if end is not None])))
    notes = {
        "scope": view.scope,
        "period": view.span.text,
        "material": view.material,
        "links_without_position": str(unplaced),
        "synthetic": mark,
    }
    return _file("realised", text("realised.title"), features, notes, view.span.text)


_CHANGED: Final = (
    "from", "to", "facility", "material", "route", "what", "today_t", "then_t", "change_t",
    "distance_km",
)  # fmt: skip


def scenario_geo(name: str, found: Mapping[str, Any]) -> Response:
    """The changed links of a scenario both of whose ends have a position, as they are told."""
    from shapely import LineString

    places, mark = found["places"], "true" if found["synthetic"] else "false"
    last = found["years"][-1]["period"]
    features, unplaced = [], found["flows_changed"] - len(found["flows"])
    for row in found["flows"]:
        ends = [places.get(code) for code in (row["from"], row["facility"] or row["to"])]
        if None in ends:
            unplaced += 1
            continue
        cells = {key: row[key] for key in _CHANGED}
        cells |= {"scenario": name, "base": found["period"], "period": last, "synthetic": mark}
        features.append((cells, LineString([end for end in ends if end is not None])))
    notes = {
        "scenario": name,
        "scope": found["scope"],
        "base": found["period"],
        "period": last,
        "material": found["material"],
        "links_not_in_the_file": str(unplaced),
        "synthetic": mark,
    }
    return _file("scenario", text("scenario.map"), features, notes, last)


def _file(
    what: str, title: str, features: list[Any], notes: Mapping[str, str], period: str
) -> Response:
    from wasteflow_maps.geo_writing import GeoDocument, GeoLayer, write_geo

    document = GeoDocument(title, [GeoLayer(what, title, features)], dict(notes))
    with TemporaryDirectory(prefix="wasteflow-out-") as folder:
        path = Path(folder) / f"{what}.geojson"
        write_geo(document, "geojson", WGS84, path)
        response = Response(path.read_bytes(), mimetype="application/geo+json")
    name = f"wasteflow-{what}-{period}.geojson"
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
