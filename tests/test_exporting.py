"""Files out: what is written comes back the same, runs no formula, and keeps every kilogram."""

from __future__ import annotations

import csv
import io
import json
from collections import defaultdict
from datetime import date
from decimal import Decimal
from typing import Any
from xml.etree import ElementTree

import networkx as nx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wasteflow.core.errors import InvalidValue
from wasteflow.core.vocabulary import EntryKind
from wasteflow.exporting.graphs import EDGE_COLUMNS, to_csv, to_geojson, to_gexf, to_graphml
from wasteflow.exporting.sankey import HOLDING_KINDS, sankey, to_sankey
from wasteflow.exporting.tables import (
    csv_bytes,
    csv_text,
    json_rows,
    json_text,
    kind_columns,
    kind_rows,
)
from wasteflow.importing.reading import read_table
from wasteflow.schemas.cells import guard, unguard
from wasteflow.schemas.rows import load_rows

CELL = st.text(
    st.characters(exclude_categories=("Cs", "Cc"), include_characters="\t\r\n=+-@'\""), max_size=12
)
ROWS = st.lists(st.lists(CELL, min_size=3, max_size=3), max_size=6)


def kept(rows: list[list[str]]) -> list[list[str]]:
    """Rows that are not blank all over; these are passed over when read."""
    return [row for row in rows if any(cell.strip() for cell in row)]


@settings(deadline=None)
@given(ROWS, st.booleans())
def test_csv_comes_back_as_it_was(rows: list[list[str]], bom: bool) -> None:
    text = csv_text(["code", "name_zh", "备注"], rows, bom=bom)
    table = read_table(text.encode(), "a.csv")
    assert table.columns == ("code", "name_zh", "备注")
    assert [cells for _, cells in table.rows] == kept(rows)
    assert table.issues == ()


@settings(deadline=None)
@given(ROWS, st.sampled_from(["utf-8-sig", "utf-8", "gb18030"]))
def test_csv_bytes_come_back_in_every_encoding(rows: list[list[str]], encoding: str) -> None:
    data = csv_bytes(["code", "name_zh", "备注"], rows, encoding)
    table = read_table(data, "a.csv", encoding)
    assert [cells for _, cells in table.rows] == kept(rows)


@settings(deadline=None)
@given(ROWS.filter(bool))
def test_json_comes_back_as_it_was(rows: list[list[str]]) -> None:
    table = read_table(json_rows(["code", "name_zh", "备注"], rows).encode(), "a.json")
    assert [cells for _, cells in table.rows] == rows


