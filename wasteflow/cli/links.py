"""What `match --realised` and `match --radius` print; the figures come from the services."""

from __future__ import annotations

from typing import Any, Final

import click

from wasteflow.cli.common import csv_of, json_text, table_text
from wasteflow.core.periods import Period

_REALISED: Final = (
    "from", "to", "material", "route", "tonnes", "loads", "first", "last", "where", "distance_km",
    "freight", "co2_t", "share_of_output", "share_of_need", "need_basis", "change",
)  # fmt: skip
_RADIUS: Final = ("material", "route", "to", "answer", "road_km", "line_km", "gain", "missing")


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
