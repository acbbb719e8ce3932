"""Command of dependence: `dependence`."""

from __future__ import annotations

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
from wasteflow.core.formulas import FORMULAS

_COLUMNS = (
    "receiver",
    "producers",
    "tonnes",
    "share",
    "rate_without",
    "points_lost",
    "rerouted_t",
    "stranded_t",
    "points_lost_rerouted",
)


@click.command()
@click.option("--scope", default="all", show_default=True)
@click.option("--period", default=None, help="2024, 2024H1, 2024Q3, 2024-07, …")
@click.option("--material", default="")
@click.option("--formula", type=click.Choice(list(FORMULAS)), default="official")
@click.option(
    "--reroute", type=int, default=20, show_default=True, help="改投最大的几家 · Largest."
)
@click.option("--receiver", default="", help="另加这一家改投 · Re-route this one too.")
@click.option("--format", "shape", type=click.Choice(["table", "json", "csv"]), default="table")
@click.pass_obj
@told
def dependence(
    settings: Settings,
    scope: str,
    period: str | None,
    material: str,
    formula: str,
    reroute: int,
    receiver: str,
    shape: str,
) -> None:
    """依存 · N-1: points of the rate lost if a receiver closes, with and without re-routing.

    Example: wasteflow dependence --period 2026 --material phosphogypsum
    """
    from wasteflow.services.dependence import dependence_report

    database = open_database(settings)
    report = dependence_report(
        db=database,
        scope=scope,
        period=period_of(period, settings) or default_period(database),
        material=material,
        formula=formula,
        reroute=reroute,
        receiver=receiver,
    )
    if shape == "json":
        click.echo(json_text(report))
    elif shape == "csv":
        click.echo(csv_of(list(_COLUMNS), report["rows"]), nl=False)
    else:
        click.echo(table_text(*_table(report, settings.lang)))
        settings.say(*_sums(report))


def _table(report: dict[str, Any], lang: str) -> tuple[list[str], list[list[str]]]:
    heads = ["接收方", "产生单位数", "t", "占比 %", "失去 百分点", "改投 t", "滞留 t", "改投后失去"]
    if lang == "en":
        heads = ["receiver", "producers", "t", "share %", "points lost", "rerouted t", "stranded t"]
        heads.append("points after rerouting")
    rows = [
        [
            row["receiver"],
            str(row["producers"]),
            row["tonnes"],
            _figure(row["share"], 100),
            _figure(row["points_lost"]),
            row["rerouted_t"] or "-",
            row["stranded_t"] or "-",
            _figure(row["points_lost_rerouted"]),
        ]
        for row in report["rows"]
    ]
    return heads, rows


def _figure(value: float | None, times: int = 1) -> str:
    return "-" if value is None else f"{value * times:.2f}"


def _sums(report: dict[str, Any]) -> tuple[str, str]:
    rate = "-" if report["rate"] is None else f"{report['rate'] * 100:.2f} %"
    single = sum(row["only_receiver"] for row in report["producers"])
    hhi = _figure(report["concentration"]["hhi"])
    hinges = len(report["articulation"])
    return (
        f"{report['formula']} {rate}；接收方 {report['receivers']} 家，HHI {hhi}；"
        f"只有一家接收方的产生单位 {single} 家；割点 {hinges} 个，桥 {len(report['bridges'])} 条。",
        f"{report['formula']} {rate}; {report['receivers']} receivers, HHI {hhi}; {single} "
        f"producers with a single receiver; {hinges} articulation points, "
        f"{len(report['bridges'])} bridges.",
    )
