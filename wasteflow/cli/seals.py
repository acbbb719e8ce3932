"""Commands of the seal: make one, list them, prove a record."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

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
from wasteflow.core.errors import InvalidValue

_COLUMNS = ("number", "sealed_at", "sealed_by", "count", "root", "head")


@click.group(invoke_without_command=True)
@click.option("--list", "listed", is_flag=True, help="列出封存 · List the seals.")
@click.option("--format", "shape", type=click.Choice(["table", "json", "csv"]), default="table")
@click.pass_context
@told
def seal(ctx: click.Context, listed: bool, shape: str) -> None:
    """封存 · Seal every record that no seal holds yet; list seals; prove a record.

    Keep the head it prints outside this database: whoever has it can tell whether anything sealed
    was changed since.

    Example: wasteflow seal
    """
    if ctx.invoked_subcommand:
        return
    from wasteflow.services.seals import list_seals, seal_books

    settings = ctx.obj
    database = open_database(settings)
    if listed:
        rows = list_seals(db=database)
        if shape == "json":
            click.echo(json_text(rows))
        elif shape == "csv":
            click.echo(csv_of(list(_COLUMNS), rows), nl=False)
        else:
            heads = ["次序", "时间", "封存人", "记录数", "根", "封存码"]
            if settings.lang == "en":
                heads = ["number", "sealed", "by", "records", "root", "head"]
            cells = [
                [str(row[name])[: 19 if name == "sealed_at" else None] for name in _COLUMNS]
                for row in rows
            ]
            click.echo(table_text(heads, cells))
        return
    done = seal_books(db=database, now=now(), by="wasteflow seal")
    if shape == "json":
        click.echo(json_text(done))
    elif done is None:
        settings.say("没有新的记录需要封存。", "There is nothing new to seal.")
    else:
        settings.say(
            f"第 {done['number']} 次封存，{done['count']} 条记录，封存码 {done['head']}",
            f"Seal {done['number']} of {done['count']} records, head {done['head']}",
        )


@seal.command()
@click.argument("record")
@click.option("--seal", "number", type=int, default=0, help="只要某次封存 · Of one seal only.")
@click.option("--out", type=click.Path(path_type=Path), help="证明文件 · Where to write it.")
@click.pass_obj
@told
def prove(settings: Settings, record: str, number: int, out: Path | None) -> None:
    """出具证明 · Prove that a load or an entry (by its id) was sealed as it is.

    docs/verify_proof.py checks the proof without this program.

    Example: wasteflow seal prove 01a1fc42-d200-78e5-ae0a-ff5827423759 --out proof.json
    """
    from wasteflow.services.seal_proofs import prove_record

    try:
        uid = UUID(record)
    except ValueError:
        raise InvalidValue("record_unknown", value=record) from None
    text = json_text(prove_record(db=open_database(settings), uid=uid, number=number))
    if out is None:
        click.echo(text)
    else:
        out.write_text(text + "\n", encoding="utf-8")
        click.echo(str(out))
