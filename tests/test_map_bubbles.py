"""Map of flows with one located end, of many materials and links, and of nothing at all."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from typing import Any

import pytest
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
    small_map,
)
from wasteflow_maps import geometry, style
from wasteflow_maps.content import payload
from wasteflow_maps.layers import MapData, map_data
from wasteflow_maps.views import opening_view

lons = st.floats(97, 123)
lats = st.floats(18, 45)


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
