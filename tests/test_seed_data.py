"""Checks of the seed_data files alone: shape, references, tags, figures; no code of ours."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest

SEED = Path(__file__).resolve().parent.parent / "seed_data"

HEADERS = {
    "regions": "code name_zh name_en parent",
    "parks": "code name_zh name_en parent region level lon lat crs precision_km source",
    "enterprises": "code name_zh name_en uscc park region industry external aliases "
    "lon lat crs precision_km source",
    "facilities": "code enterprise park kind name material route capacity_t_per_year status "
    "valid_from valid_to lon lat crs precision_km source",
    "materials": "code name_zh name_en waste_code waste_class is_waste verified source",
    "routes": "code material name_zh name_en fate standard conditional condition source",
    "targets": "code scope materials metric operator value unit year baseline_year "
    "baseline_value binding coverage_complete source",
    "filings": "code from_region to_region enterprise material quota_t valid_from valid_to "
    "document",
    "coefficients": "code kind material driver low typical high unit source",
}
WITH_SOURCE = sorted(k for k, v in HEADERS.items() if v.endswith("source"))
WITH_POINT = ["parks", "enterprises", "facilities"]


def words(text: str) -> list[str]:
    """Codes of a list written over several lines."""
    return text.split()


PARKS = words("""
park.anning park.anning.chem park.anning.metal park.anning.battery park.anning.hitech
park.anning.g320 park.anning.pg park.kmetdz park.kmhtz park.qidian park.fumin park.yanglin
park.haikou park.dongchuan park.gejiu park.lanping park.mouding park.xiangyun park.heqing
park.yongchuan park.yongchuan.gangqiao park.yongchuan.fenghuanghu
""")
ENTERPRISES = words("""
ent.sanhuan ent.tianan ent.yth ent.xiangfeng ent.yunlong ent.jilin ent.fumin_feed ent.kisc
ent.longkun ent.ynpc ent.shanshan ent.qdgh ent.jiahua ent.huaxin_yc ent.yuhu ent.dongpeng
ent.diwang
""")
PROJECTS = words("prj.yiliang prj.slag45 prj.pg100 prj.pg20")
ROUTES = words("""
pg_cement_retarder pg_building_gypsum pg_sulphuric_acid_cement pg_road_base pg_backfill
pg_pit_restoration pg_soil_improvement pg_yard pg_landfill pg_harmless pg_trade
ss_slag_powder ss_road_aggregate ss_iron_recovery ss_clinker_corrector ss_sinter_return
ss_blasting_sand ss_water_neutraliser ss_yard ss_landfill ss_ageing ss_trade
rm_iron_separation rm_cement_raw_mix rm_road_base rm_brick rm_geopolymer rm_backfill
rm_pg_coneutralise rm_reservoir rm_landfill rm_dealkalisation rm_trade
pc_anode pc_battery_anode pc_fuel pc_gasification pc_silicon pc_recarburiser pc_electrode
pc_cement_fuel pc_yard pc_disposal pc_calcination pc_trade
""")
MATERIALS = ["phosphogypsum", "steel_slag", "red_mud", "petroleum_coke"]
CAPACITIES = {
    "fac.yth.pg90": "900000",
    "fac.yunlong.pg_retarder": "300000",
    "fac.jilin.pg130": "1300000",
    "fac.fumin_feed.pg_harmless": "1000000",
    "fac.longkun.ss_powder": "1200000",
    "prj.slag45": "450000",
    "prj.pg100": "1000000",
    "prj.pg20": "200000",
    "prj.yiliang": "1200000",
}
WASTES = "phosphogypsum;steel_slag;red_mud"
PG = "phosphogypsum"
# (scope, materials, metric, operator, value, year): every target of the domain paper
TARGETS = {
    ("all", WASTES, "official", ">=", "0.57", "2025"),
    ("all", "steel_slag", "official", ">=", "0.73", "2025"),
    ("all", PG, "official", ">=", "0.73", "2025"),
    ("all", "red_mud", "qualitative", "", "", "2025"),
    ("all", WASTES, "new_waste", ">=", "0.60", "2025"),
    ("all", WASTES, "official", ">=", "0.75", "2025"),
    ("all", WASTES, "qualitative", "", "", "2025"),
    ("all", WASTES, "utilised_amount", ">=", "4000000000", "2025"),
    ("all", WASTES, "utilised_amount", ">=", "4500000000", "2030"),
    ("all", PG, "official", ">=", "0.65", "2026"),
    ("all", PG, "consumption_balance", ">=", "1", "2026"),
    ("all", "red_mud", "new_waste", ">=", "0.15", "2027"),
    ("all", "red_mud", "new_waste", ">=", "0.25", "2030"),
    ("all", PG, "qualitative", "", "", "2027"),
    ("all", PG, "official", ">=", "0.50", "2020"),
    ("region:530000", WASTES, "official", ">=", "0.60", "2025"),
    ("region:530000", PG, "official", ">=", "0.75", "2025"),
    ("region:530000", PG, "consumption_balance", ">=", "1", "2025"),
    ("region:530000", PG, "new_waste", ">=", "0.80", "2027"),
    ("region:530000", PG, "net_new_stock", "<=", "0", "2025"),
    ("region:530000", PG, "qualitative", "", "", "2025"),
    ("region:530181", WASTES, "official", ">=", "0.60", "2025"),
    ("region:500118", WASTES, "official", "keep", "0.95", "2025"),
    ("region:420000", PG, "official", ">=", "0.50", "2022"),
    ("region:420000", PG, "official", ">=", "0.55", "2023"),
    ("region:420000", PG, "official", ">=", "0.60", "2024"),
    ("region:420000", PG, "official", ">=", "0.65", "2025"),
    ("region:520000", PG, "qualitative", "", "", ""),
}
RATES = {"official", "simple", "new_waste", "fate_share", "disposal_inclusive"}
METRICS = RATES | {"consumption_balance", "utilised_amount", "net_new_stock", "qualitative"}
CODE = re.compile(r"[\w.\-]{1,80}")
TAG = re.compile(r"\[[SVKD]\]")
DECIMAL = re.compile(r"\d+(\.\d+)?")


def rows(kind: str) -> list[dict[str, str]]:
    """Data rows of one seed file, in file order."""
    with (SEED / f"{kind}.csv").open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle, strict=True))


def by_code(kind: str) -> dict[str, dict[str, str]]:
    """Rows of one seed file by their code."""
    return {row["code"]: row for row in rows(kind)}


def region_chain(code: str) -> list[str]:
    """A region's code and those of everything above it."""
    regions, chain = by_code("regions"), [code]
    while parent := regions[chain[-1]]["parent"]:
        assert parent not in chain
        chain.append(parent)
    return chain


