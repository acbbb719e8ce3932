"""Commands on provenance: trace, loops, gap."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from wasteflow.cli.common import (
    Settings,
    csv_of,
    default_period,
    json_text,
    open_database,
    period_of,
    table_text,
    told,
)

TRACE = (
    "origin",
    "generator",
    "year_generated",
    "place",
    "enterprise",
    "what",
    "route",
    "tonnes",
    "share",
)
LOOPS = (
    "material",
    "gross_t",
    "first_t",
    "repeat_t",
    "returned_home_t",
    "counted_more_than_once_t",
)
GAP = (
    "enterprise",
    "material",
    "declared_t",
    "verified_t",
    "gap_t",
    "declared_then_reshipped_t",
    "declared_then_disposed_t",
)
LINKS = ("from", "to", "material", "accepted_for_use_t", "used_at_receiver_t", "gap_of_link_t")
FATE_WORDS = {
    "utilised": "利用",
    "disposed": "处置",
    "dumped": "倾倒",
    "lost": "灭失",
    "outside": "系统外",
    "weighing_difference": "称量差",
    "stocktake_loss": "盘亏",
    "settled": "抵负库存",
    "stock": "库存",
    "shipped": "发出",
}
"""What became of traced mass → the word in a Chinese table."""
_PERIOD = click.option("--period", default=None, help="2024, 2024H1, 2024Q3, 2024-07, …")
_FORMAT = click.option(
    "--format", "shape", type=click.Choice(["table", "json", "csv"]), default="table"
)


def _for_programs(report: dict[str, Any], key: str, columns: Sequence[str], shape: str) -> None:
    """A report as JSON, or its list `key` as CSV under the names of the JSON."""
    if shape == "json":
        click.echo(json_text(report))
    else:
        click.echo(csv_of(list(columns), report[key]), nl=False)


@click.command()
@click.option("--enterprise", required=True, help="企业代码 · Enterprise.")
@click.option("--material", required=True, help="物料代码 · Material.")
@_PERIOD
@click.option("--direction", type=click.Choice(["downstream", "upstream"]), default="downstream")
@_FORMAT
@click.pass_obj
@told
def trace(
    settings: Settings,
    enterprise: str,
    material: str,
    period: str | None,
    direction: str,
    shape: str,
) -> None:
    """溯源 · Whose waste ended where, or where a firm's came from (under the mixing rule).

    Example: wasteflow trace --enterprise ent.tianan --material phosphogypsum --period 2026
    """
    from wasteflow.services.provenance import trace_report

    database = open_database(settings)
    report = trace_report(
        db=database,
        enterprise=enterprise,
        material=material,
        period=period_of(period, settings) or default_period(database),
        direction=direction,
    )
    if shape != "table":
        _for_programs(report, "rows", TRACE, shape)
        return
    zh = settings.lang == "zh"
    heads = ["来源", "产生年", "去处", "结果", "去向", "吨", "占比"]
    if not zh:
        heads = ["origin", "year", "place", "fate", "route", "tonnes", "share"]
    rows = [
        [
            row["origin"],
            str(row["year_generated"] or "?"),
            row["place"],
            FATE_WORDS.get(row["what"], row["what"]) if zh else row["what"].replace("_", " "),
            row["route"] or "",
            row["tonnes"],
            f"{row['share'] * 100:.2f} %",
        ]
        for row in report["rows"]
    ]
    click.echo(table_text(heads, rows))
    settings.say(
        f"合计 {report['total_t']} 吨，按混合规则推算。",
        f"Total {report['total_t']} t, under the mixing rule.",
    )


@click.command()
@_PERIOD
@click.option("--material", default="", help="物料代码 · Material.")
@_FORMAT
@click.pass_obj
@told
def loops(settings: Settings, period: str | None, material: str, shape: str) -> None:
    """环流与转卖 · Loops and resale: tonnes that would be counted more than once.

    Example: wasteflow loops --period 2026 --material steel_slag
    """
    from wasteflow.services.provenance import loops_report

    database = open_database(settings)
    report = loops_report(
        db=database,
        period=period_of(period, settings) or default_period(database),
        material=material,
    )
    if shape != "table":
        _for_programs(report, "materials", LOOPS, shape)
        return
    heads = ["物料", "运量 t", "首次 t", "重复 t", "回流 t", "多计 t"]
    if settings.lang == "en":
        heads = ["material", "gross t", "first t", "repeat t", "returned home t", "over-counted t"]
    rows = [[item[name] for name in LOOPS] for item in report["materials"]]
    click.echo(table_text(heads, rows))
    for item in report["materials"]:
        for loop in item["loops"]:
            members = " ↔ ".join(loop["members"])
            settings.say(
                f"{item['material']}: {members}；运量 {loop['gross_t']} 吨，重复 "
                f"{loop['repeat_t']} 吨，可对冲 {loop['nettable_t']} 吨",
                f"{item['material']}: {members}; gross {loop['gross_t']} t, repeat "
                f"{loop['repeat_t']} t, nettable {loop['nettable_t']} t",
            )


@click.command()
@_PERIOD
@click.option("--scope", default="all", show_default=True)
@click.option("--material", default="", help="物料代码 · Material.")
@_FORMAT
@click.pass_obj
@told
def gap(settings: Settings, period: str | None, scope: str, material: str, shape: str) -> None:
    """申报与核实之差 · Paper reuse: declared against verified utilisation per firm and link.

    Example: wasteflow gap --period 2026 --material phosphogypsum
    """
    from wasteflow.services.provenance import gap_report

    database = open_database(settings)
    report = gap_report(
        db=database,
        period=period_of(period, settings) or default_period(database),
        scope=scope,
        material=material,
    )
    if shape != "table":
        _for_programs(report, "firms", GAP, shape)
        return
    click.echo(table_text(*gap_table(report["firms"], settings.lang)))
    if report["receivers"]:
        settings.say(
            "\n按运输关系：接收用于利用，与收货单位实际利用",
            "\nLink by link: accepted for a use, and what the receiver used",
        )
        click.echo(table_text(*link_table(report["receivers"], settings.lang)))


def gap_table(firms: list[dict[str, Any]], lang: str) -> tuple[list[str], list[list[str]]]:
    """Columns and cells of the firms of a gap report, the widest gap first."""
    from wasteflow.core.units import kg_from_tonnes

    heads = ["企业", "物料", "申报 t", "核实 t", "差 t", "申报后转运 t", "申报后处置 t"]
    if lang == "en":
        heads = [
            "enterprise",
            "material",
            "declared t",
            "verified t",
            "gap t",
            "reshipped t",
            "disposed t",
        ]
    ordered = sorted(firms, key=lambda row: (-kg_from_tonnes(row["gap_t"]), row["enterprise"]))
    return heads, [[row[name] for name in GAP] for row in ordered]


def link_table(links: list[dict[str, str]], lang: str) -> tuple[list[str], list[list[str]]]:
    """Columns and cells of the links of a gap report, the widest gap first."""
    from wasteflow.core.units import kg_from_tonnes

    heads = ["发货单位", "收货单位", "物料", "接收用于利用 t", "收货单位利用 t", "该关系之差 t"]
    if lang == "en":
        heads = ["from", "to", "material", "accepted for use t", "used there t", "gap of link t"]
    ordered = sorted(links, key=lambda row: (-kg_from_tonnes(row["gap_of_link_t"]), row["from"]))
    return heads, [[row[name] for name in LINKS] for row in ordered]
