"""A draft made whole: the rules a load must satisfy to be issued, by those of the file of loads."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import numpy as np
from msgspec import Struct

from wasteflow.core.errors import FieldIssue, FieldsRefused, Remark, RowIssue
from wasteflow.core.periods import shanghai_day
from wasteflow.core.units import tonnes_text
from wasteflow.core.vocabulary import LoadKind
from wasteflow.schemas.row_rules import Clock, complete_and_check
from wasteflow.services.live.content import DRAFT_FIELDS, blanks, given, refuse, remarks_of
from wasteflow.services.live.held import Held
from wasteflow.services.live.kin import Parent, fitting_parent
from wasteflow.services.load_rows import CheckedLoad, LoadChecker
from wasteflow.services.outcome import Row, Warnings
from wasteflow_models import load_store
from wasteflow_models.ledger import LoadChildRow
from wasteflow_models.parties import add_senders

NEEDED = ("consignor", "consignee", "material", "route", "mode", "dispatched_t")
"""Fields without which nothing is issued."""
_TEXTS = ("mode", "vehicle", "carrier", "handler", "remark")


class Whole(Struct, frozen=True):
    """A load that may be issued: checked by the rules of files, with its parent if it has one."""

    checked: CheckedLoad
    values: Mapping[str, Any]
    parent: Parent | None
    warnings: list[Remark]


def whole(held: Held, now: datetime, more: Mapping[str, str] | None = None) -> Whole:
    """The draft (with the fields `more`) as a load; FieldsRefused with everything it lacks."""
    told = given({**held.content, **(more or {})}, DRAFT_FIELDS)
    blank_ = [name for name in NEEDED if told.get(name) is None]
    missing = [FieldIssue(f"/{name}", "missing_value") for name in blank_]
    if missing:
        raise FieldsRefused(missing)
    named = {name: value for name, value in told.values.items() if value is not None}
    values = {**blanks(), **named}
    values["doc_no"] = told.get("doc_no") or f"W{held.row.id}"
    values["dispatched_at"] = now
    parent = fitting_parent(held, values)
    if parent is not None:
        values["parent_doc_no"] = parent.row.doc_no
    clock = Clock(shanghai_day(now), now)
    fault = complete_and_check("shipments", values, clock, lambda name: False)
    if fault:
        raise refuse(fault[0], fault[1].code, **fault[1].params)
    warnings = Warnings()
    checked = LoadChecker(held.registry, warnings).check(Row(0, values))
    if isinstance(checked, RowIssue):
        raise refuse(checked.field, checked.code, **{"value": checked.value, **checked.params})
    if parent is not None and checked.dispatch_weight.kg > parent.open_kg:
        raise refuse("dispatched_t", "child_over_refused", open=tonnes_text(parent.open_kg))
    return Whole(checked, values, parent, remarks_of(warnings))


def enter_header(held: Held, load: Whole) -> None:
    """Fill the header of the draft and claim its number; FieldsRefused `doc_no_taken`."""
    row, keys, header, values = held.row, held.keys, load.checked.header, load.values
    row.doc_no, row.kind = header.doc_no, header.kind.value
    row.consignor_id = keys.id_of("enterprise", header.consignor)
    row.consignee_id = keys.id_of("enterprise", header.consignee)
    row.holder_id = row.consignor_id
    row.material_id = keys.id_of("material", header.material)
    row.route_id = keys.id_of("route", header.route)
    row.to_outside, row.from_outside = header.to_outside, header.from_outside
    row.trips = header.trips
    for side in ("from_facility", "to_facility"):
        code = values.get(side) or ""
        setattr(row, f"{side}_id", keys.id_of("facility", code) or None)
    for name in _TEXTS:
        setattr(row, name, values.get(name) or "")
    if load.parent is not None and header.kind is not LoadKind.DELIVERY:
        parent = load.parent.row
        row.holder_id = parent.holder_id
        row.parent_id, row.parent_consignee_id = parent.id, parent.consignee_id
        held.session.add(LoadChildRow(parent_id=parent.id, child_id=row.id))
    held.session.flush()
    add_senders(held.session, [(row.consignor_id, row.consignee_id)])
    ids = np.array([row.id], np.int64)
    firm = np.array([row.consignor_id], np.int64)
    if load_store.add_numbers(held.session, [row.doc_no], firm, ids)[0] != row.id:
        raise refuse("doc_no", "doc_no_taken", value=row.doc_no)
