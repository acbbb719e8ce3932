"""Receipts of loads on the road, written from columns, or on SQLite from a database of their own.

Binding a row costs twice as much as moving it (as with loads, `load_pack`), and those who wait for
the writer of a large file wait for the moving alone.  Whose receipt it may be services decide.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from datetime import datetime
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from wasteflow_models import apart
from wasteflow_models.chunk_writer import beside
from wasteflow_models.load_marks import stay_apart
from wasteflow_models.load_store import blank
from wasteflow_models.raw import insert_columns, many
from wasteflow_models.sql_rows import insert_statement, plain
from wasteflow_models.words import STATES

Ints = NDArray[np.int64]
_TAKEN: Final = (
    *("received_at", "received_month", "received_kg", "accepted_kg", "refused_kg"),
    *("evidence", "state"),
)
_FILLED: Final = {"ticket_no": ("TEXT", "''"), "remark": ("TEXT", "''")} | {
    "to_facility_id": ("BIGINT", "0")
}
"""Columns of the header that a receipt sets, and those that it fills where it is not blank."""
_WAITS: Final = f"state = {STATES.index('in_transit')} AND NOT reversed"


def complete_loads(
    session: Session, ids: Ints, receipt: Mapping[str, Any], batch_id: int, now: datetime
) -> bool:
    """Give loads on the road their receipt; False if one of them is no longer on the road.

    receipt: received_at, received_month, booked_month, received_kg, receipt_input_kg,
    receipt_dry_kg, receipt_moisture, accepted_kg, refused_kg, evidence, state, basis, weighed,
    to_facility_id, last_seq (of the load's events), and as texts reason, ticket_no, remark; aligned
    with `ids`, ascending.
    """
    told = [f"{name} = ?" for name in _TAKEN]
    told += [_filled(name, "?") for name in _FILLED]
    changed = many(
        session,
        f"UPDATE shipment SET {', '.join(told)} WHERE id = ? AND {_WAITS}",
        [*(receipt[name] for name in (*_TAKEN, *_FILLED)), ids],
    )
    if changed != len(ids):
        return False
    columns = {**_decisions(ids, receipt), **_about(batch_id, now)}
    insert_columns(session, "event", len(ids), columns)
    stay = stay_apart(receipt["state"], receipt["evidence"], receipt["refused_kg"])
    apart.receive(session, ids, ids[stay])
    return True


def pack_receipts(ids: Ints, receipt: Mapping[str, Any]) -> bytes:
    """The same as the bytes of a database, for `move_receipts`.

    Its table has no key: loads are looked up by the receipts, never receipts by the loads.
    """
    stored: dict[str, Any] = {f"own_{name}": receipt[name] for name in (*_TAKEN, *_FILLED)}
    stored |= _decisions(ids, receipt)
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as made:
        made.execute("PRAGMA journal_mode=OFF").fetchall()
        made.execute("BEGIN")
        made.execute(f"CREATE TABLE receipt ({', '.join(stored)})")
        statement, names = insert_statement("receipt", stored)
        made.executemany(statement, zip(*(plain(stored[name]) for name in names), strict=True))
        made.execute("COMMIT")
        return made.serialize()


def move_receipts(session: Session, count: int, batch_id: int, now: datetime) -> bool:
    """Give loads the receipts that were packed and lie beside this transaction; False as above."""
    connection, table = session.connection(), f"{beside(session)}.receipt"
    told = [f"{name} = r.own_{name}" for name in _TAKEN]
    told += [_filled(name, f"r.own_{name}") for name in _FILLED]
    done = connection.exec_driver_sql(
        f"UPDATE shipment SET {', '.join(told)} FROM {table} r "
        f"WHERE id = r.shipment_id AND {_WAITS}"
    )
    if done.rowcount != count:
        return False
    about = _about(batch_id, now)
    names = ", ".join((*_EVENT, *about))
    values = ", ".join((*_EVENT, *map(str, about.values())))
    connection.exec_driver_sql(
        f"INSERT INTO event ({names}) SELECT {values} FROM {table} ORDER BY rowid"
    )
    apart.receive_all(session, table)
    return True


def _filled(name: str, value: str) -> str:
    kind, nothing = _FILLED[name]
    return f"{name} = coalesce(nullif(CAST({value} AS {kind}), {nothing}), shipment.{name})"


def _about(batch_id: int, now: datetime) -> dict[str, int]:
    return {"batch_id": int(batch_id), "recorded_at": int(now.timestamp())}


_EVENT: Final = (
    *("shipment_id", "seq", "kind", "at", "booked_month", "kg", "input_kg", "dry_kg"),
    *("accepted_kg", "refused_kg", "basis", "moisture", "weighed", "evidence", "reason"),
)


def _decisions(ids: Ints, receipt: Mapping[str, Any]) -> dict[str, Any]:
    """The events of receipts, but for who brought them and when."""
    values = (
        *(ids, receipt["last_seq"] + 1, 1, receipt["received_at"], receipt["booked_month"]),
        *(receipt["received_kg"], receipt["receipt_input_kg"], blank(receipt["receipt_dry_kg"])),
        *(receipt["accepted_kg"], receipt["refused_kg"], receipt["basis"]),
        *(blank(receipt["receipt_moisture"]), receipt["weighed"], receipt["evidence"]),
        receipt["reason"],
    )
    return dict(zip(_EVENT, values, strict=True))
