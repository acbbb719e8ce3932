"""Loads of the books that are alike for whoever signs them: one is held, and stands for the rest.

Who has signed a load, and what the word of a firm makes of it, follows from the kinds of its events
and from whose they are, never from masses or days.  Loads that somebody acted on by hand, or of
which something is booked late, are held one by one.
"""

from __future__ import annotations

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray
from sqlalchemy import select
from sqlalchemy.orm import Session

from wasteflow.core.columns import groups_of
from wasteflow.core.postings_bulk import LoadColumns, picked
from wasteflow.core.records import EventKind
from wasteflow.services.live.held import Held, held_rows
from wasteflow_models.convert import Keys
from wasteflow_models.ledger import ShipmentRow
from wasteflow_models.load_alike import Columns, alike_columns
from wasteflow_models.words import EVENT_KINDS

Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]
_DECIDED = EVENT_KINDS.index(EventKind.DECIDED)
_CONFIRMED = EVENT_KINDS.index(EventKind.CONFIRMED)
MOST_EVENTS = 8
"""A load with more events is held by itself."""


class Alike(Struct, frozen=True):
    """Loads in ascending order; `shape`: equal numbers, equal judgement; `version`: events so far.

    samples: one load of each shape, held.
    """

    ids: Ints
    shape: Ints
    version: Ints
    columns: LoadColumns
    samples: list[Held]

    def pick(self, rows: Ints) -> Alike:
        """The loads at these positions."""
        columns = picked(self.columns, rows)
        return Alike(self.ids[rows], self.shape[rows], self.version[rows], columns, self.samples)


def alike_loads(session: Session, keys: Keys, firm: str, ids: Ints) -> tuple[Alike, Ints]:
    """Those of `ids` (distinct, ascending) that can be judged by their like, and the others.

    firm: who signs.
    """
    header, events = alike_columns(session, ids)
    starts = np.searchsorted(events["load"], header["id"])
    counts = np.diff(np.append(starts, len(events["load"])))
    plain = (header["by_hand"] == 0) & (counts <= MOST_EVENTS)
    plain[_owners(counts)[_perhaps_late(header, events, counts)]] = False
    rows = np.flatnonzero(plain)
    columns = LoadColumns(**{name: header[name] for name in LoadColumns.__struct_fields__})
    groups = groups_of(
        [
            *(header[name][rows] for name in ("state", "evidence", "from_outside", "to_outside")),
            *(column[rows] for column in _parties(keys, firm, header)),
            header["gone"][rows],
            *_events(header, events, starts, counts)[rows].T,
        ]
    )
    ids, first = header["id"][rows], header["id"][rows][groups.first].tolist()
    known = {item.row.id: item for item in held(session, keys, first)}
    samples = [known[key] for key in first]
    found = Alike(ids, groups.numbers(), counts[rows], picked(columns, rows), samples)
    return found, header["id"][~plain]


def held(session: Session, keys: Keys, ids: list[int], *, lock: bool = False) -> list[Held]:
    """Loads by their keys, ascending."""
    query = select(ShipmentRow).where(ShipmentRow.id.in_(ids)).order_by(ShipmentRow.id)
    if lock:
        query = query.with_for_update()
    rows = session.scalars(query.execution_options(populate_existing=True)).all()
    return held_rows(session, keys, rows)


def _parties(keys: Keys, firm: str, header: Columns) -> list[Ints]:
    """What the two firms of each load are to the one that signs and to the books."""
    own = keys.ids["enterprise"].get(firm, 0)
    known = keys.registry.enterprises.items()
    outside = np.array([keys.id_of("enterprise", code) for code, at in known if at.external])
    found = [header["consignor"] == header["consignee"]]
    for name in ("consignor", "consignee"):
        found += [header[name] == own, np.isin(header[name], outside.astype(np.int64))]
    return [column.astype(np.int64) for column in found]


def _owners(counts: Ints) -> Ints:
    """The load (its position) of each event."""
    return np.repeat(np.arange(len(counts)), counts)


def _perhaps_late(header: Columns, events: Columns, counts: Ints) -> Flags:
    """Which events may be booked later than the earliest month they change.

    A receipt that leaves the grade as it was changes the month it came in, a word that does so
    changes none.
    """
    owner, kind = _owners(counts), events["kind"]
    same = np.zeros(len(owner), np.bool_)
    same[1:] = events["evidence"][1:] == events["evidence"][:-1]  # a first event is no receipt
    calm = (kind == _CONFIRMED) | (
        (kind == _DECIDED) & (events["booked_month"] <= header["received_month"][owner])
    )
    later = events["booked_month"] > header["dispatched_month"][owner]
    return np.asarray(later & ~(same & calm), np.bool_)


def _events(header: Columns, events: Columns, starts: Ints, counts: Ints) -> Ints:
    """A number for each event of each load, 0 where it has none: what signatures depend on."""
    owner = _owners(counts)
    signer = events["signer"]
    side = np.where(signer == header["consignor"][owner], 1, 0)
    side = np.where((side == 0) & (signer == header["consignee"][owner]), 2, side)
    side[signer == 0] = 0
    code = ((events["kind"] * 2 + events["weighed"]) * 2 + events["imported"]) * 3 + side + 1
    place = np.arange(len(owner)) - starts[owner]
    found = np.zeros((len(starts), MOST_EVENTS), np.int64)
    some = np.flatnonzero(place < MOST_EVENTS)
    found[owner[some], place[some]] = code[some]
    return found
