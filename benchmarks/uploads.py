"""Uploads as their users meet them: bytes handed in, checked, published by the worker's job.

The file of loads as CSV, and the first rows of it as a workbook.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

from benchmarks.measuring import Prepared
from benchmarks.peers_import import NUMBERS
from wasteflow.services.uploads import Owner, take_upload
from wasteflow.services.work import Job
from wasteflow.worker import Worker
from wasteflow_models.engine import Database

NOW = datetime(2026, 6, 1, tzinfo=UTC)
SHEET_ROWS = 100_000
PIECE = 1 << 20


def sheet_of(shipments: Path, rows: int, out: Path) -> Path:
    """A workbook with the header and the first rows; amounts are numbers. Made once."""
    if out.is_file():
        return out
    from openpyxl import Workbook

    book = Workbook(write_only=True)
    sheet = book.create_sheet("shipments")
    with shipments.open(encoding="utf-8", newline="") as file:
        reader = csv.reader(file)
        header = next(reader)
        sheet.append(header)
        numbers = [name in NUMBERS for name in header]
        for row in islice(reader, rows):
            cells = zip(row, numbers, strict=True)
            sheet.append(
                [float(cell) if number and cell else cell or None for cell, number in cells]
            )
    making = out.with_name(f"making-{out.name}")
    book.save(making)
    making.rename(out)
    return out


def upload(url: str, path: str, sample: str) -> Prepared:
    """A file of loads handed in, looked at, checked and published; sample: its first rows."""
    db = Database(url)
    worker = Worker(db, lambda: NOW, kinds=("import",))

    def handed_in(file: Path, **options: bool) -> Job:
        """The job of a file as it ended; RuntimeError if its rows were not taken."""
        take_upload(
            db=db,
            kind="shipments",
            filename=file.name,
            pieces=_pieces(file),
            owner=Owner("bench", 0, ""),
            options=options,
            now=NOW,
            most_bytes=file.stat().st_size,
        )
        done = worker.once()
        if done is None or done.state != "done":
            raise RuntimeError(f"the upload ended as {done}")
        return done

    return Prepared(
        run=lambda: handed_in(Path(path), publish=True),
        facts=lambda job: {"rows": int(job.result["report"]["taken"])},
        warm=lambda: handed_in(Path(sample), dry_run=True),
        end=db.dispose,
    )


def _pieces(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(PIECE):
            yield piece
