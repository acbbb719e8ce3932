"""Writing the roll-up: places get their keys, sums are added in order of key, versions drawn anew.

Places first, then rows, then versions, each in sorted order, so that concurrent writers cannot
deadlock; rows that come to nothing are removed.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from wasteflow.core.columns import groups_of, positions_in
from wasteflow.core.places import Place
from wasteflow.core.postings import FlowKey
from wasteflow.core.postings_bulk import KEY_COLUMNS, BulkRollup
from wasteflow_models.convert import Keys
from wasteflow_models.engine import SNAPSHOT, STEADY
from wasteflow_models.flow_columns import (
    copied_in,
    driver_connection,
    read_places,
)
from wasteflow_models.flow_parts import RANDOM_BITS, ReadyPart, ready_parts, write_parts
from wasteflow_models.raw import insert_columns

Ints = NDArray[np.int64]
FEW = 64
"""Rows up to which single statements beat bulk ones."""
PARTS_FROM = 20_000
"""Rows above which a posting is packed (`flow_parts`): it costs a fraction of as many rows."""

_KEY = ("material_id", "month", "source_id", "target_id", "route_id", "evidence")
_COLUMNS = (*_KEY, "kg", "n")
_NAMES = ", ".join(_COLUMNS)
_SIZES = [8, 4, 8, 8, 8, 2, 8, 8]
"""Bytes of the columns of flow_month on PostgreSQL."""
_ADD_ROWS = (
    "ON CONFLICT (" + ", ".join(_KEY) + ") DO UPDATE SET "
    "kg = flow_month.kg + excluded.kg, n = flow_month.n + excluded.n"
)
_ADD_VERSIONS = (
    "INSERT INTO rollup_month (material_id, month, version) VALUES ({mark}, {mark}, {mark}) "
    "ON CONFLICT (material_id, month) DO UPDATE SET version = excluded.version"
)
_ADD_STAMP = (
    "INSERT INTO stamp (name, version) VALUES ({mark}, {mark}) "
    "ON CONFLICT (name) DO UPDATE SET version = excluded.version"
)
_DROP_EMPTY = (
    "DELETE FROM flow_month WHERE "
    + " AND ".join(f"{name} = {{mark}}" for name in _KEY)
    + " AND kg = 0 AND n = 0"
)


_UPSERT = (
    f"INSERT INTO flow_month ({_NAMES}) VALUES ({', '.join(['{mark}'] * len(_COLUMNS))}) "
    + _ADD_ROWS
)


def bulk_of(delta: Mapping[FlowKey, tuple[int, int]], keys: Keys) -> BulkRollup:
    """The rows of a roll-up in memory with integer keys, in its order."""
    known = {key.source: keys.place_key(key.source) for key in delta}
    known |= {key.target: keys.place_key(key.target) for key in delta}
    rows = [
        (
            key.month,
            *known[key.source],
            *known[key.target],
            keys.id_of("material", key.material),
            keys.id_of("route", key.route),
            int(key.evidence),
        )
        for key in delta
    ]
    table = np.array(rows, dtype=np.int64).reshape(len(rows), KEY_COLUMNS)
    amounts = np.array(list(delta.values()), dtype=np.int64).reshape(len(rows), 2)
    return BulkRollup(table, amounts[:, 0], amounts[:, 1])


def add_rollup_columns(
    session: Session, rollup: BulkRollup, parts: Sequence[ReadyPart] = ()
) -> None:
    """Add rows (keys of integer ids, see `postings_bulk.KEY_COLUMNS`) to the roll-up.

    Within the caller's transaction; masses and counts may be negative.  Makes missing places and
    draws a new version for every material and month touched.  parts: what `ready_parts` made ready
    of other rows, perhaps in an earlier transaction.
    """
    parts = list(parts)
    write_parts(session, parts)
    touched = {(part.material_id, part.month) for part in parts}
    if len(rollup.kg):
        touched |= _add_columns(session, rollup_rows(session, rollup))
    if touched:
        draw_versions(session, sorted(touched))


def _add_columns(session: Session, columns: Sequence[Ints]) -> set[tuple[int, int]]:
    """Add columns of flow_month in order of its key; the (material, month) they touch."""
    *key, kg, n = columns
    if len(kg) > PARTS_FROM:
        write_parts(session, ready_parts(session, columns))
    else:
        _add_rows(session, columns)
        _drop_empty(session, key, (kg <= 0) | (n <= 0))
    first = groups_of(key[:2]).first
    return set(zip(key[0][first].tolist(), key[1][first].tolist(), strict=True))


def add_rollup(session: Session, keys: Keys, delta: Mapping[FlowKey, tuple[int, int]]) -> None:
    """As `add_rollup_columns`, for the few rows of one record: arrays cost more than they do."""
    if not delta:
        return
    ids = _few_places(session, keys, {place for key in delta for place in (key.source, key.target)})
    rows = sorted(
        (
            keys.id_of("material", key.material),
            key.month,
            ids[key.source],
            ids[key.target],
            keys.id_of("route", key.route),
            int(key.evidence),
            kg,
            n,
        )
        for key, (kg, n) in delta.items()
    )
    _many(session, _UPSERT, rows)
    lessened = [row[:-2] for row in rows if row[-2] <= 0 or row[-1] <= 0]
    if lessened:
        _many(session, _DROP_EMPTY, lessened)
    draw_versions(session, sorted({row[:2] for row in rows}))


def rollup_rows(session: Session, rollup: BulkRollup) -> list[Ints]:
    """The columns of flow_month for a roll-up, in order of their key; makes missing places."""
    wanted, ends = ends_of(rollup)
    return rows_between(rollup, make_places(session, wanted), ends)


def ends_of(rollup: BulkRollup) -> tuple[Ints, list[Ints]]:
    """Its places as rows (kind, a, b), and of every key the rows of its source and target there."""
    return _numbered([rollup.keys[:, 1:4], rollup.keys[:, 4:7]])


def rows_between(rollup: BulkRollup, ids: Ints, ends: Sequence[Ints]) -> list[Ints]:
    """The columns of flow_month for a roll-up; ids: those of the places of `ends_of`."""
    month, material, route, evidence = (rollup.keys[:, number] for number in (0, 7, 8, 9))
    source_id, target_id = (ids[end] for end in ends)
    return _by_key([material, month, source_id, target_id, route, evidence, rollup.kg, rollup.n])


def together(one: Sequence[Ints], other: Sequence[Ints]) -> list[Ints]:
    """Two such sets of columns as one; what comes to nothing is left out."""
    columns = _by_key([np.concatenate(pair) for pair in zip(one, other, strict=True)])
    some = (columns[-2] != 0) | (columns[-1] != 0)
    return [column[some] for column in columns]


def _by_key(columns: Sequence[Ints]) -> list[Ints]:
    """Columns of flow_month in order of their key, each key once."""
    *key, kg, n = columns
    groups = groups_of(key)
    return [*(column[groups.first] for column in key), groups.sums(kg), groups.sums(n)]


def draw_versions(session: Session, touched: Iterable[tuple[int, int]]) -> None:
    """New versions for (material, month), given in order."""
    marks = [(material, month, _random()) for material, month in touched]
    _many(session, _ADD_VERSIONS, marks)
    session.info.get(SNAPSHOT, {}).clear()


def place_ids(session: Session, places: Iterable[Place], keys: Keys) -> dict[Place, int]:
    """Integer keys of `places`, made where missing."""
    wanted = sorted(set(places))
    table = np.array([keys.place_key(place) for place in wanted], np.int64).reshape(-1, 3)
    rows, (each,) = _numbered([table])
    return dict(zip(wanted, make_places(session, rows)[each].tolist(), strict=True))


def touch_registry(session: Session) -> None:
    """Note that a table of the registry was written: whoever keeps the registry reads it anew."""
    touch(session, "registry")


def touch(session: Session, name: str) -> None:
    """Draw a new version for a stamp, which is made if it does not exist."""
    _many(session, _ADD_STAMP, [(name, _random())])
    for kept in (SNAPSHOT, STEADY):
        session.info.get(kept, {}).clear()


def _numbered(tables: Sequence[Ints]) -> tuple[Ints, list[Ints]]:
    """The rows of several tables, each once, in order, and where those of each table are."""
    rows = np.concatenate(tables)
    groups = groups_of(list(rows.T))
    ends = np.split(groups.numbers(), np.cumsum([len(table) for table in tables])[:-1])
    return rows[groups.first], ends


def make_places(session: Session, wanted: Ints) -> Ints:
    """Ids of places given as rows (kind, a, b); missing ones are made in their order."""
    ids = _known_ids(session, wanted)
    missing = wanted[ids < 0]
    if len(missing):
        named = dict(zip(("kind", "a", "b"), missing.T, strict=True))
        insert_columns(session, "place", len(missing), named, ending="ON CONFLICT DO NOTHING")
        ids = _known_ids(session, wanted)
        touch(session, "place")
    return ids


def _few_places(session: Session, keys: Keys, places: Iterable[Place]) -> dict[Place, int]:
    """Ids of a record's places, asked for at once; missing ones are made in order of their key."""
    wanted = {place: keys.place_key(place) for place in places}
    any_of_them = " OR ".join(["(kind = {mark} AND a = {mark} AND b = {mark})"] * len(wanted))
    query = _marked(session, f"SELECT kind, a, b, id FROM place WHERE {any_of_them}")
    connection = driver_connection(session)
    told = [value for key in wanted.values() for value in key]
    rows = connection.execute(query, told)
    found: dict[tuple[int, int, int], int] = {(kind, a, b): key for kind, a, b, key in rows}
    if len(found) < len(wanted):
        return place_ids(session, wanted, keys)
    return {place: found[key] for place, key in wanted.items()}


