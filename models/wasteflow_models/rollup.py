"""Writing the roll-up: places get their keys, sums are added by upsert in sorted order.

Sorted keys keep concurrent writers from deadlocking; rows that come to nothing are removed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from wasteflow.core.places import Place
from wasteflow.core.postings import FlowKey
from wasteflow_models.convert import Keys
from wasteflow_models.ledger import FlowMonthRow, PlaceRow, RollupVersionRow

CHUNK = 500


def upsert(session: Session, table: Any, rows: list[dict[str, Any]], add: tuple[str, ...]) -> None:
    """Insert `rows`; where the primary key (or unique key of place) exists, add the `add` columns.

    With `add` empty existing rows stay as they are.  The one place for dialects (ON CONFLICT).
    """
    dialect = session.get_bind().dialect.name
    insert = postgresql.insert if dialect == "postgresql" else sqlite.insert
    columns = [column.name for column in table.__table__.primary_key]
    if not rows:
        return
    statement: Any = insert(table)
    if add:
        statement = statement.on_conflict_do_update(
            index_elements=columns,
            set_={name: table.__table__.c[name] + statement.excluded[name] for name in add},
        )
    else:
        statement = statement.on_conflict_do_nothing()
    session.execute(statement, rows)


def place_ids(session: Session, places: Iterable[Place], keys: Keys) -> dict[Place, int]:
    """Integer keys of `places`, made where missing."""
    wanted = {place: keys.place_key(place) for place in sorted(set(places))}
    known = _known_places(session, set(wanted.values()))
    missing = [key for key in wanted.values() if key not in known]
    if missing:
        upsert(session, PlaceRow, [{"kind": k, "a": a, "b": b} for k, a, b in missing], ())
        known |= _known_places(session, set(missing))
    return {place: known[key] for place, key in wanted.items()}


def _known_places(
    session: Session, wanted: set[tuple[int, int, int]]
) -> dict[tuple[int, int, int], int]:
    """(kind, a, b) → id of those of `wanted` that exist."""
    query = select(PlaceRow.kind, PlaceRow.a, PlaceRow.b, PlaceRow.id)
    if len(wanted) <= CHUNK:
        firsts = sorted({a for _, a, _ in wanted})
        query = query.where(PlaceRow.a.in_(firsts))
    return {
        (kind, a, b): key
        for kind, a, b, key in session.execute(query.order_by(PlaceRow.id))
        if (kind, a, b) in wanted
    }


def add_to_rollup(session: Session, delta: Mapping[FlowKey, tuple[int, int]], keys: Keys) -> None:
    """Add kilograms and counts of `delta` to flow_month, within the caller's transaction."""
    if not delta:
        return
    ends = {key.source for key in delta} | {key.target for key in delta}
    ids = place_ids(session, ends, keys)
    rows = [
        {
            "month": key.month,
            "source_id": ids[key.source],
            "target_id": ids[key.target],
            "material_id": keys.id_of("material", key.material),
            "route_id": keys.id_of("route", key.route),
            "evidence": int(key.evidence),
            "kg": kg,
            "n": n,
        }
        for key, (kg, n) in delta.items()
    ]
    rows.sort(key=lambda row: tuple(row.values())[:6])
    upsert(session, FlowMonthRow, rows, ("kg", "n"))
    touched = sorted({row["material_id"] for row in rows})
    bumps = [{"material_id": material, "version": 1} for material in touched]
    upsert(session, RollupVersionRow, bumps, ("version",))
    if any(kg <= 0 for kg, _ in delta.values()):
        months = sorted({key.month for key in delta})
        session.execute(
            delete(FlowMonthRow).where(
                FlowMonthRow.month.in_(months), FlowMonthRow.kg == 0, FlowMonthRow.n == 0
            )
        )
