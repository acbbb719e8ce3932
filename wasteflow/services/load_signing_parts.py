"""Signatures of a large own file, written in parts once it is published, others in between.

What it owes stands in the books from the moment of publishing on (`signing_due`), so whoever comes
after a process that died goes on where it was.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import select
from sqlalchemy.orm import Session

from wasteflow.core.booking import merge_late
from wasteflow.core.postings_bulk import merge
from wasteflow.services.again import again_if_overtaken
from wasteflow.services.booking import post
from wasteflow.services.live.writing import note_change
from wasteflow.services.load_signing import Signing
from wasteflow.services.outcome import Progress
from wasteflow_models.convert import load_keys
from wasteflow_models.engine import Alone, Database
from wasteflow_models.late import closed
from wasteflow_models.ledger import BatchSignerRow
from wasteflow_models.live import ChangeRow
from wasteflow_models.load_alike import hold_loads
from wasteflow_models.signing_due import add_due, drop_due, due_part, owing
from wasteflow_models.staging import claimed

Ints = NDArray[np.int64]
PART = 5_000
"""Loads signed in one transaction."""
NOTED = 50_000
"""Loads noted in one transaction."""


def note_due(db: Database, signing: Signing) -> None:
    """Write down what a file that is not published yet is going to sign."""
    ids = np.array(sorted(signing.confirming), np.int64)
    for start in range(0, len(ids), NOTED):
        part = ids[start : start + NOTED]
        events = np.array([signing.confirming[key] for key in part.tolist()], np.int64)
        with db.write(Alone.NOBODY, settled=False) as session:
            add_due(session, signing.batch_id, part, events)


def sign_due(
    *, db: Database, batch_id: int, now: Callable[[], datetime], progress: Progress | None = None
) -> int:
    """Sign what the published file `batch_id` owes, a transaction for each part; how many loads.

    A load that was changed since the file was held against it stays unsigned: the firm has not
    seen what it says now.
    """
    signed, more = 0, True
    with claimed(db, batch_id):  # `sign_left` leaves it to us; who comes besides shares the work
        while more:
            part, more = _sign_part(db, batch_id, now())
            signed += part
            if progress:
                progress(signed)
    if not db.joined:
        db.settle()
    return signed


def sign_left(*, db: Database, now: Callable[[], datetime]) -> int:
    """Sign what files owe whose import died after publishing; how many loads."""
    with db.read() as session:
        found = owing(session)
    signed = 0
    for batch_id in found:
        with claimed(db, batch_id) as mine:
            if mine:
                signed += sign_due(db=db, batch_id=batch_id, now=now)
    return signed


@again_if_overtaken
def _sign_part(db: Database, batch_id: int, now: datetime) -> tuple[int, bool]:
    """How many loads of the next part were signed, and whether there are more."""
    with db.write(Alone.NOBODY, settled=False) as session:
        ids, events = due_part(session, batch_id, PART)
        if not len(ids):
            return 0, False
        hold_loads(session, ids)
        signing = Signing(load_keys(session), _signer(session, batch_id), batch_id)
        signing.take_up(session, ids, events)
        rollups, late = signing.sign(session, closed(session, signing.keys), now)
        more = drop_due(session, batch_id, int(ids[-1]))
        post(session, merge(rollups), merge_late(late))
        if not more:
            _note_again(session, batch_id, now)
        return len(signing.confirming), more


def _signer(session: Session, batch_id: int) -> str:
    query = select(BatchSignerRow.organisation).where(BatchSignerRow.batch_id == batch_id)
    return session.scalars(query).one()


def _note_again(session: Session, batch_id: int, now: datetime) -> None:
    """The import has changed once more, for all whom it was told to when it was published."""
    row = ChangeRow
    query = select(row).where(row.kind == "import", row.record_id == batch_id).order_by(row.id)
    told = session.scalars(query.limit(1)).first()
    if told is not None:
        note_change(
            session,
            now,
            kind=told.kind,
            record_id=batch_id,
            ref=told.ref,
            action=told.action,
            organisations=told.organisations.strip(";").split(";"),
        )
