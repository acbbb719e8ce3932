"""Find loads by their number, as far as they are the asker's business; reads only."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from sqlalchemy import select

from wasteflow.core.actors import Actor
from wasteflow.core.ids import load_of_uid
from wasteflow.services.live.held import held_rows
from wasteflow.services.live.listing import seen_by
from wasteflow.services.live.views import load_view
from wasteflow_models.convert import load_keys
from wasteflow_models.engine import Database
from wasteflow_models.ledger import LoadNumberRow, ShipmentRow, visible

SHORTEST: Final = 2
SHOWN: Final = 10
_LOOKED: Final = 200


def find_loads(*, db: Database, actor: Actor | None, words: str) -> list[dict[str, Any]]:
    """Published loads with this number or id, else those whose number begins so; newest first.

    At most 10, and none for somebody not signed in or fewer than two characters.
    """
    wanted = words.strip()
    if actor is None or len(wanted) < SHORTEST:
        return []
    with db.read() as session:
        keys = load_keys(session)
        number, row = LoadNumberRow, ShipmentRow
        begins = number.doc_no.startswith(wanted, autoescape=True)
        for condition in (number.doc_no == wanted, begins):
            found = select(number.shipment_id).where(condition).limit(_LOOKED)
            ids = list(session.scalars(found)) or _by_uid(wanted)
            seen = select(row).where(row.id.in_(ids), visible(), seen_by(keys, actor))
            rows = list(session.scalars(seen.order_by(row.id.desc()).limit(SHOWN)))
            if rows:
                return [load_view(held, actor) for held in held_rows(session, keys, rows)]
        return []


def _by_uid(wanted: str) -> list[int]:
    try:
        ref = load_of_uid(UUID(wanted))
    except ValueError:
        return []
    return [ref.key] if ref is not None else []
