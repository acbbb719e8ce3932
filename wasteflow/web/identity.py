"""Who asks: the sign-in of a browser or the token of a program, and what they may read.

Flask-Login keeps the secret of a sign-in in the session cookie; the database says whose it is and
whether it still holds.  A request that carries a token is judged by the token alone.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

from flask import Flask, Request, Response, current_app, g, request, session
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface, SessionMixin
from flask_login import LoginManager, current_user, login_user, logout_user

from wasteflow.core.actors import Actor, Role
from wasteflow.core.periods import month_of_day, shanghai_day
from wasteflow.core.reach import ALL, Reach, reach_of
from wasteflow.services.acting import SignedIn, actor_of_session, actor_of_token
from wasteflow.services.sign_in import Opened
from wasteflow.services.site_secret import cookie_key
from wasteflow.web.access import books, books_seen

COOKIE: Final = "wasteflow_session"
GUEST: Final = Actor(0, "", reads_all=True)
"""Who reads where everybody may and is not signed in."""


class Browser:
    """A signed-in browser, as Flask-Login wants it."""

    is_authenticated = True
    is_active = True
    is_anonymous = False

    def __init__(self, secret: str, found: SignedIn) -> None:
        self._secret = secret
        self.found = found

    def get_id(self) -> str:
        """What the cookie holds: the secret of the sign-in."""
        return self._secret


class Program:
    """A request with a token, as Flask-Login wants it."""

    is_authenticated = True
    is_active = True
    is_anonymous = False

    def __init__(self, actor: Actor) -> None:
        self.found = SignedIn(actor, "", False)

    def get_id(self) -> str:
        """Never kept: a token comes with every request."""
        return ""


class Cookies(SecureCookieSessionInterface):
    """Signed session cookies; the key is read when the first is needed, no earlier."""

    def get_signing_serializer(self, app: Flask) -> Any:
        """None while the database cannot give the key: then there is no session."""
        has_key(app)
        return super().get_signing_serializer(app)

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        """An empty session without touching the key where no cookie came."""
        if COOKIE not in request.cookies:
            return self.session_class()
        return super().open_session(app, request) or self.session_class()

    def get_cookie_secure(self, app: Flask) -> bool:
        """Over https the cookie never travels without it."""
        return request.is_secure

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        """Set the cookie when it changed; what varies by it says so itself (`security`)."""
        if session.modified and self.get_signing_serializer(app) is not None:
            super().save_session(app, session, response)


def has_key(app: Flask | None = None) -> bool:
    """Whether there is a key to sign with; read when the first is needed."""
    app = app or current_app
    if not app.secret_key:
        app.secret_key = books(app).config.accounts.secret_key or _stored_key(app)
    return bool(app.secret_key)


def _stored_key(app: Flask) -> str | None:
    try:
        return cookie_key(db=books(app).db)
    except Exception:  # no tables yet, or no database: pages say so, and nobody is signed in
        return None


def install(app: Flask) -> None:
    """Cookies and Flask-Login; templates know `actor`."""
    app.config.update(
        SESSION_COOKIE_NAME=COOKIE,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        REMEMBER_COOKIE_REFRESH_EACH_REQUEST=False,
    )
    app.session_interface = Cookies()
    manager = LoginManager(app)
    manager.session_protection = None  # the database knows the sign-in; an address may change
    manager.user_loader(_browser)
    manager.request_loader(_program)


def now() -> datetime:
    """The moment of the request."""
    return datetime.now(UTC)


def this_month() -> int:
    """The running reporting month, yyyymm."""
    return month_of_day(shanghai_day(now()))


def address() -> str:
    """Where the request came from, as far as the proxies in front are believed."""
    return request.remote_addr or ""


def current_actor() -> Actor | None:
    """Who asks; GUEST where everybody may read; None if nobody is signed in."""
    if "actor" not in g:
        found = signed_in()
        open_reading = books().config.accounts.open_reading
        if found is None:
            g.actor = GUEST if open_reading else None
        elif open_reading:
            g.actor = _reading_all(found.actor)
        else:
            g.actor = found.actor
    actor: Actor | None = g.actor
    return actor


def _reading_all(actor: Actor) -> Actor:
    from dataclasses import replace

    return replace(actor, reads_all=True)


def signed_in() -> SignedIn | None:
    """The person or program behind the request, None if there is none."""
    return current_user.found if current_user.is_authenticated else None


def reach() -> Reach:
    """What the asker may read in detail; kept for the request."""
    if "reach" not in g:
        g.reach = reach_of(current_actor(), books_seen().registry)
    found: Reach = g.reach
    return found


def reach_key() -> tuple[str, ...]:
    """What pages of reports depend on beside the books: those who read the same share them."""
    actor = current_actor()
    return (ALL,) if actor is not None and actor.reads_all else reach().scopes


def offers_key() -> tuple[bool, bool]:
    """Whether the asker has a part in offers, and may propose links: pages show doors by it."""
    actor = current_actor()
    if actor is None or actor.guest:
        return False, False
    manages = bool(actor.organisations(Role.PARK_MANAGER, Role.PLANNER))
    return any(item.role is not Role.CARRIER for item in actor.memberships), manages


def open_browser(opened: Opened) -> None:
    """Sign the browser in with a session of its own: nothing of the one before is kept."""
    found = actor_of_session(db=books().db, secret=opened.secret, now=now())
    assert found is not None  # it was opened by this request
    session.clear()
    login_user(Browser(opened.secret, found))
    g.pop("actor", None)
    g.pop("reach", None)


def close_browser() -> str:
    """Forget the sign-in of this browser; returns its secret, "" if there was none."""
    secret = str(session.get("_user_id", ""))
    logout_user()
    session.clear()
    g.pop("actor", None)
    g.pop("reach", None)
    return secret


def who_key() -> str:
    """What the header of a page depends on; part of its ETag."""
    found = signed_in()
    if found is None:
        return ""
    actor = found.actor
    return repr((actor.session_id, actor.login, actor.name, actor.memberships, found.must_change))


def bearer() -> str:
    """The token of an Authorization header, "" without one."""
    word, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if word.lower() == "bearer" else ""


def _browser(secret: str) -> Browser | None:
    if "Authorization" in request.headers:
        return None
    found = actor_of_session(db=books().db, secret=secret, now=now())
    return Browser(secret, found) if found else None


def _program(asked: Request) -> Program | None:
    token = bearer()
    actor = actor_of_token(db=books().db, token=token, now=now()) if token else None
    return Program(actor) if actor else None