def _known_ids(session: Session, wanted: Ints) -> Ints:
    """Id of each row (kind, a, b) of `wanted`, -1 for places that do not exist yet."""
    if len(wanted) > FEW:
        ids, *known = read_places(session)
        rows = positions_in(known, list(wanted.T))
        return np.where(rows < 0, -1, ids[rows] if len(ids) else -1)
    connection = driver_connection(session)
    query = _marked(
        session, "SELECT id FROM place WHERE kind = {mark} AND a = {mark} AND b = {mark}"
    )
    found = [connection.execute(query, row).fetchone() for row in map(tuple, wanted.tolist())]
    return np.array([-1 if row is None else row[0] for row in found], dtype=np.int64)


def _add_rows(session: Session, columns: Sequence[Ints]) -> None:
    """Upsert of rows in order of their key; each key once."""
    if _is_postgresql(session) and len(columns[0]) > FEW:
        _copy_rows(session, columns)
        return
    _many(session, _UPSERT, zip(*(column.tolist() for column in columns), strict=True))


def _copy_rows(session: Session, columns: Sequence[Ints]) -> None:
    """The same on PostgreSQL: COPY for months that are new, a table in between for others."""
    connection = driver_connection(session)
    known = connection.execute("SELECT material_id, month FROM rollup_month").fetchall()
    months = np.array(known, np.int64).reshape(-1, 2)
    held = positions_in(list(months.T), columns[:2]) >= 0
    with connection.cursor() as cursor:
        if not held.all():
            copy_in(cursor, "flow_month", [column[~held] for column in columns])
        if held.any():
            copy_between(cursor, [column[held] for column in columns])


