"""The demo: the same again, inside the seed, sound by our own check, every feature there."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.synthetic_checks import (
    check_entries,
    check_facilities,
    check_shipments,
    digest,
    kg,
    movements,
    negative,
    read,
)
from wasteflow.core.periods import Period
from wasteflow.jobs import import_folder, seed_database
from wasteflow.services.target_status import consumption_report, targets_report
from wasteflow.synthetic import COLUMNS, DemoData, demo_rows, write_demo
from wasteflow.synthetic.demo import KINDS
from wasteflow_models.engine import Database
from wasteflow_models.migrate import upgrade

END = (2026, 10)
NOW = datetime(2026, 11, 21, 4, tzinfo=UTC)
SEED_DATA = Path(__file__).resolve().parents[1] / "seed_data"


@pytest.fixture(scope="module")
def demo() -> DemoData:
    """The standard demo."""
    return demo_rows(24, end=END)


def test_demo_is_the_same_again_and_marked(demo: DemoData, tmp_path: Path) -> None:
    again = demo_rows(24, end=END)
    assert again == demo
    write_demo(demo, tmp_path / "a")
    write_demo(again, tmp_path / "b")
    assert digest(tmp_path / "a") == digest(tmp_path / "b")
    for kind in KINDS:
        rows = read(tmp_path / "a" / f"{kind}.csv")
        assert rows == demo.rows(kind)
        assert list(rows[0]) == list(COLUMNS[kind])
    for row in (*demo.enterprises, *demo.facilities, *demo.targets):
        assert row["code"].startswith("demo.") and row["source"] == "synthetic (wasteflow demo)"
    for row in demo.enterprises:
        assert row["name_zh"].startswith("示范")


def test_demo_refers_to_the_seed_and_itself_only(demo: DemoData) -> None:
    seeded = {row["code"] for row in read(SEED_DATA / "enterprises.csv")}
    parks = {row["code"] for row in read(SEED_DATA / "parks.csv")}
    routes = {row["code"] for row in read(SEED_DATA / "routes.csv")}
    own = {row["code"] for row in demo.enterprises}
    assert not own & seeded
    named = {row[end] for row in demo.shipments for end in ("consignor", "consignee")}
    named |= {row["enterprise"] for row in (*demo.entries, *demo.facilities)}
    assert named <= own | seeded and own <= named
    rows = (*demo.enterprises, *demo.facilities)
    assert {row["park"] for row in rows} <= parks | {""}
    firms = {f"enterprise:{code}" for code in own | seeded}
    assert {row["scope"] for row in demo.targets} <= firms | {f"park:{code}" for code in parks}
    used = {row["route"] for row in (*demo.entries, *demo.shipments, *demo.facilities)}
    assert used <= routes | {""}


def test_demo_keeps_the_rules(demo: DemoData) -> None:
    assert 6_000 <= len(demo.shipments) <= 10_000
    assert (demo.first_month, demo.last_month) == (202411, 202610)
    check_shipments(demo.shipments, "2026-10-31")
    check_entries(demo.entries, "2026-10-31")
    check_facilities(demo, [*read(SEED_DATA / "facilities.csv"), *demo.facilities])
    assert not negative(movements(demo.shipments, demo.entries))


@pytest.mark.parametrize("months", [1, 2, 5, 13])
def test_a_demo_of_any_length_keeps_the_rules(months: int) -> None:
    data = demo_rows(months, end=(2026, 2))
    check_shipments(data.shipments, "2026-02-28")
    check_entries(data.entries, "2026-02-28")
    assert not negative(movements(data.shipments, data.entries))
    bare = {name for name, codes in data.features.items() if not codes}
    assert bare <= ({"in_transit_new_year"} if months < 3 else set())


def test_demo_refuses_impossible_periods() -> None:
    with pytest.raises(ValueError, match="months"):
        demo_rows(0, end=END)
    with pytest.raises(ValueError, match="end"):
        demo_rows(3, end=(2026, 13))


def rates(demo: DemoData) -> dict[str, float]:
    """Accepted by others for a use plus own use, over generation, per producer."""
    made: Counter[str] = Counter()
    used: Counter[str] = Counter()
    for row in demo.entries:
        if row["kind"] == "generation":
            made[row["enterprise"]] += kg(row["tonnes"])
    for row in demo.entries:
        if row["kind"] == "use" and row["enterprise"] in made:
            used[row["enterprise"]] += kg(row["tonnes"])
    for row in demo.shipments:
        storing = row["route"].endswith(("_yard", "_reservoir", "_trade"))
        if row["consignor"] in made and not storing:
            used[row["consignor"]] += kg(row["accepted_t"])
    return {firm: used[firm] / made[firm] for firm in made}


def test_demo_rates_are_sensible(demo: DemoData) -> None:
    found = rates(demo)
    assert found["ent.tianan"] < 0.45
    assert all(0.55 < found[f"ent.{firm}"] < 0.72 for firm in ("sanhuan", "xiangfeng", "yunlong"))
    assert 0.7 < found["ent.kisc"] < 0.9 and found["demo.steel_yc"] > 0.9
    assert 0.08 < found["demo.alumina_gj"] < 0.15 and 0.08 < found["demo.alumina_hq"] < 0.15
    received: Counter[tuple[str, str]] = Counter()
    for row in demo.shipments:
        if row["material"] == "phosphogypsum" and row["received_at"]:
            received[row["consignee"], row["received_at"][:4]] += kg(row["accepted_t"])
    assert received["ent.yth", "2025"] < 900_000_000
    assert received["ent.jilin", "2025"] < 1_300_000_000


def test_demo_has_every_feature(demo: DemoData) -> None:
    features = demo.features
    assert all(features.values())
    loads = {row["doc_no"]: row for row in demo.shipments}
    for doc in features["disputed_weight"]:
        sent, got = kg(loads[doc]["dispatched_t"]), kg(loads[doc]["received_t"])
        assert abs(got - sent) > 0.10 * sent and loads[doc]["reason"]
    for name, kind in (("refused_return", "return"), ("refused_redirect", "redirect")):
        assert all(loads[doc]["kind"] == kind for doc in features[name])
    for doc in features["in_transit_new_year"]:
        assert loads[doc]["received_at"][:4] > loads[doc]["dispatched_at"][:4]
    years = {loads[doc]["dispatched_at"][:4] for doc in features["in_transit_new_year"]}
    assert years == {"2024", "2025"}
    assert set(features["in_transit_end"]) == {
        d for d, row in loads.items() if not row["received_at"]
    }
    entries = {row["doc_no"]: row for row in demo.entries}
    assert {entries[doc]["route"] for doc in features["treatment"]} == {"pg_harmless"}
    (outside,) = [row for row in demo.enterprises if row["external"] == "true"]
    assert features["external_receiver"] == (outside["code"],)
    pairs = {
        (row["consignor"], row["consignee"]) for row in demo.shipments if row["kind"] != "return"
    }
    steel, trader_a, trader_b = features["trader_loop"]
    loop = {(steel, trader_a), (trader_a, trader_b), (trader_b, steel), (trader_b, trader_a)}
    assert loop <= pairs
    lonely, only = features["single_receiver"]
    assert {to for maker, to in pairs if maker == lonely} == {only}
    assert any(row["material"] == "petroleum_coke" for row in demo.shipments)


def test_demo_unbalanced_firm_and_old_stock(demo: DemoData) -> None:
    firm, survey = demo.features["unbalanced"]
    mine = [row for row in demo.entries if row["enterprise"] == firm]
    book = 0
    for row in mine:
        if row["doc_no"] == survey:
            break
        book += {"to_yard": 1, "from_yard": -1}.get(row["kind"], 0) * kg(row["tonnes"])
    missing = book - kg(row["tonnes"])
    inflow = sum(kg(r["accepted_t"]) for r in demo.shipments if r["consignee"] == firm)
    assert row["reason"] and missing > max(1000, inflow // 50)
    counts = [row["enterprise"] for row in demo.entries if row["kind"] == "stocktake"]
    assert counts.count(firm) == 1
    for holder in demo.features["old_stock"]:
        rows = [row for row in demo.entries if row["enterprise"] == holder]
        years = {row["year_generated"] for row in rows if row["kind"] == "opening"}
        assert len(years) >= 3
        assert sum(row["kind"] == "from_yard" for row in rows) >= 20


def test_demo_output_fits_the_coefficients_but_for_one_firm(demo: DemoData) -> None:
    """Red mud of 0.8-1.8 t/t, slag of 0.08-0.20 t/t, 4.5-5.5 t of gypsum per tonne of P2O5."""
    made: Counter[str] = Counter()
    output: Counter[str] = Counter()
    for row in demo.entries:
        if row["kind"] == "generation":
            made[row["enterprise"]] += kg(row["tonnes"])
    for row in demo.products:
        share = float(row["p2o5_pct"] or 100) / 100
        output[row["enterprise"]] += int(kg(row["tonnes"]) * share)
    assert set(output) == set(made) and len(demo.products) == 24 * len(made)
    bounds = {"red_mud": (0.8, 1.8), "steel_slag": (0.08, 0.2), "phosphogypsum": (4.5, 5.5)}
    materials = {
        row["enterprise"]: row["material"] for row in demo.entries if row["kind"] == "generation"
    }
    outside = {
        firm
        for firm, material in materials.items()
        if material in bounds
        and not bounds[material][0] <= made[firm] / output[firm] <= bounds[material][1]
    }
    assert outside == set(demo.features["output_out_of_range"]) == {"demo.alumina_gj"}
    assert max(row["date"] for row in demo.products) == "2026-10-31"


def test_demo_targets_show_every_status(tmp_path: Path) -> None:
    """A year of the demo is enough: no status of these targets rests on a hair."""
    url = f"sqlite:///{(tmp_path / 'demo.sqlite3').as_posix()}"
    upgrade(url)
    db = Database(url)
    seed_database(db=db, now=NOW)
    write_demo(demo_rows(22, end=END), tmp_path)
    import_folder(db=db, folder=tmp_path, kinds=KINDS, now=NOW, synthetic=True)
    report = targets_report(db=db)
    quota = consumption_report(db=db, scope="enterprise:ent.sanhuan", period=Period.parse("2026"))
    db.dispose()
    assert report["as_of"] == "2026-10" and report["synthetic"]
    found = {
        row["code"].removeprefix("demo.target."): (row["status"], row["red"])
        for row in report["rows"]
        if row["code"].startswith("demo.")
    }
    assert found == {
        "anning_rate": ("met", False),
        "heqing_rate": ("at_risk", False),
        "kisc_rate": ("met", False),
        "sanhuan_stock": ("behind", True),
        "tianan_rate": ("behind", True),
        "xiangfeng_rate": ("met", False),
        "yongchuan_use": ("on_course", False),
        "yunlong_rate": ("at_risk", False),
    }
    seeded = [row for row in report["rows"] if not row["code"].startswith("demo.")]
    assert seeded and not any(row["status"] for row in seeded)
    (row,) = quota["rows"]
    assert row["draw_down_plan_t"] == "150000.000"
    assert row["findings"] == ["net_new_stock_positive", "draw_down_behind_plan"]
