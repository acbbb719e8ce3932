"""Seals themselves: changed, dropped, their leaves relabelled; made while others write."""

from __future__ import annotations

import json
import zlib
from threading import Event, Thread
from typing import Any

import numpy as np
import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from tests.store.books import NOW, Books, entry, load
from tests.store.live import Gate
from tests.store.sealing import LATER, codes, faults, tampered
from wasteflow.core.errors import WasteflowError
from wasteflow.core.seal import root_of
from wasteflow.services import seals as service
from wasteflow.services.proof_seals import seal_faults
from wasteflow.services.seals import GUARD, facts_of, guard_of, list_seals, seal_books
from wasteflow_models.accounts import SecretRow
from wasteflow_models.seal_texts import BY_NAME
from wasteflow_models.seals import PART_BITS, SealBlockRow, SealRow, drop_blocks_after, leaves_of
from wasteflow_models.seals import seals as list_rows


def test_seals_and_their_leaves_are_sealed_too(sealed: Books) -> None:
    sealed.loads(load("NEW", "30.000", "30.000"))
    done = seal_books(db=sealed.db, now=LATER)
    assert done is not None and faults(sealed, done["head"][:12]) == []
    changes = {
        "form": "1",
        "prev_head": "'" + "1" * 64 + "'",
        "root": "'" + "1" * 64 + "'",
        "head": "'" + "1" * 64 + "'",
        "count": "count + 1",
        "counts": "counts || ' '",
        "bounds": "bounds || ' '",
        "sealed_at": "'2026-01-01 00:00:00.000000+00:00'",
        "sealed_by": "'x'",
    }
    assert set(changes) == {column.name for column in SealRow.__table__.c} - {"number"}
    for name, value in changes.items():
        with tampered(sealed) as session:
            session.execute(sa.text(f"UPDATE seal SET {name} = {value} WHERE number = 1"))
            seen = [(fault.code, fault.key) for fault in seal_faults(session)]
            assert ("seal_altered", "seal 1") in seen, name
    with tampered(sealed) as session:
        session.execute(sa.text("DELETE FROM seal WHERE number = 1"))
        assert "seal_missing" in codes(session)
    for statement in (
        "UPDATE seal_block SET number = 9 WHERE number = 1 AND block = 0",
        "DELETE FROM seal_block WHERE number = 1 AND block = 1",
    ):
        with tampered(sealed) as session:
            session.execute(sa.text(statement))
            assert "seal_root_broken" in codes(session)
    with tampered(sealed) as session:
        row = session.get(SealBlockRow, (1, 1))
        assert row is not None
        row.hashes = bytes([row.hashes[0] ^ 1]) + row.hashes[1:]
        session.flush()
        assert {"seal_leaves_altered", "sealed_altered"} <= codes(session)
    _drop_the_last(sealed, done["head"])


def _drop_the_last(sealed: Books, head: str) -> None:
    """The last seal gone: from the table, with its guard, and with a guard forged."""
    with tampered(sealed) as session:
        session.execute(sa.text("DELETE FROM seal WHERE number = 2"))
        session.execute(sa.text("DELETE FROM seal_block WHERE number = 2"))
        assert codes(session) == {"seal_dropped"}
        session.execute(sa.delete(SecretRow).where(SecretRow.name == GUARD))
        assert codes(session) == {"seal_forgotten"}
    with tampered(sealed) as session:  # by somebody who knows the secrets: only a witness tells
        session.execute(sa.text("DELETE FROM seal WHERE number = 2"))
        session.execute(sa.text("DELETE FROM seal_block WHERE number = 2"))
        last = session.get(SealRow, 1)
        assert last is not None
        session.merge(SecretRow(name=GUARD, value=guard_of(session, last)))
        session.flush()
        assert codes(session) == set()
        assert [x.code for x in seal_faults(session, [head])] == ["seal_unknown_head"]


