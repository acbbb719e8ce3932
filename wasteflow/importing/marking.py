"""The user's own file back: reasons in a last column, bad cells marked, the rest as it was."""

from __future__ import annotations

import csv
import logging
import re
from collections.abc import Iterable, Mapping
from datetime import date
from math import isfinite
from pathlib import Path
from typing import Any, Final

from msgspec import Struct

from wasteflow.core.errors import RowIssue
from wasteflow.core.messages import render
from wasteflow.importing.layout import Layout
from wasteflow.importing.opening import Source
from wasteflow.importing.sheets import plain_text
from wasteflow.schemas.cells import guard
from wasteflow.schemas.dictionary import ERROR_COLUMNS, columns_of, is_error_column

MARKED_BYTES: Final = 24 * 1024 * 1024
"""Most inflated bytes of an XLSX that is opened as a workbook and marked itself: it then takes
about 0.5 GB of memory.  Of a larger one, and of XLS and ODS, the values are written anew."""
_CELL_CHARS: Final = 32_767
_FIRST_DAY: Final = date(1900, 3, 1)  # before it the days of spreadsheets are not those of people
_ILLEGAL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_NO_SHEET_NAME: Final = re.compile(r"[\[\]:*?/\\]|^'|'$")
_log = logging.getLogger("wasteflow.importing")
_FILL: Final = "FFFFC7CE"


def reasons_of(kind: str, issues: Iterable[RowIssue], lang: str) -> dict[int, str]:
    """Row → its reasons in one text, each with the title of its column."""
    titles = {item.name: item.label_zh if lang == "zh" else item.name for item in columns_of(kind)}
    found: dict[int, list[str]] = {}
    for issue in issues:
        text = render(
            issue.code, lang, {"field": issue.field, "value": issue.value, **issue.params}
        )
        title = titles.get(issue.field, issue.field)
        mark = "：" if lang == "zh" else ": "
        found.setdefault(issue.line, []).append(f"{title}{mark}{text}" if title else text)
    return {line: "; ".join(dict.fromkeys(texts)) for line, texts in found.items()}


class Marked(Struct, frozen=True):
    """The file to give back; `whole` False: values and reasons alone, without the user's layout."""

    path: Path
    name: str
    encoding: str
    whole: bool = True


def mark_file(
    path: Path, source: Source, layout: Layout, issues: list[RowIssue], lang: str, folder: Path
) -> Marked:
    """Give the file back with its reasons: CSV stays CSV in its encoding, a spreadsheet an XLSX.

    A workbook that is large, of another format or too strange to be changed is written anew.
    """
    reasons = reasons_of(layout.kind, issues, lang)
    stem = Path(source.name).stem
    if source.ragged:
        out = folder / "errors.csv"
        encoding = "utf-8-sig" if source.encoding == "utf-8" else source.encoding
        _write_text(source, layout, reasons, lang, out, encoding)
        return Marked(out, f"{stem}.errors.csv", encoding)
    out = folder / "errors.xlsx"
    places = {name: place for place, name in enumerate(layout.columns) if name}
    bad = {(issue.line, places[issue.field]) for issue in issues if issue.field in places}
    small = source.name.lower().endswith(".xlsx") and source.inflated <= MARKED_BYTES
    whole = small and _marked(path, layout, reasons, bad, lang, out)
    if not whole:
        _write_book(source, layout, reasons, bad, lang, out)
    return Marked(out, f"{stem}.errors.xlsx", "", whole)


def _marked(
    path: Path,
    layout: Layout,
    reasons: Mapping[int, str],
    bad: set[tuple[int, int]],
    lang: str,
    out: Path,
) -> bool:
    """Whether the workbook itself could be marked; what was read once may still not be written."""
    try:
        _mark_book(path, layout, reasons, bad, lang, out)
    except Exception:  # of many kinds: charts, styles and names of workbooks of any program
        _log.warning("%s cannot be marked, its values are written anew", path.name, exc_info=True)
        return False
    return True


