"""`/loads/<id>`: one load, its steps, weights, story, and the moves that are open to the asker.

A move that fails shows this page again with what is wrong and what was typed; one that was made on
an older version shows what the other side did meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from flask import Response, flash, make_response, redirect, render_template, request, url_for
from msgspec import Struct, field

from wasteflow.core.errors import StaleVersion, WasteflowError
from wasteflow.core.lifecycle import IllegalMove, Move
from wasteflow.core.permissions import Denied
from wasteflow.web.pages import papers
from wasteflow.web.pages.loads_corrected import (
    closed_words,
    first_figures,
    places_of,
    weights_form,
)
from wasteflow.web.pages.loads_data import read_one, waits
from wasteflow.web.pages.loads_form import seen_version
from wasteflow.web.pages.loads_moves import (
    ELSEWHERE,
    FIELDS,
    QUICK,
    MoveForm,
    fields_of,
    move_form,
    moves_of,
    run,
    typed_content,
)
from wasteflow.web.pages.loads_words import DECIDED, STEPS, number_of, problems_of, remark_words
from wasteflow.web.texts import lang, text

Load = Mapping[str, Any]
_STEP_OF: Final[Mapping[str, str]] = {
    "issued": "issued",
    "dispatched": "in_transit",
    "received": "received",
    "decided": "decided",
    "closed_one_sided": "decided",
}
"""Event → step it completes."""
_MOVED: Final[Mapping[str, str]] = {"in_transit": "dispatched_at", "received": "received_at"}
"""Step → the field that holds its moment once it was corrected."""
_CORRECTS: Final = frozenset({"revised", "receipt_revised", "details_revised"})
"""Events that carry the moment of what they correct, not their own."""


class Step(Struct, frozen=True):
    """One step of the line: whether it is done, now or to come, when, and by whom."""

    key: str
    words: str
    status: str
    at: str = ""
    by: str = ""


class Trouble(Struct):
    """What went wrong with a move: its form as typed, messages, and what others did meanwhile."""

    move: Move | None = None
    typed: Mapping[str, str] = field(default_factory=dict)
    errors: Mapping[str, str] = field(default_factory=dict)
    problems: Sequence[str] = ()
    meanwhile: Sequence[Mapping[str, Any]] = ()
    stale: bool = False
    status: int = 200


def show(uid: UUID) -> Response:
    """The page."""
    return load_page(read_one(uid), Trouble())


def story(events: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Events by when they happened, latest first, `when` being that moment.

    A correction happened when it was recorded; what it corrects stands beside it.
    """
    told = [
        {**event, "when": event["recorded_at"] if event["event"] in _CORRECTS else event["at"]}
        for event in events
    ]
    ordered = sorted(told, key=lambda event: datetime.fromisoformat(event["when"]))
    return ordered[::-1]


def slip(uid: UUID) -> Response:
    """The slip that travels with the load, for paper."""
    found = read_one(uid)
    load = found["load"]
    return make_response(
        render_template(
            "load_print.html",
            load=load,
            events=found["events"],
            steps=steps(load, found["events"]),
            first=first_figures(load, found["revisions"]),
        )
    )


def mover(move: Move) -> Callable[[UUID], Response]:
    """The view that makes a move from its form."""

    def act(uid: UUID) -> Response:
        return make(move, uid)

    act.__name__ = f"move_{move.value}"
    return act


def make(move: Move, uid: UUID) -> Response:
    """Make a move: then back to the load, or to the inbox where its form stood there."""
    found = read_one(uid)
    load = found["load"]
    content = typed_content(move, load)
    try:
        outcome = run(move, uid, seen_version(), content)
    except Denied:
        raise
    except StaleVersion as error:
        return stale_page(found, move, content, error)
    except IllegalMove as error:
        problems = (error.text(lang()),)
        return load_page(found, Trouble(move, content, problems=problems, status=409))
    except WasteflowError as error:
        errors, whole = problems_of(error)
        return load_page(found, _shown(move, load, content, errors, whole))
    if outcome is None:
        flash(text("move.done.delete"), "done")
        return make_response(redirect(url_for("loads.inbox"), 303))
    flash(text(f"move.done.{move.value}", number=number_of(outcome.load)), "done")
    for words in remark_words(outcome.warnings):
        flash(words, "warn")
    return after(uid)


def after(uid: UUID) -> Response:
    """Where one goes after a form: back to the load, or to the inbox where the form stood there."""
    inbox = request.form.get("back") == "inbox"
    goal = url_for("loads.inbox") if inbox else url_for("loads.one", uid=uid)
    return make_response(redirect(goal, 303))


