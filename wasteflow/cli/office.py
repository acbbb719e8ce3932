"""Commands of the office: ledger-forms."""

from __future__ import annotations

from pathlib import Path

import click

from wasteflow.cli.common import Settings, default_period, open_database, period_of, told


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
        )
    )
    rows = sum(len(form.rows) for form in found.forms)
    settings.say(f"附表1–7 共 {rows} 行: {out}", f"Forms 1-7, {rows} rows: {out}")
