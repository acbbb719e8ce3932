"""`synth`: the same bytes every time, sizes, rules, seasons, and stocks that never go negative."""

from __future__ import annotations

import hashlib
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from tests.synthetic_checks import (
    MATERIALS,
    Books,
    check_entries,
    check_facilities,
    check_shipments,
    digest,
    kg,
    movements,
    negative,
    read,
)
from wasteflow.synthetic import COLUMNS, SynthSummary, synth
from wasteflow.synthetic.plan import zipf

CONTRACT = {
    "shipments": "doc_no, consignor, consignee, material, route, mode, vehicle, carrier, handler, "
    "dispatched_at, dispatched_t, moisture_pct, basis, weighed, ticket_no, received_at, "
    "received_t, received_moisture_pct, accepted_t, refused_t, reason, loads, parent_doc_no, kind, "
    "from_facility, to_facility, remark",
    "entries": "doc_no, enterprise, facility, kind, material, route, date, tonnes, moisture_pct, "
    "basis, weighed, year_generated, generator, from_use, handler, reason, remark",
    "targets": "code, scope, materials, metric, operator, value, unit, year, baseline_year, "
    "baseline_value, binding, coverage_complete, source",
    "coefficients": "code, kind, material, driver, low, typical, high, unit, source",
    "park_inputs": "park, input, year, value, date, source, reason",
    "products": "enterprise, product, date, tonnes, p2o5_pct",
    "parks": "code, name_zh, name_en, parent, region, level, lon, lat, crs, precision_km, source",
    "enterprises": "code, name_zh, name_en, uscc, park, region, industry, external, aliases, lon, "
    "lat, crs, precision_km, source",
    "facilities": "code, enterprise, park, kind, name, material, route, capacity_t_per_year, "
    "status, valid_from, valid_to, lon, lat, crs, precision_km, source",
}


@pytest.fixture(scope="module")
def synthetic(tmp_path_factory: pytest.TempPathFactory) -> tuple[Books, SynthSummary]:
    """A mid-sized synth run."""
    summary = synth(12_000, 200, 12, 18, 1, tmp_path_factory.mktemp("synth"))
    return Books(**{kind: read(path) for kind, path in summary.files.items()}), summary


def test_columns_are_those_of_the_contract() -> None:
    assert {kind: ", ".join(names) for kind, names in COLUMNS.items()} == CONTRACT


def test_synth_writes_the_same_bytes_again(tmp_path: Path) -> None:
    for name, seed in (("a", 7), ("b", 7), ("c", 8)):
        synth(600, 60, 5, 6, seed, tmp_path / name)
    assert digest(tmp_path / "a") == digest(tmp_path / "b")
    other = digest(tmp_path / "c")
    assert all(other[name] != value for name, value in digest(tmp_path / "a").items())
    text = (tmp_path / "a" / "shipments.csv").read_bytes()
    assert b"\r" not in text and not text.startswith(b"\xef\xbb\xbf")


def test_synth_bytes_are_those_of_every_machine(tmp_path: Path) -> None:
    """Fixed digests: a change of platform or numpy must not change a byte of the ledger."""
    synth(300, 30, 4, 5, 1, tmp_path)
    joined = "".join(digest(tmp_path).values())
    assert hashlib.sha256(joined.encode()).hexdigest()[:16] == "c8ae0046eeef6282"


