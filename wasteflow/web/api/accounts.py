"""`/me`, `/members`, `/tokens`, `/delegations`, `/audit`: people, and what they may do."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, ClassVar

from flask import Response, request
from marshmallow import fields

from wasteflow.core.actors import FIRM_ROLES, Membership, Subject
from wasteflow.core.periods import day_from_text
from wasteflow.core.permissions import TABLE
from wasteflow.services.delegations import (
    FAMILIES,
    NewDelegation,
    delegations_report,
    grant_delegation,
    revoke_delegation,
)
from wasteflow.services.memberships import (
    grant_membership,
    members_report,
    revoke_membership,
    role_of,
)
from wasteflow.services.tokens import (
    DEFAULT_DAYS,
    MOST_DAYS,
    SCOPES,
    create_token,
    revoke_token,
    tokens_report,
)
from wasteflow.web.access import books
from wasteflow.web.api.blueprint import ApiBlueprint
from wasteflow.web.api.json_answer import as_json
from wasteflow.web.api.objects import out_schema
from wasteflow.web.api.paging import PageQuery, page_schema, rows_page
from wasteflow.web.api.problems import Problem
from wasteflow.web.api.rights import need, who
from wasteflow.web.api.shapes import (
    DAY,
    ApiSchema,
    CodeField,
    IntegerField,
    ListField,
    Shaped,
    ShortField,
    WordField,
)
from wasteflow.web.api.words import MomentText, WordText, told

blueprint = ApiBlueprint("accounts", "Accounts: who one is and what one may do")


class DayField(Shaped):
    """A reporting day."""

    shape: ClassVar[dict[str, Any]] = {"type": "string", "pattern": DAY}

    def convert(self, value: Any) -> Any:
        return day_from_text(value)


RoleShape = out_schema(
    "Role",
    {
        "role": fields.String(required=True),
        "organisation": fields.String(required=True),
        "families": fields.List(fields.String(), required=True, allow_none=True),
    },
)
MeShape = out_schema(
    "Me",
    {
        "login": fields.String(required=True),
        "name": fields.String(required=True),
        "roles": fields.List(fields.Nested(RoleShape), required=True),
        "scopes": fields.List(fields.String(), required=True, allow_none=True),
        "by": WordText("token", "session", required=True),
    },
)


@blueprint.endpoint("GET", "/me", "account.read", returns=MeShape)
def me() -> Response:
    """Who one is, with the roles in force."""
    actor = need("account.read", Subject(user=who().login))
    return as_json(
        {
            "login": actor.login,
            "name": actor.name,
            "roles": [
                {
                    "role": item.role.value,
                    "organisation": item.organisation,
                    "families": None if item.families is None else sorted(item.families),
                }
                for item in actor.memberships
            ],
            "scopes": None if actor.scopes is None else sorted(actor.scopes),
            "by": "token" if actor.token_id else "session",
        }
    )


# --- members ---------------------------------------------------------------------------------


class MembersQuery(PageQuery):
    """Whose people."""

    enterprise = CodeField("Code of the enterprise", required=True)


class MemberNew(ApiSchema):
    """A role for a person in an enterprise."""

    login = ShortField("Login of an existing user", required=True)
    enterprise = CodeField("Code of the enterprise", required=True)
    role = WordField(*(role.value for role in FIRM_ROLES), required=True)


MemberShape = out_schema(
    "Member",
    {
        "login": fields.String(required=True),
        "name": fields.String(required=True),
        "active": fields.Boolean(required=True),
        "role": fields.String(required=True),
        "since": MomentText(required=True),
    },
)


@blueprint.endpoint(
    "GET",
    "/members",
    "member.read",
    returns=page_schema("Members", MemberShape),
    query=MembersQuery,
)
def members(query: dict[str, Any]) -> Response:
    """People with a role in an enterprise."""
    found = members_report(
        db=books().db, enterprise=query["enterprise"], actor=who(), now=datetime.now(UTC)
    )
    return rows_page(found, query, told)


@blueprint.endpoint(
    "POST", "/members", "member.write", returns=MemberShape, status=201, body=MemberNew, once=True
)
def add_member(given: dict[str, Any]) -> Response:
    """Give a person a role in an enterprise."""
    now = datetime.now(UTC)
    grant_membership(
        db=books().db,
        login=given["login"],
        membership=Membership(role_of(given["role"]), given["enterprise"]),
        actor=who(),
        now=now,
        address=request.remote_addr or "",
    )
    found = members_report(db=books().db, enterprise=given["enterprise"], actor=who(), now=now)
    wanted = given["login"].strip().lower(), given["role"]
    return as_json(told(next(m for m in found if (m["login"], m["role"]) == wanted)), 201)


@blueprint.endpoint("DELETE", "/members", "member.write", status=204, query=MemberNew)
def remove_member(given: dict[str, Any]) -> Response:
    """Take a role back."""
    revoke_membership(
        db=books().db,
        login=given["login"],
        membership=Membership(role_of(given["role"]), given["enterprise"]),
        actor=who(),
        now=datetime.now(UTC),
        address=request.remote_addr or "",
    )
    return Response(status=204)


# --- tokens ----------------------------------------------------------------------------------


class TokenNew(ApiSchema):
    """A token of one's own."""

    name = ShortField("What it is for", required=True)
    scopes = ListField(
        *SCOPES, *sorted(TABLE), description="read, write or single rights", load_default=SCOPES
    )
    days = IntegerField(1, MOST_DAYS, "Days it lasts", load_default=DEFAULT_DAYS)


