"""A document of the office (bulletin, indicators) as a workbook: one sheet a table, A4 landscape.

Texts are written as texts, so that none can be a formula; numbers are numbers with the decimals
they are printed with.
"""

from __future__ import annotations

import io
from datetime import date
from typing import Any, Final

from wasteflow.core.office_tables import Cell, Document, Number, Table

FONT: Final = "宋体"
WIDEST, NARROWEST = 42, 10
MANY: Final = 10
"""Columns from which long headings are wrapped further, so that the print stays legible."""
WIDEST_WHY: Final = 30
"""A reason is wrapped where a number would stand."""
LINE: Final = 15
NO_FIGURE: Final = "–"
PAGE: Final = {"zh": "&C第 &P 页 共 &N 页", "en": "&Cpage &P of &N"}


def office_book(document: Document, lang: str = "zh") -> bytes:
    """The workbook of a document."""
    import xlsxwriter

    out = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    book = xlsxwriter.Workbook(out, options)
    book.set_properties({"title": document.title, "comments": document.mark})
    styles = Styles(book)
    for table in document.tables:
        _Sheet(book, styles, document, table, lang).write()
    book.close()
    return out.getvalue()


class Styles:
    """Formats of a workbook, made once each."""

    def __init__(self, book: Any) -> None:
        self.book = book
        line = {"border": 1, "valign": "vcenter", "font_name": FONT, "font_size": 10}
        self.line = line
        self.title = book.add_format(
            {"bold": True, "font_size": 16, "align": "center", "font_name": FONT}
        )
        self.plain = book.add_format({"font_name": FONT, "font_size": 10})
        self.lead = book.add_format(
            {"font_name": FONT, "font_size": 11, "text_wrap": True, "valign": "vcenter"}
        )
        self.unit = book.add_format({"font_name": FONT, "font_size": 10, "align": "right"})
        self.mark = book.add_format(
            {"bold": True, "font_color": "#9C5700", "bg_color": "#FFEB9C", "font_name": FONT}
        )
        self.note = book.add_format(
            {"font_name": FONT, "font_size": 9, "text_wrap": True, "valign": "vcenter"}
        )
        head = {"bold": True, "text_wrap": True, "align": "center", "bg_color": "#EDF3EF"}
        self.head = book.add_format({**line, **head})
        self.subtitle = book.add_format(
            {"bold": True, "font_size": 12, "align": "center", "font_name": FONT}
        )
        self.text = book.add_format({**line, "text_wrap": True, "num_format": "@", "indent": 1})
        self.total = book.add_format({**line, "bold": True, "num_format": "@", "indent": 1})
        self.day = book.add_format({**line, "num_format": "yyyy-mm-dd", "align": "center"})
        self.why = book.add_format(
            {**line, "font_color": "#777777", "align": "center", "text_wrap": True}
        )
        self._numbers: dict[tuple[int, bool], Any] = {}

    def number(self, places: int, bold: bool) -> Any:
        """A number with so many decimals."""
        key = places, bold
        if key not in self._numbers:
            shape = "#,##0" + ("." + "0" * places if places else "")
            self._numbers[key] = self.book.add_format(
                {**self.line, "num_format": shape, "bold": bold, "align": "right", "indent": 1}
            )
        return self._numbers[key]


