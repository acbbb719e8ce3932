"""Map data, geometry, boundaries, assets and the rendered page, without a browser."""

from __future__ import annotations

import json
import math
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.map_samples import MATERIALS, edge, flows_of, grid_map, place, seed_map, small_map
from wasteflow.core.geodesy import geodesic_distance_km, wgs84_to_gcj02
from wasteflow_maps import MapError, assets, geometry, page, style
from wasteflow_maps.boundaries import enterprises_outside_park, parks_containing, read_boundaries
from wasteflow_maps.content import payload
from wasteflow_maps.layers import MapData, map_data
from wasteflow_maps.page import render_map
from wasteflow_maps.views import opening_view

lons = st.floats(97, 123)
lats = st.floats(18, 45)


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


# --- geometry ----------------------------------------------------------------------------


@given(lons, lats, lons, lats, st.integers(0, 11))
def test_an_arc_joins_its_ends_and_bends_right(
    lon1: float, lat1: float, lon2: float, lat2: float, material: int
) -> None:
    points = geometry.arc((lon1, lat1), (lon2, lat2), geometry.bend_of(material))
    assert len(points) == 40
    assert points[0] == pytest.approx((lon1, lat1), abs=1e-5)
    assert points[-1] == pytest.approx((lon2, lat2), abs=1e-5)
    if math.hypot(lon2 - lon1, lat2 - lat1) > 0.01:
        # Cross product of travel and offset: negative means right of the line.
        for lon, lat in points[5:-5]:
            assert (lon2 - lon1) * (lat - lat1) - (lat2 - lat1) * (lon - lon1) < 0


def test_there_and_back_are_two_lines() -> None:
    there = geometry.arc((102.0, 25.0), (103.0, 25.0), 0.2)
    back = geometry.arc((103.0, 25.0), (102.0, 25.0), 0.2)
    assert there[20][1] < 25 < back[20][1]


def test_width_is_proportional_to_the_root_of_the_mass() -> None:
    assert geometry.line_width_px(100, 100) == geometry.WIDEST_PX
    assert geometry.line_width_px(50, 200) == pytest.approx(geometry.WIDEST_PX / 2)
    assert geometry.line_width_px(1, 10**9) == geometry.THINNEST_PX


def test_shared_positions_are_fanned_out_inside_their_precision() -> None:
    for count in (2, 8, 30):
        places = {f"ent.{n:02}": (102.42, 24.94) for n in range(count)}
        precision: dict[str, float | None] = {key: 4.0 for key in places}
        drawn = geometry.spread_shared(places, precision)
        assert len(set(drawn.values())) == count
        for lon, lat in drawn.values():
            assert geodesic_distance_km(102.42, 24.94, lon, lat) <= 2.01
    alone = geometry.spread_shared({"a": (102.0, 25.0), "b": (102.0, 26.0)}, {})
    assert alone == {"a": (102.0, 25.0), "b": (102.0, 26.0)}


# --- style -------------------------------------------------------------------------------


def test_one_colour_per_material_whatever_is_given() -> None:
    for code, colour in style.MATERIAL_COLOURS.items():
        assert style.colour_of(code, "#123456") == colour
    assert style.colour_of("fly_ash", "#AABBCC") == "#aabbcc"
    assert style.colour_of("fly_ash") == style.colour_of("fly_ash", "red}body{display:none")


def test_every_text_is_there_in_both_languages() -> None:
    zh, en = style.texts("zh"), style.texts("en")
    assert zh.keys() == en.keys()
    assert all(zh.values()) and all(en.values())
    assert not [key for key in en if re.search("[\u4e00-\u9fff]", en[key])]


# --- map data ----------------------------------------------------------------------------


def all_kg(data: MapData) -> int:
    drawn = sum(link.kg for link in data.links) + sum(one.kg for one in data.bubbles)
    return drawn + sum(link.kg for group in data.not_drawn.values() for link in group)


