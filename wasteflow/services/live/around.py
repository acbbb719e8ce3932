"""What stands around a load for people: kin, latest likes, names of who acted; reads only."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any
from uuid import UUID

from sqlalchemy import or_, select

from wasteflow.core.actors import Actor
from wasteflow.core.ids import load_uid
from wasteflow.core.permissions import Denied
from wasteflow.core.units import tonnes_text
from wasteflow.core.vocabulary import LoadState
from wasteflow.services.live.held import Held, held_of, held_rows, hold
from wasteflow.services.live.kin import children_of, moved_kg
from wasteflow.services.live.owing import owing
from wasteflow.services.live.views import View, load_view, moment
from wasteflow_models.accounts import AccountRow
from wasteflow_models.convert import load_keys
from wasteflow_models.engine import Database
from wasteflow_models.ledger import ShipmentRow
from wasteflow_models.live import LoadDraftRow

_LOOKED_AT = 80
"""Latest loads of a firm among which its links are looked for."""


def get_kin(*, db: Database, actor: Actor | None, uid: UUID) -> dict[str, Any]:
    """What stands around a load, as far as the actor may read it; masses are wet.

    `parent` (or None), `children`, `open_t` (refused tonnes that nothing has moved yet, or None),
    `owing` (firms whose word is awaited), `drafted_by` (whose draft it was, or None).
    Raises Denied.
    """
    with db.read() as session:
        keys = load_keys(session)
        held = hold(session, keys, actor, uid, lock=False)
        held.readable(actor)
        parent = (
            held_of(session, keys, held.row.parent_id, lock=False) if held.row.parent_id else None
        )
        children = held_rows(session, keys, children_of(session, held.row.id))
        open_kg = held.row.refused_kg - moved_kg(session, held.row.id)
        return {
            "parent": _short(parent) if parent and _readable(parent, actor) else None,
            "children": [load_view(item, actor) for item in children if _readable(item, actor)],
            "open_t": tonnes_text(open_kg) if open_kg > 0 and not held.row.reversed_ else None,
            "owing": sorted({firm for firm, _ in owing(held)}),
            "drafted_by": held.draft.organisation if held.draft else None,
        }


def _readable(held: Held, actor: Actor | None) -> bool:
    try:
        held.readable(actor)
    except Denied:
        return False
    return True


def _short(held: Held) -> View:
    return {"id": str(held.uid), "doc_no": held.row.doc_no}


def latest_links(
    *, db: Database, actor: Actor, firms: Collection[str], limit: int
) -> list[dict[str, Any]]:
    """The last load by hand of each link of `firms` (partner, material, route), the latest first.

    Only firms the actor belongs to are looked at.
    """
    wanted = sorted(set(firms) & actor.organisations())
    with db.read() as session:
        keys = load_keys(session)
        ids = [keys.ids["enterprise"][code] for code in wanted if code in keys.ids["enterprise"]]
        row, draft = ShipmentRow, LoadDraftRow
        query = (
            select(row, draft.created_at)
            .join(draft, draft.shipment_id == row.id)
            .where(
                or_(draft.consignor_id.in_(ids), draft.consignee_id.in_(ids)),
                row.state.not_in([LoadState.DRAFT.value, LoadState.CANCELLED.value]),
                row.kind == "delivery",
            )
            .order_by(row.id.desc())
            .limit(_LOOKED_AT)
        )
        found: dict[tuple[int, int, int], dict[str, Any]] = {}
        for item, created_at in session.execute(query):
            partner = item.consignee_id if item.consignor_id in ids else item.consignor_id
            link = partner, item.material_id, item.route_id
            if link in found or len(found) == limit:
                continue
            found[link] = {
                "id": str(load_uid(item.id, created_at)),
                "partner": keys.codes["enterprise"][partner],
                "material": keys.codes["material"][item.material_id],
                "route": keys.codes["route"][item.route_id],
                "vehicle": item.vehicle,
                "at": moment(created_at),
            }
        return list(found.values())


def names_of_users(*, db: Database, ids: Collection[int]) -> dict[int, str]:
    """Key of an account → the name of its user, its login where it has none."""
    query = select(AccountRow.id, AccountRow.name, AccountRow.login).where(
        AccountRow.id.in_(sorted(ids))
    )
    with db.read() as session:
        rows = session.execute(query.order_by(AccountRow.id))
        return {key: name or login for key, name, login in rows}
