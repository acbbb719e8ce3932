"""Commands of the office: ledger-forms, bulletin, indicators."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from wasteflow.cli.common import (
    Settings,
    default_period,
    emit,
    emit_bytes,
    json_text,
    now,
    open_database,
    period_of,
    table_text,
    told,
)

if TYPE_CHECKING:
    from wasteflow.core.office_tables import Cell, Document, Table


@click.command("ledger-forms")
@click.option("--enterprise", required=True, help="企业代码 · Code of the enterprise.")
@click.option("--period", default=None, help="2026-03, 2026, …")
@click.option("--material", default="", help="物料代码 · Material code; all wastes without one.")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="FILE.xlsx")
@click.pass_obj
@told
def ledger_forms(
    settings: Settings, enterprise: str, period: str | None, material: str, out: Path
) -> None:
    """台账附表1–7 · The statutory ledger of a firm (公告2021年第82号) as XLSX.

    Example: wasteflow ledger-forms --enterprise ex.jia --period 2026-01 --out forms.xlsx
    """
    from wasteflow.exporting.ledger_book import book_of
    from wasteflow.services.ledger_forms import ledger_forms as read_forms

    database = open_database(settings)
    span = period_of(period, settings) or default_period(database)
    found = read_forms(db=database, enterprise=enterprise, period=span, material=material)
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_bytes(
        book_of(
            found.forms,
            firm=found.firm.name_zh,
            uscc=found.firm.uscc,
            period=span.text,
            root=found.root,
            synthetic=found.synthetic,
            late=found.late,
        )
    )
    rows = sum(len(form.rows) for form in found.forms)
    settings.say(f"附表1–7 共 {rows} 行: {out}", f"Forms 1-7, {rows} rows: {out}")


@click.command()
@click.option("--scope", default="all", show_default=True, help="region:530181, park:…, all")
@click.option("--period", default=None, help="2025, 2025H1, …")
@click.option(
    "--public",
    is_flag=True,
    help="发布版 · Hide what would tell of single firms (quarters that are over).",
)
@click.option("--places", type=click.IntRange(0, 7), default=None, help="万吨小数位 · Decimals.")
@click.option("--format", "shape", type=click.Choice(["table", "json"]), default="table")
@click.option("--figures", type=click.Path(path_type=Path), help="CSV for audit-figures.")
@click.option("--out", type=click.Path(path_type=Path), help="FILE.xlsx")
@click.pass_obj
@told
def bulletin(
    settings: Settings,
    scope: str,
    period: str | None,
    public: bool,
    places: int | None,
    shape: str,
    figures: Path | None,
    out: Path | None,
) -> None:
    """年度信息公报 · The annual bulletin of an area (环办固体函〔2024〕37号).

    Example: wasteflow bulletin --scope region:530181 --period 2025 --out bulletin.xlsx
    """
    from wasteflow.core.bulletin import figures_table
    from wasteflow.core.bulletin_tables import BulletinTables
    from wasteflow.core.periods import month_of_day, shanghai_day
    from wasteflow.core.told import told_period
    from wasteflow.exporting.office_book import office_book
    from wasteflow.exporting.tables import csv_text
    from wasteflow.services.bulletin import bulletin_report
    from wasteflow.services.reports import overview
    from wasteflow.services.told import Reader

    database = open_database(settings)
    span = period_of(period, settings) or default_period(database)
    reader = Reader(month_of_day(shanghai_day(now()))) if public else None
    if reader and not period:
        span = told_period(span, reader.running) or span
    report = bulletin_report(db=database, scope=scope, period=span, places=places, reader=reader)
    if shape == "json":
        click.echo(json_text(report))
        return
    registry = overview(db=database).registry
    name = registry.name_of_scope(scope, settings.lang)
    document = BulletinTables(report, registry, name, settings.lang).document(
        _period(span.text, settings)
    )
    if figures:
        emit(csv_text(*figures_table(report)), figures)
        settings.say(f"已写出核对用数字: {figures}", f"Figures for audit-figures: {figures}")
    if out:
        emit_bytes(office_book(document, settings.lang), out)
        settings.say(f"已写出公报: {out}", f"Bulletin: {out}")
    if figures or out:
        return
    _print(document)


@click.command()
@click.option("--scope", default="all", show_default=True, help="park:…, region:530100, all")
@click.option("--year", default=None, help="2025")
@click.option("--format", "shape", type=click.Choice(["table", "json"]), default="table")
@click.option("--out", type=click.Path(path_type=Path), help="FILE.xlsx")
@click.pass_obj
@told
def indicators(
    settings: Settings, scope: str, year: str | None, shape: str, out: Path | None
) -> None:
    """园区指标 · Indicators of parks (HJ 274, green parks, waste-free cities) of a year.

    What the books do not hold (value added, energy …) comes by `wasteflow import park_inputs`.

    Example: wasteflow indicators --scope park:park.anning --year 2025 --out indicators.xlsx
    """
    from wasteflow.core.indicator_tables import IndicatorTables
    from wasteflow.exporting.office_book import office_book
    from wasteflow.services.park_indicators import indicators_report
    from wasteflow.services.reports import overview

    database = open_database(settings)
    report = indicators_report(db=database, scope=scope, year=year or default_period(database).text)
    if shape == "json":
        click.echo(json_text(report))
        return
    registry = overview(db=database).registry
    name = registry.name_of_scope(scope, settings.lang)
    document = IndicatorTables(report, registry, name, settings.lang).document()
    if out:
        emit_bytes(office_book(document, settings.lang), out)
        settings.say(f"已写出园区指标: {out}", f"Park indicators: {out}")
        return
    _print(document)


def _print(document: Document) -> None:
    """A document as text."""
    click.echo("\n".join(part for part in (document.title, document.mark, document.lead) if part))
    for table in document.tables:
        click.echo(f"\n{table.title}  {table.unit}".rstrip())
        click.echo(_plain(table) if table.rows else table.empty)
    click.echo("\n" + "\n".join((*document.notes, *document.foot)))


def _period(text: str, settings: Settings) -> str:
    """A period in a sentence."""
    return f"{text}年" if settings.lang == "zh" and text.isdecimal() else text


def _plain(table: Table) -> str:
    """A table of a document as text."""
    heads = [f"{head.group} {head.name}".strip() for head in table.heads]
    rows = [*table.rows, *([table.sums] if table.sums else [])]
    return table_text(heads, [[_word(cell) for cell in row] for row in rows])


def _word(cell: Cell) -> str:
    from wasteflow.core.office_tables import Number

    return (cell.text or cell.why or "-") if isinstance(cell, Number) else str(cell)
