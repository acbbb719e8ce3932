"""`/help`: what each page answers, how its figures are read, what to do next; in both languages."""

from __future__ import annotations

from typing import Final

from flask import Response, make_response, render_template
from werkzeug.exceptions import NotFound

from wasteflow.web.menu import GROUPS, INSIDE, SUMMARY
from wasteflow.web.texts import has_text

WORK: Final = (
    "inbox", "gate", "log", "loads", "partners", "entries", "months", "uploads", "exports",
    "boundaries", "people",
)  # fmt: skip
"""Topics of those who keep the books, in order."""
_TOPICS: Final = {
    "loads.inbox": "inbox",
    "loads.gate": "gate",
    "loads.gate_load": "gate",
    "loads.log": "log",
    "loads.partners": "partners",
    "loads.months": "months",
    "loads.entries": "entries",
    "loads.entry": "entries",
    "loads.new_entry": "entries",
}
_PARTS: Final = {
    "loads": "loads",
    "uploads": "uploads",
    "exports": "exports",
    "boundaries": "boundaries",
    "accounts": "people",
}


def topics() -> list[tuple[str, tuple[str, ...]]]:
    """(group, topics) in the order of the menu; `work` for daily work."""
    groups = [(name, pages) for name, pages in GROUPS]
    groups[-1] = (groups[-1][0], (*groups[-1][1], SUMMARY))
    return [*groups, ("work", WORK)]


def topic_of(endpoint: str) -> str:
    """The topic that explains a page, "" for the list of all."""
    blueprint, _, name = endpoint.partition(".")
    found = _TOPICS.get(endpoint) or _PARTS.get(blueprint, INSIDE.get(name, name))
    return found if has_text(f"help.{found}.answers") else ""


def show() -> Response:
    """Every topic."""
    return make_response(render_template("help.html", topic="", groups=topics()))


def show_one(topic: str) -> Response:
    """One topic; 404 for one that does not exist."""
    if not has_text(f"help.{topic}.answers"):
        raise NotFound
    return make_response(render_template("help.html", topic=topic, groups=topics()))
