"""The proof of closed months: what was stored when they were closed still follows from the books.

Rows of a firm as of a month never change while the month is closed, so its digest and balance must
come out again.  Traced figures rest on other firms too: they must come out again wherever the whole
material still stands as it did; where it does not, another firm had not closed that month.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from wasteflow.core.periods import next_month
from wasteflow.services.close_figures import CreditKey, FirmClose, arisen, firm_closes
from wasteflow.services.close_rows import in_force, in_force_credits
from wasteflow.services.close_sums import digest_of
from wasteflow.services.proof import Fault
from wasteflow.services.tracing import traced
from wasteflow_models import queries
from wasteflow_models.closes import ENTERPRISE, PARK, AttributionMonthRow, MonthCloseRow
from wasteflow_models.convert import Keys

SHOWN = 400
"""Characters of stored figures that a fault shows."""


def close_faults(session: Session, keys: Keys, full: bool = False) -> list[Fault]:
    """What does not hold in the closes that are in force.

    Traced figures are proved for the last close of every firm, for all of them if `full`.
    """
    closes = [
        row
        for row in in_force(session, ENTERPRISE)
        if row.organisation_id in keys.codes["enterprise"]
    ]
    acts: dict[int, list[MonthCloseRow]] = {}
    for row in closes:
        acts.setdefault(row.through, []).append(row)
    last = {row.organisation_id: row.id for row in closes}
    faults = _orphans(session)
    for through, rows in sorted(acts.items()):
        faults += _act_faults(session, keys, through, rows, last, full)
    parks = in_force(session, PARK)
    faults += _order_faults(keys, closes) + _order_faults(keys, parks)
    return [*faults, *_park_faults(keys, parks, closes)]


def _act_faults(
    session: Session,
    keys: Keys,
    through: int,
    closes: Sequence[MonthCloseRow],
    last: Mapping[int, int],
    full: bool,
) -> list[Fault]:
    """Closes whose traced figures rest on the books as of one month."""
    code = keys.codes["enterprise"]
    by_firm: dict[str, list[MonthCloseRow]] = {}
    for row in closes:
        by_firm.setdefault(code[row.organisation_id], []).append(row)
    latest = {
        firm for firm, rows in by_firm.items() if last[rows[0].organisation_id] == rows[-1].id
    }
    faults: list[Fault] = []
    for with_traced in (False, True):
        wanted = {
            firm: [row.month for row in rows]
            for firm, rows in by_firm.items()
            if with_traced == (full or firm in latest)
        }
        for again in firm_closes(session, keys, wanted, through, with_traced=with_traced):
            rows = by_firm[again.enterprise]
            wrong = [row for row in rows if row.digest != again.digests[row.month]]
            faults += [
                Fault("close_mismatch", _key(row, keys), [], again.digests[row.month], row.digest)
                for row in wrong
            ]
            if not wrong:
                faults += _figure_faults(keys, rows, again)
                if again.enterprise in latest:
                    faults += _credit_faults(session, keys, rows[-1], again)
    return faults


def _figure_faults(keys: Keys, closes: Sequence[MonthCloseRow], again: FirmClose) -> list[Fault]:
    """Balances always, traced terms where their material stands as it did."""
    try:
        stored = {row.month: json.loads(row.figures) for row in closes}
    except ValueError:
        return [Fault("close_figures", _key(closes[-1], keys), [], "JSON", closes[-1].figures[:80])]
    found = []
    for row in closes:
        ours, theirs = again.figures[row.month], stored[row.month]
        same = ours["books"].items() & theirs.get("books", {}).items()
        if ours["balance"] != theirs.get("balance"):
            found.append(_figures(row, keys, "balance", ours["balance"], theirs.get("balance")))
        for name in ("month", "to_date"):
            for material, _ in sorted(same):
                now, then = ours[name].get(material), theirs.get(name, {}).get(material)
                if now != then:
                    found.append(_figures(row, keys, f"{name} {material}", now, then))
    return found


def _credit_faults(
    session: Session, keys: Keys, row: MonthCloseRow, again: FirmClose
) -> list[Fault]:
    """The attribution stored by all closes of a firm is that of the books as of the last one.

    Where later months of the same act were opened again, that of the months still closed.
    """
    figures = json.loads(row.figures)
    stored = in_force_credits(session, row.organisation_id)
    books = again.figures[row.month]["books"]
    versions = queries.rollup_versions(session, keys, row.through)
    faults = []
    for material, digest in sorted(figures.get("books", {}).items()):
        if books.get(material) != digest:
            continue  # another firm had not closed the month; its later records changed the mix
        key = keys.id_of("material", material)
        ours, theirs = _of(again.credits, key, row.month), _of(stored, key, row.month)
        if ours != theirs:
            wrong = sorted(set(ours.items()) ^ set(theirs.items()))
            faults.append(_attribution(row, keys, material, str(len(ours)), str(wrong[:3])))
            continue
        came = arisen(traced(session, keys, material, versions, row.through))
        for basis, stock in sorted(figures.get("open_kg", {}).get(material, {}).items()):
            gone = sum(kg for item, kg in theirs.items() if item.basis == basis)
            whole = came.get(again.enterprise, 0)
            if gone + stock != whole:
                where = f"{material} {basis}"
                faults.append(_attribution(row, keys, where, f"{whole} kg", f"{gone + stock} kg"))
    return faults


def _of(credits: Mapping[CreditKey, int], material_id: int, month: int) -> dict[CreditKey, int]:
    """Credits of a material up to a month, without those of no mass."""
    return {
        key: kg
        for key, kg in credits.items()
        if key.material_id == material_id and key.month <= month and kg
    }


def _order_faults(keys: Keys, closes: Sequence[MonthCloseRow]) -> list[Fault]:
    """Months are closed in order, without a gap."""
    faults = []
    for before, row in pairwise(closes):
        if before.organisation_id == row.organisation_id:
            expected = next_month(before.month)
            if row.month != expected:
                faults.append(
                    Fault("close_order", _key(row, keys), [], str(expected), str(row.month))
                )
    return faults


def _park_faults(
    keys: Keys, parks: Sequence[MonthCloseRow], closes: Sequence[MonthCloseRow]
) -> list[Fault]:
    """The close of a park is that of the firms it names."""
    by_month: dict[int, dict[str, str]] = {}
    for row in closes:
        code = keys.codes["enterprise"].get(row.organisation_id, "?")
        by_month.setdefault(row.month, {})[code] = row.digest
    faults = []
    for row in parks:
        members = by_month.get(row.month, {})
        firms = json.loads(row.figures).get("firms", [])
        found = digest_of({code: members.get(code, "") for code in firms})
        if found != row.digest:
            faults.append(Fault("close_mismatch", _key(row, keys), firms, found, row.digest))
    return faults


def _orphans(session: Session) -> list[Fault]:
    """Attribution that belongs to no close."""
    row = AttributionMonthRow
    known = select(MonthCloseRow.id)
    lost = session.scalars(
        select(row.close_id).where(row.close_id.not_in(known)).distinct().order_by(row.close_id)
    )
    return [Fault("close_attribution", f"close {key}") for key in lost]


def _key(row: MonthCloseRow, keys: Keys) -> str:
    return f"{row.kind} {keys.codes[row.kind].get(row.organisation_id, '?')} {row.month}"


def _figures(row: MonthCloseRow, keys: Keys, what: str, now: Any, then: Any) -> Fault:
    ours, theirs = (json.dumps(item, ensure_ascii=False)[:SHOWN] for item in (now, then))
    return Fault("close_figures", f"{_key(row, keys)} {what}", [], ours, theirs)


def _attribution(row: MonthCloseRow, keys: Keys, what: str, expected: str, found: str) -> Fault:
    return Fault("close_attribution", f"{_key(row, keys)} {what}", [], expected, found)
