"""The pages under `/`: one module per page, read-only, every figure through a service."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, request, url_for

from wasteflow.web.answers import kept
from wasteflow.web.formats import cell, count, mass, percent, target_value
from wasteflow.web.health import check_database
from wasteflow.web.pages import (
    auditor,
    detail,
    drill,
    drill_records,
    explorer,
    flow_map,
    origin,
    overview,
    planning,
    sankey,
    target_board,
)
from wasteflow.web.pages.place_words import exact, exact_kg
from wasteflow.web.texts import lang
from wasteflow_maps.style import colour_of

blueprint = Blueprint("pages", __name__)
blueprint.before_request(check_database)
blueprint.add_url_rule("/", "overview", kept(overview.show))
blueprint.add_url_rule("/overview/part", "overview_part", kept(overview.part))
blueprint.add_url_rule("/map", "map", kept(flow_map.show))
blueprint.add_url_rule("/map/frame", "map_frame", kept(flow_map.frame))
blueprint.add_url_rule("/map/data", "map_data", kept(flow_map.data))
blueprint.add_url_rule("/map/file", "map_file", kept(flow_map.file))
blueprint.add_url_rule("/sankey", "sankey", kept(sankey.show))
blueprint.add_url_rule("/targets", "targets", kept(target_board.show))
blueprint.add_url_rule("/rates", "rates", kept(explorer.show))
blueprint.add_url_rule("/gap", "gap", kept(explorer.gap))
blueprint.add_url_rule("/postings", "postings", kept(drill.postings))
blueprint.add_url_rule("/records", "records", drill_records.records)
blueprint.add_url_rule("/provenance", "provenance", kept(origin.show))
blueprint.add_url_rule("/quota", "quota", kept(planning.quota))
blueprint.add_url_rule("/crosscheck", "crosscheck", planning.crosscheck)
blueprint.add_url_rule("/audit", "audit", kept(auditor.show), methods=["GET", "POST"])
blueprint.add_url_rule("/flows", "flows", kept(detail.flows))
blueprint.add_url_rule("/balances", "balances", kept(detail.balances))


def here(**changes: Any) -> str:
    """Address of this page with some of its parameters changed; blank ones are left out."""
    values = {**request.args.to_dict(), **changes}
    endpoint = request.endpoint or ""
    return url_for(
        endpoint if endpoint.startswith(f"{blueprint.name}.") else "pages.overview",
        **{name: value for name, value in values.items() if value not in ("", None)},
    )


blueprint.add_app_template_filter(exact, "exact")
blueprint.add_app_template_filter(exact_kg, "exact_kg")
blueprint.add_app_template_test(lambda note: " ledger_starts_" in note, "late_note")


@blueprint.app_context_processor
def _formats() -> dict[str, Any]:
    return {
        "mass": lambda kg: mass(kg, lang()),
        "cell": cell,
        "count": count,
        "percent": percent,
        "target_value": lambda target: target_value(
            target.operator, target.value, target.unit, lang()
        ),
        "here": here,
        "colours": colour_of,
        "origin_words": origin.origin_words,
    }
