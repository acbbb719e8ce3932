"""What somebody who closes a month looks over first: loads, weights, corrections, stocks, silence.

A close stops at none of it (`closing`): each is a warning, with the records it is about.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

from msgspec import Struct, field
from sqlalchemy import select
from sqlalchemy.orm import Session

from wasteflow.core.balances import balances
from wasteflow.core.periods import Period
from wasteflow.core.units import tonnes_text
from wasteflow.services.checking import stale_rows
from wasteflow.services.month_sheet import own_firms, quiet_firms
from wasteflow_models import queries
from wasteflow_models.apart import marked_of
from wasteflow_models.convert import Keys, load_keys
from wasteflow_models.engine import Database
from wasteflow_models.ledger import ShipmentRow, visible
from wasteflow_models.live import RevisionRow
from wasteflow_models.load_marks import DISPUTED
from wasteflow_models.open_loads import open_loads

CHECKS: Final = (
    "undecided",
    "disputed",
    "revisions",
    "negative_stock",
    "unbalanced",
    "stocktake_stale",
    "silent",
)
"""What is looked over, in this order."""


class CloseCheck(Struct, frozen=True):
    """One thing to look over: numbers of loads, lines of balances, or codes of firms it found."""

    code: str
    records: Sequence[str] = ()
    lines: Sequence[dict[str, Any]] = ()
    firms: Sequence[str] = ()

    @property
    def count(self) -> int:
        """How many there are; 0 where all is in order."""
        return len(self.records) + len(self.lines) + len(self.firms)


class _Lines(Struct):
    found: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    def add(self, code: str, firm: str, compartment: str, material: str, kg: int) -> None:
        row = {
            "enterprise": firm,
            "compartment": compartment,
            "material": material,
            "tonnes": tonnes_text(kg),
        }
        self.found.setdefault(code, []).append(row)


def close_checks(*, db: Database, scope: str, month: int) -> list[CloseCheck]:
    """Everything in the order of CHECKS for the firms of a scope and `month` (yyyymm).

    Loads count up to the end of the month, balances are of the month.  `silent` only of an area:
    firms with records lately and none in it.  Raises InvalidValue `bad_scope`, NotFound.
    """
    with db.read() as session:
        keys = load_keys(session)
        firms = own_firms(keys, scope)
        ids = sorted(keys.id_of("enterprise", code) for code in firms)
        undecided = {no for numbers in open_loads(session, ids, month).values() for no in numbers}
        lines = _lines(session, keys, firms, month)
        alone = scope.startswith("enterprise:")
        found = {
            "undecided": CloseCheck("undecided", sorted(undecided)),
            "disputed": CloseCheck("disputed", _disputed(session, ids, month)),
            "revisions": CloseCheck("revisions", _revisions(session, ids, month)),
            "silent": CloseCheck(
                "silent", firms=() if alone else quiet_firms(session, keys, firms, month)
            ),
        }
    for code in CHECKS:
        found.setdefault(code, CloseCheck(code, lines=lines.found.get(code, ())))
    return [found[code] for code in CHECKS]


def _lines(session: Session, keys: Keys, firms: frozenset[str], month: int) -> _Lines:
    """Balance lines of the month that do not hold, and stocktakes another record overtook."""
    found = _Lines()
    period = Period.of(month, month)
    books = queries.period_books(session, keys, period, negatives=True)
    for line in balances(books, firms):
        for code in line.findings():
            kg = line.residual_kg if code == "unbalanced" else line.closing_kg
            found.add(code, line.enterprise, line.compartment, line.material, kg)
    for row, then_kg, now_kg in stale_rows(session, keys):
        firm = keys.codes["enterprise"][row.enterprise_id] or ""
        if firm in firms:
            stuff = keys.codes["material"][row.material_id] or ""
            found.add("stocktake_stale", firm, row.compartment, stuff, now_kg - then_kg)
    return found


def _disputed(session: Session, ids: Iterable[int], month: int) -> list[str]:
    """Numbers of loads up to the month whose weights nobody has settled."""
    row, mine = ShipmentRow, frozenset(ids)
    query = (
        select(row.doc_no, row.consignor_id, row.consignee_id)
        .where(
            marked_of([DISPUTED], mine),
            row.dispatched_month > 0,
            row.dispatched_month <= month,
            ~row.reversed_,
            visible(),
        )
        .order_by(row.dispatched_month, row.doc_no)
    )
    return [number for number, *firms in session.execute(query) if not mine.isdisjoint(firms)]


def _revisions(session: Session, ids: Iterable[int], month: int) -> list[str]:
    """Numbers of loads up to the month with a correction that waits for an answer."""
    row, mine = ShipmentRow, frozenset(ids)
    asked = select(RevisionRow.pending_of).where(RevisionRow.pending_of.is_not(None))
    query = (
        select(row.doc_no, row.consignor_id, row.consignee_id)
        .where(row.id.in_(asked), row.dispatched_month <= month)
        .order_by(row.doc_no)
    )
    return [number for number, *firms in session.execute(query) if not mine.isdisjoint(firms)]
