"""Packed loads (`load_pack`) into the tables of SQLite, by three statements."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy.orm import Session

from wasteflow_models.engine import BESIDE
from wasteflow_models.load_events import EVENT_COLUMNS
from wasteflow_models.load_ids import STEP
from wasteflow_models.load_pack import PackedLoads


def claim_packed(session: Session, packed: PackedLoads, steps: Mapping[int, int]) -> bool:
    """Claim the numbers of packed loads; False, and nothing claimed, if one of them is taken.

    steps: month → what is added to a key of it to give the id.
    """
    connection = session.connection()
    number, consignor = packed.columns["doc_no"], packed.columns["consignor_id"]
    connection.exec_driver_sql("SAVEPOINT claim")
    done = 0
    for first, last, step in _spans(packed, steps):
        result = connection.exec_driver_sql(
            f"INSERT INTO load_number (doc_no, consignor_id, shipment_id) "
            f"SELECT {number}, {consignor}, id + {step} FROM {BESIDE}.loads "
            f"WHERE id BETWEEN {first} AND {last} ORDER BY id ON CONFLICT DO NOTHING"
        )
        done += result.rowcount
    if done < packed.count:
        connection.exec_driver_sql("ROLLBACK TO claim")
    connection.exec_driver_sql("RELEASE claim")
    return done == packed.count


def insert_packed(
    session: Session,
    packed: PackedLoads,
    steps: Mapping[int, int],
    batch_id: int,
    now: datetime,
) -> None:
    """Headers and events of packed loads, whose numbers are claimed."""
    names = ", ".join(packed.columns)
    values = ", ".join(packed.columns.values())
    told = {"batch_id": int(batch_id), "recorded_at": int(now.timestamp())}
    events = EVENT_COLUMNS.split(", ")
    moved = ", ".join(str(told.get(name, name)) for name in events[1:])
    for first, last, step in _spans(packed, steps):
        within = f"FROM {BESIDE}.loads WHERE id BETWEEN {first} AND {last}"
        session.connection().exec_driver_sql(
            f"INSERT INTO shipment (id, batch_id, {names}) "
            f"SELECT id + {step}, {int(batch_id)}, {values} {within} ORDER BY id"
        )
        session.connection().exec_driver_sql(
            f"INSERT INTO event ({EVENT_COLUMNS}) SELECT shipment_id + {step}, {moved} "
            f"FROM {BESIDE}.event WHERE shipment_id BETWEEN {first} AND {last} ORDER BY rowid"
        )


def _spans(packed: PackedLoads, steps: Mapping[int, int]) -> list[tuple[int, int, int]]:
    """First and last key of each month, and its step."""
    return [
        (month * STEP, (month + 1) * STEP - 1, steps[month]) for month in packed.months.tolist()
    ]
