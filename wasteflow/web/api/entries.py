"""`/entries`: what one enterprise recorded alone; listed, read, recorded, reversed."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from flask import Response
from marshmallow import ValidationError, fields, post_load

from wasteflow.core.actors import Subject
from wasteflow.core.periods import month_text, shanghai_day
from wasteflow.core.reading import readable_firms
from wasteflow.core.units import tonnes_text
from wasteflow.core.vocabulary import EVIDENCE, EntryKind
from wasteflow.schemas.row_rules import Clock, complete_and_check
from wasteflow.services.entry_objects import EntryFilter, EntryObject, get_entry, list_entries
from wasteflow.services.entry_writing import record_entry
from wasteflow.services.live.entries import reverse_entry
from wasteflow.web.access import books
from wasteflow.web.api.blueprint import ApiBlueprint, etag, versioned
from wasteflow.web.api.json_answer import as_json
from wasteflow.web.api.objects import json_object, out_fields, out_schema
from wasteflow.web.api.paging import ChangedPageQuery, number_part, page, page_schema
from wasteflow.web.api.problem_shapes import FaultSchema
from wasteflow.web.api.problems import told_warnings
from wasteflow.web.api.rights import firm_subject, need, registry, who
from wasteflow.web.api.shapes import (
    ApiSchema,
    CodeField,
    ColumnField,
    ExternalIdField,
    MonthField,
    PeriodField,
    ScopeField,
    ShortField,
    WholeObject,
    WordField,
    column_fields,
)
from wasteflow.web.api.words import MomentText, MonthText, TonnesText, WordText
from wasteflow_models.engine import Alone

blueprint = ApiBlueprint("entries", "Entries of one enterprise", "/entries")


class EntriesQuery(ChangedPageQuery):
    """Which entries of one's business."""

    scope = ScopeField("Narrower than what is one's business", load_default="all")
    kind = WordField(*EntryKind, load_default="")
    material = CodeField("Material code", load_default="")
    period = PeriodField("By physical month", load_default=None)


EXTERNAL, BOOKED = "external_id", "booked_month"
ENTRY: dict[str, Any] = {
    "id": fields.UUID(required=True),
    EXTERNAL: fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "Its number in the software of one's own organisation"},
    ),
    **out_fields("entries"),
    "kg": fields.Integer(required=True, metadata={"description": "Wet mass as posted"}),
    "book_t": TonnesText(required=True, allow_none=True),
    "difference_t": TonnesText(required=True),
    "month": MonthText(required=True),
    "booked_month": MonthText(required=True),
    "evidence": WordText(*EVIDENCE, required=True),
    "state": WordText("in_force", "reversed", "reversal", required=True),
    "reverses": fields.UUID(required=True, allow_none=True),
    "recorded_at": MomentText(required=True),
}
EntryShape = out_schema("Entry", ENTRY)


def shown(item: EntryObject) -> dict[str, Any]:
    """An entry as JSON."""
    return {
        "id": str(item.uid),
        EXTERNAL: (item.external_id or None) if item.enterprise in who().organisations() else None,
        **json_object("entries", item.values),
        "kg": item.kg,
        "book_t": None if item.book_kg is None else tonnes_text(item.book_kg),
        "difference_t": tonnes_text(item.difference_kg),
        "month": month_text(item.month),
        "booked_month": month_text(item.booked_month),
        "evidence": item.evidence,
        "state": item.state,
        "reverses": str(item.reverses) if item.reverses else None,
        "recorded_at": item.recorded_at.isoformat(),
    }


def firms_to_list(right: str, scope: str) -> frozenset[str] | None:
    """Enterprises of `scope` whose records the actor may list; None: every one."""
    held = registry()
    inside = held.in_scope(scope)
    readable = readable_firms(who(), right, held)
    if readable is None:
        need(right, Subject())
        return None if scope == "all" else inside
    for firm in sorted(readable)[:1]:
        need(right, firm_subject(firm))
    return readable if scope == "all" else readable & inside


