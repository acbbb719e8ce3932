"""The command that proposes corrections of many loads from a file; the services judge each."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

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
from wasteflow.core.errors import FieldsRefused, NotFound, WasteflowError

if TYPE_CHECKING:
    from wasteflow.services.live.many import Corrected

_COLUMNS = ("doc_no", "consignor", "shipment", "before", "after", "why", "status", "asked",
            "warnings", "problem")  # fmt: skip
_NOTES = ("problem", "warnings")
_HEADS = ("单号", "更正前", "更正为", "结果", "须同意", "说明")


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--user", "login", required=True, help="以谁的名义 · Login of who proposes.")
@click.option("--dry-run", is_flag=True, help="只核对 · Look only, propose nothing.")
@click.option("--encoding", default="", help="utf-8, gb18030")
@click.option("--format", "shape", type=click.Choice(["table", "json", "csv"]), default="table")
@click.pass_obj
@told
def correct(
    settings: Settings, file: Path, login: str, dry_run: bool, encoding: str, shape: str
) -> None:
    """更正多单 · Propose the corrections in FILE (doc_no, consignor, field, value, why).

    Rows of one load are one correction; the other party of each is asked as always, and each load
    stands alone.  Exit 0 all proposed, 1 some are not (each is told why), 2 unusable file.

    Example: wasteflow correct corrections.xlsx --user mill --dry-run
    """
    from wasteflow.config import load_config
    from wasteflow.importing.corrections import open_corrections
    from wasteflow.services.acting import actor_of_login
    from wasteflow.services.live.many import Wanted, preview_corrections, propose_corrections

    items, issues = open_corrections(file, file.name, encoding)
    database, moment = open_database(settings), now()
    actor = actor_of_login(db=database, login=login, now=moment)
    if actor is None:
        raise NotFound("user_unknown", value=login)
    common: dict[str, Any] = {
        "db": database,
        "actor": actor,
        "wanted": [Wanted(item.doc_no, item.changes, item.why, item.consignor) for item in items],
        "now": moment,
        "tolerance": load_config().tolerance,
    }
    if dry_run:
        found = preview_corrections(**common)
    else:
        found = propose_corrections(**common, channel="command")
    rows = [_row(item, settings.lang) for item in found]
    for issue in issues:
        click.echo(issue.text(settings.lang), err=True)
    if shape == "json":
        told_issues = [issue.text(settings.lang) for issue in issues]
        click.echo(json_text({"dry_run": dry_run, "rows": rows, "issues": told_issues}))
    elif shape == "csv":
        click.echo(csv_of(list(_COLUMNS), rows), nl=False)
    else:
        heads = list(_HEADS) if settings.lang == "zh" else [
            "number", "before", "after", "status", "asked", "notes"
        ]  # fmt: skip
        names = ("doc_no", "before", "after", "status", "asked")
        cells = [
            [*(row[name] for name in names), "; ".join(filter(None, map(row.get, _NOTES)))]
            for row in rows
        ]
        click.echo(table_text(heads, cells))
    if issues or any(item.problem is not None for item in found):
        sys.exit(1)


def _row(item: Corrected, lang: str) -> dict[str, str]:
    """One correction as texts: what it changes, where it stands, who is asked."""
    change: dict[str, Any] = item.revision or item.change or {"before": {}, "after": {}}
    asked = change.get("asked") or [answer["organisation"] for answer in change.get("answers", ())]
    status = "refused" if item.problem is not None else str(change.get("status", "checked"))
    return {
        "doc_no": item.wanted.doc_no,
        "consignor": item.wanted.consignor,
        "shipment": str(item.uid or ""),
        "before": _pairs(change["before"]),
        "after": _pairs(change["after"] or dict(item.wanted.changes)),
        "why": item.wanted.why,
        "status": status,
        "asked": ", ".join(asked),
        "warnings": "; ".join(remark.text(lang) for remark in item.warnings),
        "problem": _words(item.problem, lang) if item.problem is not None else "",
    }


def _words(problem: WasteflowError, lang: str) -> str:
    """Why a load is not corrected, field by field where its fields are wrong."""
    if not isinstance(problem, FieldsRefused):
        return problem.text(lang)
    return "; ".join(f"{item.pointer[1:]}: {item.text(lang)}" for item in problem.issues)


def _pairs(values: dict[str, str]) -> str:
    return ", ".join(f"{name}={value}" for name, value in values.items())
