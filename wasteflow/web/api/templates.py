"""`/templates/{kind}.xlsx`: a workbook to fill in, with one's own firms and partners in it."""

from __future__ import annotations

from flask import Response

from wasteflow.services.uploads import UPLOAD_RIGHTS
from wasteflow.web.api.blueprint import ApiBlueprint
from wasteflow.web.api.rights import need
from wasteflow.web.files_out import XLSX, template_response

blueprint = ApiBlueprint("templates", "Workbooks to fill in", "/templates")


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