@pytest.mark.parametrize("kind", HEADERS)
def test_file_shape(kind: str) -> None:
    raw = (SEED / f"{kind}.csv").read_bytes()
    text = raw.decode("utf-8")
    assert not text.startswith("\ufeff")
    assert "\r" not in text and "\0" not in text and text.endswith("\n")
    table = list(csv.reader(text.splitlines(), strict=True))
    assert table[0] == HEADERS[kind].split()
    assert {len(line) for line in table} == {len(table[0])}
    cells = [cell for line in table for cell in line]
    assert [cell for cell in cells if cell != cell.strip()] == []
    codes = [row["code"] for row in rows(kind)]
    assert len(codes) == len(set(codes))
    assert [code for code in codes if not CODE.fullmatch(code)] == []


def test_every_file_is_described_and_listed() -> None:
    readme = (SEED / "README.md").read_text(encoding="utf-8")
    files = {path.name for path in SEED.glob("*.csv")}
    assert files == {f"{kind}.csv" for kind in HEADERS}
    assert [name for name in sorted(files) if f"`{name}`" not in readme] == []
    assert rows("filings") == []


@pytest.mark.parametrize("kind", WITH_SOURCE)
def test_every_row_carries_an_evidence_tag(kind: str) -> None:
    assert [row["code"] for row in rows(kind) if not TAG.search(row["source"])] == []


