"""Rows of a large file from its text columns: the same values and reasons as `rows.load_rows`.

A cell whose text the column has seen before is not read again, and a row whose cells all mean
something only has to pass the rules of its kind; every other row is read by itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

import numpy as np

from wasteflow.core.collecting import no_collecting
from wasteflow.core.errors import RowIssue
from wasteflow.schemas.columns import Columns, TextChunk, TypedChunk
from wasteflow.schemas.field_base import CellField
from wasteflow.schemas.fields import DocField, TextField, is_bare_date
from wasteflow.schemas.row_rules import Clock
from wasteflow.schemas.rows import ParsedRow, ParsedRows, RowReader, schema_class


def load_chunks(
    kind: str,
    columns: Sequence[str],
    chunks: Iterable[TextChunk],
    *,
    round_kg: bool = False,
    today: date,
    now: datetime | None = None,
) -> ParsedRows:
    """Check every row of a file against the contract of `kind`; see `rows.load_rows`.

    columns: those of every frame, in its order.  What `chunks` raise goes on.
    """
    schema = schema_class(kind)(clock=Clock(today, now), round_kg=round_kg)
    reader = RowReader(schema, {name: place for place, name in enumerate(columns)})
    typed_columns = _columns(schema.cell_fields())
    rows: list[ParsedRow] = []
    issues: list[RowIssue] = []
    with no_collecting():
        for chunk in chunks:
            issues += chunk.issues
            typed = typed_columns.read(chunk.frame)
            _read(chunk, typed, reader, round_kg, rows, issues)
    issues.sort(key=lambda issue: (issue.line, issue.field))
    return ParsedRows(kind, rows, issues, reader.rounded_rows, reader.rounded_kg)


def _columns(items: Mapping[str, CellField]) -> Columns:
    typed = {
        name: dict[str, Any]()
        for name, item in items.items()
        if not isinstance(item, (TextField, DocField))
    }
    documents = tuple(name for name, item in items.items() if isinstance(item, DocField))
    return Columns(items, typed, documents)


def _read(
    chunk: TextChunk,
    typed: TypedChunk,
    reader: RowReader,
    round_kg: bool,
    rows: list[ParsedRow],
    issues: list[RowIssue],
) -> None:
    """The rows of a chunk in their order; one that rounds a mass is read by itself, to note it."""
    sound = typed.sound & (not round_kg)
    known = typed.values(np.flatnonzero(sound))
    frame, lines = chunk.frame, chunk.lines.tolist()

    def cells(row: int) -> list[str]:
        return [text or "" for text in frame.row(row)]

    for row, is_sound in enumerate(sound.tolist()):
        if is_sound:
            values = next(known)

            def is_bare(name: str, row: int = row) -> bool:
                return is_bare_date(frame[name][row] if name in frame.columns else None)

            fault = reader.complete(values, is_bare)
        else:
            values, fault = reader.read(cells(row))
        if fault is None:
            rows.append(ParsedRow(lines[row], values))
        else:
            issues.append(reader.issue(lines[row], cells(row), *fault))
