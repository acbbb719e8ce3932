"""The roll-up made anew from the records, for books whose `check` names a roll-up that differs."""

from __future__ import annotations

from msgspec import Struct
from sqlalchemy import text

from wasteflow.core.errors import RuleBroken
from wasteflow.core.postings_bulk import differences
from wasteflow.services.booking import post
from wasteflow.services.checking import CheckReport, record_rollups
from wasteflow.services.proof_booking import joined_late, late_differences
from wasteflow.services.tracing import forget
from wasteflow_models.convert import load_keys
from wasteflow_models.engine import Alone, Database
from wasteflow_models.packed_months import drop_packed
from wasteflow_models.parties import add_senders, missing_senders
from wasteflow_models.rollup_stored import stored_late, stored_rollup


class Rebuilt(Struct, frozen=True):
    """Rows of the roll-up now, and how many of them (or of those gone) were wrong; links of loads
    that the index of SQLite had lost.
    """

    flows: int
    mended: int
    links: int = 0


def rebuild_rollup(*, db: Database) -> Rebuilt:
    """Write the sums of the records where the roll-up differs from them, in one transaction.

    Raises RuleBroken `records_unsound` if the records themselves do not hold: sums of broken
    records would hide what `check` tells.
    """
    report = CheckReport()
    with db.write(Alone.EVERYBODY) as session:
        keys = load_keys(session)
        links = missing_senders(session)
        add_senders(session, links)
        expected, late = joined_late(record_rollups(session, keys, report))
        if report.faults:
            raise RuleBroken("records_unsound", count=len(report.faults))
        drop_packed(session)
        wrong = len(differences(expected, stored_rollup(session)))
        wrong += len(late_differences(late, stored_late(session)))
        if wrong:
            for table in ("flow_month", "flow_part", "flow_late", "rollup_month"):
                session.execute(text(f"DELETE FROM {table}"))
            post(session, expected, late)
    forget()
    return Rebuilt(len(expected.kg), wrong, len(links))
