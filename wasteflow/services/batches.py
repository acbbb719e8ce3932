"""The record of an import: what file, when, how many rows, synthetic or not; and its change."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime

from sqlalchemy.orm import Session

from wasteflow.services.live.writing import note_change
from wasteflow_models.convert import Keys
from wasteflow_models.ledger import BatchRow

Witness = Callable[[Session, BatchRow], None]
_witness: ContextVar[Witness | None] = ContextVar("witness", default=None)


@contextmanager
def witnessed(witness: Witness) -> Iterator[None]:
    """Call `witness` in the transaction that publishes an import, just before it commits.

    Background work writes down there that it is done: both or neither, however often it is begun.
    """
    token = _witness.set(witness)
    try:
        yield
    finally:
        _witness.reset(token)


def bear_witness(session: Session, batch: BatchRow) -> None:
    """Call who asked for it in `witnessed`; the batch has its number."""
    witness = _witness.get()
    if witness is not None:
        witness(session, batch)


def new_batch(
    *,
    kind: str,
    filename: str = "",
    sha256: str = "",
    now: datetime,
    rounded_rows: int = 0,
    rounded_kg: str = "0",
    synthetic: bool = False,
) -> BatchRow:
    """A batch row, written together with what the import records."""
    return BatchRow(
        kind=kind,
        filename=filename[:500],
        sha256=sha256,
        recorded_at=now,
        taken=0,
        completed=0,
        skipped=0,
        rounded_rows=rounded_rows,
        rounded_kg=rounded_kg,
        synthetic=synthetic,
    )


def note_import(
    session: Session, keys: Keys, batch: BatchRow, firms: Iterable[int], now: datetime
) -> None:
    """One change for all that a file brought, told to `firms` (keys); none if it brought nothing.

    The last thing an import does: on PostgreSQL other writers of changes wait until it commits.
    """
    bear_witness(session, batch)
    if not batch.taken and not batch.completed:
        return
    codes = keys.codes["enterprise"]
    note_change(
        session,
        now,
        kind="import",
        record_id=batch.id,
        ref=str(batch.id),
        action=batch.kind,
        organisations=sorted(codes[firm] for firm in firms if firm in codes),
    )
