"""Packed loads (`load_pack`) into the tables of SQLite, by three statements.

They say OR FAIL: a row that cannot be stored ends the transaction anyway, and SQLite then need not
keep every page as it was before the statement.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy.orm import Session

from wasteflow_models.chunk_writer import beside
from wasteflow_models.load_events import EVENT_COLUMNS
from wasteflow_models.load_ids import STEP
from wasteflow_models.load_pack import PackedLoads


def claim_packed(session: Session, packed: PackedLoads, steps: Mapping[int, int]) -> bool:
    """Claim the numbers of packed loads; False, and nothing claimed, if one of them is taken.

    steps: month → what is added to a key of it to give the id.
    """
    connection = session.connection()
    source = f"{beside(session)}.loads"
    number, consignor = packed.columns["doc_no"], packed.columns["consignor_id"]
    connection.exec_driver_sql("SAVEPOINT claim")
    done = 0
    for first, last, step in _spans(packed, steps):
        result = connection.exec_driver_sql(
            f"INSERT OR FAIL INTO load_number (doc_no, consignor_id, shipment_id) "
            f"SELECT {number}, {consignor}, id + {step} FROM {source} "
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
    source, names = beside(session), ", ".join(packed.columns)
    values = ", ".join(packed.columns.values())
    told = {"batch_id": int(batch_id), "recorded_at": int(now.timestamp())}
    events = EVENT_COLUMNS.split(", ")
    moved = ", ".join(str(told.get(name, name)) for name in events[1:])
    for first, last, step in _spans(packed, steps):
        within = f"FROM {source}.loads WHERE id BETWEEN {first} AND {last}"
        session.connection().exec_driver_sql(
            f"INSERT OR FAIL INTO shipment (id, batch_id, {names}) "
            f"SELECT id + {step}, {int(batch_id)}, {values} {within} ORDER BY id"
        )
        session.connection().exec_driver_sql(
            f"INSERT OR FAIL INTO event ({EVENT_COLUMNS}) SELECT shipment_id + {step}, {moved} "
            f"FROM {source}.event WHERE shipment_id BETWEEN {first} AND {last} ORDER BY rowid"
        )


def _spans(packed: PackedLoads, steps: Mapping[int, int]) -> list[tuple[int, int, int]]:
    """First and last key of each month, and its step."""
    return [
        (month * STEP, (month + 1) * STEP - 1, steps[month]) for month in packed.months.tolist()
    ]
