"""Commands of the planner: targets, quota (以用定产), crosscheck."""

from __future__ import annotations

from typing import Any

import click

from wasteflow.cli.common import (
    Settings,
    default_period,
    json_text,
    open_database,
    period_of,
    table_text,
    told,
)
from wasteflow.core.messages import render

_PERIOD = click.option("--period", default=None, help="2024, 2024H1, 2024Q3, 2024-07, …")
_SCOPE = click.option("--scope", default="all", show_default=True)
_FORMAT = click.option(
    "--format", "shape", type=click.Choice(["table", "json", "csv"]), default="table"
)
STATUS = {
    "met": "达标",
    "on_course": "可达",
    "at_risk": "有风险",
    "behind": "落后",
    "reference_line": "参考线",
}


def _show(settings: Settings, shape: str, columns: list[str], rows: list[list[str]]) -> None:
    if shape == "csv":
        from wasteflow.exporting.tables import csv_text

        click.echo(csv_text(columns, rows), nl=False)
    else:
        click.echo(table_text(columns, rows))


@click.command()
@_PERIOD
@_FORMAT
@click.pass_obj
@told
def targets(settings: Settings, period: str | None, shape: str) -> None:
    """目标状态 · Status of every target: year to date, projection, gap, pace.

    Example: wasteflow targets --period 2026-09
    """
    from wasteflow.services.target_status import targets_report

    report = targets_report(db=open_database(settings), period=period_of(period, settings))
    if shape == "json":
        click.echo(json_text(report))
        return
    heads = [
        "目标",
        "范围",
        "指标",
        "年",
        "目标值",
        "本年累计",
        "核实",
        "预计全年",
        "状态",
        "差 t",
        "每月需 t",
        "说明",
    ]
    if settings.lang == "en":
        heads = [
            "target",
            "scope",
            "metric",
            "year",
            "goal",
            "to date",
            "verified",
            "projected",
            "status",
            "gap t",
            "pace t/month",
            "note",
        ]
    _show(settings, shape, heads, [_target_cells(row, settings.lang) for row in report["rows"]])


def _target_cells(row: dict[str, Any], lang: str) -> list[str]:
    status = row["status"] or ("reference_line" if row["reference_line"] else "-")
    word = STATUS.get(status, status) if lang == "zh" else status.replace("_", " ")
    if row["red"]:
        word += " ●红" if lang == "zh" else " RED"
    metric = row["metric"]
    return [
        row["code"],
        row["scope"],
        metric,
        str(row["year"] or ""),
        f"{row['operator'] or ''} {_value(row['target'])}".strip(),
        _value(row["actual"]),
        _value(row["verified_actual"]),
        _value(row["projected"]),
        word,
        row["gap_t"] or "",
        row["needed_pace_t_per_month"] or "",
        render(row["reason"], lang, {}) if row["reason"] else "",
    ]


def _value(value: Any) -> str:
    """A rate as a percentage, an amount in tonnes."""
    if value is None:
        return "-"
    return f"{value * 100:.2f} %" if isinstance(value, int | float) else f"{value} t"


@click.command()
@_SCOPE
@_PERIOD
@click.option("--basis", type=click.Choice(["declared", "verified"]), default="declared")
@_FORMAT
@click.pass_obj
@told
def quota(settings: Settings, scope: str, period: str | None, basis: str, shape: str) -> None:
    """以用定产 · Phosphogypsum consumed against generated; what may be generated next.

    Example: wasteflow quota --period 2026H1
    """
    from wasteflow.services.target_status import consumption_report

    database = open_database(settings)
    report = consumption_report(
        db=database,
        scope=scope,
        period=period_of(period, settings) or default_period(database),
        basis=basis,
    )
    if shape == "json":
        click.echo(json_text(report))
        return
    names = ["enterprise", "generated_t", "consumed_t", "net_new_stock_t", "allowed_generation_t"]
    heads = ["企业", "产生 t", "消纳(利用) t", "新增堆存 t", "下期可产 t", "折酸(P2O5) t", "说明"]
    if settings.lang == "en":
        heads = [
            "enterprise",
            "generated t",
            "consumed t",
            "net new stock t",
            "allowed next t",
            "acid (P2O5) t",
            "note",
        ]
    rows = []
    for row in report["rows"]:
        acid = row["acid_equivalent_t"]
        span = f"{acid['low']}–{acid['high']}" if acid["low"] and acid["high"] else "-"
        notes = [*row["findings"], *([row["reason"]] if row.get("reason") else [])]
        words = "; ".join(render(note, settings.lang, row) for note in notes)
        rows.append([*(row[name] or "-" for name in names), span, words])
    _show(settings, shape, heads, rows)


@click.command()
@_SCOPE
@_PERIOD
@click.option("--material", default="", help="物料代码 · Material code.")
@_FORMAT
@click.pass_obj
@told
def crosscheck(
    settings: Settings, scope: str, period: str | None, material: str, shape: str
) -> None:
    """产污核对 · Generation against product output; a finding, never a block.

    Example: wasteflow crosscheck --period 2026
    """
    from wasteflow.services.products import crosscheck_report

    database = open_database(settings)
    report = crosscheck_report(
        db=database,
        scope=scope,
        period=period_of(period, settings) or default_period(database),
        material=material,
    )
    if shape == "json":
        click.echo(json_text(report))
        return
    columns = list(report["rows"][0]) if report["rows"] else ["enterprise", "material"]
    rows = [[_plain(row[name]) for name in columns] for row in report["rows"]]
    _show(settings, shape, columns, rows)


def _plain(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, list | tuple):
        return "; ".join(_plain(item) for item in value)
    if isinstance(value, dict):
        return " ".join(f"{key}={_plain(item)}" for key, item in value.items())
    return str(value)
