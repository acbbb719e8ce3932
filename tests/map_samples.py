"""Hand-made and generated flows for the map tests; every mass in here is invented."""

from __future__ import annotations

import csv
import json
import random
import re
from pathlib import Path
from typing import Any

from wasteflow_maps.layers import MapData, map_data
from wasteflow_maps.page import render_map

SEED = Path(__file__).resolve().parents[1] / "seed_data"
Row = dict[str, Any]

MATERIALS: list[Row] = [
    {"code": "phosphogypsum", "name_zh": "磷石膏", "name_en": "Phosphogypsum"},
    {"code": "steel_slag", "name_zh": "钢渣", "name_en": "Steel slag"},
    {"code": "red_mud", "name_zh": "赤泥", "name_en": "Red mud"},
    {"code": "petroleum_coke", "name_zh": "石油焦", "name_en": "Petroleum coke"},
]


def place(code: str, lon: float | None, lat: float | None, **more: Any) -> Row:
    """A park or enterprise row."""
    names = {"name_zh": f"名{code}", "name_en": f"Name {code}"}
    base = {"park": None, "parent": None, "precision_km": 2.0}
    return {"code": code, **names, **base, "lon": lon, "lat": lat, **more}


def edge(source: str, target: str, kg: int, **more: Any) -> Row:
    """An edge of the node-link dict."""
    base: Row = {"material": "phosphogypsum", "route": "pg_road_base", "distance_km": None}
    base["loads"] = max(1, kg // 30_000)
    mass = {"kg": kg, "tonnes": f"{kg / 1000:.3f}", "evidence": {"imported": kg}}
    return {"source": source, "target": target, **base, **mass, **more}


def flows_of(edges: list[Row], places: list[Row], level: str = "enterprise") -> Row:
    """A node-link dict over `places`; ends that are none of them are boundary or other nodes."""
    rows = {row["code"]: row for row in places}
    nodes = []
    for code in sorted({end for one in edges for end in (one["source"], one["target"])}):
        row = rows.get(code, {})
        kind = level if code in rows else code.partition(":")[0]
        names = {"name_zh": row.get("name_zh", code), "name_en": row.get("name_en", code)}
        spot = {"lon": row.get("lon"), "lat": row.get("lat")}
        nodes.append({"id": code, "kind": kind, "park": row.get("park"), **names, **spot})
    return {"period": "2024", "level": level, "nodes": nodes, "edges": edges}


def small_map(**more: Any) -> MapData:
    """Two parks, four firms (two at one spot, one nowhere), every kind of flow once."""
    parks = [place("park.a", 102.4, 24.9, precision_km=5), place("park.b", 102.8, 25.1)]
    firms = [
        place("ent.a", 102.3, 24.9, park="park.a"),
        place("ent.b", 102.8, 25.1, park="park.b", precision_km=4),
        place("ent.c", 102.8, 25.1, park="park.b", precision_km=4),
        place("ent.lost", None, None),
    ]
    edges = [
        edge("ent.a", "ent.b", 400_000, route="pg_road_base"),
        edge("ent.a", "ent.b", 500_000, route="pg_cement_retarder"),
        edge("ent.b", "ent.a", 100_000, material="steel_slag", route="ss_slag_powder"),
        edge("ent.a", "ent.c", 250_000, evidence={"both": 200_000, "disputed": 50_000}),
        edge("ent.a", "ent.lost", 30_000),
        edge("ent.a", "yard:ent.a", 70_000, route=""),
        edge("generation", "ent.a", 900_000, route=""),
        edge("ent.b", "use:pg_road_base", 300_000),
    ]
    settings: Row = {
        "period": "2024",
        "materials": MATERIALS,
        "rates": {"park.a": {"value": 0.7868, "not_computable": None}},
        "synthetic": False,
        "basemap": None,
        "evidence_date": "2024-12-31",
    }
    return map_data(flows_of(edges, firms), more.pop("parks", parks), firms, **{**settings, **more})


def grid_map(links: int, firms: int = 400, parks: int = 20, **more: Any) -> MapData:
    """A deterministic large network over a grid of firms."""
    dice = random.Random(7)
    park_rows = [
        place(f"park.{n}", 100 + n % 5 * 0.9, 23.5 + n // 5 * 0.8, precision_km=8)
        for n in range(parks)
    ]
    rows = []
    for n in range(firms):
        home = park_rows[n % parks]
        lon, lat = home["lon"] + dice.uniform(-0.1, 0.1), home["lat"] + dice.uniform(-0.1, 0.1)
        rows.append(place(f"ent.{n:04}", round(lon, 5), round(lat, 5), park=home["code"]))
    edges: dict[tuple[str, str, str], Row] = {}
    while len(edges) < links:
        source, target = dice.sample(rows, 2)
        material = dice.choice(MATERIALS)["code"]
        key = source["code"], target["code"], material
        kg = int(10_000 * dice.paretovariate(0.8))
        edges[key] = edge(
            *key[:2], kg, material=material, route=f"route_{dice.randrange(30)}", distance_km=99.9
        )
    settings: Row = {
        "period": "2024",
        "materials": MATERIALS,
        "rates": {
            row["code"]: {"value": dice.random(), "not_computable": None} for row in park_rows
        },
        "synthetic": True,
        "basemap": None,
        "evidence_date": "2024-12-31",
    }
    flows = flows_of(list(edges.values()), rows)
    return map_data(flows, park_rows, rows, **{**settings, **more})


def _seed(name: str) -> list[Row]:
    with (SEED / f"{name}.csv").open(encoding="utf-8-sig", newline="") as file:
        rows: list[Row] = [dict(row) for row in csv.DictReader(file)]
    for row in rows:
        for field in ("lon", "lat", "precision_km"):
            if field in row:
                row[field] = float(row[field]) if row[field] else None
        for field in ("park", "parent"):
            if field in row:
                row[field] = row[field] or None
    return rows


def seed_map(**more: Any) -> MapData:
    """The real parks and firms of the seed with invented flows, marked synthetic."""
    dice = random.Random(3)
    parks, firms, routes = _seed("parks"), _seed("enterprises"), _seed("routes")
    codes = {row["code"] for row in firms}
    wanted = [
        ("ent.yth", "ent.xiangfeng", "phosphogypsum", 820_000_000),
        ("ent.tianan", "ent.jiahua", "phosphogypsum", 310_000_000),
        ("ent.sanhuan", "ent.fumin_feed", "phosphogypsum", 260_000_000),
        ("ent.yunlong", "ent.tianan", "phosphogypsum", 95_000_000),
        ("ent.sanhuan", "ent.jilin", "phosphogypsum", 140_000_000),
        ("ent.kisc", "ent.longkun", "steel_slag", 240_000_000),
        ("ent.kisc", "ent.jiahua", "steel_slag", 120_000_000),
        ("ent.ynpc", "ent.tianan", "petroleum_coke", 180_000_000),
        ("ent.ynpc", "ent.shanshan", "petroleum_coke", 60_000_000),
        ("ent.yth", "ent.huaxin_yc", "phosphogypsum", 22_000_000),
        ("ent.longkun", "ent.huaxin_yc", "steel_slag", 41_000_000),
        ("ent.huaxin_yc", "ent.dongpeng", "phosphogypsum", 9_000_000),
    ]
    edges = [
        edge(source, target, kg, material=material, route="", evidence={"imported": kg})
        for source, target, material, kg in wanted
        if source in codes and target in codes
    ]
    by_material: dict[str, list[str]] = {}
    for row in routes:
        by_material.setdefault(row["material"], []).append(row["code"])
    for one in edges:
        one["route"] = dice.choice(by_material.get(one["material"], [""]))
    edges.append(edge("generation", "ent.yth", 2_100_000_000, route=""))
    edges.append(edge("ent.xiangfeng", "use:pg_road_base", 500_000_000))
    edges.append(edge("ent.yth", "yard:ent.yth", 700_000_000, route=""))
    rates: dict[str, Row] = {
        row["code"]: {
            "value": dice.choice([0.34, 0.52, 0.61, 0.7868, 0.95]),
            "not_computable": None,
        }
        for row in parks[::2]
    }
    rates["park.haikou"] = {"value": None, "not_computable": "prior_stock_untraced"}
    settings: Row = {
        "period": "2024",
        "materials": MATERIALS,
        "rates": rates,
        "synthetic": True,
        "basemap": None,
        "evidence_date": "2024-12-31",
        "routes": routes,
    }
    return map_data(flows_of(edges, firms), parks, firms, **{**settings, **more})


def single_file(data: MapData, lang: str = "zh") -> str:
    return render_map(data, lang=lang, single_file=True, asset_url=None, nonce=None)


def served(data: MapData, lang: str = "zh") -> str:
    return render_map(
        data, lang=lang, single_file=False, asset_url=lambda name: f"/assets/{name}", nonce="n0nce"
    )


def data_in(html: str) -> Any:
    found = re.search(r'<script type="application/json" id="wf-data"[^>]*>(.*?)</script>', html)
    assert found is not None
    return json.loads(found[1])


def all_kg(data: MapData) -> int:
    drawn = sum(link.kg for link in data.links) + sum(one.kg for one in data.bubbles)
    return drawn + sum(link.kg for group in data.not_drawn.values() for link in group)
