"""The user's own file back: reasons in a last column, bad cells marked, the rest as it was."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from wasteflow.core.errors import RowIssue
from wasteflow.core.messages import render
from wasteflow.importing.layout import Layout
from wasteflow.importing.opening import Source
from wasteflow.importing.sheets import plain_text
from wasteflow.schemas.cells import guard
from wasteflow.schemas.dictionary import ERROR_COLUMNS, columns_of, is_error_column

MARKED_BYTES: Final = 8 * 1024 * 1024
"""Largest XLSX that is opened and marked itself; of a larger one, and of XLS and ODS, the values
are written anew."""
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


def mark_file(
    path: Path, source: Source, layout: Layout, issues: list[RowIssue], lang: str, folder: Path
) -> tuple[Path, str]:
    """(the marked file, its name): CSV stays CSV in its encoding, a spreadsheet an XLSX."""
    reasons = reasons_of(layout.kind, issues, lang)
    stem = Path(source.name).stem
    if source.ragged:
        out = folder / "errors.csv"
        _write_text(source, layout, reasons, lang, out)
        return out, f"{stem}.errors.csv"
    out = folder / "errors.xlsx"
    places = {name: place for place, name in enumerate(layout.columns) if name}
    bad = {(issue.line, places[issue.field]) for issue in issues if issue.field in places}
    own = source.name.lower().endswith(".xlsx") and path.stat().st_size <= MARKED_BYTES
    if own:
        _mark_book(path, layout, reasons, bad, lang, out)
    else:
        _write_book(source, layout, reasons, bad, lang, out)
    return out, f"{stem}.errors.xlsx"


def _write_text(
    source: Source, layout: Layout, reasons: Mapping[int, str], lang: str, out: Path
) -> None:
    encoding = "utf-8-sig" if source.encoding == "utf-8" else source.encoding
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
    fill = PatternFill("solid", fgColor=_FILL)
    sheet.cell(layout.header_row, last, ERROR_COLUMNS[1 if lang == "zh" else 0])
    for (row,) in sheet.iter_rows(min_row=layout.header_row + 1, min_col=last, max_col=last):
        if getattr(row, "value", None) and row.row not in reasons:
            row.value = None
    for number, text in reasons.items():
        sheet.cell(number, last, text).fill = fill
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
        sheet = book.add_worksheet(layout.sheet[:31] or None)
        last = _reason_place(layout)
        for number, cells in _rows(source, layout):
            for place, value in enumerate(cells):
                if place == last and number >= layout.header_row:
                    continue
                mark = red if (number, place) in bad else None
                _put(sheet, number - 1, place, value, mark, day)
            if number == layout.header_row:
                sheet.write_string(number - 1, last, ERROR_COLUMNS[1 if lang == "zh" else 0])
            elif number in reasons:
                sheet.write_string(number - 1, last, reasons[number], red)


def _rows(source: Source, layout: Layout) -> Iterator[tuple[int, list[Any]]]:
    yield from source.rows(layout.sheet)


def _put(sheet: Any, row: int, column: int, value: Any, mark: Any, day: Any) -> None:
    from datetime import date

    if value == "" and mark is None:
        return
    if isinstance(value, bool) or value == "":
        sheet.write(row, column, value, mark)
    elif isinstance(value, int | float):
        sheet.write_number(row, column, value, mark)
    elif isinstance(value, date):
        sheet.write_datetime(row, column, value, mark or day)
    else:
        sheet.write_string(row, column, plain_text(value), mark)
