"""`/entries`: what one enterprise recorded alone; listed, read, recorded, reversed."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Response
from marshmallow import fields

from wasteflow.core.actors import Subject
from wasteflow.core.periods import month_text
from wasteflow.core.reading import readable_firms
from wasteflow.core.units import tonnes_text
from wasteflow.core.vocabulary import EVIDENCE, EntryKind
from wasteflow.services.entry_objects import EntryFilter, EntryObject, get_entry, list_entries
from wasteflow.web.access import books
from wasteflow.web.api.blueprint import ApiBlueprint, versioned
from wasteflow.web.api.objects import json_object, out_fields, out_schema
from wasteflow.web.api.paging import ChangedPageQuery, number_part, page, page_schema
from wasteflow.web.api.rights import firm_subject, need, registry, who
from wasteflow.web.api.shapes import CodeField, PeriodField, ScopeField, WordField
from wasteflow.web.api.words import MomentText, MonthText, TonnesText, WordText

blueprint = ApiBlueprint("entries", "Entries of one enterprise", "/entries")


class EntriesQuery(ChangedPageQuery):
    """Which entries of one's business."""

    scope = ScopeField("Narrower than what is one's business", load_default="all")
    kind = WordField(*EntryKind, load_default="")
    material = CodeField("Material code", load_default="")
    period = PeriodField("By physical month", load_default=None)


EntryShape = out_schema(
    "Entry",
    {
        "id": fields.UUID(required=True),
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
    },
)


def shown(item: EntryObject) -> dict[str, Any]:
    """An entry as JSON."""
    return {
        "id": str(item.uid),
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


def version_of(item: EntryObject) -> str:
    """An entry changes only by being reversed."""
    return f"{item.key}-{item.state}"