def _shown(
    move: Move, load: Load, content: Mapping[str, str], errors: dict[str, str], whole: list[str]
) -> Trouble:
    """Errors beside their fields; those of fields that the form does not show stand above it."""
    main, more = fields_of(move, load)
    hidden = [words for name, words in errors.items() if name not in (*main, *more)]
    return Trouble(move, content, errors, (*hidden, *whole), status=422)


def stale_page(
    found: Mapping[str, Any], move: Move, content: Mapping[str, str], error: StaleVersion
) -> Response:
    """What others did since the form was made, and the form again as it was typed."""
    since = max(0, error.found - error.expected)
    events = found["events"]
    meanwhile = story(events[max(0, len(events) - since) :] if since else [])
    return load_page(found, Trouble(move, content, meanwhile=meanwhile, stale=True, status=409))


def load_page(found: Mapping[str, Any], trouble: Trouble) -> Response:
    load, events = found["load"], found["events"]
    lead, others = _forms(load, trouble)
    kept, may_add = papers.papers_of(load["id"])
    body = render_template(
        "load.html",
        load=load,
        story=story(events),
        kin=found["kin"],
        revisions=found["revisions"],
        steps=steps(load, events),
        lead=lead,
        others=others,
        moves={move.value for move in moves_of(load)},
        quick=Move.DECIDE in moves_of(load) and not trouble.move,
        answers=_answers(load),
        weights=weights_form(load),
        first=first_figures(load, found["revisions"]),
        places=places_of(load) if found["revisions"] else [],
        booked_words=closed_words(load) if load["revision"] or weights_form(load) else "",
        trouble=trouble,
        unmade=_unmade(load, trouble),
        settle_from=_iso(found["kin"]["settle_from"]),
        close_from=_iso(found["kin"]["close_from"]),
        waits=waits(),
        papers=kept,
        may_add_paper=may_add,
        paper_types=papers.ACCEPTED,
        pictures=papers.PICTURES,
    )
    response = make_response(body, trouble.status)
    response.headers["Cache-Control"] = "no-store"
    return response


def _forms(load: Load, trouble: Trouble) -> tuple[MoveForm | None, list[MoveForm]]:
    """The form that leads the page, and all others that are open to the asker."""
    open_ = [move for move in moves_of(load) if move in FIELDS and move not in ELSEWHERE]
    lead = trouble.move if trouble.move in open_ else next((m for m in QUICK if m in open_), None)
    forms = []
    for move in open_:
        mine = move is trouble.move
        form = move_form(
            move,
            load,
            typed=trouble.typed if mine else None,
            errors=trouble.errors if mine else None,
            open_=mine,
        )
        forms.append(form)
    first = next((form for form in forms if lead is not None and form.move == lead.value), None)
    return first, [form for form in forms if form is not first]


def _unmade(load: Load, trouble: Trouble) -> list[tuple[str, str]]:
    """What was typed for a move that is not open any more, so that it is not lost."""
    if trouble.move is None or trouble.move in moves_of(load):
        return []
    return list(trouble.typed.items())


def _iso(at: datetime | None) -> str:
    return "" if at is None else at.isoformat()


def _answers(load: Load) -> dict[str, bool]:
    """Which answers to a pending revision the asker may give."""
    open_ = moves_of(load)
    return {move.value: move in open_ for move in (Move.APPROVE, Move.REFUSE, Move.WITHDRAW)}


def steps(load: Load, events: Sequence[Mapping[str, Any]]) -> list[Step]:
    """The line of steps: those done with moment and party, the present one, those to come."""
    done: dict[str, Mapping[str, Any]] = {}
    for event in events:
        step = _STEP_OF.get(event["event"])
        if step:
            done.setdefault(step, event)
    state = str(load["state"])
    ended = state in ("cancelled", "lost") or bool(load["reversed"])
    found: list[Step] = []
    for place, key in enumerate(STEPS):
        made = done.get(key)
        passed = made is not None or key == "draft"
        # decided straight from the road; a load of a file was neither drafted nor issued here
        drafted = key != "draft" or STEPS[1] in done
        skipped = not (made or (passed and drafted)) and any(step in done for step in STEPS[place:])
        if skipped or (ended and not passed):
            continue
        decided = key == "decided" and state in DECIDED
        words = text(f"state.{state}") if decided else text(f"step.{key}")
        moved = load.get(_MOVED.get(key, ""))
        at = str(moved or made["at"]) if made else str(load["created_at"]) if key == "draft" else ""
        by = str((made["by"] or {}).get("side") or "") if made else ""
        waiting = not passed and all(step.status == "done" for step in found)
        status = "done" if passed else "now" if waiting else "todo"
        found.append(Step(key, words, status, at, by))
    if ended:
        last: Mapping[str, Any] = events[-1] if events else {}
        key = "reversed" if load["reversed"] else state
        found.append(Step(key, text(f"state.{key}"), "ended", str(last.get("at") or "")))
    return found
