"""Wiring of the API: its resources, its OpenAPI document and its page."""

from __future__ import annotations

from functools import cache
from typing import Final

from flask import Flask, Response, current_app, jsonify, render_template

from wasteflow import __version__
from wasteflow.web.api import (
    accounts,
    attachments,
    audit,
    bulk,
    bulk_revisions,
    changes,
    closes,
    dependence,
    drill,
    entries,
    exports,
    findings,
    imports,
    offers,
    office,
    outlines,
    park_inputs,
    products,
    registry,
    reminders,
    reports,
    revisions,
    scenarios,
    seals,
    shipments,
    symbiosis,
    templates,
    webhooks,
)
from wasteflow.web.api.blueprint import ApiBlueprint
from wasteflow.web.permits import public

MAX_BODY: Final = 16 * 2**20
"""Bytes of a body at most; a bulk of 1,000 objects is a tenth of it."""
_DOCUMENT: Final = "wasteflow_openapi"
DESCRIPTION: Final = """
Mass-balanced ledger of bulk industrial solid waste. Tonnes are decimal strings with at most three
places, times carry an offset, periods are `2024`, `2024H1`, `2024Q3`, `2024-07` or
`2024-01..2024-06`. Sign in with a token: `Authorization: Bearer wf_…`. Errors are RFC 9457 problems
in Chinese or English (`Accept-Language`, `?lang=`).
"""


def install(app: Flask) -> None:
    """Register every resource, `/api/v1/openapi.json` and `/api/docs`."""
    app.config.update(
        API_TITLE="wasteflow",
        API_VERSION="v1",
        OPENAPI_VERSION="3.1.0",
        API_SPEC_OPTIONS={
            "info": {
                "description": DESCRIPTION.strip(),
                "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
                "x-program": __version__,
            },
            "servers": [{"url": "/"}],
            "security": [{"token": []}],
        },
        MAX_CONTENT_LENGTH=MAX_BODY,
    )
    for blueprint in blueprints():
        app.register_blueprint(blueprint)
    app.add_url_rule("/api/docs", "api_docs", public(docs))
    app.add_url_rule("/api/v1/openapi.json", "api_openapi", public(openapi))


@cache
def blueprints() -> tuple[ApiBlueprint, ...]:
    """Every resource in the order of the contract; made once, for all applications."""
    return (
        *(registry.resource(kind) for kind in registry.KINDS),
        shipments.blueprint,
        revisions.blueprint,
        entries.blueprint,
        park_inputs.blueprint,
        products.blueprint,
        reports.blueprint,
        drill.blueprint,
        office.blueprint,
        symbiosis.blueprint,
        dependence.blueprint,
        scenarios.blueprint,
        offers.blueprint,
        findings.blueprint,
        bulk.blueprint,
        bulk_revisions.blueprint,
        closes.blueprint,
        seals.blueprint,
        reminders.blueprint,
        attachments.blueprint,
        imports.blueprint,
        exports.blueprint,
        outlines.blueprint,
        templates.blueprint,
        changes.blueprint,
        webhooks.blueprint,
        accounts.blueprint,
        audit.blueprint,
    )


def openapi() -> Response:
    """The OpenAPI document."""
    kept = current_app.extensions
    if _DOCUMENT not in kept:  # made when it is first asked for: it takes a moment
        from wasteflow.web.api.document import document

        kept[_DOCUMENT] = document(current_app, blueprints())
    response = jsonify(kept[_DOCUMENT])
    response.headers["Cache-Control"] = "no-cache"
    return response


def docs() -> str:
    """The documentation page."""
    return render_template("api_docs.html")