class _Sheet:
    """One table on its sheet."""

    def __init__(
        self, book: Any, styles: Styles, document: Document, table: Table, lang: str
    ) -> None:
        self.sheet = book.add_worksheet(table.sheet[:31])
        self.styles, self.document, self.table, self.lang = styles, document, table, lang
        self.last = max(1, len(table.heads) - 1)
        self.widths = _widths(table)
        self.first = table is document.tables[0]

    def write(self) -> None:
        """Title, lines, head, rows, sums, notes, print set-up."""
        sheet, styles, table = self.sheet, self.styles, self.table
        sheet.merge_range(0, 0, 0, self.last, self.document.title, styles.title)
        sheet.set_row(0, LINE * 2)
        sheet.merge_range(1, 0, 1, self.last, table.title, styles.subtitle)
        sheet.set_row(1, LINE * 1.4)
        row = 2
        if self.first and self.document.lead:
            row = self._wrapped(row, self.document.lead, styles.lead, 10)
        for words in self.document.lines:
            sheet.write_string(row, 0, words, styles.plain)
            row += 1
        if self.document.mark:
            sheet.merge_range(row, 0, row, self.last, self.document.mark, styles.mark)
            row += 1
        if table.unit:
            sheet.write_string(row, self.last, table.unit, styles.unit)
            row += 1
        first = row
        row = self._head(row)
        sheet.repeat_rows(first, row - 1)
        sheet.freeze_panes(row, 1)
        for cells in table.rows:
            self._cells(row, cells, bold=False)
            row += 1
        if table.sums:
            self._cells(row, table.sums, bold=True)
            row += 1
        if not table.rows:
            sheet.merge_range(row, 0, row, self.last, table.empty or NO_FIGURE, styles.why)
            row += 1
        self._notes(row + 1)
        self._print()

    def _head(self, row: int) -> int:
        """The head in one or two rows; the row after it."""
        sheet, styles, table = self.sheet, self.styles, self.table
        for place, head in enumerate(table.heads):
            sheet.set_column(place, place, self.widths[place])
            if not table.grouped:
                sheet.write_string(row, place, head.name, styles.head)
        if not table.grouped:
            lines = (lines_of(h.name, w) for h, w in zip(table.heads, self.widths, strict=True))
            sheet.set_row(row, LINE * max(2, *lines) + 4)
            return row + 1
        for name, place, count in table.spans():
            if not table.heads[place].group:
                sheet.merge_range(row, place, row + 1, place, name, styles.head)
                continue
            if count > 1:
                sheet.merge_range(row, place, row, place + count - 1, name, styles.head)
            else:
                sheet.write_string(row, place, name, styles.head)
            for column in range(place, place + count):
                sheet.write_string(row + 1, column, table.heads[column].name, styles.head)
        sheet.set_row(row + 1, LINE * 3)
        return row + 2

    def _cells(self, row: int, cells: tuple[Cell, ...], *, bold: bool) -> None:
        sheet, styles = self.sheet, self.styles
        lines = 1
        for place, cell in enumerate(cells):
            if isinstance(cell, Number) and cell.text:
                style = styles.number(cell.places, bold)
                sheet.write_number(row, place, float(cell.text), style)
                continue
            if isinstance(cell, date):
                sheet.write_datetime(row, place, cell, styles.day)
                continue
            words = (cell.why or NO_FIGURE) if isinstance(cell, Number) else cell
            style = (
                styles.why if isinstance(cell, Number) else styles.total if bold else styles.text
            )
            sheet.write_string(row, place, words, style)
            lines = max(lines, lines_of(words, self.widths[place]))
        sheet.set_row(row, LINE * lines + 2)

    def _notes(self, row: int) -> None:
        """Notes over the whole width; those of the whole document stand on its first sheet."""
        whole = (*self.document.notes, *self.document.foot) if self.first else self.document.foot
        for words in (*self.table.notes, *whole):
            row = self._wrapped(row, words, self.styles.note, 9)

    def _wrapped(self, row: int, words: str, style: Any, size: int) -> int:
        """A text over the whole width, its row as high as it needs; the row after it."""
        self.sheet.merge_range(row, 0, row, self.last, words, style)
        lines = lines_of(words, sum(self.widths) * 10.5 / size)
        self.sheet.set_row(row, (size + 4) * lines + 3)
        return row + 1

    def _print(self) -> None:
        self.sheet.set_landscape()
        self.sheet.set_paper(9)
        self.sheet.fit_to_pages(1, 0)
        self.sheet.center_horizontally()
        self.sheet.set_margins(left=0.4, right=0.4, top=0.5, bottom=0.6)
        self.sheet.set_footer(PAGE.get(self.lang, PAGE["en"]))


def columns_of(words: str) -> int:
    """Width of a text in characters; a Chinese one takes two.

    >>> columns_of("吨 t")
    4
    """
    return sum(2 if ord(letter) > 255 else 1 for letter in words)


def lines_of(words: str, width: float) -> int:
    """Lines a text takes in a column of so many characters."""
    return max(1, -(-columns_of(words) // max(1, int(width) - 1)))


def _widths(table: Table) -> list[float]:
    """Width of every column by its longest cell and half its heading, within what a page bears."""
    found = []
    wide = len(table.heads) >= MANY and not table.grouped
    for place, head in enumerate(table.heads):
        cells = [*(row[place] for row in table.rows), *(table.sums[place : place + 1])]
        texts = [cell.text if isinstance(cell, Number) else str(cell) for cell in cells]
        whys = [cell.why for cell in cells if isinstance(cell, Number)]
        longest = max(
            NARROWEST + 2 if wide else columns_of(head.name) / 2 + 2,
            *(columns_of(text) + 2 for text in texts),
            *(min(columns_of(why) + 2, WIDEST_WHY) for why in whys),
            0,
        )
        found.append(min(max(longest, NARROWEST), WIDEST))
    return found
