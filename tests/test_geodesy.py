"""Datum shifts against published vectors, round trips below 1 mm, distance against pyproj."""

from __future__ import annotations

import json
import math
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import Geod

from wasteflow.core import geodesy
from wasteflow.core.geodesy import (
    CHINA_BOX,
    PositionError,
    bd09_to_gcj02,
    bd09_to_gcj02_one_step,
    bd09_to_wgs84,
    gcj02_to_bd09,
    gcj02_to_wgs84,
    gcj02_to_wgs84_one_step,
    geodesic_distance_km,
    in_china_box,
    to_wgs84,
    wgs84_to_bd09,
    wgs84_to_gcj02,
)

Point = tuple[float, float]
Shift = Callable[[float, float], Point]

MM_IN_DEG = 0.001 / 111_320
ANNING_PG = (102.3354, 24.98669)
YONGCHUAN = (105.927, 29.356)
GANGQIAO = (105.85, 29.02)

china_lon = st.floats(CHINA_BOX[0] + 1e-6, CHINA_BOX[2] - 1e-6)
china_lat = st.floats(CHINA_BOX[1] + 1e-6, CHINA_BOX[3] - 1e-6)
any_lon = st.floats(-180, 180)
any_lat = st.floats(-90, 90)


@pytest.mark.parametrize(
    ("function", "point", "expected"),
    [
        (bd09_to_gcj02_one_step, (116.404, 39.915), (116.39762729119315, 39.90865673957631)),
        (gcj02_to_bd09, (116.404, 39.915), (116.41036949371029, 39.92133699351021)),
        (wgs84_to_gcj02, (116.404, 39.915), (116.41024449916938, 39.91640428150164)),
        (gcj02_to_wgs84_one_step, (116.404, 39.915), (116.39775550083061, 39.91359571849836)),
    ],
)
def test_vectors_of_coordtransform_test_app_js(
    function: Shift, point: Point, expected: Point
) -> None:
    assert function(*point) == pytest.approx(expected, abs=1e-10)


def test_vector_of_eviltransform_python_test() -> None:
    """Its JavaScript test prints 113.9171774808363, a typo; its radius differs by about 1 cm."""
    found = wgs84_to_gcj02(113.912316, 22.543847)
    assert found == pytest.approx((113.9171764808363, 22.540796131694766), abs=1e-6)
    assert abs(found[0] - 113.9171774808363) > 9e-7


@pytest.mark.parametrize(
    ("point", "gcj", "bd"),
    [
        (ANNING_PG, (102.33691285, 24.98384157), (102.34340473, 24.98995478)),
        ((102.7123, 25.0406), (102.71374163, 25.03762735), (102.72015501, 25.04391532)),
    ],
)
def test_vectors_of_kunming_recomputed_with_coordtransform(
    point: Point, gcj: Point, bd: Point
) -> None:
    assert wgs84_to_gcj02(*point) == pytest.approx(gcj, abs=6e-9)
    assert wgs84_to_bd09(*point) == pytest.approx(bd, abs=6e-9)


def test_shift_at_anning_is_352_m() -> None:
    shift_m = geodesic_distance_km(*ANNING_PG, *wgs84_to_gcj02(*ANNING_PG)) * 1000
    assert shift_m == pytest.approx(352, rel=0.005)  # 352 m is the length on a sphere


def test_outside_the_box_nothing_moves() -> None:
    paris = (2.3522, 48.8566)
    assert not in_china_box(*paris)
    for shift in (wgs84_to_gcj02, gcj02_to_wgs84, wgs84_to_bd09, bd09_to_wgs84):
        assert shift(*paris) == paris
    # A box, not a border: Hanoi is shifted too.
    assert in_china_box(105.85, 21.03)


def test_iterated_inverse_is_better_than_one_step() -> None:
    gcj = wgs84_to_gcj02(*ANNING_PG)
    one_step_m = geodesic_distance_km(*ANNING_PG, *gcj02_to_wgs84_one_step(*gcj)) * 1000
    iterated_m = geodesic_distance_km(*ANNING_PG, *gcj02_to_wgs84(*gcj)) * 1000
    assert 0.01 < one_step_m < 3
    assert iterated_m < 1e-4


@given(china_lon, china_lat)
def test_gcj02_round_trip_below_a_millimetre(lon: float, lat: float) -> None:
    back = gcj02_to_wgs84(*wgs84_to_gcj02(lon, lat))
    assert max(abs(back[0] - lon), abs(back[1] - lat)) < MM_IN_DEG


