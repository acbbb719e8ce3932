"""A file of shipments of any size into the books: opened, checked, recorded in bounded memory."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack
from datetime import datetime, timedelta
from pathlib import Path
from time import monotonic
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from wasteflow.core.errors import RowsRefused
from wasteflow.core.periods import shanghai_day
from wasteflow.core.rules import USUAL_TOLERANCE, Tolerance
from wasteflow.services.outcome import ImportReport

CHUNK_ROWS = 25_000
"""Loads checked and staged together: what a large import holds in memory, and how long others wait.
"""
AT_ONCE_ROWS = 5_000
"""Lines of a file that SQLite takes in one transaction, for which everybody else waits."""
READER_BYTES = 32 * 1024 * 1024
"""Size from which a file is read and checked in a process of its own: starting it takes a second.
"""
MAX_STREAM_BYTES = 64 * 1024**3
"""Largest file of shipments: it is read in chunks, so the limit is the disk's, not the memory's."""


class Imported(Struct, frozen=True):
    """Report of an import, and how the file was read."""

    report: ImportReport
    encoding: str


class Import(Struct, frozen=True):
    """What is imported, and how (see `import_file`)."""

    db: Any
    path: Path
    now: datetime
    encoding: str | None = None
    dry_run: bool = False
    round_kg: bool = False
    synthetic: bool = False
    chunk_rows: int = CHUNK_ROWS
    tolerance: Tolerance = USUAL_TOLERANCE
    signer: str = ""


def import_loads(
    asked: Import,
    progress: Callable[[int, int], None] | None = None,
    on_refused: Callable[[Any, RowsRefused], None] | None = None,
) -> Imported:
    """Import a file of shipments of any size in bounded memory, all or nothing.

    on_refused gets a `schemas.cells.Table` or, of a large file, the `TextFile`.
    Raises UnusableFile, RowsRefused.
    """
    from wasteflow.importing.text_chunks import open_text

    with ExitStack() as held:
        reader = _reader(asked, held)
        text = open_text(
            asked.path,
            "shipments",
            asked.path.name,
            asked.encoding,
            rows=asked.chunk_rows,
            max_bytes=MAX_STREAM_BYTES,
        )
        try:
            report = _record(asked, text, reader, progress)
        except RowsRefused as error:
            show_as_given("shipments", text, error)
            if on_refused:
                on_refused(text, error)
            raise
    return Imported(report, text.encoding)


def _record(
    asked: Import, text: Any, reader: Any, progress: Callable[[int, int], None] | None
) -> ImportReport:
    """Hand the file to the service."""
    from wasteflow.schemas.row_rules import Clock
    from wasteflow.services.batches import new_batch
    from wasteflow.services.loads import LoadFile, record_loads

    clock = Clock(shanghai_day(asked.now), asked.now, asked.tolerance, asked.signer)
    moments = _moments(asked.now)

    def elsewhere(keys: Any, packing: Any) -> Generator[Any, None, None]:
        from wasteflow.load_reader import Order

        yield from reader.chunks(Order(text, keys, clock, asked.round_kg, packing))

    small = text.lines <= (min(text.rows, AT_ONCE_ROWS) if asked.db.is_sqlite else text.rows)
    return record_loads(
        db=asked.db,
        file=LoadFile(
            text.chunks,
            clock,
            small,
            asked.round_kg,
            None if reader is None or text.table is not None else elsewhere,
            text.lines,
        ),
        batch=lambda now: new_batch(
            kind="shipments",
            filename=asked.path.name,
            sha256=text.sha256,
            now=now,
            synthetic=asked.synthetic,
        ),
        now=lambda: next(moments),
        dry_run=asked.dry_run,
        progress=(lambda done: progress(done, max(done, text.lines - 1))) if progress else None,
    )


def _moments(first: datetime) -> Iterator[datetime]:
    """The moment of the first try of an import, then that of each later one.

    A seal made meanwhile knows nothing of a try that begins after it: with the moment of the first
    its records would look slipped in.
    """
    began = monotonic()
    yield first
    while True:
        yield first + timedelta(seconds=monotonic() - began)


def _reader(asked: Import, held: ExitStack) -> Any:
    """The process that reads a large file, started while the file is looked over; None without."""
    try:
        large = asked.path.stat().st_size >= READER_BYTES and (os.cpu_count() or 1) > 1
    except OSError:  # `open_text` says why
        large = False
    if not large:
        return None
    from wasteflow.load_reader import Reader

    reader = Reader()
    held.callback(reader.close)
    reader.start()
    return reader


def show_as_given(kind: str, table: Any, error: RowsRefused) -> None:
    """Let every issue show the cell as it stands in the file, not the value it was read as.

    table: a `schemas.cells.Table` or a `TextFile`.
    """
    from wasteflow.schemas.headers import match_header

    places = match_header(kind, table.columns)
    asked = {issue.line for issue in error.issues if issue.field in places}
    cells = {line: cells for line, cells in table.records() if line in asked}
    width = len(table.columns)
    error.issues = [
        replace(issue, value=cells[issue.line][places[issue.field]])
        if issue.field in places and len(cells.get(issue.line, ())) == width
        else issue
        for issue in error.issues
    ]
