"""Correcting many loads at once: each looked at, proposed and judged as one alone would be.

Each stands by itself: one that is refused keeps no other from being proposed, and the parties of a
load are asked as always.  The rules are those of `revisions`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct, field
from sqlalchemy import select

from wasteflow.core.actors import Actor
from wasteflow.core.errors import InvalidValue, NotFound, Remark, WasteflowError
from wasteflow.core.permissions import Denied, Verdict
from wasteflow.core.rules import USUAL_TOLERANCE, Tolerance
from wasteflow.services.live.held import held_rows
from wasteflow.services.live.listing import seen_by
from wasteflow.services.live.preview import preview_revision
from wasteflow.services.live.revisions import propose_revision
from wasteflow.services.live.views import View
from wasteflow.services.naming import Names
from wasteflow_models.convert import load_keys
from wasteflow_models.engine import Database
from wasteflow_models.ledger import LoadNumberRow, ShipmentRow, visible

RIGHT = "revision.propose"


class Wanted(Struct, frozen=True):
    """One correction: the load by its number (and consignor), fields → new texts, why.

    version: of the load it was looked at in, None = whichever it has.
    """

    doc_no: str
    changes: Mapping[str, str]
    why: str
    consignor: str = ""
    version: int | None = None


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
    if actor is None:
        raise Denied(Verdict.NOT_SIGNED_IN, RIGHT)
    number, row = LoadNumberRow, ShipmentRow
    with db.read() as session:
        keys = load_keys(session)
        named = select(number.shipment_id).where(number.doc_no == doc_no)
        if consignor:
            firm = keys.id_of("enterprise", Names(keys.registry).enterprise(consignor))
            named = named.where(number.consignor_id == firm)
        ids = list(session.scalars(named.order_by(number.consignor_id)))
        seen = select(row).where(row.id.in_(ids), visible(), seen_by(keys, actor))
        rows = list(session.scalars(seen.order_by(row.id)))
        if not rows:
            raise NotFound("load_number_unknown", value=doc_no)
        if len(rows) > 1:
            firms = sorted(keys.codes["enterprise"][item.consignor_id] for item in rows)
            raise InvalidValue("load_number_twice", value=doc_no, firms=", ".join(firms))
        held = held_rows(session, keys, rows)[0]
        return held.uid, held.version


def preview_corrections(
    *,
    db: Database,
    actor: Actor | None,
    wanted: Iterable[Wanted],
    now: datetime,
    tolerance: Tolerance = USUAL_TOLERANCE,
) -> list[Corrected]:
    """What each correction would do; nothing is written.  Raises Denied for nobody signed in."""

    def look(item: Wanted, found: Corrected) -> None:
        assert found.uid is not None
        found.change = preview_revision(
            db=db,
            actor=actor,
            uid=found.uid,
            content=item.changes,
            now=now,
            tolerance=tolerance,
        )
        found.warnings = list(found.change["warnings"])

    return _each(db, actor, wanted, look)


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

    def propose(item: Wanted, found: Corrected) -> None:
        assert found.uid is not None
        done, found.revision = propose_revision(
            db=db,
            actor=actor,
            uid=found.uid,
            content=item.changes,
            reason=item.why,
            expected_version=item.version,
            now=now,
            channel=channel,
            tolerance=tolerance,
        )
        found.warnings, found.version = done.warnings, done.load["version"]

    return _each(db, actor, wanted, propose)


def _each(
    db: Database,
    actor: Actor | None,
    wanted: Iterable[Wanted],
    act: Callable[[Wanted, Corrected], None],
) -> list[Corrected]:
    if actor is None:
        raise Denied(Verdict.NOT_SIGNED_IN, RIGHT)
    done = []
    for item in wanted:
        found = Corrected(item)
        try:
            found.uid, found.version = load_of_number(
                db=db, actor=actor, doc_no=item.doc_no, consignor=item.consignor
            )
            act(item, found)
        except WasteflowError as error:
            found.problem = error
        done.append(found)
    return done
