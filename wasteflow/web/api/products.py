"""`/products`: output that is held against generation; listed, read, recorded, reversed."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from flask import Response, request
from marshmallow import ValidationError, fields, post_load

from wasteflow.core.periods import month_text, shanghai_day
from wasteflow.schemas.row_rules import Clock, complete_and_check
from wasteflow.services.product_objects import (
    ProductFilter,
    ProductObject,
    get_product,
    list_products,
    record_product,
    reverse_output,
)
from wasteflow.web.access import books
from wasteflow.web.api.blueprint import ApiBlueprint, etag, versioned
from wasteflow.web.api.entries import ReverseBody, firms_to_list
from wasteflow.web.api.json_answer import as_json
from wasteflow.web.api.objects import json_object, out_fields, out_schema
from wasteflow.web.api.paging import PageQuery, number_part, page, page_schema
from wasteflow.web.api.problem_shapes import FaultSchema
from wasteflow.web.api.problems import told_warnings
from wasteflow.web.api.rights import firm_subject, need, who
from wasteflow.web.api.shapes import (
    PeriodField,
    ScopeField,
    ShortField,
    WholeObject,
    column_fields,
)
from wasteflow.web.api.words import MomentText, MonthText, WordText

blueprint = ApiBlueprint("products", "Product output, held against generation", "/products")
ONE = "/<enterprise>/<product>/<day>"


class ProductsQuery(PageQuery):
    """Which output of one's business."""

    scope = ScopeField("Narrower than what is one's business", load_default="all")
    product = ShortField("Word or name of a product", load_default="")
    period = PeriodField("By month of the output", load_default=None)


PRODUCT: dict[str, Any] = {
    "id": fields.String(
        required=True, metadata={"description": "`<enterprise>/<product>/<date>`, its path"}
    ),
    **out_fields("products"),
    "month": MonthText(required=True),
    "take": fields.Integer(
        required=True, metadata={"description": "2 and more: sent again after a reversal"}
    ),
    "state": WordText("in_force", "reversed", required=True),
    "reason": fields.String(
        required=True, metadata={"description": "Why it was reversed, empty while in force"}
    ),
    "recorded_at": MomentText(required=True),
}
ProductShape = out_schema("Product", PRODUCT)
ProductWritten = out_schema(
    "ProductWritten",
    {**PRODUCT, "warnings": fields.List(fields.Nested(FaultSchema), required=True)},
)


class _ProductRow(WholeObject):
    """The columns of output under the rules of its row."""

    @post_load
    def _rules(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        now = datetime.now(UTC)
        clock = Clock(shanghai_day(now), now)
        fault = complete_and_check("products", data, clock, lambda _: True)
        if fault:
            raise ValidationError([fault[1]], field_name=fault[0])
        return data


ProductNew = type("ProductNew", (_ProductRow,), column_fields("products"))


def shown(item: ProductObject) -> dict[str, Any]:
    """Output as JSON."""
    return {
        "id": item.name,
        **json_object("products", item.values),
        "month": month_text(item.month),
        "take": item.take,
        "state": item.state,
        "reason": item.reason,
        "recorded_at": item.recorded_at.isoformat(),
    }


def version_of(item: ProductObject) -> str:
    """Output changes only by being reversed, and sent again."""
    return f"{item.row}-{item.state}"


@blueprint.endpoint(
    "GET", "", "entry.read", returns=page_schema("Products", ProductShape), query=ProductsQuery
)
def list_(query: dict[str, Any]) -> Response:
    """List in the order of recording, what was reversed too."""
    wanted = ProductFilter(
        firms=firms_to_list("entry.read", query["scope"]),
        product=query["product"] or "",
        period=query["period"],
    )
    after, limit = number_part(query["cursor"]), query["limit"]
    found = list_products(db=books().db, wanted=wanted, after=after, limit=limit + 1)
    return page(found, limit, shown, lambda item: item.row)


@blueprint.endpoint("GET", ONE, "entry.read", returns=ProductShape, tagged=True)
def get(enterprise: str, product: str, day: str) -> Response:
    """The last output under a name, with its ETag."""
    who()
    item = get_product(db=books().db, name=f"{enterprise}/{product}/{day}")
    need("entry.read", firm_subject(item.enterprise))
    return versioned(shown(item), version_of(item))


@blueprint.endpoint(
    "POST",
    "",
    "entry.write",
    returns=ProductWritten,
    status=201,
    body=ProductNew,
    tagged=True,
    once=True,
)
def create(given: dict[str, Any]) -> Response:
    """Record output; the same amount again is answered with 200, another one with 422."""
    item, new, warnings = record_product(
        db=books().db,
        actor=who(),
        values=given,
        now=datetime.now(UTC),
        address=request.remote_addr or "",
    )
    response = as_json({**shown(item), "warnings": told_warnings(warnings)}, 201 if new else 200)
    response.headers["Location"] = f"/api/v1/products/{quote(item.name)}"
    response.headers["ETag"] = etag(version_of(item))
    return response


@blueprint.endpoint(
    "POST",
    f"{ONE}/reverse",
    "entry.write",
    returns=ProductShape,
    body=ReverseBody,
    tagged=True,
    once=True,
)
def reverse(given: dict[str, Any], enterprise: str, product: str, day: str) -> Response:
    """Take output out of the books; its name may be used again at once."""
    item = reverse_output(
        db=books().db,
        actor=who(),
        name=f"{enterprise}/{product}/{day}",
        reason=given["reason"] or "",
        now=datetime.now(UTC),
        address=request.remote_addr or "",
    )
    return versioned(shown(item), version_of(item))
