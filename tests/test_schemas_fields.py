"""Fields and dictionary: each type takes what the contract takes and names its fault otherwise."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wasteflow.core.errors import UnusableFile
from wasteflow.core.vocabulary import LABELS
from wasteflow.core.wastes import uscc_check_character, uscc_valid, waste_code_valid
from wasteflow.schemas.dictionary import DICTIONARY, KINDS, Column, columns_of, header_names
from wasteflow.schemas.field_base import Fault
from wasteflow.schemas.fields import FIELD_TYPES, field_of, rounding_kg

SHANGHAI = timezone(timedelta(hours=8))

CONTRACT = {
    "shipments": "doc_no, consignor, consignee, material, route, mode, vehicle, carrier, handler, "
    "dispatched_at, dispatched_t, moisture_pct, basis, weighed, ticket_no, received_at, "
    "received_t, received_moisture_pct, accepted_t, refused_t, reason, loads, parent_doc_no, "
    "kind, from_facility, to_facility, remark, evidence",
    "entries": "doc_no, enterprise, facility, kind, material, route, date, tonnes, moisture_pct, "
    "basis, weighed, year_generated, generator, from_use, handler, reason, remark",
    "parks": "code, name_zh, name_en, parent, region, level, lon, lat, crs, precision_km, source",
    "enterprises": "code, name_zh, name_en, uscc, park, region, industry, external, aliases, lon, "
    "lat, crs, precision_km, source",
    "regions": "code, name_zh, name_en, parent",
    "facilities": "code, enterprise, park, kind, name, material, route, capacity_t_per_year, "
    "status, valid_from, valid_to, lon, lat, crs, precision_km, source",
    "materials": "code, name_zh, name_en, waste_code, waste_class, is_waste, verified, source",
    "routes": "code, material, name_zh, name_en, fate, standard, conditional, condition, source",
    "targets": "code, scope, materials, metric, operator, value, unit, year, baseline_year, "
    "baseline_value, binding, coverage_complete, source",
    "filings": "code, from_region, to_region, enterprise, material, quota_t, valid_from, "
    "valid_to, document",
    "products": "enterprise, product, date, tonnes, p2o5_pct",
    "park_inputs": "park, input, year, value, date, source, reason",
    "profiles": "enterprise, material, waste_code, class, source_step, state, composition, "
    "pollution, year",
    "coefficients": "code, kind, material, driver, low, typical, high, unit, source",
}


@pytest.mark.parametrize("kind", sorted(CONTRACT))
def test_the_dictionary_has_the_columns_of_the_contract_in_order(kind: str) -> None:
    assert [column.name for column in columns_of(kind)] == CONTRACT[kind].split(", ")


def test_every_column_is_complete() -> None:
    assert set(KINDS) == set(CONTRACT)
    for kind, columns in DICTIONARY.items():
        assert len(header_names(kind)) == 2 * len(columns)
        for column in columns:
            assert column.type in FIELD_TYPES
            assert column.label_zh and column.description_zh and column.description_en
            assert (column.type == "word") == bool(column.vocabulary)
            assert not column.vocabulary or column.vocabulary in LABELS
            assert column.unit or column.type not in ("tonnes", "moisture", "lon", "lat")
            assert field_of(column).metadata["unit"] == column.unit


def test_unknown_kinds_are_named() -> None:
    with pytest.raises(UnusableFile) as caught:
        columns_of("loads")
    assert caught.value.code == "unknown_kind" and "shipments" in caught.value.text()


def column(kind: str, *, required: bool = False, default: str = "", words: str = "") -> Column:
    return Column("x", "某", kind, required, "", words, default, "说明", "text")


def value(kind: str, text: str, words: str = "") -> Any:
    return field_of(column(kind, words=words)).of_cell(text)


@pytest.mark.parametrize(
    ("kind", "text", "expected"),
    [
        ("tonnes", "31.480", 31480),
        ("tonnes", "31.5", 31500),
        ("tonnes", " 1,234.5 ", 1234500),
        ("tonnes", "３１.４８", 31480),
        ("tonnes", "-0.001", -1),
        ("tonnes", "3148e-2", 31480),
        ("moisture", "20.5", 20500),
        ("moisture", "20.5%", 20500),
        ("percent", "46.5 %", 46500),
        ("percent", "100", 100000),
        ("day", "2026/1/2", date(2026, 1, 2)),
        ("day", "2026年1月2日", date(2026, 1, 2)),
        ("moment", "2026-01-02", datetime(2026, 1, 2, 12, tzinfo=SHANGHAI)),
        ("moment", "2026/1/2 8:30", datetime(2026, 1, 2, 8, 30, tzinfo=SHANGHAI)),
        ("moment", "2026-01-02T00:30:00+00:00", datetime(2026, 1, 2, 8, 30, tzinfo=SHANGHAI)),
        ("moment", "2026-01-02T08:30:00Z", datetime(2026, 1, 2, 16, 30, tzinfo=SHANGHAI)),
        ("code", " ent.天安_1-2 ", "ent.天安_1-2"),
        ("doc", "YD/2026#7/2", "YD/2026#7/2"),
        ("refs", "a; b；a", ("a", "b")),
        ("refs", "*", ("*",)),
        ("aliases", "昆钢@..2019-06;武昆", ("昆钢@..2019-06", "武昆")),
        ("yes_no", "是", True),
        ("yes_no", "FALSE", False),
        ("uscc", "91350100m000100y43", "91350100M000100Y43"),
        ("waste_code", "312-001-s01", "312-001-S01"),
        ("lon", "102.3354", Decimal("102.3354")),
        ("lat", "-0.10", Decimal("-0.10")),
        ("decimal", "57", Decimal(57)),
        ("count", "12.0", 12),
        ("year", "2025年", 2025),
        ("scope", "park：park.anning", "park:park.anning"),
        ("text", "  换行\n备注 ", "换行 备注"),
        ("text", "\u3000", None),
        ("text", "\ufeff", None),
    ],
)
def test_values(kind: str, text: str, expected: object) -> None:
    found = value(kind, text)
    assert found == expected and not isinstance(found, Fault)


@pytest.mark.parametrize(
    ("kind", "text", "code"),
    [
        ("tonnes", "31.4801", "too_many_places"),
        ("tonnes", "NaN", "not_a_number"),
        ("tonnes", "inf", "not_a_number"),
        ("tonnes", "31.48吨", "not_a_number"),
        ("tonnes", "3,5", "not_a_number"),
        ("tonnes", "1e13", "mass_too_large"),
        ("moisture", "100", "moisture_out_of_range"),
        ("moisture", "-1", "moisture_out_of_range"),
        ("percent", "0", "percent_out_of_range"),
        ("percent", "100.001", "percent_out_of_range"),
        ("day", "2026-02-30", "bad_date"),
        ("day", "02/01/2026", "bad_date"),
        ("moment", "2026-01-02T25:00:00+08:00", "bad_time"),
        ("moment", "1026-01-02T05:00:00+08:00", "bad_time"),
        ("code", "a b", "bad_code"),
        ("code", "a:b", "bad_code"),
        ("code", "a" * 81, "bad_code"),
        ("doc", "a b", "bad_doc_no"),
        ("refs", "a;*", "star_alone"),
        ("refs", ";", "empty_list"),
        ("refs", "a b;c", "bad_code"),
        ("aliases", "昆钢@昨天", "bad_alias"),
        ("yes_no", "maybe", "bad_word"),
        ("uscc", "91350100M000100Y44", "bad_uscc"),
        ("uscc", "123", "bad_uscc"),
        ("waste_code", "SW01", "bad_waste_code"),
        ("lon", "240", "bad_longitude"),
        ("lat", "102.3", "bad_latitude"),
        ("precision", "-1", "negative_amount"),
        ("count", "0", "bad_count"),
        ("count", "1.5", "bad_count"),
        ("count", "two", "bad_count"),
        ("year", "25", "bad_year"),
        ("scope", "town:x", "bad_scope"),
        ("text", "x" * 501, "text_too_long"),
        ("text", "a\x07b", "control_character"),
        ("text", "a\u202eb", "control_character"),
        ("text", "昆\ufffd", "damaged_text"),
        ("name", "x" * 201, "text_too_long"),
    ],
)
def test_faults(kind: str, text: str, code: str) -> None:
    found = value(kind, text)
    assert isinstance(found, Fault) and found.code == code
    assert found.isprintable()


@pytest.mark.parametrize("vocabulary", sorted(set(LABELS) - {"yes_no"}))
def test_words_and_their_chinese_labels_are_the_same(vocabulary: str) -> None:
    for word, label in LABELS[vocabulary].items():
        assert value("word", word, vocabulary) == word
        assert value("word", f" {label} ", vocabulary) == word
    fault = value("word", "没有这个词", vocabulary)
    assert fault.code == "bad_word" and next(iter(LABELS[vocabulary])) in fault.params["known"]


def test_blanks_are_none_or_the_default_or_a_fault() -> None:
    assert field_of(column("tonnes")).of_cell(" ") is None
    assert field_of(column("word", default="wet", words="basis")).of_cell("") == "wet"
    for kind in ("name", "tonnes", "text"):
        for blank in ("", "\t", "\u3000", "\ufeff" if kind != "tonnes" else ""):
            missing = field_of(column(kind, required=True)).of_cell(blank)
            assert isinstance(missing, Fault) and missing.code == "missing_value"


@given(st.integers(-(10**15), 10**15))
def test_tonnes_there_and_back(kg: int) -> None:
    item = field_of(column("tonnes"))
    assert item.of_cell(item.to_text(kg)) == kg


@given(st.integers(0, 99_999))
def test_moisture_there_and_back(moisture: int) -> None:
    item = field_of(column("moisture"))
    assert item.of_cell(item.to_text(moisture)) == moisture


@given(st.decimals(-(10**6), 10**6, places=5))
def test_rounding_is_half_to_even_and_the_difference_is_exact(tonnes: Decimal) -> None:
    text = format(tonnes, "f")
    kg = round(tonnes * 1000)
    assert rounding_kg(text) == kg - tonnes * 1000


@given(st.text("0123456789ABCDEFGHJKLMNPQRTUWXY", min_size=17, max_size=17), st.integers(0, 16))
def test_the_check_character_finds_every_single_error(first: str, place: int) -> None:
    code = first + uscc_check_character(first)
    assert uscc_valid(code)
    other = "0" if code[place] != "0" else "1"
    assert not uscc_valid(code[:place] + other + code[place + 1 :])


def test_published_credit_codes_are_valid() -> None:
    """The example of GB 32100-2015 and the codes of three large listed groups."""
    for code in (
        "91350100M000100Y43",
        "91330100799655058B",
        "9144030071526726XG",
        "914403001922038216",
    ):
        assert uscc_valid(code)


def test_waste_codes_have_eleven_characters() -> None:
    assert waste_code_valid("900-099-S59")
    for code in ("900-199-S59", "90-099-S59", "900-099-59", "900-099-S591", "９00-099-S59"):
        assert not waste_code_valid(code)
