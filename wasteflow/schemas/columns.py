"""Typed columns of a file: each distinct text is read once, by the field of its column.

There is no second way to read a value: a text is either proved to mean itself (`_USUAL_TEXT`) or
goes through the field, as in a row that is read alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final
from uuid import uuid4

import numpy as np
import polars as pl
from msgspec import Struct
from numpy.typing import NDArray

from wasteflow.core.errors import RowIssue
from wasteflow.schemas.field_base import CellField, Fault
from wasteflow.schemas.fields import DocField, TextField

Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]
Objects = NDArray[np.object_]
Measure = Callable[[str, Any], int]
"""A whole number that follows from a cell: its text and its value (None = blank)."""

_MOST_TEXTS: Final = 200_000
"""Distinct texts a column remembers before it begins anew."""
_MOSTLY_NEW: Final = 0.9
"""Share of new texts in a chunk from which a text column is read cell by cell."""
_FEW: Final = 1000
_BODY: Final = "!-~\u00b7\u3001-\u303f\u4e00-\u9fff\uff01-\uff5e"
_USUAL_TEXT: Final = f"^[{_BODY}]([ {_BODY}]*[{_BODY}])?$"
"""Printable characters of usual scripts, spaces only inside: `clean_text` changes none of it."""
_USUAL_DOC: Final = f"^[{_BODY}]+$"
_DOC_BYTES: Final = 80


class TextChunk(Struct, frozen=True):
    """Some rows of a file as text.

    `frame` has the columns of the contract that the file has, in contract order, all text (null is
    a blank cell); `lines` the line of every row in the file; `issues` the rows that could not be
    read at all (these are not in `frame`).
    """

    frame: pl.DataFrame
    lines: Ints
    issues: tuple[RowIssue, ...] = ()


class Coded:
    """A column of one chunk as codes into the texts its memo knows; code 0 is a blank cell."""

    def __init__(
        self, codes: Ints, values: Objects, words: Objects, numbers: Mapping[str, Ints]
    ) -> None:
        self.codes = codes
        self._values = values
        self._words = words
        self._numbers = numbers

    def at(self, rows: Ints) -> Coded:
        """The column of some of the rows."""
        return Coded(self.codes[rows], self._values, self._words, self._numbers)

    def number(self, measure: str) -> Ints:
        """A measure of every row; 0 where the cell is at fault."""
        return self._numbers[measure][self.codes]

    def flag(self, measure: str) -> Flags:
        """Whether a measure is not 0."""
        flags: Flags = self._numbers[measure] != 0
        return flags[self.codes]

    def sound(self) -> Flags:
        """Whether the cell has a value or is blank where it may be."""
        return self.flag("sound")

    def given(self) -> Flags:
        """Whether the cell has a value."""
        return self.flag("given")

    def word(self, code: int) -> str:
        """The text value that a code stands for ("" = none)."""
        return str(self._words[code])

    def values(self, rows: Ints) -> list[Any]:
        """Typed values of some rows (None = blank)."""
        found: list[Any] = self._values[self.codes[rows]].tolist()
        return found

    def texts(self, rows: Ints | None = None) -> list[str] | str:
        """Text values of `rows` or of all ("" = none); one text if it is the same in all."""
        codes = self.codes if rows is None else self.codes[rows]
        if len(codes) and (codes[0] == codes).all():
            return self.word(codes[0])
        found: list[str] = self._words[codes].tolist()
        return found


class ColumnMemo:
    """What the texts of one column mean, kept over the chunks of a file.

    By code: `values` of the field, the same as `words` with "" for none, and `numbers` by
    measure, among them `sound` and `given`.
    """

    def __init__(
        self, item: CellField, measures: Mapping[str, Measure], most_texts: int = _MOST_TEXTS
    ) -> None:
        self.item = item
        self._most_texts = most_texts
        self._measures = measures
        self._begin()

    def _begin(self) -> None:
        self._kind = pl.Categorical(pl.Categories.random())
        # A text that no cell has: its code 0 stands for blank cells, and it keeps the codes alive
        # (polars forgets those of categories that no column uses).
        self._anchor = pl.Series([uuid4().hex]).cast(self._kind)
        self.values: Objects = np.zeros(0, object)
        self.words: Objects = np.zeros(0, object)
        self.numbers: dict[str, Ints] = {}
        self._learn([""])

    def codes_of(self, name: str) -> pl.Expr:
        """Expression for the codes of the column `name` of a frame."""
        return pl.col(name).cast(self._kind).to_physical().cast(pl.Int64).fill_null(0)

    def blank(self, count: int) -> Coded:
        """A column of `count` blank cells."""
        return self._coded(np.zeros(count, np.int64))

    def _coded(self, codes: Ints) -> Coded:
        return Coded(codes, self.values, self.words, dict(self.numbers))

    def fresh(self, codes: Ints) -> Ints:
        """Rows in which a code stands first that is not known yet, by code."""
        if not len(codes) or codes.max() < len(self.values):
            return np.zeros(0, np.int64)
        rows = np.flatnonzero(codes >= len(self.values))
        _, first = np.unique(codes[rows], return_index=True)
        return rows[first]

    def read(self, codes: Ints, cells: pl.Series) -> Coded:
        """The column of a chunk, from the codes and the texts of its cells."""
        if np.count_nonzero(codes == 0) != cells.null_count():
            raise RuntimeError("polars gave the codes of the texts anew")
        self._learn(cells.gather(self.fresh(codes)).to_list())
        found = self._coded(codes)
        if len(self.values) > self._most_texts:
            self._begin()
        return found

    def _learn(self, texts: list[str]) -> None:
        """Read texts that got the codes after those known, in this order."""
        if not texts:
            return
        values = values_of(self.item, texts)
        sound = [not isinstance(value, Fault) for value in values]
        columns: dict[str, list[int]] = {
            "sound": [int(good) for good in sound],
            "given": [
                int(good and value is not None) for good, value in zip(sound, values, strict=True)
            ],
        }
        for name, measure in self._measures.items():
            columns[name] = [
                measure(text, value) if good else 0
                for text, value, good in zip(texts, values, sound, strict=True)
            ]
        for name, column in columns.items():
            known = self.numbers.get(name, np.zeros(0, np.int64))
            self.numbers[name] = np.concatenate((known, np.array(column, np.int64)))
        self.values = np.concatenate((self.values, _objects(values)))
        words = ["" if value is None else value for value in values]
        self.words = np.concatenate((self.words, _objects(words)))


def _objects(items: list[object]) -> Objects:
    found = np.empty(len(items), object)
    found[:] = items
    return found


class Spelled:
    """A text column of one chunk whose cells are nearly all different."""

    def __init__(self, item: CellField, cells: pl.Series) -> None:
        self._cells = cells
        here = cells.is_not_null().to_numpy() & (cells != "").fill_null(False).to_numpy()
        rows = np.flatnonzero(here)
        some = cells if len(rows) == len(cells) else cells.gather(rows)
        odd = rows[~usual_cells(item, some).to_numpy()]
        values = values_of(item, cells.gather(odd).to_list())
        self._odd = dict(zip(odd.tolist(), values, strict=True))
        bad = [row for row, value in self._odd.items() if isinstance(value, Fault)]
        empty = [row for row, value in self._odd.items() if value is None]
        self._given: Flags = here.copy()
        self._given[bad + empty] = False
        required = isinstance(item.of_cell(""), Fault)
        self._sound: Flags = here if required else np.ones(len(here), np.bool_)
        self._sound[bad] = False

    def sound(self) -> Flags:
        """Whether the cell has a value or is blank where it may be."""
        return self._sound

    def given(self) -> Flags:
        """Whether the cell has a value."""
        return self._given

    def values(self, rows: Ints) -> list[Any]:
        """Typed values of some rows (None = blank)."""
        found: list[Any] = self._cells.gather(rows).to_list()
        return [
            self._odd.get(row, text or None) for row, text in zip(rows.tolist(), found, strict=True)
        ]

    def texts(self, rows: Ints) -> list[str] | str:
        """Text values of `rows` in ascending order ("" = none)."""
        found: list[str] = self._cells.gather(rows).fill_null("").to_list()
        if self._odd:
            odd = np.array(list(self._odd), np.int64)
            for place in np.flatnonzero(np.isin(rows, odd)).tolist():
                found[place] = str(self._odd[int(rows[place])] or "")
        return found


def usual_cells(item: CellField, cells: pl.Series) -> pl.Series:
    """Whether a cell of a text column surely means its own text (truth per cell)."""
    if isinstance(item, DocField):
        return cells.str.contains(_USUAL_DOC) & (cells.str.len_bytes() <= _DOC_BYTES)
    limit = item.limit if isinstance(item, TextField) else 0
    return cells.str.contains(_USUAL_TEXT) & (cells.str.len_bytes() <= limit)


def values_of(item: CellField, texts: list[str]) -> list[object]:
    """What each text means in a column: a typed value, None for a blank, or a Fault."""
    if isinstance(item, TextField) and len(texts) > _FEW:
        usual = usual_cells(item, pl.Series(texts, dtype=pl.String)).to_list()
        return [
            text if same else item.of_cell(text) for text, same in zip(texts, usual, strict=True)
        ]
    return [item.of_cell(text) for text in texts]


class TypedChunk(Struct, frozen=True):
    """The columns of a chunk: those that are measured, and those that are texts.

    `sound`: rows whose cells all have a value or are blank where they may be.
    """

    measured: dict[str, Coded]
    texts: dict[str, Coded | Spelled]
    sound: Flags

    def values(self, rows: Ints) -> Iterator[dict[str, Any]]:
        """Typed values by column of some sound rows, as the fields give them one by one."""
        columns = {**self.measured, **self.texts}
        cells = [column.values(rows) for column in columns.values()]
        return (dict(zip(columns, row, strict=True)) for row in zip(*cells, strict=True))


class Columns:
    """Reads the columns of the chunks of one file.

    items: field by column; measures: what is asked of the values of a column; columns without any
    are texts, and those of `spelled` are read cell by cell from the start.  A column forgets what
    it knows when it has seen `most_texts` distinct texts.
    """

    def __init__(
        self,
        items: Mapping[str, CellField],
        measures: Mapping[str, Mapping[str, Measure]],
        spelled: tuple[str, ...] = (),
        most_texts: int = _MOST_TEXTS,
    ) -> None:
        self._spelled = set(spelled)
        self._memos = {
            name: ColumnMemo(item, measures.get(name, {}), most_texts)
            for name, item in items.items()
        }
        self._texts = [name for name in items if name not in measures]

    def read(self, frame: pl.DataFrame) -> TypedChunk:
        """Every column of `items`; one that the frame lacks is blank."""
        coded = [
            name
            for name in frame.columns
            if name in self._memos
            and name not in self._spelled
            and frame[name].null_count() < frame.height
        ]
        codes = frame.select(self._memos[name].codes_of(name).alias(name) for name in coded)
        found = TypedChunk({}, {}, np.ones(frame.height, np.bool_))
        for name, memo in self._memos.items():
            column: Coded | Spelled
            if name in self._texts:
                column = found.texts[name] = self._text(name, memo, frame, codes)
            elif name in coded:
                column = found.measured[name] = memo.read(codes[name].to_numpy(), frame[name])
            else:
                column = found.measured[name] = memo.blank(frame.height)
            np.logical_and(found.sound, column.sound(), out=found.sound)
        return found

    def _text(
        self, name: str, memo: ColumnMemo, frame: pl.DataFrame, codes: pl.DataFrame
    ) -> Coded | Spelled:
        if name in codes.columns:
            column = codes[name].to_numpy()
            if len(memo.fresh(column)) <= max(_FEW, _MOSTLY_NEW * len(column)):
                return memo.read(column, frame[name])
            self._spelled.add(name)
        if name not in self._spelled or name not in frame.columns:
            return memo.blank(frame.height)
        return Spelled(memo.item, frame[name])
