"""The contract's `flows` dict as GraphML, GEXF, GeoJSON and a CSV of edges; no Sankey here.

Every format says the same: nodes and edges in the order of the dict (GraphML and GEXF: edges by
their source), masses in kilograms, (lon, lat) in degrees WGS 84 / CGCS2000.  The same dict gives
the same bytes.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from wasteflow.core.later import nx
from wasteflow.core.vocabulary import EVIDENCE
from wasteflow.exporting.tables import csv_text, json_text

Flows = Mapping[str, Any]
"""Node-link dict of 4-contract 4.3 (`flows`)."""

_ILLEGAL_XML: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_TODAY: Final = re.compile(r' lastmodifieddate="[^"]*"')
_FLOATS: Final = frozenset({"lon", "lat", "distance_km"})
EDGE_COLUMNS: Final = (
    "period",
    "level",
    "source",
    "source_name_zh",
    "source_name_en",
    "target",
    "target_name_zh",
    "target_name_en",
    "material",
    "route",
    "kg",
    "tonnes",
    "loads",
    "dispatched_kg",
    "accepted_kg",
    "distance_km",
    *(f"evidence_{word}_kg" for word in EVIDENCE),
    "synthetic",
)


def is_synthetic(flows: Flows) -> bool:
    """Whether the data are marked synthetic (`synthetic` of the dict or of its `graph`)."""
    return bool(flows.get("synthetic") or flows.get("graph", {}).get("synthetic"))


def to_graphml(flows: Flows) -> str:
    """GraphML of the flows; edge ids are e0, e1, …; attributes that are None are left out."""
    out = io.BytesIO()
    nx.write_graphml(_graph(flows, edge_ids=True), out, encoding="utf-8", prettyprint=True)
    return out.getvalue().decode("utf-8")


def to_gexf(flows: Flows) -> str:
    """GEXF 1.2 of the flows, with labels; without the date networkx would write."""
    out = io.BytesIO()
    nx.write_gexf(_graph(flows, edge_ids=False), out, encoding="utf-8", prettyprint=True)
    return _TODAY.sub("", out.getvalue().decode("utf-8"), count=1)


def to_geojson(flows: Flows) -> str:
    """GeoJSON (RFC 7946): located nodes as points, edges between two of them as lines.

    What has no position is listed in the foreign member `unlocated` with its kilograms.
    """
    nodes = {node["id"]: node for node in flows["nodes"]}
    features: list[dict[str, Any]] = []
    lost: dict[str, list[Any]] = {"nodes": [], "edges": []}
    for node in flows["nodes"]:
        position = _position(node)
        given = {key: value for key, value in node.items() if key not in ("lon", "lat")}
        if position is None:
            lost["nodes"].append(node["id"])
        else:
            features.append(_feature(node["id"], "Point", position, {"type": "node", **given}))
    for index, edge in enumerate(flows["edges"]):
        ends = [_position(nodes[edge[end]]) for end in ("source", "target")]
        if None in ends:
            lost["edges"].append(
                {name: edge.get(name) for name in ("source", "target", "material", "route", "kg")}
            )
        else:
            features.append(_feature(f"e{index}", "LineString", ends, {"type": "edge", **edge}))
    return json_text(
        {
            "type": "FeatureCollection",
            "period": flows.get("period"),
            "level": flows.get("level"),
            "synthetic": is_synthetic(flows),
            "features": features,
            "unlocated": lost,
        }
    )


def to_csv(flows: Flows, *, bom: bool = True) -> str:
    """CSV of the edges (`EDGE_COLUMNS`), one line per source, target, material and route."""
    return csv_text(EDGE_COLUMNS, edge_rows(flows), bom=bom)


def edge_rows(flows: Flows) -> Iterator[list[object]]:
    """Cells of the edges in the order of `EDGE_COLUMNS`."""
    nodes = {node["id"]: node for node in flows["nodes"]}
    for edge in flows["edges"]:
        row: dict[str, object] = {
            **{name: edge.get(name) for name in EDGE_COLUMNS},
            "period": flows.get("period"),
            "level": flows.get("level"),
            "synthetic": is_synthetic(flows),
        }
        for end in ("source", "target"):
            for name in ("name_zh", "name_en"):
                row[f"{end}_{name}"] = nodes[edge[end]].get(name)
        for word, kg in (edge.get("evidence") or {}).items():
            row[f"evidence_{word}_kg"] = kg
        yield [row[name] for name in EDGE_COLUMNS]


def _graph(flows: Flows, *, edge_ids: bool) -> Any:
    """A NetworkX graph whose attributes are text, integers and floats only."""
    graph: Any = nx.MultiDiGraph()
    for name in ("period", "level"):
        graph.graph[name] = str(flows.get(name) or "")
    graph.graph["synthetic"] = str(is_synthetic(flows)).lower()
    for node in flows["nodes"]:
        given = {key: value for key, value in node.items() if key != "id"}
        label = node.get("name_zh") or node["id"]
        graph.add_node(_xml(node["id"]), **_attributes({"label": label, **given}))
    for index, edge in enumerate(flows["edges"]):
        given = {key: value for key, value in edge.items() if key not in ("source", "target")}
        given.setdefault("key", f"{edge.get('material', '')}/{edge.get('route', '')}")
        link = given.pop("key")
        ends = _xml(edge["source"]), _xml(edge["target"])
        name = f"e{index}"
        extra = {"link": link} if edge_ids else {"id": name, "label": link}
        graph.add_edge(*ends, key=name, **_attributes({**extra, **given}))
    return graph


def _attributes(given: Mapping[str, Any]) -> dict[str, Any]:
    """Flat attributes without None: dicts as `name_key`, lists as text, coordinates as floats."""
    flat: dict[str, Any] = {}
    for name, value in given.items():
        if isinstance(value, Mapping):
            for key in sorted(value):
                flat.update(_attributes({f"{name}_{key}": value[key]}))
        elif name in _FLOATS and value is not None:
            flat[name] = float(value)
        elif isinstance(value, bool | int | float):
            flat[name] = value
        elif isinstance(value, list | tuple):
            flat[name] = _xml(";".join(str(item) for item in value))
        elif value is not None:
            flat[name] = _xml(str(value))
    return flat


def _xml(text: str) -> str:
    return _ILLEGAL_XML.sub("\ufffd", text)


def _position(node: Mapping[str, Any]) -> list[float] | None:
    """[lon, lat] of a node, None if it has none."""
    if node.get("lon") is None or node.get("lat") is None:
        return None
    return [float(node["lon"]), float(node["lat"])]


def _feature(
    identity: str, shape: str, coordinates: object, properties: Mapping[str, Any]
) -> dict[str, Any]:
    return {
        "type": "Feature",
        "id": identity,
        "geometry": {"type": shape, "coordinates": coordinates},
        "properties": dict(properties),
    }
