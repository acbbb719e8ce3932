"""`check --full` over the seals: the chain, the leaves, and every sealed record against its leaf.

What cannot be seen from inside: the newest seals dropped together with what remembers them, by
somebody who writes the whole database.  A head printed on a form or kept elsewhere shows that
(`witnesses`).  A record that nobody has sealed yet is proved by nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import and_, literal, null, select
from sqlalchemy.orm import Session

from wasteflow.core.seal import block_root, chain_faults, leaf_hash, root_of
from wasteflow.services.proof import Fault
from wasteflow.services.seals import FEW, SPAN, facts_of, guarded, older_keys, sealed_leaves
from wasteflow_models.api import AttachmentRow
from wasteflow_models.closes import MonthCloseRow
from wasteflow_models.ledger import (
    BatchRow,
    BatchSignerRow,
    EntryRow,
    EventRow,
    LoadNumberRow,
    ProductRow,
    ShipmentRow,
)
from wasteflow_models.live import EntryActorRow, EventActorRow, RevisionRow
from wasteflow_models.registry import EnterpriseRow
from wasteflow_models.seal_texts import BY_NAME, KINDS, SealedKind, record_texts, spans
from wasteflow_models.seals import PART_BITS, SealBlockRow, SealRow, blocks_of, leaves_of, seals

Ints = NDArray[np.int64]

GRACE: Final = timedelta(minutes=10)
"""A record may be that much older than a seal that does not hold it: its writer was still busy."""
_ONE, _NO_BATCH = literal(0), null()
RECORDED: Final[dict[str, Any]] = {
    "batch": select(BatchRow.id, _ONE, BatchRow.recorded_at, BatchRow.id),
    "entry": select(EntryRow.id, _ONE, EntryRow.recorded_at, EntryRow.batch_id),
    "entry_actor": select(
        EntryActorRow.entry_id, _ONE, EntryRow.recorded_at, EntryRow.batch_id
    ).join(EntryRow, EntryRow.id == EntryActorRow.entry_id),
    "event": select(EventRow.shipment_id, EventRow.seq, EventRow.recorded_at, EventRow.batch_id),
    "event_actor": select(
        EventActorRow.shipment_id, EventActorRow.seq, EventRow.recorded_at, EventRow.batch_id
    ).join(
        EventRow,
        and_(EventRow.shipment_id == EventActorRow.shipment_id, EventRow.seq == EventActorRow.seq),
    ),
    "revision": select(
        RevisionRow.shipment_id, RevisionRow.number, RevisionRow.closed_at, _NO_BATCH
    ),
    "product": select(ProductRow.id, _ONE, ProductRow.recorded_at, ProductRow.batch_id),
    "month_close": select(MonthCloseRow.id, _ONE, MonthCloseRow.closed_at, _NO_BATCH),
    "month_reopening": select(MonthCloseRow.id, _ONE, MonthCloseRow.reopened_at, _NO_BATCH),
    "attachment": select(AttachmentRow.id, _ONE, AttachmentRow.at, _NO_BATCH),
    "batch_signer": select(
        BatchSignerRow.batch_id, _ONE, BatchRow.recorded_at, BatchSignerRow.batch_id
    ).join(BatchRow, BatchRow.id == BatchSignerRow.batch_id),
}
"""Kind → (id, part, moment it says it was recorded, import) of its records."""


def seal_faults(
    session: Session, witnesses: Sequence[str] = (), kinds: Sequence[SealedKind] = KINDS
) -> list[Fault]:
    """What does not hold about the seals of the books.

    witnesses: heads known from elsewhere (a printed form, another machine), whole or their first
    digits; each must be that of a seal here; kinds: whose records are held against their leaves.
    """
    rows = seals(session)
    faults = [*_chain(rows), *_dropped(session, rows), *_witnessed(rows, witnesses)]
    for row in rows:
        faults += [*_leaves(session, row), *_older(session, row)]
    if rows:
        for kind in kinds:
            for first, last in spans(session, kind, SPAN):
                faults += _records(session, kind, first, last, rows[-1])
    return faults


def _chain(rows: Sequence[SealRow]) -> Iterator[Fault]:
    facts, heads = [facts_of(row) for row in rows], [row.head for row in rows]
    for number, expected, found in chain_faults(facts, heads):
        missing = expected.startswith("seal ")
        code = "seal_missing" if missing else "seal_altered"
        yield Fault(code, f"seal {number}", expected=expected, found=found)


def _dropped(session: Session, rows: Sequence[SealRow]) -> Iterator[Fault]:
    """The last seal against what the table of secrets remembers of it."""
    known = guarded(session)
    last = (rows[-1].number, rows[-1].head) if rows else (0, "")
    if known is None:
        if rows:
            yield Fault("seal_forgotten", f"seal {last[0]}", found=last[1])
    elif known[0] > last[0]:
        yield Fault("seal_dropped", f"seal {known[0]}", expected=known[1], found=f"seal {last[0]}")
    elif known != last:
        yield Fault("seal_forgotten", f"seal {last[0]}", expected=known[1], found=last[1])


def _witnessed(rows: Sequence[SealRow], witnesses: Sequence[str]) -> Iterator[Fault]:
    for told in witnesses:
        clean = told.strip().lower()
        if not any(row.head.startswith(clean) for row in rows):
            yield Fault("seal_unknown_head", f"head {clean[:16]}", expected=clean)


def _leaves(session: Session, row: SealRow) -> Iterator[Fault]:
    """The leaves of a seal lead to its root."""
    roots, count = [], 0
    names = {kind.number: kind.name for kind in KINDS}
    counts: dict[str, int] = {}
    last: dict[int, int] = {}
    for block in blocks_of(session, row.number):
        key = f"seal {row.number} block {block.block}"
        session.expunge(block)
        try:
            held = leaves_of(block)
            tree = root_of(held.hashes)
            root = tree if row.form == 1 else block_root(held.hashes, held.keyed)
        except ValueError:
            yield Fault("seal_leaves_altered", key, found="?")
            root = block.root
        else:
            count += len(held.keys)
            name = names.get(block.kind, "?")
            counts[name] = counts.get(name, 0) + len(held.keys)
            if not _in_order(block, held.keys, last.get(block.kind, -1)):
                yield Fault("seal_leaves_altered", key, expected="keys", found="keys")
            last[block.kind] = int(held.keys[-1]) if len(held.keys) else -1
            if root != block.root:
                yield Fault("seal_leaves_altered", key, expected=block.root.hex(), found=root.hex())
        roots.append(root)
    root_now = root_of(roots).hex() if roots else "-"
    if root_now != row.root or count != row.count or counts != _json(row.counts):
        yield Fault(
            "seal_root_broken",
            f"seal {row.number}",
            expected=f"{row.root} / n={row.count}",
            found=f"{root_now} / n={count}",
        )


def _older(session: Session, row: SealRow) -> Iterator[Fault]:
    """The keys of seals of form 1, against what the first seal of form 2 says of them."""
    wanted = _json(row.bounds).get("older_keys")
    if not wanted:
        return
    try:
        found = older_keys(session, row.number - 1)
    except ValueError:
        return  # `_leaves` names the block that cannot be read
    if found != wanted:
        key = f"seal 1..{row.number - 1}"
        yield Fault("seal_leaves_altered", key, expected=str(wanted), found=found)


def _json(told: str) -> dict[str, Any]:
    """An object a seal states; {} where it was changed into none, which `_chain` names."""
    try:
        found = json.loads(told)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _in_order(block: SealBlockRow, keys: Ints, before: int) -> bool:
    """Whether the keys of a block rise, follow those before it, and lie where the block says."""
    if not len(keys):
        return False
    ends = int(keys[0]) >> PART_BITS, int(keys[-1]) >> PART_BITS
    rising = bool((np.diff(keys) > 0).all()) and int(keys[0]) > before
    return rising and ends == (block.first_id, block.last_id)


def _records(
    session: Session, kind: SealedKind, first: int, last: int, newest: SealRow
) -> Iterator[Fault]:
    """The records of a range against their leaves."""
    leaves = sealed_leaves(session, kind, first, last)
    sealed = dict(zip(leaves.keys.tolist(), leaves.hashes, strict=True))
    if kind.live:  # only the last leaf of a load speaks of it as it is
        latest = {key >> PART_BITS: key for key in sealed}
        sealed = {key: sealed[key] for key in latest.values()}
    unsealed: list[tuple[int, int]] = []
    for ident, part, text in record_texts(session, kind, first, last):
        digest = sealed.pop(ident << PART_BITS | part, None)
        if digest is None:
            unsealed.append((ident, part))
        elif digest != leaf_hash(text):
            yield Fault("sealed_altered", *_name(session, kind, ident, part))
    seen = {ident for ident, _ in unsealed} if kind.live else set()
    for key in sealed:
        ident, part = key >> PART_BITS, key & ((1 << PART_BITS) - 1)
        if ident not in seen:
            yield Fault("sealed_missing", *_name(session, kind, ident, part))
    yield from _inserted(session, kind, unsealed, newest)


def _inserted(
    session: Session, kind: SealedKind, unsealed: Sequence[tuple[int, int]], newest: SealRow
) -> Iterator[Fault]:
    """Records no seal holds that must have been there when the newest seal was made.

    They say so by their moment or their number, or speak of who made a record that is sealed.
    """
    if not unsealed or kind.name not in RECORDED:
        return
    bounds = _json(newest.bounds)
    last = bounds.get("last", {"entry": bounds.get("entry", 0)}).get(kind.name, 0)
    beside = _sealed_beside(session, kind, unsealed)
    since = newest.sealed_at - GRACE
    for ident, part, moment, batch in _recorded(session, kind, unsealed):
        if batch is not None and batch in bounds.get("open_batches", ()):
            continue
        if moment < since or ident <= last or (ident << PART_BITS | part) in beside:
            key, records = _name(session, kind, ident, part)
            yield Fault("sealed_inserted", key, records, found=moment.isoformat())


def _sealed_beside(
    session: Session, kind: SealedKind, unsealed: Sequence[tuple[int, int]]
) -> set[int]:
    """Keys of the sealed records whose makers `unsealed` name: both are written at once."""
    of = BY_NAME.get(kind.name.removesuffix("_actor").removesuffix("_signer"), kind)
    if of is kind:
        return set()
    first, last = min(unsealed)[0], max(unsealed)[0]
    return set(sealed_leaves(session, of, first, last).keys.tolist())


def _recorded(
    session: Session, kind: SealedKind, unsealed: Sequence[tuple[int, int]]
) -> Iterator[tuple[int, int, datetime, int | None]]:
    """(id, part, moment it says it was recorded, its import) of records, in order."""
    query, wanted = RECORDED[kind.name], set(unsealed)
    ids = sorted({ident for ident, _ in unsealed})
    ident_of, part_of = query.selected_columns[0], query.selected_columns[1]
    for start in range(0, len(ids), FEW):
        chosen = query.where(ident_of.in_(ids[start : start + FEW])).order_by(ident_of, part_of)
        for ident, part, moment, batch in session.execute(chosen):
            if (ident, part) in wanted:
                yield ident, part, moment, batch


def _name(session: Session, kind: SealedKind, ident: int, part: int) -> tuple[str, list[str]]:
    """Where a fault lies, in words, and the documents it is about."""
    word = kind.name
    if word in ("entry", "entry_actor"):
        query: Any = select(EnterpriseRow.code, EntryRow.doc_no).join(
            EnterpriseRow, EnterpriseRow.id == EntryRow.enterprise_id
        )
        found = session.execute(query.where(EntryRow.id == ident)).first()
        if found is not None:
            return f"{word} {found[0]} {found[1]}", [found[1]]
    elif word in ("load", "event", "event_actor", "revision"):
        number = session.scalar(
            select(ShipmentRow.doc_no).where(ShipmentRow.id == ident)
        ) or session.scalar(
            select(LoadNumberRow.doc_no).where(LoadNumberRow.shipment_id == ident).limit(1)
        )
        which = f" {part}" if word != "load" else ""
        if number:
            return f"{word} {number}{which}", [number]
        return f"{word} {ident}{which}", []
    return f"{word} {ident}", []
