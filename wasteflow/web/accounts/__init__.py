"""Pages of accounts: sign in and out, my account, members, users, delegations, audit log."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, Response

from wasteflow.web.accounts import delegations, door, log, members, oidc, own, users
from wasteflow.web.permits import needs, nowhere, oneself, public

blueprint = Blueprint("accounts", __name__)
_ACCOUNT = needs("account.write", oneself)
_TOKEN, _TOKEN_OFF = needs("token.write", oneself), needs("token.revoke", oneself)
_MEMBERS = needs("member.write", members.subject)
_OFFICE, _USER = needs("office.write", nowhere), needs("user.write", nowhere)
_DELEGATIONS = needs("delegation.read", delegations.subject)
_DELEGATES = needs("delegation.write", delegations.subject)


def _page(path: str, name: str, view: Callable[..., Response]) -> None:
    blueprint.add_url_rule(path, name, view)


def _form(path: str, name: str, view: Callable[..., Response]) -> None:
    blueprint.add_url_rule(path, name, view, methods=("POST",))


blueprint.add_url_rule("/sign-in", "sign_in", public(door.sign_in), methods=("GET", "POST"))
_page("/sign-in/oidc", "oidc", public(oidc.start))
_page("/sign-in/oidc/back", "oidc_back", public(oidc.back))
_form("/sign-out", "sign_out", needs("account.read", oneself)(door.sign_out))

_page("/account", "own", needs("account.read", oneself)(own.show))
_form("/account/password", "own_password", _ACCOUNT(own.password))
_form("/account/language", "own_language", _ACCOUNT(own.language))
_form("/account/tokens", "own_token", _TOKEN(own.token))
_form("/account/tokens/revoke", "own_revoke", _TOKEN_OFF(own.revoke))

_page("/members", "members", needs("member.read", members.subject)(members.show))
_form("/members", "member_add", _MEMBERS(members.add))
_form("/members/revoke", "member_revoke", _MEMBERS(members.revoke))

_page("/users", "users", needs("user.read", nowhere)(users.show))
_form("/users", "user_add", needs("user.create", nowhere)(users.add))
_form("/users/grant", "user_grant", _OFFICE(users.grant))
_form("/users/revoke", "user_revoke", _OFFICE(users.revoke))
_form("/users/active", "user_active", _USER(users.active))
_form("/users/password", "user_password", _USER(users.password))

_page("/delegations", "delegations", _DELEGATIONS(delegations.show))
_form("/delegations", "delegation_grant", _DELEGATES(delegations.grant))
_form("/delegations/revoke", "delegation_revoke", _DELEGATES(delegations.revoke))

_page("/audit-log", "log", needs("audit.read", log.subject)(log.show))
