"""Geodata in: Shapefile, KML, GeoPackage, GeoJSON; datums and zones; repair; fuzz and the fence."""

from __future__ import annotations

import io
import json
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import geopandas
import numpy as np
import pandas as pd
import pyogrio
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import CRS
from shapely.geometry import LineString, MultiPolygon, Polygon, box, mapping, shape

from wasteflow.core.errors import UnusableFile
from wasteflow.core.geodesy import BD09, CGCS2000, GCJ02, WGS84, wgs84_to_bd09, wgs84_to_gcj02
from wasteflow_maps.geo_crs import SYSTEMS, ZONES, stated_system, to_degrees, zones_for
from wasteflow_maps.geo_outlines import outlines_of
from wasteflow_maps.geo_places import Place, Wanted
from wasteflow_maps.geo_reading import read_geodata
from wasteflow_maps.geo_repair import area_m2, mend
from wasteflow_maps.geo_writing import GeoDocument, GeoLayer, write_geo
from wasteflow_maps.outline_map import render_outlines

HOLED = Polygon(
    [(102.30, 24.95), (102.36, 24.95), (102.36, 25.0), (102.30, 25.0)],
    [[(102.32, 24.97), (102.33, 24.97), (102.33, 24.98), (102.32, 24.98)]],
)
TWO = MultiPolygon([box(102.40, 24.90, 102.42, 24.92), box(102.43, 24.90, 102.44, 24.91)])
PARKS = [
    Place("park.a", ("安宁磷石膏园区", "Anning"), 102.33, 24.98, 1.0),
    Place("park.b", ("草铺园区", "Caopu"), 102.42, 24.91, 1.0),
]
FRAME = geopandas.GeoDataFrame(
    {"园区": ["安宁磷石膏园区", "草铺园区"], "code": ["park.a", "park.b"]},
    geometry=[HOLED, TWO],
    crs=4490,
)


def collection(*pairs: tuple[dict[str, Any], Any]) -> bytes:
    features = [
        {"type": "Feature", "properties": cells, "geometry": mapping(geometry)}
        for cells, geometry in pairs
    ]
    return json.dumps({"type": "FeatureCollection", "features": features}).encode()


