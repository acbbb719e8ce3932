"""A revision worked out: the load as it would stand, checked by the rules of its first recording.

Nothing is written here; `revisions` asks the parties and puts it in force.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct, field

from wasteflow.core.errors import Remark, RuleBroken
from wasteflow.core.lifecycle import CONTINUOUS
from wasteflow.core.periods import moment_words
from wasteflow.core.records import EventKind
from wasteflow.core.revisions import RECEIPT_FIELDS, REVISABLE, SIGNED_FIELDS
from wasteflow.core.rules import USUAL_TOLERANCE, Tolerance, gap_percent, weight_gap
from wasteflow.core.units import tonnes_text
from wasteflow.core.vocabulary import LoadKind
from wasteflow.services.export import as_given
from wasteflow.services.live.content import (
    Given,
    fields,
    given,
    moment_in_order,
    refuse,
    remark,
    weighed_mass,
)
from wasteflow.services.live.decisions import accepted_wet
from wasteflow.services.live.guards import (
    after_opening,
    cap_remarks,
    facility_key,
    ticket_unique,
)
from wasteflow.services.live.held import Held
from wasteflow.services.live.kin import children_of, within_refused
from wasteflow.services.live.views import input_kg
from wasteflow.services.load_rows import LoadChecker, Weight
from wasteflow.services.outcome import Warnings

_COMPARED = frozenset(
    ("dispatched_t", "received_t", "basis", "moisture_pct", "received_moisture_pct")
)
_TEXTS = ("mode", "vehicle", "carrier", "handler", "ticket_no", "remark")
_MASSES = ("received_t", "accepted_t", "refused_t")


class Plan(Struct):
    """The load as it would stand.

    `before`, `after`: contract columns that change, as texts; `columns`: header columns to write;
    `signed`: whether what the parties signed changes; `got` None before the decision.
    """

    before: dict[str, str]
    after: dict[str, str]
    sent: Weight
    sent_at: datetime
    got: Weight | None = None
    got_at: datetime | None = None
    accepted_kg: int = 0
    reason: str = ""
    columns: dict[str, Any] = field(default_factory=dict)
    warnings: list[Remark] = field(default_factory=list)

    @property
    def signed(self) -> bool:
        """Whether the revision changes what the parties signed."""
        return bool(self.after.keys() & set(SIGNED_FIELDS))

    @property
    def estimated(self) -> bool:
        """Whether a weight would not have been weighed."""
        weights = (self.sent, self.got)
        return any(item is not None and item.weighed == "estimated" for item in weights)


def current(held: Held) -> dict[str, Any]:
    """Typed values of the revisable columns as they stand (None = blank)."""
    row, codes, sent = held.row, held.keys.codes, held.dispatch
    assert sent is not None  # only loads on their way are revised
    found: dict[str, Any] = {
        "material": codes["material"][row.material_id],
        "route": codes["route"][row.route_id],
        "loads": row.trips,
        "basis": sent.basis,
        "dispatched_at": row.dispatched_at,
        "dispatched_t": input_kg(sent),
        "moisture_pct": sent.moisture,
        "weighed": sent.weighed,
        "from_facility": codes["facility"][row.from_facility_id or 0] or None,
        "to_facility": codes["facility"][row.to_facility_id or 0] or None,
        **{name: getattr(row, name) or None for name in _TEXTS},
    }
    got = held.receipt
    if got is not None:
        accepted = as_given(got, got.accepted_kg)
        found |= {
            "received_at": row.received_at,
            "received_t": input_kg(got),
            "received_moisture_pct": got.moisture,
            "accepted_t": accepted,
            "refused_t": input_kg(got) - accepted,
            "reason": _reason(held) or None,
        }
    return found


def _reason(held: Held) -> str:
    """The reason of the decision as it stands."""
    said = [row.reason for row in held.events if row.kind in _REASONED and row.reason]
    return said[-1] if said else ""


_REASONED = (EventKind.DECIDED, EventKind.RECEIPT_REVISED, EventKind.SETTLED)


def told_fields(content: Mapping[str, Any]) -> Given:
    """The fields of a revision; FieldsRefused `not_revisable`."""
    for name in content:
        if name not in REVISABLE:
            raise refuse(name, "not_revisable", known=", ".join(REVISABLE))
    return given(content, REVISABLE)


def plan(held: Held, told: Given, now: datetime, tolerance: Tolerance = USUAL_TOLERANCE) -> Plan:
    """The load with the fields `told`; a field that is given blank is emptied.

    Weights that differ beyond the tolerance of a dispute are a warning: both sides agree to them.
    Raises FieldsRefused, RuleBroken `nothing_revised`.
    """
    old = current(held)
    for name in told.values:
        if name in RECEIPT_FIELDS and held.receipt is None:
            raise refuse(name, "receipt_not_revisable")
    new = old | dict(told.values)
    _masses(new, old, told)
    _follow(held, new, old, told)
    changed = [name for name in REVISABLE if name in new and new[name] != old.get(name)]
    if not changed:
        raise RuleBroken("nothing_revised")
    for name in ("material", "route", "loads", "basis", "dispatched_at", "dispatched_t", "weighed"):
        if new[name] is None:
            raise refuse(name, "missing_value")
    found = Plan(
        {name: text_of(name, old.get(name)) for name in changed},
        {name: text_of(name, new[name]) for name in changed},
        weighed_mass(
            "dispatched_t", new["dispatched_t"], new["basis"], new["moisture_pct"], new["weighed"]
        ),
        _sent_at(held, told, new, now),
    )
    _receipt(held, found, told, new, now)
    _header(held, found, new, changed)
    _kin(held, found, changed)
    if found.got is not None and _COMPARED & set(changed):
        compared = found.sent.kg, found.got.kg, found.sent.moisture, found.got.moisture
        if weight_gap(*compared, tolerance) == "disputed":
            found.warnings.append(remark("corrected_gap", percent=gap_percent(*compared)))
    return found


def text_of(name: str, value: Any) -> str:
    """A value of a field as its text."""
    return "" if value is None else fields()[name].to_text(value)


def _masses(new: dict[str, Any], old: dict[str, Any], told: Given) -> None:
    """Two of received, accepted and refused give the third.

    One alone: a new received or accepted mass leaves the refused part, a new refused part leaves
    the received mass.
    """
    given_ = [name for name in _MASSES if told.get(name) is not None]
    if not given_:
        for name in _MASSES:
            if name in told.values:
                raise refuse(name, "missing_value")
        return
    received, accepted, refused = (told.get(name) for name in _MASSES)
    if refused is None:
        both = received is not None and accepted is not None
        refused = received - accepted if both else old["refused_t"]
    if accepted is None:
        accepted = (old["received_t"] if received is None else received) - refused
    if received is None:
        received = accepted + refused
    if received != accepted + refused or min(accepted, refused) < 0 or received <= 0:
        parts = {"received": tonnes_text(received), "sum": tonnes_text(accepted + refused)}
        raise refuse(given_[0], "received_not_sum", **parts)
    new |= {"received_t": received, "accepted_t": accepted, "refused_t": refused}


def _follow(held: Held, new: dict[str, Any], old: dict[str, Any], told: Given) -> None:
    """Of a load that one side closed alone the other weight was taken equal: it stays equal,
    unless it is given too or the other side has confirmed it.
    """
    alone = any(row.kind == EventKind.CLOSED_ONE_SIDED for row in held.events)
    if not alone or held.parties <= held.signed or old["refused_t"]:
        return
    if old["dispatched_t"] != old["received_t"]:
        return
    if not told.values.keys() & set(_MASSES):
        new["received_t"] = new["accepted_t"] = new["dispatched_t"]
    elif "dispatched_t" not in told.values:
        new["dispatched_t"] = new["received_t"]


def _sent_at(held: Held, told: Given, new: dict[str, Any], now: datetime) -> datetime:
    if "dispatched_at" not in told.values:
        at: datetime = new["dispatched_at"]
        return at
    at = moment_in_order(told, "dispatched_at", now)
    following = [row.at for row in held.events if row.kind in _AFTER_DISPATCH]
    if "received_at" not in told.values and held.row.received_at is not None:
        following.append(held.row.received_at)
    if following and at > min(following):
        raise refuse("dispatched_at", "after_next_step", later=moment_words(min(following)))
    return at


_AFTER_DISPATCH = (EventKind.HANDED_OVER,)


def _receipt(held: Held, found: Plan, told: Given, new: dict[str, Any], now: datetime) -> None:
    got = held.receipt
    if got is None or held.row.received_at is None:
        return
    moisture = new["received_moisture_pct"]
    if moisture is None and new["basis"] == "dry":
        moisture = found.sent.moisture
    found.got = weighed_mass("received_t", new["received_t"], new["basis"], moisture, got.weighed)
    found.accepted_kg = accepted_wet(found.got, new["accepted_t"])
    found.reason = new["reason"] or ""
    found.got_at = held.row.received_at
    if "received_at" in told.values:
        if new["received_at"] is None:
            raise refuse("received_at", "missing_value")
        way = [row.at for row in held.events if row.kind in _AFTER_DISPATCH]
        found.got_at = moment_in_order(told, "received_at", now, max([found.sent_at, *way]))
    if found.got.kg > found.accepted_kg and not found.reason:
        raise refuse("reason", "reason_of_refusal")


def _header(held: Held, found: Plan, new: dict[str, Any], changed: Sequence[str]) -> None:
    """Header columns of the fields that change, checked against the registry."""
    keys, row = held.keys, held.row
    if {"material", "route"} & set(changed):
        for name in ("material", "route"):
            if new[name] not in keys.ids[name]:
                raise refuse(name, f"unknown_{name}", value=new[name])
        warnings = Warnings()
        checker = LoadChecker(held.registry, warnings)
        route = held.registry.routes[new["route"]]
        verdict = checker.route_verdict(route, new["material"], LoadKind(row.kind), held.consignee)
        if verdict == "misfit":
            fitting = ", ".join(sorted(route.materials))
            raise refuse(
                "route", "route_does_not_fit_material", value=new["route"], materials=fitting
            )
        if verdict == "unfit":
            told_ = {"value": new["route"], "enterprise": held.consignee}
            raise refuse("route", "route_does_not_fit_receiver", **told_)
        if verdict == "unregistered":
            found.warnings.append(remark("route_not_registered", enterprise=held.consignee))
        found.columns["material_id"] = keys.id_of("material", new["material"])
        found.columns["route_id"] = keys.id_of("route", new["route"])
    for name in changed:
        if name in _TEXTS:
            found.columns[name] = new[name] or ""
        elif name == "loads":
            found.columns["trips"] = new[name]
        elif name in ("from_facility", "to_facility"):
            owner = held.consignor if name == "from_facility" else held.consignee
            key = facility_key(held, name, new[name], owner) if new[name] else None
            found.columns[f"{name}_id"] = key
    if "mode" in changed and {row.mode, new["mode"] or ""} & CONTINUOUS:
        raise refuse("mode", "not_revisable", known=", ".join(REVISABLE))
    if "ticket_no" in changed and new["ticket_no"]:
        ticket_unique(held, new["ticket_no"])
    found.warnings += cap_remarks(new["mode"] or "", new["loads"], found.sent)


def _kin(held: Held, found: Plan, changed: Sequence[str]) -> None:
    """Openings, the parent and the children still hold."""
    row = held.row
    children = children_of(held.session, row.id)
    if "material" in changed and (row.parent_id or children):
        raise refuse("material", "kin_keeps_material")
    material = found.after.get("material", "") if "material" in changed else ""
    if row.kind == "delivery" and not row.from_outside:
        after_opening(held, held.consignor, "dispatched_at", found.sent_at, material)
    within_refused(held, found.sent.kg, found.sent_at)
    if found.got is None or found.got_at is None:
        return
    if not row.to_outside:
        after_opening(held, held.consignee, "received_at", found.got_at, material)
    moved = sum(child.dispatched_kg for child in children)
    if found.got.kg - found.accepted_kg < moved:
        raise refuse("refused_t", "below_children", tonnes=tonnes_text(moved))
    left = [child.dispatched_at for child in children if child.dispatched_at is not None]
    if left and found.got_at > min(left):
        raise refuse("received_at", "after_child", moment=moment_words(min(left)))
