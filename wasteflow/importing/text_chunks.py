"""A file as a stream of text columns in bounded memory; the same rows and refusals as `read_table`.

Regular lines are cut by polars after their delimiters were counted; quotes, guards, blank lines and
odd line ends by the csv reader of `csv_tables`.  A file that is unusual as a whole goes through
`read_table`, which words every reason why a file is unusable.
"""

from __future__ import annotations

import hashlib
import mmap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path, PurePath
from typing import Any, BinaryIO, Final

import numpy as np
import polars as pl
from msgspec import Struct

from wasteflow.core.errors import RowIssue, UnusableFile
from wasteflow.importing.csv_tables import (
    MAX_COLUMNS,
    Record,
    header_cells,
    known_names,
    records,
    sniff_delimiter,
    sort_records,
)
from wasteflow.importing.encodings import check_magic, looks_like_utf8, wanted_encoding
from wasteflow.importing.line_source import Feed, Lines, pieces, regular_block
from wasteflow.importing.reading import MAX_BYTES, read_table
from wasteflow.schemas.ahead import ahead
from wasteflow.schemas.cells import Table
from wasteflow.schemas.columns import TextChunk
from wasteflow.schemas.dictionary import is_error_column
from wasteflow.schemas.headers import match_header

CHUNK_ROWS: Final = 50_000
_HEAD: Final = 4096
_MORE: Final = 1000
_SHORT: Final = 5
"""The first chunk of many is one in so many of the others."""
_UTF8_MARK: Final = b"\xef\xbb\xbf"
_UTF16_MARKS: Final = (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True, slots=True)
class TextFile:
    """A usable file: its header as written, how it is read and how long it is.

    `columns` are the header cells without those of an errors file; `places` maps the columns of
    the contract to positions in `header`; `lines` counts line ends, for progress.
    """

    path: Path
    filename: str
    header: tuple[str, ...]
    places: Mapping[str, int]
    encoding: str
    sha256: str
    lines: int
    rows: int
    mark: int = 0
    table: Table | None = field(default=None, repr=False)

    @property
    def columns(self) -> tuple[str, ...]:
        """The header cells that are not reasons of an errors file."""
        return tuple(name for name in self.header if not is_error_column(name))

    @property
    def issues(self) -> tuple[RowIssue, ...]:
        """Why rows could not be read; of a stream they come with its chunks."""
        return self.table.issues if self.table is not None else ()

    def records(self) -> Iterator[Record]:
        """Every row with its line in file order, as `read_table` gives them: the file again."""
        if self.table is not None:
            yield from self.table.records()
            return
        begun = _begin(self.path, self.filename, self.encoding, self.mark)
        assert begun is not None
        width = len(self.header)
        drop = [place for place, name in enumerate(self.header) if is_error_column(name)]
        found = records(Feed(begun.source, b""), begun.delimiter, self.filename, begun.lines)
        while some := list(islice(found, _MORE)):
            good: list[Record] = []
            broken: list[Record] = []
            sort_records(some, begun.delimiter, width, good, broken)
            for _, cells in good:
                for place in reversed(drop):
                    del cells[place]
            yield from sorted(good + broken, key=lambda row: row[0])

    def chunks(self) -> Iterator[TextChunk]:
        """The rows in file order, about `rows` at a time; of a longer file a fifth of it first.

        Raises UnusableFile `bad_quotes` or `cell_too_long` when it comes to such a line.
        """
        if self.table is not None:
            return table_chunks(self.table, self.places, self.rows)
        return ahead(self._stream())

    def _stream(self) -> Iterator[TextChunk]:
        begun = _begin(self.path, self.filename, self.encoding, self.mark)
        assert begun is not None  # the same file had a header when it was opened
        source, delimiter, number = begun.source, begun.delimiter, begun.lines
        width, rows = len(self.header), self.rows
        if self.lines > rows:  # a short one first: whoever writes need not wait for a whole one
            rows = max(rows // _SHORT, 1)
        while block := source.take(rows):
            rows = self.rows
            frame = _cut(block, delimiter, width, self.places)
            if frame is not None:
                yield TextChunk(frame, _numbers(number + 1, frame.height))
                number += frame.height
                continue
            feed = Feed(source, block)
            good: list[Record] = []
            found = feed.until_dry(records(feed, delimiter, self.filename, number))
            issues = sort_records(found, delimiter, width, good, [])
            number += feed.given
            if good or issues:
                lines = np.array([line for line, _ in good], np.int64)
                yield TextChunk(_frame(good, self.places), lines, tuple(issues))


def open_text(
    path: Path,
    kind: str,
    filename: str = "",
    encoding: str | None = None,
    *,
    rows: int = CHUNK_ROWS,
    max_bytes: int = MAX_BYTES,
) -> TextFile:
    """Look a file of `kind` over once: encoding, header, sha256.

    Raises UnusableFile as `read_table` and `match_header` do; what only shows in a later line
    (`bad_quotes`, `cell_too_long`) is raised by `TextFile.chunks`.
    """
    name = filename or path.name
    survey = _survey(path, name, encoding, max_bytes)
    if survey is not None:
        begun = _begin(path, name, survey.encoding, survey.mark)
        if begun is not None and (places := _places(kind, begun.header)) is not None:
            return TextFile(
                path,
                name,
                begun.header,
                places,
                survey.encoding,
                survey.sha256,
                survey.lines,
                rows,
                survey.mark,
            )
    table = read_table(path, name, encoding, max_bytes=max_bytes)
    places = match_header(kind, table.columns)
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    lines = len(table.rows) + len(table.broken)
    return TextFile(
        path, name, table.columns, places, table.encoding, digest, lines, rows, table=table
    )


def table_chunks(table: Table, places: Mapping[str, int], rows: int) -> Iterator[TextChunk]:
    """The rows of a table that was read whole; rows that have an issue are left out."""
    refused = {issue.line for issue in table.issues}
    good = [row for row in table.rows if row[0] not in refused]
    for start in range(0, max(len(good), 1), rows):
        some = good[start : start + rows]
        lines = np.array([line for line, _ in some], np.int64)
        yield TextChunk(_frame(some, places), lines, () if start else tuple(table.issues))


def usable_encoding(path: Path, name: str, encoding: str | None = None) -> str | None:
    """Encoding of a delimited file without reading it into memory; None if it is an unusual one."""
    survey = _survey(path, name, encoding, 1 << 62)
    return None if survey is None else survey.encoding


# --- looking a file over ---------------------------------------------------------------------


class _Survey(Struct, frozen=True):
    """What one pass over a delimited text file tells; `mark` bytes before the text."""

    encoding: str
    mark: int
    sha256: str
    lines: int


def _survey(path: Path, name: str, encoding: str | None, max_bytes: int) -> _Survey | None:
    """The survey of a delimited UTF-8 or GB18030 file; None: `read_table` shall decide."""
    try:
        if path.stat().st_size > max_bytes or PurePath(name).suffix.lower() == ".json":
            return None
        wanted = wanted_encoding(encoding)
        with path.open("rb") as file:
            head = file.read(_HEAD)
            check_magic(head, name)
            mark = len(_UTF8_MARK) if head.startswith(_UTF8_MARK) else 0
            odd = head.startswith(_UTF16_MARKS) or wanted == "utf-16"
            if odd or (mark and wanted == "gb18030") or head[mark:].lstrip()[:1] in (b"[", b"{"):
                return None
            file.seek(0)
            return _scan(file, wanted, mark)
    except (OSError, UnusableFile):
        return None


def _scan(file: BinaryIO, wanted: str | None, mark: int) -> _Survey | None:
    """Hash, line count and encoding; None for control characters and for bytes no one knows."""
    digest = hashlib.sha256()
    lines = offset = 0
    bad_at = 0 if wanted == "gb18030" else -1
    for piece in ahead(_hashed(file, digest)):  # reading and hashing take as long as looking
        bytes_ = np.frombuffer(piece, np.uint8)
        ends = np.count_nonzero(bytes_ == 10)
        spaces = ends + sum(piece.count(space) for space in (b"\t", b"\r") if space in piece)
        if b"\x7f" in piece or np.count_nonzero(bytes_ < 32) != spaces:
            return None
        if bad_at < 0 and (start := _bad_utf8(piece)) >= 0:
            bad_at = offset + start
        offset += len(piece)
        lines += int(ends)
    if bad_at < 0:
        return _Survey("utf-8", mark, digest.hexdigest(), lines)
    if wanted != "gb18030":
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            if mark or wanted == "utf-8" or looks_like_utf8(data, bad_at):
                return None
    file.seek(0)
    try:
        for piece in pieces(file):
            piece.decode("gb18030")
    except UnicodeDecodeError:
        return None
    return _Survey("gb18030", 0, digest.hexdigest(), lines)


def _hashed(file: BinaryIO, digest: Any) -> Iterator[bytes]:
    for piece in pieces(file):
        digest.update(piece)
        yield piece


def _bad_utf8(piece: bytes) -> int:
    """Where the first byte lies that is not UTF-8, -1 if there is none."""
    try:
        pl.Series([piece], dtype=pl.Binary).cast(pl.String)  # a tenth of the time of decode
    except pl.exceptions.ComputeError:
        try:
            piece.decode("utf-8")
        except UnicodeDecodeError as error:
            return error.start
    return -1


class _Begun(Struct, frozen=True):
    """A file read up to the end of its header."""

    source: Lines
    delimiter: str
    header: tuple[str, ...]
    lines: int


def _begin(path: Path, name: str, encoding: str, mark: int) -> _Begun | None:
    """The file behind its header; None for a header that `read_table` shall judge."""
    source = Lines(_utf8_pieces(path, encoding, mark))
    block = b""
    while not block.decode().strip():
        line = source.take(1)
        if not line:
            return None
        block += line
    feed = Feed(source, block)
    first = next(line for line in feed.queue if line.strip())
    tab = PurePath(name).suffix.lower() in (".tsv", ".tab")
    delimiter = "\t" if tab else sniff_delimiter(first)
    try:
        _, cells = next(records(feed, delimiter, name), (0, []))
    except UnusableFile:
        return None
    if len(cells) > MAX_COLUMNS or not known_names(cells):
        return None
    source.give_back("".join(feed.queue).encode())
    return _Begun(source, delimiter, header_cells(cells), feed.given)


def _places(kind: str, header: Sequence[str]) -> dict[str, int] | None:
    """Positions of the columns of `kind` in the whole header; None if `match_header` refuses."""
    try:
        return match_header(kind, header)
    except UnusableFile:
        return None


def _utf8_pieces(path: Path, encoding: str, mark: int) -> Iterator[bytes]:
    """The text of the file in UTF-8, without its mark, in pieces of whole lines."""
    with path.open("rb") as file:
        file.seek(mark)
        for piece in pieces(file):
            yield piece if encoding == "utf-8" else piece.decode(encoding).encode()


# --- rows to frames --------------------------------------------------------------------------


def _cut(
    block: bytes, delimiter: str, width: int, places: Mapping[str, int]
) -> pl.DataFrame | None:
    """The columns of a block whose lines are all regular, else None."""
    plain = regular_block(block, delimiter, width)
    if plain is None:
        return None
    schema = {str(place): pl.String for place in range(width)}
    try:
        frame = pl.read_csv(
            plain, has_header=False, separator=delimiter, quote_char=None, schema=schema
        )
    except pl.exceptions.ComputeError:  # a line with more cells; so another has fewer
        return None
    return frame.select(pl.col(str(place)).alias(name) for name, place in places.items())


def _frame(rows: Sequence[Record], places: Mapping[str, int]) -> pl.DataFrame:
    columns = {name: [cells[place] for _, cells in rows] for name, place in places.items()}
    return pl.DataFrame(columns, schema=dict.fromkeys(places, pl.String))


def _numbers(first: int, count: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return np.arange(first, first + count, dtype=np.int64)
