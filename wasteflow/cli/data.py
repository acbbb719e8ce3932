"""Commands that put data in and take it out: db, seed, import, export."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import click

from wasteflow.cli.common import (
    Settings,
    json_text,
    now,
    open_database,
    period_of,
    table_text,
    told,
)
from wasteflow.cli.sheets import SheetOptions, import_sheet
from wasteflow.core.errors import RowsRefused, WasteflowError

KINDS = (
    "regions",
    "parks",
    "enterprises",
    "facilities",
    "materials",
    "routes",
    "targets",
    "filings",
    "coefficients",
    "products",
    "park_inputs",
    "profiles",
    "entries",
    "shipments",
    "boundaries",
)
EXPORT_KINDS = (
    *KINDS, "flows", "balances", "rates", "target_status", "links", "findings", "crosscheck",
    "closes", "geodata",
)  # fmt: skip


@click.group()
def db() -> None:
    """数据库迁移 · Migrations.

    Example: wasteflow db upgrade
    """


@db.command("upgrade")
@click.pass_obj
@told
def db_upgrade(settings: Settings) -> None:
    """Bring the database to the newest schema (creates it if missing)."""
    from wasteflow_models import migrate

    migrate.upgrade(settings.url())
    settings.say(f"数据库已是版本 {migrate.head()}。", f"The database is at {migrate.head()}.")


@db.command("check")
@click.pass_obj
@told
def db_check(settings: Settings) -> None:
    """Compare the database with the schema of this program; exit 1 if they differ."""
    from wasteflow_models import migrate

    found = migrate.current(settings.url())
    if found != migrate.head():
        raise WasteflowError("database_old", found=found or "-", wanted=migrate.head())
    differences = migrate.drift(settings.url())
    if differences:
        click.echo("\n".join(differences), err=True)
        raise WasteflowError("database_drift", count=len(differences))
    settings.say(f"版本 {found}，结构一致。", f"At {found}; tables as this program expects.")


@db.command("rebuild")
@click.pass_obj
@told
def db_rebuild(settings: Settings) -> None:
    """按记录重建月汇总 · Make the roll-up anew from the records.

    For books whose `wasteflow check` names `rollup_mismatch` or `sender_missing`; sound books stay
    as they are.

    Example: wasteflow db rebuild
    """
    from wasteflow.services.rebuilding import rebuild_rollup

    done = rebuild_rollup(db=open_database(settings))
    again = f"；补回 {done.links} 条运单链路", f"; {done.links} links of loads found again"
    zh, en = again if done.links else ("", "")
    settings.say(
        f"汇总 {done.flows} 行，改正 {done.mended} 行{zh}。",
        f"{done.flows} rows in the roll-up, {done.mended} of them mended{en}.",
    )


@click.command()
@click.option("--format", "shape", type=click.Choice(["table", "json"]), default="table")
@click.pass_obj
@told
def seed(settings: Settings, shape: str) -> None:
    """导入基础数据 · Registry facts and targets from seed_data; may be repeated.

    Example: wasteflow seed
    """
    from wasteflow.jobs import seed_database

    database = open_database(settings, create=True)
    reports = seed_database(db=database, now=now())
    if shape == "json":
        click.echo(json_text([report.as_dict(settings.lang) for report in reports]))
        return
    heads = ["数据", "新增", "更新", "不变"]
    if settings.lang == "en":
        heads = ["kind", "new", "updated", "unchanged"]
    rows = [[r.kind, str(r.taken), str(r.updated), str(r.skipped)] for r in reports]
    click.echo(table_text(heads, rows))


@click.command("import")
@click.argument("kind", type=click.Choice(KINDS))
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--dry-run", is_flag=True, help="只检查，不写入 · Check only, write nothing.")
@click.option("--encoding", default=None, help="utf-8, gb18030 … (default: detected)")
@click.option("--round-kg", is_flag=True, help="四舍六入到千克 · Round finer masses to kilograms.")
@click.option(
    "--errors", type=click.Path(path_type=Path), help="错误文件 · Rows back with reasons."
)
@click.option("--crs", default=None, help="boundaries: WGS84 CGCS2000 GCJ-02 BD-09 EPSG:4491..4554")
@click.option("--layer", default="", help="boundaries: 图层 · Layer of the file.")
@click.option("--park", default="", help="boundaries: 全部属于此园区 · Park of the whole file.")
@click.option("--source", default="", help="boundaries: 来源 · Where from (default: file name).")
@click.option("--licence", default="", help="boundaries: 使用许可 · Licence note.")
@click.option("--sheet", default="", help="工作表 · Sheet (default: the one that fits).")
@click.option("--header-row", type=int, default=0, help="表头所在行 · Row of the header.")
@click.option(
    "--column", "chosen", multiple=True, help="表头=列 · HEADER=COLUMN; boundaries: COLUMN."
)
@click.option("--set", "fixed", multiple=True, help="列=值 · COLUMN=VALUE for every row.")
@click.option("--format", "shape", type=click.Choice(["table", "json"]), default="table")
@click.pass_obj
@told
def import_(
    settings: Settings,
    /,
    kind: str,
    file: Path,
    dry_run: bool,
    encoding: str | None,
    round_kg: bool,
    errors: Path | None,
    sheet: str,
    header_row: int,
    chosen: tuple[str, ...],
    fixed: tuple[str, ...],
    crs: str | None,
    shape: str,
    **outlines: str,
) -> None:
    """导入 KIND 文件 · Take FILE of KIND, all or nothing.

    CSV, JSON, XLSX, XLS or ODS.  Sheets as people write them (titles, totals, units in headers) and
    CSV with --header-row, --column or --set are read by their known headers.
    Exit 0: all taken; 1: nothing taken, wrong rows are listed; 2: the file cannot be used.

    Example: wasteflow import shipments loads-2026-07.csv --errors wrong.csv
    """
    database = open_database(settings, create=True)
    if kind == "boundaries":
        outlines |= {"crs": crs or "", "column": chosen[0] if chosen else ""}
        from wasteflow.cli.outlines import show_outlines

        show_outlines(settings, database, file, shape, dry_run=dry_run, **outlines)
        return
    from wasteflow.importing.package import is_spreadsheet

    told = SheetOptions(sheet, header_row, encoding or "", chosen, fixed)
    with _bar(settings, kind) as progress:
        if is_spreadsheet(file.name) or told.any:
            report, used = import_sheet(
                settings, database, kind, file, told, dry_run, round_kg, errors, progress
            )
        else:
            report, used = _import_plain(
                settings, database, kind, file, encoding, dry_run, round_kg, errors, progress
            )
    _show(settings, report, used, shape)
    _pack(database, kind, dry_run)


def _import_plain(
    settings: Settings,
    db: Any,
    kind: str,
    file: Path,
    encoding: str | None,
    dry_run: bool,
    round_kg: bool,
    errors: Path | None,
    progress: Callable[[int, int], None],
) -> tuple[Any, str]:
    """Import a file in the columns of the contract; (report, encoding).

    Raises UnusableFile, RowsRefused.
    """
    from wasteflow.config import load_config
    from wasteflow.jobs import import_file

    def write_errors(table: Any, error: RowsRefused) -> None:
        from wasteflow.importing.errors_file import errors_lines

        if errors is not None:
            _emit_lines(errors_lines(table, error.issues, settings.lang), errors)
            settings.say(f"错误文件: {errors}", f"Rows with reasons: {errors}", err=True)

    done = import_file(
        db=db,
        kind=kind,
        path=file,
        now=now(),
        encoding=encoding,
        dry_run=dry_run,
        round_kg=round_kg,
        progress=progress,
        on_refused=write_errors,
        tolerance=load_config().tolerance,
    )
    return done.report, done.encoding


def _show(settings: Settings, report: Any, encoding: str, shape: str) -> None:
    """The outcome of an import as asked for."""
    if shape == "json":
        click.echo(json_text({**report.as_dict(settings.lang), "encoding": encoding}))
    else:
        click.echo(_report_text(report, encoding, settings.lang))


def _pack(database: Any, kind: str, dry_run: bool) -> None:
    """What was imported, ready to be read at once."""
    if not dry_run and kind in ("shipments", "entries"):
        from wasteflow.services.packing import pack_books

        pack_books(db=database)


def _emit_lines(lines: Iterable[str], path: Path) -> None:
    """Write a text of any length as it comes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        file.writelines(lines)


