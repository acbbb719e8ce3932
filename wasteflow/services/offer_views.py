"""An offer as somebody sees it: whole for its sides and their managers, nameless for others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from wasteflow.core.symbiosis.offers import Offer, Side, asked_sides, moves_for
from wasteflow.core.units import tonnes_text
from wasteflow_models.offers import OfferEventRow, OfferRow


class Seen(Struct, frozen=True):
    """Sides somebody may move it as; `inside`: it is about a firm of theirs, names are shown.

    `fitting`: their firms that may respond.
    """

    sides: frozenset[Side]
    inside: bool
    fitting: tuple[str, ...] = ()


def offer_view(
    row: OfferRow, offer: Offer, seen: Seen, events: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """The offer; firms, author and events only for those it is about."""
    return {
        "id": row.uid,
        "kind": offer.kind.value,
        "state": offer.state.value,
        "material": offer.material,
        "tonnes": tonnes_text(offer.kg),
        "from": offer.giver if seen.inside else "",
        "to": offer.taker if seen.inside else "",
        "named": seen.inside,
        "giver_ok": offer.giver_ok,
        "taker_ok": offer.taker_ok,
        "asked": [offer.firm(side) for side in asked_sides(offer)] if seen.inside else [],
        "first": offer.first.isoformat(),
        "last": offer.last.isoformat(),
        "place": offer.place,
        "quality": offer.quality,
        "version": row.version,
        "by": row.login if seen.inside else "",
        "at": row.at.isoformat(),
        "changed_at": row.changed_at.isoformat(),
        "moves": [move.value for move in moves_for(offer, seen.sides)],
        "may_respond_for": list(seen.fitting),
        "events": list(events),
    }


def event_view(item: OfferEventRow, firm: Mapping[int, str]) -> dict[str, Any]:
    """An event; `by` is blank for what a load or the calendar did."""
    return {
        "number": item.number,
        "move": item.move,
        "state": item.state,
        "enterprise": firm[item.enterprise_id] if item.enterprise_id else "",
        "by": item.login,
        "note": item.note,
        "at": item.at.isoformat(),
    }