@given(CELL)
def test_guarded_text_is_never_a_formula_and_comes_back(text: str) -> None:
    cell = guard(text)
    assert unguard(cell) == text
    if cell[:1] in ("=", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"):
        raise AssertionError(cell)
    assert cell[:1] not in ("+", "-") or float(cell) == float(text)


@pytest.mark.parametrize(
    "attack",
    ["=1+1", "+1+1", "-1+1", "@SUM(A1)", "\t=1", "\r=1", "=cmd|' /C calc'!A0", "'=1", "＝1+1"],
)
def test_formulas_are_written_as_text(attack: str) -> None:
    text = csv_text(["remark"], [[attack]], bom=False)
    [_, [cell]] = list(csv.reader(io.StringIO(text, newline="")))
    assert cell == "'" + attack


def test_numbers_stay_numbers() -> None:
    row = [-5, "-5.000", "+3", Decimal("-0.1"), None, True, 1.5]
    text = csv_text([str(n) for n in range(7)], [row], bom=False)
    assert text.splitlines()[1] == "-5,-5.000,+3,-0.1,,true,1.5"


def test_csv_begins_with_a_mark_and_ends_lines_as_excel_does() -> None:
    assert csv_bytes(["a"], [["昆"]]) == b"\xef\xbb\xbfa\r\n\xe6\x98\x86\r\n"
    assert csv_bytes(["a"], [["昆"]], "GBK") == b"a\r\n\xc0\xa5\r\n"
    with pytest.raises(InvalidValue):
        csv_bytes(["a"], [], "klingon")


def test_json_text_is_exact_and_refuses_what_json_cannot_say() -> None:
    value = {"名": Decimal("1.50"), "day": date(2026, 1, 2), "set": {"b", "a"}, "k": EntryKind.USE}
    assert json.loads(json_text(value)) == {
        "名": "1.50",
        "day": "2026-01-02",
        "set": ["a", "b"],
        "k": "use",
    }
    with pytest.raises(ValueError, match="JSON compliant"):
        json_text(float("nan"))
    with pytest.raises(TypeError):
        json_text(object())


def test_records_are_written_in_the_import_format() -> None:
    cells = ["YD1", "ent.a", "ent.b", "phosphogypsum", "pg_yard", "2026-01-02", "31.48", "20.5%"]
    names = [
        "doc_no",
        "consignor",
        "consignee",
        "material",
        "route",
        "dispatched_at",
        "dispatched_t",
        "moisture_pct",
    ]
    read = read_table(csv_text(names, [cells]).encode(), "a.csv")
    [first] = load_rows("shipments", read, today=date(2026, 7, 1)).rows
    [row] = kind_rows("shipments", [first.values])
    written = dict(zip(kind_columns("shipments"), row, strict=True))
    assert written["dispatched_t"] == "31.480" and written["moisture_pct"] == "20.5"
    assert written["dispatched_at"] == "2026-01-02T12:00:00+08:00"
    again = read_table(csv_text(kind_columns("shipments"), [row]).encode(), "a.csv")
    assert load_rows("shipments", again, today=date(2026, 7, 1)).rows[0].values == first.values


# --- graphs ----------------------------------------------------------------------------------


def node(name: str, kind: str, opening: int = 0, closing: int = 0, **more: Any) -> dict[str, Any]:
    plain = {"park": None, "region": None, "lon": None, "lat": None}
    names = {"name_zh": f"某{name}", "name_en": name}
    stocks = {"opening_kg": opening, "closing_kg": closing}
    return {"id": name, "kind": kind, **names, **plain, **stocks, **more}


def edge(source: str, target: str, material: str, kg: int, route: str = "") -> dict[str, Any]:
    return {
        "source": source,
        "target": target,
        "key": f"{material}/{route}",
        "material": material,
        "route": route,
        "kg": kg,
        "tonnes": f"{kg // 1000}.{kg % 1000:03d}",
        "loads": 1,
        "dispatched_kg": kg,
        "accepted_kg": kg,
        "distance_km": None,
        "evidence": {"both": kg},
    }


FLOWS: dict[str, Any] = {
    "period": "2026",
    "level": "enterprise",
    "directed": True,
    "multigraph": True,
    "graph": {"synthetic": True},
    "nodes": [
        node("ent.a", "enterprise", 1000, 400, lon=102.3354, lat=24.98669),
        node("ent.b<&>", "enterprise", 0, 350, lon=102.5, lat=25),
        node("ent.c", "enterprise"),
        node("yard:ent.a", "yard", 0, 150),
        node("generation", "generation"),
        node("use:pg_road", "use"),
    ],
    "edges": [
        edge("generation", "ent.a", "phosphogypsum", 5000),
        edge("generation", "ent.a", "steel_slag", 100),
        edge("ent.a", "yard:ent.a", "phosphogypsum", 150),
        edge("ent.a", "ent.b<&>", "phosphogypsum", 5450, "pg_trade"),
        edge("ent.a", "ent.b<&>", "steel_slag", 200, "ss_trade"),
        edge("ent.b<&>", "ent.a", "phosphogypsum", 100, "pg_trade"),
        edge("ent.b<&>", "use:pg_road", "phosphogypsum", 5200, "pg_road"),
        edge("ent.c", "ent.c", "phosphogypsum", 7, "pg_trade"),
        edge("ent.c", "ent.a", "phosphogypsum", 0, "pg_trade"),
    ],
}


def test_graphml_holds_every_node_and_parallel_edge() -> None:
    text = to_graphml(FLOWS)
    graph = nx.read_graphml(io.BytesIO(text.encode()), force_multigraph=True)
    assert set(graph.nodes) == {item["id"] for item in FLOWS["nodes"]}
    assert sum(kg for _, _, kg in graph.edges(data="kg")) == sum(e["kg"] for e in FLOWS["edges"])
    assert {link for _, _, link in graph.edges(data="link")} >= {"phosphogypsum/pg_trade"}
    assert graph.nodes["ent.a"]["lon"] == 102.3354 and "lon" not in graph.nodes["ent.c"]
    assert graph.graph["synthetic"] == "true" and "None" not in text
    tags = ElementTree.fromstring(text).iter()
    ids = [item.get("id") for item in tags if item.tag.endswith("}edge")]
    assert sorted(map(str, ids)) == [f"e{n}" for n in range(len(FLOWS["edges"]))]


def test_gexf_holds_every_node_and_edge_and_no_clock() -> None:
    text = to_gexf(FLOWS)
    graph = nx.read_gexf(io.BytesIO(text.encode()))
    assert graph.number_of_edges() == len(FLOWS["edges"])
    assert graph.nodes["ent.a"]["label"] == "某ent.a"
    assert graph.nodes["ent.b<&>"]["lat"] == 25.0
    assert "lastmodified" not in text and "None" not in text


@pytest.mark.parametrize("write", [to_graphml, to_gexf, to_geojson, to_csv, to_sankey])
def test_the_same_flows_give_the_same_text(write: Any) -> None:
    assert write(FLOWS) == write(json.loads(json.dumps(FLOWS)))
    empty = {**FLOWS, "nodes": [], "edges": []}
    assert write(empty)


def test_names_xml_cannot_hold_do_not_break_the_file() -> None:
    flows = {**FLOWS, "nodes": [node("a", "enterprise", name_zh="x\x00\ud800y")], "edges": []}
    assert "x\ufffd\ufffdy" in to_graphml(flows)
    ElementTree.fromstring(to_gexf(flows))


def test_geojson_draws_what_is_located_and_lists_the_rest() -> None:
    data = json.loads(to_geojson(FLOWS))
    shapes = defaultdict(list)
    for feature in data["features"]:
        shapes[feature["geometry"]["type"]].append(feature)
    assert [f["geometry"]["coordinates"] for f in shapes["Point"]] == [
        [102.3354, 24.98669],
        [102.5, 25.0],
    ]
    assert [f["properties"]["kg"] for f in shapes["LineString"]] == [5450, 200, 100]
    assert shapes["LineString"][2]["geometry"]["coordinates"] == [
        [102.5, 25.0],
        [102.3354, 24.98669],
    ]
    assert data["unlocated"]["nodes"] == ["ent.c", "yard:ent.a", "generation", "use:pg_road"]
    drawn = sum(feature["properties"]["kg"] for feature in shapes["LineString"])
    lost = sum(item["kg"] for item in data["unlocated"]["edges"])
    assert drawn + lost == sum(item["kg"] for item in FLOWS["edges"])
    assert data["synthetic"] is True


def test_edges_as_csv() -> None:
    rows = list(csv.DictReader(io.StringIO(to_csv(FLOWS, bom=False), newline="")))
    assert tuple(rows[0]) == EDGE_COLUMNS and len(rows) == len(FLOWS["edges"])
    assert rows[3]["source_name_zh"] == "某ent.a" and rows[3]["tonnes"] == "5.450"
    assert rows[3]["evidence_both_kg"] == "5450" and rows[3]["evidence_disputed_kg"] == ""
    assert {row["synthetic"] for row in rows} == {"true"}


# --- Sankey ----------------------------------------------------------------------------------


def gaps(data: dict[str, Any]) -> dict[tuple[str, str], int]:
    """In - out per holding node and material, where it is not zero."""
    net: dict[tuple[str, str], int] = defaultdict(int)
    for link in data["links"]:
        assert link["kg"] > 0
        net[link["target"], link["material"]] += link["kg"]
        net[link["source"], link["material"]] -= link["kg"]
    holding = {item["id"] for item in data["nodes"] if item["kind"] in HOLDING_KINDS}
    return {key: kg for key, kg in net.items() if kg and key[0] in holding}


def stock(data: dict[str, Any], kind: str) -> list[tuple[str, str, int]]:
    found = []
    for link in data["links"]:
        if kind in (link["source"], link["target"]):
            other = link["target"] if link["source"] == kind else link["source"]
            found.append((other, link["material"], link["kg"]))
    return found


def test_every_holding_node_is_balanced_by_its_stock() -> None:
    data = sankey(FLOWS)
    assert gaps(data) == {}
    assert stock(data, "stock_draw") == [
        ("ent.a", "phosphogypsum", 500),
        ("ent.a", "steel_slag", 100),
    ]
    assert stock(data, "stock_build") == [
        ("ent.b<&>", "phosphogypsum", 150),
        ("ent.b<&>", "steel_slag", 200),
        ("yard:ent.a", "phosphogypsum", 150),
    ]
    assert stock(data, "residual") == []
    assert data["unit"] == "kg" and data["synthetic"] is True
    assert {"source": "ent.c", "target": "ent.c"}.items() <= data["links"][7].items()
    assert set(data["nodes"][0]) == {"id", "kind", "name_zh", "name_en"}


def test_a_contradiction_between_stock_and_edges_is_shown_as_residual() -> None:
    nodes = [
        node("ent.a", "enterprise", 0, 90),
        node("generation", "generation"),
        node("still", "park", 5, 5),
    ]
    data = sankey({**FLOWS, "nodes": nodes, "edges": [edge("generation", "ent.a", "red_mud", 100)]})
    assert stock(data, "stock_build") == [("ent.a", "red_mud", 90)]
    assert stock(data, "residual") == [("ent.a", "red_mud", 10)]
    assert gaps(data) == {}
    assert "still" not in {item["id"] for item in data["nodes"]}


@settings(deadline=None)
@given(st.data())
def test_any_flows_are_balanced(data: st.DataObject) -> None:
    kinds = {"a": "enterprise", "b": "enterprise", "y": "yard", "g": "generation", "u": "use"}
    names = st.sampled_from(sorted(kinds))
    edges = data.draw(
        st.lists(
            st.builds(
                edge, names, names, st.sampled_from(["m", "n"]), st.integers(0, 9), st.just("r")
            ),
            max_size=8,
        )
    )
    by_material = data.draw(st.booleans())
    whole = st.integers(-9, 9)
    mass: Any = st.dictionaries(st.sampled_from(["m", "n"]), whole) if by_material else whole
    nodes = [node(name, kind, data.draw(mass), data.draw(mass)) for name, kind in kinds.items()]
    assert gaps(sankey({**FLOWS, "nodes": nodes, "edges": edges})) == {}
