"""The command that closes months, opens them again, and lists what is closed."""

from __future__ import annotations

from typing import Any

import click

from wasteflow.cli.common import (
    Settings,
    csv_of,
    json_text,
    now,
    open_database,
    table_text,
    told,
)
from wasteflow.core.messages import CHINESE_WORDS, render
from wasteflow.core.periods import month_from_text
from wasteflow.core.units import tonnes_text

SHOWN_WARNINGS = 40
_COLUMNS = (
    "kind", "organisation", "month", "take", "through", "by_park", "closed_at", "closed_by",
    "reason", "reopened_at", "reopened_by", "reopened_reason", "digest",
)  # fmt: skip


@click.command()
@click.option("--park", default="", help="园区代码 · Park: closes for all its firms.")
@click.option("--enterprise", default="", help="企业代码 · Enterprise.")
@click.option("--month", default="", help="2026-07")
@click.option("--reopen", is_flag=True, help="重新打开 · Open the month again, the last first.")
@click.option("--reason", default="", help="原因 · Why (needed to reopen).")
@click.option("--list", "listed", is_flag=True, help="列出已结账月份 · List what is closed.")
@click.option("--history", is_flag=True, help="含重新打开过的 · With --list: reopened ones too.")
@click.option("--figures", is_flag=True, help="含存下的数字 · With --list: what was stored (JSON).")
@click.option("--format", "shape", type=click.Choice(["table", "json", "csv"]), default="table")
@click.pass_obj
@told
def close(
    settings: Settings,
    park: str,
    enterprise: str,
    month: str,
    reopen: bool,
    reason: str,
    listed: bool,
    history: bool,
    figures: bool,
    shape: str,
) -> None:
    """月度结账 · Close a month with every earlier open one; reopen it; list what is closed.

    Later records of a closed month keep their month and are booked in the first open one; what
    was reported is shown by --as-of.

    Example: wasteflow close --park park.anning --month 2026-07
    """
    if listed:
        _list(settings, park, enterprise, month, history, figures, shape)
        return
    from wasteflow.services.closing import close_month, reopen_month

    asked: dict[str, Any] = {"park": park, "enterprise": enterprise, "reason": reason}
    asked |= {"month": month_from_text(month), "now": now(), "db": open_database(settings)}
    done = reopen_month(**asked) if reopen else close_month(**asked)
    if shape == "json":
        click.echo(json_text(done))
    elif shape == "csv":
        click.echo(csv_of(list(done), [done]), nl=False)
    elif reopen:
        settings.say(
            f"已重新打开 {done['organisation']} 的 {done['month']}"
            f"（{len(done['firms'])} 家企业）。",
            f"Reopened {done['month']} of {done['organisation']} ({len(done['firms'])} firms).",
        )
    else:
        _tell_closed(settings, done)


def _tell_closed(settings: Settings, done: dict[str, Any]) -> None:
    months = ", ".join(done["closed"])
    settings.say(
        f"{done['organisation']} 已结账：{months}（{len(done['firms'])} 家企业）。",
        f"{done['organisation']} closed {months} ({len(done['firms'])} firms).",
    )
    warnings = done["warnings"]
    for item in warnings[:SHOWN_WARNINGS]:
        click.echo(f"· {warning_text(item, settings.lang)}")
    rest = len(warnings) - SHOWN_WARNINGS
    if rest > 0:
        settings.say(f"… 另有 {rest} 条提示", f"… and {rest} more warnings")


def warning_text(item: dict[str, Any], lang: str) -> str:
    """A warning of a close in words."""
    compartment = str(item.get("compartment", ""))
    if lang == "zh":
        compartment = CHINESE_WORDS["compartment"].get(compartment, compartment)
    numbers = item.get("records", [])
    cut = "…" if item.get("count", 0) > len(numbers) else ""
    return render(
        item["code"],
        lang,
        {
            **item,
            "compartment": compartment,
            "records": ", ".join(numbers) + cut,
            "residual": tonnes_text(item.get("residual_kg", 0)),
            "closing": tonnes_text(item.get("closing_kg", 0)),
        },
    )


def _list(
    settings: Settings,
    park: str,
    enterprise: str,
    month: str,
    history: bool,
    figures: bool,
    shape: str,
) -> None:
    from wasteflow.services.close_rows import list_closes

    rows = list_closes(
        db=open_database(settings),
        park=park,
        enterprise=enterprise,
        month=month_from_text(month) if month else 0,
        history=history,
        figures=figures,
    )
    if shape == "json":
        click.echo(json_text(rows))
        return
    if shape == "csv":
        columns = [*_COLUMNS, "figures"] if figures else list(_COLUMNS)
        click.echo(csv_of(columns, rows), nl=False)
        return
    heads = ["类别", "单位", "月份", "结账时间", "结账人", "由园区", "重新打开", "原因"]
    if settings.lang == "en":
        heads = ["kind", "organisation", "month", "closed", "by", "park", "reopened", "reason"]
    click.echo(table_text(heads, [_cells(row, settings.lang) for row in rows]))


def _cells(row: dict[str, Any], lang: str) -> list[str]:
    kind = CHINESE_WORDS["what"][row["kind"]] if lang == "zh" else row["kind"]
    yes = "是" if lang == "zh" else "yes"
    return [
        kind,
        row["organisation"],
        row["month"],
        row["closed_at"][:16],
        row["closed_by"] or "-",
        yes if row["by_park"] else "",
        (row["reopened_at"] or "")[:16],
        row["reopened_reason"] or row["reason"],
    ]
