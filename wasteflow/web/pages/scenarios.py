"""`/scenarios`: the list, one with its result, and up to four side by side."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from flask import Response, flash, make_response, redirect, render_template, request, url_for

from wasteflow.core.errors import FieldsRefused, InvalidValue
from wasteflow.core.messages import render
from wasteflow.core.periods import Period
from wasteflow.core.reach import subject_of_scope
from wasteflow.core.scenarios.blocks import kind_of, read_blocks
from wasteflow.core.scenarios.project import opened_names
from wasteflow.services.scenario_runs import SIDE_BY_SIDE, compare_drafts, run_draft
from wasteflow.services.scenarios import (
    Listed,
    Scenario,
    check_draft,
    get_scenario,
    list_scenarios,
)
from wasteflow.web.access import books, books_seen
from wasteflow.web.answers import once
from wasteflow.web.formats import kg_of, mass, money, percent, period_words, target_value
from wasteflow.web.identity import current_actor
from wasteflow.web.pages.following import follows
from wasteflow.web.pages.outlines_drawn import park_outlines
from wasteflow.web.pages.scenario_map import drawing
from wasteflow.web.pages.view import scope_name
from wasteflow.web.permits import may
from wasteflow.web.report_files import FORMATS, sheet_response
from wasteflow.web.scenario_files import eyes, names_of, scenario_sheet
from wasteflow.web.symbiosis_files import scenario_geo
from wasteflow.web.texts import lang, name_of, text

ROWS: Final = 25
LISTED: Final = 50
MOST_PAGES: Final = 100_000


def index() -> Response:
    """Scenarios one may read, to open, compare or copy."""
    number = min(MOST_PAGES, max(1, request.args.get("page", 1, int)))
    listed = _part(number)
    pages = max(1, -(-listed.total // LISTED))
    if number > pages:
        number, listed = pages, _part(pages)
    return _page(
        "scenarios.html",
        items=[_line(item) for item in listed.items],
        total=listed.total,
        page=number,
        page_count=pages,
        most=SIDE_BY_SIDE,
    )


def _part(number: int) -> Listed:
    start = (number - 1) * LISTED
    return list_scenarios(db=books().db, actor=current_actor(), start=start, limit=LISTED)


def one(uid: UUID) -> Response:
    """A scenario with its result, or the result as a file."""
    item = _get(uid)
    try:
        check_draft(books_seen().registry, item.draft)
        if _follow([item]):
            return _page("scenario.html", item=_line(item), faults=[])
        found = run_draft(db=books().db, draft=item.draft, eyes=eyes())
    except FieldsRefused as error:
        return _page("scenario.html", item=_line(item), faults=_faults(error), status=422)
    once(_run_key([item]), lambda: True)
    if request.args.get("format") == "geojson":
        return scenario_geo(item.draft.name, found)
    if request.args.get("format") in FORMATS:
        sheet = scenario_sheet([(item, found)])
        return sheet_response(sheet, request.args["format"], "wasteflow-scenario")
    names = _names(item, found)
    return _page(
        "scenario.html",
        item=_line(item),
        found=found,
        faults=[],
        blocks=_blocks(item),
        figures=_figures(found["today"]),
        then=_figures(found["years"][-1]),
        years=[_figures(year) for year in found["years"]],
        targets=sorted(
            (_target(row) for row in found["targets"]), key=lambda row: row["reference_line"]
        ),
        links=[_link(row, names) for row in found["flows"][:ROWS]],
        left=[_unserved(row) for row in found["unserved"][:ROWS]],
        left_kg=sum(kg_of(row["tonnes"]) or 0 for row in found["unserved"]),
        drawn=drawing(found, names, park_outlines(books_seen().registry)),
        notes=[
            {
                "words": render(note["code"], lang(), {}),
                "subject": names.get(note["subject"], note["subject"]),
            }
            for note in found["notes"]
        ],
    )


def compare() -> Response:
    """Up to four scenarios side by side, or their table as a file."""
    chosen = request.args.getlist("id")
    if chosen:
        told: dict[str, Any] = {"lang": request.args["lang"]} if "lang" in request.args else {}
        address = url_for("pages.scenario_compare", ids=",".join(dict.fromkeys(chosen)), **told)
        return make_response(redirect(address, 303))
    words = (word.strip() for word in request.args.get("ids", "").split(","))
    ids = [word for word in dict.fromkeys(words) if word]
    items = []
    for word in ids:
        try:
            items.append(_get(UUID(word)))
        except ValueError:
            flash(text("scenario.bad_id"), "warn")
            return make_response(redirect(url_for("pages.scenarios"), 303))
    if 1 <= len(items) <= SIDE_BY_SIDE and _follow(items):
        return _page("scenario_compare.html")
    try:
        results = compare_drafts(db=books().db, drafts=[item.draft for item in items], eyes=eyes())
    except InvalidValue as error:
        flash(error.text(lang()), "warn")
        return make_response(redirect(url_for("pages.scenarios"), 303))
    once(_run_key(items), lambda: True)
    pairs = list(zip(items, results, strict=True))
    if request.args.get("format") in FORMATS:
        return sheet_response(scenario_sheet(pairs), request.args["format"], "wasteflow-scenarios")
    run = [(item, found) for item, found in pairs if "refused" not in found]
    results = [found for _, found in run]
    rows = {code: [_of_target(found, code) for found in results] for code in names_of(results)}
    return _page(
        "scenario_compare.html",
        columns=[_column(item, found) for item, found in run],
        refused=[
            (_line(item), [f"{row['pointer']}: {row[lang()]}" for row in found["refused"]])
            for item, found in pairs
            if "refused" in found
        ],
        targets=sorted(
            ((next(c for c in cells if c), cells) for cells in rows.values()),
            key=lambda pair: pair[0]["reference_line"],
        ),
        bases=len({(found["period"], found["scope"], found["material"]) for found in results}),
    )


def _follow(items: Sequence[Scenario]) -> bool:
    """Whether the results come after the page; services keep what they rest on (`run_draft`)."""
    return request.args.get("format") != "geojson" and follows(books_seen(), _run_key(items))


def _run_key(items: Sequence[Scenario]) -> Hashable:
    return "scenarios", tuple((item.uid, item.version) for item in items)


def _get(uid: UUID) -> Scenario:
    return get_scenario(db=books().db, uid=str(uid), actor=current_actor())


def _page(template: str, *, status: int = 200, **values: Any) -> Response:
    held = books_seen()
    body = render_template(template, registry=held.registry, empty=held.last is None, **values)
    response = make_response(body, status)
    response.headers["Cache-Control"] = "no-store"
    return response


def _line(item: Scenario) -> dict[str, Any]:
    """A scenario as words."""
    registry, draft = books_seen().registry, item.draft
    material = registry.materials.get(draft.material)
    return {
        "uid": item.uid,
        "name": draft.name,
        "note": draft.note,
        "scope": scope_name(registry, draft.scope),
        "base": period_words(Period.parse(draft.base), lang()),
        "material": name_of(material) if material else text("filter.all_materials"),
        "years": draft.years,
        "fill": draft.fill,
        "blocks": len(draft.blocks),
        "by": item.changed_by or item.login,
        "at": item.updated_at,
        "version": item.version,
        "may_write": may("scenario.write", subject_of_scope(registry, draft.scope)),
    }


def _faults(error: FieldsRefused) -> list[str]:
    return [f"{issue.pointer}: {issue.text(lang())}" for issue in error.issues]


def _names(item: Scenario, found: Mapping[str, Any]) -> dict[str, str]:
    """Codes of firms and facilities → words; added facilities by their own name."""
    registry = books_seen().registry
    names = {code: facility.name or code for code, facility in registry.facilities.items()} | {
        code: name_of(firm) for code, firm in registry.enterprises.items()
    }
    return names | opened_names(read_blocks(item.draft.blocks, registry))


def _blocks(item: Scenario) -> list[dict[str, str]]:
    """Blocks as sentences."""
    registry = books_seen().registry
    lines = []
    for block, row in zip(read_blocks(item.draft.blocks, registry), item.draft.blocks, strict=True):
        kind = kind_of(block)
        lines.append(
            {"kind": kind, "words": _block_words(kind, row), "source": str(row.get("source", ""))}
        )
    return lines


def _block_words(kind: str, row: Mapping[str, Any]) -> str:
    registry = books_seen().registry
    firm = registry.enterprises.get(str(row.get("enterprise", "")))
    facility = registry.facilities.get(str(row.get("facility", "")))
    material = registry.materials.get(str(row.get("material", "")))
    target = registry.targets.get(str(row.get("target", "")))
    place = name_of(firm) if firm else ""
    if not place and row.get("park") in registry.parks:
        place = name_of(registry.parks[row["park"]])
    words = {
        "who": f"{place} " if firm else "",
        "name": row.get("name") or (facility.name or facility.code if facility else place),
        "place": place or text("scenario.anywhere"),
        "capacity": f"{Decimal(str(row.get('capacity_t', 0))):,.0f}",
        "since": text("scenario.since", day=row["from"]) if row.get("from") else "",
        "value": row.get("value", ""),
        "unit": target.unit if target else "",
        "percent": row.get("percent", ""),
        "price": text(f"scenario.price.{row['price']}") if row.get("price") else "",
        "driver": row.get("driver", ""),
        "material": name_of(material) if material else text("filter.all_materials"),
        "target": target.code if target else "",
    }
    return text(f"scenario.block.{kind}.words", **words)


def _figures(year: Mapping[str, Any]) -> dict[str, Any]:
    """Figures of a year: kilograms, words of money, a rate in percent."""
    kg = {
        name.removesuffix("_t"): None if year[name] is None else kg_of(year[name])
        for name in (
            "generated_t", "utilised_t", "stored_t", "disposed_t", "stock_t", "moved_t", "taken_t",
            "unplaced_t", "no_distance_t", "short_t",
        )
    }  # fmt: skip
    return {
        **kg,
        "period": period_words(Period.parse(year["period"]), lang()),
        "rate": None if year["rate"] is None else percent(year["rate"]),
        "rate_value": year["rate"],
        "why": year["not_computable"],
        "cost": money(year["cost"], lang()),
        "co2": None if year["co2_t"] is None else f"{float(year['co2_t']):,.0f}",
        "unpriced": [text(f"potential.part.{part}") for part in year["unpriced"]],
    }


def _target(row: Mapping[str, Any]) -> dict[str, Any]:
    """A target with its values as words."""
    status = "open" if row["met"] is None else "met" if row["met"] else "behind"
    return {
        **row,
        "scope_name": text("targets.national")
        if row["scope"] == "all"
        else scope_name(books_seen().registry, row["scope"]),
        "name": text(f"metric.{row['metric']}"),
        "stuff": text("list.comma").join(
            name_of(books_seen().registry.materials[code]) for code in row["materials"]
        ),
        "goal_words": target_value(row["operator"], row["value"], row["unit"], lang())
        if row["value"]
        else f"{text('scenario.keep')} {_value(row['goal'])}",
        "today_words": _value(row["today"]),
        "then_words": _value(row["then"]),
        "status": status,
        "gap": None if row["gap_t"] is None else kg_of(row["gap_t"]),
        "why": render(row["not_computable"], lang(), {}) if row["not_computable"] else "",
    }


def _value(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, str):
        amount = mass(kg_of(value) or 0, lang())
        return f"{amount.number} {amount.unit}"
    return f"{percent(value)} %"


def _link(row: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    taker = row["facility"] or row["to"]
    return {
        **row,
        "giver": names.get(row["from"], row["from"]),
        "taker": names.get(taker, taker) if taker else text("dependence.hidden"),
        "stuff": name_of(books_seen().registry.materials[row["material"]]),
        "today": kg_of(row["today_t"]),
        "then": kg_of(row["then_t"]),
        "change": kg_of(row["change_t"]) or 0,
        "net": row["per_tonne"]["net"] if row["per_tonne"] else None,
    }


def _unserved(row: Mapping[str, Any]) -> dict[str, Any]:
    registry = books_seen().registry
    return {
        **row,
        "firm": name_of(registry.enterprises[row["enterprise"]]),
        "stuff": name_of(registry.materials[row["material"]]),
        "kg": kg_of(row["tonnes"]) or 0,
        "why": render(row["reason"], lang(), {}),
    }


def _column(item: Scenario, found: Mapping[str, Any]) -> dict[str, Any]:
    names = _names(item, found)
    return {
        **_line(item),
        "today": _figures(found["today"]),
        "then": _figures(found["years"][-1]),
        "drawn": drawing(found, names, park_outlines(books_seen().registry)),
        "lines": _blocks(item),
    }


def _of_target(found: Mapping[str, Any], code: str) -> dict[str, Any] | None:
    rows: Sequence[Mapping[str, Any]] = found["targets"]
    return next((_target(row) for row in rows if row["code"] == code), None)
