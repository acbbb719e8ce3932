"""Joins files and services: read, check, record; used by commands (and background work later)."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from wasteflow import load_files
from wasteflow.core.errors import RowsRefused
from wasteflow.core.periods import Period, shanghai_day
from wasteflow.core.rules import USUAL_TOLERANCE, Tolerance
from wasteflow.load_files import Import, Imported, import_loads, show_as_given
from wasteflow.services.outcome import ImportReport, Row

SYNTHETIC = "synthetic"
LEDGER_KINDS = ("entries", "shipments")
COLUMNS_BYTES = 512 * 1024
"""Size from which a file of entries is read in columns: setting them up takes a tenth of a second.
"""


def import_file(
    *,
    db: Any,
    kind: str,
    path: Path,
    now: datetime,
    encoding: str | None = None,
    dry_run: bool = False,
    round_kg: bool = False,
    progress: Callable[[int, int], None] | None = None,
    on_refused: Callable[[Any, RowsRefused], None] | None = None,
    synthetic: bool = False,
    tolerance: Tolerance = USUAL_TOLERANCE,
    signer: str = "",
) -> Imported:
    """Import one file of `kind` into `db` (a `wasteflow_models.engine.Database`), all or nothing.

    now: the moment (with offset) after which nothing may be dated; progress(done, all);
    on_refused(table, error) is called before RowsRefused goes on, to write the error file;
    synthetic marks invented data of a kind that has no column to say so; signer: code of the firm
    whose own file of loads it is, which signs them by it.
    Raises UnusableFile, RowsRefused.
    """
    if kind == "shipments":
        how = encoding, dry_run, round_kg, synthetic, load_files.CHUNK_ROWS, tolerance, signer
        asked = Import(db, path, now, *how)
        return import_loads(asked, progress, on_refused)
    table, parsed, columns, sha256 = _read(kind, path, encoding, round_kg, now)
    about = kind, path.name, sha256, now, synthetic
    try:
        report = None
        if columns is not None:
            report = _record_columns(db, columns, about, dry_run, progress)
        if report is None:
            parsed = columns.parsed() if columns is not None else parsed
            report = _record(db, kind, table, parsed, about, dry_run, progress)
    except RowsRefused as error:
        show_as_given(kind, table, error)
        if on_refused:
            on_refused(table, error)
        raise
    return Imported(report, table.encoding)


def _read(
    kind: str, path: Path, encoding: str | None, round_kg: bool, now: datetime
) -> tuple[Any, Any, Any, str]:
    """The file as it stands, its checked rows or (a large one of entries) its columns, its hash."""
    moment: dict[str, Any] = {"round_kg": round_kg, "today": shanghai_day(now), "now": now}
    if kind == "entries" and path.is_file() and path.stat().st_size >= COLUMNS_BYTES:
        from wasteflow.importing.text_chunks import open_text
        from wasteflow.schemas.row_chunks import read_chunks

        text = open_text(path, kind, path.name, encoding)
        columns = read_chunks(kind, list(text.places), text.chunks(), **moment)
        return text, None, columns, text.sha256
    from wasteflow.importing.reading import read_table
    from wasteflow.schemas.rows import load_rows

    content = path.read_bytes() if path.is_file() else b""
    table = read_table(path, path.name, encoding)
    return table, load_rows(kind, table, **moment), None, hashlib.sha256(content).hexdigest()


About = tuple[str, str, str, datetime, bool]
"""Kind, file, hash, moment, and whether the caller says that it is synthetic."""


def _batch(about: About, marked: bool, rounded_rows: int = 0, rounded_kg: str = "0") -> Any:
    """The batch row of an import; marked: whether a row says that it is synthetic."""
    from wasteflow.services.batches import new_batch

    kind, filename, sha256, now, synthetic = about
    return new_batch(
        kind=kind,
        filename=filename,
        sha256=sha256,
        now=now,
        rounded_rows=rounded_rows,
        rounded_kg=rounded_kg,
        synthetic=synthetic or marked,
    )


def _record_columns(
    db: Any,
    columns: Any,
    about: About,
    dry_run: bool,
    progress: Callable[[int, int], None] | None,
) -> ImportReport | None:
    """A large file of entries in columns; None if it has to be taken row by row."""
    from wasteflow.services.entry_bulk import record_entry_columns

    marked = columns.begins("remark", SYNTHETIC)
    return record_entry_columns(
        db=db,
        file=columns,
        batch=lambda: _batch(about, marked),
        now=about[3],
        dry_run=dry_run,
        progress=(lambda done: progress(done, columns.rows)) if progress else None,
    )


def _record(
    db: Any,
    kind: str,
    table: Any,
    parsed: Any,
    about: About,
    dry_run: bool,
    progress: Callable[[int, int], None] | None,
) -> ImportReport:
    """Any other file, row by row."""
    from wasteflow.schemas.headers import match_header
    from wasteflow.services.entry_files import record_entries
    from wasteflow.services.products import record_products
    from wasteflow.services.registry import record_registry
    from wasteflow.services.statements import record_statements

    mark = "remark" if kind in LEDGER_KINDS else "source"
    marked = any(str(row.values.get(mark) or "").startswith(SYNTHETIC) for row in parsed.rows)
    rows = [Row(item.line, item.values) for item in parsed.rows]
    total, now = len(rows), about[3]
    common: dict[str, Any] = {
        "db": db,
        "rows": rows,
        "batch": _batch(about, marked, parsed.rounded_rows, str(parsed.rounded_kg)),
        "issues": parsed.issues,
        "dry_run": dry_run,
        "progress": (lambda done: progress(done, total)) if progress else None,
    }
    if kind == "entries":
        report = record_entries(now=now, **common)
    elif kind == "products":
        report = record_products(now=now, **common)
    elif kind in ("park_inputs", "profiles"):
        report = record_statements(kind=kind, now=now, **common)
    else:
        given = frozenset(match_header(kind, table.columns))
        report = record_registry(kind=kind, given=given, **common)
    report.rounded_rows, report.rounded_kg = parsed.rounded_rows, str(parsed.rounded_kg)
    return report


SEED_KINDS = (
    "regions",
    "parks",
    "enterprises",
    "materials",
    "routes",
    "facilities",
    "targets",
    "filings",
    "coefficients",
)


def seed_folder() -> Path:
    """The seed data: inside the installed package, or beside it in a checkout."""
    import wasteflow

    inside = Path(wasteflow.__file__).parent / "_seed_data"
    return inside if inside.is_dir() else Path(wasteflow.__file__).parents[1] / "seed_data"


def seed_database(*, db: Any, now: datetime) -> list[ImportReport]:
    """Load the registry facts and targets of `seed_data`; what is there already is updated."""
    return [
        import_file(db=db, kind=kind, path=seed_folder() / f"{kind}.csv", now=now).report
        for kind in SEED_KINDS
    ]


def import_folder(
    *,
    db: Any,
    folder: Path,
    kinds: tuple[str, ...],
    now: datetime,
    progress: Callable[[int, int], None] | None = None,
    synthetic: bool = False,
) -> list[ImportReport]:
    """Import `<kind>.csv` of a folder in the order of `kinds`."""
    options: dict[str, Any] = {"now": now, "progress": progress, "synthetic": synthetic}
    return [
        import_file(db=db, kind=kind, path=folder / f"{kind}.csv", **options).report
        for kind in kinds
    ]


def import_boundaries(
    *,
    db: Any,
    path: Path,
    now: datetime,
    crs: str = "",
    layer: str = "",
    column: str = "",
    park: str = "",
    source: str = "",
    licence: str = "",
    dry_run: bool = False,
) -> dict[str, Any]:
    """Take park outlines from a geodata file; what `outline_files.told` says, and `changed`.

    Raises UnusableFile, NotFound, WasteflowError as `outline_files` tells.
    """
    from wasteflow.core.errors import UnusableFile
    from wasteflow.outline_files import find_outlines, keep_outlines, read_outline_file, told
    from wasteflow.services.reports import overview
    from wasteflow_maps.geo_places import Wanted

    if not path.is_file():
        raise UnusableFile("file_missing", file=path)
    file = read_outline_file(path.read_bytes(), path.name)
    wanted = Wanted(layer, column, park, crs)
    found = find_outlines(file, wanted, overview(db=db).registry, lambda _: True)
    changed = keep_outlines(
        db=db,
        file=file,
        found=found,
        now=now,
        source=source or path.name,
        licence=licence,
        dry_run=dry_run,
    )
    return {**told(found), "changed": changed, "dry_run": dry_run}


def export_file(
    *,
    db: Any,
    kind: str,
    out: Path,
    scope: str = "all",
    period: Period | None = None,
    material: str = "",
    level: str = "enterprise",
    encoding: str = "utf-8-sig",
    crs: str = "WGS84",
    lang: str = "zh",
    ending: str = "",
) -> int:
    """Write `kind` to `out` as `ending`, else by its name; the number of rows or edges.

    Raises UnusableFile `unknown_format` for an ending this kind cannot have.
    """
    from wasteflow.exports import Export, check, write_export

    ending = ending or out.suffix.lower().lstrip(".")
    asked = Export(kind, ending, scope, period, material, encoding, crs, lang, level)
    check(asked)
    out.parent.mkdir(parents=True, exist_ok=True)
    return write_export(db=db, asked=asked, path=out)
