"""What is stated once a year: inputs of park indicators, profiles of wastes; in files and alone.

Append-only: the same again is skipped, another value replaces the earlier one, which stays with who
stated it and when.  Correcting an input needs a reason.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from msgspec import Struct
from sqlalchemy import select
from sqlalchemy.orm import Session

from wasteflow.core.actors import Actor, Subject
from wasteflow.core.errors import (
    FieldIssue,
    FieldsRefused,
    InvalidValue,
    NotFound,
    RowIssue,
    RowsRefused,
)
from wasteflow.core.park_indicators import INPUTS
from wasteflow.core.periods import Period
from wasteflow.core.permissions import require
from wasteflow.core.reach import subject_of_scope
from wasteflow.core.registry import Registry
from wasteflow.services.account_log import COMMAND, note
from wasteflow.services.again import again_if_overtaken
from wasteflow.services.batches import bear_witness
from wasteflow.services.naming import Names, known
from wasteflow.services.outcome import DryRunEnds, ImportReport, Progress, Row
from wasteflow_models.convert import Keys, load_keys
from wasteflow_models.engine import Database
from wasteflow_models.ledger import BatchRow
from wasteflow_models.rollup import touch
from wasteflow_models.statements import ParkInputRow, ProfileRow

PARK_INPUTS, PROFILES = "park_inputs", "profiles"
STAMP: Final = "statement"
"""Drawn anew by every statement, so that pages made of them are made again."""
_TEXTS: Final = ("source_step", "state", "composition", "pollution")
Key = tuple[int, int | str, int]
"""(park or enterprise id, input or material id, year)."""
Held = ParkInputRow | ProfileRow


class _Stated(Struct, frozen=True):
    """A checked row: its key and what it says."""

    line: int
    key: Key
    content: Mapping[str, Any]
    reason: str = ""


@again_if_overtaken
def record_statements(
    *,
    db: Database,
    kind: str,
    rows: Sequence[Row],
    batch: BatchRow,
    now: datetime,
    issues: Iterable[RowIssue] = (),
    dry_run: bool = False,
    progress: Progress | None = None,
) -> ImportReport:
    """Take a file of `park_inputs` or `profiles`, all or nothing.  Raises RowsRefused."""
    report = ImportReport(kind, rows=len(rows), dry_run=dry_run)
    try:
        with db.write() as session:
            keys = load_keys(session)
            _take(session, keys, kind, rows, list(issues), batch, COMMAND, now, report)
            if progress:
                progress(len(rows))
            if dry_run:
                raise DryRunEnds
            bear_witness(session, batch)
    except DryRunEnds:
        pass
    return report


@again_if_overtaken
def record_park_input(
    *, db: Database, actor: Actor | None, values: Mapping[str, Any], now: datetime, address: str
) -> tuple[dict[str, Any], bool]:
    """State one input of a park; (it, whether it is new).

    Raises Denied; FieldsRefused (`unknown_code`; `input_differs` where another value stands and no
    reason is given).
    """
    with db.write() as session:
        keys = load_keys(session)
        park = str(values["park"])
        if park not in keys.registry.parks:
            require(actor, "indicator.write", Subject())
            params = {"what": "park", "value": park}
            raise FieldsRefused([FieldIssue("/park", "unknown_code", params)])
        subject = subject_of_scope(keys.registry, f"park:{park}")
        require(actor, "indicator.write", subject)
        assert actor is not None  # require() has refused it
        report = ImportReport(PARK_INPUTS, rows=1)
        row = Row(1, values)
        try:
            _take(session, keys, PARK_INPUTS, [row], [], None, actor.login, now, report)
        except RowsRefused as refused:
            raise FieldsRefused(
                [FieldIssue(f"/{item.field}", item.code, item.params) for item in refused.issues]
            ) from refused
        found = _in_force(session, PARK_INPUTS)[_checked(keys, PARK_INPUTS, row).key]
        assert isinstance(found, ParkInputRow)
        told = input_dict(found, keys)
        if report.taken:
            note(
                session,
                "park_input.recorded",
                actor=actor,
                now=now,
                address=address,
                about=f"{park}/{found.name}/{found.year}",
                detail=" ".join(part for part in (found.value, found.reason) if part),
            )
        return told, bool(report.taken)


def _take(
    session: Session,
    keys: Keys,
    kind: str,
    rows: Sequence[Row],
    issues: list[RowIssue],
    batch: BatchRow | None,
    login: str,
    now: datetime,
    report: ImportReport,
) -> None:
    """Check rows against what is stated and write the new ones."""
    held = _in_force(session, kind)
    seen: dict[Key, _Stated] = {}
    new: list[_Stated] = []
    for row in rows:
        try:
            item = _checked(keys, kind, row)
        except (NotFound, InvalidValue) as error:
            column = {"park": "park", "material": "material"}.get(
                str(error.params.get("what", "")), "enterprise"
            )
            shown = str(row.values.get(column, ""))
            issues.append(RowIssue(row.line, column, shown, error.code, error.params))
            continue
        earlier, stored = seen.setdefault(item.key, item), held.get(item.key)
        if earlier is not item:
            if earlier.content == item.content:
                report.skipped += 1
            else:
                shown, line = str(item.content.get("value", "")), {"other_line": str(earlier.line)}
                issues.append(RowIssue(row.line, "year", shown, "statement_twice_in_file", line))
        elif stored is not None and _content(stored) == item.content:
            report.skipped += 1
        elif isinstance(stored, ParkInputRow) and not item.reason:
            params = {"known": stored.value, "source": stored.source, "who": stored.recorded_by}
            shown = str(item.content["value"])
            issues.append(RowIssue(row.line, "value", shown, "input_differs", params))
        else:
            new.append(item)
    if issues:
        raise RowsRefused(issues)
    _write(session, kind, new, held, batch, login, now)
    report.taken = len(new)
    if batch is not None:
        batch.taken, batch.skipped = len(new), report.skipped


def _write(
    session: Session,
    kind: str,
    new: Sequence[_Stated],
    held: Mapping[Key, Held],
    batch: BatchRow | None,
    login: str,
    now: datetime,
) -> None:
    if batch is not None:
        session.add(batch)
        session.flush()
    common = {"recorded_by": login, "recorded_at": now, "batch_id": batch.id if batch else None}
    for item in new:
        stored = held.get(item.key)
        take = 1
        if stored is not None:
            stored.replaced, take = True, stored.take + 1
        first, second, year = item.key
        told = {**item.content, **common, "year": year, "take": take, "replaced": False}
        if kind == PARK_INPUTS:
            session.add(ParkInputRow(park_id=first, name=second, reason=item.reason, **told))
        else:
            session.add(ProfileRow(enterprise_id=first, material_id=second, **told))
    if new:
        touch(session, STAMP)
    session.flush()


def _checked(keys: Keys, kind: str, row: Row) -> _Stated:
    """The row by keys; raises NotFound, InvalidValue."""
    values, registry = row.values, keys.registry
    if kind == PARK_INPUTS:
        park = known(registry.parks, "park", str(values["park"]))
        content = {
            "value": plain_number(values["value"]),
            "stated_on": values.get("date"),
            "source": values["source"],
        }
        key: Key = keys.id_of("park", park), str(values["input"]), values["year"]
        return _Stated(row.line, key, content, (values.get("reason") or "").strip())
    firm = Names(registry).enterprise(str(values["enterprise"]))
    material = known(registry.materials, "material", str(values["material"]))
    key = keys.id_of("enterprise", firm), keys.id_of("material", material), values["year"]
    content = {
        "waste_code": values.get("waste_code") or "",
        "grade": values.get("class") or "",
        **{name: values.get(name) or "" for name in _TEXTS},
    }
    return _Stated(row.line, key, content)


def plain_number(value: Decimal) -> str:
    """A number without exponent and without zeros that say nothing, so that equal ones are equal.

    >>> plain_number(Decimal("1.50E+3")), plain_number(Decimal("2.50"))
    ('1500', '2.5')
    """
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def _content(row: Held) -> dict[str, Any]:
    """What a row says."""
    if isinstance(row, ParkInputRow):
        return {"value": row.value, "stated_on": row.stated_on, "source": row.source}
    texts = {name: getattr(row, name) for name in _TEXTS}
    return {"waste_code": row.waste_code, "grade": row.grade, **texts}


def _key(row: Held) -> Key:
    if isinstance(row, ParkInputRow):
        return row.park_id, row.name, row.year
    return row.enterprise_id, row.material_id, row.year


def _in_force(session: Session, kind: str) -> dict[Key, Held]:
    """Every statement that holds, by key."""
    rows: list[Held] = []
    if kind == PARK_INPUTS:
        park_input = ParkInputRow
        rows += session.scalars(
            select(park_input).where(~park_input.replaced).order_by(park_input.id)
        )
    else:
        profile = ProfileRow
        rows += session.scalars(select(profile).where(~profile.replaced).order_by(profile.id))
    return {_key(row): row for row in rows}


def input_dict(row: ParkInputRow, keys: Keys) -> dict[str, Any]:
    """A stated input as plain values."""
    return {
        "park": keys.codes["park"][row.park_id],
        "input": row.name,
        "unit": INPUTS.get(row.name, ""),
        "year": row.year,
        "value": row.value,
        "date": row.stated_on,
        "source": row.source,
        "reason": row.reason,
        "take": row.take,
        "state": "replaced" if row.replaced else "in_force",
        "recorded_by": row.recorded_by,
        "recorded_at": row.recorded_at,
    }


def list_inputs(
    *, db: Database, scope: str, year: int | None = None, history: bool = True
) -> list[dict[str, Any]]:
    """Inputs of the parks of a scope by park, name, year and take; without history those in force.

    Raises InvalidValue `bad_scope`, NotFound `unknown_code`.
    """
    with db.read() as session:
        keys = load_keys(session)
        parks = parks_in(keys.registry, scope)
        return stated_inputs(session, keys, parks, year=year, history=history)


def stated_inputs(
    session: Session, keys: Keys, parks: Iterable[str], *, year: int | None, history: bool
) -> list[dict[str, Any]]:
    """Inputs of some parks as `list_inputs` gives them."""
    row, wanted = ParkInputRow, frozenset(parks)
    query = select(row).order_by(row.year, row.name, row.take, row.id)
    if year is not None:
        query = query.where(row.year == year)
    if not history:
        query = query.where(~row.replaced)
    found = [input_dict(item, keys) for item in session.scalars(query)]
    mine = [item for item in found if item["park"] in wanted]
    order = {name: place for place, name in enumerate(INPUTS)}
    return sorted(mine, key=lambda i: (i["park"], i["year"], order[i["input"]], i["take"]))


def parks_in(registry: Registry, scope: str) -> list[str]:
    """Parks of a scope in order: park and sub-parks, those of a region, all; none of a firm.

    Raises InvalidValue `bad_scope`, NotFound `unknown_code`.
    """
    registry.in_scope(scope)
    word, _, code = scope.partition(":")
    if word == "park":
        return [park for park in sorted(registry.parks) if code in registry.parks_up(park)]
    if word == "region":
        regions = {park: _region_of(registry, park) for park in registry.parks}
        return [p for p in sorted(regions) if code in registry.regions_up(regions[p])]
    return sorted(registry.parks) if scope == "all" else []


def _region_of(registry: Registry, park: str) -> str:
    regions = (registry.parks[up].region for up in registry.parks_up(park))
    return next((region for region in regions if region), "")


def profiles_of(session: Session, keys: Keys, firm: str, year: int) -> dict[str, dict[str, str]]:
    """Material → what 附表1 says of it in a year: the latest profile of that year or before."""
    row, found = ProfileRow, dict[str, dict[str, str]]()
    query = (
        select(row)
        .where(row.enterprise_id == keys.id_of("enterprise", firm), row.year <= year, ~row.replaced)
        .order_by(row.year)
    )
    for item in session.scalars(query):
        found[keys.codes["material"][item.material_id] or ""] = _content(item)
    return found


def export_statements(
    *, db: Database, kind: str, scope: str = "all", period: Period | None = None
) -> list[dict[str, Any]]:
    """Statements that hold under contract columns, in the order they were recorded."""
    years = (period.first // 100, period.last // 100) if period else (0, 9999)
    with db.read() as session:
        keys = load_keys(session)
        rows = list(_in_force(session, kind).values())
        wanted = (
            frozenset(parks_in(keys.registry, scope))
            if kind == PARK_INPUTS
            else keys.registry.in_scope(scope)
        )
        told = [(_columns(row, keys)) for row in rows if years[0] <= row.year <= years[1]]
    return [row for row in told if (row.get("park") or row.get("enterprise")) in wanted]


def _columns(row: Held, keys: Keys) -> dict[str, Any]:
    if isinstance(row, ParkInputRow):
        told = input_dict(row, keys)
        names = ("park", "input", "year", "date", "source", "reason")
        return {**{name: told[name] for name in names}, "value": Decimal(row.value)}
    content = _content(row)
    return {
        "enterprise": keys.codes["enterprise"][row.enterprise_id],
        "material": keys.codes["material"][row.material_id],
        "class": content.pop("grade"),
        "year": row.year,
        **content,
    }
