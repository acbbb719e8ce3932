"""Rules of a load against the registry: caps, weight gaps, routes at the receiver, borders."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from tests.builders import PG, SLAG, A, C, D, E, F, registry
from wasteflow.core.registry import Facility, Filing, Route, by_code
from wasteflow.core.rules import (
    Tolerance,
    cap_breach,
    expired_permit,
    route_at_receiver,
    unfiled_border,
    weight_gap,
)
from wasteflow.core.units import wet_from_dry

REGISTRY = registry()
DAY = date(2024, 6, 1)


@pytest.mark.parametrize(
    ("mode", "kg", "trips", "breach"),
    [
        ("road", 35_000, 1, ""),
        ("road", 35_001, 1, "over_cap"),
        ("road", 70_000, 1, "over_cap"),
        ("road", 70_001, 1, "over_twice_cap"),
        ("road", 350_000, 10, ""),
        ("road", 350_001, 10, "over_cap"),
        ("road", 700_001, 10, "over_twice_cap"),
        ("", 10**12, 1, ""),
        ("rail", 10**9, 1, ""),
        ("conveyor", 10**9, 1, ""),
    ],
)
def test_a_load_above_its_cap(mode: str, kg: int, trips: int, breach: str) -> None:
    """Law: above 35 t a trip by road a finding, above twice refused; a blank mode has no cap."""
    assert cap_breach(mode, kg, trips) == breach


@pytest.mark.parametrize(
    ("sent", "got", "gap"),
    [
        (1_000, 1_000, ""),
        (1_000, 1_020, ""),
        (1_000, 980, ""),
        (1_000, 1_021, "reason"),
        (1_000, 979, "reason"),
        (1_000, 1_100, "reason"),
        (1_000, 900, "reason"),
        (1_000, 1_101, "disputed"),
        (1_000, 899, "disputed"),
        (1_000, 0, "disputed"),
    ],
)
def test_weights_that_differ(sent: int, got: int, gap: str) -> None:
    """Law: over 2 % of the dispatched weight asks a reason, over 10 % is disputed."""
    assert weight_gap(sent, got, None, None) == gap


@given(st.integers(1, 10**7), st.integers(0, 10**7))
def test_the_two_thresholds_are_exact(sent: int, got: int) -> None:
    share = Fraction(abs(got - sent), sent)
    expected = (
        "disputed" if share > Fraction(1, 10) else "reason" if share > Fraction(1, 50) else ""
    )
    assert weight_gap(sent, got, None, None) == expected


@given(st.integers(10_000, 40_000), st.integers(0, 60_000), st.integers(0, 60_000))
def test_drying_on_the_way_is_no_difference(dry: int, before: int, after: int) -> None:
    """Law: with both moistures known the dry masses are compared."""
    sent, got = wet_from_dry(dry, before), wet_from_dry(dry, after)
    assert weight_gap(sent, got, before, after) == ""


def test_the_tolerance_can_be_set() -> None:
    strict = Tolerance(reason=500, dispute=1_500)
    assert weight_gap(1_000, 995, None, None, strict) == ""
    assert weight_gap(1_000, 994, None, None, strict) == "reason"
    assert weight_gap(1_000, 985, None, None, strict) == "reason"
    assert weight_gap(1_000, 984, None, None, strict) == "disputed"


def test_with_one_moisture_the_wet_masses_are_compared() -> None:
    assert weight_gap(1_000, 880, 20_000, None) == "disputed"
    assert weight_gap(1_000, 880, None, 9_091) == "disputed"
    assert weight_gap(1_000, 880, 20_000, 9_091) == ""


def _plant(**more: object) -> Facility:
    return structs.replace(Facility("f", "use", enterprise=C), **more)


USE_ROUTE = Route("r_use", "r", "r", "use")


@pytest.mark.parametrize(
    ("facilities", "verdict"),
    [
        ([], "unregistered"),
        ([_plant(kind="generation")], "unregistered"),
        ([_plant()], ""),
        ([_plant(kind="storage")], "unfit"),
        ([_plant(kind="storage"), _plant()], ""),
        ([_plant(materials=frozenset({PG}))], ""),
        ([_plant(materials=frozenset({SLAG}))], "unfit"),
        ([_plant(routes=frozenset({"r_use"}))], ""),
        ([_plant(routes=frozenset({"r_brick"}))], "unfit"),
        ([_plant(kind="storage", routes=frozenset({"r_use"}))], ""),
        ([_plant(routes=frozenset({"r_use"}), materials=frozenset({SLAG}))], "unfit"),
    ],
)
def test_a_route_fits_the_facilities_of_the_receiver(
    facilities: list[Facility], verdict: str
) -> None:
    """Law: refused if the receiver has receiving facilities and none fits, warned if none is."""
    assert route_at_receiver(USE_ROUTE, PG, facilities) == verdict


def test_a_trader_needs_no_facility() -> None:
    assert route_at_receiver(Route("t", "t", "t", "transfer"), PG, [_plant(kind="storage")]) == ""


def _border(consignor: str, consignee: str, *filings: Filing) -> tuple[str, str] | None:
    books = replace(REGISTRY, filings=by_code(filings))
    return unfiled_border(books, consignor, consignee, PG, DAY)


def test_a_border_between_provinces_needs_a_filing() -> None:
    """Law: the first two digits of the regions differ and no filing in force covers the load."""
    assert _border(A, D) == ("53", "50")
    assert _border(D, A) == ("50", "53")
    assert _border(A, E) is None
    assert _border(A, F) is None
    assert _border(F, D) is None


@pytest.mark.parametrize(
    ("filing", "covers"),
    [
        (Filing("f"), True),
        (Filing("f", "530000", "500000"), True),
        (Filing("f", "530181", "500118"), True),
        (Filing("f", "500000", "530000"), False),
        (Filing("f", enterprise=A), True),
        (Filing("f", enterprise=C), False),
        (Filing("f", materials=frozenset({PG, SLAG})), True),
        (Filing("f", materials=frozenset({SLAG})), False),
        (Filing("f", valid_from=DAY, valid_to=DAY), True),
        (Filing("f", valid_from=date(2024, 6, 2)), False),
        (Filing("f", valid_to=date(2024, 5, 31)), False),
    ],
)
def test_a_filing_covers_what_it_names_while_it_is_in_force(filing: Filing, covers: bool) -> None:
    assert (_border(A, D, filing) is None) is covers


def test_one_fitting_filing_among_others_is_enough() -> None:
    assert _border(A, D, Filing("f1", enterprise=C), Filing("f2", "530000")) is None


def test_a_permit_holds_on_its_days_and_another_facility_may_stand_in() -> None:
    """A facility is named only if it takes the route and none that does was valid that day."""
    route = Route("r", "去向", "route", "use")
    old = Facility("f.old", "use", valid_from=date(2025, 1, 1), valid_to=date(2025, 12, 31))
    new = Facility("f.new", "use", valid_from=date(2026, 7, 1))
    assert expired_permit(route, "m", [old], date(2025, 12, 31)) is None
    assert expired_permit(route, "m", [old], date(2026, 1, 1)) is old
    assert expired_permit(route, "m", [old, new], date(2026, 6, 30)) is old
    assert expired_permit(route, "m", [old, new], date(2026, 7, 1)) is None
    assert expired_permit(route, "m", [Facility("f.g", "generation")], date(2026, 1, 1)) is None
