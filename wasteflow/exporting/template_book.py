"""A workbook to fill in, per kind: headers in both languages, lists, checks, notes."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Final

from wasteflow.core.vocabulary import LABELS
from wasteflow.schemas.dictionary import Column, columns_of

ROWS: Final = 2000
"""Rows below the header that carry lists and checks."""
HEADER_ROW: Final = 2
_LISTS, _DATA, _NOTES = "lists", "填报 data", "说明 notes"
_FIRST, _LAST = date(1950, 1, 1), date(2099, 12, 31)
_EXAMPLES: Final[Mapping[str, str]] = {
    "doc": "YD-2026-0001",
    "code": "code.1",
    "party": "某某化工有限公司",
    "ref": "",
    "tonnes": "31.48",
    "day": "2026-07-01",
    "moment": "2026-07-01 08:30",
    "moisture": "15.5",
    "percent": "30",
    "name": "名称",
    "year": "2026",
    "count": "1",
}


def template_book(kind: str, choices: Mapping[str, Sequence[str]], title: str = "") -> bytes:
    """The XLSX to fill in for `kind`; choices: column → what may be chosen there.

    The example row begins with 示例 and is never imported.  Lists of any length stand on a hidden
    sheet under a name: a list inside a cell's check stops at 255 characters.
    """
    import xlsxwriter

    out = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(out, options) as book:
        book.set_properties({"title": title or f"wasteflow {kind}"})
        sheet = book.add_worksheet(_DATA)
        sheet.set_landscape()
        sheet.fit_to_pages(1, 0)
        notes = book.add_worksheet(_NOTES)
        lists = book.add_worksheet(_LISTS)
        lists.hide()
        columns = columns_of(kind)
        offered = {**_words(columns), **{n: list(v) for n, v in choices.items() if v}}
        named = _write_lists(book, lists, columns, offered)
        _write_head(book, sheet, kind, columns, offered)
        for place, column in enumerate(columns):
            _check(sheet, place, column, named.get(column.name, ""))
        _write_notes(book, notes, columns)
    return out.getvalue()


def _words(columns: Sequence[Column]) -> dict[str, list[str]]:
    """The Chinese labels of closed words."""
    return {
        item.name: list(LABELS["yes_no" if item.type == "yes_no" else item.vocabulary].values())
        for item in columns
        if item.type == "yes_no" or item.vocabulary
    }


def _write_lists(
    book: Any, sheet: Any, columns: Sequence[Column], offered: Mapping[str, Sequence[str]]
) -> dict[str, str]:
    """Every list in a column of the hidden sheet; column → name it can be called by."""
    from xlsxwriter.utility import xl_col_to_name

    named = {}
    for place, column in enumerate(item for item in columns if item.name in offered):
        values = list(offered[column.name])
        sheet.write_string(0, place, column.name)
        for row, value in enumerate(values, start=1):
            sheet.write_string(row, place, value)
        letter = xl_col_to_name(place)
        named[column.name] = f"list_{column.name}"
        book.define_name(named[column.name], f"={_LISTS}!${letter}$2:${letter}${len(values) + 1}")
    return named


def _write_head(
    book: Any,
    sheet: Any,
    kind: str,
    columns: Sequence[Column],
    offered: Mapping[str, Sequence[str]],
) -> None:
    bold = book.add_format({"bold": True, "font_size": 14})
    soft = book.add_format({"font_color": "#555555"})
    must = {"bold": True, "text_wrap": True, "valign": "top", "border": 1, "bg_color": "#DDEEE4"}
    need, may = book.add_format(must), book.add_format({**must, "bg_color": "#EEF1EF"})
    grey = book.add_format({"font_color": "#888888", "italic": True})
    sheet.write_string(0, 0, f"wasteflow {kind} 填报模板", bold)
    sheet.write_string(
        1,
        0,
        "深色列必填；示例行不会导入，可删除。Dark columns are required; the example row is never "
        "imported.",
        soft,
    )
    for place, column in enumerate(columns):
        wide = max(14, 2 * len(column.label_zh) + 4)
        sheet.set_column(place, place, wide, _format(book, column))
        title = f"{column.label_zh}\n{column.name}"
        sheet.write_string(HEADER_ROW, place, title, need if column.required else may)
        example = (list(offered.get(column.name, [])) or [_EXAMPLES.get(column.type, "")])[0]
        sheet.write_string(HEADER_ROW + 1, place, f"示例 {example}" if not place else example, grey)
    sheet.set_row(HEADER_ROW, 34)
    sheet.freeze_panes(HEADER_ROW + 1, 1)


def _format(book: Any, column: Column) -> Any:
    """Cell format of a column: codes and plates stay text, days are shown as days."""
    if column.type == "day":
        return book.add_format({"num_format": "yyyy-mm-dd"})
    if column.type == "moment":
        return book.add_format({"num_format": "yyyy-mm-dd hh:mm"})
    if column.type == "tonnes":
        return book.add_format({"num_format": "#,##0.000"})
    if column.type in ("moisture", "percent", "decimal", "lon", "lat", "precision", "count"):
        return None
    return book.add_format({"num_format": "@"})


def _check(sheet: Any, place: int, column: Column, name: str) -> None:
    """The list or check of a column, from the row below the example on."""
    first, last = HEADER_ROW + 2, HEADER_ROW + 1 + ROWS
    rule: dict[str, Any] = {}
    if name:
        closed = column.type in ("word", "yes_no")
        rule = {
            "validate": "list",
            "source": f"={name}",
            "error_type": "stop" if closed else "warning",
            "error_title": column.label_zh[:32],
            "error_message": "请从列表中选择 · Choose from the list",
        }
    elif column.type == "tonnes":
        rule = {
            "validate": "decimal",
            "criteria": ">=",
            "value": 0,
            "error_title": column.label_zh[:32],
            "error_message": "应为不小于 0 的数字，单位吨 · A number of tonnes, 0 or more",
        }
    elif column.type in ("moisture", "percent"):
        rule = {
            "validate": "decimal",
            "criteria": "between",
            "minimum": 0,
            "maximum": 100,
            "error_title": column.label_zh[:32],
            "error_message": "应为 0 至 100 的数字（%） · A number from 0 to 100 (%)",
        }
    elif column.type in ("day", "moment"):
        rule = {
            "validate": "date",
            "criteria": "between",
            "minimum": _FIRST,
            "maximum": _LAST,
            "error_title": column.label_zh[:32],
            "error_message": "应为日期，如 2026-07-01 · A day such as 2026-07-01",
        }
    if rule:
        sheet.data_validation(first, place, last, place, {**rule, "ignore_blank": True})


def _write_notes(book: Any, sheet: Any, columns: Sequence[Column]) -> None:
    head = book.add_format({"bold": True})
    wrap = book.add_format({"text_wrap": True, "valign": "top"})
    titles = ("列 Column", "", "必填 Required", "单位 Unit", "说明", "Description")
    for place, title in enumerate(titles):
        sheet.write_string(0, place, title, head)
    sheet.set_column(0, 3, 16)
    sheet.set_column(4, 5, 60, wrap)
    for row, item in enumerate(columns, start=1):
        needed = "是 yes" if item.required else ""
        texts = (item.label_zh, item.name, needed, item.unit)
        for place, text in enumerate((*texts, item.description_zh, item.description_en)):
            sheet.write_string(row, place, text)
