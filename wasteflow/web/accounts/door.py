"""`/sign-in` and `/sign-out`."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from flask import Response, flash, make_response, render_template, request, url_for

from wasteflow.config import LANGS
from wasteflow.core.actors import Role
from wasteflow.services.sign_in import Opened, SignInRefused, sign_out_everywhere
from wasteflow.services.sign_in import sign_in as open_sign_in
from wasteflow.services.sign_in import sign_out as end_sign_in
from wasteflow.services.users import any_user
from wasteflow.web.access import books, check_database
from wasteflow.web.accounts.common import actor, to
from wasteflow.web.identity import address, close_browser, now, open_browser, signed_in
from wasteflow.web.pages.today import FIRM
from wasteflow.web.texts import LANG_COOKIE, YEAR_S, lang, text

_TOO_MANY: Final = 429


def safe_next(wanted: str) -> str:
    """A path of this site to go to after signing in; "/" for anything else.

    >>> safe_next("/rates?period=2026"), safe_next("//evil.example/"), safe_next("/\\\\evil")
    ('/rates?period=2026', '/', '/')
    """
    parts = urlsplit(wanted)
    plain = wanted.isprintable() and "\\" not in wanted and not parts.scheme and not parts.netloc
    local = plain and wanted.startswith("/") and not wanted.startswith("//")
    return wanted if local and not parts.path.startswith(("/sign-in", "/sign-out")) else "/"


def sign_in() -> Response:
    """The form; after a POST a signed-in browser, or what is wrong and how long to wait."""
    check_database()
    goal = safe_next(request.values.get("next", "/"))
    if request.method == "GET":
        return to(goal) if signed_in() is not None else form(goal)
    login = request.form.get("login", "")
    try:
        opened = open_sign_in(
            db=books().db,
            login=login,
            password=request.form.get("password", ""),
            now=now(),
            hours=books().config.accounts.session_hours,
            address=address(),
        )
    except SignInRefused as error:
        locked = error.code == "sign_in_locked"
        response = form(goal, error.text(lang()), login, _TOO_MANY if locked else 401)
        if locked:
            response.headers["Retry-After"] = error.params["seconds"]
        return response
    return enter(opened, goal)


def enter(opened: Opened, goal: str) -> Response:
    """The signed-in browser on its way; whose password somebody else chose sets a new one first."""
    open_browser(opened)
    if opened.must_change:
        flash(text("accounts.must_change"))
        goal = url_for("accounts.own")
    response = to(_first_page() if goal == "/" else goal)
    if opened.lang in LANGS:
        response.set_cookie(
            LANG_COOKIE, opened.lang, max_age=YEAR_S, httponly=True, samesite="Lax", path="/"
        )
    return response


def _first_page() -> str:
    """The day of who has a part in a firm or drives for one; the month of who manages a park."""
    found = signed_in()
    if found is not None and found.actor.organisations(*FIRM, Role.CARRIER) - {""}:
        return url_for("loads.inbox")
    if found is not None and found.actor.organisations(Role.PARK_MANAGER):
        return url_for("pages.month")
    return "/"


def form(goal: str, problem: str = "", login: str = "", status: int = 200) -> Response:
    """The sign-in form, perhaps with what went wrong."""
    config = books().config.accounts
    body = render_template(
        "sign_in.html",
        goal=goal,
        problem=problem,
        login=login,
        nobody=not any_user(db=books().db),
        oidc=config.oidc.issuer and (config.oidc.name or urlsplit(config.oidc.issuer).netloc),
    )
    response = make_response(body, status)
    response.headers["Cache-Control"] = "no-store"
    return response


def sign_out() -> Response:
    """End the sign-in, here and on the server; all of the user's where the form asks for it."""
    found = actor()
    if request.form.get("everywhere") == "1":
        sign_out_everywhere(db=books().db, actor=found, now=now(), address=address())
        close_browser()
        flash(text("accounts.signed_out_everywhere"))
        return to(url_for("accounts.sign_in"))
    end_sign_in(db=books().db, secret=close_browser(), actor=found, now=now(), address=address())
    flash(text("accounts.signed_out"))
    return to(url_for("accounts.sign_in"))
