"""Mass and moisture: exact kilograms from text, nothing rounded unasked, wet and dry basis."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wasteflow.core.errors import InvalidValue
from wasteflow.core.units import (
    MAX_KG,
    decimal_from_text,
    dry_from_wet,
    kg_from_tonnes,
    moisture_from_text,
    tonnes_text,
    wet_from_dry,
)

masses = st.integers(-MAX_KG, MAX_KG)
moistures = st.integers(0, 99_999)


def _half_even(value: Fraction) -> int:
    """Round half to even, on its own path."""
    return round(value)


@given(masses)
def test_kilograms_survive_their_text(kg: int) -> None:
    """Law: integer kilograms → tonnes text with three places → the same kilograms."""
    text = tonnes_text(kg)
    assert kg_from_tonnes(text) == kg
    assert len(text.partition(".")[2]) == 3
    assert Decimal(text) * 1000 == kg


@given(st.decimals(-(10**9), 10**9, allow_nan=False, places=6))
def test_finer_than_a_kilogram_is_refused_or_rounded_half_to_even(tonnes: Decimal) -> None:
    """Law: more than three places are refused; `round_kg` rounds half to even (GB/T 8170)."""
    exact = Fraction(tonnes) * 1000
    text = format(tonnes, "f")
    assert kg_from_tonnes(text, round_kg=True) == _half_even(exact)
    if exact.denominator == 1:
        assert kg_from_tonnes(text) == exact
    else:
        with pytest.raises(InvalidValue) as caught:
            kg_from_tonnes(text)
        assert caught.value.code == "too_many_places"


@pytest.mark.parametrize(
    ("text", "kg"),
    [
        ("31.480", 31_480),
        ("31.48", 31_480),
        (".5", 500),
        ("1.", 1_000),
        ("+2", 2_000),
        ("-0.005", -5),
        ("1,234.5", 1_234_500),
        ("１２，３４５．６７８", 12_345_678),
        ("－3", -3_000),
        ("  7 ", 7_000),
        ("1.5e3", 1_500_000),
        ("1.2300000", 1_230),
        ("0", 0),
    ],
)
def test_ways_to_write_a_mass(text: str, kg: int) -> None:
    assert kg_from_tonnes(text) == kg


@pytest.mark.parametrize(
    "text",
    (
        "",
        " ",
        "-",
        ".",
        "e5",
        "nan",
        "NaN",
        "inf",
        "-Infinity",
        "1,23",
        "1,2345",
        "12 t",
        "1.2.3",
        "0x10",
        "--3",
        "十",
        "1e100",
        "１，２３",
        "1_000",
        "1 2",
        "9" * 101,
        "1\x002",
    ),
)
def test_what_is_no_number_is_refused(text: str) -> None:
    with pytest.raises(InvalidValue) as caught:
        kg_from_tonnes(text)
    assert caught.value.code == "not_a_number"


@pytest.mark.parametrize("text", ["1000000000000.001", "-1e13", "9e99", "9" * 100])
def test_a_mass_above_the_bound_is_refused(text: str) -> None:
    with pytest.raises(InvalidValue) as caught:
        kg_from_tonnes(text)
    assert caught.value.code == "mass_too_large"
    assert kg_from_tonnes("1000000000000") == MAX_KG


def test_no_digit_is_lost_in_a_long_cell() -> None:
    """Law: a cell longer than the default decimal context is still judged exactly."""
    assert decimal_from_text("1." + "0" * 60) == 1
    with pytest.raises(InvalidValue):
        kg_from_tonnes("1." + "0" * 60 + "1")


@given(st.integers(0, MAX_KG), moistures)
def test_wet_and_dry_follow_the_moisture_exactly(kg: int, moisture: int) -> None:
    """Law: dry = wet · (1 - m), wet = dry / (1 - m), each rounded half to even once."""
    share = 1 - Fraction(moisture, 100_000)
    assert dry_from_wet(kg, moisture) == _half_even(kg * share)
    if share > Fraction(1, 100):
        assert wet_from_dry(kg, moisture) == _half_even(kg / share)


@given(st.integers(0, 10**9), moistures)
def test_dry_mass_comes_back_from_its_wet_mass(dry: int, moisture: int) -> None:
    """Law: dry → wet → dry returns the same kilograms; wet is never lighter than dry."""
    wet = wet_from_dry(dry, moisture)
    assert wet >= dry
    assert dry_from_wet(wet, moisture) == dry


@pytest.mark.parametrize(
    ("text", "value"),
    [("20.5", 20_500), ("20.5%", 20_500), ("20.5 %", 20_500), ("０", 0), ("99.999", 99_999)],
)
def test_moisture_in_thousandths_of_a_percent(text: str, value: int) -> None:
    assert moisture_from_text(text) == value


@pytest.mark.parametrize("text", ["100", "-0.1", "20.5001", "1e3", "20." + "0" * 40 + "1"])
def test_moisture_out_of_range_or_too_fine_is_refused(text: str) -> None:
    with pytest.raises(InvalidValue) as caught:
        moisture_from_text(text)
    assert caught.value.code == "moisture_out_of_range"
