"""`/loads/<id>/revise`: correct what is wrong with a signed load; the other side answers it.

First the change is shown before and after, with who must agree and in which month it is booked;
the second button proposes it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from flask import Response, flash, make_response, redirect, render_template, request, url_for
from msgspec import Struct, field

from wasteflow.core.errors import StaleVersion, WasteflowError
from wasteflow.core.lifecycle import Move
from wasteflow.core.messages import render
from wasteflow.core.permissions import Denied
from wasteflow.core.revisions import CONSIGNOR_FIELDS, FREE_FIELDS, RECEIPT_FIELDS, REVISABLE
from wasteflow.services.live.preview import preview_revision
from wasteflow.services.live.revisions import (
    approve_revision,
    propose_revision,
    refuse_revision,
    withdraw_revision,
)
from wasteflow.web.access import books
from wasteflow.web.identity import current_actor, now
from wasteflow.web.pages.loads_corrected import booked_words, closed_words
from wasteflow.web.pages.loads_data import read_one
from wasteflow.web.pages.loads_form import (
    FieldView,
    facility_choices,
    field_view,
    material_choices,
    route_choices,
    seen_version,
    typed,
)
from wasteflow.web.pages.loads_moves import CHANNEL
from wasteflow.web.pages.loads_one import Trouble, after, load_page, stale_page
from wasteflow.web.pages.loads_words import (
    field_label,
    input_moment,
    number_of,
    problems_of,
    registry,
    remark_words,
)
from wasteflow.web.texts import lang, text

Load = Mapping[str, Any]
_GROUPS: Final = (
    ("sent", ("material", "route", "dispatched_t", "moisture_pct", "dispatched_at", "weighed",
              "basis", "loads")),
    ("got", ("received_t", "accepted_t", "refused_t", "received_moisture_pct", "received_at",
             "reason_decided")),
    ("other", (*CONSIGNOR_FIELDS, "ticket_no", "to_facility", *FREE_FIELDS)),
)  # fmt: skip
"""Groups of the form; `reason_decided` is the reason of the decision, `reason` why one corrects."""
_DECIDED_REASON: Final = "reason_decided"


class Asked(Struct):
    """The form in the making: what was typed, what is wrong, what it would change."""

    values: dict[str, str]
    why: str = ""
    errors: dict[str, str] = field(default_factory=dict)
    problems: Sequence[str] = ()
    meanwhile: Sequence[Mapping[str, Any]] = ()
    stale: bool = False
    preview: dict[str, Any] | None = None
    status: int = 200


def show(uid: UUID) -> Response:
    """The form with the values as they stand."""
    found = read_one(uid)
    if not _open(found["load"]):
        return make_response(redirect(url_for("loads.one", uid=uid), 303))
    return _form(found, Asked(_current(found["load"])))


def propose(uid: UUID) -> Response:
    """Show the change, or propose it."""
    found = read_one(uid)
    load = found["load"]
    annul = request.form.get("step") == "annul"
    names = [_DECIDED_REASON if name == "reason" else name for name in REVISABLE]
    told = typed(names)
    asked = Asked(_current(load) | told, request.form.get("why", "").strip())
    content = _changed(load, told)
    try:
        if request.form.get("step") == "check":
            return _checked(found, asked, content)
        outcome, revision = propose_revision(
            db=books().db,
            actor=current_actor(),
            uid=uid,
            content=content,
            reason=asked.why,
            expected_version=seen_version(),
            now=now(),
            annul=annul,
            channel=CHANNEL,
            tolerance=books().config.tolerance,
        )
    except Denied:
        raise
    except StaleVersion as error:
        asked.stale, asked.status = True, 409
        since = max(0, error.found - error.expected)
        asked.meanwhile = found["events"][-since:] if since else []
        return _form(found, asked)
    except WasteflowError as error:
        errors, asked.problems = problems_of(error)
        asked.errors = _by_field(errors, asked.why)
        asked.status = 422
        return _form(found, asked)
    done = "in_force" if revision["status"] == "approved" else "proposed"
    flash(text(f"revise.done.{done}", number=number_of(outcome.load)), "done")
    for words in remark_words(outcome.warnings):
        flash(words, "warn")
    return make_response(redirect(url_for("loads.one", uid=uid), 303))


def _checked(found: Mapping[str, Any], asked: Asked, content: Mapping[str, str]) -> Response:
    """The change before and after, by the rules it will be judged by."""
    asked.preview = preview_revision(
        db=books().db,
        actor=current_actor(),
        uid=UUID(found["load"]["id"]),
        content=content,
        now=now(),
        tolerance=books().config.tolerance,
    )
    if not asked.why:
        asked.preview, asked.status = None, 422
        asked.errors = {"why": render("missing_value", lang(), {"field": field_label("reason")})}
    return _form(found, asked)


def answer(move: Move, uid: UUID) -> Response:
    """Approve, refuse or withdraw the pending revision of a load."""
    found = read_one(uid)
    common: dict[str, Any] = {
        "db": books().db,
        "actor": current_actor(),
        "uid": _revision_id(found["load"]),
        "expected_version": seen_version(),
        "now": now(),
        "channel": CHANNEL,
    }
    try:
        if move is Move.REFUSE:
            reason = request.form.get("reason", "").strip()
            outcome, _ = refuse_revision(**common, reason=reason)
        elif move is Move.APPROVE:
            outcome, _ = approve_revision(**common)
        else:
            outcome, _ = withdraw_revision(**common)
    except Denied:
        raise
    except StaleVersion as error:
        return stale_page(found, move, {}, error)
    except WasteflowError as error:
        errors, whole = problems_of(error)
        trouble = Trouble(
            errors={"answer_reason": next(iter(errors.values()), "")}, problems=whole, status=422
        )
        return load_page(found, trouble)
    flash(text(f"revise.done.{move.value}", number=number_of(outcome.load)), "done")
    for words in remark_words(outcome.warnings):
        flash(words, "warn")
    return after(uid)


def _revision_id(load: Load) -> UUID:
    """The revision the form was about, so that an answer never meets another one."""
    told = request.form.get("revision", "")
    try:
        return UUID(told)
    except ValueError:
        pending = load["revision"]
        return UUID(pending["id"]) if pending else UUID(int=0)


def _by_field(errors: dict[str, str], why: str) -> dict[str, str]:
    """The one word `reason` means two fields here: why one corrects, and why a part was refused."""
    if "reason" not in errors:
        return errors
    name = _DECIDED_REASON if why else "why"
    return {
        **{key: words for key, words in errors.items() if key != "reason"},
        name: errors["reason"],
    }


def _open(load: Load) -> bool:
    return Move.REVISE.value in {item["move"] for item in load["moves"]}


def _current(load: Load) -> dict[str, str]:
    found = {name: str(load[name]) for name in REVISABLE if load.get(name) is not None}
    if "reason" in found:
        found[_DECIDED_REASON] = found.pop("reason")
    return found


def _changed(load: Load, told: Mapping[str, str]) -> dict[str, str]:
    """The fields that were changed, by their names in the contract."""
    old = _current(load)
    found = {}
    for name, value in told.items():
        before = old.get(name, "")
        if name.endswith("_at") and value == input_moment(before):
            continue
        if value != before:
            found["reason" if name == _DECIDED_REASON else name] = value
    return found


# --- the page --------------------------------------------------------------------------------


def _form(found: Mapping[str, Any], asked: Asked) -> Response:
    load, change = found["load"], asked.preview
    booked = booked_words(change["month"], change["booked"]) if change else closed_words(load)
    body = render_template(
        "load_revise.html",
        load=load,
        asked=asked,
        groups=[(key, _views(names, load, asked)) for key, names in _GROUPS],
        booked=booked,
        warnings=remark_words(change["warnings"]) if change else [],
    )
    response = make_response(body, asked.status)
    response.headers["Cache-Control"] = "no-store"
    return response


def _views(names: Sequence[str], load: Load, asked: Asked) -> tuple[FieldView, ...]:
    held, found = registry(), []
    decided = bool(load.get("accepted_t"))
    for name in names:
        real = "reason" if name == _DECIDED_REASON else name
        if real in RECEIPT_FIELDS and not decided:
            continue
        choices: Any = ()
        if name == "material":
            choices = material_choices(held, asked.values.get("material", ""))[1:]
        elif name == "route":
            groups = route_choices(
                held,
                asked.values.get("material", ""),
                str(load.get("consignee") or ""),
                asked.values.get("route", ""),
                returned=load.get("kind") == "return",
            )
            choices = [choice for _, items in groups for choice in items]
        elif name in ("to_facility", "from_facility"):
            receiving = name == "to_facility"
            firm = str(load.get("consignee" if receiving else "consignor") or "")
            choices = facility_choices(held, firm, receiving=receiving)
        view = field_view(
            name,
            asked.values.get(name, ""),
            error=asked.errors.get(name, ""),
            choices=choices,
            hinted=False,
        )
        if view.kind != "select" or view.choices:
            found.append(view)
    return tuple(found)
