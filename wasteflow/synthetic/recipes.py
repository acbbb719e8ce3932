"""What each material looks like in synthetic books: routes, moisture, seasons, shares of firms."""

from __future__ import annotations

from enum import IntEnum

from msgspec import Struct


class Role(IntEnum):
    """What a synthetic firm does with its material."""

    GENERATOR = 0
    USER = 1
    TRADER = 2
    LANDFILL = 3


class Recipe(Struct, frozen=True):
    """`moisture` in tenths of a percent; `season` = relative activity of January..December."""

    code: str
    use_routes: tuple[str, ...]
    yard: str
    trade: str
    landfill: str
    treatment: str
    moisture: int
    season: tuple[int, ...]
    industry: str
    generator_zh: str
    generator_en: str


RECIPES: tuple[Recipe, ...] = (
    Recipe(
        "phosphogypsum",
        ("pg_cement_retarder", "pg_building_gypsum", "pg_sulphuric_acid_cement"),
        "pg_yard",
        "pg_trade",
        "pg_landfill",
        "pg_harmless",
        200,
        (70, 62, 100, 116, 118, 112, 100, 96, 106, 114, 108, 98),
        "肥料制造",
        "磷化工",
        "phosphate chemicals",
    ),
    Recipe(
        "steel_slag",
        ("ss_slag_powder", "ss_iron_recovery", "ss_clinker_corrector", "ss_sinter_return"),
        "ss_yard",
        "ss_trade",
        "ss_landfill",
        "ss_ageing",
        50,
        (82, 68, 102, 108, 110, 104, 98, 100, 106, 110, 110, 102),
        "炼钢",
        "钢铁",
        "steel works",
    ),
    Recipe(
        "red_mud",
        ("rm_iron_separation", "rm_cement_raw_mix", "rm_brick", "rm_geopolymer"),
        "rm_reservoir",
        "rm_trade",
        "rm_landfill",
        "rm_dealkalisation",
        300,
        (86, 74, 100, 104, 108, 102, 92, 94, 106, 112, 112, 110),
        "铝冶炼",
        "氧化铝",
        "alumina",
    ),
    Recipe(
        "petroleum_coke",
        ("pc_anode", "pc_silicon", "pc_recarburiser", "pc_electrode", "pc_gasification"),
        "pc_yard",
        "pc_trade",
        "pc_disposal",
        "pc_calcination",
        80,
        (92, 82, 98, 102, 104, 102, 100, 100, 104, 106, 106, 104),
        "精炼石油产品制造",
        "炼化",
        "refinery",
    ),
)

MATERIAL_CYCLE = (0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 0, 1, 0, 1, 0, 0, 1, 2, 0, 1)
"""Material of the firms in turn, twenty at a time: 8 phosphogypsum, 7 slag, 3 red mud, 2 coke."""

_LETTERS = {"G": Role.GENERATOR, "U": Role.USER, "T": Role.TRADER, "D": Role.LANDFILL}
ROLE_CYCLE: tuple[Role, ...] = tuple(_LETTERS[letter] for letter in "GUUGUTUGUUGUGUUGUDUG")
"""Role of the firms of one material in turn: 7 generators, 11 users, a trader, a landfill of 20."""

ROLE_NAMES: dict[Role, tuple[str, str, str]] = {
    Role.USER: ("建材", "building materials", "水泥及建材制造"),
    Role.TRADER: ("商贸", "trading", "批发"),
    Role.LANDFILL: ("填埋场", "landfill", "固体废物治理"),
}
"""Role → Chinese word, English word, industry (generators: see `Recipe`)."""
