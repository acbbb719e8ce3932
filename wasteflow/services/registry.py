"""Registry files: objects are made or brought up to date by their code, all or nothing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from wasteflow.core.errors import RowIssue, RowsRefused
from wasteflow.core.registry import cycle_in
from wasteflow.services.batches import bear_witness
from wasteflow.services.outcome import DryRunEnds, ImportReport, Progress, Row
from wasteflow.services.registry_rows import TABLES, Broken, RegistryColumns
from wasteflow_models.convert import Keys, load_keys
from wasteflow_models.engine import Alone, Database
from wasteflow_models.ledger import BatchRow
from wasteflow_models.registry import EnterpriseRow
from wasteflow_models.rollup import touch_registry


def record_registry(
    *,
    db: Database,
    kind: str,
    rows: Sequence[Row],
    batch: BatchRow,
    given: frozenset[str] | None = None,
    issues: Iterable[RowIssue] = (),
    dry_run: bool = False,
    progress: Progress | None = None,
) -> ImportReport:
    """Take a file of registry objects of `kind` (regions … coefficients), all or nothing.

    An existing code is updated in the columns `given` (those the file has; None = all).
    Raises RowsRefused.
    """
    if given is not None:
        rows = [
            Row(row.line, {name: value for name, value in row.values.items() if name in given})
            for row in rows
        ]
    report = ImportReport(kind, rows=len(rows), dry_run=dry_run)
    found = list(issues)
    try:
        with db.write(Alone.EVERYBODY) as session:
            take_rows(session, kind, rows, found, report)
            if progress:
                progress(len(rows))
            session.add(batch)
            batch.taken, batch.skipped = report.taken + report.updated, report.skipped
            session.flush()
            bear_witness(session, batch)
            if dry_run:
                raise DryRunEnds
    except DryRunEnds:
        pass
    return report


def take_rows(
    session: Session,
    kind: str,
    rows: Sequence[Row],
    issues: list[RowIssue],
    report: ImportReport,
) -> None:
    """Make or update the objects of `rows`; raises RowsRefused with `issues` and its own."""
    keys = load_keys(session)
    table = TABLES[kind]
    columns = RegistryColumns(
        kind,
        keys.registry,
        lambda what, code: keys.ids[what][code],
        {r.values["code"] for r in rows},
    )
    stored = {row.code: row for row in session.scalars(select(table).order_by(table.id))}
    new: list[dict[str, Any]] = []
    parents: dict[str, str] = {}
    seen: dict[str, int] = {}
    for row in rows:
        code = row.values["code"]
        if code in seen:
            params = {"other_line": str(seen[code])}
            issues.append(RowIssue(row.line, "code", code, "duplicate_code_in_file", params))
            continue
        seen[code] = row.line
        try:
            values, parent = columns.values(row)
        except Broken as broken:
            shown = str(row.values.get(broken.column) or "")
            issues.append(RowIssue(row.line, broken.column, shown, broken.code, broken.params))
            continue
        if "parent" in row.values:
            parents[code] = parent
        if code not in stored:
            new.append(values)
        elif _update(stored[code], values) or _parent_changes(keys, kind, code, parents):
            report.updated += 1
        else:
            report.skipped += 1
    _check_parents(keys, kind, parents, seen, issues)
    if kind == "enterprises":
        issues.extend(_credit_codes_twice(session, rows))
    if issues:
        raise RowsRefused(issues)
    session.flush()
    for group in _same_columns(new):
        session.execute(insert(table), group)
    report.taken = len(new)
    _bind_parents(session, table, parents)
    session.flush()
    touch_registry(session)


def _same_columns(rows: Sequence[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """Rows grouped by their set of columns, which an executemany needs."""
    groups: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for row in rows:
        groups.setdefault(tuple(sorted(row)), []).append(row)
    return list(groups.values())


def _update(row: Any, values: dict[str, Any]) -> bool:
    """Write changed values to a stored row; True if anything changed."""
    changed = False
    for name, value in values.items():
        if getattr(row, name) != value:
            setattr(row, name, value)
            changed = True
    return changed


def _parent_changes(keys: Keys, kind: str, code: str, parents: dict[str, str]) -> bool:
    """True if the file gives an object another parent than it has."""
    if kind not in ("parks", "regions") or code not in parents:
        return False
    table = keys.registry.parks if kind == "parks" else keys.registry.regions
    return table[code].parent != parents[code]


def _check_parents(
    keys: Keys, kind: str, parents: dict[str, str], lines: dict[str, int], issues: list[RowIssue]
) -> None:
    """No park or region lies in itself, however long the way round."""
    if kind not in ("parks", "regions"):
        return
    table = keys.registry.parks if kind == "parks" else keys.registry.regions
    joined = {code: item.parent for code, item in table.items()} | parents
    for code in cycle_in(joined):
        if code in parents:
            issues.append(RowIssue(lines[code], "parent", joined[code], "parent_cycle"))


def _bind_parents(session: Session, table: Any, parents: dict[str, str]) -> None:
    if not parents:
        return
    rows = {row.code: row for row in session.scalars(select(table).order_by(table.id))}
    for code, parent in parents.items():
        rows[code].parent_id = rows[parent].id if parent else None


def _credit_codes_twice(session: Session, rows: Sequence[Row]) -> list[RowIssue]:
    """A unified social credit code belongs to one enterprise."""
    given = {row.values["code"] for row in rows if "uscc" in row.values}
    query = select(EnterpriseRow.uscc, EnterpriseRow.code).where(EnterpriseRow.uscc != "")
    stored = session.execute(query.order_by(EnterpriseRow.id)).all()
    owner = {uscc: code for uscc, code in stored if code not in given}
    found = []
    for row in rows:
        uscc, code = row.values.get("uscc"), row.values["code"]
        if not uscc:
            continue
        if owner.setdefault(uscc, code) != code:
            params = {"enterprise": owner[uscc]}
            found.append(RowIssue(row.line, "uscc", uscc, "uscc_taken", params))
    return found
