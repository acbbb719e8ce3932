"""Saved scenarios: made, listed, changed, removed; who may is `scenario.read` and `.write`.

Only the table of scenarios is written; the books never are.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from msgspec import Struct, field
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from wasteflow.core.actors import Actor
from wasteflow.core.errors import FieldIssue, FieldsRefused, NotFound, WasteflowError
from wasteflow.core.periods import Period
from wasteflow.core.permissions import Verdict, judge, require
from wasteflow.core.reach import subject_of_scope
from wasteflow.core.registry import Registry
from wasteflow.core.scenarios.blocks import block_rows, hidden_character, read_blocks
from wasteflow.core.scenarios.project import MOST_YEARS, YEAR, shifted
from wasteflow.services.account_log import note
from wasteflow.services.identity import new_uids
from wasteflow.services.registry_objects import ObjectChanged
from wasteflow_models.convert import load_keys
from wasteflow_models.engine import Alone, Database
from wasteflow_models.scenarios import ScenarioRow

MOST: Final = 200
"""Scenarios of one scope at most."""
LONGEST_NAME: Final = 120
LONGEST_NOTE: Final = 4000
FIELDS: Final = ("scope", "name", "note", "base", "material", "years", "fill", "blocks")


class Draft(Struct, frozen=True):
    """A scenario as it is given: blocks as plain data."""

    scope: str
    name: str
    base: str
    note: str = ""
    material: str = ""
    years: int = 0
    fill: bool = False
    blocks: Sequence[Mapping[str, Any]] = field(default_factory=tuple)


class Scenario(Struct, frozen=True):
    """A saved scenario."""

    uid: str
    draft: Draft
    version: int
    login: str
    changed_by: str
    created_at: datetime
    updated_at: datetime


def check_draft(registry: Registry, draft: Draft) -> list[dict[str, Any]]:
    """The blocks of a draft in their canonical form.

    Raises FieldsRefused with a pointer to each faulty field.
    """
    issues: list[FieldIssue] = []
    name = draft.name.strip()
    if not name:
        issues.append(FieldIssue("/name", "missing_value"))
    for word, text, limit in (("name", name, LONGEST_NAME), ("note", draft.note, LONGEST_NOTE)):
        if len(text) > limit:
            issues.append(FieldIssue(f"/{word}", "block_too_long", {"limit": str(limit)}))
        if hidden := hidden_character(text):
            issues.append(FieldIssue(f"/{word}", "control_character", {"byte": hidden}))
    try:
        registry.in_scope(draft.scope)
    except WasteflowError as error:
        issues.append(FieldIssue("/scope", error.code, error.params))
    if draft.material and draft.material not in registry.materials:
        params = {"what": "material", "value": draft.material}
        issues.append(FieldIssue("/material", "unknown_code", params))
    if not 0 <= draft.years <= MOST_YEARS:
        issues.append(FieldIssue("/years", "scenario_years", {"limit": str(MOST_YEARS)}))
    try:
        base = Period.parse(draft.base)
        months = len(list(base.months()))
        if draft.years and months != YEAR:
            issues.append(FieldIssue("/base", "scenario_base_not_year", {"value": draft.base}))
        elif 0 < draft.years <= MOST_YEARS:
            Period.parse(shifted(base, draft.years).text)  # the last year is a year of the books
    except WasteflowError as error:
        issues.append(FieldIssue("/base", error.code, error.params))
    rows: list[dict[str, Any]] = []
    try:
        rows = block_rows(read_blocks(draft.blocks, registry))
    except FieldsRefused as error:
        issues += error.issues
    if issues:
        raise FieldsRefused(issues)
    return rows


def create_scenario(
    *, db: Database, draft: Draft, actor: Actor, now: datetime, address: str
) -> Scenario:
    """Save a scenario; `address` is where the act came from.  Raises Denied; FieldsRefused."""
    with db.write(Alone.NOBODY) as session:
        registry = load_keys(session).registry
        _demand(registry, actor, "scenario.write", draft.scope)
        blocks = check_draft(registry, draft)
        _demand_room(session, draft.scope)
        row = ScenarioRow(
            uid=str(new_uids(1, now)[0]),
            version=1,
            login=actor.login,
            changed_by=actor.login,
            created_at=now,
            updated_at=now,
        )
        _write(row, draft, blocks)
        session.add(row)
        session.flush()
        _note(session, "made", row, actor, now, address)
        return told(row)


class Listed(Struct, frozen=True):
    """A part of the list, and how many there are in all."""

    items: list[Scenario]
    total: int


def list_scenarios(
    *, db: Database, actor: Actor | None, start: int = 0, limit: int | None = None
) -> Listed:
    """Scenarios of the scopes the actor may read, the newest change first: `limit` from `start`
    on (all without one); only these are read."""
    newest = ScenarioRow.updated_at.desc(), ScenarioRow.id.desc()
    with db.read() as session:
        registry = load_keys(session).registry
        scopes = session.scalars(select(ScenarioRow.scope).distinct().order_by(ScenarioRow.scope))
        own = ScenarioRow.scope.in_(
            [scope for scope in scopes if _may_read(registry, actor, scope)]
        )
        total = session.scalar(select(func.count()).select_from(ScenarioRow).where(own)) or 0
        query = select(ScenarioRow).where(own).order_by(*newest).offset(start)
        rows = session.scalars(query.limit(total if limit is None else limit)).all()
        return Listed([told(row) for row in rows], total)


def get_scenario(*, db: Database, uid: str, actor: Actor | None) -> Scenario:
    """A scenario by its public id.  Raises Denied; NotFound `record_unknown`."""
    with db.read() as session:
        row = _row(session, uid)
        _demand(load_keys(session).registry, actor, "scenario.read", row.scope)
        return told(row)


def change_scenario(
    *,
    db: Database,
    uid: str,
    draft: Draft,
    version: str,
    actor: Actor,
    now: datetime,
    address: str,
) -> Scenario:
    """Put another draft in its place; version "" = whatever it is now.

    A move to another scope needs the right there too.
    Raises Denied; NotFound; ObjectChanged; FieldsRefused.
    """
    with db.write(Alone.NOBODY) as session:
        row = _row(session, uid, lock=True)
        registry = load_keys(session).registry
        _demand(registry, actor, "scenario.write", row.scope)
        if version and version != str(row.version):
            raise ObjectChanged(str(row.version))
        blocks = check_draft(registry, draft)
        if draft.scope != row.scope:
            _demand(registry, actor, "scenario.write", draft.scope)
            _demand_room(session, draft.scope)
        _write(row, draft, blocks)
        row.version += 1
        row.changed_by, row.updated_at = actor.login, now
        session.flush()
        _note(session, "changed", row, actor, now, address)
        return told(row)


def delete_scenario(
    *, db: Database, uid: str, version: str, actor: Actor, now: datetime, address: str
) -> None:
    """Remove a scenario.  Raises Denied; NotFound; ObjectChanged."""
    with db.write(Alone.NOBODY) as session:
        row = _row(session, uid, lock=True)
        _demand(load_keys(session).registry, actor, "scenario.write", row.scope)
        if version and version != str(row.version):
            raise ObjectChanged(str(row.version))
        session.delete(row)
        _note(session, "removed", row, actor, now, address)


def _demand_room(session: Session, scope: str) -> None:
    own = select(func.count()).select_from(ScenarioRow).where(ScenarioRow.scope == scope)
    if (session.scalar(own) or 0) >= MOST:
        raise FieldsRefused([FieldIssue("/scope", "scenario_too_many", {"limit": str(MOST)})])


def _note(
    session: Session, action: str, row: ScenarioRow, actor: Actor, now: datetime, address: str
) -> None:
    """Who did it into the log; what is of one firm or park is read by its own admins."""
    kind, _, code = row.scope.partition(":")
    note(
        session,
        f"scenario.{action}",
        actor=actor,
        now=now,
        address=address,
        about=row.name,
        organisation=code if kind in ("enterprise", "park") else "",
        detail=f"{row.uid} v{row.version}",
    )


def _write(row: ScenarioRow, draft: Draft, blocks: list[dict[str, Any]]) -> None:
    row.scope, row.name, row.note = draft.scope, draft.name.strip(), draft.note.strip()
    row.base, row.material = Period.parse(draft.base).text, draft.material
    row.years, row.fill = draft.years, draft.fill
    row.blocks = json.dumps(blocks, ensure_ascii=False, sort_keys=True)


def _demand(registry: Registry, actor: Actor | None, right: str, scope: str) -> None:
    require(actor, right, subject_of_scope(registry, scope), "scenario.read")


def _may_read(registry: Registry, actor: Actor | None, scope: str) -> bool:
    try:
        subject = subject_of_scope(registry, scope)
    except WasteflowError:  # its scope is registered no more: nobody's business
        return False
    return judge(actor, "scenario.read", subject, "scenario.read") is Verdict.ALLOWED


def _row(session: Session, uid: str, *, lock: bool = False) -> ScenarioRow:
    query = select(ScenarioRow).where(ScenarioRow.uid == uid)
    row = session.scalars(query.with_for_update() if lock else query).one_or_none()
    if row is None:
        raise NotFound("record_unknown", what="scenario", value=uid)
    return row


def told(row: ScenarioRow) -> Scenario:
    """A row as a plain value."""
    draft = Draft(
        row.scope,
        row.name,
        row.base,
        row.note,
        row.material,
        row.years,
        row.fill,
        tuple(json.loads(row.blocks)),
    )
    return Scenario(
        row.uid,
        draft,
        row.version,
        row.login,
        row.changed_by,
        row.created_at,
        row.updated_at,
    )