class _bar:
    """Progress bar on standard error; silent where that is not a terminal."""

    def __init__(self, settings: Settings, kind: str) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

        console = Console(stderr=True)
        self._bar = Progress(
            "{task.description}",
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._task = self._bar.add_task(kind, total=None)

    def __enter__(self) -> Any:
        self._bar.start()
        return lambda done, total: self._bar.update(self._task, completed=done, total=total)

    def __exit__(self, *_: object) -> None:
        self._bar.stop()


def _report_text(report: Any, encoding: str, lang: str) -> str:
    """The outcome of an import in a few lines."""
    data = report.as_dict(lang)
    if lang == "zh":
        head = "试运行，未写入。" if data["dry_run"] else "已写入。"
        lines = [
            f"{head} {data['kind']}: 行 {data['rows']}，新增 {data['taken']}，更新 "
            f"{data['updated']}，补齐到货 {data['completed']}，已有跳过 {data['skipped']}"
            f"（编码 {encoding}）"
        ]
    else:
        head = "Dry run, nothing written." if data["dry_run"] else "Written."
        lines = [
            f"{head} {data['kind']}: rows {data['rows']}, new {data['taken']}, updated "
            f"{data['updated']}, completed {data['completed']}, known and skipped "
            f"{data['skipped']} (encoding {encoding})"
        ]
    if data["rounded_rows"]:
        lines.append(
            f"取整 {data['rounded_rows']} 行，差额合计 {data['rounded_kg']} kg"
            if lang == "zh"
            else f"Rounded {data['rounded_rows']} rows, summed difference {data['rounded_kg']} kg"
        )
    for warning in data["warnings"]:
        example = warning["examples"][0]
        where = f"第 {example['line']} 行" if lang == "zh" else f"line {example['line']}"
        count = f"{warning['rows']} 行" if lang == "zh" else f"{warning['rows']} rows"
        lines.append(f"! {warning['code']} ({count}): {where} {example['message']}")
    return "\n".join(lines)


@click.command()
@click.argument("kind", type=click.Choice(EXPORT_KINDS))
@click.option("--scope", default="all", show_default=True)
@click.option("--period", default=None)
@click.option("--material", default="")
@click.option("--level", default="enterprise", show_default=True, help="flows")
@click.option(
    "--encoding", type=click.Choice(["utf-8-sig", "utf-8", "gb18030"]), default="utf-8-sig"
)
@click.option("--crs", default="WGS84", help="geodata: WGS84 CGCS2000 GCJ-02 BD-09")
@click.option("--format", "ending", default="", help="默认按文件名 · Default: the ending of --out.")
@click.option("--out", type=click.Path(path_type=Path), required=True)
@click.pass_obj
@told
def export(
    settings: Settings,
    kind: str,
    scope: str,
    period: str | None,
    material: str,
    level: str,
    encoding: str,
    crs: str,
    ending: str,
    out: Path,
) -> None:
    """导出 · Write KIND to a file: csv xlsx json; flows graphml gexf; geodata geojson gpkg kml.

    Example: wasteflow export shipments --period 2026-07 --out loads.csv
    """
    from wasteflow.jobs import export_file

    database = open_database(settings)
    rows = export_file(
        db=database,
        kind=kind,
        out=out,
        scope=scope,
        period=period_of(period, settings),
        material=material,
        level=level,
        encoding=encoding,
        crs=crs,
        lang=settings.lang,
        ending=ending,
    )
    settings.say(f"{out}: {rows} 行", f"{out}: {rows} rows")
