"""Cells of text tables: the shared `Table`, CSV writing, and the guard against formulas.

Spreadsheets run a cell that begins with = + - @ (also full-width), tab or line break.  Such text
is written with a leading apostrophe and loses it when it is read; plain numbers stay as they are.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Final

from msgspec import Struct, field

from wasteflow.core.errors import RowIssue

_GUARDED: Final = re.compile(r"'+[=+\-@＝＋－＠\t\r\n]")
_RISKY: Final = re.compile(r"'*[=+\-@＝＋－＠\t\r\n]")
_PLAIN_NUMBER: Final = re.compile(r"[+-]?[0-9]+(\.[0-9]*)?\Z")


class Table(Struct, frozen=True):
    """A table of text as read from a file.

    `columns` are the header cells as written (an errors column is taken out); `rows` are (line in
    the file, one cell per column); `broken` are rows whose number of cells is wrong, as written,
    and `issues` the reasons of these and of other rows that could not be read.
    """

    columns: tuple[str, ...]
    rows: list[tuple[int, list[str]]]
    encoding: str = "utf-8"
    filename: str = ""
    issues: tuple[RowIssue, ...] = ()
    broken: list[tuple[int, list[str]]] = field(default_factory=list)

    def records(self) -> Iterable[tuple[int, list[str]]]:
        """Every row in file order, broken ones as they are."""
        return sorted([*self.rows, *self.broken], key=lambda row: row[0])


def guard(text: str) -> str:
    """`text` as a cell that no spreadsheet runs; `unguard` undoes it exactly.

    >>> guard("=1+1"), guard("-5.000"), guard("-5+A1"), guard("云A12345")
    ("'=1+1", '-5.000', "'-5+A1", '云A12345')
    """
    if _RISKY.match(text) and not _PLAIN_NUMBER.match(text):
        return "'" + text
    return text


def unguard(cell: str) -> str:
    """The text behind a cell written by `guard`.

    >>> unguard(guard("'=x")), unguard("'quoted'")
    ("'=x", "'quoted'")
    """
    return cell[1:] if _GUARDED.match(cell) else cell


def cell_text(value: object) -> str:
    """A value as cell text: None is blank, truth is true/false, text is guarded."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return guard(str(value))


def write_csv(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """CSV text (comma, CRLF as RFC 4180) with a header line; every cell guarded."""
    return "".join(csv_lines(columns, rows))


def csv_lines(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[str]:
    """The lines of `write_csv`, one after the other."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    for row in chain([columns], rows):
        writer.writerow([cell_text(value) for value in row])
        yield out.getvalue()
        out.seek(0)
        out.truncate()