@given(china_lon, china_lat)
def test_bd09_round_trip_below_a_millimetre(lon: float, lat: float) -> None:
    back = bd09_to_wgs84(*wgs84_to_bd09(lon, lat))
    assert max(abs(back[0] - lon), abs(back[1] - lat)) < MM_IN_DEG
    gcj = bd09_to_gcj02(*gcj02_to_bd09(lon, lat))
    assert max(abs(gcj[0] - lon), abs(gcj[1] - lat)) < MM_IN_DEG


@given(china_lon, china_lat)
def test_shifts_stay_within_two_kilometres(lon: float, lat: float) -> None:
    # 300-600 m in the populated south; up to 1 km at the far corners of the box.
    assert geodesic_distance_km(lon, lat, *wgs84_to_gcj02(lon, lat)) < 1.3
    assert geodesic_distance_km(lon, lat, *wgs84_to_bd09(lon, lat)) < 2.6


def test_to_wgs84_by_name() -> None:
    assert to_wgs84(*ANNING_PG, "WGS84") == ANNING_PG
    assert to_wgs84(*ANNING_PG, "CGCS2000") == ANNING_PG
    assert to_wgs84(*wgs84_to_gcj02(*ANNING_PG), "GCJ-02") == pytest.approx(ANNING_PG, abs=1e-10)
    assert to_wgs84(*wgs84_to_bd09(*ANNING_PG), "BD-09") == pytest.approx(ANNING_PG, abs=1e-10)


@pytest.mark.parametrize("crs", ["", "EPSG:4326", "gcj02", "Xian 80"])
def test_an_unknown_system_is_never_guessed(crs: str) -> None:
    with pytest.raises(PositionError, match="unknown coordinate system"):
        to_wgs84(*ANNING_PG, crs)


@pytest.mark.parametrize(
    ("lon", "lat"), [(math.nan, 1), (1, math.inf), (181, 1), (1, -90.01), (24.9, 102.4)]
)
def test_positions_off_the_globe_are_refused(lon: float, lat: float) -> None:
    for call in (wgs84_to_gcj02, gcj02_to_wgs84, bd09_to_wgs84, wgs84_to_bd09):
        with pytest.raises(PositionError):
            call(lon, lat)
    with pytest.raises(PositionError):
        geodesic_distance_km(lon, lat, 0, 0)


@pytest.mark.parametrize(
    ("start", "end", "sphere_km"),
    [(ANNING_PG, YONGCHUAN, 602), ((102.42, 24.94), GANGQIAO, 567)],
)
def test_distances_of_the_domain_paper(start: Point, end: Point, sphere_km: float) -> None:
    """2-domain 8 gives lengths on a sphere; the ellipsoid is 0.2 % shorter on these lines."""
    found = geodesic_distance_km(*start, *end)
    assert found == pytest.approx(sphere_km, rel=0.003)
    assert found == pytest.approx(Geod(ellps="WGS84").inv(*start, *end)[2] / 1000, abs=1e-6)


def test_flinders_peak_to_buninyong_of_the_gda_manual() -> None:
    km = geodesic_distance_km(144.42486789, -37.95103342, 143.92649553, -37.65282114)
    assert km * 1000 == pytest.approx(54972.271, abs=0.01)


@settings(max_examples=200)
@given(any_lon, any_lat, any_lon, any_lat)
def test_distance_agrees_with_karney(lon1: float, lat1: float, lon2: float, lat2: float) -> None:
    expected = Geod(ellps="WGS84").inv(lon1, lat1, lon2, lat2)[2] / 1000
    assert geodesic_distance_km(lon1, lat1, lon2, lat2) == pytest.approx(expected, abs=1e-3)


@pytest.mark.parametrize(
    "pair",
    [
        (0, 0, 180, 0),
        (0, 0, 179.7, 0),
        (0, 0, 179.5, 0.5),
        (10, 30, -170.1, -29.9),
        (0, 90, 0, -90),
        (0, 5, 179.8, -5),
        (0, 0, 0, 0),
        (180, 10, -180, 10),
    ],
)
def test_antipodal_and_equal_points(pair: tuple[float, float, float, float]) -> None:
    expected = Geod(ellps="WGS84").inv(*pair)[2] / 1000
    assert geodesic_distance_km(*pair) == pytest.approx(expected, abs=1e-3)


@given(any_lon, any_lat, any_lon, any_lat)
def test_distance_is_symmetric_and_never_negative(
    lon1: float, lat1: float, lon2: float, lat2: float
) -> None:
    there = geodesic_distance_km(lon1, lat1, lon2, lat2)
    assert there == pytest.approx(geodesic_distance_km(lon2, lat2, lon1, lat1), abs=1e-3)
    assert 0 <= there < 20_004


def test_the_answer_is_plain_floats() -> None:
    assert json.dumps(geodesy.to_wgs84(102.0, 25.0, "GCJ-02"))
    assert type(geodesic_distance_km(0, 0, 179.7, 0)) is float
