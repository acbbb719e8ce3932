"""Documents of the office as plain data: tables with heads in one or two rows; nothing is drawn.

The workbook (`exporting.office_book`) and the page draw the same document, so that what is printed
is what is sent.
"""

from __future__ import annotations

from datetime import date
from typing import NamedTuple

from msgspec import Struct


class Number(NamedTuple):
    """A number of a cell as its decimal text; "" where there is none, with the reason."""

    text: str
    why: str = ""

    @property
    def places(self) -> int:
        """Decimals it is printed with."""
        return len(self.text.partition(".")[2])


Cell = str | Number | date


class Head(NamedTuple):
    """A column: its heading, the heading that spans it and its neighbours, a note mark behind."""

    name: str
    group: str = ""
    numeric: bool = False


class Table(Struct, frozen=True):
    """A table with its title, the unit line above it, its sum row and the lines below it.

    key: short name, of the sheet too; sheet: how its sheet is called.
    """

    key: str
    sheet: str
    title: str
    heads: tuple[Head, ...]
    rows: tuple[tuple[Cell, ...], ...]
    unit: str = ""
    sums: tuple[Cell, ...] = ()
    notes: tuple[str, ...] = ()
    empty: str = ""

    @property
    def grouped(self) -> bool:
        """Whether its head has two rows."""
        return any(head.group for head in self.heads)

    def spans(self) -> list[tuple[str, int, int]]:
        """(heading of the upper row, first column, columns), one per column without a group.

        >>> Table("t", "", "", (Head("a"), Head("b", "g"), Head("c", "g")), ()).spans()
        [('a', 0, 1), ('g', 1, 2)]
        """
        found: list[tuple[str, int, int]] = []
        for place, head in enumerate(self.heads):
            if head.group and found and self.heads[place - 1].group == head.group:
                name, first, count = found[-1]
                found[-1] = name, first, count + 1
            else:
                found.append((head.group or head.name, place, 1))
        return found


class Document(Struct, frozen=True):
    """A bulletin, or a set of indicators: title, lines under it, tables, notes, foot.

    lead: the whole in a few sentences;
    mark: what must stand out (synthetic records, small cells hidden), "" where nothing must.
    """

    title: str
    lines: tuple[str, ...]
    tables: tuple[Table, ...]
    notes: tuple[str, ...] = ()
    foot: tuple[str, ...] = ()
    mark: str = ""
    lead: str = ""
