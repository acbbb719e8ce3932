"""The roll-up made anew from the records, for books whose `check` names a roll-up that differs."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import text

from wasteflow.core.errors import RuleBroken
from wasteflow.core.postings_bulk import differences, merge
from wasteflow.services.checking import CheckReport, record_rollups
from wasteflow.services.tracing import forget
from wasteflow_models.convert import load_keys
from wasteflow_models.engine import Alone, Database
from wasteflow_models.rollup import add_rollup_columns, stored_rollup


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """Rows of the roll-up now, and how many of them (or of those gone) were wrong."""

    flows: int
    mended: int


def rebuild_rollup(*, db: Database) -> Rebuilt:
    """Write the sums of the records where the roll-up differs from them, in one transaction.

    Raises RuleBroken `records_unsound` if the records themselves do not hold: sums of broken
    records would hide what `check` tells.
    """
    report = CheckReport()
    with db.write(Alone.EVERYBODY) as session:
        keys = load_keys(session)
        expected = merge(list(record_rollups(session, keys, report)))
        if report.faults:
            raise RuleBroken("records_unsound", count=len(report.faults))
        wrong = differences(expected, stored_rollup(session))
        if wrong:
            session.execute(text("DELETE FROM flow_month"))
            session.execute(text("DELETE FROM rollup_month"))
            add_rollup_columns(session, expected)
    forget()
    return Rebuilt(len(expected.kg), len(wrong))
