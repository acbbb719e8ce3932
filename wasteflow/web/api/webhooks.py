"""`/webhooks`: addresses that are told of changes; their secrets are said once."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from flask import Response
from marshmallow import fields

from wasteflow.services.registry_objects import ObjectChanged
from wasteflow.services.webhooks import (
    KINDS,
    Webhook,
    change_webhook,
    create_webhook,
    delete_webhook,
    deliveries,
    get_webhook,
    list_webhooks,
)
from wasteflow.web.access import books
from wasteflow.web.api.blueprint import ApiBlueprint, if_match, stale, versioned
from wasteflow.web.api.objects import out_schema
from wasteflow.web.api.paging import PageQuery, number_part, page, page_schema, rows_page
from wasteflow.web.api.problems import Pointed, refused
from wasteflow.web.api.rights import who
from wasteflow.web.api.shapes import ApiSchema, BooleanField, ListField, ScopeField, UrlField
from wasteflow.web.api.words import MomentText, WordText, told

blueprint = ApiBlueprint("webhooks", "Webhooks: calls that tell of changes", "/webhooks")


class WebhookNew(ApiSchema):
    """Whom to tell of what."""

    scope = ScopeField("Whose changes: all, region:…, park:… or enterprise:…", required=True)
    url = UrlField("Public https address", required=True)
    kinds = ListField(*KINDS, description="Default: all kinds", load_default=KINDS)


class WebhookChange(ApiSchema):
    """What to change; switching it on again starts with a clean slate."""

    url = UrlField("Public https address")
    kinds = ListField(*KINDS)
    active = BooleanField()


_WEBHOOK = {
    "id": fields.UUID(required=True),
    "scope": fields.String(required=True),
    "url": fields.String(required=True),
    "kinds": fields.List(fields.String(), required=True),
    "active": fields.Boolean(required=True),
    "off_reason": WordText("", "failures", "by_hand", required=True),
    "failures": fields.Integer(required=True),
    "next_at": MomentText(required=True),
    "after": fields.Integer(required=True, metadata={"description": "Last change told"}),
    "created_at": MomentText(required=True),
}
WebhookShape = out_schema("Webhook", _WEBHOOK)
WebhookMade = out_schema("WebhookMade", {**_WEBHOOK, "secret": fields.String(required=True)})
DeliveryShape = out_schema(
    "WebhookDelivery",
    {
        "id": fields.Integer(required=True),
        "change": fields.Integer(required=True),
        "attempt": fields.Integer(required=True),
        "at": MomentText(required=True),
        "status": fields.Integer(required=True, allow_none=True),
        "error": fields.String(required=True),
        "duration_ms": fields.Integer(required=True),
    },
)


def shown(item: Webhook) -> dict[str, Any]:
    """A webhook as JSON."""
    return {
        "id": item.uid,
        "scope": item.scope,
        "url": item.url,
        "kinds": list(item.kinds),
        "active": item.active,
        "off_reason": item.off_reason,
        "failures": item.failures,
        "next_at": item.next_at.isoformat(),
        "after": item.after,
        "created_at": item.created_at.isoformat(),
    }


def private_allowed() -> bool:
    """Whether the setting lets webhooks call addresses inside."""
    return books().config.api.webhook_private


@blueprint.endpoint(
    "GET", "", "webhook.read", returns=page_schema("Webhooks", WebhookShape), query=PageQuery
)
def list_(query: dict[str, Any]) -> Response:
    """Webhooks of one's scopes."""
    return rows_page(list_webhooks(db=books().db, actor=who()), query, shown)


@blueprint.endpoint(
    "POST",
    "",
    "webhook.write",
    returns=WebhookMade,
    status=201,
    body=WebhookNew,
    tagged=True,
    once=True,
)
def create(given: dict[str, Any]) -> Response:
    """Make a webhook; its secret signs the calls and is said this once."""
    item, secret = create_webhook(
        db=books().db,
        **given,
        actor=who(),
        now=datetime.now(UTC),
        private=private_allowed(),
    )
    response = versioned({**shown(item), "secret": secret}, item.version, 201)
    response.headers["Location"] = f"/api/v1/webhooks/{item.uid}"
    return response


@blueprint.endpoint("GET", "/<uuid:webhook>", "webhook.read", returns=WebhookShape, tagged=True)
def get(webhook: UUID) -> Response:
    """One webhook."""
    item = get_webhook(db=books().db, uid=str(webhook), actor=who())
    return versioned(shown(item), f"{item.version}-{item.after}-{item.failures}")


@blueprint.endpoint(
    "PATCH",
    "/<uuid:webhook>",
    "webhook.write",
    returns=WebhookShape,
    body=WebhookChange,
    tagged=True,
    change=True,
)
def change(given: dict[str, Any], webhook: UUID) -> Response:
    """Change a webhook, or switch it on again."""
    get_webhook(db=books().db, uid=str(webhook), actor=who())
    version = if_match().partition("-")[0]
    if not given:
        raise refused([Pointed("", "nothing_given")])
    try:
        item = change_webhook(
            db=books().db,
            uid=str(webhook),
            changes=given,
            version=version,
            actor=who(),
            now=datetime.now(UTC),
            private=private_allowed(),
        )
    except ObjectChanged as error:
        raise stale(error.version) from error
    return versioned(shown(item), f"{item.version}-{item.after}-{item.failures}")


@blueprint.endpoint("DELETE", "/<uuid:webhook>", "webhook.write", status=204)
def remove(webhook: UUID) -> Response:
    """Remove a webhook and its log."""
    delete_webhook(db=books().db, uid=str(webhook), actor=who())
    return Response(status=204)


@blueprint.endpoint(
    "GET",
    "/<uuid:webhook>/deliveries",
    "webhook.read",
    returns=page_schema("WebhookDeliveries", DeliveryShape),
    query=PageQuery,
)
def log(query: dict[str, Any], webhook: UUID) -> Response:
    """Attempts to tell it, newest first."""
    found = deliveries(
        db=books().db,
        uid=str(webhook),
        actor=who(),
        before=number_part(query["cursor"]),
        limit=query["limit"] + 1,
    )
    return page(found, query["limit"], told, lambda row: int(row["id"]))
