"""A JSON list of flat objects to a `Table`, with the line of every object."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from json import JSONDecodeError, JSONDecoder
from typing import Any, Final

from wasteflow.core.errors import RowIssue, UnusableFile
from wasteflow.importing.csv_tables import MAX_COLUMNS, without_error_columns
from wasteflow.schemas.cells import Table
from wasteflow.schemas.dictionary import header_key, tonnes_headers

_SPACE: Final = re.compile(r"[ \t\r\n]*")
_SURROGATE: Final = re.compile("[\ud800-\udfff]")


class _Number(str):
    """The text of a JSON number, told apart from a string."""


class _Pairs(list[tuple[str, Any]]):
    """The members of a JSON object in order, repetitions included."""


def parse_json(text: str, filename: str) -> Table:
    """The table in a JSON list of flat objects; absent members and null are blank.

    Numbers keep their digits; in a column of tonnes a number is an issue (tonnes are strings).
    Raises UnusableFile `bad_json`, `empty_file`, `too_many_columns`.
    """
    if not text.strip():
        raise UnusableFile("empty_file", file=filename)
    objects: list[tuple[int, dict[str, str]]] = []
    issues: list[RowIssue] = []
    columns: dict[str, None] = {}
    for line, item in _elements(text, filename):
        cells, issue = _cells(line, item)
        columns.update(dict.fromkeys(cells))
        if len(columns) > MAX_COLUMNS:
            raise UnusableFile(
                "too_many_columns", file=filename, count=len(columns), limit=MAX_COLUMNS
            )
        objects.append((line, cells))
        if issue:
            issues.append(issue)
    names = tuple(columns)
    rows = [(line, [cells.get(name, "") for name in names]) for line, cells in objects]
    if not rows:
        raise UnusableFile("empty_file", file=filename)
    return without_error_columns(Table(names, rows, "utf-8", filename), issues)


def _elements(text: str, filename: str) -> Iterator[tuple[int, Any]]:
    """(line, value) of every element of the list that `text` is."""
    decoder = JSONDecoder(
        object_pairs_hook=_Pairs, parse_float=_Number, parse_int=_Number, parse_constant=_Number
    )
    counted = line = 0

    def fail(why: str, at: int) -> UnusableFile:
        return UnusableFile("bad_json", file=filename, line=text.count("\n", 0, at) + 1, why=why)

    place = _skip(text, 0)
    if text[place : place + 1] != "[":
        raise fail("no list", place)
    place = _skip(text, place + 1)
    if text[place : place + 1] == "]":
        place += 1
    else:
        while True:
            line += text.count("\n", counted, place)
            counted = place
            try:
                item, place = decoder.raw_decode(text, place)
            except JSONDecodeError as error:
                raise fail(error.msg, error.pos) from error
            except RecursionError as error:
                raise fail("nested too deeply", place) from error
            yield line + 1, item
            place = _skip(text, place)
            mark = text[place : place + 1]
            place = _skip(text, place + 1)
            if mark == "]":
                break
            if mark != ",":
                raise fail("no comma or ] after an element", min(place, len(text)))
    if _skip(text, place) != len(text):
        raise fail("text after the list", place)


def _skip(text: str, place: int) -> int:
    found = _SPACE.match(text, min(place, len(text)))
    return found.end() if found else place


def _cells(line: int, item: Any) -> tuple[dict[str, str], RowIssue | None]:
    """Cell texts of one element by column, and why it cannot be taken."""
    if not isinstance(item, _Pairs):
        return {}, RowIssue(line, "", _plain(item)[:200], "not_an_object")
    cells: dict[str, str] = {}
    issue: RowIssue | None = None
    for name, value in item:
        text = _plain(value)
        code = _fault(name, value, name in cells)
        if code and issue is None:
            issue = RowIssue(line, name, text[:200], code, {"key": name})
        cells[name] = text
    return cells, issue


def _fault(name: str, value: Any, repeated: bool) -> str:
    if repeated:
        return "duplicate_key"
    if isinstance(value, list):
        return "nested_value"
    if isinstance(value, _Number) and header_key(name) in tonnes_headers():
        return "mass_as_json_number"
    return ""


def _plain(value: Any) -> str:
    """A JSON value as cell text."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return _SURROGATE.sub("\ufffd", value)
    return json.dumps(value, ensure_ascii=True)