def test_synth_has_the_sizes_asked_for(synthetic: tuple[Books, SynthSummary]) -> None:
    books, summary = synthetic
    assert len(books.shipments) == 12_000
    assert (len(books.enterprises), len(books.parks)) == (200, 12)
    assert {kind: len(getattr(books, kind)) for kind in summary.rows} == summary.rows
    assert (summary.first_month, summary.last_month) == (202407, 202512)
    pairs = Counter(
        (row["consignor"], row["consignee"], row["material"])
        for row in books.shipments
        if row["kind"] == "delivery"
    )
    assert 0.9 * 4 * 200 <= len(pairs) <= summary.links <= 4 * 200
    ranked = sorted(pairs.values(), reverse=True)
    assert sum(ranked[: len(ranked) // 10]) > 0.4 * sum(ranked)
    mean = sum(kg(row["dispatched_t"]) for row in books.shipments if row["kind"] == "delivery")
    assert 29_500 < mean / sum(pairs.values()) < 31_000


@pytest.mark.parametrize(
    ("loads", "enterprises", "parks", "months"),
    [(1, 2, 1, 1), (100, 2, 1, 1), (120, 3, 5, 2), (400, 9, 20, 1), (50, 300, 7, 3)],
)
def test_synth_of_odd_sizes_is_sound(
    tmp_path: Path, loads: int, enterprises: int, parks: int, months: int
) -> None:
    summary = synth(loads, enterprises, parks, months, 3, tmp_path)
    books = Books(**{kind: read(path) for kind, path in summary.files.items()})
    assert len(books.shipments) == loads
    check_shipments(books.shipments, "2025-12-31")
    check_entries(books.entries, "2025-12-31")
    check_facilities(books, books.facilities)
    assert not negative(movements(books.shipments, books.entries))


@pytest.mark.parametrize("sizes", [(0, 2, 1, 1), (1, 1, 1, 1), (1, 2, 0, 1), (1, 2, 1, 601)])
def test_synth_refuses_impossible_sizes(tmp_path: Path, sizes: tuple[int, int, int, int]) -> None:
    with pytest.raises(ValueError, match="must be between"):
        synth(*sizes, 1, tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_synth_registry_is_complete_and_marked(synthetic: tuple[Books, SynthSummary]) -> None:
    books, _ = synthetic
    parks = {row["code"] for row in books.parks}
    firms = {row["code"] for row in books.enterprises}
    assert "syn.park.001" in parks and "syn.ent.00001" in firms
    for row in (*books.parks, *books.enterprises):
        assert row["name_zh"].startswith("示范") and row["crs"] == "WGS84"
        assert 97 < float(row["lon"]) < 111 and 22 < float(row["lat"]) < 32
    for row in (*books.parks, *books.enterprises, *books.facilities):
        assert row["source"] == "synthetic (wasteflow synth)"
    assert len({row["name_zh"] for row in books.enterprises}) == len(firms)
    assert {row["parent"] for row in books.parks} <= parks | {""}
    assert {row["park"] for row in books.enterprises} <= parks
    assert {row["enterprise"] for row in (*books.facilities, *books.entries)} <= firms
    ends = {row[end] for row in books.shipments for end in ("consignor", "consignee")}
    assert ends <= firms
    assert {row["material"] for row in books.entries} == MATERIALS


def test_synth_loads_keep_the_rules(synthetic: tuple[Books, SynthSummary]) -> None:
    books, summary = synthetic
    check_shipments(books.shipments, "2025-12-31")
    check_entries(books.entries, "2025-12-31")
    check_facilities(books, books.facilities)
    main = [row for row in books.shipments if row["kind"] == "delivery"]
    kinds = Counter(row["kind"] for row in books.shipments)
    assert kinds["return"] > 20 and kinds["redirect"] > 20
    assert kinds["return"] + kinds["redirect"] == 12_000 // 50 == summary.refused_in_part
    on_the_road = [row for row in main if not row["received_at"]]
    assert 0 < len(on_the_road) == summary.in_transit < 200
    over = [r for r in main if r["received_at"] and r["received_at"][:7] > r["dispatched_at"][:7]]
    assert len(over) > 100
    share = [
        abs(kg(row["received_t"]) - kg(row["dispatched_t"])) / kg(row["dispatched_t"])
        for row in main
        if row["received_at"]
    ]
    assert 0 < sum(item > 0.10 for item in share) < 60
    assert sum(item > 0.02 for item in share) < 0.01 * len(share)
    assert {row["mode"] for row in main} >= {"road", "rail", "conveyor"}
    assert sum(row["mode"] == "road" for row in main) > 0.8 * len(main)
    assert 0.1 < sum(bool(row["moisture_pct"]) for row in main) / len(main) < 0.6


def test_synth_stocks_never_fall_below_zero(synthetic: tuple[Books, SynthSummary]) -> None:
    books, _ = synthetic
    net = movements(books.shipments, books.entries)
    assert not negative(net)
    traders = {row["consignee"] for row in books.shipments if row["route"].endswith("_trade")}
    resold = [row for row in books.shipments if row["consignor"] in traders]
    assert len(resold) > 200
    yards = [months.total() for place, months in net.items() if place[0] == "yard"]
    assert sum(stock > 0 for stock in yards) > 50
    opened = {row["enterprise"] for row in books.entries if row["kind"] == "opening"}
    assert len(opened) > 10
    assert all(row["year_generated"] for row in books.entries if row["kind"] == "opening")
    assert any(row["kind"] == "from_yard" for row in books.entries)


def test_synth_has_seasons(synthetic: tuple[Books, SynthSummary]) -> None:
    months = Counter(row["dispatched_at"][:7] for row in synthetic[0].shipments)
    assert months["2025-02"] < 0.8 * months["2025-05"]


def test_zipf_shares_exactly() -> None:
    ranks = np.array([2, 0, 1, 3])
    assert zipf(25, ranks).sum() == 25
    assert int(zipf(2_500, ranks).argmax()) == 1
