"""Rows of a large file from its text columns: the same values and reasons as `rows.load_rows`.

A cell whose text the column has seen before is not read again, and a row whose cells all mean
something only has to pass the rules of its kind; every other row is read by itself.  Who judges
whole columns takes the chunks as they are and leaves the rows alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime

import numpy as np
from msgspec import Struct

from wasteflow.core.collecting import no_collecting
from wasteflow.core.errors import RowIssue
from wasteflow.schemas.columns import Columns, Ints, Measure, TextChunk, TypedChunk
from wasteflow.schemas.field_base import CellField
from wasteflow.schemas.fields import DocField, TextField, is_bare_date
from wasteflow.schemas.row_rules import Clock
from wasteflow.schemas.rows import ParsedRow, ParsedRows, RowReader, schema_class


class ReadChunks(Struct, frozen=True):
    """A file of `kind` whose cells are read, chunk by chunk; its rows are made when asked for.

    names: the columns of every frame, in its order.
    """

    kind: str
    names: tuple[str, ...]
    clock: Clock
    round_kg: bool
    chunks: list[tuple[TextChunk, TypedChunk]]

    @property
    def rows(self) -> int:
        """Rows of the file that could be cut into cells."""
        return sum(chunk.frame.height for chunk, _ in self.chunks)

    def reader(self) -> RowReader:
        """Reads single rows of the file."""
        schema = schema_class(self.kind)(clock=self.clock, round_kg=self.round_kg)
        return RowReader(schema, {name: place for place, name in enumerate(self.names)})

    def begins(self, name: str, word: str) -> bool:
        """Whether a text of the column `name` begins with `word`."""
        return any(
            text.startswith(word)
            for _, typed in self.chunks
            for text in set(texts_of(typed, name, np.arange(len(typed.sound))))
        )

    def parsed(self) -> ParsedRows:
        """Every row by itself, against the contract of the kind; see `rows.load_rows`."""
        reader = self.reader()
        rows: list[ParsedRow] = []
        issues: list[RowIssue] = []
        with no_collecting():
            for chunk, typed in self.chunks:
                issues += chunk.issues
                _read(chunk, typed, reader, self.round_kg, rows, issues)
        issues.sort(key=lambda issue: (issue.line, issue.field))
        return ParsedRows(self.kind, rows, issues, reader.rounded_rows, reader.rounded_kg)


def read_chunks(
    kind: str,
    columns: Sequence[str],
    chunks: Iterable[TextChunk],
    *,
    round_kg: bool = False,
    today: date,
    now: datetime | None = None,
) -> ReadChunks:
    """Read every cell of a file; columns: those of every frame, in its order.

    What `chunks` raise goes on.
    """
    found = ReadChunks(kind, tuple(columns), Clock(today, now), round_kg, [])
    schema = schema_class(kind)(clock=found.clock, round_kg=round_kg)
    typed_columns = _columns(schema.cell_fields())
    with no_collecting():
        found.chunks.extend((chunk, typed_columns.read(chunk.frame)) for chunk in chunks)
    return found


_MEASURES: dict[str, dict[str, Measure]] = {
    "date": {"day": lambda _, value: value.toordinal()},
    "tonnes": {"kg": lambda _, value: int(value)},
}
"""Column → what is asked of its values in columns, both columns being required."""


def texts_of(typed: TypedChunk, name: str, rows: Ints) -> list[str]:
    """What the text column `name` says in `rows` (ascending), "" for nothing."""
    found = typed.texts[name].texts(rows)
    return [found] * len(rows) if isinstance(found, str) else found


def _columns(items: Mapping[str, CellField]) -> Columns:
    typed = {
        name: _MEASURES.get(name, {})
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
