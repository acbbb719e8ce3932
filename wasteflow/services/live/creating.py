"""A load made by one request: a draft, with its outside number, issued at once if asked.

One transaction and one look at the load, where the steps by themselves would take one each.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from wasteflow.core.actors import Actor
from wasteflow.core.records import EventKind
from wasteflow.services.again import again_if_overtaken
from wasteflow.services.external_ids import give_external_id
from wasteflow.services.live.content import DRAFT_FIELDS, given
from wasteflow.services.live.drafts import drafted
from wasteflow.services.live.moves import issued
from wasteflow.services.live.views import Outcome, outcome
from wasteflow.services.live.writing import note_load, told_firms, write_down
from wasteflow_models.convert import load_keys
from wasteflow_models.engine import Alone, Database


@again_if_overtaken
def create_load(
    *,
    db: Database,
    actor: Actor | None,
    content: Mapping[str, Any],
    now: datetime,
    issue: bool = False,
    external_id: str = "",
    channel: str = "api",
) -> Outcome:
    """A draft of `content` (`content.DRAFT_FIELDS`), or with `issue` a document; all or nothing.

    external_id: its number in the software of the actor's organisation, "" for none.
    Raises Denied, FieldsRefused, IllegalMove, ExternalIdTaken.
    """
    told = given(content, DRAFT_FIELDS)
    now = now.replace(microsecond=0)
    with db.write(Alone.NOBODY) as session:
        held = drafted(session, load_keys(session), actor, told, now)
        assert actor is not None  # drafted() has refused it
        if external_id:
            mine = actor.organisations()
            own = next(firm for firm in (held.consignor, held.consignee) if firm in mine)
            give_external_id(session, own, "shipment", external_id, str(held.uid))
            held.numbers = {own: external_id}
        if not issue:
            write_down(held)
            note_load(held, now, "drafted")
            return outcome(held, actor)
        firms = told_firms(held)
        warnings = issued(held, actor, held.version, now, channel)
        write_down(held)
        note_load(held, now, "drafted", firms)
        note_load(held, now, EventKind.ISSUED.value)
        return outcome(held, actor, warnings)
