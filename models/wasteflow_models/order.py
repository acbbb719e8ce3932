"""Who waits for whom while single records are written on PostgreSQL (SQLite: one at a time).

Books of different firms are written side by side: whoever decides from those of a firm (a number
that is free, a level that was counted) holds that firm (`hold_firms`).  What others follow by
number - changes, entries, output - is numbered at the very end of a transaction, under a lock
that it keeps until it has committed (`wait_for_numbers`): numbers are committed in their order, so
that a reader who goes on after the last number he has seen passes over nothing, and a newest number
says that nothing was added.  Everybody takes the roll-up first and numbers last.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from wasteflow_models.engine import linked
from wasteflow_models.ledger import LAST_ENTRY, STAGED_FROM
from wasteflow_models.prepared import Prepared
from wasteflow_models.raw import driver, is_postgresql

NUMBERS_LOCK: Final = 7705
"""PostgreSQL advisory lock: numbers of changes and entries are committed in their order."""
FIRM_LOCKS: Final = 7707
"""Class of the PostgreSQL advisory locks of firms; the second key is the enterprise."""
_LAST_ENTRY: Final = Prepared(select(LAST_ENTRY.label("last")))
_STAGED_FROM: Final = Prepared(select(STAGED_FROM.label("first")))


def hold_firms(session: Session, firm_ids: Iterable[int]) -> None:
    """Keep other writers of the entries of these firms waiting until the transaction ends.

    For `Alone.FIRMS`: whoever writes entries of any firm (`Alone.ENTRIES`) waits as well.
    """
    if is_postgresql(session):
        for firm in sorted(set(firm_ids)):
            driver(session).execute("SELECT pg_advisory_xact_lock(%s, %s)", [FIRM_LOCKS, firm])


def wait_for_numbers(session: Session) -> None:
    """Let nobody else number anything until the transaction ends.

    A statement of its own: one that also read the last number would see the books as they were
    before it waited.
    """
    session.flush()
    if is_postgresql(session):
        driver(session).later(f"SELECT pg_advisory_xact_lock({NUMBERS_LOCK})")


def next_entry(session: Session) -> int:
    """The number of the next entry, for whoever keeps out all who write any (`Alone.ENTRIES`)."""
    return last_entry(session) + 1


def last_entry(session: Session) -> int:
    """The number of the newest entry in the books, 0 if there is none."""
    session.flush()
    ((last,),) = _LAST_ENTRY.rows(linked(session), {})
    return last or 0


def staged_from(session: Session) -> int:
    """The first number of entries that lie there unpublished, `ledger.LOAD_IDS` if none do."""
    session.flush()
    ((first,),) = _STAGED_FROM.rows(linked(session), {})
    return int(first)