def _relabel_the_last_load(session: Session) -> str:
    """Change a load and give its leaf a key that nobody looks for; its number.

    Keys still rise, lie where their block says and add up by kind.
    """
    block = session.scalars(
        sa.select(SealBlockRow).where(
            SealBlockRow.number == 1, SealBlockRow.kind == BY_NAME["load"].number
        )
    ).one()
    keys = leaves_of(block).keys.copy()
    keys[-1] -= 1
    steps = np.diff(keys, prepend=np.int64(0)).astype("<i8")
    block.leaves = zlib.compress(steps.tobytes())
    session.flush()
    number = int(keys[-1]) >> PART_BITS
    session.execute(sa.text(f"UPDATE shipment SET remark = 'x' WHERE id = {number}"))
    return f"seal 1 block {block.block}"


def _as_form_1(session: Session) -> SealRow:
    """Make the first seal one of form 1, with its chain and its guard."""
    row = session.get(SealRow, 1)
    assert row is not None
    roots = []
    for block in session.scalars(sa.select(SealBlockRow).order_by(SealBlockRow.block)):
        block.root = root_of(leaves_of(block).hashes)
        roots.append(block.root)
    row.form, row.root = 1, root_of(roots).hex()
    row.bounds = json.dumps({"entry": json.loads(row.bounds)["last"]["entry"], "open_batches": []})
    row.head = facts_of(row).head
    session.merge(SecretRow(name=GUARD, value=guard_of(session, row)))
    session.flush()
    return row


def test_a_leaf_cannot_be_given_another_key(sealed: Books) -> None:
    """Form 1 did not see it; form 2 does, and its first seal looks after those of form 1."""
    with tampered(sealed) as session:
        named = _relabel_the_last_load(session)
        assert ("seal_leaves_altered", named) in {(x.code, x.key) for x in seal_faults(session)}
    with tampered(sealed) as session:
        head = _as_form_1(session).head
        assert facts_of(list_rows(session)[0]).text.startswith("seal.1\n")
        assert seal_faults(session, [head]) == []  # older seals stay verifiable
        _relabel_the_last_load(session)
        assert seal_faults(session) == []  # the weakness
    with sealed.db.write() as session:
        _as_form_1(session)
    sealed.loads(load("NEW", "30.000", "30.000"))
    assert seal_books(db=sealed.db, now=LATER) is not None and faults(sealed) == []
    with tampered(sealed) as session:
        older = session.get(SealRow, 1)
        assert older is not None and older.form == 1
        _relabel_the_last_load(session)
        assert ("seal_leaves_altered", "seal 1..1") in {
            (fault.code, fault.key) for fault in seal_faults(session)
        }


def test_a_seal_whose_blocks_another_dropped_is_not_made(
    books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that lost its turn and does not know it makes no seal over blocks that are gone."""
    books.entries(entry("O", "opening", "90.000"))
    monkeypatch.setattr(service, "WRITTEN", 1)
    finish = service._Writing.finish

    def late(self: Any, *told: Any) -> Any:
        with books.db.write() as session:
            drop_blocks_after(session, 0)
        return finish(self, *told)

    with monkeypatch.context() as patch:
        patch.setattr(service._Writing, "finish", late)
        with pytest.raises(WasteflowError, match="another process"):
            seal_books(db=books.db, now=NOW)
    assert list_seals(db=books.db) == []
    assert seal_books(db=books.db, now=NOW) is not None and faults(books) == []


def test_seals_leave_no_gap_while_writers_go_on(books: Books) -> None:
    """Loads and entries come all the time; after one more seal every one of them has its leaf."""
    gate = Gate(books)
    stop = Event()

    def write() -> None:
        number = 0
        while not stop.is_set():
            number += 1
            gate.on_road()
            books.entries(entry(f"E{number}", "generation", "1.000"))

    writer = Thread(target=write)
    writer.start()
    try:
        made = 0
        while made < 3:
            assert writer.is_alive()
            made += seal_books(db=books.db, now=NOW) is not None
    finally:
        stop.set()
        writer.join()
    assert faults(books) == []
    seal_books(db=books.db, now=NOW)
    sealed: dict[str, int] = {}
    for row in list_seals(db=books.db):
        for kind, count in row["counts"].items():
            sealed[kind] = sealed.get(kind, 0) + count
    with books.db.read() as session:
        for kind in ("event", "entry", "event_actor"):
            query = sa.select(sa.func.count()).select_from(BY_NAME[kind].table)
            assert sealed[kind] == session.scalar(query), kind
    assert faults(books) == []