@blueprint.endpoint(
    "GET", "", "entry.read", returns=page_schema("Entries", EntryShape), query=EntriesQuery
)
def list_(query: dict[str, Any]) -> Response:
    """List in the order of recording."""
    wanted = EntryFilter(
        firms=firms_to_list("entry.read", query["scope"]),
        kind=query["kind"],
        material=query["material"],
        period=query["period"],
        updated_after=query["updated_after"],
    )
    after, limit = number_part(query["cursor"]), query["limit"]
    found = list_entries(db=books().db, wanted=wanted, after=after, limit=limit + 1)
    return page(found, limit, shown, lambda item: item.key)


@blueprint.endpoint("GET", "/<uuid:entry_id>", "entry.read", returns=EntryShape, tagged=True)
def get(entry_id: UUID) -> Response:
    """One entry with its ETag."""
    who()
    item = get_entry(db=books().db, uid=entry_id)
    need("entry.read", firm_subject(item.enterprise))
    return versioned(shown(item), version_of(item))


EntryWritten = out_schema(
    "EntryWritten",
    {**ENTRY, "warnings": fields.List(fields.Nested(FaultSchema), required=True)},
)


class _EntryRow(WholeObject):
    """The columns of an entry under the rules of its row."""

    @post_load(pass_original=True)
    def _rules(self, data: dict[str, Any], original: Any, **_: Any) -> dict[str, Any]:
        values = {name: value for name, value in data.items() if name not in OWN}
        for name, item in self.fields.items():
            if isinstance(item, ColumnField) and values.get(name) is None:
                values[name] = item.blank
        now = datetime.now(UTC)
        fault = complete_and_check("entries", values, Clock(shanghai_day(now), now), lambda _: True)
        if fault:
            raise ValidationError([fault[1]], field_name=fault[0])
        return {**values, **{name: data.get(name) for name in OWN}}


OWN = (EXTERNAL, BOOKED)
EntryNew = type(
    "EntryNew",
    (_EntryRow,),
    {
        **column_fields("entries"),
        EXTERNAL: ExternalIdField("Its number in your software, once", load_default=None),
        BOOKED: MonthField("Month it asks to be booked in: 409 if closed", load_default=None),
    },
)


def record(given: dict[str, Any]) -> tuple[dict[str, Any], bool, str]:
    """Record one entry; (its JSON with warnings, whether it is new, its version)."""
    values = dict(given)
    outside, booked = values.pop(EXTERNAL), values.pop(BOOKED)
    done = record_entry(
        db=books().db,
        actor=who(),
        values=values,
        now=datetime.now(UTC),
        asked_month=booked or 0,
        external_id=outside or "",
    )
    body = {**shown(done.item), "warnings": told_warnings(done.warnings)}
    return body, done.new, version_of(done.item)


@blueprint.endpoint(
    "POST",
    "",
    "entry.write",
    returns=EntryWritten,
    status=201,
    body=EntryNew,
    tagged=True,
    once=True,
    single=Alone.FIRMS,
)
def create(given: dict[str, Any]) -> Response:
    """Record an entry; the same number with the same content is answered with 200."""
    body, new, version = record(given)
    response = as_json(body, 201 if new else 200)
    response.headers["Location"] = f"/api/v1/entries/{body['id']}"
    response.headers["ETag"] = etag(version)
    return response


class ReverseBody(ApiSchema):
    """Why an entry is taken back."""

    reason = ShortField("Reason", required=True)


@blueprint.endpoint(
    "POST",
    "/<uuid:entry_id>/reverse",
    "entry.write",
    returns=EntryShape,
    body=ReverseBody,
    tagged=True,
    once=True,
    whole=True,
)
def reverse(given: dict[str, Any], entry_id: UUID) -> Response:
    """Take an entry out of the books by a reversing one; the reversal is answered."""
    done = reverse_entry(
        db=books().db,
        actor=who(),
        uid=entry_id,
        reason=given["reason"] or "",
        now=datetime.now(UTC),
    )
    item = get_entry(db=books().db, uid=UUID(done["reversal"]))
    return versioned(shown(item), version_of(item))


def version_of(item: EntryObject) -> str:
    """An entry changes only by being reversed."""
    return f"{item.uid}-{item.state}"