def test_every_flow_is_drawn_or_listed() -> None:
    data = small_map()
    assert [(link.source, link.target, link.material, link.kg) for link in data.links] == [
        ("ent.a", "ent.b", "phosphogypsum", 900_000),
        ("ent.a", "ent.c", "phosphogypsum", 250_000),
        ("ent.b", "ent.a", "steel_slag", 100_000),
    ]
    assert data.links[0].routes["pg_cement_retarder"][0] == 500_000
    sums = {why: sum(link.kg for link in group) for why, group in data.not_drawn.items()}
    assert sums == {"within": 70_000, "unlocated": 0, "other": 0, "boundary": 1_200_000}
    (bubble,) = data.bubbles
    assert (bubble.place, bubble.way, bubble.kg, bubble.loads) == ("ent.a", "out", 30_000, 1)
    assert bubble.partners == data.unlocated_kg == {"ent.lost": 30_000}
    assert all_kg(data) == 2_550_000


@pytest.mark.parametrize("limit", [10, 300, 5000])
def test_aggregation_loses_no_kilogram(limit: int) -> None:
    full = grid_map(2000, max_links=5000)
    data = grid_map(2000, max_links=limit)
    assert all_kg(data) == all_kg(full)
    assert data.by_park == (limit < 2000)
    assert len(data.links) == min(limit, len(data.links) + len(data.not_drawn["other"]))
    if limit == 10:
        assert data.not_drawn["other"] and data.not_drawn["within"]
        smallest_drawn = min(link.kg for link in data.links)
        assert smallest_drawn >= max(link.kg for link in data.not_drawn["other"])


def test_flows_between_parks_are_drawn_between_parks() -> None:
    parks = [place("park.a", 102.0, 25.0), place("park.b", 103.0, 25.0)]
    flows = flows_of([edge("park.a", "park.b", 5000), edge("park.b", "park.b", 70)], parks, "park")
    data = map_data(
        flows,
        parks,
        [],
        period="2024",
        materials=MATERIALS,
        rates={},
        synthetic=False,
        basemap=None,
        evidence_date="2024-12-31",
    )
    assert [(link.source, link.target) for link in data.links] == [("park.a", "park.b")]
    assert data.links[0].distance_km == pytest.approx(100.9, abs=0.1)
    assert [link.kg for link in data.not_drawn["within"]] == [70]


def test_sub_parks_at_the_spot_of_their_parent_are_one_area() -> None:
    parks = [
        place("park.a.chem", 102.4, 24.9, parent="park.a"),
        place("park.a", 102.4, 24.9),
        place("park.a.pg", 102.3, 24.9, parent="park.a"),
        place("park.nowhere", None, None),
    ]
    data = small_map(parks=parks)
    assert [(area["code"], [m["code"] for m in area["members"]]) for area in data.parks] == [
        ("park.a", ["park.a.chem"]),
        ("park.a.pg", []),
    ]


@pytest.mark.parametrize(
    ("basemap", "code"),
    [
        ({"url": "javascript:x", "attribution": "a", "approval_no": "b"}, "basemap_url"),
        ({"url": "/t/{z}/{x}/{y}'", "attribution": "a", "approval_no": "b"}, "basemap_url"),
        ({"url": "/t/{z}/{x}/{y}", "attribution": "a"}, "basemap_approval"),
        (
            {"url": "/t/{z}", "attribution": "a", "approval_no": "b", "crs": "GCJ-02"},
            "basemap_crs",
        ),
    ],
)
def test_a_basemap_must_be_usable_and_name_its_approval(basemap: Any, code: str) -> None:
    with pytest.raises(MapError) as error:
        small_map(basemap=basemap)
    assert error.value.code == code
    assert error.value.text("zh") != error.value.text("en")


# --- the page ----------------------------------------------------------------------------


