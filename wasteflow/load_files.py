"""A file of shipments of any size into the books: opened, checked, recorded in bounded memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from wasteflow.core.errors import RowsRefused
from wasteflow.core.periods import shanghai_day
from wasteflow.services.outcome import ImportReport

CHUNK_ROWS = 50_000
"""Loads checked and staged together: what a large import holds in memory, and how long others wait.
"""
MAX_STREAM_BYTES = 64 * 1024**3
"""Largest file of shipments: it is read in chunks, so the limit is the disk's, not the memory's."""


@dataclass(frozen=True, slots=True)
class Imported:
    """Report of an import, and how the file was read."""

    report: ImportReport
    encoding: str


@dataclass(frozen=True, slots=True)
class Import:
    """What is imported, and how (see `import_file`)."""

    db: Any
    path: Path
    now: datetime
    encoding: str | None = None
    dry_run: bool = False
    round_kg: bool = False
    synthetic: bool = False
    chunk_rows: int = CHUNK_ROWS


def import_loads(
    asked: Import,
    progress: Callable[[int, int], None] | None = None,
    on_refused: Callable[[Any, RowsRefused], None] | None = None,
) -> Imported:
    """Import a file of shipments of any size in bounded memory, all or nothing.

    Raises UnusableFile, RowsRefused.
    """
    from wasteflow.importing.reading import read_table
    from wasteflow.importing.text_chunks import open_text
    from wasteflow.schemas.row_rules import Clock
    from wasteflow.services.batches import new_batch
    from wasteflow.services.loads import LoadFile, record_loads

    path, now = asked.path, asked.now
    text = open_text(
        path,
        "shipments",
        path.name,
        asked.encoding,
        rows=asked.chunk_rows,
        max_bytes=MAX_STREAM_BYTES,
    )
    file = LoadFile(
        text.chunks, Clock(shanghai_day(now), now), text.lines <= text.rows, asked.round_kg
    )
    try:
        report = record_loads(
            db=asked.db,
            file=file,
            batch=lambda: new_batch(
                kind="shipments",
                filename=path.name,
                sha256=text.sha256,
                now=now,
                synthetic=asked.synthetic,
            ),
            now=now,
            dry_run=asked.dry_run,
            progress=(lambda done: progress(done, max(done, text.lines - 1))) if progress else None,
        )
    except RowsRefused as error:
        table = read_table(path, path.name, asked.encoding, max_bytes=MAX_STREAM_BYTES)
        show_as_given("shipments", table, error)
        if on_refused:
            on_refused(table, error)
        raise
    return Imported(report, text.encoding)


def show_as_given(kind: str, table: Any, error: RowsRefused) -> None:
    """Let every issue show the cell as it stands in the file, not the value it was read as."""
    from wasteflow.schemas.headers import match_header

    places = match_header(kind, table.columns)
    cells = dict(table.rows)
    error.issues = [
        replace(issue, value=cells[issue.line][places[issue.field]])
        if issue.line in cells and issue.field in places
        else issue
        for issue in error.issues
    ]
