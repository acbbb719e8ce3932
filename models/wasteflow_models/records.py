"""Named queries of the drill: roll-up rows of some places, and the records behind one of them.

Rows come as core postings' keys and records, so that their kilograms can be held against each
other; nothing is written.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from wasteflow.core.columns import order_of
from wasteflow.core.places import Place, PlaceKind
from wasteflow.core.postings import FlowKey
from wasteflow.core.records import EventKind
from wasteflow.core.vocabulary import Evidence
from wasteflow_models import flow_columns, month_flows
from wasteflow_models.convert import Keys
from wasteflow_models.ledger import (
    EntryRow,
    EventRow,
    ShipmentRow,
    no_reversal,
    recorded,
)
from wasteflow_models.parties import sent_to
from wasteflow_models.queries import reversed_entry_ids

CHUNK = 500


def rollup_rows(
    session: Session,
    keys: Keys,
    first: int,
    last: int,
    *,
    source: tuple[int, str] | Place | None = None,
    target: tuple[int, str] | Place | None = None,
    material: str = "",
) -> Iterator[tuple[FlowKey, int, int]]:
    """(key, kg, n) of the roll-up rows of months first..last, in key order.

    source, target: a place, or (kind, enterprise) for every place of that kind and first firm
    ("" = any firm).
    """
    table = flow_columns.place_columns(session)
    ends = _place_ids(table, keys, source), _place_ids(table, keys, target)
    numbers = month_flows.numbering(session, keys)
    parts = []
    for material_id in month_flows.wanted_materials(session, keys, material):
        for month, part in flow_columns.months(session, material_id, first, last).items():
            kept = np.ones(len(part.kg), bool)
            for ids, column in zip(ends, (part.source, part.target), strict=True):
                kept &= True if ids is None else np.isin(column, ids)
            columns = [column[kept].astype(np.int64) for column in part]
            columns[2:2] = [np.full(len(columns[0]), material_id)]
            parts.append([np.full(len(columns[0]), month), *columns])
    if not parts:
        return
    whole = [np.concatenate(part) for part in zip(*parts, strict=True)]
    order = order_of(whole[:6])
    names, stuff, route = numbers.names, keys.codes["material"], keys.codes["route"]
    for month, s, t, m, r, e, kg, n in zip(*(c[order].tolist() for c in whole), strict=True):
        place = names.places[numbers.place[s]], names.places[numbers.place[t]]
        yield FlowKey(month, *place, stuff[m], route[r], Evidence(e)), kg, n


def _place_ids(
    table: flow_columns.PlaceColumns, keys: Keys, wanted: tuple[int, str] | Place | None
) -> NDArray[np.int64] | None:
    """Ids of the places meant, None for all."""
    if wanted is None:
        return None
    if isinstance(wanted, Place):
        kind, a, b = keys.place_key(wanted)
        same = (table.kind == int(kind)) & (table.a == a) & (table.b == b)
    else:
        same = table.kind == wanted[0]
        if wanted[1]:
            same &= table.a == keys.id_of("enterprise", wanted[1])
    ids: NDArray[np.int64] = table.id[same]
    return ids


def loads_near(session: Session, keys: Keys, key: FlowKey) -> list[ShipmentRow]:
    """Loads on the road of `key` that moved in its month, reversed ones left out.

    The road is the transit place among the two ends (the target where both are).
    """
    road = key.target if key.target.kind is PlaceKind.TRANSIT else key.source
    row = ShipmentRow
    months = (row.dispatched_month, row.received_month, row.lost_month)
    query = (
        select(row)
        .where(
            row.holder_id == keys.id_of("enterprise", road.a),
            sent_to(session, [keys.id_of("enterprise", road.b)]),
            row.material_id == keys.id_of("material", key.material),
            row.route_id == keys.id_of("route", key.route),
            row.evidence == int(key.evidence),
            ~row.reversed_,
            or_(*(month == key.month for month in months)),
        )
        .order_by(row.id)
    )
    return list(session.scalars(query))


def entries_near(session: Session, keys: Keys, key: FlowKey) -> list[EntryRow]:
    """Entries in force of the firm of `key` in its month, material and evidence."""
    place = key.source if key.source.owner else key.target
    year, month = divmod(key.month, 100)
    row = EntryRow
    query = (
        select(row)
        .where(
            row.enterprise_id == keys.id_of("enterprise", place.owner),
            row.material_id == keys.id_of("material", key.material),
            row.day >= date(year, month, 1),
            row.day < date(year + month // 12, month % 12 + 1, 1),
            row.evidence == int(key.evidence),
            no_reversal(),
            recorded(),
        )
        .order_by(row.id)
    )
    found = list(session.scalars(query))
    gone = reversed_entry_ids(session, [item.id for item in found])
    return [item for item in found if item.id not in gone]


def lost_moments(session: Session, shipments: Sequence[int]) -> dict[int, datetime]:
    """Shipment → when it was lost."""
    found: dict[int, datetime] = {}
    for start in range(0, len(shipments), CHUNK):
        query = (
            select(EventRow.shipment_id, EventRow.at)
            .where(
                EventRow.shipment_id.in_(shipments[start : start + CHUNK]),
                EventRow.kind == EventKind.LOST.value,
            )
            .order_by(EventRow.shipment_id)
        )
        found |= {int(key): at for key, at in session.execute(query)}
    return found
