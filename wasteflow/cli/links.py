"""What `match --realised`, `--radius` and `--plan` print; the figures come from the services."""

from __future__ import annotations

from typing import Any, Final

import click

from wasteflow.cli.common import csv_of, json_text, table_text
from wasteflow.core.messages import render
from wasteflow.core.periods import Period

_REALISED: Final = (
    "from", "to", "material", "route", "tonnes", "loads", "first", "last", "where", "distance_km",
    "freight", "co2_t", "share_of_output", "share_of_need", "need_basis", "change",
)  # fmt: skip
_RADIUS: Final = ("material", "route", "to", "answer", "road_km", "line_km", "gain", "missing")

PARTS_ZH: Final = {
    "freight": "运费", "treatment": "处理费", "gate": "接收价", "storage": "免堆存费",
}  # fmt: skip
"""Parts of a cost as they are told."""
_PLAN: Final = (
    "from", "to", "facility", "material", "route", "tonnes", "value_after", "rate_points",
    "distance_km", "cost", "co2_t", "facility_status", "needs", "facility_source",
)  # fmt: skip
_SEEN: Final = {
    "zh": ["产生单位", "接收方", "设施", "物料", "t", "到此 %", "km", "元/t", "元", "CO2 t",
           "还须办"],
    "en": ["from", "to", "facility", "material", "t", "so far %", "km", "CNY/t", "CNY", "CO2 t",
           "still to do"],
}  # fmt: skip


def show_links(
    database: Any, lang: str, shape: str, period: Period | None, scope: str, material: str
) -> None:
    """Print realised links of a period; without one the break-even distances."""
    from wasteflow.services.break_even import break_even_report
    from wasteflow.services.realised import realised_report

    columns: tuple[str, ...]
    if period is None:
        columns, report = _RADIUS, break_even_report(db=database, material=material)
    else:
        columns = _REALISED
        report = realised_report(db=database, period=period, scope=scope, material=material)
    if shape == "json":
        click.echo(json_text(report))
        return
    rows = [{**row, "missing": "; ".join(row.get("missing", ()))} for row in report["rows"]]
    if shape == "csv":
        click.echo(csv_of(list(columns), rows), nl=False)
        return
    cells = [["-" if row[name] in (None, "") else str(row[name]) for name in columns]
             for row in rows]  # fmt: skip
    click.echo(table_text(list(columns), cells))
    if period is not None:
        click.echo(_sums(report["total"], lang))


def _sums(total: dict[str, Any], lang: str) -> str:
    freight, co2 = total["freight"] or "-", total["co2_t"] or "-"
    if lang == "en":
        return (
            f"{total['links']} links, {total['tonnes']} t in {total['loads']} loads, "
            f"{total['across_t']} t across parks; freight {freight} CNY "
            f"(not computable for {total['freight_unknown_t']} t), CO2 {co2} t."
        )
    return (
        f"{total['links']} 条链接，{total['tonnes']} t、{total['loads']} 车次，"
        f"其中跨园区 {total['across_t']} t；运费 {freight} 元"
        f"（{total['freight_unknown_t']} t 算不出），CO2 {co2} t。"
    )


def show_plan(
    database: Any, lang: str, shape: str, period: Period, asked: Any, target: str
) -> None:
    """Print at most three links that bring a scope to a target, or why there are none."""
    from wasteflow.services.link_plan import NEEDS, plan_report

    report = plan_report(db=database, period=period, asked=asked, target=target)
    if shape == "json":
        click.echo(json_text(report))
        return
    plan = report["plan"]
    links = [
        {**row, "needs": "; ".join(render(code, lang, {}) for code in row["why"] if code in NEEDS)}
        for row in (plan["links"] if plan else ())
    ]
    if shape == "csv":
        click.echo(csv_of(list(_PLAN), links), nl=False)
        return
    if links:
        click.echo(table_text(_SEEN[lang], [_plan_cells(row) for row in links]))
    click.echo(_plan_words(report, plan, lang) if plan else render(report["why"], lang, {}))


def _plan_cells(row: dict[str, Any]) -> list[str]:
    names = ("from", "to", "facility", "material", "tonnes")
    return [
        *(row[name] for name in names),
        f"{row['value_after'] * 100:.2f}",
        str(row["distance_km"]),
        row["per_tonne"]["net"],
        row["cost"],
        row["co2_t"] or "-",
        row["needs"] or "-",
    ]


def _plan_words(report: dict[str, Any], plan: dict[str, Any], lang: str) -> str:
    """The plan in a sentence or two, and which facilities were counted."""
    target, cost = report["target"]["code"], plan["cost"] or "0"
    goal, before, after = (f"{plan[name] * 100:.2f} %" for name in ("goal", "before", "after"))
    if lang == "en":
        counted = "also those being built or planned" if report["planned"] else "in operation only"
        text = (
            f"Target {target}, goal {goal}: {before} → {after} with {plan['tonnes']} t of the "
            f"{plan['gap_t']} t missing, {plan['left_t']} t left; net cost {cost} CNY, "
            f"CO2 {plan['co2_t'] or '-'} t. Facilities counted: {counted}."
        )
        missing = f" Not priced, counted as 0: {', '.join(plan['unpriced'])}."
    else:
        counted = "含在建、拟建" if report["planned"] else "只计在用"
        text = (
            f"目标 {target}（{goal}）：{before} → {after}，"
            f"用 {plan['tonnes']} t 补 {plan['gap_t']} t 的差额，还差 {plan['left_t']} t；"
            f"净成本 {cost} 元，CO2 {plan['co2_t'] or '-'} t。设施：{counted}。"
        )
        missing = f" 未登记、按 0 计：{'、'.join(PARTS_ZH[part] for part in plan['unpriced'])}。"
    return text + missing if plan["unpriced"] else text
