"""What the pages of accounts share: who acts, which organisation, errors in the page, the tabs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from flask import Response, flash, make_response, redirect, render_template, request

from wasteflow.core.actors import Actor, Role, Subject
from wasteflow.core.errors import WasteflowError
from wasteflow.core.permission_words import RIGHT_LABELS, ROLE_LABELS
from wasteflow.core.permissions import Denied, Verdict
from wasteflow.core.reach import organisations_with, subject_of_firms
from wasteflow.web.access import books_seen
from wasteflow.web.identity import current_actor
from wasteflow.web.texts import lang, name_of, text

UNPROCESSABLE: Final = 422
_ADMINS: Final = (Role.ENTERPRISE_ADMIN, Role.PARK_MANAGER, Role.SYSTEM_ADMIN)


def actor() -> Actor:
    """Who is signed in; the door let nobody else in."""
    found = current_actor()
    assert found is not None and not found.guest
    return found


def firms_with(right: str) -> tuple[str, ...]:
    """Enterprises in which the asker has `right`."""
    found = current_actor()
    return organisations_with(found, right, books_seen().registry) if found else ()


def organisation(right: str) -> str:
    """The enterprise of the request, by default the first in which one has `right`; "" if none."""
    asked = request.values.get("organisation", "").strip()
    return asked or next(iter(firms_with(right)), "")


def organisation_subject(right: str) -> Subject:
    """The subject of a page about one enterprise; Denied where the asker has none."""
    firm = organisation(right)
    if not firm:
        raise Denied(_none(), right)
    return subject_of_firms(books_seen().registry, firm)


def _none() -> Verdict:
    found = current_actor()
    guest = found is None or found.guest
    return Verdict.NOT_SIGNED_IN if guest else Verdict.NOT_ONES_RIGHT


def firm_choices(right: str) -> list[tuple[str, str]]:
    """(code, name) of the enterprises in which one has `right`, by name."""
    firms = books_seen().registry.enterprises
    return sorted(((code, name_of(firms[code])) for code in firms_with(right)), key=lambda c: c[1])


def organisation_name(role: str, code: str) -> str:
    """An organisation in words, by the role somebody has in it."""
    registry = books_seen().registry
    if role == Role.SYSTEM_ADMIN:
        return text("accounts.whole_system")
    if role == Role.PLANNER and not code:
        return text("filter.all_scope")
    tables: dict[str, Any] = {
        Role.PARK_MANAGER: registry.parks,
        Role.PLANNER: registry.regions,
        Role.CARRIER: {},
    }
    item = tables.get(role, registry.enterprises).get(code)
    return name_of(item) if item else code


def role_label(role: str) -> str:
    """A role in words."""
    return ROLE_LABELS[Role(role)][1 if lang() == "en" else 0]


def right_label(right: str) -> str:
    """A right, or read and write, in words."""
    if right in ("read", "write"):
        return text(f"accounts.scope.{right}")
    return RIGHT_LABELS[right][1 if lang() == "en" else 0]


def tabs() -> list[tuple[str, str]]:
    """(endpoint, text key) of the account pages the asker may open."""
    found = actor()
    admin, system = found.organisations(*_ADMINS), found.organisations(Role.SYSTEM_ADMIN)
    firm = any(item.role not in (Role.PLANNER, Role.CARRIER) for item in found.memberships)
    pages = [
        (True, "own"),
        (bool(admin) and bool(firms_with("member.read")), "members"),
        (firm, "delegations"),
        (bool(system), "users"),
        (bool(admin) and bool(firms_with("audit.read") or system), "log"),
    ]
    return [(f"accounts.{name}", f"accounts.tab.{name}") for shown, name in pages if shown]


def page(template: str, status: int = 200, **more: Any) -> Response:
    """A page of accounts; never kept by anybody."""
    body = render_template(
        template,
        tabs=tabs(),
        me=actor(),
        role_label=role_label,
        right_label=right_label,
        organisation_name=organisation_name,
        **more,
    )
    response = make_response(body, status)
    response.headers["Cache-Control"] = "no-store"
    return response


def acted(
    use_case: Callable[[], Any], done: str, back: str, show: Callable[..., Response], **values: Any
) -> Response:
    """Run a use case: then back to the page with `done`, or the page with what is wrong."""
    try:
        use_case()
    except Denied:
        raise
    except WasteflowError as error:
        return show(problem=error.text(lang()), status=UNPROCESSABLE)
    flash(text(done, **values))
    return to(back)


def to(address: str) -> Response:
    """Redirect after a form, so that loading the page again sends nothing again."""
    return make_response(redirect(address, 303))
