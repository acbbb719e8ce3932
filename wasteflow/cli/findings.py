"""The command that lists findings."""

from __future__ import annotations

import click

from wasteflow.cli.common import Settings, csv_of, json_text, now, open_database, table_text, told
from wasteflow.core.finding_kinds import KINDS, SEVERITIES

_COLUMNS = (
    "id", "code", "severity", "state", "enterprise", "material", "since", "ref_kind", "ref",
    "message",
)  # fmt: skip


@click.command()
@click.option("--scope", default="all", help="all, region:…, park:…, enterprise:…")
@click.option("--kind", type=click.Choice(KINDS), help="种类 · One kind only.")
@click.option("--severity", type=click.Choice(SEVERITIES), help="轻重 · One severity only.")
@click.option("--state", type=click.Choice(["open", "snoozed", "resolved", "all"]), default="open")
@click.option("--format", "shape", type=click.Choice(["table", "json", "csv"]), default="table")
@click.pass_obj
@told
def findings(
    settings: Settings,
    scope: str,
    kind: str | None,
    severity: str | None,
    state: str,
    shape: str,
) -> None:
    """提示清单 · What looks wrong in the books, since when, and where.

    Example: wasteflow findings --scope park:park.anning --severity alert
    """
    from wasteflow.config import load_config
    from wasteflow.core.finding_words import finding_words
    from wasteflow.services.finding_list import Asked, list_findings, refresh_findings
    from wasteflow.services.reports import overview

    database, moment = open_database(settings), now()
    refresh_findings(db=database, now=moment, waits=load_config().waits)
    firms = overview(db=database).registry.in_scope(scope)
    asked = Asked(firms, kind or "", severity or "", state)
    rows = [
        {**row, "message": finding_words(row["code"], settings.lang, row["params"])}
        for row in list_findings(db=database, asked=asked, now=moment)
    ]
    if shape == "json":
        click.echo(json_text({"scope": scope, "rows": rows}))
    elif shape == "csv":
        click.echo(csv_of(list(_COLUMNS), rows), nl=False)
    else:
        heads = ["轻重", "企业", "始于", "提示"]
        if settings.lang == "en":
            heads = ["severity", "enterprise", "since", "finding"]
        cells = [
            [row["severity"], row["enterprise"], row["since"][:10], row["message"]] for row in rows
        ]
        click.echo(table_text(heads, cells))
