"""Addresses of the pages of people who keep the books: loads, entries, months, and their words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from flask import Blueprint, Response, g, request

from wasteflow.core.actors import Role
from wasteflow.core.lifecycle import RULES, Move
from wasteflow.core.units import tonnes_text
from wasteflow.web.access import READY, books, books_seen
from wasteflow.web.identity import current_actor
from wasteflow.web.pages import (
    entries_pages,
    gate,
    loads_inbox,
    loads_list,
    loads_many,
    loads_new,
    loads_one,
    loads_revise,
    months_pages,
    papers,
    partners,
    products_pages,
    quick_log,
)
from wasteflow.web.pages import loads_words as words
from wasteflow.web.permits import needs

blueprint = Blueprint("loads", __name__)
_ANSWERS: Final = (Move.APPROVE, Move.REFUSE, Move.WITHDRAW)
_PAGES: Final = (Move.EDIT, Move.REVISE)


def _get(path: str, name: str, right: str, view: Callable[..., Response]) -> None:
    blueprint.add_url_rule(path, name, needs(right)(view))


def _form(path: str, name: str, right: str, view: Callable[..., Response]) -> None:
    blueprint.add_url_rule(path, name, needs(right)(view), methods=("POST",))


def _answerer(move: Move) -> Callable[..., Response]:
    def act(uid: Any) -> Response:
        return loads_revise.answer(move, uid)

    act.__name__ = f"move_{move.value}"
    return act


_get("/inbox", "inbox", "shipment.read", loads_inbox.show)
_form("/inbox/accept", "accept_many", "shipment.decide", loads_inbox.accept_many)
_get("/gate", "gate", gate.RIGHT, gate.show)
_get("/gate/<uuid:uid>", "gate_load", gate.RIGHT, gate.show_one)
_form("/gate/<uuid:uid>", "save_gate", gate.RIGHT, gate.save)
_get("/log", "log", "entry.write", quick_log.show)
_form("/log", "save_log", "entry.write", quick_log.save)
_get("/loads", "index", "shipment.read", loads_list.show)
_get("/loads/new", "new", "shipment.draft", loads_new.show_new)
_form("/loads/new", "save_new", "shipment.draft", loads_new.save_new)
_get("/loads/corrections", "corrections", "revision.propose", loads_many.show)
_form("/loads/corrections", "check_corrections", "revision.propose", loads_many.check)
_form("/loads/corrections/send", "send_corrections", "revision.propose", loads_many.send)
_get("/loads/corrections/<uuid:uid>", "corrections_job", "revision.propose", loads_many.show_job)
_get("/loads/<uuid:uid>", "one", "shipment.read", loads_one.show)
_get("/loads/<uuid:uid>/print", "slip", "shipment.read", loads_one.slip)
_get("/loads/<uuid:uid>/papers/<uuid:paper>", "paper", "attachment.read", papers.content)
_form("/loads/<uuid:uid>/papers", "add_paper", "attachment.write", papers.add)
_get("/loads/<uuid:uid>/edit", "edit", "shipment.draft", loads_new.show_edit)
_form("/loads/<uuid:uid>/edit", "save_edit", "shipment.draft", loads_new.save_edit)
_get("/loads/<uuid:uid>/revise", "revise", "revision.propose", loads_revise.show)
_form("/loads/<uuid:uid>/revise", "save_revise", "revision.propose", loads_revise.propose)
_get("/partners", "partners", partners.RIGHT, partners.show)
_get("/entries", "entries", "entry.read", entries_pages.show_list)
_get("/entries/new", "new_entry", "entry.write", entries_pages.show_new)
_form("/entries/new", "save_entry", "entry.write", entries_pages.save)
_get("/entries/<uuid:uid>", "entry", "entry.read", entries_pages.show_one)
_form("/entries/<uuid:uid>/reverse", "reverse_entry", "entry.write", entries_pages.reverse)
_get("/products", "products", "entry.read", products_pages.show)
_form("/products", "save_product", "entry.write", products_pages.save)
_form("/products/reverse", "reverse_product", "entry.write", products_pages.take_back)
_get("/months", "months", "entry.read", months_pages.show)
_form("/months/close", "close_month", "month.close", months_pages.close)
_form("/months/reopen", "reopen_month", "month.reopen", months_pages.reopen)
for _move in Move:
    if _move in _PAGES:
        continue
    _right = next(rule.right for rule in RULES if rule.move is _move)
    _view = _answerer(_move) if _move in _ANSWERS else loads_one.mover(_move)
    _form(f"/loads/<uuid:uid>/{_move.value}", f"move_{_move.value}", _right, _view)


@blueprint.app_context_processor
def _words() -> dict[str, Any]:
    return {
        "firm": words.firm,
        "material_words": words.material,
        "route_words": words.route,
        "facility_words": words.facility,
        "state_words": words.state,
        "field_words": words.field_label,
        "value_words": words.value_words,
        "number_of": words.number_of,
        "load_tone": lambda state: words.TONES.get(state, "open"),
        "word": words.word,
        "tonnes": words.tonnes,
        "moment": words.moment,
        "gap_of": words.gap,
        "entry_kind_words": entries_pages.kind_words,
        "tonnes_of": lambda kg: words.tonnes(tonnes_text(kg)),
        "may_draft": _may_draft,
        "synthetic_books": _synthetic,
    }


def _may_draft() -> bool:
    """Whether the asker may draft loads for some firm, for buttons."""
    actor = current_actor()
    return actor is not None and bool(
        actor.organisations(Role.ENTERPRISE_ADMIN, Role.OPERATOR, Role.DELEGATE)
    )


def _synthetic() -> bool:
    """Whether the books behind this page hold invented records; no page, no books."""
    shown = request.blueprint is not None and not request.path.startswith("/sign-")
    if "broken" in g:  # what failed may be the books: the page that says so asks them nothing
        return False
    return shown and books().usable() == READY and books_seen().synthetic