_TOKEN = {
    "id": fields.Integer(required=True),
    "name": fields.String(required=True),
    "prefix": fields.String(required=True),
    "scopes": fields.List(fields.String(), required=True),
    "created_at": MomentText(required=True),
    "expires_at": MomentText(required=True),
    "used_at": MomentText(required=True, allow_none=True),
    "revoked_at": MomentText(required=True, allow_none=True),
}
TokenShape = out_schema("Token", _TOKEN)
NewTokenShape = out_schema("TokenMade", {**_TOKEN, "secret": fields.String(required=True)})


@blueprint.endpoint(
    "GET", "/tokens", "token.read", returns=page_schema("Tokens", TokenShape), query=PageQuery
)
def tokens(query: dict[str, Any]) -> Response:
    """One's own tokens, without their secrets."""
    return rows_page(tokens_report(db=books().db, login=who().login, actor=who()), query, told)


@blueprint.endpoint(
    "POST", "/tokens", "token.write", returns=NewTokenShape, status=201, body=TokenNew
)
def add_token(given: dict[str, Any]) -> Response:
    """Make a token; its secret is said once and kept nowhere, so no Idempotency-Key is taken."""
    made = create_token(
        db=books().db,
        actor=who(),
        name=given["name"],
        now=datetime.now(UTC),
        scopes=given["scopes"],
        days=given["days"],
        address=request.remote_addr or "",
    )
    found = tokens_report(db=books().db, login=who().login, actor=who())
    row = next(item for item in found if item["id"] == made.id)
    return as_json({**told(row), "secret": made.secret}, 201)


@blueprint.endpoint("DELETE", "/tokens/<int:token_id>", "token.revoke", status=204)
def remove_token(token_id: int) -> Response:
    """Revoke a token at once."""
    if token_id >= 2**62:
        raise Problem(404, "record_unknown", {"value": token_id})
    revoke_token(
        db=books().db,
        token_id=token_id,
        actor=who(),
        now=datetime.now(UTC),
        address=request.remote_addr or "",
    )
    return Response(status=204)


# --- delegations -----------------------------------------------------------------------------


class DelegationsQuery(PageQuery):
    """Whose delegations: those an enterprise granted, or those granted to oneself."""

    enterprise = CodeField("Code of the enterprise that granted", load_default="")


class DelegationNew(ApiSchema):
    """Leave for a person or a firm to keep an enterprise's records."""

    enterprise = CodeField("Code of the enterprise that grants", required=True)
    login = ShortField("Of a person, or …", load_default="")
    organisation = ShortField("… code of a firm", load_default="")
    families = ListField(*FAMILIES, load_default=FAMILIES)
    first = DayField("First day; default: today", load_default=None)
    last = DayField("Last day", required=True)
    reason = ShortField(load_default="")


class Reasoned(ApiSchema):
    """Why."""

    reason = ShortField("Reason", required=True)


DelegationShape = out_schema(
    "Delegation",
    {
        "id": fields.Integer(required=True),
        "enterprise": fields.String(required=True),
        "holder": fields.String(required=True),
        "to_user": fields.Boolean(required=True),
        "families": fields.List(fields.String(), required=True),
        "first": fields.Date(required=True),
        "last": fields.Date(required=True),
        "reason": fields.String(required=True),
        "granted_by": fields.String(required=True),
        "revoked_at": MomentText(required=True, allow_none=True),
        "revoked_by": fields.String(required=True),
        "revoke_reason": fields.String(required=True),
        "in_force": fields.Boolean(required=True),
        "open": fields.Boolean(required=True),
    },
)


@blueprint.endpoint(
    "GET",
    "/delegations",
    "delegation.read",
    returns=page_schema("Delegations", DelegationShape),
    query=DelegationsQuery,
)
def delegations(query: dict[str, Any]) -> Response:
    """Delegations granted by an enterprise, or to oneself."""
    found = delegations_report(
        db=books().db, actor=who(), now=datetime.now(UTC), enterprise=query["enterprise"]
    )
    return rows_page(found, query, told)


@blueprint.endpoint(
    "POST",
    "/delegations",
    "delegation.write",
    returns=DelegationShape,
    status=201,
    body=DelegationNew,
    once=True,
)
def add_delegation(given: dict[str, Any]) -> Response:
    """Grant a delegation."""
    now = datetime.now(UTC)
    made = grant_delegation(
        db=books().db,
        delegation=NewDelegation(**given),
        actor=who(),
        now=now,
        address=request.remote_addr or "",
    )
    found = delegations_report(db=books().db, actor=who(), now=now, enterprise=given["enterprise"])
    return as_json(told(next(item for item in found if item["id"] == made)), 201)


@blueprint.endpoint(
    "POST",
    "/delegations/<int:delegation_id>/revoke",
    "delegation.write",
    status=204,
    body=Reasoned,
    once=True,
)
def remove_delegation(given: dict[str, Any], delegation_id: int) -> Response:
    """End a delegation now."""
    if delegation_id >= 2**62:
        raise Problem(404, "record_unknown", {"value": delegation_id})
    revoke_delegation(
        db=books().db,
        delegation_id=delegation_id,
        reason=given["reason"],
        actor=who(),
        now=datetime.now(UTC),
        address=request.remote_addr or "",
    )
    return Response(status=204)
