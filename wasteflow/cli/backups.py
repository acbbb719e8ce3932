"""Commands that write a backup and put one back."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from wasteflow.cli.common import Settings, json_text, now, open_database, shown, told


def _documents() -> Path:
    from wasteflow.config import instance_folder

    return instance_folder() / "attachments"


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--format", "shape", type=click.Choice(["table", "json"]), default="table")
@click.pass_obj
@told
def backup(settings: Settings, file: Path, shape: str) -> None:
    """备份 · Write one state of the database and its documents to a file, also while serving.

    The file fits SQLite and PostgreSQL alike.

    Example: wasteflow backup wasteflow-backup.zip
    """
    from wasteflow.services.backup import write_backup

    done = write_backup(db=open_database(settings), out=file, documents=_documents(), now=now())
    if shape == "json":
        click.echo(json_text(done))
        return
    rows = sum(item["rows"] for item in done["tables"].values())
    size = file.stat().st_size / 1e6
    settings.say(
        f"已备份到 {file}：{rows} 行，{done['documents']['files']} 个附件，{size:.1f} MB。",
        f"Backed up to {file}: {rows} rows, {done['documents']['files']} documents, {size:.1f} MB.",
    )
    for digest in done["documents"]["missing"]:
        settings.say(f"缺少附件文件 {digest}", f"the document {digest} has no file", err=True)


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--replace", is_flag=True, help="丢弃目标中的数据 · Throw away what is in there.")
@click.pass_obj
@told
def restore(settings: Settings, file: Path, replace: bool) -> None:
    """恢复 · Put a backup into an empty database, then prove the books (check --full).

    Example: wasteflow --database sqlite:///restored.sqlite3 restore wasteflow-backup.zip
    """
    from wasteflow.services.checking import check_books
    from wasteflow.services.restore import restore_backup

    url = settings.url()
    manifest = restore_backup(url=url, path=file, documents=_documents(), replace=replace)
    settings.say(
        f"已恢复 {manifest['made_at'][:19]} 的备份到 {shown(url)}，正在校验 …",
        f"Restored the backup of {manifest['made_at'][:19]} to {shown(url)}; proving it …",
    )
    heads = [manifest["seal"]["head"]] if manifest["seal"] else []
    report = check_books(db=open_database(settings), full=True, witnesses=heads)
    for fault in report.faults:
        click.echo(f"✗ {fault.code} {fault.key}", err=True)
    if report.ok:
        settings.say(
            f"账本无误：运单 {report.shipments}、记录 {report.entries}。",
            f"Sound: {report.shipments} shipments, {report.entries} entries.",
        )
    else:
        settings.say(
            f"发现 {len(report.faults)} 处错误。", f"{len(report.faults)} faults.", err=True
        )
    sys.exit(0 if report.ok else 1)
