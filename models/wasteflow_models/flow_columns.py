"""The roll-up and the places as numpy columns, kept per process by the version of what they hold.

A version is asked in the caller's transaction and the rows are read in the same one, so what is
kept under it is exact; versions are random, so they tell databases apart as well (3-architecture
"Reading cost depends on links x months").
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from threading import Lock
from typing import Any, Final, NamedTuple, cast

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray
from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from wasteflow_models.engine import SNAPSHOT, STEADY, linked
from wasteflow_models.flow_parts import added, read_part
from wasteflow_models.kept import Kept
from wasteflow_models.late_rows import last_booked, late_rows
from wasteflow_models.ledger import RollupVersionRow, StampRow
from wasteflow_models.packed_months import FIELDS, ROWS_ONLY, read_packed
from wasteflow_models.prepared import Prepared

Ints = NDArray[np.int64]
DEFAULT_LIMIT = 512 * 1024 * 1024
"""Bytes of roll-up columns a process keeps: about 19 million rows."""

_ID, _ROUTE, _GRADE = 2**31, 2**20, 2**4
"""Places, routes and grades there can be: three numbers a row are read instead of six."""


class MonthColumns(NamedTuple):
    """Roll-up rows of one material and month in order of their key; nobody writes into them.

    source, target: ids of `place`; route: id or 0; kg whole kilograms; n loads or entries.
    """

    source: NDArray[np.int32]
    target: NDArray[np.int32]
    route: NDArray[np.int32]
    evidence: NDArray[np.int8]
    kg: Ints
    n: Ints

    @property
    def nbytes(self) -> int:
        """Bytes of all columns."""
        return sum(column.nbytes for column in self)


class PlaceColumns(Struct, frozen=True):
    """Every place in order of `id`: kind (core.places.PlaceKind) and its arguments (ids, year)."""

    version: int
    id: Ints
    kind: Ints
    a: Ints
    b: Ints

    def positions(self, ids: NDArray[Any]) -> Ints:
        """Row of each place id; every id must exist."""
        return np.searchsorted(self.id, ids)


_MonthKey = tuple[int, int, int, int]
"""Material id, month, version, and the month as of which (0 = now, or nothing is booked later)."""


class ColumnStore:
    """Months by version, the least recently used dropped beyond `limit` bytes; for all threads."""

    def __init__(self, limit: int = DEFAULT_LIMIT) -> None:
        self.limit = limit
        self._lock = Lock()
        self._kept: OrderedDict[_MonthKey, MonthColumns] = OrderedDict()
        self._bytes = 0

    def get(self, key: _MonthKey) -> MonthColumns | None:
        """Columns of (material id, month, version, as of) if they are here."""
        with self._lock:
            found = self._kept.get(key)
            if found is not None:
                self._kept.move_to_end(key)
            return found

    def put(self, key: _MonthKey, columns: MonthColumns) -> None:
        """Keep columns."""
        with self._lock:
            old = self._kept.pop(key, None)
            self._bytes += columns.nbytes - (old.nbytes if old else 0)
            self._kept[key] = columns
            while self._bytes > self.limit and self._kept:
                self._bytes -= self._kept.popitem(last=False)[1].nbytes

    def clear(self) -> None:
        """Drop everything."""
        with self._lock:
            self._kept.clear()
            self._bytes = 0

    @property
    def bytes(self) -> int:
        """Bytes kept."""
        with self._lock:
            return self._bytes


STORE = ColumnStore()
PLACES_KEPT = 4
"""Place tables kept at most (one per database and state)."""
_places: Kept[int, PlaceColumns] = Kept(PLACES_KEPT)


_V = RollupVersionRow.__table__.c
_VERSIONS: Final = Prepared(
    select(_V.month, _V.version).where(_V.material_id == bindparam("material")).order_by(_V.month)
)
_HELD_STAMPS: Final = ("registry", "close")
"""Whoever draws one of these keeps every other writer out (`engine.Alone`)."""
_STAMPS: Final = f"SELECT name, version FROM {StampRow.__tablename__} ORDER BY name"


def versions(session: Session) -> dict[int, dict[int, int]]:
    """Material id → month → version of its roll-up, both ascending; once per read transaction."""
    memo: dict[str, Any] | None = session.info.get(SNAPSHOT)
    if memo is not None and "versions" in memo:
        return cast(dict[int, dict[int, int]], memo["versions"])
    row = RollupVersionRow
    query = select(row.material_id, row.month, row.version).order_by(row.material_id, row.month)
    found: dict[int, dict[int, int]] = {}
    for material, month, version in session.execute(query):
        found.setdefault(material, {})[month] = version
    if memo is not None:
        memo["versions"] = found
    return found


def stamp(session: Session, name: str) -> int:
    """State of `place`, `registry` or `close`, 0 if never written; once per transaction, that of
    `place` anew in every writer: others make places beside him.
    """
    steady: dict[str, int] | None = session.info.get(STEADY)
    if steady is None or name not in _HELD_STAMPS:
        return stamps(session).get(name, 0)
    if not steady:
        found = stamps(session)
        steady.update((held, found.get(held, 0)) for held in _HELD_STAMPS)
    return steady[name]


def stamps(session: Session) -> dict[str, int]:
    """Every stamp that was ever written; once per read transaction.

    Past the statement objects: each write asks several times, and they cost more than the answer.
    """
    memo: dict[str, Any] | None = session.info.get(SNAPSHOT)
    if memo is not None and "stamps" in memo:
        return cast(dict[str, int], memo["stamps"])
    rows = driver_connection(session).execute(_STAMPS)
    found = {name: int(version) for name, version in rows}
    if memo is not None:
        memo["stamps"] = found
    return found


def versions_of(session: Session, material_id: int) -> dict[int, int]:
    """Month → version of a material, ascending; a writer reads those of no other material."""
    if session.info.get(SNAPSHOT) is not None:
        return versions(session).get(material_id, {})
    session.flush()
    return dict(_VERSIONS.rows(linked(session), {"material": material_id}))


def cuts_of(
    session: Session, material_id: int, months: Iterable[int], as_of: int
) -> dict[int, int]:
    """Month → `as_of` where rows of the month were booked later, 0 where it is as it is now.

    Equal version and cut mean equal rows, as of whatever month.
    """
    later = last_booked(session) if as_of else {}
    return {m: as_of if later.get((material_id, m), 0) > as_of else 0 for m in months}


def months(
    session: Session, material_id: int, first: int = 0, last: int = 999_912, as_of: int = 0
) -> dict[int, MonthColumns]:
    """Month → columns of a material for the months first..last that hold rows or once did.

    as_of: the books as they were booked by the end of that month (0 = as they are now).
    """
    known = versions_of(session, material_id)
    wanted = [month for month in known if first <= month <= min(last, as_of or last)]
    cuts = cuts_of(session, material_id, wanted, as_of)
    keys = {month: (material_id, month, known[month], cuts[month]) for month in wanted}
    held = {month: STORE.get(key) for month, key in keys.items()}
    missing = {month: known[month] for month, columns in held.items() if columns is None}
    at_once = {} if session.info.get(ROWS_ONLY) else read_packed(session, material_id, missing)
    found: dict[int, MonthColumns] = {}
    for month, key in keys.items():
        columns, cut = held[month], cuts[month]
        if columns is None:
            columns = (
                MonthColumns(*at_once[month])
                if month in at_once
                else read_month(session, material_id, month)
            )
            if cut:
                late = late_rows(session, material_id, month, cut)
                columns = _kept_columns(added(columns, late, -1))
            STORE.put(key, columns)
        found[month] = columns
    return found


def read_month(session: Session, material_id: int, month: int) -> MonthColumns:
    """The rows of a material and month and its part, from the database, past what is kept."""
    _, part = read_part(session, material_id, month)
    return _kept_columns(added(part, read_rows(session, material_id, month)))


def part(session: Session, material_id: int, month: int, version: int | None) -> MonthColumns:
    """The part of a month that is at `version` (none: nothing), kept like a month."""
    if not version:
        return _NOTHING
    found = STORE.get((material_id, month, version, 0))
    if found is None:
        read, columns = read_part(session, material_id, month)  # a writer may see a later one
        found = _kept_columns(columns)
        STORE.put((material_id, month, read, 0), found)
    return found


def read_rows(session: Session, material_id: int, month: int) -> list[Ints]:
    """The rows of flow_month of a material and month alone: columns as in `MonthColumns`."""
    ends, told, kg = _columns(
        session,
        [
            f"source_id * {_ID} + target_id AS ends",
            f"(n * {_ROUTE} + route_id) * {_GRADE} + evidence AS told",
            "kg",
        ],
        f"FROM flow_month WHERE material_id = {int(material_id)} AND month = {int(month)}",
        "source_id, target_id, route_id, evidence",
    )
    ends, told, kg = _in_order([ends, told, kg], told % (_ROUTE * _GRADE))
    rest, grade = np.divmod(told, _GRADE)
    n, route = np.divmod(rest, _ROUTE)
    return [*np.divmod(ends, _ID), route, grade, kg, n]


def _kept_columns(columns: Sequence[NDArray[Any]]) -> MonthColumns:
    kept = [column.astype(kind) for column, (_, kind) in zip(columns, FIELDS, strict=True)]
    for column in kept:
        column.flags.writeable = False
    return MonthColumns(*kept)


_NOTHING: Final = _kept_columns([np.zeros(0, np.int64)] * len(FIELDS))


def month_span(session: Session) -> tuple[int, int] | None:
    """First and last month that hold roll-up rows, None where there are none."""
    held = versions(session).items()
    known = sorted((month, material) for material, at in held for month in at)
    first = next((month for month, stuff in known if _holds_rows(session, stuff, month)), 0)
    if not first:
        return None
    return first, next(
        month for month, stuff in reversed(known) if _holds_rows(session, stuff, month)
    )


def _holds_rows(session: Session, material_id: int, month: int) -> bool:
    return bool(len(months(session, material_id, month, month)[month].kg))


def place_columns(session: Session) -> PlaceColumns:
    """Every place, kept until one is made; once per read transaction."""
    version = stamp(session, "place")
    found = _places.get(version)
    return found or _places.put(version, PlaceColumns(version, *read_places(session)))


def read_places(session: Session) -> list[Ints]:
    """id, kind, a, b of every place in order of id, from the database."""
    return _in_order(_columns(session, ["id", "kind", "a", "b"], "FROM place", "id"))


def forget_columns() -> None:
    """Drop all columns this process keeps (tests of cold reading)."""
    STORE.clear()
    _places.clear()


def driver_connection(session: Session) -> Any:
    """The DBAPI connection of the session's transaction, what is pending written first."""
    session.flush()
    return linked(session).connection.driver_connection


