"""Browser files of the map and outlines of parks."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import strategies as st

from tests.map_samples import data_in, place, served, small_map
from wasteflow.core.geodesy import wgs84_to_gcj02
from wasteflow_maps import MapError, assets
from wasteflow_maps.boundaries import enterprises_outside_park, parks_containing, read_boundaries

lons = st.floats(97, 123)
lats = st.floats(18, 45)


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
