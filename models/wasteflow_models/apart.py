"""Loads that stand apart from the many that are over, and the months in which a carrier has loads.

Nearly all loads were accepted long ago.  Questions after the others - on the road, refused, lost,
disputed, a refused part nobody has moved - read `load_apart`: a row for each mark a load has.  Both
tables follow from `shipment`: proved by `check`, mended by rebuilding; marks are written in the
transaction of their load, carriers in that which lets others see it.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import (
    ColumnElement,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Select,
    SmallInteger,
    Text,
    select,
    text,
    union_all,
)
from sqlalchemy.orm import Mapped, Session, mapped_column

from wasteflow.core.vocabulary import Evidence, LoadState
from wasteflow_models.base import Base, Key
from wasteflow_models.engine import linked
from wasteflow_models.ledger import ShipmentRow
from wasteflow_models.load_ids import STEP
from wasteflow_models.load_marks import (
    DISPUTED,
    HELD,
    MARKS,
    OPEN_PART,
    ORDINARY,
    NewMarks,
    stay_apart,
)
from wasteflow_models.prepared import Prepared
from wasteflow_models.raw import (
    by_index,
    by_keys,
    insert_columns,
    many,
    read_ints,
)
from wasteflow_models.words import STATES

Ints = NDArray[np.int64]


class LoadApartRow(Base):
    """A mark of a load: the number of its state, `DISPUTED`, `OPEN_PART` or `HELD`; its firms."""

    __tablename__ = "load_apart"
    __table_args__ = (
        PrimaryKeyConstraint("mark", "shipment_id"),
        Index("ix_load_apart_consignor", "consignor_id", "mark", "shipment_id"),
        Index("ix_load_apart_consignee", "consignee_id", "mark", "shipment_id"),
        {"sqlite_with_rowid": False},
    )
    mark: Mapped[int] = mapped_column(SmallInteger, autoincrement=False)
    shipment_id: Mapped[int] = mapped_column(Key, autoincrement=False)
    consignor_id: Mapped[int] = mapped_column(Key)
    consignee_id: Mapped[int] = mapped_column(Key)


class CarrierMonthRow(Base):
    """A month (that of the ids) in which a carrier has, or had, a load."""

    __tablename__ = "carrier_month"
    __table_args__ = (PrimaryKeyConstraint("carrier", "month"), {"sqlite_with_rowid": False})
    carrier: Mapped[str] = mapped_column(Text)
    month: Mapped[int] = mapped_column(Integer, autoincrement=False)


# --- read by questions --------------------------------------------------------------------------

FEW_FIRMS: Final = 500
"""Loads of so many firms are asked for by name; those of more are compared by the caller."""


def marked(
    marks: Collection[int],
    *,
    sender: Collection[int] | None = None,
    receiver: Collection[int] | None = None,
) -> Select[int]:
    """Ids of the loads with one of `marks`; of these consignors, these consignees (ids), or all."""
    row = LoadApartRow
    query = select(row.shipment_id).where(row.mark.in_(sorted(marks)))
    if sender is not None:
        query = query.where(row.consignor_id.in_(sorted(sender)))
    if receiver is not None:
        query = query.where(row.consignee_id.in_(sorted(receiver)))
    return query


def marked_of(marks: Collection[int], firms: Collection[int] | None) -> ColumnElement[bool]:
    """Loads with one of `marks` of which one of `firms` is consignor or consignee (None: all).

    Of more than `FEW_FIRMS` firms those of all others come too.
    """
    if firms is None or len(firms) > FEW_FIRMS:
        return ShipmentRow.id.in_(marked(marks))
    ways = marked(marks, sender=firms), marked(marks, receiver=firms)
    return ShipmentRow.id.in_(union_all(*ways))


# --- written with the loads --------------------------------------------------------------------


def add_new(
    session: Session, new: NewMarks, ids: Ints, consignor_id: Ints, consignee_id: Ints
) -> None:
    """Write the marks of loads that were just inserted, aligned with `ids`; no carriers."""
    order = np.lexsort((ids[new.row], new.mark))
    row = new.row[order]
    columns: dict[str, Any] = {
        "mark": new.mark[order],
        "shipment_id": ids[row],
        "consignor_id": consignor_id[row].astype(np.int64),
        "consignee_id": consignee_id[row].astype(np.int64),
    }
    insert_columns(session, "load_apart", len(row), columns)


def add_carried(session: Session, carried: Iterable[tuple[str, int]]) -> None:
    """Note (carrier, month of the ids) of loads."""
    rows = sorted(set(carried))
    if rows:
        names, months = zip(*rows, strict=True)
        columns = {"carrier": list(names), "month": list(months)}
        ending = "ON CONFLICT DO NOTHING"
        insert_columns(session, "carrier_month", len(rows), columns, ending=ending)


_CARRIED = (
    "INSERT INTO carrier_month (carrier, month) VALUES (:carrier, :month) ON CONFLICT DO NOTHING"
)
_LOAD = "FROM shipment s WHERE s.id = :id"
_FIRMS = "s.id, s.consignor_id, s.consignee_id"
_UNSEEN = "SELECT id FROM batch WHERE NOT published"
_MOVED = (
    "coalesce((SELECT CAST(sum(c.dispatched_kg) AS BIGINT) FROM load_child l "
    "JOIN shipment c ON c.id = l.child_id WHERE l.parent_id = s.id AND NOT c.reversed "
    f"AND (coalesce(c.batch_id, 0) NOT IN ({_UNSEEN}) OR c.batch_id = s.batch_id)), 0)"
)
"""Kilograms that children took; those of an import that is not published count for its own."""
_BY_ANOTHER = "s.state <> 0 AND s.holder_id NOT IN (s.consignor_id, s.consignee_id)"
_IN_ORDER = ", ".join(map(str, ORDINARY))
_FORGET = (
    f"DELETE FROM load_apart WHERE mark IN ({', '.join(map(str, MARKS))}) AND shipment_id = :id"
)
_HELD = f"SELECT {HELD}, s.id, s.holder_id, s.consignee_id {_LOAD} AND {_BY_ANOTHER}"
_MARK = (
    "INSERT INTO load_apart (mark, shipment_id, consignor_id, consignee_id) "
    f"SELECT s.state, {_FIRMS} {_LOAD} AND s.state NOT IN ({_IN_ORDER}) "
    f"UNION ALL SELECT {DISPUTED}, {_FIRMS} {_LOAD} AND s.evidence = {int(Evidence.DISPUTED)} "
    f"UNION ALL SELECT {OPEN_PART}, {_FIRMS} {_LOAD} AND s.refused_kg > 0 AND NOT s.reversed "
    f"AND s.refused_kg > {_MOVED} UNION ALL {_HELD} ON CONFLICT DO NOTHING"
)
_ONE = [Prepared(text(statement)) for statement in (_FORGET, _MARK)]
_ONE_CARRIED = Prepared(text(_CARRIED))


def settle(session: Session, ids: Ints) -> None:
    """Give loads whose status has changed the marks they have now."""
    ids = np.unique(ids)
    with by_index(session):
        many(session, _FORGET.replace(":id", "?"), [ids])
        many(session, _MARK.replace(":id", "?"), [ids] * _MARK.count(":id"))


_ROAD: Final = STATES.index(LoadState.IN_TRANSIT)
_ARRIVED = f"DELETE FROM load_apart WHERE mark IN ({_ROAD}, {DISPUTED}) AND shipment_id"


def receive(session: Session, ids: Ints, few: Ints) -> None:
    """Take the marks of the road from loads that were received; `few`: those of `stay_apart`."""
    with by_index(session):
        by_keys(session, _ARRIVED, ids)
    settle(session, few)


def receive_all(session: Session, table: str) -> None:
    """The same on SQLite for all loads of a table of receipts (`receipts.pack_receipts`)."""
    linked(session).exec_driver_sql(f"{_ARRIVED} IN (SELECT shipment_id FROM {table})")
    names = "shipment_id, own_state, own_evidence, own_refused_kg"
    ids, *told = read_ints(session, f"SELECT {names} FROM {table}", 4)
    settle(session, ids[stay_apart(*told)])


def add_held(session: Session, ids: Ints, holder: Ints, consignor: Ints, consignee: Ints) -> None:
    """Write `HELD` of new returns and redirects, aligned with `ids`."""
    rows = np.flatnonzero((holder != consignor) & (holder != consignee))
    columns = {
        "mark": np.full(len(rows), HELD),
        "shipment_id": ids[rows],
        "consignor_id": holder[rows],
        "consignee_id": consignee[rows],
    }
    insert_columns(session, "load_apart", len(rows), columns)


def settle_load(session: Session, shipment_id: int, parent_id: int | None, carrier: str) -> None:
    """The same for one load, whose row is written, and the parent whose refused part it moves."""
    connection = linked(session)
    for key in (shipment_id, parent_id):
        for statement in _ONE if key else ():
            statement.later(connection, {"id": key})
    if carrier:
        named = {"carrier": carrier, "month": shipment_id // STEP}
        _ONE_CARRIED.later(connection, named)


def forget_range(session: Session, batch_id: int, first: int, last: int) -> None:
    """Forget the marks of the loads first..last of a batch; some may lie apart (`months_apart`)."""
    within = f"mark IN ({', '.join(map(str, MARKS))}) AND shipment_id BETWEEN :first AND :last"
    session.execute(
        text(
            f"DELETE FROM load_apart WHERE {within} AND shipment_id NOT IN "
            "(SELECT id FROM shipment WHERE id BETWEEN :first AND :last "
            "AND coalesce(batch_id, 0) <> :batch)"
        ),
        {"batch": batch_id, "first": first, "last": last},
    )


# --- proved and mended -------------------------------------------------------------------------


_PROVED = (
    *("id", "consignor_id", "consignee_id", "holder_id"),
    *("state", "evidence", "refused_kg", "reversed"),
)


class Candidates:
    """Loads that must have a mark, gathered from blocks of loads in the books."""

    def __init__(self) -> None:
        self._parts: list[list[Ints]] = [[np.zeros(0, np.int64)] * len(_PROVED)]

    def add(self, block: Mapping[str, Ints]) -> None:
        """Those of a block; its columns: those of `scan.load_blocks`."""
        columns = (block[name] for name in _PROVED[1:-1])
        sender, receiver, holder, state, evidence, refused = columns
        here = ~np.isin(state, ORDINARY) | (evidence == int(Evidence.DISPUTED)) | (refused > 0)
        here |= (holder != sender) & (holder != receiver)
        rows = np.flatnonzero(here)
        self._parts.append([block[name][rows] for name in _PROVED])

    def columns(self) -> list[Ints]:
        """Their columns, as in `_PROVED`."""
        return [np.concatenate(part) for part in zip(*self._parts, strict=True)]


def wrong_marks(session: Session, found: Candidates | None = None) -> Ints:
    """Ids of loads in the books whose marks are not those of their status, ascending.

    found: what a look through all loads has gathered; without it they are looked through here.
    Loads of an import that is not published are nobody's business yet; on PostgreSQL they may lie
    apart, where nobody finds them.
    """
    seen = f"coalesce(s.batch_id, 0) NOT IN ({_UNSEEN})"
    if found is None:
        found = Candidates()
        names = ", ".join(f"s.{name}" for name in _PROVED[:-1])
        query = (
            f"SELECT {names}, CAST(s.reversed AS INTEGER) FROM shipment s "
            f"WHERE (s.state NOT IN ({_IN_ORDER}) OR s.evidence = {int(Evidence.DISPUTED)} "
            f"OR s.refused_kg > 0 OR {_BY_ANOTHER}) AND {seen}"
        )
        found.add(dict(zip(_PROVED, read_ints(session, query, len(_PROVED)), strict=True)))
    load, sender, receiver, holder, state, evidence, refused, gone = found.columns()
    held = (state != ORDINARY[0]) & (holder != sender) & (holder != receiver)
    left = (refused > 0) & (gone == 0)
    left[left] = refused[left] > _moved(session, load[left])
    chosen = (
        (state, ~np.isin(state, ORDINARY)),
        (np.full(len(load), DISPUTED), evidence == int(Evidence.DISPUTED)),
        (np.full(len(load), OPEN_PART), left),
    )
    others = [load[held], holder[held], receiver[held], np.full(int(held.sum()), HELD)]
    wanted = [
        np.concatenate([column[here] for _, here in chosen]) for column in (load, sender, receiver)
    ] + [np.concatenate([mark[here] for mark, here in chosen])]  # fmt: skip
    stored = read_ints(
        session,
        "SELECT a.shipment_id, a.consignor_id, a.consignee_id, a.mark FROM load_apart a "
        f"LEFT JOIN shipment s ON s.id = a.shipment_id WHERE {seen} AND (s.id IS NOT NULL OR "
        "NOT EXISTS (SELECT 1 FROM staged t WHERE a.shipment_id BETWEEN t.first_id AND t.last_id))",
        4,
    )
    rows = np.concatenate([np.stack(part, 1) for part in (wanted, others, stored)])
    _, first, count = np.unique(rows, axis=0, return_index=True, return_counts=True)
    return np.unique(rows[first[count == 1], 0])


def _moved(session: Session, parents: Ints) -> Ints:
    """Kilograms that children in the books took of each of these loads."""
    known, kg = read_ints(
        session,
        "SELECT l.parent_id, CAST(sum(s.dispatched_kg) AS BIGINT) FROM load_child l "
        "JOIN shipment s ON s.id = l.child_id WHERE NOT s.reversed "
        f"AND coalesce(s.batch_id, 0) NOT IN ({_UNSEEN}) GROUP BY l.parent_id ORDER BY 1",
        2,
    )
    if not len(known):
        return np.zeros(len(parents), np.int64)
    at = np.minimum(np.searchsorted(known, parents), len(known) - 1)
    return np.where(known[at] == parents, kg[at], 0)


def missing_carried(session: Session) -> list[tuple[str, int]]:
    """(carrier, month) of loads in the books that `carrier_month` does not lead to."""
    found = session.execute(
        text(
            f"SELECT DISTINCT s.carrier, s.id / {STEP} AS month FROM shipment s "
            "WHERE s.carrier <> '' AND NOT EXISTS (SELECT 1 FROM carrier_month m "
            f"WHERE m.carrier = s.carrier AND m.month = s.id / {STEP}) "
            f"AND coalesce(s.batch_id, 0) NOT IN ({_UNSEEN}) ORDER BY 1, 2"
        )
    )
    return [(carrier, int(month)) for carrier, month in found]
