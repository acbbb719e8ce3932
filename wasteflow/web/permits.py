"""The door: every endpoint names the right it needs, and is closed until it does.

`@needs("right", subject=…)` marks a view, `@public` opens it to all.  One check before each
request asks the permission table; `endpoints(app)` lists what each endpoint needs, for tests,
menus and documentation.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

from flask import Flask, Response, current_app, flash, make_response, redirect, request, url_for
from msgspec import Struct

from wasteflow.core.actors import Subject
from wasteflow.core.errors import RuleBroken
from wasteflow.core.permissions import TABLE, Denied, Verdict, judge, read_of
from wasteflow.web.access import check_database
from wasteflow.web.identity import current_actor, signed_in
from wasteflow.web.texts import text

View = TypeVar("View", bound=Callable[..., Any])
SubjectOf = Callable[..., Subject]
_MARK: Final = "wasteflow_need"
PUBLIC: Final = "public"
BEFORE_ANYTHING_ELSE: Final = frozenset(
    {"accounts.own", "accounts.own_password", "accounts.own_language", "accounts.sign_out"}
)
"""What a browser may do before it has a password of its own."""


class Need(Struct, frozen=True):
    """What an endpoint asks for: a right, and how its subject is found.

    Without `subject` the door asks for a signed-in actor only and the service judges what it
    loaded.
    """

    right: str
    subject: SubjectOf | None = None


def needs(right: str, subject: SubjectOf | None = None) -> Callable[[View], View]:
    """Mark a view: `right` of the table is needed on `subject(**view_args)`."""
    assert right in TABLE, right

    def mark(view: View) -> View:
        setattr(view, _MARK, Need(right, subject))
        return view

    return mark


def public(view: View) -> View:
    """Mark a view that everybody may ask for: sign-in, static files, health, documentation."""
    setattr(view, _MARK, Need(PUBLIC))
    return view


def nowhere(**_: Any) -> Subject:
    """The subject of rights that hold anywhere."""
    return Subject()


def oneself(**_: Any) -> Subject:
    """One's own account."""
    actor = current_actor()
    return Subject(user=actor.login if actor else "")


def need_of(view: Callable[..., Any], method: str) -> Need | None:
    """The mark of a view for a method; of a method view that of its method."""
    view_class = getattr(view, "view_class", None)
    if view_class is not None:
        handler = getattr(view_class, "get" if method == "HEAD" else method.lower(), None)
        found = getattr(handler, _MARK, None)
        if found is not None:
            return found if isinstance(found, Need) else None
    found = getattr(view, _MARK, None)
    return found if isinstance(found, Need) else None


def endpoints(app: Flask) -> Mapping[tuple[str, str], Need | None]:
    """(endpoint, method) → what it needs, None if it names nothing; OPTIONS and HEAD aside."""
    found: dict[tuple[str, str], Need | None] = {}
    for rule in app.url_map.iter_rules():
        view = app.view_functions[rule.endpoint]
        for method in sorted((rule.methods or set()) - {"OPTIONS", "HEAD"}):
            found[rule.endpoint, method] = need_of(view, method)
    return dict(sorted(found.items()))


def install(app: Flask) -> None:
    """Check before each request."""
    app.before_request(_check)


def _check() -> Response | None:
    """Denied unless the table lets the asker through; an endpoint without a mark is closed."""
    if request.endpoint is None or request.method == "OPTIONS":
        return None
    need = need_of(current_app.view_functions[request.endpoint], request.method)
    if need is not None and need.right == PUBLIC:
        return None
    check_database()
    if need is None:
        raise Denied(Verdict.NOT_ONES_RIGHT, request.endpoint)
    if _must_change() and request.endpoint not in BEFORE_ANYTHING_ELSE:
        return _to_the_password()
    _pass(need)
    return None


def _must_change() -> bool:
    """Whether this browser was let in with a password that somebody else chose."""
    found = signed_in()
    return found is not None and bool(found.actor.session_id) and found.must_change


def _to_the_password() -> Response:
    """To the page that sets a new one; software that came with the browser's cookie is told."""
    if request.path.startswith("/api/"):
        raise RuleBroken("password_first")
    flash(text("accounts.must_change"))
    return make_response(redirect(url_for("accounts.own")))


def _pass(need: Need) -> None:
    """Raises Denied if the table does not let the asker through."""
    actor = current_actor()
    if need.subject is None:
        if judge_sign_in(need.right) is not Verdict.ALLOWED:
            raise Denied(Verdict.NOT_SIGNED_IN, need.right)
        return
    if actor is None:
        raise Denied(Verdict.NOT_SIGNED_IN, need.right)
    subject = need.subject(**(request.view_args or {}))
    verdict = judge(actor, need.right, subject, read_of(need.right))
    if verdict is not Verdict.ALLOWED:
        raise Denied(verdict, need.right)


def judge_sign_in(right: str) -> Verdict:
    """Whether somebody is signed in, or need not be for `right`."""
    actor = current_actor()
    if actor is None:
        return Verdict.NOT_SIGNED_IN
    if not actor.guest:
        return Verdict.ALLOWED
    return judge(actor, right, Subject(), read_of(right))


def may(right: str, subject: Subject) -> bool:
    """Whether the asker may, for menus and buttons."""
    return judge(current_actor(), right, subject, read_of(right)) is Verdict.ALLOWED
