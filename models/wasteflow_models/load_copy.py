"""Plain deliveries written out for PostgreSQL's COPY: numbers, headers, events; moved by three.

The text of a COPY is made by whoever checks a large file, elsewhere; the writer only sends it.  A
number that is taken fails the COPY and is found out again row by row: COPY itself costs a quarter
of an INSERT that passes over conflicts.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import numpy as np
import polars as pl
from msgspec import Struct
from msgspec.structs import replace
from numpy.typing import NDArray

from wasteflow_models.load_events import WEIGHT_COLUMNS
from wasteflow_models.load_ids import STEP
from wasteflow_models.sql_rows import as_text, frame_of, plain

Ints = NDArray[np.int64]


USUAL: dict[str, dict[str, Any]] = {
    "shipment": {
        **{"kind": 0, "from_outside": False, "to_outside": False, "trips": 1, "mode": 0},
        **{"vehicle": "", "carrier": "", "handler": "", "ticket_no": "", "remark": ""},
        **{"lost_month": 0, "reversed": False},
    },
    "event": {"basis": 0, "weighed": 0, "reason": ""},
}
"""Columns that have a default on PostgreSQL (migration 0031), and what it is."""


class CopiedLoads(Struct, frozen=True):
    """Loads as the text of COPYs; `names` and `event_names` are the columns that they have.

    headers, events: a text for each month, for its partition.  A column in which nothing stands, or
    its default in every row, is left out: the server gives it to every row for less.
    """

    ids: Ints
    names: tuple[str, ...]
    event_names: tuple[str, ...]
    numbers: bytes
    headers: Mapping[int, bytes]
    events: Mapping[int, bytes]

    @property
    def months(self) -> set[int]:
        """Months of the loads."""
        return set(self.headers)


def write_copies(
    ids: Ints,
    header: Mapping[str, Any],
    weights: Mapping[str, Any],
    batch_id: int,
    now: datetime,
) -> CopiedLoads:
    """The text of loads with these ids.

    header, weights: as for `load_store.insert_loads`; `id` of the weights are those of the loads.
    """
    claims = pl.DataFrame(
        {"doc_no": header["doc_no"], "consignor_id": header["consignor_id"], "id": ids}
    )
    # In one order for all writers, so that they cannot wait for each other in a circle.
    numbers = as_text(claims.sort("doc_no", "consignor_id"))
    return replace(claimed_copies(ids, header, weights, batch_id, now), numbers=numbers)


def claimed_copies(
    ids: Ints,
    header: Mapping[str, Any],
    weights: Mapping[str, Any],
    batch_id: int,
    now: datetime,
) -> CopiedLoads:
    """The same without the numbers, for loads of any kind whose numbers are claimed."""
    columns = _told("shipment", {"id": ids, "batch_id": batch_id, **header})
    events = _told("event", _events(ids, header, weights, batch_id, int(now.timestamp())))
    months = _by_month(ids, columns), _by_month(events["shipment_id"], events)
    return CopiedLoads(ids, tuple(columns), tuple(events), b"", *months)


def _by_month(ids: Ints, columns: Mapping[str, Any]) -> dict[int, bytes]:
    """Month → the text of its rows, in their order; ids: of the load of each row."""
    frame, months = frame_of(len(ids), columns), ids // STEP
    found = np.unique(months).tolist()
    if len(found) == 1:
        return {found[0]: as_text(frame)}
    return {month: as_text(frame.filter(pl.Series(months == month))) for month in found}


def _told(table: str, columns: Mapping[str, Any]) -> dict[str, Any]:
    """Those of the columns in which something stands that the server does not give by itself."""
    return {
        name: value
        for name, value in columns.items()
        if not _is_given(USUAL[table].get(name), value)
    }


def _is_given(usual: Any, value: Any) -> bool:
    if isinstance(value, pl.Series):
        return bool(value.is_null().all() if usual is None else (value == usual).all())
    if isinstance(value, np.ndarray):
        return usual is not None and bool((value == usual).all())
    if isinstance(value, list):
        return all(item == usual for item in value)
    return bool(value == usual)


def _events(
    ids: Ints, header: Mapping[str, Any], weights: Mapping[str, Any], batch_id: int, now: int
) -> dict[str, Any]:
    """Dispatch and decision of each load, twin of `load_events.events_from`."""
    count = len(ids)

    def of(name: str) -> Ints:
        """A column of the header as numbers, 0 for none."""
        value = header[name]
        if isinstance(value, list):
            return np.array([item or 0 for item in value], np.int64)
        return np.asarray(np.zeros(count, np.int64) + value)

    told = _dense(ids, weights)
    decided = of("received_month") > 0
    rows = np.repeat(np.arange(count), 1 + decided)
    second = np.zeros(len(rows), np.bool_)
    second[1:] = rows[1:] == rows[:-1]

    def either(first: Ints, then: Ints) -> Ints:
        return np.where(second, then[rows], first[rows])

    nothing = np.zeros(count, np.int64)
    return {
        "shipment_id": ids[rows],
        "seq": 1 + second,
        "batch_id": batch_id,
        "kind": second.astype(np.int64),
        "at": either(of("dispatched_at"), of("received_at")),
        "booked_month": either(of("dispatched_month"), of("received_month")),
        "kg": either(of("dispatched_kg"), of("received_kg")),
        "input_kg": _or_null(either(told["input_kg"], told["r_input_kg"])),
        "dry_kg": _or_null(either(told["dry_kg"], told["r_dry_kg"])),
        "accepted_kg": either(nothing, of("accepted_kg")),
        "refused_kg": either(nothing, of("refused_kg")),
        "basis": np.maximum(told["basis"], 0)[rows],
        "moisture": _or_null(either(told["moisture"], told["r_moisture"])),
        "weighed": np.maximum(told["weighed"], 0)[rows],
        "evidence": of("evidence")[rows],
        "reason": _reasons(ids, weights, rows, second),
        "recorded_at": now,
    }


def _dense(ids: Ints, weights: Mapping[str, Any]) -> dict[str, Ints]:
    """The numbers of the weights for every load, -1 where there is none."""
    places = _places(ids, weights)
    found = {}
    for name in WEIGHT_COLUMNS:
        if name not in ("id", "reason"):
            column = np.full(len(ids), -1, np.int64)
            values = plain(weights[name])
            if isinstance(values, list):
                values = [-1 if value is None else value for value in values]
            column[places] = values
            found[name] = column
    return found


def _places(ids: Ints, weights: Mapping[str, Any]) -> Ints:
    order = np.argsort(ids, kind="stable")
    return np.asarray(order[np.searchsorted(ids[order], weights["id"])])


def _reasons(
    ids: Ints, weights: Mapping[str, Any], rows: Ints, second: NDArray[np.bool_]
) -> pl.Series | str:
    """The reason of every event: decisions may have one."""
    reason = weights["reason"]
    if not any(reason):
        return ""
    places = _places(ids, weights)
    texts = pl.Series([reason] * len(places) if isinstance(reason, str) else reason)
    decided = np.full(len(ids), -1, np.int64)
    late = np.flatnonzero(second)
    decided[rows[late]] = late
    told = decided[places] >= 0
    chosen = np.zeros(len(rows), np.int64)
    chosen[decided[places[told]]] = 1 + np.flatnonzero(told)
    return pl.concat([pl.Series([""]), texts]).gather(chosen)


def _or_null(values: Ints) -> pl.Series:
    """The values with nulls where they are negative."""
    known = pl.Series("value", values)
    return pl.select(pl.when(known >= 0).then(known)).to_series()


def texts_of_copies(copies: CopiedLoads, names: tuple[str, ...]) -> dict[str, list[str]]:
    """Text columns of the headers, in the order of `ids`."""
    text = b"".join(copies.headers[month] for month in sorted(copies.headers)).decode()
    rows = [line.split("\t") for line in text.split("\n")[:-1]]
    place_of = np.argsort(np.argsort(copies.ids // STEP, kind="stable"), kind="stable").tolist()
    found = {name: [str(USUAL["shipment"].get(name))] * len(place_of) for name in names}
    for name in set(names) & set(copies.names):
        column = copies.names.index(name)
        found[name] = [rows[at][column].replace("\\\\", "\\") for at in place_of]
    return found