def copy_between(cursor: Any, columns: Sequence[Ints]) -> None:
    """Rows into a table in between, and from there to those that may be there already."""
    typed = ", ".join(f"{name} bigint" for name in _COLUMNS)
    cursor.execute(f"CREATE TEMP TABLE IF NOT EXISTS rollup_in ({typed}) ON COMMIT DROP")
    cursor.execute("TRUNCATE rollup_in")
    copy_in(cursor, "rollup_in", columns)
    cursor.execute(
        f"INSERT INTO flow_month ({_NAMES}) SELECT {_NAMES} FROM rollup_in "
        f"ORDER BY {', '.join(_KEY)} {_ADD_ROWS}"
    )


def copy_in(cursor: Any, table: str, columns: Sequence[Ints]) -> None:
    """COPY of the columns into flow_month, or into a table like it of bigints."""
    with cursor.copy(f"COPY {table} ({_NAMES}) FROM STDIN (FORMAT binary)") as copy:
        sizes = _SIZES if table == "flow_month" else [8] * len(_COLUMNS)
        for block in copied_in(columns, sizes):
            copy.write(block)


def _drop_empty(session: Session, key: Sequence[Ints], lessened: NDArray[np.bool_]) -> None:
    """Remove those of the rows (keys in order) that came to nothing."""
    rows = np.flatnonzero(lessened)
    if len(rows):
        values = zip(*(column[rows].tolist() for column in key), strict=True)
        _many(session, _DROP_EMPTY, values)


def _many(session: Session, statement: str, rows: Iterable[tuple[int | str, ...]]) -> None:
    """A statement for every row, through the driver itself."""
    marked = _marked(session, statement)
    connection = driver_connection(session)
    if not _is_postgresql(session):
        connection.executemany(marked, rows)
        return
    told = list(rows)
    if len(told) <= FEW:  # sent with what comes next
        for row in told:
            connection.later(marked, row)
        return
    with connection.cursor() as cursor:
        cursor.executemany(marked, told)


def _marked(session: Session, statement: str) -> str:
    """The statement with the driver's parameter marks."""
    return statement.replace("{mark}", "%s" if _is_postgresql(session) else "?")


def _is_postgresql(session: Session) -> bool:
    return session.get_bind().dialect.name == "postgresql"


def _random() -> int:
    return secrets.randbits(RANDOM_BITS)
