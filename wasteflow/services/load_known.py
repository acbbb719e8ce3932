"""Loads whose number is in the books already, held against what is stored there.

Compared are the values as they were given, never hashes: a sheet that is sent in again is
recognised, a changed one is told from it, and a newly filled receipt completes its load.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from wasteflow.core.errors import RowIssue
from wasteflow.core.loads_bulk import LoadBatch
from wasteflow.core.postings_bulk import LoadColumns
from wasteflow.core.vocabulary import Evidence
from wasteflow.services.load_convert import numbered, texts_of
from wasteflow_models.load_store import Stored
from wasteflow_models.words import STATES

Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

_DISPATCH = {
    "consignee_id": "consignee",
    "material_id": "material",
    "route_id": "route",
    "from_facility_id": "from_facility",
    "trips": "loads",
    "dispatched_at": "dispatched_at",
    "dispatch_input_kg": "dispatched_t",
    "moisture": "moisture_pct",
}
_RECEIPT = {
    "received_at": "received_at",
    "receipt_input_kg": "received_t",
    "receipt_moisture": "received_moisture_pct",
    "accepted_kg": "accepted_t",
    "refused_kg": "refused_t",
    "to_facility_id": "to_facility",
}
"""Column of a batch and of the stored loads → column of the file."""
Facts = tuple[int, ...]
"""A load as it stands, in the order of `postings_bulk.LoadColumns`."""
_ROAD = STATES.index("in_transit")


class Known(Struct, frozen=True):
    """A load of a file beside the stored load of its number.

    `…_differs`: the columns of the file in which it disagrees; `values`: the receipt the file
    brings, as `receipts.complete_loads` wants it; `dispatch_booked`: month in which the stored
    dispatch is booked; `before` and `after`: the load as it stands and as it would stand with that
    receipt.
    """

    line: int
    doc_no: str
    shipment_id: int
    batch_id: int
    dispatch_differs: tuple[str, ...]
    receipt_differs: tuple[str, ...]
    has_receipt: bool
    on_road: bool
    reversed_: bool
    values: dict[str, Any]
    dispatch_booked: int
    before: Facts
    after: Facts

    @property
    def receipt(self) -> tuple[Any, ...]:
        """The receipt as something that can be compared."""
        return tuple(value for name, value in self.values.items() if name != "last_seq")

    def issue(self, code: str, **params: str) -> RowIssue:
        """Why the row is refused; says which columns differ where the code is about that."""
        differs = self.dispatch_differs or self.receipt_differs
        if code in ("doc_no_differs", "duplicate_doc_in_file"):
            params["fields"] = ", ".join(differs)
        return RowIssue(self.line, "doc_no", self.doc_no, code, params)


def compare(
    batch: LoadBatch,
    kind: Ints,
    parent_doc_no: list[str],
    ids: Ints,
    stored: Stored,
    foreign: set[int],
) -> tuple[Flags, Iterator[Known]]:
    """Each load of `batch` beside the stored load `ids` (columns of `load_store.stored_loads`).

    foreign: batches of other imports that are not published.  Returns which rows say nothing new,
    and the others one by one.
    """
    at = np.searchsorted(stored["id"], ids)
    there = {
        name: column[at] if isinstance(column, np.ndarray) else [column[row] for row in at.tolist()]
        for name, column in stored.items()
    }
    dispatch = _dispatch(batch, kind, parent_doc_no, there)
    receipt = _receipt(batch, there)
    same_receipt = _all(receipt) & (np.asarray(there["receipt_seq"]) > 0)
    repeated = _all(dispatch) & (same_receipt | (batch.received_month == 0))
    repeated &= ~np.isin(there["batch_id"], sorted(foreign))
    rows = np.flatnonzero(~repeated).tolist()
    return repeated, _one_by_one(batch, rows, ids, there, dispatch, receipt)


def _one_by_one(
    batch: LoadBatch,
    rows: list[int],
    ids: Ints,
    there: Stored,
    dispatch: dict[str, Flags],
    receipt: dict[str, Flags],
) -> Iterator[Known]:
    own = {name: getattr(batch, name) for name in _TAKEN}
    own |= {name: _numbers(batch, name) for name in ("state", "basis", "weighed")}
    texts = {
        name: texts_of(getattr(batch, name), len(batch))
        for name in ("reason", "ticket_no", "remark")
    }
    for row in rows:
        values = {name: int(column[row]) for name, column in own.items()}
        yield Known(
            line=int(batch.line[row]),
            doc_no=batch.doc_no[row],
            shipment_id=int(ids[row]),
            batch_id=int(there["batch_id"][row]),
            dispatch_differs=tuple(name for name, same in dispatch.items() if not same[row]),
            receipt_differs=tuple(name for name, same in receipt.items() if not same[row]),
            has_receipt=bool(batch.received_month[row]),
            on_road=bool(there["state"][row] == _ROAD),
            reversed_=bool(there["reversed"][row]),
            values={**values, "last_seq": int(there["last_seq"][row])}
            | {name: column[row] for name, column in texts.items()},
            dispatch_booked=int(there["dispatch_booked"][row]),
            before=_facts(there, row, None),
            after=_facts(there, row, values),
        )


_TAKEN = (
    "received_at",
    "received_month",
    "received_kg",
    "receipt_input_kg",
    "receipt_dry_kg",
    "receipt_moisture",
    "accepted_kg",
    "refused_kg",
    "evidence",
    "to_facility_id",
)


def _numbers(batch: LoadBatch, name: str) -> Ints:
    return np.zeros(len(batch), np.int64) + numbered(batch, name)


def _dispatch(
    batch: LoadBatch, kind: Ints, parent_doc_no: list[str], there: Stored
) -> dict[str, Flags]:
    """Column of the file → whether the dispatch agrees in it."""
    same = {"kind": there["kind"] == kind}
    same |= {column: there[name] == getattr(batch, name) for name, column in _DISPATCH.items()}
    for name in ("mode", "basis", "weighed"):
        same[name] = there[name] == _numbers(batch, name)
    for name in ("vehicle", "carrier", "handler"):
        same[name] = _equal(texts_of(getattr(batch, name), len(batch)), there[name])
    return same | {"parent_doc_no": _equal(parent_doc_no, there["parent_doc_no"])}


def _receipt(batch: LoadBatch, there: Stored) -> dict[str, Flags]:
    """Column of the file → whether the receipt agrees in it."""
    same = {column: there[name] == getattr(batch, name) for name, column in _RECEIPT.items()}
    same["evidence"] = _unsigned(there["evidence"]) == _unsigned(batch.evidence)
    for name in ("reason", "ticket_no", "remark"):
        same[name] = _equal(texts_of(getattr(batch, name), len(batch)), there[name])
    return same


def _unsigned(grade: Ints) -> Ints:
    """Grades less who has signed: that is not what a file states."""
    return np.maximum(grade, int(Evidence.IMPORTED))


def _all(same: dict[str, Flags]) -> Flags:
    return np.asarray(np.logical_and.reduce(list(same.values())), dtype=bool)


def _equal(given: list[str], stored: list[str]) -> Flags:
    return np.array([a == b for a, b in zip(given, stored, strict=True)], bool)


def _facts(there: Stored, row: int, receipt: dict[str, Any] | None) -> Facts:
    """The stored load, with the receipt it is to get."""
    receipt = receipt or {}
    values = {
        "holder": there["holder_id"][row],
        "consignor": there["consignor_id"][row],
        "consignee": there["consignee_id"][row],
        "parent_consignee": there["parent_consignee_id"][row],
        "child": there["kind"][row] != 0,
        "from_outside": there["from_outside"][row],
        "to_outside": there["to_outside"][row],
        "material": there["material_id"][row],
        "route": there["route_id"][row],
        "evidence": receipt.get("evidence", there["evidence"][row]),
        "trips": there["trips"][row],
        "dispatched_month": there["dispatched_month"][row],
        "dispatched_kg": there["dispatched_kg"][row],
        "received_month": receipt.get("received_month", 0),
        "received_kg": receipt.get("received_kg", 0),
        "accepted_kg": receipt.get("accepted_kg", 0),
        "lost_month": 0,
        "gone": 0,
    }
    return tuple(int(values[name]) for name in LoadColumns.__struct_fields__)
