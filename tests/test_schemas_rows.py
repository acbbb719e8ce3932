"""Rows: the rules of a single row, what is inferred, and that bulk equals one by one."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wasteflow.core.errors import UnusableFile
from wasteflow.core.messages import MESSAGES
from wasteflow.core.vocabulary import LABELS
from wasteflow.schemas.cells import Table
from wasteflow.schemas.dictionary import columns_of
from wasteflow.schemas.row_rules import Clock, in_transit
from wasteflow.schemas.rows import ParsedRows, dump_row, load_object, load_rows, schema_class

TODAY = date(2026, 7, 31)
SHANGHAI = timezone(timedelta(hours=8))
NOW = datetime(2026, 7, 31, 15, 0, tzinfo=SHANGHAI)

SHIPMENT = {
    "doc_no": "YD1",
    "consignor": "ent.a",
    "consignee": "ent.b",
    "material": "phosphogypsum",
    "route": "pg_road_base",
    "dispatched_at": "2026-01-02 08:00",
    "dispatched_t": "31.480",
}
ENTRY = {
    "doc_no": "CS1",
    "enterprise": "ent.a",
    "kind": "generation",
    "material": "phosphogypsum",
    "date": "2026-01-02",
    "tonnes": "5",
}


def parse(kind: str, *rows: dict[str, str], **options: Any) -> ParsedRows:
    names = tuple(column.name for column in columns_of(kind))
    lines = [(n, [row.get(name, "") for name in names]) for n, row in enumerate(rows, start=2)]
    return load_rows(kind, Table(names, lines), today=TODAY, now=NOW, **options)


def one(kind: str, base: dict[str, str], /, **changes: str) -> dict[str, Any]:
    parsed = parse(kind, {**base, **changes})
    assert parsed.issues == []
    return parsed.rows[0].values


def refused(kind: str, base: dict[str, str], /, **changes: str) -> tuple[str, str]:
    parsed = parse(kind, {**base, **changes})
    assert not parsed.rows
    [issue] = parsed.issues
    assert issue.code in MESSAGES and issue.line == 2
    assert issue.text("zh") and issue.text("en")
    return issue.field, issue.code


# --- shipments -------------------------------------------------------------------------------


def weights(values: dict[str, Any]) -> tuple[Any, ...]:
    names = ("dispatched_t", "received_t", "accepted_t", "refused_t", "one_sided")
    return tuple(values[name] for name in names)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, (31480, None, None, None, False)),
        ({"accepted_t": "31.4"}, (31480, 31400, 31400, 0, False)),
        ({"received_t": "31.4"}, (31480, 31400, 31400, 0, False)),
        ({"refused_t": "31.4"}, (31480, 31400, 0, 31400, False)),
        ({"received_t": "31.4", "accepted_t": "20"}, (31480, 31400, 20000, 11400, False)),
        ({"received_t": "31.4", "refused_t": "20"}, (31480, 31400, 11400, 20000, False)),
        ({"accepted_t": "20", "refused_t": "11.4"}, (31480, 31400, 20000, 11400, False)),
        (
            {"received_t": "31.4", "accepted_t": "20", "refused_t": "11.4"},
            (31480, 31400, 20000, 11400, False),
        ),
        ({"received_at": "2026-01-03"}, (31480, 31480, 31480, 0, True)),
        ({"dispatched_t": "", "accepted_t": "30"}, (30000, 30000, 30000, 0, True)),
        (
            {"dispatched_t": "", "accepted_t": "30", "refused_t": "1"},
            (31000, 31000, 30000, 1000, True),
        ),
    ],
)
def test_what_is_left_blank_is_completed(
    changes: dict[str, str], expected: tuple[object, ...]
) -> None:
    assert weights(one("shipments", SHIPMENT, **changes)) == expected


def test_a_row_without_receipt_is_in_transit() -> None:
    assert in_transit(one("shipments", SHIPMENT))
    received = one("shipments", SHIPMENT, accepted_t="31")
    assert not in_transit(received)
    assert received["received_at"] == received["dispatched_at"]


def test_defaults_of_a_shipment() -> None:
    values = one("shipments", SHIPMENT)
    assert (values["basis"], values["weighed"], values["kind"]) == ("wet", "measured", "delivery")
    assert values["loads"] == 1 and values["mode"] is None and values["evidence"] is None


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"dispatched_t": ""}, ("dispatched_t", "weight_missing")),
        ({"dispatched_t": "", "received_t": "3"}, ("dispatched_t", "weight_missing")),
        ({"dispatched_t": "0"}, ("dispatched_t", "zero_tonnes")),
        ({"dispatched_t": "-3"}, ("dispatched_t", "negative_tonnes")),
        ({"refused_t": "-3"}, ("refused_t", "negative_tonnes")),
        ({"dispatched_t": "31.4805"}, ("dispatched_t", "too_many_places")),
        ({"accepted_t": "0"}, ("received_t", "nothing_received")),
        (
            {"received_t": "31", "accepted_t": "30", "refused_t": "2"},
            ("received_t", "received_not_sum"),
        ),
        ({"received_t": "31", "accepted_t": "32"}, ("received_t", "received_not_sum")),
        (
            {"received_at": "2026-01-02 07:59", "accepted_t": "31"},
            ("received_at", "received_before_dispatched"),
        ),
        ({"received_at": "2026-01-01"}, ("received_at", "received_before_dispatched")),
        ({"basis": "dry"}, ("moisture_pct", "dry_needs_moisture")),
        ({"consignee": "ent.a"}, ("consignee", "sender_is_receiver")),
        ({"kind": "return"}, ("parent_doc_no", "parent_missing")),
        ({"kind": "转送"}, ("parent_doc_no", "parent_missing")),
        ({"kind": "return", "parent_doc_no": "YD1"}, ("parent_doc_no", "parent_cycle")),
        ({"parent_doc_no": "YD0"}, ("kind", "child_kind_needed")),
        ({"dispatched_at": "2026-08-01"}, ("dispatched_at", "future_date")),
        ({"dispatched_at": "2026-07-31 15:01"}, ("dispatched_at", "future_date")),
        ({"received_at": "2026-08-01"}, ("received_at", "future_date")),
        ({"dispatched_at": ""}, ("dispatched_at", "missing_value")),
        ({"route": " "}, ("route", "missing_value")),
        ({"mode": "驴"}, ("mode", "bad_word")),
        ({"loads": "0"}, ("loads", "bad_count")),
        ({"evidence": "sure"}, ("evidence", "bad_word")),
    ],
)
def test_refused_shipments(changes: dict[str, str], expected: tuple[str, str]) -> None:
    assert refused("shipments", SHIPMENT, **changes) == expected


def test_only_the_first_reason_in_column_order_is_given() -> None:
    changes = {"consignee": "ent.a", "dispatched_t": "-1", "dispatched_at": "2027-01-01"}
    assert refused("shipments", SHIPMENT, **changes) == ("consignee", "sender_is_receiver")
    assert refused("shipments", SHIPMENT, remark="\x07", doc_no="a b")[0] == "doc_no"


def test_a_return_may_go_to_its_sender() -> None:
    values = one("shipments", SHIPMENT, kind="退回", parent_doc_no="YD0", consignee="ent.a")
    assert values["kind"] == "return" and values["parent_doc_no"] == "YD0"


def test_a_bare_date_is_a_whole_day() -> None:
    late = one("shipments", SHIPMENT, dispatched_at="2026-01-02 15:00", received_at="2026-01-02")
    assert late["received_at"] == late["dispatched_at"]
    early = one("shipments", SHIPMENT, dispatched_at="2026-01-02", received_at="2026-01-02 09:00")
    assert early["received_at"] == early["dispatched_at"]
    assert one("shipments", SHIPMENT, dispatched_at="2026-07-31")["dispatched_at"].hour == 12


# --- entries ---------------------------------------------------------------------------------


@pytest.mark.parametrize("label", sorted(LABELS["kind"].values()))
def test_entry_kinds_by_their_labels(label: str) -> None:
    values = one(
        "entries",
        ENTRY,
        kind=label,
        route="pg_road_base",
        reason="含水率" if label == "盘点" else "",
    )
    assert LABELS["kind"][values["kind"]] == label
    assert values["tonnes"] == 5000 and values["from_use"] is False


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"tonnes": "0"}, ("tonnes", "zero_tonnes")),
        ({"tonnes": "-2"}, ("tonnes", "negative_tonnes")),
        ({"tonnes": "NaN"}, ("tonnes", "not_a_number")),
        ({"tonnes": ""}, ("tonnes", "missing_value")),
        ({"date": "2026-08-01"}, ("date", "future_date")),
        ({"kind": "use"}, ("route", "route_missing")),
        ({"kind": "disposal"}, ("route", "route_missing")),
        ({"kind": "treatment"}, ("route", "route_missing")),
        ({"kind": "stocktake"}, ("reason", "reason_needed")),
        ({"kind": "stocktake", "reason": "guess"}, ("reason", "bad_reason")),
        ({"kind": "stocktake", "reason": "loss", "tonnes": "-1"}, ("tonnes", "negative_tonnes")),
        ({"generator": "ent.b"}, ("generator", "generator_only_opening")),
        ({"year_generated": "2020"}, ("year_generated", "generator_only_opening")),
        ({"kind": "opening", "year_generated": "2027"}, ("year_generated", "year_after_opening")),
        ({"kind": "to_yard", "from_use": "yes"}, ("from_use", "from_use_only_generation")),
        ({"basis": "干基"}, ("moisture_pct", "dry_needs_moisture")),
        ({"kind": "burning"}, ("kind", "bad_word")),
    ],
)
def test_refused_entries(changes: dict[str, str], expected: tuple[str, str]) -> None:
    assert refused("entries", ENTRY, **changes) == expected


def test_a_counted_level_of_nothing_is_legal() -> None:
    values = one("entries", ENTRY, kind="stocktake", tonnes="0", reason="其他")
    assert (values["tonnes"], values["reason"]) == (0, "other")


def test_the_message_of_a_negative_cell_names_the_draw_on_stock() -> None:
    [issue] = parse("entries", {**ENTRY, "tonnes": "-2"}).issues
    assert "from_yard" in issue.text("zh") and "from_yard" in issue.text("en")


# --- registry --------------------------------------------------------------------------------


def test_one_name_stands_for_both() -> None:
    assert one("regions", {"code": "530100", "name_zh": "昆明市"})["name_en"] == "昆明市"
    assert one("regions", {"code": "530100", "name_en": "Kunming"})["name_zh"] == "Kunming"
    assert refused("regions", {"code": "530100"}) == ("name_zh", "name_missing")


@pytest.mark.parametrize(
    ("kind", "row", "expected"),
    [
        ("parks", {"lon": "102.4"}, ("lon", "half_position")),
        ("parks", {"lon": "102.4", "lat": "24.9"}, ("crs", "crs_needed")),
        ("parks", {"lon": "24.9", "lat": "102.4", "crs": "WGS84"}, ("lat", "bad_latitude")),
        ("parks", {"level": "galactic"}, ("level", "bad_word")),
        ("enterprises", {"uscc": "91350100M000100Y44"}, ("uscc", "bad_uscc")),
        ("materials", {"is_waste": ""}, ("is_waste", "missing_value")),
        ("materials", {"is_waste": "是", "waste_code": "x"}, ("waste_code", "bad_waste_code")),
        ("routes", {"fate": "use", "material": ""}, ("material", "missing_value")),
        ("routes", {"fate": "", "material": "*"}, ("fate", "missing_value")),
        ("facilities", {"name": ""}, ("name", "missing_value")),
        (
            "facilities",
            {"name": "x", "valid_from": "2026-01-01", "valid_to": "2025-01-01"},
            ("valid_to", "interval_reversed"),
        ),
        (
            "facilities",
            {"name": "x", "capacity_t_per_year": "-1"},
            ("capacity_t_per_year", "negative_amount"),
        ),
        ("coefficients", {"low": "2", "high": "1"}, ("low", "low_above_high")),
        ("targets", {"metric": "best"}, ("metric", "bad_word")),
    ],
)
def test_refused_registry_rows(kind: str, row: dict[str, str], expected: tuple[str, str]) -> None:
    base = {"code": "x.1", "name_zh": "某"}
    names = {column.name for column in columns_of(kind)}
    assert refused(kind, {key: base[key] for key in base if key in names}, **row) == expected


# --- tables ----------------------------------------------------------------------------------


def test_rounding_is_counted_and_summed() -> None:
    rows = [
        {**SHIPMENT, "doc_no": "1", "dispatched_t": "1.0006", "accepted_t": "1.0005"},
        {**SHIPMENT, "doc_no": "2", "dispatched_t": "2.00049"},
        {**SHIPMENT, "doc_no": "3", "dispatched_t": "2.0000"},
        {**SHIPMENT, "doc_no": "4", "dispatched_t": "-2.0004"},
    ]
    parsed = parse("shipments", *rows, round_kg=True)
    assert [row.values["dispatched_t"] for row in parsed.rows] == [1001, 2000, 2000]
    assert parsed.rows[0].values["accepted_t"] == 1000
    assert parsed.rounded_rows == 2
    assert parsed.rounded_kg == Decimal("0.4") - Decimal("0.5") - Decimal("0.49")
    assert [issue.code for issue in parse("shipments", *rows).issues] == [
        "too_many_places",
        "too_many_places",
        "too_many_places",
    ]


def header(kind: str, *names: str) -> UnusableFile:
    with pytest.raises(UnusableFile) as caught:
        load_rows(kind, Table(names, []), today=TODAY)
    return caught.value


def test_headers_may_be_chinese_in_any_order_and_carry_the_error_column() -> None:
    labels = [column.label_zh for column in columns_of("shipments")]
    names = tuple(reversed([*labels, "错误原因"]))
    row = [SHIPMENT.get(column.name, "") for column in columns_of("shipments")]
    table = Table(names, [(2, list(reversed([*row, "old reason"])))])
    [parsed] = load_rows("shipments", table, today=TODAY).rows
    assert parsed.values["dispatched_t"] == 31480


def test_headers_that_do_not_fit() -> None:
    entries = tuple(ENTRY)
    unknown = header("entries", *entries, "tonnnes")
    assert unknown.code == "unknown_column" and "tonnnes → tonnes?" in unknown.text("en")
    twice = header("entries", *entries, "吨数")
    assert twice.code == "duplicate_column" and "tonnes, 吨数" in twice.text("zh")
    missing = header("entries", *entries[:-1])
    assert missing.code == "missing_column" and "tonnes 吨数" in missing.text("zh")
    assert "dispatched_t" in header("shipments", *list(SHIPMENT)[:-1]).text()
    assert "name_zh" in header("parks", "code").text()
    assert "→ shipments?" in header("parks", *SHIPMENT).text()
    assert header("loads", "code").code == "unknown_kind"


def test_no_rows_are_fine() -> None:
    parsed = load_rows("entries", Table(tuple(ENTRY), []), today=TODAY)
    assert parsed.rows == [] and parsed.issues == []


# --- laws ------------------------------------------------------------------------------------

CELLS: dict[str, st.SearchStrategy[str]] = {
    "doc_no": st.sampled_from(["YD1", "a b", ""]),
    "consignee": st.sampled_from(["ent.b", "ent.a", "某某公司"]),
    "dispatched_at": st.sampled_from(["2026-01-02 08:00", "2026-01-02", "2027-01-01", "x"]),
    "dispatched_t": st.sampled_from(["31.480", "", "0", "-1", "31.4805"]),
    "received_at": st.sampled_from(["", "2026-01-02 07:00", "2026-01-03"]),
    "received_t": st.sampled_from(["", "31", "0"]),
    "accepted_t": st.sampled_from(["", "30", "31", "0"]),
    "refused_t": st.sampled_from(["", "1", "0"]),
    "kind": st.sampled_from(["", "return", "交付"]),
    "parent_doc_no": st.sampled_from(["", "YD0"]),
    "basis": st.sampled_from(["", "dry"]),
    "moisture_pct": st.sampled_from(["", "20.5"]),
}


@settings(max_examples=60, deadline=None)
@given(st.fixed_dictionaries(CELLS))
def test_bulk_equals_one_by_one(cells: dict[str, str]) -> None:
    row = {**SHIPMENT, **cells}
    parsed = parse("shipments", row)
    values, faults = load_object("shipments", row, Clock(TODAY, NOW))
    if parsed.issues:
        [issue] = parsed.issues
        assert faults[issue.field][0].code == issue.code
    else:
        assert faults == {} and values == parsed.rows[0].values


@settings(max_examples=60, deadline=None)
@given(st.fixed_dictionaries(CELLS))
def test_dumped_rows_load_to_the_same_values(cells: dict[str, str]) -> None:
    names = tuple(column.name for column in columns_of("shipments"))
    for row in parse("shipments", {**SHIPMENT, **cells}).rows:
        dumped = Table(names, [(2, dump_row("shipments", row.values))])
        [again] = load_rows("shipments", dumped, today=TODAY, now=NOW).rows
        assert again.values | {"one_sided": None} == row.values | {"one_sided": None}


def test_objects_take_plain_json_types_but_never_a_number_for_a_mass() -> None:
    clock = Clock(TODAY, NOW)
    values, faults = load_object("shipments", {**SHIPMENT, "loads": 3, "moisture_pct": 20.5}, clock)
    assert faults == {} and values["loads"] == 3 and values["moisture_pct"] == 20500
    _, faults = load_object("shipments", {**SHIPMENT, "dispatched_t": 31.48}, clock)
    assert faults["dispatched_t"][0].code == "mass_as_json_number"
    _, faults = load_object("shipments", {**SHIPMENT, "tons": "1", "loads": {}}, clock)
    assert faults["tons"][0].code == "unknown_column"
    assert faults["loads"][0].code == "not_text_value"
    values, _ = load_object(
        "routes", {"code": "r", "name_en": "r", "material": ["a", "b"], "fate": "use"}, clock
    )
    assert values["material"] == ("a", "b")


def test_the_schema_of_a_kind_is_built_once_and_knows_its_units() -> None:
    schema = schema_class("shipments")
    assert schema is schema_class("shipments")
    fields = schema(clock=Clock(TODAY)).fields
    assert list(fields) == [column.name for column in columns_of("shipments")]
    assert fields["dispatched_t"].metadata["unit"] == "t"
