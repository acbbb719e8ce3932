"""Commands of the planner: targets, quota (以用定产), crosscheck."""

from __future__ import annotations

from typing import Any

import click

from wasteflow.cli.common import (
    Settings,
    as_of_option,
    csv_of,
    default_period,
    json_text,
    month_of,
    open_database,
    period_of,
    say_reported,
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


@click.command()
@_PERIOD
@as_of_option
@_FORMAT
@click.pass_obj
@told
def targets(settings: Settings, period: str | None, as_of: str, shape: str) -> None:
    """目标状态 · Status of every target: year to date, projection, gap, pace.

    Example: wasteflow targets --period 2026-09
    """
    from wasteflow.services.target_status import targets_report

    report = targets_report(
        db=open_database(settings),
        period=period_of(period, settings),
        reported_to=month_of(as_of),
    )
    if shape != "table":
        click.echo(_for_programs(report, _target_columns(), shape), nl=shape == "json")
        return
    say_reported(report, settings)
    click.echo(table_text(*target_table(report["rows"], settings.lang)))


def target_table(targets: list[dict[str, Any]], lang: str) -> tuple[list[str], list[list[str]]]:
    """Columns and cells of the rows of a targets report."""
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
    if lang == "en":
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
    return heads, [_target_cells(row, lang) for row in targets]


def _for_programs(report: dict[str, Any], columns: list[str], shape: str) -> str:
    """A report as JSON, or its rows as CSV under the names of the JSON."""
    return json_text(report) if shape == "json" else csv_of(columns, report["rows"])


def _target_columns() -> list[str]:
    from wasteflow.core.registry import Target
    from wasteflow.core.targets import Verdict, target_row

    return list(target_row(Verdict(Target("", "all", (), "official"), "")))


def _target_cells(row: dict[str, Any], lang: str) -> list[str]:
    status = row["status"] or ("reference_line" if row["reference_line"] else "-")
    word = STATUS.get(status, status) if lang == "zh" else status.replace("_", " ")
    if row["red"]:
        word += " ●红" if lang == "zh" else " RED"
    goal = f"{row['operator'] or ''} {_value(row['target'])}".strip()
    if row["milestone"] is not None:
        goal += f" ({row['measured'][:4]}: {_value(row['milestone'])})"
    reasons = [row["reason"] or "", *row["notes"]]
    return [
        row["code"],
        row["scope"],
        row["metric"],
        str(row["year"] or ""),
        goal,
        _value(row["actual"]),
        _value(row["verified_actual"]),
        _value(row["projected"]),
        word,
        row["gap_t"] or "",
        row["needed_pace_t_per_month"] or "",
        "; ".join(render(reason, lang, {}) for reason in reasons if reason),
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
    if shape != "table":
        click.echo(_for_programs(report, _quota_columns(), shape), nl=shape == "json")
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
        notes = [*row["findings"], *([row["not_computable"]] if row["not_computable"] else [])]
        words = "; ".join(render(note, settings.lang, row) for note in notes)
        rows.append(
            [*(row[name] or "-" for name in names), _span(acid["low"], acid["high"]), words]
        )
    click.echo(table_text(heads, rows))


def _quota_columns() -> list[str]:
    from wasteflow.core.consumption import consumption, consumption_row
    from wasteflow.core.formulas import Terms

    return list(consumption_row(consumption("", "", "", Terms())))


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
    if shape != "table":
        click.echo(_for_programs(report, _crosscheck_columns(), shape), nl=shape == "json")
        return
    heads = ["企业", "物料", "产量 t", "产生(湿) t", "折干 t", "应产生 t", "结论"]
    if settings.lang == "en":
        heads = [
            "enterprise",
            "material",
            "output t",
            "generated (wet) t",
            "dry t",
            "expected t",
            "result",
        ]
    rows = [_crosscheck_cells(row, settings.lang) for row in report["rows"]]
    click.echo(table_text(heads, rows))


def _crosscheck_columns() -> list[str]:
    from wasteflow.core.crosscheck import Crosscheck, crosscheck_row

    return list(crosscheck_row(Crosscheck("", "", 0)))


def _crosscheck_cells(row: dict[str, Any], lang: str) -> list[str]:
    expected, dry = row["expected_t"], row["generated_dry_t"]
    codes = [code for code in (row["finding"], row["reason"], *row["notes"]) if code]
    fits = "在区间内" if lang == "zh" else "in range"
    return [
        row["enterprise"],
        row["material"],
        " ".join(f"{name} {tonnes}" for name, tonnes in row["output_t"].items()) or "-",
        row["generated_t"],
        _span(*dry) if dry else "-",
        _span(expected["low"], expected["high"]),
        "; ".join(render(code, lang, {}) for code in codes) or fits,
    ]


def _span(low: str | None, high: str | None) -> str:
    if low is None and high is None:
        return "-"
    return low if low == high and low else f"{low or '?'}–{high or '?'}"