@pytest.mark.parametrize("kind", ["regions", "parks", "enterprises", "materials", "routes"])
def test_chinese_names_are_unique(kind: str) -> None:
    names = [row["name_zh"] for row in rows(kind)]
    assert "" not in names
    assert len(names) == len(set(names))


def test_all_named_places_routes_and_materials_are_there() -> None:
    assert set(PARKS) <= set(by_code("parks"))
    assert set(ENTERPRISES) == set(by_code("enterprises"))
    assert set(PROJECTS) <= set(by_code("facilities"))
    assert set(ROUTES) <= set(by_code("routes"))
    assert list(by_code("materials")) == MATERIALS


def test_regions_form_a_tree_of_official_codes() -> None:
    regions = by_code("regions")
    for code, row in regions.items():
        assert re.fullmatch(r"\d{6}", code)
        assert bool(row["parent"]) is not code.endswith("0000")
        if parent := row["parent"]:
            assert parent in regions and code.startswith(parent.rstrip("0"))
        assert region_chain(code)[-1].endswith("0000")


def test_parks_and_enterprises_refer_to_known_rows() -> None:
    parks, regions = by_code("parks"), by_code("regions")
    levels = {"", "national", "provincial", "municipal", "county", "district", "other"}
    for row in parks.values():
        assert row["region"] in regions and row["level"] in levels
        if row["parent"]:
            assert parks[row["parent"]]["region"] in region_chain(row["region"])
            assert row["parent"] != row["code"] and not parks[row["parent"]]["parent"]
    names: dict[str, str] = {}
    for row in rows("enterprises"):
        assert row["region"] in regions and row["uscc"] == "" and row["external"] == "false"
        if row["park"]:
            assert parks[row["park"]]["region"] in region_chain(row["region"])
        for name in [row["name_zh"], *filter(None, row["aliases"].split(";"))]:
            assert names.setdefault(name, row["code"]) == row["code"]


@pytest.mark.parametrize("kind", WITH_POINT)
def test_points_are_whole_and_honest(kind: str) -> None:
    for row in rows(kind):
        point = [row["lon"], row["lat"], row["crs"], row["precision_km"]]
        assert all(point) or not any(point), row["code"]
        if not row["lon"]:
            continue
        assert row["crs"] in {"WGS84", "CGCS2000", "GCJ-02", "BD-09"}
        assert 98 < float(row["lon"]) < 107 and 22 < float(row["lat"]) < 30
        assert float(row["precision_km"]) > 0
        if float(row["precision_km"]) < 5:
            assert (row["lon"], row["lat"]) == ("102.3354", "24.98669"), row["code"]
            assert "[V]" in row["source"]
        if float(row["precision_km"]) >= 12:
            assert re.search("占位|未测量", row["source"]), row["code"]


def test_facilities_fit_their_owner_material_and_route() -> None:
    parks, firms = by_code("parks"), by_code("enterprises")
    materials, routes = by_code("materials"), by_code("routes")
    fates = {"use": "use", "storage": "storage", "treatment": "treatment", "disposal": "disposal"}
    for row in rows("facilities"):
        assert row["name"] and row["material"] in materials
        assert row["status"] in {"", "planned", "building", "operating", "closed"}
        assert row["kind"] in {*fates, "generation"}
        assert row["enterprise"] == "" or row["enterprise"] in firms
        assert row["park"] == "" or row["park"] in parks
        if row["enterprise"]:
            assert row["park"] == firms[row["enterprise"]]["park"], row["code"]
        if row["route"]:
            route = routes[row["route"]]
            assert row["material"] in route["material"].split(";")
            assert fates[row["kind"]] == route["fate"], row["code"]
        if "潜在" in row["name"]:
            assert (row["status"], row["capacity_t_per_year"]) == ("", "")
    assert [
        c for c, row in by_code("facilities").items() if c in PROJECTS and row["enterprise"]
    ] == []


def test_only_known_capacities_are_given() -> None:
    found = {
        row["code"]: row["capacity_t_per_year"]
        for row in rows("facilities")
        if row["capacity_t_per_year"]
    }
    assert found == CAPACITIES
    assert [
        row for row in rows("facilities") if row["kind"] == "generation" and row["code"] in found
    ] == []


