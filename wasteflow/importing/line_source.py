"""Whole lines of a large file, a block at a time: as bytes where they are regular, as text else."""

from __future__ import annotations

import csv
import io
from collections import deque
from collections.abc import Iterator
from typing import BinaryIO, Final

import numpy as np

from wasteflow.importing.csv_tables import Record

_PIECE: Final = 4 * 1024 * 1024
_MORE: Final = 100
"""Lines added at a time to a block that ends inside a quoted cell."""
_NEWLINE, _GUARD = 10, 39
_NON_BLANK: Final = np.zeros(256, np.bool_)
_NON_BLANK[0x21:0x7F] = True
_NON_BLANK[0xE4:0xEA] = True
"""First bytes (UTF-8) of characters that are surely no space: ASCII and U+4000 to U+9FFF."""


def pieces(file: BinaryIO) -> Iterator[bytes]:
    """The rest of a file in pieces that end with a line feed (but the last)."""
    while piece := file.read(_PIECE):
        yield piece if piece.endswith(b"\n") else piece + file.readline()


class Lines:
    """Lines (ended by a line feed) of a stream of UTF-8 pieces, to be taken in order."""

    def __init__(self, stream: Iterator[bytes]) -> None:
        self._stream = stream
        self._data = b""
        self._ends = np.zeros(0, np.int64)
        self._start = self._taken = 0

    def take(self, count: int) -> bytes:
        """The next `count` lines, fewer at the end of the file; b"" behind it."""
        held = len(self._ends) - self._taken
        if held < count:
            parts = [self._data[self._start :]]
            for piece in self._stream:
                parts.append(piece)
                held += int(np.count_nonzero(np.frombuffer(piece, np.uint8) == _NEWLINE))
                if held >= count:
                    break
            self._hold(b"".join(parts))
        if held < count:
            rest = self._data
            self._hold(b"")
            return rest
        self._taken += count
        start, self._start = self._start, int(self._ends[self._taken - 1]) + 1
        return self._data[start : self._start]

    def give_back(self, lines: bytes) -> None:
        """Put lines before those that come next."""
        self._hold(lines + self._data[self._start :])

    def _hold(self, data: bytes) -> None:
        self._data, self._start, self._taken = data, 0, 0
        self._ends = np.flatnonzero(np.frombuffer(data, np.uint8) == _NEWLINE)


class Feed:
    """Text lines for the csv reader: those of a block, and more if a quoted cell goes on."""

    def __init__(self, source: Lines, block: bytes) -> None:
        self._source = source
        self.queue: deque[str] = deque(_text_lines(block))
        self.given = 0

    def __iter__(self) -> Iterator[str]:
        while True:
            if not self.queue:
                more = self._source.take(_MORE)
                if not more:
                    return
                self.queue.extend(_text_lines(more))
            self.given += 1
            yield self.queue.popleft()

    def until_dry(self, found: Iterator[Record]) -> Iterator[Record]:
        """The records `found` in this feed, up to one that ends with its lines."""
        for record in found:
            yield record
            if not self.queue:
                return


def _text_lines(block: bytes) -> io.StringIO:
    return io.StringIO(block.decode(), newline="")


def regular_block(block: bytes, delimiter: str, width: int) -> bytes | None:
    """`block` with line feeds only, if its lines are rows of plain cells, else None.

    Plain: no quotes, no guards, no line that might be blank, no cell beyond the csv reader's limit.
    The lines have `width` cells on average: if none has more, none has fewer.
    """
    if b'"' in block:
        return None
    if b"\r" in block:
        block = block.replace(b"\r\n", b"\n")
        if b"\r" in block:
            return None
    if not block.endswith(b"\n"):
        block += b"\n"
    data = np.frombuffer(block, np.uint8)
    mark = ord(delimiter)
    ends = np.flatnonzero(data == _NEWLINE)
    if np.count_nonzero(data == mark) != len(ends) * (width - 1):
        return None
    starts = np.concatenate(([0], ends[:-1] + 1))
    first = data[starts]
    if (
        (first == mark).any()
        or not _NON_BLANK[first].all()
        or int((ends - starts).max()) > csv.field_size_limit()
    ):
        return None
    return None if b"'" in block and _guarded(data, mark) else block


def _guarded(data: np.ndarray[tuple[int], np.dtype[np.uint8]], mark: int) -> bool:
    """Whether an apostrophe begins a cell."""
    places = np.flatnonzero(data == _GUARD)
    before = data[places - 1]
    return bool(places[0] == 0 or ((before == mark) | (before == _NEWLINE)).any())
