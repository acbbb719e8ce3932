"""`/templates/{kind}.xlsx`: a workbook to fill in, with one's own firms and partners in it."""

from __future__ import annotations

from flask import Response

from wasteflow.core.actors import Actor
from wasteflow.core.errors import NotFound
from wasteflow.services.template_choices import template_choices
from wasteflow.services.uploads import UPLOAD_RIGHTS
from wasteflow.web.access import books, books_seen
from wasteflow.web.api.blueprint import ApiBlueprint
from wasteflow.web.api.rights import need
from wasteflow.web.uploading import senders_of

blueprint = ApiBlueprint("templates", "Workbooks to fill in", "/templates")
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@blueprint.endpoint(
    "GET",
    "/<any(" + ",".join(UPLOAD_RIGHTS) + "):kind>.xlsx",
    "registry.read",
    returns={"type": "string"},
    content_type=XLSX,
)
def get(kind: str) -> Response:
    """The workbook of a kind of file."""
    return template_response(kind, need("registry.read"))


def template_response(kind: str, actor: Actor) -> Response:
    """The workbook as a download; NotFound for a kind that cannot be sent."""
    from wasteflow.exporting.template_book import template_book

    if kind not in UPLOAD_RIGHTS:
        raise NotFound("record_unknown", value=kind)
    firms = [code for code in senders_of(actor) if code in books_seen().registry.enterprises]
    choices = template_choices(db=books().db, kind=kind, firms=firms or None)
    response = Response(template_book(kind, choices), mimetype=XLSX)
    response.headers["Content-Disposition"] = f'attachment; filename="wasteflow-{kind}.xlsx"'
    response.headers["Cache-Control"] = "private, no-store"
    return response
