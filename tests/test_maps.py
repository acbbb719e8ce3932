"""Map data, geometry, boundaries, assets and the rendered page, without a browser."""

from __future__ import annotations

import json
import math
import re
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.map_samples import (
    MATERIALS,
    all_kg,
    data_in,
    edge,
    flows_of,
    grid_map,
    place,
    seed_map,
    served,
    single_file,
    small_map,
)
from wasteflow.core.geodesy import geodesic_distance_km
from wasteflow_maps import MapError, assets, geometry, page, style
from wasteflow_maps.layers import MapData, map_data
from wasteflow_maps.page import render_map

lons = st.floats(97, 123)
lats = st.floats(18, 45)


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
        *(
            "leaflet.js",
            "arcs.js",
            "ground.js",
            "bubbles.js",
            "play.js",
            "flowmap.js",
            "picture.js",
        ),
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
    assert len(re.findall(r"<script", html)) == len(re.findall(r"</script>", html)) == 9
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
