"""Commands that open a figure: the postings behind a term, the records behind a posting."""

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

POSTINGS = (
    "month",
    "source",
    "target",
    "material",
    "route",
    "evidence",
    "posting_t",
    "part_t",
)
PLACES = ("place", "material", "part_t")
LOADS = (
    "doc_no",
    "consignor",
    "consignee",
    "dispatched_on",
    "received_on",
    "loads",
    "accepted_t",
    "tonnes",
)
ENTRIES = ("doc_no", "enterprise", "kind", "date", "tonnes")
_WORDS = {
    "month": "月份",
    "source": "自",
    "target": "至",
    "material": "物料",
    "route": "去向",
    "evidence": "证据",
    "posting_t": "过账 t",
    "part_t": "其中 t",
    "place": "所在",
    "doc_no": "单号",
    "consignor": "发货单位",
    "consignee": "收货单位",
    "dispatched_on": "发出",
    "received_on": "收到",
    "loads": "车次",
    "accepted_t": "验收 t",
    "tonnes": "计入 t",
    "enterprise": "企业",
    "kind": "类别",
    "date": "日期",
}
"""Column → its head in a Chinese table."""
_FORMAT = click.option(
    "--format", "shape", type=click.Choice(["table", "json", "csv"]), default="table"
)


def _show(settings: Settings, report: dict[str, Any], columns: tuple[str, ...], shape: str) -> None:
    """The rows as JSON, CSV or a table."""
    if shape == "json":
        click.echo(json_text(report))
    elif shape == "csv":
        click.echo(csv_of(list(columns), report["rows"]), nl=False)
    else:
        zh = settings.lang == "zh"
        heads = [_WORDS[name] if zh else name.replace("_", " ") for name in columns]
        cells = [[_said(row.get(name)) for name in columns] for row in report["rows"]]
        click.echo(table_text(heads, cells))


def _said(value: Any) -> str:
    return "" if value is None else str(value)


@click.command()
@click.option("--enterprise", required=True, help="企业代码 · Enterprise.")
@click.option("--material", default="", help="物料代码 · Material code.")
@click.option("--period", default=None, help="2024, 2024H1, 2024Q3, 2024-07, …")
@click.option(
    "--basis",
    type=click.Choice(["declared", "verified", "territorial"]),
    default="declared",
    show_default=True,
)
@click.option("--term", default="utilised", show_default=True, help="generated utilised stored …")
@click.option("--at", default="", help="存于何处 · A place of stored or settled, as listed.")
@click.option("--include-products", is_flag=True, help="含产品 · Petroleum coke too.")
@_FORMAT
@click.pass_obj
@told
def postings(
    settings: Settings,
    enterprise: str,
    material: str,
    period: str | None,
    basis: str,
    term: str,
    at: str,
    include_products: bool,
    shape: str,
) -> None:
    """过账 · The postings behind a term of a firm's rate, and how much of each was its mass.

    Example: wasteflow postings --enterprise ent.tianan --material phosphogypsum --term utilised
    """
    from wasteflow.services.drill import AT_PLACES, term_report
    from wasteflow.services.drill_places import place_report

    database = open_database(settings)
    options: dict[str, Any] = {
        "enterprise": enterprise,
        "material": material,
        "period": period_of(period, settings) or default_period(database),
        "basis": basis,
        "term": term,
        "include_products": include_products,
    }
    report = (
        place_report(db=database, at=at, **options) if at else term_report(db=database, **options)
    )
    _show(settings, report, PLACES if term in AT_PLACES and not at else POSTINGS, shape)
    if shape == "table":
        settings.say(f"合计 {report['total_t']} 吨", f"Total {report['total_t']} t")


@click.command()
@click.option("--month", required=True, help="2024-07")
@click.option("--source", required=True, help="自何处 · From, as in `postings`.")
@click.option("--target", required=True, help="至何处 · To, as in `postings`.")
@click.option("--material", required=True, help="物料代码 · Material code.")
@click.option("--route", default="", help="去向代码 · Route code.")
@click.option("--evidence", required=True, help="both imported one_sided estimated …")
@_FORMAT
@click.pass_obj
@told
def records(
    settings: Settings,
    month: str,
    source: str,
    target: str,
    material: str,
    route: str,
    evidence: str,
    shape: str,
) -> None:
    """原始记录 · The loads or entries behind one posting, with their sum.

    Example: wasteflow records --month 2026-01 --source generation --target site:ent.tianan
    --material phosphogypsum --evidence one_sided
    """
    from wasteflow.services.drill import ALL_RECORDS, records_report

    asked = period_of(month, settings)
    assert asked is not None
    report = records_report(
        db=open_database(settings),
        month=asked.first,
        source=source,
        target=target,
        material=material,
        route=route,
        evidence=evidence,
        limit=ALL_RECORDS,
    )
    _show(settings, report, LOADS if report["kind"] == "load" else ENTRIES, shape)
    if shape == "table":
        settings.say(
            f"合计 {report['total_t']} 吨；过账 {report['rollup_t']} 吨",
            f"Total {report['total_t']} t; posting {report['rollup_t']} t",
        )
