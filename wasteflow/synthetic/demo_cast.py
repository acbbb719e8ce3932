"""Who plays in the demo and what flows between whom: tables only, amounts in tonnes a month.

Real firms (`ent.…`) stand in real parks with invented amounts; firms that had to be invented have
codes `demo.…` and names 示范….  No amount here is a report; capacities of 2-domain are respected.
"""

from __future__ import annotations

from msgspec import Struct


class Link(Struct, frozen=True):
    """A steady flow: `rows` records a month, on the road for about `hours`."""

    key: str
    consignor: str
    consignee: str
    material: str
    route: str
    tonnes: int
    rows: int
    hours: int = 3
    mode: str = "road"


class Resale(Struct, frozen=True):
    """A trader's flow: `percent` of what reached it last month."""

    key: str
    consignor: str
    consignee: str
    material: str
    route: str
    percent: int
    rows: int = 6


class Maker(Struct, frozen=True):
    """A producer: generation, own use (route and amount), draw on its yard, treatment a month."""

    firm: str
    material: str
    generation: int
    own_route: str = ""
    own_use: int = 0
    draw: int = 0
    treatment: int = 0
    estimated: bool = False


PG, SS, RM, PC = "phosphogypsum", "steel_slag", "red_mud", "petroleum_coke"
YARD_ROUTE = {PG: "pg_yard", SS: "ss_yard", RM: "rm_reservoir", PC: "pc_yard"}
HARMLESS = "pg_harmless"
MOISTURE = {PG: 200, RM: 300, PC: 80}
"""Tenths of a percent; slag is weighed without."""
SEASON = {
    PG: (78, 66, 102, 114, 116, 110, 100, 96, 106, 110, 106, 96),
    SS: (88, 74, 102, 106, 108, 104, 98, 100, 106, 108, 106, 100),
    RM: (90, 80, 100, 104, 106, 102, 94, 96, 106, 108, 108, 106),
    PC: (94, 86, 98, 102, 104, 102, 100, 100, 104, 104, 104, 102),
}
"""Percent of the mean, January..December."""

LINKS: tuple[Link, ...] = (
    Link("PG01", "ent.sanhuan", "ent.yth", PG, "pg_building_gypsum", 42_000, 26),
    Link("PG02", "ent.sanhuan", "ent.jilin", PG, "pg_cement_retarder", 58_000, 26, 5),
    Link("PG03", "ent.sanhuan", "demo.pit", PG, "pg_pit_restoration", 26_000, 22, 2),
    Link("PG04", "ent.xiangfeng", "ent.yth", PG, "pg_building_gypsum", 10_000, 16, 2),
    Link("PG05", "ent.xiangfeng", "ent.jilin", PG, "pg_cement_retarder", 14_000, 16, 5),
    Link("PG06", "ent.xiangfeng", "ent.jiahua", PG, "pg_cement_retarder", 5_000, 12, 2),
    Link("PG07", "ent.xiangfeng", "demo.road", PG, "pg_road_base", 7_000, 12, 2),
    Link("PG08", "ent.tianan", "ent.yth", PG, "pg_building_gypsum", 11_000, 16, 2),
    Link("PG09", "ent.tianan", "ent.jiahua", PG, "pg_cement_retarder", 5_500, 12, 2),
    Link("PG10", "ent.tianan", "demo.gypsum", PG, "pg_building_gypsum", 9_000, 14, 2),
    Link("PG11", "ent.yunlong", "demo.cement_xd", PG, "pg_cement_retarder", 8_000, 12, 2),
    Link("PG12", "demo.legacy", "demo.pit", PG, "pg_pit_restoration", 12_000, 12, 6),
    Link("PG13", "ent.sanhuan", "demo.soil", PG, "pg_soil_improvement", 240, 8, 2),
    Link("SS01", "ent.kisc", "ent.longkun", SS, "ss_slag_powder", 20_000, 20, 2),
    Link("SS02", "ent.kisc", "ent.jiahua", SS, "ss_clinker_corrector", 4_500, 10, 2),
    Link("SS03", "ent.kisc", "demo.trade_a", SS, "ss_trade", 6_000, 10, 2),
    Link("SS04", "ent.kisc", "demo.road", SS, "ss_road_aggregate", 3_500, 8, 2),
    Link("SS05", "demo.eaf", "demo.slag_yl", SS, "ss_road_aggregate", 5_500, 10, 1),
    Link("SS06", "demo.eaf", "demo.trade_b", SS, "ss_trade", 1_300, 6, 4),
    Link("SS07", "demo.steel_yc", "ent.huaxin_yc", SS, "ss_clinker_corrector", 5_200, 8, 3),
    Link("SS08", "demo.steel_yc", "demo.block_yc", SS, "ss_road_aggregate", 2_200, 6, 3),
    Link("RM01", "demo.alumina_hq", "demo.brick_hq", RM, "rm_brick", 3_500, 8, 1),
    Link("RM02", "demo.alumina_hq", "demo.cement_xy", RM, "rm_cement_raw_mix", 3_000, 8, 9),
    Link("RM03", "demo.alumina_hq", "demo.road_hq", RM, "rm_road_base", 2_500, 6, 1),
    Link("RM04", "demo.alumina_gj", "demo.iron_gj", RM, "rm_iron_separation", 3_600, 8, 1),
    Link("RM05", "demo.alumina_gj", "demo.binder_gj", RM, "rm_pg_coneutralise", 310, 10, 1),
    Link("PC01", "ent.ynpc", "ent.shanshan", PC, "pc_battery_anode", 12_500, 14, 1),
    Link("PC02", "ent.ynpc", "ent.tianan", PC, "pc_gasification", 6_000, 10, 1),
    Link("PC03", "ent.ynpc", "demo.anode", PC, "pc_anode", 5_000, 8, 4),
    Link("PC04", "ent.ynpc", "demo.outside", PC, "pc_anode", 3_000, 6, 98, "rail"),
)

