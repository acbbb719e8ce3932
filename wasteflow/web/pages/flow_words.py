"""The filter of links as it stands in an address: waste class, least tonnes, evidence."""

from __future__ import annotations

from collections.abc import Mapping

from flask import request
from msgspec import Struct

from wasteflow.core.errors import InvalidValue
from wasteflow.core.flow_filter import GRADES, FlowFilter, waste_classes
from wasteflow.core.units import kg_from_tonnes
from wasteflow.web.pages.view import View
from wasteflow.web.texts import lang


class AskedFlows(Struct, frozen=True):
    """The filter, what was typed for it, the classes there are, and what cannot be used."""

    filter: FlowFilter
    typed: Mapping[str, str]
    classes: tuple[str, ...]
    problem: str = ""

    @property
    def kept(self) -> dict[str, str]:
        """What stands in the addresses that keep the filter."""
        return {} if self.problem else {name: word for name, word in self.typed.items() if word}


def asked_flows(view: View) -> AskedFlows:
    """The filter of the request; a mass that is no number is told and filters nothing."""
    typed = {name: request.args.get(name, "").strip() for name in ("class", "least", "evidence")}
    classes = tuple(waste_classes(view.registry))
    typed["class"] = typed["class"] if typed["class"] in classes else ""
    typed["evidence"] = typed["evidence"] if typed["evidence"] in GRADES else ""
    try:
        least = kg_from_tonnes(typed["least"]) if typed["least"] else 0
        if least < 0:
            raise InvalidValue("negative_amount", value=typed["least"])
    except InvalidValue as error:
        return AskedFlows(FlowFilter(), typed, classes, error.text(lang()))
    return AskedFlows(FlowFilter(typed["class"], least, typed["evidence"]), typed, classes)