class Tags(HTMLParser):
    """All elements of a page with their attributes."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


def test_a_single_file_asks_for_nothing() -> None:
    html = single_file(seed_map())
    for tag, attributes in Tags(html).tags:
        for name in ("src", "href", "srcset", "action"):
            assert (attributes.get(name) or "data:").startswith(("data:", "#")), (tag, attributes)
    assert "sourceMappingURL" not in html
    assert not re.search(r"url\((?!['\"]?(data:|#))", html.split("<script")[0])


def test_served_assets_are_ours_and_carry_the_nonce() -> None:
    html = served(seed_map())
    asked = []
    for tag, attributes in Tags(html).tags:
        assert not [name for name in attributes if name.startswith("on") or name == "style"]
        if tag in ("script", "style") or attributes.get("rel") == "stylesheet":
            assert attributes["nonce"] == "n0nce"
        asked += [attributes[name] or "" for name in ("src", "href") if name in attributes]
    names = [name.removeprefix("/assets/") for name in asked if name.startswith("/assets/")]
    assert names == [
        *("leaflet.css", "wasteflow_map.css"),
        *("leaflet.js", "arcs.js", "ground.js", "bubbles.js", "flowmap.js"),
    ]
    assert [name for name in asked if not name.startswith("/assets/")] == ["data:,"]
    for name in names:
        assert assets.asset_path(name).is_file()


@pytest.mark.parametrize("cdn", ["cdn.jsdelivr", "code.jquery", "cdnjs", "bootstrapcdn", "unpkg"])
def test_no_cdn_is_named(cdn: str) -> None:
    assert cdn not in served(seed_map())


def test_an_asset_folium_adds_one_day_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    table = {name: local for name, local in page.HEADER_ASSETS.items() if name != "bootstrap"}
    monkeypatch.setattr(page, "HEADER_ASSETS", table)
    with pytest.raises(MapError, match="bootstrap"):
        single_file(small_map())


def test_a_foreign_address_is_refused() -> None:
    with pytest.raises(MapError, match="foreign address"):
        render_map(
            small_map(),
            lang="zh",
            single_file=False,
            asset_url=lambda name: f"https://example.org/{name}",
            nonce=None,
        )


HOSTILE = '</script><script>window.hacked=1</script><img src=x onerror="hacked=1">&"\'\u2028'


def hostile_map() -> MapData:
    """Hostile text in every field a user can fill."""
    firms = [
        place("ent.a", 102.3, 24.9, name_zh=HOSTILE, name_en=HOSTILE, park="park.a"),
        place("ent.b", 102.8, 25.1, name_zh="http://evil.example/x.js", name_en=HOSTILE),
        place("ent.c", None, None, name_zh=HOSTILE, name_en=HOSTILE),
    ]
    parks = [place("park.a", 102.4, 24.9, name_zh=HOSTILE, name_en=HOSTILE)]
    odd = {"material": "evil", "route": "evil", "evidence": {HOSTILE: 5}}
    return map_data(
        flows_of([edge("ent.a", "ent.b", 7000, **odd), edge("ent.a", "ent.c", 7)], firms),
        parks,
        firms,
        period=HOSTILE,
        materials=[{"code": "evil", "name_zh": HOSTILE, "name_en": HOSTILE, "colour": "red;}"}],
        rates={"park.a": {"value": None, "not_computable": HOSTILE}},
        synthetic=True,
        basemap={"url": "/tiles/{z}/{x}/{y}.png", "attribution": HOSTILE, "approval_no": HOSTILE},
        evidence_date=HOSTILE,
        routes=[{"code": "evil", "name_zh": HOSTILE, "name_en": HOSTILE}],
        formula=HOSTILE,
        basis=HOSTILE,
    )


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_text_of_users_stays_text(lang: str) -> None:
    clean = len(Tags(served(small_map(), lang)).tags)
    html = served(hostile_map(), lang)
    tags = Tags(html).tags
    assert abs(len(tags) - clean) < 60
    assert not [attributes for _, attributes in tags if "onerror" in attributes]
    assert [tag for tag, _ in tags].count("img") == 0
    assert len(re.findall(r"<script", html)) == len(re.findall(r"</script>", html)) == 7
    content = data_in(html)
    assert content["materials"][0] == [HOSTILE, 0] and content["partners"] == [HOSTILE]
    assert content["groups"][0]["name"] == HOSTILE


def test_two_renderings_are_the_same_bytes() -> None:
    assert served(seed_map()) == served(seed_map())


def test_the_page_says_what_must_be_said() -> None:
    zh, en = served(seed_map(), "zh"), served(seed_map(), "en")
    for text in (
        "演示合成数据",
        "2024-12-31",
        "综合利用率（法定）",
        "往年库存尚未追踪",
        "对方无坐标",
    ):
        assert text in zh
    for text in (
        "Synthetic demo data",
        "prior stock is not traced yet",
        "Partner without position",
    ):
        assert text in en
    assert "演示合成数据" not in served(small_map(), "zh")
    assert 'lang="zh-CN"' in zh and 'lang="en"' in en
    # Names stay as registered; every label of ours is translated.
    assert not re.search("[\u4e00-\u9fff]", re.sub(r"<script.*", "", served(small_map(), "en")))


def test_a_basemap_is_drawn_with_its_approval_number() -> None:
    tiles = {
        "url": "https://t0.tianditu.gov.cn/vec_w/wmts?TILEMATRIX={z}&TILEROW={y}&TILECOL={x}",
        "attribution": "天地图",
        "approval_no": "GS(2024)0000号",
    }
    html = served(small_map(basemap=tiles))
    assert "L.tileLayer" in html and "tianditu" in html
    assert json.dumps("天地图 · 审图号 GS(2024)0000号").strip('"') in html
    assert "L.tileLayer(" not in served(small_map())
    # A file for the disk asks for nothing, tiles included.
    assert "tianditu" not in single_file(small_map(basemap=tiles))


def plain_map(edges: list[Any], firms: list[Any], **more: Any) -> MapData:
    settings: dict[str, Any] = {"materials": MATERIALS, "rates": {}, "synthetic": False}
    return map_data(
        flows_of(edges, firms),
        more.pop("parks", []),
        firms,
        period="2024",
        basemap=None,
        evidence_date="2024-12",
        **{**settings, **more},
    )


def empty_text(html: str) -> str:
    found = re.search(r'</div>\s*<p class="wf-empty">(.*?)</p>', html)
    return found[1] if found else ""


def half_located(sites: int, partners: int, materials: int, **more: Any) -> MapData:
    """Sites with position that receive from and send to partners without."""
    firms = [place(f"site.{n:03}", 0.1 + n % 30 / 50, 52 + n // 30 / 50) for n in range(sites)]
    firms += [place(f"far.{n:02}", None, None) for n in range(partners)]
    edges = []
    for n in range(sites * 3):
        ends = (f"far.{n % partners:02}", f"site.{n % sites:03}")
        kg, material = 1000 + 37 * n, f"stuff.{n * n % materials:03}"
        edges.append(edge(*(ends[::-1] if n % 5 == 0 else ends), kg, material=material))
    return plain_map(edges, firms, **{"materials": [], **more})


def test_a_flow_with_one_located_end_is_a_bubble_there() -> None:
    firms = [place("ent.a", 102.0, 25.0), place("ent.b", None, None), place("ent.c", None, None)]
    slag = {"material": "steel_slag"}
    data = plain_map(
        [
            edge("ent.b", "ent.a", 600_000),
            edge("ent.c", "ent.a", 100_000, **slag),
            edge("ent.c", "ent.a", 50_000),
            edge("ent.a", "ent.c", 200_000),
            edge("ent.a", "ent.b", 200_000, **slag),
        ],
        firms,
    )
    content = data_in(served(data, "en"))
    names = content["partners"]
    received, sent = content["bubbles"]
    assert (received[1], received[2], received[5], received[7]) == (0, 750_000, 2, 2)
    assert [(names[index], kg) for index, kg in received[6]] == [
        ("Name ent.b", 600_000),
        ("Name ent.c", 150_000),
    ]
    assert content["groups"][received[4]]["colour"] == style.MATERIAL_COLOURS["phosphogypsum"]
    # Half and half: no material dominates.
    assert (sent[1], sent[2]) == (1, 400_000)
    assert content["groups"][sent[4]]["colour"] == style.OTHER_COLOUR
    assert data.not_drawn["unlocated"] == ()
    assert data.unlocated_kg == {"ent.b": 800_000, "ent.c": 350_000}


def test_of_many_bubbles_the_largest_are_drawn_and_no_kilogram_is_lost() -> None:
    data, full = half_located(400, 20, 3), half_located(400, 20, 3, max_links=5000)
    assert all_kg(data) == all_kg(full)
    assert len(data.bubbles) == 300 < len(full.bubbles)
    assert data.bubbles == full.bubbles[:300]
    assert data.not_drawn["other"] and not full.not_drawn["other"]


@pytest.mark.parametrize(("materials", "groups"), [(3, 3), (8, 8), (9, 7), (450, 7)])
def test_many_materials_are_few_layers(materials: int, groups: int) -> None:
    data = half_located(500, 20, materials, max_links=5000)
    found = {link.material for one in data.bubbles for link in one.links}
    own = [group["code"] for group in data.groups[:-1]]
    assert len(own) == min(groups, len(found))
    assert len({group["colour"] for group in data.groups}) == len(data.groups)
    assert data.groups[-1]["code"] == ""
    if len(found) > 8:
        drawn = {code: 0 for code in found}
        for one in data.bubbles:
            for code, kg in one.materials.items():
                drawn[code] += kg
        assert min(drawn[code] for code in own) >= max(drawn[c] for c in found - set(own))
    assert half_located(500, 20, materials, max_links=5000).groups == data.groups


def test_area_of_a_bubble_is_proportional_to_its_mass() -> None:
    big = geometry.bubble_radius_px(4000, 4000)
    assert big == geometry.BIGGEST_RADIUS_PX
    assert geometry.bubble_radius_px(1000, 4000) ** 2 == pytest.approx(big**2 / 4)
    assert geometry.bubble_radius_px(1, 10**9) == geometry.SMALLEST_RADIUS_PX
    assert geometry.bubble_radius_px(0, 0) == geometry.SMALLEST_RADIUS_PX


def test_the_opening_view_leaves_far_and_light_flows_out() -> None:
    near = [(90, (102.3 + n / 50, 24.9, 102.4 + n / 50, 25.0)) for n in range(5)]
    far = [(10, (99.0, 24.9, 102.3, 27.0)), (20, (105.8, 29.0, 105.9, 29.1))]
    box, share = opening_view([*far, *near])
    assert box == pytest.approx((102.3, 24.9, 102.48, 25.0))
    assert share == pytest.approx(450 / 480)
    # Mass that is really there stays in sight.
    box, share = opening_view([*near, (300, (105.8, 29.0, 105.9, 29.1))])
    assert box == pytest.approx((102.3, 24.9, 105.9, 29.1))
    assert share == 1
    assert opening_view([]) == (None, 0.0)
    demo = data_in(served(seed_map()))["views"]
    assert demo["main"][2] - demo["main"][0] < 2 < demo["whole"][2] - demo["whole"][0]


def test_an_empty_map_says_what_to_do() -> None:
    nothing = plain_map([], [])
    assert data_in(served(nothing))["views"] == {"main": None, "whole": None, "share": None}
    assert empty_text(served(nothing)).startswith("本时段（2024）没有任何记录")
    assert empty_text(served(nothing, "en")).startswith("Nothing is recorded in 2024.")
    firms = [place("ent.a", 102.0, 25.0), place("ent.b", None, None), place("ent.c", None, None)]
    local = plain_map([edge("generation", "ent.a", 9), edge("ent.a", "yard:ent.a", 7)], firms)
    assert "没有两地之间的流向" in empty_text(served(local))
    lost = plain_map([edge("ent.b", "ent.c", 5000), edge("ent.c", "ent.b", 2000)], firms)
    told = empty_text(served(lost, "en"))
    assert told.startswith("2 links with 7 t exist") and "2 firms lack coordinates" in told
    assert "lon and lat in enterprises.csv" in told
    # One located end is enough for a bubble: no box then.
    assert empty_text(served(plain_map([edge("ent.a", "ent.b", 5000)], firms))) == ""


def test_five_thousand_links_stay_small() -> None:
    data = grid_map(5000, 2000, 60, max_links=5000)
    assert len(data.links) == 5000
    size = len(json.dumps(payload(data, "zh"), ensure_ascii=False, separators=(",", ":")).encode())
    assert size < 1_300_000


def test_rates_keep_their_reason_and_class() -> None:
    parks = data_in(served(small_map()))["parks"]
    assert [(park["rate"], park["cls"], park["reason"]) for park in parks] == [
        ("78.7 %", 3, ""),
        ("–", None, "本时段无数据"),
    ]


def test_nothing_heavy_is_imported_before_a_map_is_drawn() -> None:
    code = (
        "import sys, wasteflow_maps.page, wasteflow_maps.layers; "
        "bad = {'folium', 'geopandas', 'branca', 'shapely'} & set(sys.modules); "
        "assert not bad, bad"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


# --- assets ------------------------------------------------------------------------------


def test_an_unknown_asset_name_never_reaches_the_disk() -> None:
    for name in ("../page.py", "/etc/passwd", "images/../leaflet.js", "texts.json", ""):
        with pytest.raises(MapError) as error:
            assets.asset_path(name)
        assert error.value.code == "unknown_asset"


def test_missing_browser_files_say_what_to_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(assets, "VENDOR", tmp_path)
    with pytest.raises(MapError, match=r"\./run assets"):
        assets.asset_path("leaflet.js")


def test_collect_copies_all_with_licences_and_nothing_when_one_is_missing(tmp_path: Path) -> None:
    modules, target = tmp_path / "node_modules", tmp_path / "vendor"
    for source in {*assets.THIRD_PARTY.values(), *assets.LICENCES.values()}:
        (modules / source).parent.mkdir(parents=True, exist_ok=True)
        (modules / source).write_text(source)
    files = assets.collect(modules, target)
    assert len(files) == len(assets.THIRD_PARTY) + len(assets.LICENCES)
    assert (target / "licences/leaflet.txt").read_text() == "leaflet/LICENSE"
    (modules / "leaflet/LICENSE").unlink()
    with pytest.raises(MapError, match="npm ci"):
        assets.collect(modules, target)
    assert (target / "leaflet.js").is_file()


def test_package_files_pin_exact_versions_and_name_no_registry() -> None:
    root = Path(__file__).resolve().parents[1]
    package = json.loads((root / "package.json").read_text())
    versions = {**package["dependencies"], **package["devDependencies"]}
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in versions.values())
    assert package["private"] is True
    lock = (root / "package-lock.json").read_text()
    assert "://" not in lock and '"resolved"' not in lock


# --- boundaries --------------------------------------------------------------------------


def square(west: float, south: float, side: float = 0.1) -> list[list[list[float]]]:
    east, north = west + side, south + side
    return [[[west, south], [east, south], [east, north], [west, north], [west, south]]]


def collection(*features: Any, **more: Any) -> str:
    return json.dumps({"type": "FeatureCollection", "features": list(features), **more})


def feature(code: Any, coordinates: Any, kind: str = "Polygon") -> dict[str, Any]:
    geometry = {"type": kind, "coordinates": coordinates}
    return {"type": "Feature", "properties": {"code": code}, "geometry": geometry}


def test_boundaries_are_read_in_order_and_shifted() -> None:
    found = read_boundaries(
        collection(feature("park.b", square(102.4, 24.9)), feature("park.a", square(103, 25)))
    )
    assert list(found) == ["park.a", "park.b"]
    assert found["park.a"]["properties"] == {"code": "park.a", "repaired": False}
    gcj = [[list(wgs84_to_gcj02(lon, lat)) for lon, lat in square(102.4, 24.9)[0]]]
    shifted = read_boundaries(collection(feature("park.b", gcj)).encode(), crs="GCJ-02")
    assert shifted["park.b"]["geometry"] == found["park.b"]["geometry"]
    json.dumps(found)


def test_a_self_crossing_outline_is_repaired_and_says_so() -> None:
    bow_tie = [[[102, 25], [103, 26], [103, 25], [102, 26], [102, 25]]]
    found = read_boundaries(collection(feature("p", bow_tie)))["p"]
    assert found["properties"]["repaired"] is True
    assert found["geometry"]["type"] == "MultiPolygon"
    assert parks_containing([(102.1, 25.5), (102.5, 25.9)], {"p": found}) == [["p"], []]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "boundary_not_json"),
        (b"\xff\xfe\x00", "boundary_not_json"),
        ("[" * 100_000, "boundary_not_json"),
        ('{"type": "FeatureCollection", "features": [NaN]}', "boundary_not_json"),
        ("[]", "boundary_no_features"),
        (collection(), "boundary_no_features"),
        ("<OGRVRTDataSource><SrcDataSource>/etc/passwd</SrcDataSource>", "boundary_not_json"),
        (collection(None), "boundary_no_code"),
        (collection(feature("", square(1, 1))), "boundary_no_code"),
        (collection(feature("a b", square(1, 1))), "boundary_no_code"),
        (collection(feature("p", [102, 25], "Point")), "boundary_not_polygon"),
        (collection(feature("p", square(24.9, 102.4))), "boundary_bad_position"),
        (collection(feature("p", [[["a", "b"]] * 4])), "boundary_bad_position"),
        (collection(feature("p", [[[1, 1], [2, 2]]])), "boundary_bad_position"),
        (collection(feature("p", "xyz")), "boundary_bad_position"),
        (collection(feature("p", [[[1, 1], [2, 2], [3, 3], [1, 1]]])), "boundary_no_area"),
        (collection(feature("p", square(1, 1)), feature("p", square(3, 3))), "boundary_code_twice"),
        (
            collection(
                feature("p", square(1, 1)),
                crs={"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::4547"}},
            ),
            "boundary_foreign_crs",
        ),
    ],
)
def test_bad_boundary_files_are_refused_by_name(text: str | bytes, code: str) -> None:
    with pytest.raises(MapError) as error:
        read_boundaries(text)
    assert error.value.code == code


def test_a_boundary_file_has_a_size_limit() -> None:
    with pytest.raises(MapError) as error:
        read_boundaries(collection(feature("p", square(1, 1))), max_bytes=100)
    assert error.value.code == "boundary_too_large"


def test_points_are_found_in_the_smallest_park_first() -> None:
    found = read_boundaries(
        collection(feature("big", square(102, 25, 1)), feature("small", square(102.1, 25.1)))
    )
    inside = parks_containing([(102.15, 25.15), (102.5, 25.5), (1.0, 1.0), (102.0, 25.0)], found)
    assert inside == [["small", "big"], ["big"], [], ["big"]]
    assert parks_containing([(1.0, 2.0)], {}) == [[]]
    assert parks_containing([], found) == []


def test_firms_outside_their_park_are_named_with_distance() -> None:
    found = read_boundaries(collection(feature("park.a", square(102.3, 24.9))))
    firms = [
        place("ent.in", 102.35, 24.95, park="park.a"),
        place("ent.near", 102.41, 24.95, park="park.a", precision_km=2),
        place("ent.far", 103.0, 24.95, park="park.a", precision_km=2),
        place("ent.none", None, None, park="park.a"),
        place("ent.other", 110.0, 30.0, park="park.b"),
    ]
    answers = enterprises_outside_park(firms, found)
    assert [(one["enterprise"], one["within_precision"]) for one in answers] == [
        ("ent.far", False),
        ("ent.near", True),
    ]
    assert answers[1]["outside_km"] == pytest.approx(1.01, abs=0.01)


def test_a_park_with_an_outline_is_drawn_with_it() -> None:
    outline = read_boundaries(collection(feature("park.a", square(102.3, 24.8))))["park.a"]
    parks = [place("park.a", None, None, boundary=outline), place("park.b", 102.8, 25.1)]
    rows = data_in(served(small_map(parks=parks)))["parks"]
    assert rows[0]["shape"]["geometry"]["type"] == "Polygon"
    assert (rows[0]["lon"], rows[0]["lat"], rows[0]["top"]) == (102.35, 24.85, 24.9)
    assert rows[1]["shape"] is None