def test_waste_codes_are_well_formed_and_nothing_recalled_is_verified() -> None:
    for row in rows("materials"):
        assert row["verified"] == "false"
        if row["is_waste"] == "true":
            assert re.fullmatch(r"\d{3}-0\d{2}-S\d{2}", row["waste_code"])
            assert row["waste_class"] == "SW" + row["waste_code"][-2:]
        else:
            assert (row["code"], row["waste_code"], row["waste_class"]) == (
                "petroleum_coke",
                "",
                "",
            )


def test_routes_cover_every_fate_of_every_material() -> None:
    fates = {"use", "storage", "disposal", "treatment", "transfer"}
    seen: dict[str, set[str]] = {code: set() for code in MATERIALS}
    for row in rows("routes"):
        assert row["fate"] in fates
        assert row["conditional"] == ("true" if row["condition"] else "false"), row["code"]
        assert row["standard"] == "" or all(TAG.search(s) for s in row["standard"].split("; "))
        for material in row["material"].split(";"):
            seen[material].add(row["fate"])
    assert seen == dict.fromkeys(MATERIALS, fates)


def test_conditional_routes_are_those_of_the_domain_paper() -> None:
    found = {row["code"] for row in rows("routes") if row["conditional"] == "true"}
    always = "pg_road_base pg_backfill pg_pit_restoration pg_soil_improvement pc_fuel"
    assert {*always.split(), "rm_pg_coneutralise", "ss_road_aggregate"} <= found
    assert found.isdisjoint({"pg_cement_retarder", "pg_building_gypsum", "pc_anode", "pg_yard"})


def test_targets_are_exactly_the_published_ones() -> None:
    keys = ("scope", "materials", "metric", "operator", "value", "year")
    found = [tuple(row[key] for key in keys) for row in rows("targets")]
    assert set(found) == TARGETS
    assert len(found) == len(TARGETS)


def test_targets_use_the_vocabulary() -> None:
    regions, materials = by_code("regions"), by_code("materials")
    for row in rows("targets"):
        kind, _, region = row["scope"].partition(":")
        assert row["scope"] == "all" or (kind == "region" and region in regions)
        assert row["metric"] in METRICS and row["coverage_complete"] == "false"
        assert all(materials[m]["is_waste"] == "true" for m in row["materials"].split(";"))
        assert row["binding"] in {"", "binding", "guiding"}
        if row["metric"] == "qualitative":
            assert (row["operator"], row["value"], row["unit"]) == ("", "", "")
            continue
        assert row["operator"] in {">=", "<=", "keep"} and DECIMAL.fullmatch(row["value"])
        assert re.fullmatch(r"20\d\d", row["year"])
        tonnes = row["metric"] in {"utilised_amount", "net_new_stock"}
        assert row["unit"] == ("t" if tonnes else "fraction")
        assert tonnes or 0 < float(row["value"]) <= 1
    yunnan = by_code("targets")["tgt.yn.industrial_rate.2025"]
    assert (yunnan["baseline_year"], yunnan["baseline_value"]) == ("2020", "0.56")
    assert [r["code"] for r in rows("targets") if r["binding"]] == [yunnan["code"]]


def test_coefficients_are_ordered_numbers_with_a_unit() -> None:
    kinds = {"generation", "moisture", "freight_price", "freight_base", "co2", "payload"}
    for row in rows("coefficients"):
        assert row["kind"] in kinds | {"detour", "economic_radius"}
        assert row["material"] in {"", *MATERIALS} and row["driver"] and row["unit"]
        given = [row[key] for key in ("low", "typical", "high") if row[key]]
        assert given and all(DECIMAL.fullmatch(value) for value in given), row["code"]
        assert [float(v) for v in given] == sorted(float(v) for v in given)
    units = {r["kind"]: r["unit"] for r in rows("coefficients") if r["kind"] != "generation"}
    assert (units["freight_price"], units["co2"]) == ("RMB/t·km", "kgCO2e/t·km")
    pg = by_code("coefficients")["coef.pg_p2o5"]
    assert (pg["low"], pg["typical"], pg["high"], pg["driver"]) == ("4.5", "5.0", "5.5", "p2o5")