def _columns(session: Session, names: Sequence[str], rows: str, order: str) -> list[Ints]:
    """Integer columns of the rows ("FROM … WHERE …"), past the driver's row objects; no NULLs.

    SQLite: each column as one text of numbers, put together and read in C, as it found them (the
    caller orders: an aggregate knows no order).  PostgreSQL: one value with the rows by `order` in
    binary (COPY takes three times as long, as it sends a message per row).
    """
    connection = driver_connection(session)
    named = [name.rpartition(" AS ")[2] for name in names]
    if session.get_bind().dialect.name != "postgresql":
        joined = ", ".join(f"group_concat({name.partition(' AS ')[0]})" for name in names)
        texts = connection.execute(f"SELECT {joined} {rows}").fetchone()
        return [np.fromstring(text or "", np.int64, sep=",") for text in texts]
    sent = " || ".join(f"int8send({name})" for name in named)
    listed = f"SELECT {', '.join(names)} {rows} ORDER BY {order}"
    query = f"SELECT string_agg({sent}, ''::bytea) FROM ({listed}) AS ordered"
    with connection.cursor(binary=True) as cursor:
        (data,) = cursor.execute(query).fetchone()
    table = np.frombuffer(data or b"", ">i8").astype(np.int64).reshape(-1, len(names))
    return [np.ascontiguousarray(table[:, number]) for number in range(len(names))]


