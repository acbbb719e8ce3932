"""`/members`: people of an enterprise and their roles; its admin adds and removes them."""

from __future__ import annotations

from typing import Any

from flask import Response, request, url_for

from wasteflow.core.actors import FIRM_ROLES, Membership, Subject
from wasteflow.core.errors import InvalidValue
from wasteflow.services.memberships import (
    grant_membership,
    members_report,
    revoke_membership,
    role_of,
)
from wasteflow.services.users import NewUser, create_user
from wasteflow.web.access import books
from wasteflow.web.accounts.common import (
    acted,
    actor,
    firm_choices,
    organisation,
    organisation_subject,
    page,
)
from wasteflow.web.identity import address, now
from wasteflow.web.pages.tables import wants_file
from wasteflow.web.permits import may
from wasteflow.web.report_files import rows_file

READ = "member.read"


def subject(**_: object) -> Subject:
    """The enterprise of the request."""
    return organisation_subject(READ)


def show(problem: str = "", status: int = 200) -> Response:
    """The page."""
    firm = organisation(READ)
    rows = members_report(db=books().db, enterprise=firm, actor=actor(), now=now())
    if wants_file():
        return rows_file(rows, "members")
    return page(
        "members.html",
        status,
        problem=problem,
        firm=firm,
        firms=firm_choices(READ),
        rows=rows,
        roles=[role.value for role in FIRM_ROLES],
        writes=may("member.write", subject()),
        given=request.form if status != 200 else {},
    )


def add() -> Response:
    """Give a role to a user that exists, or make the user with it."""
    form, firm = request.form, organisation(READ)

    def run() -> None:
        membership = Membership(role_of(form.get("role", "")), firm)
        common: dict[str, Any] = {"actor": actor(), "now": now(), "address": address()}
        if form.get("new") != "1":
            grant_membership(
                db=books().db, login=form.get("login", ""), membership=membership, **common
            )
            return
        if not form.get("password"):
            raise InvalidValue("password_short", least=10)
        user = NewUser(form.get("login", ""), form.get("name", ""), "", form["password"])
        create_user(db=books().db, user=user, membership=membership, **common)

    return acted(run, "accounts.saved", url_for("accounts.members", organisation=firm), show)


def revoke() -> Response:
    """Take a role back."""
    form, firm = request.form, organisation(READ)
    return acted(
        lambda: revoke_membership(
            db=books().db,
            login=form.get("login", ""),
            membership=Membership(role_of(form.get("role", "")), firm),
            actor=actor(),
            now=now(),
            address=address(),
        ),
        "accounts.saved",
        url_for("accounts.members", organisation=firm),
        show,
    )
