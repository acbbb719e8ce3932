"""Correcting many loads at once: each looked at, proposed and judged as one alone would be.

Each stands by itself: one that is refused keeps no other from being proposed, and the parties of a
load are asked as always.  The rules are those of `revisions`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct, field
from sqlalchemy import select
from sqlalchemy.orm import Session

from wasteflow.core.actors import Actor
from wasteflow.core.errors import InvalidValue, NotFound, Remark, WasteflowError
from wasteflow.core.permissions import Denied, Verdict
from wasteflow.core.rules import USUAL_TOLERANCE, Tolerance
from wasteflow.services.live.held import Held, held_rows
from wasteflow.services.live.listing import seen_by
from wasteflow.services.live.preview import change_of
from wasteflow.services.live.revisions import propose_revision
from wasteflow.services.live.views import View
from wasteflow.services.naming import Names
from wasteflow_models.convert import load_keys
from wasteflow_models.engine import Database
from wasteflow_models.ledger import LoadNumberRow, ShipmentRow, visible

RIGHT = "revision.propose"
READ_AT_ONCE = 200
"""Loads that are read together."""


class Wanted(Struct, frozen=True):
    """One correction: the load by its number (and consignor), fields → new texts, why.

    version: of the load it was looked at in, None = whichever it has; uid: public id of the load,
    where that is known instead of its number; annul: take it out of the books.
    """

    doc_no: str
    changes: Mapping[str, str]
    why: str
    consignor: str = ""
    version: int | None = None
    uid: UUID | None = None
    annul: bool = False


class Corrected(Struct):
    """What would become, or became, of one correction.

    `change` as `preview_revision` tells it, `revision` once it was proposed, `problem` why not.
    """

    wanted: Wanted
    uid: UUID | None = None
    version: int | None = None
    change: dict[str, Any] | None = None
    revision: View | None = None
    warnings: list[Remark] = field(default_factory=list)
    problem: WasteflowError | None = None


def load_of_number(
    *, db: Database, actor: Actor | None, doc_no: str, consignor: str = ""
) -> tuple[UUID, int]:
    """(public id, version) of the load with a number, among those that are the actor's business.

    consignor: code or name of its sender, "" where the number says enough.
    Raises Denied (not signed in), NotFound `load_number_unknown`, `unknown_code`, InvalidValue
    `load_number_twice`, `ambiguous_name`, `former_name`.
    """
    who = _signed_in(actor)
    with db.read() as session:
        held = _Loads(session, who, [doc_no]).one(doc_no, consignor)
        return held.uid, held.version


class _Loads:
    """Loads that carry some numbers and are the actor's business, read at once."""

    def __init__(self, session: Session, actor: Actor, numbers: Iterable[str]) -> None:
        self._keys = keys = load_keys(session)
        self._names = Names(keys.registry)
        number, row = LoadNumberRow, ShipmentRow
        named = select(number.shipment_id).where(number.doc_no.in_(sorted(set(numbers))))
        ids = list(session.scalars(named.order_by(number.doc_no, number.consignor_id)))
        seen = select(row).where(row.id.in_(ids), visible(), seen_by(keys, actor))
        rows = list(session.scalars(seen.order_by(row.id)))
        self._found: dict[str, list[Held]] = {}
        for held in held_rows(session, keys, rows) if rows else ():
            self._found.setdefault(held.row.doc_no, []).append(held)

    def one(self, doc_no: str, consignor: str) -> Held:
        """The load of a number, of the consignor if that is told; raises as `load_of_number`."""
        found = self._found.get(doc_no, [])
        if consignor:
            firm = self._keys.id_of("enterprise", self._names.enterprise(consignor))
            found = [held for held in found if held.row.consignor_id == firm]
        if not found:
            raise NotFound("load_number_unknown", value=doc_no)
        if len(found) > 1:
            firms = sorted(held.consignor for held in found)
            raise InvalidValue("load_number_twice", value=doc_no, firms=", ".join(firms))
        return found[0]


def preview_corrections(
    *,
    db: Database,
    actor: Actor | None,
    wanted: Iterable[Wanted],
    now: datetime,
    tolerance: Tolerance = USUAL_TOLERANCE,
) -> list[Corrected]:
    """What each correction would do; nothing is written.  Raises Denied for nobody signed in.

    All are looked at in the books of one moment, their loads read together.
    """
    who = _signed_in(actor)
    listed = list(wanted)
    done = []
    with db.read() as session:
        for start in range(0, len(listed), READ_AT_ONCE):
            part = listed[start : start + READ_AT_ONCE]
            loads = _Loads(session, who, [item.doc_no for item in part])
            done += [_looked_at(loads, who, item, now, tolerance) for item in part]
    return done


def _looked_at(
    loads: _Loads, actor: Actor, item: Wanted, now: datetime, tolerance: Tolerance
) -> Corrected:
    found = Corrected(item)
    try:
        held = loads.one(item.doc_no, item.consignor)
        found.uid, found.version = held.uid, held.version
        found.change = change_of(held, actor, item.changes, now, tolerance)
        found.warnings = list(found.change["warnings"])
    except WasteflowError as error:
        found.problem = error
    return found


def propose_corrections(
    *,
    db: Database,
    actor: Actor | None,
    wanted: Iterable[Wanted],
    now: datetime,
    channel: str = "api",
    tolerance: Tolerance = USUAL_TOLERANCE,
) -> list[Corrected]:
    """Propose each correction in a transaction of its own; in force at once where nobody else is
    touched.  Raises Denied for nobody signed in.
    """

    who = _signed_in(actor)
    return [propose_one(db, who, item, now, channel, tolerance) for item in wanted]


def propose_one(
    db: Database,
    actor: Actor,
    item: Wanted,
    now: datetime,
    channel: str = "api",
    tolerance: Tolerance = USUAL_TOLERANCE,
) -> Corrected:
    """Propose one of many, in a transaction of its own; what is wrong with it is its own affair."""
    found = Corrected(item)
    try:
        found.uid = item.uid
        if found.uid is None:
            found.uid, found.version = load_of_number(
                db=db, actor=actor, doc_no=item.doc_no, consignor=item.consignor
            )
        done, found.revision = propose_revision(
            db=db,
            actor=actor,
            uid=found.uid,
            content=item.changes,
            reason=item.why,
            expected_version=item.version,
            now=now,
            annul=item.annul,
            channel=channel,
            tolerance=tolerance,
        )
        found.warnings, found.version = done.warnings, done.load["version"]
    except WasteflowError as error:
        found.problem = error
    return found


def _signed_in(actor: Actor | None) -> Actor:
    if actor is None:
        raise Denied(Verdict.NOT_SIGNED_IN, RIGHT)
    return actor