def _in_order(columns: list[Ints], within: Ints | None = None) -> list[Ints]:
    """Rows in order of the first column, those alike in it of `within`; mostly they are already."""
    first = columns[0]
    minor = within if within is not None else np.zeros(len(first), np.int64)
    step = np.diff(first)
    if ((step > 0) | ((step == 0) & (np.diff(minor) >= 0))).all():
        return columns
    order = np.lexsort((minor, first))
    return [column[order] for column in columns]


def copied_in(columns: Sequence[Ints], sizes: Sequence[int]) -> Iterable[bytes]:
    """Rows of integer columns of 2, 4 or 8 bytes as the stream that binary COPY … FROM takes."""
    cells = [
        (f"{kind}{number}", form)
        for number, size in enumerate(sizes)
        for kind, form in (("size", ">i4"), ("value", f">i{size}"))
    ]
    rows = np.empty(len(columns[0]), np.dtype([("fields", ">i2"), *cells]))
    rows["fields"] = len(columns)
    for number, (column, size) in enumerate(zip(columns, sizes, strict=True)):
        rows[f"size{number}"] = size
        rows[f"value{number}"] = column
    yield b"PGCOPY\n\xff\r\n\x00" + bytes(8)
    yield rows.tobytes()
    yield b"\xff\xff"
