"""The pages under `/`: one module per page, read-only, every figure through a service."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Blueprint, Response, request, url_for

from wasteflow.web.access import check_database
from wasteflow.web.answers import kept
from wasteflow.web.formats import (
    cell,
    count,
    mass,
    moment_words,
    month_words,
    percent,
    target_value,
)
from wasteflow.web.menu import entry, menu
from wasteflow.web.office_papers import is_number, thousands
from wasteflow.web.pages import (
    auditor,
    bulletin,
    compare,
    dependence,
    detail,
    drill,
    drill_records,
    explorer,
    findings,
    flow_map,
    helping,
    indicators,
    ledger_forms,
    link_map,
    link_plan,
    matrix,
    month,
    offers,
    origin,
    overview,
    planning,
    potential,
    realised,
    sankey,
    scenario_form,
    scenarios,
    seals,
    searching,
    summary,
    target_gap,
    target_page,
)
from wasteflow.web.pages.place_words import exact, exact_kg
from wasteflow.web.pages.view import may_read, page_subject
from wasteflow.web.permits import needs, nowhere, public
from wasteflow.web.texts import has_text, lang
from wasteflow_maps.style import colour_of

blueprint = Blueprint("pages", __name__)
blueprint.before_request(check_database)
_READS = needs("report.read", page_subject)
_SUMS = needs("report.summary", nowhere)
_CALCULATES = needs("report.calculate", nowhere)


def _report(path: str, name: str, view: Callable[[], str | Response]) -> None:
    """A page of reports: who may read its scope may read it."""
    blueprint.add_url_rule(path, name, _READS(view))


_report("/", "overview", kept(overview.show))
_report("/overview/part", "overview_part", kept(overview.part))
_report("/month", "month", month.show)
_report("/map", "map", kept(flow_map.show))
_report("/map/frame", "map_frame", kept(flow_map.frame))
_report("/map/data", "map_data", kept(flow_map.data))
_report("/map/file", "map_file", kept(flow_map.file))
_report("/map/geodata", "map_geodata", flow_map.geodata)
_report("/sankey", "sankey", kept(sankey.show))
_report("/targets", "targets", kept(target_page.show))
_report("/targets/part", "targets_part", kept(target_page.part))
_report("/targets/gap", "target_gap", kept(target_gap.show))
_report("/rates", "rates", kept(explorer.show))
_report("/compare", "compare", kept(compare.show))
_report("/gap", "gap", kept(explorer.gap))
_report("/postings", "postings", kept(drill.postings))
_report("/records", "records", drill_records.records)
_report("/provenance", "provenance", kept(origin.show))
_report("/ledger-forms", "ledger_forms", kept(ledger_forms.show))
_report("/potential", "potential", kept(potential.show))
_report("/potential/plan", "link_plan", kept(link_plan.show))
_report("/dependence", "dependence", kept(dependence.show))
_SCENARIOS = needs("scenario.read")
_PLANS = needs("scenario.write")
blueprint.add_url_rule("/scenarios", "scenarios", _SCENARIOS(scenarios.index))
blueprint.add_url_rule("/scenarios/compare", "scenario_compare", _SCENARIOS(scenarios.compare))
blueprint.add_url_rule(
    "/scenarios/new", "scenario_new", _PLANS(scenario_form.new), methods=["GET", "POST"]
)
blueprint.add_url_rule("/scenarios/<uuid:uid>", "scenario", _SCENARIOS(scenarios.one))
blueprint.add_url_rule(
    "/scenarios/<uuid:uid>/edit",
    "scenario_edit",
    _PLANS(scenario_form.edit),
    methods=["GET", "POST"],
)
blueprint.add_url_rule(
    "/scenarios/<uuid:uid>/delete",
    "scenario_delete",
    _PLANS(scenario_form.remove),
    methods=["POST"],
)
_report("/realised", "realised", kept(realised.show))
_report("/links/map", "link_map", kept(link_map.show))
_report("/links/map/data", "link_map_data", kept(link_map.data))
_report("/break-even", "break_even", kept(link_map.break_even))
_OFFERS = needs("offer.read")
blueprint.add_url_rule("/offers", "offers", _OFFERS(offers.show))
blueprint.add_url_rule("/offers/new", "offer_new", _OFFERS(offers.new))
blueprint.add_url_rule("/offers", "offer_create", _OFFERS(offers.create), methods=["POST"])
blueprint.add_url_rule("/offers/<uuid:uid>", "offer", _OFFERS(offers.one))
blueprint.add_url_rule(
    "/offers/<uuid:uid>/<move>", "offer_move", _OFFERS(offers.move), methods=["POST"]
)
_report("/quota", "quota", kept(planning.quota))
_report("/crosscheck", "crosscheck", planning.crosscheck)
blueprint.add_url_rule("/audit", "audit", _CALCULATES(kept(auditor.show)), methods=["GET", "POST"])
blueprint.add_url_rule("/summary", "summary", _SUMS(kept(summary.show)))
blueprint.add_url_rule("/bulletin", "bulletin", _SUMS(kept(bulletin.show)))
_report("/indicators", "indicators", kept(indicators.show))
_report("/indicators/inputs", "park_inputs", indicators.inputs)
blueprint.add_url_rule(
    "/indicators/inputs",
    "state_park_input",
    needs(indicators.RIGHT)(indicators.state),
    methods=["POST"],
)
blueprint.add_url_rule("/seals", "seals", needs("seal.read", nowhere)(seals.show))
blueprint.add_url_rule("/seals", "seal", needs("seal.write")(seals.seal), methods=["POST"])
blueprint.add_url_rule("/proofs/<uuid:uid>", "proof", needs("seal.read", nowhere)(seals.proof))
_report("/search", "search", searching.show)
blueprint.add_url_rule("/help", "help", public(helping.show))
blueprint.add_url_rule("/help/<topic>", "help_one", public(helping.show_one))
_report("/findings", "findings", findings.show)
blueprint.add_url_rule(
    "/findings/<int:finding_id>/snooze",
    "snooze",
    needs("finding.snooze")(findings.snooze),
    methods=["POST"],
)
_report("/flows", "flows", kept(detail.flows))
_report("/matrix", "matrix", kept(matrix.show))
_report("/balances", "balances", kept(detail.balances))


def here(**changes: Any) -> str:
    """Address of this page with some of its parameters changed; blank ones are left out."""
    where = request.view_args or {}
    values = {**request.args.to_dict(), "parts": "", **where, **changes}
    endpoint = request.endpoint or ""
    known = endpoint.startswith(
        (f"{blueprint.name}.", "accounts.", "loads.", "exports.", "boundaries.", "uploads.")
    )
    if request.method != "GET" or not known:
        group = endpoint.partition(".")[0]
        one = group in ("loads", "uploads") and where
        endpoint = f"{group}.one" if one else "pages.overview"
    return url_for(
        endpoint, **{name: None if value == "" else value for name, value in values.items()}
    )


def _help_address() -> str:
    """Address of the help on this page, in its language."""
    topic, chosen = helping.topic_of(request.endpoint or ""), request.args.get("lang") or None
    if topic:
        return url_for("pages.help_one", topic=topic, lang=chosen)
    return url_for("pages.help", lang=chosen)


blueprint.add_app_template_filter(exact, "exact")
blueprint.add_app_template_filter(exact_kg, "exact_kg")
blueprint.add_app_template_filter(moment_words, "shanghai")
blueprint.add_app_template_filter(thousands, "thousands")
blueprint.add_app_template_test(is_number, "office_number")
blueprint.add_app_template_test(lambda note: " ledger_starts_" in note, "late_note")


@blueprint.app_context_processor
def _formats() -> dict[str, Any]:
    return {
        "mass": lambda kg: mass(kg, lang()),
        "cell": cell,
        "count": count,
        "sealed_words": seals.sealed_words,
        "percent": percent,
        "target_value": lambda target: target_value(
            target.operator, target.value, target.unit, lang()
        ),
        "here": here,
        "colours": colour_of,
        "may_read": may_read,
        "menu": menu,
        "menu_entry": entry,
        "near": searching.near,
        "knows": has_text,
        "help_address": _help_address,
        "may_plan": scenario_form.may_plan,
        "may_offer": offers.may_offer,
        "origin_words": origin.origin_words,
        "until_words": lambda view: month_words(min(view.span.last, view.books.last), lang()),
    }