def zipped(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return out.getvalue()


def shapefile(folder: Path, frame: Any, encoding: str, without: tuple[str, ...] = ()) -> bytes:
    """A zipped Shapefile without some of its parts, its names as GBK machines write them."""
    frame.to_file(folder / "parks.shp", encoding=encoding, driver="ESRI Shapefile")
    files = {
        f"园区边界{path.suffix}": path.read_bytes()
        for path in sorted(folder.glob("parks.*"))
        if path.suffix not in without
    }
    return zipped(files)


def found(data: bytes, name: str = "f", system: str = "", **wanted: str) -> dict[str, Any]:
    answer = outlines_of(read_geodata(data, name), Wanted(system=system, **wanted), PARKS)
    return {item.park: shape(dict(item.geometry)) for item in answer.outlines}


def refused(work: Callable[[], object]) -> str:
    with pytest.raises(UnusableFile) as caught:
        work()
    assert caught.value.text("zh") and caught.value.text("en")
    return caught.value.code


def apart(a: Any, b: Any) -> float:
    """The farthest a corner of one outline is from the other, degrees."""
    return float(max(a.hausdorff_distance(b), a.boundary.hausdorff_distance(b.boundary)))


@pytest.mark.parametrize("without", [(), (".cpg",), (".cpg", ".shx")])
def test_a_gbk_shapefile_is_read_by_its_chinese_names(
    tmp_path: Path, without: tuple[str, ...]
) -> None:
    data = shapefile(tmp_path, FRAME.drop(columns="code"), "gb18030", without)
    answer = found(data)
    assert apart(answer["park.a"], HOLED) < 1e-9 and apart(answer["park.b"], TWO) < 1e-9


def test_geopackage_and_kml_and_geojson_give_the_same(tmp_path: Path) -> None:
    FRAME.to_file(tmp_path / "p.gpkg", layer="边界", driver="GPKG")
    wgs = FRAME.to_crs(4326).rename(columns={"园区": "Name"})
    wgs.to_file(tmp_path / "p.kml", driver="KML")
    kml = (tmp_path / "p.kml").read_bytes()
    geojson = collection(({"code": "park.a"}, HOLED), ({"code": "park.b"}, TWO))
    for data, system in (
        ((tmp_path / "p.gpkg").read_bytes(), ""),
        (kml, WGS84),
        (zipped({"doc.kml": kml}), WGS84),
        (geojson, CGCS2000),
    ):
        answer = found(data, "p", system)
        assert apart(answer["park.a"], HOLED) < 1e-9 and apart(answer["park.b"], TWO) < 1e-9


@pytest.mark.parametrize(("system", "forward"), [(GCJ02, wgs84_to_gcj02), (BD09, wgs84_to_bd09)])
def test_shifted_degrees_come_back(system: str, forward: Callable[..., Any]) -> None:
    shifted = shapely.transform(
        HOLED, lambda xy: np.array([forward(float(lon), float(lat)) for lon, lat in xy])
    )
    answer = found(collection(({"code": "park.a"}, shifted)), system=system)
    assert apart(answer["park.a"], HOLED) < 1e-9


@pytest.mark.parametrize("name", sorted(ZONES)[::5])
def test_every_zone_comes_back_to_a_centimetre(name: str) -> None:
    zone = ZONES[name]
    side = -0.5 if zone.meridian == 135 else 0.4
    square = box(zone.meridian + side, 30.0, zone.meridian + side + 0.1, 30.1)
    plane = geopandas.GeoSeries([square], crs=4490).to_crs(zone.epsg).iloc[0]
    assert stated_system(CRS.from_epsg(zone.epsg).to_wkt()) == name
    assert apart(to_degrees(plane, name), square) < 1e-9
    x, y = shapely.get_coordinates(plane)[0]
    near = (zone.meridian + side, 30.05)
    assert name in [item.name for item in zones_for(x, y, near)[:2]]


def test_the_prj_of_esri_names_its_zone(tmp_path: Path) -> None:
    data = shapefile(tmp_path, FRAME.to_crs(4522), "utf-8")
    layer = read_geodata(data, "z.zip")[0]
    assert stated_system(layer.crs) == "EPSG:4522"
    assert apart(found(data)["park.a"], HOLED) < 1e-9


def test_a_missing_prj_is_asked_for_and_the_zone_is_proposed(tmp_path: Path) -> None:
    data = shapefile(tmp_path, FRAME.to_crs(4522), "utf-8", (".prj",))
    assert refused(lambda: found(data)) == "geo_crs_needed"
    with pytest.raises(UnusableFile, match="EPSG:4522"):
        found(data)
    with pytest.raises(UnusableFile) as caught:
        found(data, system=CGCS2000)
    assert caught.value.code == "geo_metres" and "EPSG:4522" in caught.value.text("en")
    assert apart(found(data, system="EPSG:4522")["park.b"], TWO) < 1e-9
    assert refused(lambda: found(data, system="EPSG:4521")) == "geo_metres"


def test_wrong_systems_are_named(tmp_path: Path) -> None:
    here = collection(({"code": "park.a"}, HOLED))
    assert refused(lambda: found(here)) == "geo_crs_needed"
    assert refused(lambda: found(here, system="EPSG:2000")) == "geo_crs_unknown"
    swapped = shapely.transform(HOLED, lambda xy: xy[:, ::-1])
    codes = {"geo_swapped", "geo_outside_china"}
    data = collection(({"code": "park.a"}, swapped))
    assert refused(lambda: found(data, system=WGS84)) in codes
    far = shapely.transform(HOLED, lambda xy: xy + np.array([5.0, 3.0]))
    data = collection(({"code": "park.a"}, far))
    assert refused(lambda: found(data, system=WGS84)) == "geo_far"
    huge = collection(({"code": "park.a"}, box(1e300, 1e300, 1.1e300, 1.1e300)))
    assert refused(lambda: found(huge, system=WGS84)) == "geo_metres"
    old = shapefile(tmp_path, FRAME.to_crs(4610), "utf-8")  # Xi'an 1980
    assert refused(lambda: found(old)) == "geo_foreign_datum"
    plane = shapefile(tmp_path, FRAME.to_crs(4522), "utf-8")
    assert refused(lambda: found(plane, system=GCJ02)) == "geo_crs_conflict"


def test_outlines_are_mended_and_say_so() -> None:
    bow = Polygon([(102.30, 24.95), (102.34, 24.99), (102.34, 24.95), (102.30, 24.99)])
    speck = box(102.35, 24.95, 102.350001, 24.950001)
    raised = shapely.force_3d(box(102.31, 24.91, 102.32, 24.92), 5)
    data = collection(
        ({"code": "park.a"}, bow), ({"code": "park.a"}, speck), ({"code": "park.a"}, raised)
    )
    answer = outlines_of(read_geodata(data, "f"), Wanted(system=WGS84), PARKS)
    outline = answer.outlines[0]
    assert outline.notes == ("crossing", "flat", "slivers")
    assert outline.features == (1, 2, 3)
    mended = shape(dict(outline.geometry))
    assert mended.is_valid and len(shapely.get_parts(mended)) == 3 and not mended.has_z
    assert outline.area_m2 == pytest.approx(area_m2(mended))


def test_lines_are_no_outlines_unless_they_close() -> None:
    line = LineString([(102.30, 24.95), (102.34, 24.99), (102.34, 24.95)])
    data = collection(({"code": "park.a"}, line))
    assert refused(lambda: found(data, system=WGS84)) == "geo_no_area"
    ring = collection(({"code": "park.a"}, LineString(HOLED.exterior.coords)))
    assert found(ring, system=WGS84)["park.a"].equals(Polygon(HOLED.exterior))


def test_features_are_matched_by_code_name_or_by_hand() -> None:
    data = collection(({"x": " 安宁 磷石膏园区"}, HOLED), ({"x": "没有"}, TWO))
    layers = read_geodata(data, "f")
    answer = outlines_of(layers, Wanted(system=WGS84), PARKS)
    assert (answer.column, answer.unmatched) == ("x", ((2, "没有"),))
    assert refused(lambda: found(data, system=WGS84, column="y")) == "geo_which_column"
    assert refused(lambda: found(data, system=WGS84, park="park.z")) == "geo_which_park"
    assert refused(lambda: found(data, system=WGS84, layer="z")) == "geo_which_layer"
    assert list(found(data, system=WGS84, park="park.b")) == ["park.b"]
    other = collection(({"x": "没有"}, TWO))
    assert refused(lambda: found(other, system=WGS84)) == "geo_which_column"
    assert refused(lambda: found(other, system=WGS84, column="x")) == "geo_no_match"


VRT = b"""<OGRVRTDataSource><OGRVRTLayer name="passwd"><SrcDataSource>/etc/passwd</SrcDataSource>
<SrcLayer>passwd</SrcLayer></OGRVRTLayer></OGRVRTDataSource>"""
COLLECTION = b'{"type":"FeatureCollection",%s"features":[]}'
WHERE = (
    b'{"type":"FeatureCollection","features":[{"type":"Feature","properties":{},"geometry":'
    b'{"type":"Polygon","coordinates":[[[%s,1],[2,2],[3,1],[1,1]]]}}]}'
)
BOMB = b'<?xml version="1.0"?><!DOCTYPE kml [<!ENTITY a "aaaa">]><kml>&a;</kml>'


@pytest.mark.parametrize(
    ("name", "data", "code"),
    [
        ("parks.geojson", VRT, "geo_kind"),
        ("parks.geojson", b"/vsicurl/http://127.0.0.1/x", "geo_kind"),
        ("parks.kml", BOMB, "geo_entities"),
        ("parks.geojson", b"", "geo_kind"),
        ("parks.geojson", b"{", "geo_broken"),
        ("parks.geojson", b'{"type": "Topology"}', "geo_broken"),
        ("parks.geojson", collection(), "geo_empty"),
        ("parks.gpkg", b"SQLite format 3\x00" + b"\x00" * 200, "geo_broken"),
        ("parks.kml", b"<kml><Document><Placemark><Poly", "geo_broken"),
        ("parks.zip", zipped({"a.txt": b"x"}), "geo_zip_empty"),
        ("parks.zip", zipped({"../../a.shp": b"x"}), "geo_zip_path"),
        ("parks.zip", zipped({"/a.shp": b"x"}), "geo_zip_path"),
        ("parks.zip", zipped({"C:\\a.shp": b"x"}), "geo_zip_path"),
        ("parks.zip", zipped({"a.shp": b"\0" * 5_000_000}), "geo_zip_bomb"),
        ("parks.zip", zipped({f"{n}.txt": b"" for n in range(600)}), "geo_zip_bomb"),
        ("parks.zip", zipped({"a.shp": VRT}), "geo_broken"),
        ("parks.zip", b"PK\x03\x04 and nothing", "geo_zip_broken"),
        (
            "parks.geojson",
            b'{"type":"FeatureCollection","features":[{"geometry":1}]}',
            "geo_broken",
        ),
        ("parks.geojson", COLLECTION % b'"crs":"EPSG:4490",', "geo_broken"),
        ("parks.geojson", COLLECTION % b'"crs":{"properties":"x"},', "geo_broken"),
        ("parks.geojson", WHERE % (b"1" + b"0" * 400), "geo_broken"),
        ("parks.geojson", WHERE % (b"9" * 5000), "geo_broken"),
        ("parks.geojson", b"[" * 100_000, "geo_kind"),
        ("parks.geojson", b'{"a":' * 100_000, "geo_broken"),
    ],
)
def test_hostile_and_broken_files_are_refused(name: str, data: bytes, code: str) -> None:
    assert refused(lambda: read_geodata(data, name)) == code


def test_gdal_has_no_driver_that_is_not_wanted(tmp_path: Path) -> None:
    """A VRT is refused before GDAL; were it not, the fenced GDAL would not know it either."""
    from wasteflow_maps.geo_reading import _ask

    path = tmp_path / "data.json"
    path.write_bytes(VRT)
    for named in (str(path), "/vsimem/x"):
        assert _ask([("KML", named, "")], tmp_path)["error"] == "DataSourceError"


def test_a_table_of_attributes_beside_the_outlines_is_passed_over(tmp_path: Path) -> None:
    FRAME.to_file(tmp_path / "p.gpkg", layer="边界", driver="GPKG")
    pyogrio.write_dataframe(
        pd.DataFrame({"note": ["一", "二"]}), tmp_path / "p.gpkg", layer="说明", driver="GPKG"
    )
    data = (tmp_path / "p.gpkg").read_bytes()
    assert [layer.name for layer in read_geodata(data, "p.gpkg")] == ["边界"]
    assert apart(found(data)["park.a"], HOLED) < 1e-9


def test_all_files_of_an_archive_share_the_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    one = collection(({"code": "park.a"}, HOLED))
    data = zipped({f"{number}.geojson": one for number in range(4)})
    assert len(read_geodata(data, "p.zip")) == 4
    monkeypatch.setattr("wasteflow_maps.geo_reading.MAX_FEATURES", 3)
    assert refused(lambda: read_geodata(data, "p.zip")) == "geo_too_many"
    monkeypatch.setattr("wasteflow_maps.geo_reading.MAX_FEATURES", 5)
    monkeypatch.setattr("wasteflow_maps.geo_reading.MAX_POSITIONS", 20)
    assert refused(lambda: read_geodata(data, "p.zip")) == "geo_too_many"


def test_a_truncated_shapefile_is_told(tmp_path: Path) -> None:
    FRAME.to_file(tmp_path / "parks.shp")
    parts = {path.name: path.read_bytes() for path in tmp_path.glob("parks.*")}
    parts["parks.shp"] = parts["parks.shp"][:60] + struct.pack("<i", 2**30) * 4
    try:
        found(zipped(parts))
    except UnusableFile as error:
        assert error.code in {"geo_broken", "geo_no_area", "geo_empty"}


@settings(max_examples=15)
@given(
    st.lists(
        st.tuples(st.floats(102.3, 102.4), st.floats(24.9, 25.0)),
        min_size=4,
        max_size=8,
        unique=True,
    )
)
def test_mended_outlines_are_valid_and_mend_to_themselves(
    corners: list[tuple[float, float]],
) -> None:
    """Law: mending is a projection, whatever the ring crosses."""
    try:
        once = mend([Polygon(corners)], "p")
    except UnusableFile as error:
        assert error.code == "geo_no_area"
        return
    assert once.geometry.is_valid
    parts = list(getattr(once.geometry, "geoms", [once.geometry]))
    again = mend(parts, "p")
    assert again.geometry.symmetric_difference(once.geometry).area < 1e-12


def test_every_system_has_its_name() -> None:
    assert len(SYSTEMS) == 68 and ZONES["EPSG:4491"].number == 13
    assert (ZONES["EPSG:4554"].meridian, ZONES["EPSG:4554"].prefixed) == (135, False)


@pytest.mark.parametrize("ending", ["geojson", "gpkg", "kml"])
@pytest.mark.parametrize("crs", [CGCS2000, WGS84, GCJ02, BD09])
def test_outlines_go_out_and_come_in_the_same(tmp_path: Path, ending: str, crs: str) -> None:
    """Law: in(out(outline)) = outline, in every datum; only KML does not say which it is in."""
    cells = [{"code": place.code, "label": place.names[0]} for place in PARKS]
    features = list(zip(cells, (HOLED, TWO), strict=True))
    path = tmp_path / f"out.{ending}"
    document = GeoDocument("t", [GeoLayer("parks", "园区", features)], {"scope": "all"})
    assert write_geo(document, ending, crs, path) == 2
    stated = ending == "gpkg" or (ending == "geojson" and crs != WGS84)
    answer = found(path.read_bytes(), path.name, "" if stated else crs)
    assert apart(answer["park.a"], HOLED) < 1e-9 and apart(answer["park.b"], TWO) < 1e-9


def test_a_name_in_the_preview_is_text_and_never_script() -> None:
    """folium puts a tooltip into a template literal: a back tick there would end it."""
    square = {
        "type": "Polygon",
        "coordinates": [[[102.0, 25.0], [102.1, 25.0], [102.1, 25.1], [102.0, 25.0]]],
    }
    page = render_outlines(
        [("园`${alert(1)}\\<b>", None, square)], lang="zh", asset_url=str, nonce="n"
    )
    assert "${alert" not in page and "<b>" not in page.partition("bindTooltip")[2]
    assert "&#36;{alert(1)}" in page and "&#96;" in page
