"""What is put into a page last, because it belongs to one browser: who is signed in, form tokens.

Pages are kept and shared by everybody who may read the same; they carry marks made with the nonce
of their response, which no data can forge, and the marks are replaced when a response leaves.
"""

from __future__ import annotations

from typing import Final

from flask import Flask, Response, g, render_template, request, url_for
from flask_wtf.csrf import CSRFProtect, generate_csrf
from markupsafe import Markup

from wasteflow.core.actors import Actor, Role
from wasteflow.web import bell
from wasteflow.web.access import READY, books
from wasteflow.web.identity import has_key, signed_in
from wasteflow.web.security import nonce

_protect: Final = CSRFProtect()
_STAFF: Final = frozenset({Role.ENTERPRISE_ADMIN, Role.OPERATOR, Role.DELEGATE})
_GATE: Final = _STAFF | {Role.GATE}
_PARTNERED: Final = _STAFF | {Role.READER}
_AT_WORK: Final = _GATE | {Role.CARRIER, Role.PARK_MANAGER, Role.READER}
_SENDING: Final = frozenset(
    {Role.ENTERPRISE_ADMIN, Role.OPERATOR, Role.DELEGATE, Role.PARK_MANAGER, Role.SYSTEM_ADMIN}
)
_READING: Final = frozenset(Role)
_DRAWING: Final = frozenset({Role.PARK_MANAGER, Role.PLANNER, Role.SYSTEM_ADMIN})
_CLOSING: Final = frozenset({Role.ENTERPRISE_ADMIN, Role.PARK_MANAGER})
_SAFE: Final = ("GET", "HEAD", "OPTIONS", "TRACE")


def install(app: Flask) -> None:
    """Form tokens of Flask-WTF; templates know `who_mark` and `csrf_mark`."""
    app.config.update(WTF_CSRF_CHECK_DEFAULT=False, WTF_CSRF_TIME_LIMIT=None)
    _protect.init_app(app)
    app.before_request(_check)
    app.after_request(_fill)
    marks = {"who_mark": who_mark, "work_mark": work_mark, "csrf_mark": csrf_mark}
    app.context_processor(lambda: marks)


def who_mark() -> Markup:
    """Where the header says who is signed in."""
    return _mark("who")


def work_mark() -> Markup:
    """Where the menu of those who keep the books stands."""
    return _mark("work")


def csrf_mark() -> Markup:
    """Where a form carries its token."""
    return _mark("csrf")


def _mark(name: str) -> Markup:
    return Markup('<i data-{}="{}"></i>').format(name, nonce())


def _check() -> None:
    """A form of somebody signed in, and the sign-in form itself, must have been sent by our page.

    What needs no sign-in changes nothing; what comes with a token was not sent by a browser.
    """
    if request.method in _SAFE or request.endpoint is None:
        return
    guarded = request.endpoint == "accounts.sign_in"
    if not guarded and "Authorization" not in request.headers and books().usable() == READY:
        found = signed_in()
        guarded = found is not None and bool(found.actor.session_id)
    if guarded:
        has_key()
        _protect.protect()


def _fill(response: Response) -> Response:
    if response.mimetype != "text/html" or response.direct_passthrough or "nonce" not in g:
        return response
    body = response.get_data()
    for name, words in (("who", _who), ("work", _work), ("csrf", _csrf)):
        mark = str(Markup('<i data-{}="{}"></i>').format(name, nonce())).encode()
        if mark in body:
            body = body.replace(mark, words().encode())
    response.set_data(body)
    return response


def _who() -> str:
    try:
        ready = books().usable() == READY
        found = signed_in() if ready else None
        waiting = bell.waiting() if found is not None else None
    except Exception:  # the error page must come even if the database does not answer
        ready, found, waiting = False, None, None
    token = _token() if found is not None and found.actor.session_id else ""
    goal = _here_to_sign_in() if ready else ""
    return render_template("_who.html", found=found, sign_in=goal, token=token, waiting=waiting)


_INSIDE: Final = {
    "loads.gate_load": "loads.gate",
    "loads.one": "loads.index",
    "loads.edit": "loads.index",
    "loads.revise": "loads.index",
    "loads.corrections": "loads.index",
    "loads.check_corrections": "loads.index",
    "loads.send_corrections": "loads.index",
    "loads.corrections_job": "loads.index",
    "loads.new_entry": "loads.entries",
    "loads.entry": "loads.entries",
    "uploads.new": "uploads.index",
    "uploads.one": "uploads.index",
    "boundaries.upload": "boundaries.index",
    "boundaries.one": "boundaries.index",
    "boundaries.save": "boundaries.index",
}
"""Page without an item in the menu of daily work → the item it belongs to."""


def _work() -> str:
    """The menu of daily work, by the rights of who is signed in; nothing for anybody else."""
    found = signed_in() if books().usable() == READY else None
    items = work_items(found.actor) if found is not None else []
    if not items:
        return ""
    return render_template("_work.html", items=items, inside=_INSIDE.get(request.endpoint or ""))


def work_items(actor: Actor) -> list[tuple[str, str]]:
    """(endpoint, text key) of the work pages somebody has business on, in order."""
    held = {item.role for item in actor.memberships}
    pages = (
        ("loads.inbox", "nav.inbox", _AT_WORK),
        ("loads.gate", "nav.gate", _GATE),
        ("loads.log", "nav.log", _STAFF),
        ("loads.index", "nav.loads", frozenset(Role)),
        ("loads.new", "nav.new_load", _STAFF),
        ("loads.partners", "nav.partners", _PARTNERED),
        ("loads.entries", "nav.entries", frozenset(Role) - {Role.CARRIER}),
        ("loads.products", "products.title", frozenset(Role) - {Role.CARRIER}),
        ("loads.months", "nav.months", _CLOSING),
        ("uploads.index", "nav.uploads", _SENDING),
        ("exports.index", "nav.exports", _READING),
        ("boundaries.index", "nav.boundaries", _DRAWING),
    )
    return [(endpoint, key) for endpoint, key, roles in pages if held & roles]


def _here_to_sign_in() -> str:
    """Address of the sign-in page that leads back here."""
    if request.method != "GET" or request.endpoint in (None, "accounts.sign_in"):
        return url_for("accounts.sign_in")
    path = request.full_path.rstrip("?")
    return url_for("accounts.sign_in", next=path)


def _token() -> str:
    """The form token of this session."""
    has_key()
    return str(generate_csrf())


def _csrf() -> str:
    """The hidden field; nothing for a form that nobody signed in sends, but the sign-in form."""
    if request.endpoint != "accounts.sign_in" and signed_in() is None:
        return ""
    field = Markup('<input type="hidden" name="csrf_token" value="{}">')
    return str(field.format(_token()))
