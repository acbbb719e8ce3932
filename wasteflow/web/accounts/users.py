"""`/users`: every user, for system admins: create, roles, password, deactivate."""

from __future__ import annotations

from typing import Any

from flask import Response, request, url_for

from wasteflow.core.actors import Membership, Role
from wasteflow.core.errors import InvalidValue
from wasteflow.services.memberships import grant_membership, revoke_membership, role_of
from wasteflow.services.users import NewUser, create_user, set_active, set_password, users_report
from wasteflow.web.access import books
from wasteflow.web.accounts.common import acted, actor, page
from wasteflow.web.identity import address, now
from wasteflow.web.pages.tables import wants_file
from wasteflow.web.report_files import rows_file

ROLES = tuple(role.value for role in Role if role is not Role.DELEGATE)


def show(problem: str = "", status: int = 200) -> Response:
    """The page; `q` searches logins, names and roles."""
    rows = users_report(db=books().db, actor=actor(), now=now())
    search = request.args.get("q", "").strip().lower()
    if search:
        rows = [row for row in rows if search in _words(row)]
    if wants_file():
        return rows_file([_plain(row) for row in rows], "users")
    return page(
        "users.html",
        status,
        problem=problem,
        rows=rows,
        search=search,
        roles=ROLES,
        given=request.form if status != 200 else {},
    )


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    """A user as a row of a file."""
    roles = [f"{item.role.value} {item.organisation}".strip() for item in row["roles"]]
    return {**row, "roles": roles}


def _words(row: dict[str, Any]) -> str:
    roles = " ".join(f"{item.role.value} {item.organisation}" for item in row["roles"])
    return f"{row['login']} {row['name']} {roles}".lower()


def _common() -> dict[str, Any]:
    return {"db": books().db, "actor": actor(), "now": now(), "address": address()}


def _membership() -> Membership:
    form = request.form
    return Membership(role_of(form.get("role", "")), form.get("organisation", "").strip())


def _done(run: Any) -> Response:
    return acted(run, "accounts.saved", url_for("accounts.users"), show)


def add() -> Response:
    """Create a user, perhaps with a first role."""
    form = request.form

    def run() -> None:
        if not form.get("password"):
            raise InvalidValue("password_short", least=10)
        user = NewUser(
            form.get("login", ""), form.get("name", ""), form.get("email", ""), form["password"]
        )
        create_user(user=user, membership=_membership() if form.get("role") else None, **_common())

    return _done(run)


def grant() -> Response:
    """Give a role."""
    login = request.form.get("login", "")
    return _done(lambda: grant_membership(login=login, membership=_membership(), **_common()))


def revoke() -> Response:
    """Take a role back."""
    login = request.form.get("login", "")
    return _done(lambda: revoke_membership(login=login, membership=_membership(), **_common()))


def active() -> Response:
    """Deactivate a user, or activate again."""
    form = request.form
    return _done(
        lambda: set_active(
            login=form.get("login", ""), active=form.get("active") == "1", **_common()
        )
    )


def password() -> Response:
    """Set a password for somebody who forgot it."""
    form = request.form
    return _done(
        lambda: set_password(
            login=form.get("login", ""), password=form.get("password", ""), **_common()
        )
    )
