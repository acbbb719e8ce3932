"""`/account`: who I am, my password, language and tokens."""

from __future__ import annotations

from typing import Any

from flask import Response, flash, request, url_for

from wasteflow.core.errors import InvalidValue, WasteflowError
from wasteflow.core.permissions import Denied
from wasteflow.services.tokens import (
    DEFAULT_DAYS,
    MOST_DAYS,
    SCOPES,
    create_token,
    revoke_token,
    tokens_report,
)
from wasteflow.services.users import set_language, set_password
from wasteflow.web.access import books
from wasteflow.web.accounts.common import UNPROCESSABLE, acted, actor, page, to
from wasteflow.web.identity import address, close_browser, now, signed_in
from wasteflow.web.texts import LANG_COOKIE, YEAR_S, lang, text


def show(problem: str = "", status: int = 200, made: Any = None) -> Response:
    """The page."""
    found = signed_in()
    assert found is not None
    return page(
        "account.html",
        status,
        problem=problem,
        made=made,
        found=found,
        tokens=tokens_report(db=books().db, login=actor().login, actor=actor()),
        now=now(),
        days=DEFAULT_DAYS,
        most_days=MOST_DAYS,
        scopes=SCOPES,
    )


def password() -> Response:
    """Set the own password: every sign-in ends, this one too."""
    form = request.form
    try:
        if form.get("password", "") != form.get("again", ""):
            raise InvalidValue("passwords_differ")
        set_password(
            db=books().db,
            login=actor().login,
            password=form.get("password", ""),
            current=form.get("current", ""),
            actor=actor(),
            now=now(),
            address=address(),
        )
    except Denied:
        raise
    except WasteflowError as error:
        return show(error.text(lang()), UNPROCESSABLE)
    close_browser()
    flash(text("accounts.password_set"))
    return to(url_for("accounts.sign_in"))


def language() -> Response:
    """Set the own language, kept with the account and in this browser."""
    wanted = request.form.get("language", "")
    response = acted(
        lambda: set_language(
            db=books().db, lang=wanted, actor=actor(), now=now(), address=address()
        ),
        "accounts.saved",
        url_for("accounts.own"),
        show,
    )
    if response.status_code == 303 and wanted:
        response.set_cookie(
            LANG_COOKIE, wanted, max_age=YEAR_S, httponly=True, samesite="Lax", path="/"
        )
    return response


def token() -> Response:
    """Make a token and show it, this once."""
    form = request.form
    days = form.get("days", "")
    try:
        made = create_token(
            db=books().db,
            actor=actor(),
            name=form.get("name", ""),
            scopes=form.getlist("scope") or ("read",),
            days=int(days) if days.isascii() and days.isdigit() else 0,
            now=now(),
            address=address(),
        )
    except Denied:
        raise
    except WasteflowError as error:
        return show(error.text(lang()), UNPROCESSABLE)
    return show(made=made)


def revoke() -> Response:
    """Revoke a token."""
    number = request.form.get("token", "")
    return acted(
        lambda: revoke_token(
            db=books().db,
            token_id=int(number) if number.isascii() and number.isdigit() else 0,
            actor=actor(),
            now=now(),
            address=address(),
        ),
        "accounts.token_revoked",
        url_for("accounts.own"),
        show,
    )
