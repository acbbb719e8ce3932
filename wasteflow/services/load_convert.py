"""Checked loads in columns: from single loads, subsets, joins, and the columns of the tables.

Nothing is decided here; `LoadBatch` (core) is the shape in which loads are written.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from wasteflow.core.loads_bulk import LoadBatch, Texts
from wasteflow.core.periods import month_of_day, shanghai_day
from wasteflow.core.records import decided_state
from wasteflow.core.vocabulary import LoadState
from wasteflow.services.load_rows import CheckedLoad
from wasteflow_models.keys import Keys
from wasteflow_models.words import BASES, LOAD_KINDS, MODES, STATES, WEIGHED

Ints = NDArray[np.int64]
_FLAGS = ("from_outside", "to_outside")
_TEXT_FIELDS = ("mode", "vehicle", "carrier", "handler", "ticket_no", "remark", "reason")
_WORDS = {"mode": MODES, "state": STATES, "basis": BASES, "weighed": WEIGHED}


class Kin(Struct, frozen=True):
    """What a child of a refused part has beside its load: kind number and number of its parent."""

    kind: Ints
    parent_doc_no: list[str]


def batch_of(loads: Sequence[CheckedLoad], keys: Keys) -> LoadBatch:
    """Single checked loads as columns, in their order."""
    rows = [_row(load, keys) for load in loads]
    columns: dict[str, Any] = {}
    for name in LoadBatch.__struct_fields__:
        values = [row[name] for row in rows]
        if values and isinstance(values[0], str):
            columns[name] = values
        elif name in _FLAGS:
            columns[name] = np.array(values, bool)
        else:
            columns[name] = np.array(values, np.int64) if values else _empty(name)
    return LoadBatch(**columns)


def _empty(name: str) -> Any:
    texts = (*_TEXT_FIELDS, "basis", "weighed", "state", "doc_no")
    return [] if name in texts else np.zeros(0, np.int64)


def kin_of(loads: Sequence[CheckedLoad]) -> Kin:
    """Kind and parent number of single loads."""
    kinds = [LOAD_KINDS.index(load.header.kind.value) for load in loads]
    parents = [load.values.get("parent_doc_no") or "" for load in loads]
    return Kin(np.array(kinds, np.int64), parents)


def _row(load: CheckedLoad, keys: Keys) -> dict[str, Any]:
    header, values, sent, got = load.header, load.values, load.dispatch, load.decision
    weight, there = load.dispatch_weight, load.decision_weight
    state = decided_state(got.accepted_kg, got.refused_kg) if got else LoadState.IN_TRANSIT
    return {
        "line": load.line,
        "doc_no": header.doc_no,
        "consignor_id": keys.id_of("enterprise", header.consignor),
        "consignee_id": keys.id_of("enterprise", header.consignee),
        "material_id": keys.id_of("material", header.material),
        "route_id": keys.id_of("route", header.route),
        "from_facility_id": keys.id_of("facility", values.get("from_facility") or ""),
        "to_facility_id": keys.id_of("facility", values.get("to_facility") or ""),
        "from_outside": header.from_outside,
        "to_outside": header.to_outside,
        "trips": header.trips,
        **{name: values.get(name) or "" for name in _TEXT_FIELDS},
        "basis": weight.basis,
        "weighed": weight.weighed,
        **_moment("dispatched", sent.at),
        "dispatched_kg": sent.kg,
        "dispatch_input_kg": weight.input_kg,
        "dispatch_dry_kg": _or_blank(weight.dry_kg),
        "moisture": _or_blank(weight.moisture),
        **_moment("received", got.at if got else None),
        "received_kg": got.kg if got else 0,
        "receipt_input_kg": there.input_kg if there else 0,
        "receipt_dry_kg": _or_blank(there.dry_kg if there else None),
        "receipt_moisture": _or_blank(there.moisture if there else None),
        "accepted_kg": got.accepted_kg if got else 0,
        "refused_kg": got.refused_kg if got else 0,
        "evidence": int((got or sent).evidence),
        "state": state.value,
    }


def _moment(name: str, at: Any) -> dict[str, int]:
    if at is None:
        return {f"{name}_at": 0, f"{name}_month": 0, f"{name}_day": 0}
    day = shanghai_day(at)
    return {
        f"{name}_at": int(at.timestamp() // 1),
        f"{name}_month": month_of_day(day),
        f"{name}_day": day.toordinal(),
    }


def _or_blank(value: int | None) -> int:
    return -1 if value is None else value


def texts_of(values: Texts, count: int) -> list[str]:
    """A text for every row."""
    return [values] * count if isinstance(values, str) else values


def pick(batch: LoadBatch, rows: Ints) -> LoadBatch:
    """The loads at positions `rows`, in that order."""
    chosen = rows.tolist()
    columns: dict[str, Any] = {}
    for name in LoadBatch.__struct_fields__:
        value = getattr(batch, name)
        if isinstance(value, list):
            columns[name] = [value[row] for row in chosen]
        else:
            columns[name] = value if isinstance(value, str) else value[rows]
    return LoadBatch(**columns)


def span(batch: LoadBatch, start: int, stop: int) -> LoadBatch:
    """The loads start..stop, in their order."""
    columns: dict[str, Any] = {}
    for name in LoadBatch.__struct_fields__:
        value = getattr(batch, name)
        columns[name] = value if isinstance(value, str) else value[start:stop]
    return LoadBatch(**columns)


def joined(batches: Sequence[LoadBatch]) -> LoadBatch:
    """Several batches as one, in their order."""
    if len(batches) == 1:
        return batches[0]
    columns: dict[str, Any] = {}
    for name in LoadBatch.__struct_fields__:
        values = [getattr(batch, name) for batch in batches]
        if isinstance(values[0], np.ndarray):
            columns[name] = np.concatenate(values)
        elif all(isinstance(value, str) for value in values) and len(set(values)) == 1:
            columns[name] = values[0]
        else:
            columns[name] = [
                text
                for batch, value in zip(batches, values, strict=True)
                for text in texts_of(value, len(batch))
            ]
    return LoadBatch(**columns)


def numbered(batch: LoadBatch, name: str) -> Ints | int:
    """The words of a column as their numbers in the tables."""
    words, value = _WORDS[name], getattr(batch, name)
    if isinstance(value, str):
        return words.index(value)
    place = {word: number for number, word in enumerate(words)}
    return np.array([place[word] for word in value], np.int64)


def header_columns(
    batch: LoadBatch,
    *,
    kind: Ints | int = 0,
    holder: Ints | None = None,
    parent: Ints | None = None,
    parent_consignee: Ints | None = None,
) -> dict[str, Any]:
    """Columns of `shipment` but id and batch."""
    same = ("consignor_id", "consignee_id", "material_id", "route_id", "trips", "doc_no")
    texts = ("vehicle", "carrier", "handler", "ticket_no", "remark")
    masses = ("dispatched_kg", "received_kg", "accepted_kg", "refused_kg")
    months = ("dispatched_month", "received_month", "dispatched_at", "evidence")
    received = [at if month else None for at, month in _pairs(batch)]
    return {
        **{name: getattr(batch, name) for name in (*same, *texts, *masses, *months)},
        "kind": kind,
        "holder_id": batch.consignor_id if holder is None else holder,
        "parent_id": parent,
        "parent_consignee_id": parent_consignee,
        "from_facility_id": _or_null(batch.from_facility_id),
        "to_facility_id": _or_null(batch.to_facility_id),
        "from_outside": _flags(batch.from_outside),
        "to_outside": _flags(batch.to_outside),
        "mode": numbered(batch, "mode"),
        "state": numbered(batch, "state"),
        "received_at": received if None in received else batch.received_at,
        "lost_month": 0,
        "reversed": False,
    }


def _pairs(batch: LoadBatch) -> Any:
    return zip(batch.received_at.tolist(), batch.received_month.tolist(), strict=True)


def _or_null(keys: Ints) -> Any:
    """Keys with None for 0; None alone if all are."""
    if not keys.any():
        return None
    return [key or None for key in keys.tolist()]


def _flags(values: NDArray[np.bool_]) -> Any:
    return [bool(value) for value in values] if values.any() else False


def weight_columns(batch: LoadBatch, ids: Ints) -> dict[str, Any]:
    """Columns of `load_events.WEIGHT_COLUMNS` for loads whose weights or reason need telling."""
    count = len(batch)
    dry, estimated = numbered(batch, "basis"), numbered(batch, "weighed")
    told = (batch.moisture >= 0) | (batch.receipt_moisture >= 0) | (dry != 0) | (estimated != 0)
    if isinstance(batch.reason, list):
        told = told | np.array([bool(text) for text in batch.reason])
    elif batch.reason:
        told = np.ones(count, bool)
    rows = np.flatnonzero(told & np.ones(count, bool))
    reason = batch.reason
    return {
        "id": ids[rows],
        "input_kg": batch.dispatch_input_kg[rows],
        "dry_kg": _blank(batch.dispatch_dry_kg[rows]),
        "moisture": _blank(batch.moisture[rows]),
        "basis": _at(dry, rows),
        "weighed": _at(estimated, rows),
        "r_input_kg": batch.receipt_input_kg[rows],
        "r_dry_kg": _blank(batch.receipt_dry_kg[rows]),
        "r_moisture": _blank(batch.receipt_moisture[rows]),
        "reason": reason if isinstance(reason, str) else [reason[row] for row in rows.tolist()],
    }


def _at(numbers: Ints | int, rows: Ints) -> Ints | int:
    """The numbers of some rows; one number for all if it is, and 0 if there are none."""
    if not len(rows):
        return 0
    return numbers if isinstance(numbers, int) else numbers[rows]


def _blank(values: Ints) -> list[int | None]:
    return [None if value < 0 else value for value in values.tolist()]
