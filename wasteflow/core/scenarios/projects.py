"""The projects of the source documents as ready-made blocks, each with its evidence; data only.

Capacities are those written (10^4 t/a).  `evidence` quotes the document; `doubt` says what it does
not state.  Tags: [S] in a source document, [V] read in a record, [D] inferred by us.  Sources and
codes are those of seed_data/facilities.csv.
"""

from __future__ import annotations

from typing import Any, Final

from msgspec import Struct

from wasteflow.core.registry import Registry
from wasteflow.core.units import tonnes_text

T: Final = 1000
S0: Final = "S0 昆发改资环函〔2022〕43号 [S]"
S2: Final = "S2 安宁市工业绿色发展规划2023-2025 [S]"


class Project(Struct, frozen=True):
    """A project: code of its facility, names, what it takes, kilograms a year, whence it is
    known."""

    code: str
    name_zh: str
    name_en: str
    material: str
    routes: tuple[str, ...]
    capacity_kg: int
    enterprise: str
    park: str
    source: str
    evidence: str
    doubt_zh: str
    doubt_en: str


PROJECTS: Final = (
    Project(
        "fac.yth.pg90",
        "90万t/a 磷石膏综合利用示范项目",
        "900,000 t/a phosphogypsum utilisation, Anning",
        "phosphogypsum",
        ("pg_building_gypsum",),
        900_000 * T,
        "ent.yth",
        "park.anning.pg",
        "竣工环保验收公示 安生环复〔2024〕3号 [V]; " + S2,
        "项目名称90万t/a，一期建成建筑石膏粉36万t/a + 抹灰石膏15万t/a，2023-12竣工",
        "90 为项目名称所写；一期产品合计 51 万 t/a，后续各期是否建成未查明",
        "90 stands in the project's name; phase one makes 510,000 t/a of products, later phases "
        "are not established",
    ),
    Project(
        "prj.pg100",
        "安宁 100万t/a 磷石膏建材综合利用",
        "1,000,000 t/a phosphogypsum building materials, Anning",
        "phosphogypsum",
        ("pg_building_gypsum",),
        1_000_000 * T,
        "",
        "park.anning",
        S2,
        "加快推进100万吨/年磷石膏建材综合利用……项目谋划建设",
        "业主、位置未写；“建材”归入建筑石膏制品路线系推定 [D]",
        "owner and site are not named; the route is inferred from “building materials” [D]",
    ),
    Project(
        "prj.pg20",
        "安宁 20万吨 磷石膏抹灰瓷砖粘贴砂浆",
        "200,000 t phosphogypsum plaster and tile mortar, Anning",
        "phosphogypsum",
        ("pg_building_gypsum",),
        200_000 * T,
        "",
        "park.anning",
        S2,
        "加快推进……20万吨磷石膏抹灰瓷砖粘贴砂浆等……示范项目谋划建设",
        "20 万吨为产品量，按年能力理解 [D]；业主未写",
        "200,000 t is product, read as a yearly capacity [D]; the owner is not named",
    ),
    Project(
        "fac.yunlong.pg_retarder",
        "中化云龙 30万t/a 粒状水泥缓凝剂",
        "300,000 t/a granular cement retarder, Yunlong",
        "phosphogypsum",
        ("pg_cement_retarder",),
        300_000 * T,
        "ent.yunlong",
        "",
        S0,
        "中化云龙有限公司综合利用磷石膏制 30 万吨/年粒状水泥缓凝剂项目（申报2022年中央预算内资金）",
        "30 万 t/a 为产品量，磷石膏投入量不低于此；是否建成未查明",
        "300,000 t/a is product, it takes at least as much phosphogypsum; not known to be built",
    ),
    Project(
        "fac.jilin.pg130",
        "吉麟环保 一年处置130万吨大宗磷石膏",
        "1,300,000 t/a bulk phosphogypsum, Jilin",
        "phosphogypsum",
        (),
        1_300_000 * T,
        "ent.jilin",
        "",
        S0,
        "云南吉麟环保科技有限公司一年处置 130 万吨大宗磷石膏综合利用项目"
        "（申报2022年中央预算内资金）",
        "名称混用“处置”与“综合利用”，路线未写；这里按利用计，是否建成未查明",
        "the title mixes disposal and utilisation and names no route; taken as use here, not known "
        "to be built",
    ),
    Project(
        "prj.slag45",
        "安宁 45万吨 钢渣综合利用",
        "450,000 t steel slag utilisation, Anning",
        "steel_slag",
        (),
        450_000 * T,
        "",
        "park.anning",
        S2,
        "加快推进45万吨钢渣综合利用……等项目建设",
        "业主与路线未写，按年能力理解 [D]",
        "owner and route are not named, read as a yearly capacity [D]",
    ),
    Project(
        "fac.longkun.ss_powder",
        "龙坤工贸 120万吨 钢渣制水泥掺和剂",
        "1,200,000 t steel slag cement additive, Longkun",
        "steel_slag",
        ("ss_slag_powder",),
        1_200_000 * T,
        "ent.longkun",
        "park.anning",
        S2,
        "加快推进……龙坤工贸120万吨钢渣制水泥掺和剂等项目建设",
        "按年能力理解；归入钢渣粉路线系推定 [D]",
        "read as a yearly capacity; the route is inferred [D]",
    ),
)
"""The projects in the order of the issue: 90, 100, 20, 30, 130, 45, 120."""


def project_block(project: Project, registry: Registry) -> dict[str, Any] | None:
    """A project as a block that fits the registry; None where its material or place is unknown.

    Of a registered facility the firm, park and routes are taken as registered.
    """
    if project.material not in registry.materials:
        return None
    known = registry.facilities.get(project.code)
    firm = known.enterprise if known else project.enterprise
    park = known.park if known else project.park
    routes = sorted(known.routes) if known else list(project.routes)
    block = {
        "kind": "add",
        "code": project.code,
        "name": project.name_zh,
        "enterprise": firm if firm in registry.enterprises else "",
        "park": park if park in registry.parks else "",
        "materials": [project.material],
        "routes": [code for code in routes if code in registry.routes],
        "capacity_t": tonnes_text(project.capacity_kg),
        "source": f"{project.source}: “{project.evidence}”；{project.doubt_zh}",
    }
    if not block["enterprise"] and not block["park"]:
        return None
    return {name: value for name, value in block.items() if value not in ("", [])}
