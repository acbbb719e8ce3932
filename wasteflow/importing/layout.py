"""Where a table lies in a sheet and what its columns are: header row, columns, units, odd rows."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from msgspec import Struct, field

from wasteflow.core.errors import UnusableFile
from wasteflow.importing.sheets import Row, plain_text
from wasteflow.importing.synonyms import FACTORS, IGNORED, NUMBERS, column_of, factor_of
from wasteflow.schemas.dictionary import columns_of, header_key, is_error_column

HEADER_WITHIN: Final = 40
"""Rows among which the header is looked for."""
EXAMPLE: Final = ("示例", "example")
"""How the first cell of an example row of a template begins: it is never imported."""
_TOTALS: Final = frozenset(
    (
        *("合计", "总计", "小计", "共计", "累计", "本页合计", "本页小计", "本月合计", "月合计"),
        *("日合计", "合计数", "总合计", "total", "subtotal", "grandtotal", "sum"),
    )
)
_NOTE: Final = re.compile(
    r"(填表人|制表人?|审核人?|复核人?|负责人|填报人|备注|说明|注|note|remarks?)\s*[:：]", re.I
)
_UNIT_LINE: Final = re.compile(r"单位\s*[:：]\s*(万吨|千吨|万t|kt|吨|千克|公斤|kg|t)(?!\w)", re.I)
_MARKS: Final = re.compile(r"[\s:：()（）]+")


class Layout(Struct, frozen=True):
    """How a table is read.

    header_row: its row in the sheet or line in the file; columns: column of the contract at each
    position, "" = not read; fixed: values of columns the
    table does not have; ignored: header cells somebody said are not to be read;
    unit: that of masses whose header names none, told above the header.
    """

    kind: str
    header_row: int
    header: tuple[str, ...]
    columns: tuple[str, ...]
    sheet: str = ""
    encoding: str = ""
    fixed: Mapping[str, str] = field(default_factory=dict)
    ignored: tuple[str, ...] = ()
    unit: str = ""

    @property
    def factors(self) -> tuple[tuple[int, int], ...]:
        """What makes tonnes of the numbers of each column."""
        masses = {item.name for item in columns_of(self.kind) if item.type == "tonnes"}
        return tuple(
            factor_of(title, self.unit) if name in masses else (1, 1)
            for title, name in zip(self.header, self.columns, strict=True)
        )

    @property
    def unread(self) -> tuple[str, ...]:
        """Header cells that mean nothing to us and are not known to be meaningless."""
        return tuple(
            title
            for title, name in zip(self.header, self.columns, strict=True)
            if not name and title and title not in self.ignored and not meaningless(title)
        )

    @property
    def missing(self) -> tuple[str, ...]:
        """Columns without which no row can be taken, that neither the table nor `fixed` has."""
        have = {*self.columns, *(name for name, value in self.fixed.items() if value)}
        lacking = [
            item.name for item in columns_of(self.kind) if item.required and item.name not in have
        ]
        names = {item.name for item in columns_of(self.kind)}
        for pair in (("name_zh", "name_en"), ("dispatched_t", "accepted_t")):
            if names.issuperset(pair) and not have.intersection(pair):
                lacking.append(pair[0])
        return tuple(lacking)

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON of it."""
        return {
            "kind": self.kind,
            "header_row": self.header_row,
            "header": list(self.header),
            "columns": list(self.columns),
            "sheet": self.sheet,
            "encoding": self.encoding,
            "fixed": dict(self.fixed),
            "ignored": list(self.ignored),
            "unit": self.unit,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Layout:
        """The layout out of its JSON."""
        return cls(
            data["kind"],
            data["header_row"],
            tuple(data["header"]),
            tuple(data["columns"]),
            data["sheet"],
            data["encoding"],
            dict(data["fixed"]),
            tuple(data["ignored"]),
            data["unit"],
        )


def meaningless(title: str) -> bool:
    """Whether a header is that of a running number or of reasons, which nobody wants read."""
    return is_error_column(title) or header_key(title) in IGNORED


def header_digest(header: Sequence[str]) -> str:
    """What a header is remembered by."""
    return hashlib.sha256("\x1f".join(header_key(title) for title in header).encode()).hexdigest()


def unit_above(rows: Sequence[Row], header_row: int) -> str:
    """The unit told in a line above the header (单位：kg), "" if none is."""
    for number, cells in rows:
        if number >= header_row:
            break
        for cell in cells:
            found = _UNIT_LINE.search(cell) if isinstance(cell, str) else None
            if found and found.group(1).casefold() in FACTORS:
                return found.group(1).casefold()
    return ""


def titles_of(cells: Sequence[Any]) -> tuple[str, ...]:
    """A header row as text, blank cells behind the last one left out."""
    titles = [" ".join(plain_text(cell).split()) for cell in cells]
    while titles and not titles[-1]:
        titles.pop()
    return tuple(titles)


def find_header(kind: str, rows: Sequence[Row]) -> int:
    """Number of the row that is most like a header of `kind` among the first ones, 0 if none is."""
    best, best_score = 0, 1
    for number, cells in rows[:HEADER_WITHIN]:
        titles = [title for title in titles_of(cells) if title]
        known = {column_of(kind, title) for title in titles} - {""}
        score = len(known)
        if score > best_score and 2 * score >= min(len(titles), 6):
            best, best_score = number, score
    return best


def layout_of(
    kind: str,
    header_row: int,
    header: Sequence[str],
    *,
    sheet: str = "",
    encoding: str = "",
    chosen: Mapping[str, str] | None = None,
    fixed: Mapping[str, str] | None = None,
    unit: str = "",
) -> Layout:
    """The layout of a table with this header.

    chosen: header as written → column ("" = not read), before what the header says by itself; of
    two columns that would be the same the first is read.
    Raises UnusableFile `unknown_column` for a column that the kind does not have,
    `duplicate_column` if two were chosen to be the same.
    """
    names = {item.name for item in columns_of(kind)}
    chosen, fixed = chosen or {}, {k: v for k, v in (fixed or {}).items() if v.strip()}
    wrong = sorted({*chosen.values(), *fixed} - names - {""})
    if wrong:
        known = ", ".join(sorted(names))
        raise UnusableFile("unknown_column", columns=", ".join(wrong), hint="", known=known)
    picked = [name for title in header if (name := chosen.get(title))]
    twice = sorted({name for name in picked if picked.count(name) > 1})
    if twice:
        raise UnusableFile("duplicate_column", columns=", ".join(twice))
    taken = set(picked)
    columns: list[str] = []
    for title in header:
        if title in chosen:
            columns.append(chosen[title])
            continue
        name = "" if meaningless(title) else column_of(kind, title)
        columns.append("" if name in taken else name)
        taken.add(name)
    other, number = NUMBERS.get(kind, ("", ""))
    if other in columns and number not in {*columns, *fixed}:
        place = columns.index(other)  # plants number loads by the weighbridge ticket alone
        columns[place] = columns[place] if header[place] in chosen else number
    ignored = tuple(title for title in header if chosen.get(title) == "")
    told = tuple(header), tuple(columns)
    return Layout(kind, header_row, *told, sheet, encoding, fixed, ignored, unit)


_TELLING: Final = 3


def role_of(cells: Sequence[Any], header: Sequence[str]) -> str:
    """What a row below the header is: `data`, `total`, `note`, `header` (repeated), `example`.

    >>> role_of(["合 计", "", 62.5], ["单号", "品名", "净重"])
    'total'
    >>> role_of(["YD-1", "磷石膏", 31.5], ["单号", "品名", "净重"])
    'data'
    """
    texts: list[str] = []  # the first three say what a row is
    for cell in cells:
        if isinstance(cell, str) and cell and not cell.isspace():
            texts.append(cell)
            if len(texts) == _TELLING:
                break
    if not texts:
        return "data"
    first = texts[0].strip()
    if first.casefold().startswith(EXAMPLE):
        return "example"
    short = [_MARKS.sub("", text).casefold() for text in texts if len(text) < 20]
    if any(text in _TOTALS for text in short):
        return "total"
    if _NOTE.match(first):
        return "note"
    if len(texts) > 1 and " ".join(first.split()) in header and titles_of(cells) == tuple(header):
        return "header"
    return "data"
