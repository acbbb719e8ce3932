"""Plain deliveries packed as a small SQLite database of their own, and moved from there.

Binding a row costs twice as much as moving it, and a table without indices in memory is the
cheapest to bind to; so whoever checks a large file packs its loads with their first events,
elsewhere, and the writer moves them by three statements.  What may be written services decide.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from typing import Any

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from wasteflow_models.load_events import (
    EVENT_COLUMNS,
    EVENT_SOURCES,
    WEIGHT_COLUMNS,
    events_from,
)
from wasteflow_models.load_ids import STEP
from wasteflow_models.sql_rows import insert_statement, literal, plain

Ints = NDArray[np.int64]

CAN_PACK = hasattr(sqlite3.Connection, "deserialize")
"""Whether this Python's SQLite can hand a database over as bytes (a build may leave it out)."""


PACKED_TEXTS = ("doc_no", "vehicle", "carrier", "handler", "ticket_no", "remark")
"""Columns of `shipment` that are texts."""


class PackedLoads(Struct, frozen=True):
    """Loads as the bytes of a database with the tables `loads` and `event`.

    Events lie in their order, without batch and moment, under the keys of their loads.  The key of
    a load is its month and its place among the loads of that month in the pack: its id is some
    steps further.  `columns`: SQL of the columns of `shipment` but id and batch_id.
    """

    data: bytes
    columns: Mapping[str, str]
    months: Ints
    count: int


_BITS = 63
"""Bits of a whole number that is not below 0."""


def keys_of(months: Ints) -> Ints:
    """Month and place of each load among those of its month, as a key.

    >>> keys_of(np.array([202301, 202302, 202301])).tolist()
    [20230100000000, 20230200000000, 20230100000001]
    """
    keys = np.empty(len(months), np.int64)
    for month in np.unique(months).tolist():
        here = np.flatnonzero(months == month)
        keys[here] = month * STEP + np.arange(len(here))
    return keys


def pack(months: Ints, header: Mapping[str, Any], weights: Mapping[str, Any]) -> PackedLoads:
    """Pack loads dispatched in `months`.

    header: columns of `shipment` but id and batch_id; weights: columns of
    `load_events.WEIGHT_COLUMNS`, `id` being keys (`keys_of`).
    """
    stored: dict[str, Any] = {"id": keys_of(months)}
    columns: dict[str, str] = {}
    known: dict[int, str] = {}
    words = _Words()
    for name, value in header.items():
        if name == "dispatched_month":
            columns[name] = f"id / {STEP}"
        elif not isinstance(value, (np.ndarray, list)):
            columns[name] = literal(value)
        elif id(value) in known:  # a holder that is the consignor is one column, not two
            columns[name] = columns[known[id(value)]]
        else:
            known[id(value)] = name
            columns[name] = words.add(value) or name
            if columns[name] == name:
                stored[name] = value
    stored |= words.columns()
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as made:
        for setting in ("journal_mode=OFF", "temp_store=MEMORY"):
            made.execute(f"PRAGMA {setting}").fetchall()
        made.execute("BEGIN")
        rest = [name for name in stored if name != "id"]
        made.execute(f"CREATE TABLE loads (id INTEGER PRIMARY KEY, {', '.join(rest)})")
        _fill(made, "loads", stored)
        made.execute(f"CREATE TEMPORARY TABLE weights (id INTEGER PRIMARY KEY, {_REST_OF_WEIGHTS})")
        _fill(made, "weights", weights)
        made.execute(f"CREATE TABLE event ({EVENT_COLUMNS})")
        sources = ", ".join(f"{columns[name]} AS {name}" for name in EVENT_SOURCES)
        loads = f"(SELECT id, {sources} FROM loads ORDER BY id)"
        told = {"batch": None, "now": None}
        made.execute(events_from(loads, "weights", "w.id = s.id"), told)
        made.execute("COMMIT")
        return PackedLoads(made.serialize(), columns, np.unique(months), len(months))


class _Words:
    """Columns of numbers put together into few: binding a value costs more than taking one out."""

    def __init__(self) -> None:
        self._words: list[tuple[Ints, int]] = []

    def add(self, column: NDArray[Any] | list[Any]) -> str | None:
        """The SQL that takes the column out again; None for texts and for numbers below 0."""
        if blanks := isinstance(column, list):
            if any(isinstance(value, str) for value in column):
                return None
            known = [value for value in column if value is not None]
            if known and min(known) < 0:
                return None
            column = [0 if value is None else value + 1 for value in column]
        values = np.asarray(column, np.int64)
        if not len(values) or values.min() < 0:
            return None
        width = max(int(values.max()).bit_length(), 1)
        place = next((n for n, (_, used) in enumerate(self._words) if used + width <= _BITS), None)
        if place is None:
            place = len(self._words)
            self._words.append((np.zeros(len(values), np.int64), 0))
        word, shift = self._words[place]
        self._words[place] = word | (values << shift), shift + width
        part = f"word{place} >> {shift} & {(1 << width) - 1}"
        return f"nullif({part}, 0) - 1" if blanks else f"({part})"

    def columns(self) -> dict[str, Ints]:
        """The columns that hold the numbers."""
        return {f"word{place}": word for place, (word, _) in enumerate(self._words)}


_REST_OF_WEIGHTS = ", ".join(name for name in WEIGHT_COLUMNS if name != "id")


_AT_ONCE = 64
"""Rows one statement inserts: each run of a statement costs as much as binding three values."""


def _fill(made: sqlite3.Connection, table: str, columns: Mapping[str, Any]) -> None:
    _, varying = insert_statement(table, columns)
    values = [plain(columns[name]) for name in varying]
    width, count = len(values), len(values[0])
    flat: list[Any] = [None] * (width * count)
    for place, column in enumerate(values):
        flat[place::width] = column
    whole = count - count % _AT_ONCE
    for rows, first, last in ((_AT_ONCE, 0, whole), (1, whole, count)):
        step = width * rows
        parts = (flat[at : at + step] for at in range(width * first, width * last, step))
        made.executemany(insert_statement(table, columns, rows=rows)[0], parts)


def texts_in(packed: PackedLoads, keys: Ints, names: Sequence[str]) -> dict[str, list[str]]:
    """Text columns (of `PACKED_TEXTS`, stored as they differ) of the loads `keys`."""
    with closing(sqlite3.connect(":memory:")) as made:
        made.deserialize(packed.data)
        rows = made.execute(f"SELECT id, {', '.join(names)} FROM loads ORDER BY id").fetchall()
    ids, *columns = zip(*rows, strict=True)
    places = np.searchsorted(np.array(ids, np.int64), keys).tolist()
    return {
        name: [column[place] for place in places]
        for name, column in zip(names, columns, strict=True)
    }
