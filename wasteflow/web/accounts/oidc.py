"""Signing in by an OpenID Connect provider: code flow with PKCE, state and nonce (Authlib).

Users are matched by the configured claim; nobody is created unless the setting says so.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any, Final

from flask import Response, abort, current_app, make_response, request, session, url_for

from wasteflow.config_accounts import Oidc
from wasteflow.core.credentials import clean_login
from wasteflow.core.errors import InvalidValue, WasteflowError
from wasteflow.services.sign_in import sign_in_by_subject
from wasteflow.services.users import NewUser
from wasteflow.web.access import books, check_database
from wasteflow.web.accounts.door import enter, form, safe_next
from wasteflow.web.identity import address, now
from wasteflow.web.texts import lang

_NEXT: Final = "oidc_next"
_TIMEOUT_S: Final = 10
_DECLINED: Final = frozenset({"access_denied", "login_required", "consent_required"})
"""What a provider answers when the person turned back there."""
_log: Final = logging.getLogger(__name__)


class OidcRefused(WasteflowError):
    """`oidc_failed`: the provider's answer cannot be trusted, or it gave none; `oidc_over`: this
    browser has no sign-in under way; `oidc_declined`: the provider let nobody in.
    """


def start() -> Response:
    """Send the browser to the provider."""
    check_database()
    session[_NEXT] = safe_next(request.args.get("next", "/"))
    back = url_for("accounts.oidc_back", _external=True)
    try:
        return make_response(_client().authorize_redirect(back))
    except Exception as error:  # every layer of the provider's client has errors of its own
        return _refused(error)


def back() -> Response:
    """What the provider answered: a signed-in browser, or why not."""
    check_database()
    config = books().config.accounts
    goal = safe_next(str(session.get(_NEXT, "/")))
    try:
        client = _client()
        token = client.authorize_access_token()
        issuer = str(client.load_server_metadata().get("issuer", ""))
        if issuer.rstrip("/") != config.oidc.issuer.rstrip("/"):
            raise OidcRefused("oidc_failed", reason="issuer")
        claims = token.get("userinfo") or {}
        subject = subject_of(claims, config.oidc)
    except Exception as error:  # see above; which one it was stands in the log
        return _refused(error, goal)
    try:
        opened = sign_in_by_subject(
            db=books().db,
            subject=subject,
            now=now(),
            hours=config.session_hours,
            address=address(),
            create=_new_user(claims) if config.oidc.create else None,
        )
    except WasteflowError as error:
        return form(goal, error.text(lang()), status=403)
    return enter(opened, goal)


def subject_of(claims: Mapping[str, Any], config: Oidc) -> str:
    """The value users are matched by; OidcRefused without it, or for an unverified mail address."""
    value = str(claims.get(config.claim) or "")
    if not value:
        raise OidcRefused("oidc_failed", reason=config.claim)
    if config.claim == "email" and claims.get("email_verified") is not True:
        raise OidcRefused("oidc_failed", reason="email_verified")
    return value


def _new_user(claims: Mapping[str, Any]) -> NewUser | None:
    """A user out of the claims, None if they name no login that could be ours."""
    email = str(claims.get("email") or "")
    for word in (str(claims.get("preferred_username") or ""), email, str(claims.get("sub") or "")):
        try:
            return NewUser(clean_login(word), str(claims.get("name") or ""), email)
        except InvalidValue:
            continue
    return None


def _client() -> Any:
    """The provider's client of this application; 404 where none is configured."""
    config = books().config.accounts.oidc
    if not config.issuer:
        abort(404)
    kept = current_app.extensions.get("wasteflow_oidc")
    if kept is None:
        from authlib.integrations.flask_client import OAuth

        kept = OAuth(current_app._get_current_object()).register(  # type: ignore[attr-defined]
            "wasteflow",
            client_id=config.client_id,
            client_secret=config.client_secret or None,
            server_metadata_url=f"{config.issuer.rstrip('/')}/.well-known/openid-configuration",
            client_kwargs={
                "scope": "openid profile email",
                "code_challenge_method": "S256",
                "timeout": _TIMEOUT_S,
            },
        )
        current_app.extensions["wasteflow_oidc"] = kept
    return kept


def _refused(error: Exception, goal: str = "/") -> Response:
    """The sign-in form with the reason: 400 for what the browser brought, 502 for the provider."""
    from werkzeug.exceptions import HTTPException

    if isinstance(error, HTTPException):
        raise error
    word = getattr(error, "error", "")  # of Authlib's errors, which is not always installed
    if word == "mismatching_state":  # used already, too old, or another browser's
        return form(goal, OidcRefused("oidc_over").text(lang()), status=400)
    if word in _DECLINED and word == request.args.get("error"):
        return form(goal, OidcRefused("oidc_declined").text(lang()), status=400)
    _log.warning("sign-in by the identity provider failed", exc_info=error)
    reason = error.params.get("reason", "") if isinstance(error, WasteflowError) else ""
    told = OidcRefused("oidc_failed", reason=reason or type(error).__name__)
    return form(goal, told.text(lang()), status=502)
