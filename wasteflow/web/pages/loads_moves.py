"""The moves of a load as forms: which service makes each, its fields, and what stands in them.

Which moves there are for somebody is the life cycle's word (`load["moves"]`); none is added here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final
from uuid import UUID

from msgspec import Struct

from wasteflow.core.lifecycle import CONTINUOUS, Move
from wasteflow.services.live import decisions, dispatching, disputes, drafts, moves, one_sided
from wasteflow.services.live.views import Outcome
from wasteflow.web.access import books
from wasteflow.web.identity import current_actor, now
from wasteflow.web.pages.loads_data import waits
from wasteflow.web.pages.loads_form import FieldView, facility_choices, field_view, given
from wasteflow.web.pages.loads_words import registry
from wasteflow.web.texts import has_text, text

Values = Mapping[str, str]
Load = Mapping[str, Any]
CHANNEL: Final = "page"
_MAIN, _MORE = 0, 1
_Fields = tuple[tuple[str, ...], tuple[str, ...]]

_RECEIPT_MORE: Final = ("received_at", "weighed", "to_facility", "remark")
FIELDS: Final[Mapping[Move, _Fields]] = {
    Move.ISSUE: ((), ()),
    Move.DELETE: ((), ()),
    Move.DISPATCH: (
        ("dispatched_t", "vehicle", "ticket_no", "moisture_pct"),
        ("dispatched_at", "weighed", "carrier", "handler", "remark"),
    ),
    Move.HAND_OVER: (("carrier", "vehicle"), ("handler", "at", "remark")),
    Move.RECEIVE: (("received_t", "ticket_no", "received_moisture_pct"), _RECEIPT_MORE),
    Move.DECIDE: (
        ("received_t", "refused_t", "ticket_no", "received_moisture_pct", "reason"),
        _RECEIPT_MORE,
    ),
    Move.CANCEL: (("reason",), ()),
    Move.LOSE: (("reason", "at"), ()),
    Move.ACKNOWLEDGE: (("reason",), ()),
    Move.CONTEST: (("reason",), ()),
    Move.SETTLE: (("agreed_t", "refused_t", "reason"), ()),
    Move.REMIND: (("reason",), ()),
    Move.CLOSE_ONE_SIDED: (("document", "received_at", "ticket_no"), ("to_facility", "remark")),
    Move.CONFIRM: (("reason",), ()),
}
"""Move → fields shown at once, and fields folded away."""
_CONTINUOUS: Final[_Fields] = (
    ("dispatched_t", "moisture_pct", "period_start", "period_end", "meter_start", "meter_end"),
    ("weighed", "remark"),
)
_RECEIVER_CLOSES: Final[_Fields] = (
    ("document", "received_t", "received_at", "moisture_pct", "vehicle", "ticket_no"),
    ("dispatched_at", "weighed", "to_facility", "remark"),
)
_NEEDED: Final[Mapping[Move, frozenset[str]]] = {
    Move.DISPATCH: frozenset({"dispatched_t", *_CONTINUOUS[0]}) - {"moisture_pct"},
    Move.HAND_OVER: frozenset({"carrier"}),
    Move.RECEIVE: frozenset({"received_t"}),
    Move.DECIDE: frozenset({"received_t"}),
    Move.CANCEL: frozenset({"reason"}),
    Move.LOSE: frozenset({"reason"}),
    Move.CONTEST: frozenset({"reason"}),
    Move.SETTLE: frozenset({"agreed_t", "reason"}),
    Move.CLOSE_ONE_SIDED: frozenset({"document", "received_t"}),
}
QUICK: Final = (
    Move.DECIDE, Move.ISSUE, Move.DISPATCH, Move.RECEIVE, Move.ACKNOWLEDGE, Move.CONFIRM,
    Move.SETTLE,
)  # fmt: skip
"""Moves that lead the page when they are open, the first of them alone."""
GRAVE: Final = frozenset({Move.CANCEL, Move.LOSE, Move.DELETE, Move.CONTEST})
"""Moves whose button warns by its look."""
ELSEWHERE: Final = frozenset({Move.EDIT, Move.REVISE, Move.APPROVE, Move.REFUSE, Move.WITHDRAW})
"""Moves with a page of their own, or a place beside the revision they answer."""


_WAITING: Final = frozenset({Move.SETTLE, Move.CLOSE_ONE_SIDED})
"""Moves that wait for some days, by the settings."""


class MoveForm(Struct, frozen=True):
    """A move as a form: fields at once, fields folded away, whether it stands open."""

    move: str
    title: str
    words: str
    button: str
    main: tuple[FieldView, ...]
    more: tuple[FieldView, ...]
    grave: bool
    open: bool
    wrong: bool


def run(move: Move, uid: UUID, version: int | None, content: Values) -> Outcome | None:
    """Make the move through its service; None where the load is gone afterwards (a draft)."""
    common: dict[str, Any] = {
        "db": books().db,
        "actor": current_actor(),
        "uid": uid,
        "expected_version": version,
        "now": now(),
    }
    if move is Move.DELETE:
        drafts.delete_draft(**common)
        return None
    if move is Move.ISSUE:
        return moves.issue(**common, channel=CHANNEL)
    if move in _WAITING:
        common["waits"] = waits()
    if move is Move.DECIDE:
        common["tolerance"] = books().config.tolerance
    return SERVICES[move](**common, content=content, channel=CHANNEL)


SERVICES: Final[Mapping[Move, Callable[..., Outcome]]] = {
    Move.DISPATCH: dispatching.dispatch,
    Move.HAND_OVER: moves.hand_over,
    Move.RECEIVE: moves.receive,
    Move.DECIDE: decisions.decide,
    Move.CANCEL: moves.cancel,
    Move.LOSE: moves.lose,
    Move.ACKNOWLEDGE: partial(disputes.answer_dispute, answer="acknowledge"),
    Move.CONTEST: partial(disputes.answer_dispute, answer="contest"),
    Move.SETTLE: disputes.settle,
    Move.REMIND: one_sided.remind,
    Move.CLOSE_ONE_SIDED: one_sided.close_one_sided,
    Move.CONFIRM: one_sided.confirm,
}
"""Move with content → its service; issue and delete take none."""


def fields_of(move: Move, load: Load) -> _Fields:
    """Names of the fields of a move on this load."""
    main, more = FIELDS[move]
    if move is Move.DISPATCH and load.get("mode") in CONTINUOUS:
        return _CONTINUOUS
    if move is Move.CLOSE_ONE_SIDED and load["state"] in ("draft", "issued"):
        return _RECEIVER_CLOSES
    if move in (Move.CANCEL, Move.LOSE) and load["state"] == "in_transit" and load.get("carrier"):
        return (*main, "carrier_statement"), more
    return main, more


def typed_content(move: Move, load: Load) -> dict[str, str]:
    """What the form of a move brought, blanks left out: blank means as it was."""
    main, more = fields_of(move, load)
    return given((*main, *more))


def preset(move: Move, load: Load) -> dict[str, str]:
    """What stands in the form before anybody types."""
    sent = load.get("dispatched_t") or load.get("declared_t") or ""
    got = load.get("received_t") or sent
    found: dict[Move, dict[str, Any]] = {
        Move.DISPATCH: {
            "dispatched_t": sent,
            **{name: load.get(name) for name in ("vehicle", "carrier", "handler", "moisture_pct")},
        },
        Move.DECIDE: {
            "received_t": got,
            **{name: load.get(name) for name in ("ticket_no", "to_facility")},
            "received_moisture_pct": load.get("received_moisture_pct"),
        },
        Move.RECEIVE: {"to_facility": load.get("to_facility")},
        Move.SETTLE: {"agreed_t": got, "refused_t": load.get("refused_t")},
        Move.CLOSE_ONE_SIDED: {"received_t": sent, "to_facility": load.get("to_facility")},
    }
    return {name: str(value) for name, value in found.get(move, {}).items() if value}


def move_form(
    move: Move,
    load: Load,
    *,
    typed: Values | None = None,
    errors: Values | None = None,
    open_: bool = False,
) -> MoveForm:
    """The form of a move, with what was typed and what is wrong with it."""
    values = preset(move, load) if typed is None else typed
    wrong = errors or {}
    views = []
    for names in fields_of(move, load):
        shown = [_field(name, move, load, values, wrong) for name in names]
        views.append(tuple(view for view in shown if view.kind != "select" or view.choices))
    hint = f"move.{move.value}.words"
    button = f"move.{move.value}.button"
    return MoveForm(
        move=move.value,
        title=text(f"move.{move.value}"),
        words=text(hint, days=waits().close_days) if has_text(hint) else "",
        button=text(button) if has_text(button) else text(f"move.{move.value}"),
        main=views[_MAIN],
        more=views[_MORE],
        grave=move in GRAVE,
        open=open_ or bool(wrong),
        wrong=bool(wrong),
    )


def _field(name: str, move: Move, load: Load, values: Values, errors: Values) -> FieldView:
    choices = (
        facility_choices(registry(), str(load.get("consignee") or ""), receiving=True)
        if name == "to_facility"
        else ()
    )
    vehicle = name == "vehicle" and move is Move.DISPATCH
    return field_view(
        name,
        values.get(name, ""),
        error=errors.get(name, ""),
        required=name in _NEEDED.get(move, ()) or vehicle,
        choices=choices,
    )


def moves_of(load: Load) -> list[Move]:
    """The moves open to the asker, in order of the table, each once."""
    return list(dict.fromkeys(Move(item["move"]) for item in load["moves"]))
