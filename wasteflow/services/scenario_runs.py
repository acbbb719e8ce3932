"""Scenarios run over the books: one, or up to four side by side; reads only.

A run is kept in the process by what it was made of, since pages, map and files ask for the same.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Sequence
from typing import Any, Final

from msgspec import Struct
from sqlalchemy.orm import Session

from wasteflow.core.collecting import no_collecting
from wasteflow.core.errors import FieldIssue, FieldsRefused, InvalidValue
from wasteflow.core.periods import Period
from wasteflow.core.scenarios.blocks import Block, read_blocks
from wasteflow.core.scenarios.project import Plan, Run, run
from wasteflow.core.scenarios.rows import Told, places_of
from wasteflow.core.symbiosis.today import Today
from wasteflow.services.scenarios import Draft, check_draft
from wasteflow.services.standing import read_today
from wasteflow_models import queries
from wasteflow_models.convert import load_keys
from wasteflow_models.engine import Database
from wasteflow_models.kept import Kept

SIDE_BY_SIDE: Final = 4
_KEPT: Kept[Hashable, Run] = Kept(6)
"""Few: a run of many years over many links is large."""
METHOD: Final = {
    "generation": "generation of the base period * (1 + growth)^years",
    "links": "existing links in proportion to generation, up to the receiver's capacity",
    "allocation": "displaced tonnes where there is room, at the least cost; then tonnes without a "
    "use today into capacity above today's",
    "rest": "stored at the producer",
    "rate": "the named formula of each target over the terms of the last year",
    "cost": "freight + treatment - gate value - avoided storage, of every link",
}
"""The method, told with every result."""


class Eyes(Struct, frozen=True):
    """What the asker may read: scopes of targets, and firms by name beside trade partners; None =
    everything."""

    sees: Callable[[str], bool] | None = None
    firms: Collection[str] | None = None


EVERYTHING: Final = Eyes()


def run_draft(*, db: Database, draft: Draft, eyes: Eyes = EVERYTHING) -> dict[str, Any]:
    """The result of a draft: years, targets, changed links, unserved tonnes, positions.

    Raises FieldsRefused for what the registry no longer knows.
    """
    with db.read() as session:
        today, blocks = _read(session, draft)
        synthetic = queries.has_synthetic(session)
    firms = today.registry.in_scope(draft.scope)
    with no_collecting():
        made = _run(today, Plan(blocks, draft.years, draft.fill))
        base = _run(today, Plan())
        found = _told(today, firms, eyes).summary(made, base)
    codes = {code for row in found["flows"] for code in _ends(row)}
    places = places_of(today.registry, blocks, sorted(codes))
    return {
        "period": today.period.text,
        "scope": draft.scope,
        "material": draft.material,
        "synthetic": synthetic,
        "basis": "declared",
        "rule": "mixing",
        "method": METHOD,
        **found,
        "places": {code: list(place) for code, place in sorted(places.items())},
    }


def compare_drafts(
    *, db: Database, drafts: Sequence[Draft], eyes: Eyes = EVERYTHING
) -> list[dict[str, Any]]:
    """Results of up to four drafts, in their order.

    A draft that the registry or a rule refuses now has its faults under `refused` instead: the
    others are told all the same.  Raises InvalidValue `compare_number`.
    """
    if not 1 <= len(drafts) <= SIDE_BY_SIDE:
        raise InvalidValue("compare_number", value=len(drafts), limit=SIDE_BY_SIDE)
    found = []
    for draft in drafts:
        try:
            found.append(run_draft(db=db, draft=draft, eyes=eyes))
        except FieldsRefused as error:
            found.append({"refused": [_issue_row(issue) for issue in error.issues]})
    return found


def _issue_row(issue: FieldIssue) -> dict[str, str]:
    return {
        "pointer": issue.pointer,
        "code": issue.code,
        **{lang: issue.text(lang) for lang in ("zh", "en")},
    }


def _ends(row: dict[str, Any]) -> list[str]:
    return [code for code in (row["from"], row["facility"] or row["to"]) if code]


def _read(session: Session, draft: Draft) -> tuple[Today, tuple[Block, ...]]:
    keys = load_keys(session)
    rows = check_draft(keys.registry, draft)
    today = read_today(session, keys, Period.parse(draft.base), draft.material)
    return today, read_blocks(rows, today.registry)


def _run(today: Today, plan: Plan) -> Run:
    key = id(today), plan
    found = _KEPT.get(key)
    if found is not None and found.today is today:
        return found
    return _KEPT.put(key, run(today, plan))


def _told(today: Today, firms: frozenset[str], eyes: Eyes) -> Told:
    partners = frozenset(
        firm for pair in today.trades for firm in pair if pair[0] in firms or pair[1] in firms
    )
    named = eyes.firms

    def names(firm: str) -> bool:
        return named is None or firm in firms or firm in partners or firm in named

    return Told(today, firms, eyes.sees or (lambda scope: True), names)
