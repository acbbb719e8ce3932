"""A few invented loads of the demo that people keep by hand, one in each state, to act on."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from msgspec import Struct

from wasteflow.cli.demo_people import CARRIER, GIVER, TAKER
from wasteflow.core.actors import Actor

MATERIAL: Final = "phosphogypsum"
REMARK: Final = "synthetic 合成演示"
_HAZY: Final = "表层有杂物"
Step = tuple[str, Mapping[str, str]]
"""A move and its fields."""


class Scene(Struct, frozen=True):
    """A load as far as it goes: days ago, what is done by whom, with which fields."""

    days: float
    tonnes: str
    moves: tuple[Step, ...] = ()


def _decided(received: str, **more: str) -> Step:
    return "decide", {"received_t": received, **more}


_SENT: Final[tuple[Step, ...]] = (("issue", {}), ("dispatch", {}))
SCENES: Final = (
    Scene(0.1, "30.500"),
    Scene(0.1, "31.200", (("issue", {}),)),
    Scene(0.3, "31.480", _SENT),
    Scene(0.4, "30.960", _SENT),
    Scene(0.5, "32.040", _SENT),
    Scene(0.6, "31.720", (*_SENT, ("receive", {"received_t": "31.640"}))),
    Scene(3, "31.480", (*_SENT, _decided("31.420"))),
    Scene(4, "30.880", (*_SENT, _decided("30.860", refused_t="4.600", reason=_HAZY))),
    Scene(38, "29.940", (*_SENT, _decided("29.900", refused_t="29.900", reason=_HAZY))),
    Scene(5, "31.480", (*_SENT, _decided("26.100", reason="磅差待查"))),
    Scene(20, "31.100", (*_SENT, _decided("27.300", reason="磅差待查"))),
    Scene(6, "31.480", (*_SENT, _decided("31.840"), ("revise", {"dispatched_t": "31.840"}))),
    Scene(7, "30.020", (*_SENT, ("lost", {"reason": "途中倾覆", "carrier_statement": "示范"}))),
    Scene(8, "31.000", (("issue", {}), ("cancel", {"reason": "车辆故障"}))),
)
"""From a draft to a load in dispute; the last word of each waits for somebody of the demo."""
_BY_TAKER: Final = frozenset({"receive", "decide"})


def fill_live(*, db: Any, now: datetime) -> int:
    """Make the loads through the services that pages and API use; returns how many."""
    from wasteflow.services.acting import actor_of_login
    from wasteflow.services.live.drafts import create_draft

    giver, taker = (actor_of_login(db=db, login=who, now=now) for who in ("operator", "receiver"))
    assert giver is not None and taker is not None  # the demo has made them
    route = _route(db)
    for number, scene in enumerate(SCENES):
        at = now - timedelta(days=scene.days)
        content = {
            "consignor": GIVER,
            "consignee": TAKER,
            "material": MATERIAL,
            "route": route,
            "mode": "road",
            "vehicle": f"云A·演{number + 101}",
            "carrier": CARRIER,
            "dispatched_t": scene.tonnes,
            "remark": REMARK,
        }
        made = create_draft(db=db, actor=giver, content=content, now=at)
        uid = UUID(made.load["id"])
        for step, (move, told) in enumerate(scene.moves, 1):
            actor = taker if move in _BY_TAKER else giver
            _act(db, actor, uid, move, told, at + timedelta(minutes=20 * step))
    return len(SCENES)


def _act(
    db: Any, actor: Actor, uid: UUID, move: str, told: Mapping[str, str], at: datetime
) -> None:
    from wasteflow.services.live import decisions, dispatching, moves, revisions

    common: dict[str, Any] = {
        "db": db,
        "actor": actor,
        "uid": uid,
        "expected_version": None,
        "now": at,
        "channel": "command",
    }
    if move == "issue":
        moves.issue(**common)
    elif move == "revise":
        revisions.propose_revision(**common, content=told, reason="磅单看错一位")
    else:
        services = {
            "dispatch": dispatching.dispatch,
            "receive": moves.receive,
            "decide": decisions.decide,
            "lost": moves.lose,
            "cancel": moves.cancel,
        }
        services[move](**common, content=told)


def _route(db: Any) -> str:
    """A route of the material that the receiver is registered for."""
    from wasteflow.core.rules import route_at_receiver
    from wasteflow.services.reports import overview

    registry = overview(db=db).registry
    facilities = registry.facilities_of.get(TAKER, [])
    fitting = [
        code
        for code, item in registry.routes.items()
        if item.fits(MATERIAL)
        and route_at_receiver(item, MATERIAL, facilities) == ""
        and item.fate == "use"
    ]
    return fitting[0]
