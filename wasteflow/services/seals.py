"""Sealing: close every record that no seal holds yet, while writers go on; list seals, newest root.

What is unsealed is found by comparing the records with the leaves there are, month by month, so a
transaction that commits late or out of order leaves no gap: the next seal takes what it wrote.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, Final

import numpy as np
from msgspec import Struct, field
from numpy.typing import NDArray
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from wasteflow.core.errors import WasteflowError
from wasteflow.core.seal import BLOCK, FORM, NO_HEAD, SealFacts, leaf_hash, root_of
from wasteflow.services.site_secret import COOKIE
from wasteflow_models.accounts import SecretRow
from wasteflow_models.api import AttachmentRow
from wasteflow_models.closes import MonthCloseRow
from wasteflow_models.engine import Alone, Database
from wasteflow_models.ledger import (
    LAST_ENTRY,
    BatchRow,
    EntryRow,
    ProductRow,
)
from wasteflow_models.rollup import touch
from wasteflow_models.seal_texts import KINDS, SealedKind, record_keys, record_texts, spans
from wasteflow_models.seals import (
    PART_BITS,
    Leaves,
    SealBlockRow,
    SealRow,
    block_row,
    blocks_of,
    blocks_over,
    drop_blocks_after,
    last_seal,
    leaves_of,
    roots_of,
    seals,
)
from wasteflow_models.turns import turn_of

Ints = NDArray[np.int64]
TURN: Final = "seal"
SPAN: Final = 20_000
"""Records of a table that are compared at once."""
FEW: Final = 500
WRITTEN: Final = 64
"""Blocks written in one transaction: other writers wait for 65,536 hashes, not for the seal."""
GUARD: Final = "seal"
"""Name of the secret that remembers the last seal."""
NUMBERED: Final = (
    ("batch", BatchRow),
    ("entry", EntryRow),
    ("product", ProductRow),
    ("month_close", MonthCloseRow),
    ("attachment", AttachmentRow),
)
"""Kinds numbered as they come: below the last number of a seal no new one can appear."""

STAMP: Final = "seal"
"""Drawn anew by every seal: papers that print its head are made again."""


def facts_of(row: SealRow) -> SealFacts:
    """What a seal states, as it is stored."""
    moment = row.sealed_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    return SealFacts(
        row.number,
        row.prev_head,
        row.root,
        row.count,
        row.counts,
        row.bounds,
        moment,
        row.sealed_by,
        row.form,
    )


def seal_dict(row: SealRow) -> dict[str, Any]:
    """A seal as pages, commands and the API show it."""
    return {
        "number": row.number,
        "form": row.form,
        "head": row.head,
        "root": row.root,
        "prev_head": row.prev_head,
        "count": row.count,
        "counts": json.loads(row.counts),
        "sealed_at": facts_of(row).sealed_at,
        "sealed_by": row.sealed_by,
    }


def list_seals(*, db: Database) -> list[dict[str, Any]]:
    """Every seal, the newest first."""
    with db.read() as session:
        return [seal_dict(row) for row in reversed(seals(session))]


def latest_root(session: Session, before: datetime | None = None) -> dict[str, Any] | None:
    """The newest seal (made before a moment), to be printed on forms; None if there is none.

    Print `number`, `head` and `sealed_at`: the head stands for this seal and all before it.
    """
    query = select(SealRow).order_by(SealRow.number.desc()).limit(1)
    if before is not None:
        query = query.where(SealRow.sealed_at < before)
    row = session.scalars(query).one_or_none()
    return seal_dict(row) if row else None


def seal_books(*, db: Database, now: datetime, by: str = "") -> dict[str, Any] | None:
    """Seal what is not sealed yet; the seal as `seal_dict`, None if there was nothing.

    Reads one state of the books and writes blocks in short transactions; writers wait for those.
    Raises WasteflowError `seal_running` while another process seals.
    """
    with turn_of(db, TURN) as mine:
        if not mine:
            raise WasteflowError("seal_running")
        with db.read() as session:
            with db.write(Alone.EVERYBODY) as writer:  # nobody is in the middle of a write
                last = last_seal(writer)
                drop_blocks_after(writer, last.number if last else 0)
                bounds = _bounds(session)
            if last is not None and last.form == 1:
                bounds["older_keys"] = _keys_of_form_1(session, last.number)
            writing = _Writing(db, last.number + 1 if last else 1)
            for kind in KINDS:
                for leaves in _new_leaves(session, kind):
                    writing.add(leaves)
        return writing.finish(last, json.dumps(bounds, sort_keys=True), now, by)


def _bounds(session: Session) -> dict[str, Any]:
    """What the books hold at this moment: last numbers, imports not published."""
    newest = {
        name: int(session.scalar(select(_newest(name, table))) or 0) for name, table in NUMBERED
    }
    open_batches = session.scalars(
        select(BatchRow.id).where(~BatchRow.published).order_by(BatchRow.id)
    )
    return {"last": newest, "open_batches": list(open_batches)}


def _newest(name: str, table: Any) -> Any:
    return LAST_ENTRY if name == "entry" else func.max(table.id)


def _keys_of_form_1(session: Session, number: int) -> str:
    try:
        return older_keys(session, number)
    except ValueError as error:
        raise WasteflowError("seal_block_damaged", number=number) from error


def older_keys(session: Session, number: int) -> str:
    """A hash of the keys of every block up to a seal of form 1, for the first seal of form 2.

    Raises ValueError where a block cannot be read.
    """
    digest = sha256()
    for each in range(1, number + 1):
        for block in blocks_of(session, each):
            digest.update(leaves_of(block).keyed)
            session.expunge(block)
    return digest.hexdigest()


def sealed_leaves(session: Session, kind: SealedKind, first: int, last: int) -> Leaves:
    """Every leaf of a kind with an id from `first` to `last`, by key; of equal keys the last one.

    A block that cannot be read is passed over: `check` names it.
    """
    found: dict[int, bytes] = {}
    low, high = first << PART_BITS, (last + 1) << PART_BITS
    for row in blocks_over(session, kind.number, first, last):
        try:
            held = leaves_of(row)
        except ValueError:
            continue
        for key, digest in zip(held.keys.tolist(), held.hashes, strict=True):
            if low <= key < high:
                found[key] = digest
    keys = sorted(found)
    return Leaves(kind.number, np.array(keys, np.int64), [found[key] for key in keys])


def _new_leaves(session: Session, kind: SealedKind) -> Iterator[Leaves]:
    """Blocks of leaves of the records that no seal holds."""
    waiting: tuple[list[int], list[bytes]] = ([], [])
    for first, last in spans(session, kind, SPAN):
        present = record_keys(session, kind, first, last)
        sealed = _sealed_keys(session, kind, first, last)
        fresh = present[~np.isin(present, sealed)]
        if not len(fresh):
            continue
        for key, digest in _hashed(session, kind, first, last, fresh, len(present)):
            waiting[0].append(key)
            waiting[1].append(digest)
            if len(waiting[0]) == BLOCK:
                yield Leaves(kind.number, np.array(waiting[0], np.int64), waiting[1])
                waiting = ([], [])
    if waiting[0]:
        yield Leaves(kind.number, np.array(waiting[0], np.int64), waiting[1])


def _sealed_keys(session: Session, kind: SealedKind, first: int, last: int) -> Ints:
    found = [np.zeros(0, np.int64)]
    for row in blocks_over(session, kind.number, first, last):
        try:
            found.append(leaves_of(row).keys)
        except ValueError as error:
            raise WasteflowError("seal_block_damaged", number=row.number) from error
    return np.concatenate(found)


def _hashed(
    session: Session, kind: SealedKind, first: int, last: int, fresh: Ints, present: int
) -> Iterator[tuple[int, bytes]]:
    """(key, leaf hash) of the records `fresh`, ascending."""
    everything = len(fresh) == present
    wanted = set() if everything else set(fresh.tolist())
    ids = np.unique(fresh >> PART_BITS).tolist()
    parts: list[list[int]] = [[]]
    if len(fresh) * 4 < present:
        parts = [ids[start : start + FEW] for start in range(0, len(ids), FEW)]
    for part in parts:
        for ident, number, text in record_texts(session, kind, first, last, part):
            key = ident << PART_BITS | number
            if everything or key in wanted:
                yield key, leaf_hash(text)


class _Writing(Struct):
    """The blocks of a seal in the making."""

    db: Database
    number: int
    roots: list[bytes] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    waiting: list[SealBlockRow] = field(default_factory=list)

    def add(self, leaves: Leaves) -> None:
        """Take a block."""
        row = block_row(self.number, len(self.roots), leaves)
        self.roots.append(row.root)
        name = KINDS[leaves.kind - 1].name
        self.counts[name] = self.counts.get(name, 0) + row.count
        self.waiting.append(row)
        if len(self.waiting) == WRITTEN:
            self._write()

    def _write(self) -> None:
        with self.db.write(Alone.NOBODY) as session:
            session.add_all(self.waiting)
        self.waiting = []

    def finish(
        self, last: SealRow | None, bounds: str, now: datetime, by: str
    ) -> dict[str, Any] | None:
        """Write what is left and the seal itself."""
        if not self.roots:
            return None
        row = SealRow(
            number=self.number,
            form=FORM,
            prev_head=last.head if last else NO_HEAD,
            root=root_of(self.roots).hex(),
            head="",
            count=sum(self.counts.values()),
            counts=json.dumps(self.counts, sort_keys=True),
            bounds=bounds,
            sealed_at=now,
            sealed_by=by,
        )
        row.head = facts_of(row).head
        with self.db.write(Alone.NOBODY) as session:
            session.add_all(self.waiting)
            session.flush()
            if roots_of(session, self.number) != self.roots:  # the turn was lost, another began
                raise WasteflowError("seal_running")
            session.add(row)
            session.merge(SecretRow(name=GUARD, value=guard_of(session, row)))
            touch(session, STAMP)
        return seal_dict(row)


def guard_of(session: Session, row: SealRow) -> str:
    """What the table of secrets remembers of the last seal: number, head, and a keyed digest."""
    told = f"{row.number}:{row.head}"
    key = session.scalars(select(SecretRow.value).where(SecretRow.name == COOKIE)).one()
    return f"{told}:{hmac.new(key.encode(), told.encode(), 'sha256').hexdigest()}"


def guarded(session: Session) -> tuple[int, str] | None:
    """Number and head that the table of secrets remembers; None if nothing or nothing true."""
    query = select(SecretRow).where(SecretRow.name.in_((GUARD, COOKIE)))
    held = {row.name: row.value for row in session.scalars(query)}
    told, _, mac = held.get(GUARD, "").rpartition(":")
    wanted = hmac.new(held.get(COOKIE, "").encode(), told.encode(), "sha256").hexdigest()
    if not told or not hmac.compare_digest(mac, wanted):
        return None
    number, _, head = told.partition(":")
    return int(number), head