RESALES: tuple[Resale, ...] = (
    Resale("SR01", "demo.trade_a", "demo.trade_b", SS, "ss_trade", 55),
    Resale("SR02", "demo.trade_a", "demo.slag_fm", SS, "ss_slag_powder", 40),
    Resale("SR03", "demo.trade_b", "demo.trade_a", SS, "ss_trade", 35),
    Resale("SR04", "demo.trade_b", "ent.kisc", SS, "ss_sinter_return", 30),
    Resale("SR05", "demo.trade_b", "ent.longkun", SS, "ss_slag_powder", 28),
)
"""kisc → trader A → trader B → trader A and → kisc: the same slag is sold again and again."""

FLOWS: tuple[Link | Resale, ...] = (*LINKS, *RESALES)

REDIRECTS: dict[str, tuple[str, str]] = {
    "PG04": ("ent.jilin", "pg_cement_retarder"),
    "PG06": ("demo.road", "pg_road_base"),
    "PG10": ("ent.yth", "pg_building_gypsum"),
    "SS03": ("ent.longkun", "ss_slag_powder"),
    "RM02": ("demo.brick_hq", "rm_brick"),
}
"""Link → who takes a refused part, for which route; on other links it goes back."""

MAKERS: tuple[Maker, ...] = (
    Maker("ent.sanhuan", PG, 200_000, draw=15_000, treatment=50_000),
    Maker("ent.xiangfeng", PG, 120_000, "pg_building_gypsum", 42_000, treatment=20_000),
    Maker("ent.tianan", PG, 75_000),
    Maker("ent.yunlong", PG, 48_000, "pg_cement_retarder", 21_000, estimated=True),
    Maker("demo.legacy", PG, 0, treatment=12_000),
    Maker("ent.kisc", SS, 50_000, "ss_sinter_return", 9_000),
    Maker("demo.eaf", SS, 8_000),
    Maker("demo.steel_yc", SS, 7_800),
    Maker("demo.alumina_hq", RM, 108_000, "rm_iron_separation", 5_000, estimated=True),
    Maker("demo.alumina_gj", RM, 40_000, estimated=True),
    Maker("ent.ynpc", PC, 27_500),
)

OPENINGS: dict[tuple[str, str], tuple[tuple[int | None, int, str], ...]] = {
    ("ent.sanhuan", PG): (
        (5, 1_150_000, ""), (4, 1_240_000, ""), (3, 980_000, ""), (2, 870_000, ""),
        (1, 760_000, ""),
    ),
    ("ent.xiangfeng", PG): ((2, 410_000, ""), (1, 380_000, "")),
    ("ent.tianan", PG): ((1, 520_000, ""),),
    ("demo.legacy", PG): ((None, 300_000, ""), (9, 420_000, "ent.yunlong"),
                          (8, 250_000, "ent.yunlong")),
    ("demo.alumina_hq", RM): ((3, 1_050_000, ""), (2, 1_120_000, ""), (1, 1_090_000, "")),
}  # fmt: skip
"""(firm, material) → (years before the first, None = unknown; tonnes; generator) in its yard."""

SEEDED: frozenset[tuple[str, str, str]] = frozenset(
    {
        ("ent.yth", PG, "pg_building_gypsum"),
        ("ent.yunlong", PG, "pg_cement_retarder"),
        ("ent.xiangfeng", PG, "pg_yard"),
        ("ent.jiahua", PG, "pg_cement_retarder"),
        ("ent.longkun", SS, "ss_slag_powder"),
        ("ent.tianan", PC, "pc_gasification"),
        ("ent.shanshan", PC, "pc_battery_anode"),
    }
)
"""Facilities the seed already has; the demo adds those its other loads need, marked synthetic."""
