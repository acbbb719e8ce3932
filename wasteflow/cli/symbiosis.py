"""Commands about exchanges: match, which tells realised links too."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
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
from wasteflow.cli.links import PARTS_ZH, show_links, show_plan
from wasteflow.core.messages import render

_LINKS = (
    "from",
    "to",
    "facility",
    "material",
    "route",
    "tonnes",
    "distance_km",
    "cost",
    "co2_t",
    "rate_points",
    "share_of_supply",
    "share_of_capacity",
    "filing",
)


@click.command()
@click.option("--scope", default="all", show_default=True)
@click.option("--period", default=None, help="2024, 2024H1, 2024Q3, 2024-07, …")
@click.option("--material", default="", help="物料代码 · Material code.")
@click.option("--max-km", type=float, default=None, help="最大运距 km · Farthest road distance.")
@click.option("--max-cost", default=None, help="吨净成本上限 元 · Ceiling of net cost, CNY/t.")
@click.option("--planned", is_flag=True, help="含在建拟建 · Facilities being built or planned too.")
@click.option("--max-partners", type=int, default=None, help="每家最多接收方 · Receivers a firm.")
@click.option("--min-contract", type=float, default=None, help="单笔最少 t · Smallest contract, t.")
@click.option("--from", "giver", default="", help="只问一条: 产生单位 · One pair: its producer.")
@click.option("--to", "taker", default="", help="只问一条: 接收方 · One pair: its receiver.")
@click.option("--realised", is_flag=True, help="已有链接 · Links that exist, with their cost.")
@click.option("--plan", is_flag=True, help="到目标的三条链接 · Three links that reach a target.")
@click.option("--target", default="", help="--plan 的目标代码 · Code of the target of --plan.")
@click.option("--now", is_flag=True, help="--plan 只计在用设施 · Of --plan: no facilities ahead.")
@click.option("--radius", is_flag=True, help="保本运距 · How far a tonne may go, by route.")
@click.option("--format", "shape", type=click.Choice(["table", "json", "csv"]), default="table")
@click.pass_obj
@told
def match(
    settings: Settings,
    scope: str,
    period: str | None,
    material: str,
    max_km: float | None,
    max_cost: str | None,
    planned: bool,
    max_partners: int | None,
    min_contract: float | None,
    giver: str,
    taker: str,
    realised: bool,
    plan: bool,
    target: str,
    now: bool,
    radius: bool,
    shape: str,
) -> None:
    """潜在链接 · Unmet supply against free capacity: most tonnes, then least cost.

    With --from and --to: one pair, whether it could be made, with the numbers.  With --realised:
    the links that exist.  With --radius: break-even distances.  With --plan: at most three links
    that bring the scope to a target; facilities ahead count unless --now.

    Example: wasteflow match --period 2026 --material phosphogypsum --planned
    """
    from wasteflow.core.symbiosis.allocate import Side
    from wasteflow.core.symbiosis.links import Limits
    from wasteflow.services.matching import Asked, link_verdict, match_report

    database = open_database(settings)
    _check_alone((realised, plan, radius), bool(giver), bool(taker))
    _check_plan(plan, bool(target) or now, (max_partners, min_contract) != (None, None))
    span = None if radius else period_of(period, settings) or default_period(database)
    if realised or radius or span is None:
        show_links(database, settings.lang, shape, span, scope, material)
        return
    asked = Asked(
        scope,
        material,
        planned or (plan and not now),
        Limits(max_km, _fen(max_cost)),
        Side(max_partners, None if min_contract is None else round(min_contract * 1000)),
    )
    if plan:
        return show_plan(database, settings.lang, shape, span, asked, target)
    if giver:
        report = link_verdict(db=database, period=span, giver=giver, taker=taker, asked=asked)
        heads, rows = _verdict_table(report, settings.lang)
    else:
        report = match_report(db=database, period=span, asked=asked)
        heads, rows = _match_table(report, settings.lang)
    if shape == "json":
        click.echo(json_text(report))
    elif shape == "csv":
        click.echo(csv_of(*_flat(report)), nl=False)
    else:
        click.echo(table_text(heads, rows))
        if not giver:
            click.echo(_sums(report, settings.lang))


def _check_plan(plan: bool, of_plan: bool, of_side: bool) -> None:
    """Raises UsageError for options of the plan without it, and for those it does not take."""
    if of_plan and not plan:
        raise click.UsageError("--target and --now belong to --plan: add it, or leave them out")
    if plan and of_side:
        raise click.UsageError("--plan takes neither --max-partners nor --min-contract: drop them")


def _check_alone(words: tuple[bool, bool, bool], giver: bool, taker: bool) -> None:
    """Raises UsageError for questions that cannot be asked together."""
    if sum(words) > 1 or (any(words) and (giver or taker)):
        raise click.UsageError(
            "--realised, --plan and --radius stand alone, without --from and --to"
        )
    if giver != taker:
        raise click.UsageError("--from and --to go together")


def _flat(report: dict[str, Any]) -> tuple[list[str], list[dict[str, Any]]]:
    """Columns and rows of the links, or of the verdict on one pair."""
    if "links" in report:
        return list(_LINKS), report["links"]
    rows = [
        {**row, "net": (row["per_tonne"] or {}).get("net"), "against": "; ".join(row["against"])}
        for row in report["rows"]
    ]
    columns = ["facility", "material", "route", "feasible", "distance_km", "limit_km", "net"]
    return [*columns, "against"], rows


def _fen(text: str | None) -> int | None:
    """Yuan per tonne as whole fen."""
    if text is None:
        return None
    try:
        return int((Decimal(text) * 100).to_integral_value())
    except InvalidOperation as error:
        raise click.BadParameter(text, param_hint="--max-cost") from error


def _match_table(report: dict[str, Any], lang: str) -> tuple[list[str], list[list[str]]]:
    heads = ["产生单位", "接收方", "物料", "路线", "t", "km", "元/t", "CO2 t", "率 +", "理由"]
    if lang == "en":
        heads = ["from", "to", "material", "route", "t", "km", "CNY/t", "CO2 t", "rate +", "why"]
    rows = []
    for row in report["links"]:
        points = row["rate_points"]
        rows.append(
            [
                row["from"],
                row["to"],
                row["material"],
                row["route"],
                row["tonnes"],
                str(row["distance_km"]),
                row["per_tonne"]["net"],
                row["co2_t"] or "-",
                "-" if points is None else f"{points:.2f}",
                "; ".join(render(code, lang, {}) for code in row["why"][2:]),
            ]
        )
    for row in report["unserved"]:
        cells = [row["enterprise"], "-", row["material"], "-", row["tonnes"]]
        far = row["distance_km"]
        price = row["per_tonne"]["net"] if row["per_tonne"] else "-"
        why = render(row["reason"], lang, {})
        rows.append([*cells, "-" if far is None else str(far), price, "-", "-", why])
    return heads, rows


def _verdict_table(report: dict[str, Any], lang: str) -> tuple[list[str], list[list[str]]]:
    heads = ["设施", "物料", "可行", "km", "限 km", "元/t", "理由"]
    if lang == "en":
        heads = ["facility", "material", "feasible", "km", "limit km", "CNY/t", "why"]
    yes, no = ("是", "否") if lang == "zh" else ("yes", "no")
    rows = [
        [
            row["facility"],
            row["material"],
            yes if row["feasible"] else no,
            "-" if row["distance_km"] is None else str(row["distance_km"]),
            "-" if row["limit_km"] is None else str(row["limit_km"]),
            row["per_tonne"]["net"] if row["per_tonne"] else "-",
            "; ".join(render(code, lang, {}) for code in row["against"] or row["why"]),
        ]
        for row in report["rows"]
    ]
    return heads, rows


def _sums(report: dict[str, Any], lang: str) -> str:
    total = report["total"]
    rates = [
        "-" if total[name] is None else f"{total[name] * 100:.2f} %"
        for name in ("rate_before", "rate_after")
    ]
    if lang == "en":
        text = (
            f"{total['tonnes']} t of {total['supply_t']} t placed, {total['unserved_t']} t left; "
            f"cost {total['cost']} CNY, CO2 {total['co2_t'] or '-'} t; "
            f"official rate {rates[0]} → {rates[1]}."
        )
        if total["unpriced"]:
            text += f" Not priced, counted as 0: {', '.join(total['unpriced'])}."
        return text
    text = (
        f"可消纳 {total['tonnes']} t / 待消纳 {total['supply_t']} t，余 {total['unserved_t']} t；"
        f"成本 {total['cost']} 元，CO2 {total['co2_t'] or '-'} t；"
        f"综合利用率 {rates[0]} → {rates[1]}。"
    )
    if total["unpriced"]:
        text += f" 未登记、按 0 计：{'、'.join(PARTS_ZH[part] for part in total['unpriced'])}。"
    return text
