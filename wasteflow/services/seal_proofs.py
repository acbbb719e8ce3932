"""Proofs that a record is in a seal, for somebody who trusts neither us nor this database."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from wasteflow.core.errors import NotFound, WasteflowError
from wasteflow.core.ids import load_of_uid
from wasteflow.core.seal import Step, leaf_hash, path_of
from wasteflow.services.seals import facts_of, seal_dict
from wasteflow_models.engine import Database
from wasteflow_models.ledger import (
    EntryRow,
    recorded,
)
from wasteflow_models.seal_texts import BY_NAME, SealedKind, record_texts, values_of
from wasteflow_models.seals import PART_BITS, SealRow, blocks_of, blocks_over, leaves_of, seals

OF_LOAD = ("load", "event", "event_actor", "revision")
OF_ENTRY = ("entry", "entry_actor")


def prove_record(*, db: Database, uid: UUID, number: int = 0) -> dict[str, Any]:
    """Proofs of a load (its header, events, actors, revisions) or an entry, by its public id.

    number: proofs out of this seal alone, 0 = wherever each part was sealed.
    Returns {record, kind, head, seals, proofs}: every proof leads to the root of its seal, and the
    chain `seals` from the first of them to the last `head`.
    Raises NotFound `record_unknown`, `record_not_sealed`, `seal_unknown`; WasteflowError
    `record_altered_since`.
    """
    with db.read() as session:
        rows = seals(session)
        if number and number not in {row.number for row in rows}:
            raise NotFound("seal_unknown", number=number)
        word, ident = _record(session, uid)
        proofs = []
        for name in OF_LOAD if word == "shipment" else OF_ENTRY:
            proofs += _proofs(session, BY_NAME[name], ident, number, str(uid))
        if not proofs:
            raise NotFound("record_not_sealed", record=uid, number=number or "")
        first = min(proof["seal"] for proof in proofs)
        chain = [_told(row) for row in rows if row.number >= first]
        return {
            "format": "wasteflow.proof.1",
            "record": str(uid),
            "kind": word,
            "head": rows[-1].head,
            "seals": chain,
            "proofs": proofs,
        }


def kind_of_record(*, db: Database, uid: UUID) -> str:
    """`entry` for the id of an entry there is, `shipment` for any other id."""
    with db.read() as session:
        known = session.scalar(select(EntryRow.id).where(EntryRow.uid == uid, recorded()))
    return "shipment" if known is None else "entry"


def seal_of_record(*, db: Database, uid: UUID) -> dict[str, Any] | None:
    """The newest seal that holds a part of a load or an entry; None while none does."""
    with db.read() as session:
        word, ident = _record(session, uid)
        kind = BY_NAME["load" if word == "shipment" else "entry"]
        newest = 0
        for block in blocks_over(session, kind.number, ident, ident):
            if ident in (leaves_of(block).keys >> PART_BITS):
                newest = max(newest, block.number)
        row = session.get(SealRow, newest) if newest else None
        return seal_dict(row) if row else None


def _record(session: Session, uid: UUID) -> tuple[str, int]:
    """Kind and key of a public id."""
    found = session.scalar(select(EntryRow.id).where(EntryRow.uid == uid, recorded()))
    if found is not None:
        return "entry", found
    ref = load_of_uid(uid)
    if ref is None or ref.number:
        raise NotFound("record_unknown", value=uid)
    return "shipment", ref.key


def _told(row: SealRow) -> dict[str, Any]:
    return seal_dict(row) | {"text": facts_of(row).text}


def _proofs(
    session: Session, kind: SealedKind, ident: int, number: int, record: str
) -> list[dict[str, Any]]:
    """Proofs of the parts of a record of one kind that are as they were sealed."""
    forms = {row.number: row.form for row in seals(session)}
    texts = {part: text for _, part, text in record_texts(session, kind, ident, ident)}
    found: dict[int, dict[str, Any]] = {}
    for block in blocks_over(session, kind.number, ident, ident):
        if number and block.number != number:
            continue
        held = leaves_of(block)
        for place, key in enumerate(held.keys.tolist()):
            part = key & ((1 << PART_BITS) - 1)
            if key >> PART_BITS != ident or part not in texts:
                continue
            text = texts[part]
            if leaf_hash(text) != held.hashes[place]:
                raise WasteflowError("record_altered_since", record=record)
            roots = [item.root for item in blocks_of(session, block.number)]
            keys = [] if forms[block.number] == 1 else [Step(True, held.keyed)]
            steps = [*path_of(held.hashes, place), *keys, *path_of(roots, block.block)]
            found[part] = {
                "kind": kind.name,
                "part": part,
                "text": text,
                "values": values_of(kind, text),
                "seal": block.number,
                "path": [
                    {"side": "left" if step.left else "right", "hash": step.digest.hex()}
                    for step in steps
                ],
            }
    return [found[part] for part in sorted(found)]