def _write_text(
    source: Source,
    layout: Layout,
    reasons: Mapping[int, str],
    lang: str,
    out: Path,
    encoding: str,
) -> None:
    label = ERROR_COLUMNS[1 if lang == "zh" else 0]
    drop = [place for place, title in enumerate(layout.header) if is_error_column(title)]
    with out.open("w", encoding=encoding, newline="", errors="replace") as file:
        writer = csv.writer(file, lineterminator="\r\n")
        for number, row in source.rows(layout.sheet):
            cells = [cell for place, cell in enumerate(row) if place not in drop]
            last = label if number == layout.header_row else reasons.get(number, "")
            if number >= layout.header_row:
                width = len(layout.header) - len(drop)
                while len(cells) > width and not cells[-1]:
                    cells.pop()
                cells.append(last)
            writer.writerow([guard(str(cell)) for cell in cells])


def _mark_book(
    path: Path,
    layout: Layout,
    reasons: Mapping[int, str],
    bad: set[tuple[int, int]],
    lang: str,
    out: Path,
) -> None:
    from openpyxl import load_workbook
    from openpyxl.styles import PatternFill

    book = load_workbook(path)
    sheet = book[layout.sheet]
    last = _reason_place(layout) + 1
    for merged in list(sheet.merged_cells.ranges):  # a merged cell takes no reason of its own
        if merged.min_col <= last <= merged.max_col and merged.max_row >= layout.header_row:
            sheet.unmerge_cells(merged.coord)
    fill = PatternFill("solid", fgColor=_FILL)
    sheet.cell(layout.header_row, last, ERROR_COLUMNS[1 if lang == "zh" else 0])
    for (row,) in sheet.iter_rows(min_row=layout.header_row + 1, min_col=last, max_col=last):
        if getattr(row, "value", None) and row.row not in reasons:
            row.value = None
    for number, text in reasons.items():
        cell = sheet.cell(number, last, _cell_text(text))
        cell.data_type, cell.fill = "s", fill  # a reason may begin with what the user typed
    for number, place in bad:
        sheet.cell(number, place + 1).fill = fill
    book.save(out)


def _reason_place(layout: Layout) -> int:
    """Position of the reason column: where it was, else behind the header."""
    for place, title in enumerate(layout.header):
        if is_error_column(title):
            return place
    return len(layout.header)


def _write_book(
    source: Source,
    layout: Layout,
    reasons: Mapping[int, str],
    bad: set[tuple[int, int]],
    lang: str,
    out: Path,
) -> None:
    import xlsxwriter

    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(str(out), options) as book:
        red = book.add_format({"bg_color": "#FFC7CE"})
        day = book.add_format({"num_format": "yyyy-mm-dd hh:mm"})
        sheet = book.add_worksheet(_NO_SHEET_NAME.sub("_", layout.sheet)[:31] or None)
        last = _reason_place(layout)
        for number, cells in source.rows(layout.sheet):
            for place, value in enumerate(cells):
                if place == last and number >= layout.header_row:
                    continue
                mark = red if (number, place) in bad else None
                _put(sheet, number - 1, place, value, mark, day)
            if number == layout.header_row:
                sheet.write_string(number - 1, last, ERROR_COLUMNS[1 if lang == "zh" else 0])
            elif number in reasons:
                sheet.write_string(number - 1, last, _cell_text(reasons[number]), red)


def _cell_text(text: str) -> str:
    """A text a cell of XLSX can hold: a control character is shown, not written."""
    return _ILLEGAL.sub(lambda found: f"\\x{ord(found.group()):02x}", text)[:_CELL_CHARS]


def _put(sheet: Any, row: int, column: int, value: Any, mark: Any, day: Any) -> None:
    if value == "" and mark is None:
        return
    if isinstance(value, bool) or value == "":
        sheet.write(row, column, value, mark)
    elif isinstance(value, int | float) and isfinite(value):
        sheet.write_number(row, column, value, mark)
    elif isinstance(value, date) and date(value.year, value.month, value.day) >= _FIRST_DAY:
        sheet.write_datetime(row, column, value, mark or day)
    else:
        sheet.write_string(row, column, _cell_text(plain_text(value)), mark)
