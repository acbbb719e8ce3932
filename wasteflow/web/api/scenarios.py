"""`/scenarios`: saved scenarios, results, up to four side by side, ready-made projects."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from flask import Response
from marshmallow import fields, validate

from wasteflow.core.reach import subject_of_scope
from wasteflow.core.scenarios.blocks import MOST_BLOCKS
from wasteflow.core.scenarios.project import MOST_YEARS
from wasteflow.core.scenarios.projects import PROJECTS, project_block
from wasteflow.core.units import tonnes_text
from wasteflow.services.registry_objects import ObjectChanged
from wasteflow.services.scenario_runs import SIDE_BY_SIDE, compare_drafts, run_draft
from wasteflow.services.scenarios import (
    LONGEST_NAME,
    LONGEST_NOTE,
    Draft,
    Scenario,
    change_scenario,
    create_scenario,
    delete_scenario,
    get_scenario,
    list_scenarios,
)
from wasteflow.web.access import books
from wasteflow.web.api.blueprint import ApiBlueprint, if_match, stale, versioned
from wasteflow.web.api.json_answer import as_json
from wasteflow.web.api.objects import out_schema
from wasteflow.web.api.paging import PageQuery, cursor_of, number_part, page_schema
from wasteflow.web.api.problems import Pointed, refused
from wasteflow.web.api.reports import FormatQuery
from wasteflow.web.api.rights import need, registry, who
from wasteflow.web.api.shapes import (
    ApiSchema,
    BooleanField,
    CodeField,
    IntegerField,
    PeriodField,
    ScopeField,
    ShortField,
)
from wasteflow.web.api.words import MomentText, OpenShape
from wasteflow.web.identity import address
from wasteflow.web.report_files import sheet_response
from wasteflow.web.scenario_files import eyes, scenario_sheet

blueprint = ApiBlueprint("scenarios", "Scenarios: what if, saved and compared", "/scenarios")
_BLOCKS: Final = "Blocks by kind: add, close, resize, price, target, growth; see the guide"


class ScenarioGiven(ApiSchema):
    """A scenario as it is given."""

    scope = ScopeField("Whose figures it is about", load_default="all")
    name = fields.String(
        required=True,
        validate=validate.Length(1, LONGEST_NAME),
        metadata={"description": "Its name"},
    )
    note = fields.String(
        load_default="",
        validate=validate.Length(0, LONGEST_NOTE),
        metadata={"description": "What it is for"},
    )
    base = PeriodField("Period of the books it starts from", required=True)
    material = CodeField("Material code; every waste without one", load_default="")
    years = IntegerField(0, MOST_YEARS, "Years ahead; more than 0 need 12 months", load_default=0)
    fill = BooleanField("Fill today's free capacity too", load_default=False)
    blocks = fields.List(
        fields.Dict(),
        load_default=list,
        validate=validate.Length(0, MOST_BLOCKS),
        metadata={"description": _BLOCKS},
    )


class CompareQuery(FormatQuery):
    """Which scenarios stand side by side."""

    ids = ShortField(f"Ids by comma, at most {SIDE_BY_SIDE}", required=True)


_SCENARIO: Final = {
    "id": fields.UUID(required=True),
    "scope": fields.String(required=True),
    "name": fields.String(required=True),
    "note": fields.String(required=True),
    "base": fields.String(required=True),
    "material": fields.String(required=True),
    "years": fields.Integer(required=True),
    "fill": fields.Boolean(required=True),
    "blocks": fields.List(fields.Dict(), required=True),
    "version": fields.Integer(required=True),
    "login": fields.String(required=True),
    "changed_by": fields.String(required=True),
    "created_at": MomentText(required=True),
    "updated_at": MomentText(required=True),
}
ScenarioShape = out_schema("Scenario", _SCENARIO)


class ScenarioResult(OpenShape):
    """Years, targets, changed links, and what finds no use with its reason."""

    scenario = fields.Dict(required=True)
    years = fields.List(fields.Dict(), required=True)
    today = fields.Dict(required=True)
    targets = fields.List(fields.Dict(), required=True)
    flows = fields.List(fields.Dict(), required=True)
    unserved = fields.List(fields.Dict(), required=True)


class ScenarioComparison(OpenShape):
    """Results in the order asked for."""

    scenarios = fields.List(fields.Dict(), required=True)


class ProjectList(OpenShape):
    """Ready-made blocks."""

    items = fields.List(fields.Dict(), required=True)


def shown(item: Scenario) -> dict[str, Any]:
    """A scenario as JSON."""
    draft = item.draft
    return {
        "id": item.uid,
        "scope": draft.scope,
        "name": draft.name,
        "note": draft.note,
        "base": draft.base,
        "material": draft.material,
        "years": draft.years,
        "fill": draft.fill,
        "blocks": list(draft.blocks),
        "version": item.version,
        "login": item.login,
        "changed_by": item.changed_by,
        "created_at": item.created_at.isoformat(),
        "updated_at": item.updated_at.isoformat(),
    }


def _draft(given: dict[str, Any]) -> Draft:
    return Draft(**{**given, "base": given["base"].text})


def _found(uid: str) -> Scenario:
    return get_scenario(db=books().db, uid=uid, actor=who())


@blueprint.endpoint(
    "GET", "", "scenario.read", returns=page_schema("Scenarios", ScenarioShape), query=PageQuery
)
def list_(query: dict[str, Any]) -> Response:
    """Scenarios of the scopes one may read, the newest change first."""
    start, limit = number_part(query["cursor"]), query["limit"]
    listed = list_scenarios(db=books().db, actor=who(), start=start, limit=limit)
    more = cursor_of(start + limit) if listed.total > start + limit else None
    return as_json({"items": [shown(item) for item in listed.items], "next": more})


@blueprint.endpoint(
    "POST",
    "",
    "scenario.write",
    returns=ScenarioShape,
    status=201,
    body=ScenarioGiven,
    tagged=True,
    once=True,
)
def create(given: dict[str, Any]) -> Response:
    """Save a scenario; nothing of the books changes."""
    need("scenario.write", subject_of_scope(registry(), given["scope"]))
    draft, now = _draft(given), datetime.now(UTC)
    item = create_scenario(db=books().db, draft=draft, actor=who(), now=now, address=address())
    response = versioned(shown(item), item.version, 201)
    response.headers["Location"] = f"/api/v1/scenarios/{item.uid}"
    return response


@blueprint.endpoint("GET", "/projects", "registry.read", returns=ProjectList)
def projects() -> Response:
    """The projects of the source documents as ready-made blocks, with their evidence."""
    held = registry()
    items = [
        {
            "code": item.code,
            "name_zh": item.name_zh,
            "name_en": item.name_en,
            "material": item.material,
            "capacity_t": tonnes_text(item.capacity_kg),
            "source": item.source,
            "evidence": item.evidence,
            "doubt_zh": item.doubt_zh,
            "doubt_en": item.doubt_en,
            "block": project_block(item, held),
        }
        for item in PROJECTS
    ]
    return as_json({"items": items})


@blueprint.endpoint(
    "GET", "/compare", "scenario.read", returns=ScenarioComparison, query=CompareQuery
)
def compare(query: dict[str, Any]) -> Response:
    """Up to four scenarios side by side: rate by target, tonnes, cost, CO2, stock, links.

    One that a present rule refuses has `refused` with the reasons instead of a result.
    """
    items = [_found(uid) for uid in dict.fromkeys(_ids(query["ids"]))]
    results = compare_drafts(db=books().db, drafts=[item.draft for item in items], eyes=eyes())
    pairs = list(zip(items, results, strict=True))
    if query["format"] != "json":
        return sheet_response(scenario_sheet(pairs), query["format"], "wasteflow-scenarios")
    told = [{"scenario": shown(item), **result} for item, result in pairs]
    return as_json({"scenarios": told})


def _ids(words: str) -> list[str]:
    """Ids of a list; Problem 422 for one that is none."""
    found = [word.strip() for word in words.split(",") if word.strip()]
    for word in found:
        try:
            UUID(word)
        except ValueError as error:
            params = {"value": word[:60], "pattern": "uuid"}
            raise refused([Pointed("/ids", "bad_shape", params)]) from error
    return [str(UUID(word)) for word in found]


@blueprint.endpoint("GET", "/<uuid:scenario>", "scenario.read", returns=ScenarioShape, tagged=True)
def get(scenario: UUID) -> Response:
    """One scenario."""
    item = _found(str(scenario))
    return versioned(shown(item), item.version)


@blueprint.endpoint(
    "PUT",
    "/<uuid:scenario>",
    "scenario.write",
    returns=ScenarioShape,
    body=ScenarioGiven,
    tagged=True,
    change=True,
)
def change(given: dict[str, Any], scenario: UUID) -> Response:
    """Put another draft in its place."""
    _found(str(scenario))
    try:
        item = change_scenario(
            db=books().db,
            uid=str(scenario),
            draft=_draft(given),
            version=if_match(),
            actor=who(),
            now=datetime.now(UTC),
            address=address(),
        )
    except ObjectChanged as error:
        raise stale(error.version) from error
    return versioned(shown(item), item.version)


@blueprint.endpoint("DELETE", "/<uuid:scenario>", "scenario.write", status=204, change=True)
def remove(scenario: UUID) -> Response:
    """Remove a scenario."""
    _found(str(scenario))
    try:
        delete_scenario(
            db=books().db,
            uid=str(scenario),
            version=if_match(),
            actor=who(),
            now=datetime.now(UTC),
            address=address(),
        )
    except ObjectChanged as error:
        raise stale(error.version) from error
    return Response(status=204)


@blueprint.endpoint(
    "GET",
    "/<uuid:scenario>/result",
    "scenario.read",
    returns=ScenarioResult,
    query=FormatQuery,
)
def result(query: dict[str, Any], scenario: UUID) -> Response:
    """The scenario run over the books as they are now."""
    item = _found(str(scenario))
    found = run_draft(db=books().db, draft=item.draft, eyes=eyes())
    if query["format"] != "json":
        sheet = scenario_sheet([(item, found)])
        return sheet_response(sheet, query["format"], "wasteflow-scenario")
    return as_json({"scenario": shown(item), **found})
