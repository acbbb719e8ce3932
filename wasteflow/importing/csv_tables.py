"""Delimited text to a `Table`: delimiter, header line, quoted line breaks, cells per row."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Final

from wasteflow.core.errors import RowIssue, UnusableFile
from wasteflow.schemas.cells import Table, unguard
from wasteflow.schemas.dictionary import all_headers, header_key, is_error_column

MAX_COLUMNS: Final = 200
_DELIMITERS: Final = ",;\t"
_TITLE_LINES: Final = 10

Record = tuple[int, list[str]]
"""Line of the file on which a row begins, and its cells."""


def parse_csv(text: str, filename: str, encoding: str, *, tab: bool = False) -> Table:
    """The table in delimited `text`; the delimiter (, ; or tab) is that of the header line.

    Rows of blanks are passed over; a row with too few or too many cells becomes an issue.
    Raises UnusableFile: `empty_file`, `header_not_first`, `too_many_columns`, `bad_quotes`,
    `cell_too_long`.
    """
    first = next((line for line in io.StringIO(text, newline="") if line.strip()), "")
    if not first:
        raise UnusableFile("empty_file", file=filename)
    delimiter = "\t" if tab else sniff_delimiter(first)
    lines = records(io.StringIO(text, newline=""), delimiter, filename)
    header_line, header = next(lines, (0, []))
    if not header:
        raise UnusableFile("empty_file", file=filename)
    _check_header(text, header_line, header, filename)
    names = header_cells(header)
    table = Table(names, [], encoding, filename)
    guarded = "'" in text
    issues = sort_records(lines, delimiter, len(names), table.rows, table.broken, guarded=guarded)
    return without_error_columns(table, issues)


def header_cells(header: Sequence[str]) -> tuple[str, ...]:
    """The names in a header line, without blank cells behind the last one."""
    names = [name.strip() for name in header]
    while names and not names[-1]:
        names.pop()
    return tuple(names)


def sort_records(
    lines: Iterable[Record],
    delimiter: str,
    width: int,
    rows: list[Record],
    broken: list[Record],
    *,
    guarded: bool = True,
) -> list[RowIssue]:
    """Put records of `width` cells into `rows`, others into `broken`; an issue for each of these.

    Guards are taken off (`guarded`: whether there may be any); blank cells behind the last column
    do not count.
    """
    issues: list[RowIssue] = []
    for line, cells in lines:
        if guarded:
            cells = [unguard(cell) for cell in cells]
        if len(cells) > width and not any(cell.strip() for cell in cells[width:]):
            del cells[width:]
        if len(cells) == width:
            rows.append((line, cells))
        else:
            params = {"expected": str(width), "found": str(len(cells))}
            shown = delimiter.join(cells)[:200]
            issues.append(RowIssue(line, "", shown, "wrong_field_count", params))
            broken.append((line, cells))
    return issues


def sniff_delimiter(line: str) -> str:
    """The delimiter used most often outside quotes in `line`; a comma if there is none.

    >>> sniff_delimiter('doc_no;"a,b,c";tonnes')
    ';'
    """
    plain = "".join(line.split('"')[::2])
    return max(_DELIMITERS, key=plain.count)


def records(
    lines: Iterable[str], delimiter: str, filename: str, lines_before: int = 0
) -> Iterator[Record]:
    """(line on which it begins, cells) of every row of text `lines` that is not blank.

    The first of `lines` has number `lines_before` + 1.  Raises UnusableFile `bad_quotes`,
    `cell_too_long`.
    """
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    while True:
        start = lines_before + reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            code = "cell_too_long" if "field limit" in str(error) else "bad_quotes"
            limit = csv.field_size_limit()
            raise UnusableFile(code, file=filename, line=start, limit=limit) from error
        if any(cell and not cell.isspace() for cell in cells):
            yield start, cells


def _check_header(text: str, header_line: int, header: Sequence[str], filename: str) -> None:
    """Refuse a header with too many columns, or a title line above the real header."""
    if len(header) > MAX_COLUMNS:
        raise UnusableFile("too_many_columns", file=filename, count=len(header), limit=MAX_COLUMNS)
    if known_names(header):
        return
    for number, line in enumerate(
        islice(io.StringIO(text, newline=""), header_line + _TITLE_LINES), start=1
    ):
        if number > header_line:
            cells = line.replace('"', "").split(sniff_delimiter(line))
            if known_names(cells) >= min(2, len(cells)):
                raise UnusableFile("header_not_first", file=filename, line=number)


def known_names(cells: Sequence[str]) -> int:
    """How many cells are column names of some kind."""
    return sum(header_key(cell) in all_headers() for cell in cells)


def without_error_columns(table: Table, issues: Sequence[RowIssue]) -> Table:
    """The table with `issues` and without the reason columns of an errors file."""
    drop = [index for index, name in enumerate(table.columns) if is_error_column(name)]
    for index in reversed(drop):
        for _, cells in table.rows:
            del cells[index]
    columns = tuple(name for index, name in enumerate(table.columns) if index not in drop)
    return Table(columns, table.rows, table.encoding, table.filename, tuple(issues), table.broken)
