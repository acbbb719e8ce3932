"""Seals: every column of every sealed record, records gone, come or exchanged, seals changed."""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from threading import Event, Thread
from typing import Any

import numpy as np
import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from tests.store.books import NOW, Books, child, entry, load
from tests.store.live import CEMENT, MAKER, Gate
from wasteflow.core.errors import WasteflowError
from wasteflow.core.seal import canonical, root_of
from wasteflow.services import seals as service
from wasteflow.services.attachments import NewAttachment, add_attachment
from wasteflow.services.closing import close_month, reopen_month
from wasteflow.services.live.entries import reverse_entry
from wasteflow.services.product_objects import reverse_output
from wasteflow.services.proof import Fault
from wasteflow.services.proof_seals import seal_faults
from wasteflow.services.seals import GUARD, facts_of, guard_of, latest_root, list_seals, seal_books
from wasteflow_models.accounts import SecretRow
from wasteflow_models.base import UtcMoment
from wasteflow_models.ledger import EntryRow
from wasteflow_models.seal_texts import (
    BY_NAME,
    KINDS,
    MOST,
    SealedKind,
    record_texts,
    values_of,
)
from wasteflow_models.seals import PART_BITS, SealBlockRow, SealRow, drop_blocks_after, leaves_of
from wasteflow_models.seals import seals as list_rows

LATER = NOW + timedelta(hours=1)
OUTPUT = {"enterprise": "maker", "product": "P2O5", "date": "2026-03-01", "tonnes": "9"}


@pytest.fixture
def sealed(books: Books) -> Books:
    """Books with a record of every kind, sealed."""
    gate = Gate(books)
    books.entries(
        entry("O", "opening", "50.000", day="2026-01-01", year_generated="2025"),
        entry("G", "generation", "90.000", facility="maker.works", moisture_pct="20"),
        entry("U", "use", "5.000", route="retarder"),
    )
    books.loads(*(load(f"L{number}", "30.000", "29.900", vehicle="云A1") for number in range(3)))
    books.loads(load("P", "30.000", "20.000", refused_t="10.000"), child("R", "P", "6.000"))
    books.take("products", OUTPUT, OUTPUT | {"date": "2026-03-02"})
    told: dict[str, Any] = {"db": books.db, "actor": MAKER, "now": NOW}
    with books.db.read() as session:
        uid = session.scalars(sa.select(EntryRow.uid).where(EntryRow.doc_no == "U")).one()
    reverse_entry(**told, uid=uid, reason="重复")
    reverse_output(**told, name="maker/P2O5/2026-03-02", reason="重复", address="")
    uid = gate.decided()
    gate.answer("approve", CEMENT, gate.revise(MAKER, uid, dispatched_t="29.950"))
    gate.on_road(vehicle="云B·1")
    gate.draft()
    document = NewAttachment("shipment", str(uid), b"%PDF-1", "application/pdf", "磅单.pdf")
    add_attachment(db=books.db, folder=books.folder, document=document, actor=MAKER, now=NOW)
    close_month(db=books.db, enterprise="maker", month=202601, now=NOW)
    reopen_month(db=books.db, enterprise="maker", month=202601, reason="漏记", now=NOW)
    assert seal_books(db=books.db, now=NOW + timedelta(minutes=1), by="test") is not None
    assert faults(books) == []
    return books


def faults(books: Books, *witnesses: str) -> list[Fault]:
    """What the seals say."""
    with books.db.read() as session:
        return seal_faults(session, witnesses)


@contextmanager
def tampered(books: Books) -> Iterator[Session]:
    """A transaction behind the program's back that is thrown away at the end."""
    with books.db.connection() as connection:
        if books.db.is_sqlite:
            connection.exec_driver_sql("ROLLBACK")
            connection.exec_driver_sql("PRAGMA foreign_keys=OFF")
            connection.exec_driver_sql("BEGIN")
        else:
            connection.exec_driver_sql("BEGIN")
            connection.exec_driver_sql("SET LOCAL session_replication_role = replica")
        with Session(connection) as session:
            yield session
            session.rollback()
        if books.db.is_sqlite:
            connection.rollback()
            connection.exec_driver_sql("PRAGMA foreign_keys=ON")


def codes(session: Session) -> set[str]:
    """Codes of the faults seen in a transaction."""
    return {fault.code for fault in seal_faults(session)}


def first_key(session: Session, kind: SealedKind) -> str:
    """SQL that picks the first sealed record of a kind."""
    ident, part, _ = next(record_texts(session, kind, 0, MOST))
    alias = kind.ident.removeprefix("t.")
    where = f"{alias} = {ident}"
    if kind.part.startswith("t."):
        where += f" AND {kind.part.removeprefix('t.')} = {part}"
    return where


GOLDEN_ENTRY = (
    "entry.1\n2\nUID\n7\n1:G\n5:maker\n11:maker.works\n10:generation\n2:pg\n-\n"
    "10:2026-03-01\n202603\n202603\n90000\n90000\n72000\n3:wet\n20000\n8:measured\n4:site\n"
    "-\n-\n0\n1\n-\n0\n-\n0:\n0:\n0:\n-5518752915739705413\n26:2026-11-21 04:00:00.000000\n"
)
CASES = [(kind, name) for kind in KINDS for name in kind.columns]


def other(kind: SealedKind, name: str, found: Any) -> str:
    """SQL of another value for a column, as little different as can be."""
    column = kind.table.__table__.c[name]
    if isinstance(column.type, sa.Boolean):
        return f"NOT {name}"
    if isinstance(column.type, sa.Uuid | sa.Uuid):
        text = str(found).replace("-", "")
        return f"'{'f' if text[0] != 'f' else 'e'}{text[1:]}'"  # those of a batch follow each other
    if isinstance(column.type, sa.Date):
        return "'2026-02-28'"
    if isinstance(column.type, UtcMoment):
        return "'2026-02-28 00:00:00.000001+00:00'"
    if isinstance(column.type, sa.String | sa.Text):
        return f"'~' || substr({name}, 2)" if found else "'x'"
    step = 5000 if name.endswith("id") else 7 if name in ("seq", "number") else 1
    return f"coalesce({name}, 0) + {step}"


def test_every_column_of_every_kind_is_sealed(sealed: Books) -> None:
    """Each value of the first record of each kind, changed as little as can be, is named."""
    _both_databases_make_the_same_text(sealed)
    with sealed.db.read() as session:
        counts = list_seals(db=sealed.db)[0]["counts"]
        assert set(counts) == {kind.name for kind in KINDS}
    for kind, name in CASES:
        table = kind.table.__tablename__
        with tampered(sealed) as session:
            where = first_key(session, kind)
            found = session.execute(
                sa.text(f"SELECT {name} FROM {table} WHERE {where}")
            ).scalar_one()
            session.execute(
                sa.text(f"UPDATE {table} SET {name} = {other(kind, name, found)} WHERE {where}")
            )
            seen = seal_faults(session, kinds=[kind])
            hits = [fault for fault in seen if fault.key.split()[0] == kind.name]
            assert hits, (kind.name, name, seen)
            assert {fault.code for fault in hits} <= {
                "sealed_altered", "sealed_missing", "sealed_inserted"
            }  # fmt: skip


def _both_databases_make_the_same_text(sealed: Books) -> None:
    """Golden texts: blanks, Chinese, moments, truth values and the identity of a load."""
    with sealed.db.read() as session:
        entries = {text.split("\n")[4]: text for _, _, text in
                   record_texts(session, BY_NAME["entry"], 0, MOST)}  # fmt: skip
        events = {(ident, part): text for ident, part, text in
                  record_texts(session, BY_NAME["event"], 0, MOST)}  # fmt: skip
    text = entries["1:G"]
    uid = text.split("\n")[2]
    assert re.fullmatch("32:[0-9a-f]{32}", uid)
    assert text.replace(uid, "UID").split("\n") == GOLDEN_ENTRY.split("\n")
    assert values_of(BY_NAME["entry"], text)["facility_id"] == "maker.works"
    first = values_of(BY_NAME["event"], events[min(events)])
    assert (first["load.doc_no"], first["load.consignee_id"]) == ("L0", "cement")
    assert canonical("event.1", first.values()) == events[min(events)]
    later = values_of(BY_NAME["event"], events[min(events)[0], 2])
    assert "load.doc_no" not in later and later["accepted_kg"] == 29900


def test_records_gone_come_and_exchanged_are_named(sealed: Books) -> None:
    for kind in KINDS:
        with tampered(sealed) as session:
            where = first_key(session, kind)
            session.execute(sa.text(f"DELETE FROM {kind.table.__tablename__} WHERE {where}"))
            names = {fault.key.split()[0] for fault in seal_faults(session)
                     if fault.code == "sealed_missing"}  # fmt: skip
            assert kind.name in names
    with tampered(sealed) as session:  # two loads and two entries exchanged
        for table in ("shipment", "entry"):
            one, two = session.execute(
                sa.text(f"SELECT id FROM {table} ORDER BY id LIMIT 2")
            ).scalars()
            spare = one + 5000
            for old, new in ((one, spare), (two, one), (spare, two)):
                session.execute(sa.text(f"UPDATE {table} SET id = {new} WHERE id = {old}"))
        named = [fault.key for fault in seal_faults(session) if fault.code == "sealed_altered"]
        assert {"load L0", "load L1", "entry maker O", "entry maker G"} <= set(named)
    with tampered(sealed) as session:  # an entry and an event slipped in, dated back
        copied = [column.name for column in EntryRow.__table__.c]
        values = {"id": "-5", "uid": f"'{'0' * 32}'", "doc_no": "'FORGED'"}
        shown = ", ".join(values.get(name, name) for name in copied)
        session.execute(
            sa.text(
                f"INSERT INTO entry ({', '.join(copied)}) SELECT {shown} FROM entry "
                "WHERE doc_no = 'G'"
            ).bindparams()
        )
        session.execute(sa.text("UPDATE entry SET id = 99999 WHERE id = -5"))
        session.execute(
            sa.text(
                "INSERT INTO event SELECT shipment_id, 9, batch_id, kind, at, booked_month, kg,"
                " input_kg, dry_kg, accepted_kg, refused_kg, basis, moisture, weighed,"
                " evidence, reason, recorded_at - 86400 FROM event WHERE seq = 2 AND"
                " shipment_id = (SELECT min(shipment_id) FROM event)"
            )
        )
        session.execute(sa.text("UPDATE entry SET recorded_at = '2026-03-01 00:00:00.000000+00' "
                                "WHERE id = 99999"))  # fmt: skip
        found = {(fault.code, fault.key) for fault in seal_faults(session)}
        assert {
            ("sealed_inserted", "entry maker FORGED"),
            ("sealed_inserted", "event L0 9"),
        } <= found


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


INSERTS = (
    # (kind, what is copied or changed beneath the seal)
    ("entry_actor", "INSERT INTO entry_actor SELECT min(id), 7, 0, 'x', '', 'api' FROM entry"),
    (
        "event_actor",
        "INSERT INTO event_actor SELECT shipment_id, 1, 7, 0, 'x', '', '', 'api', '' FROM event"
        " WHERE seq = 1 AND batch_id IS NOT NULL ORDER BY shipment_id LIMIT 1",
    ),
    (
        "revision",
        "INSERT INTO revision SELECT shipment_id, 9, NULL, status, annuls, organisation, user_id,"
        " token_id, reason, before, after, proposed_at, closed_at - 86400, event_seq FROM revision",
    ),
)
OLD = "'2026-01-01 00:00:00.000000+00:00'"
COPIES: tuple[tuple[str, dict[str, str]], ...] = (
    ("product", {"id": "90000", "recorded_at": OLD, "day": "'2026-03-03'"}),
    ("product", {"id": "0", "day": "'2026-03-03'"}),
    ("month_close", {"id": "90000", "closed_at": OLD, "month": "202512"}),
    ("month_close", {"id": "0", "month": "202512"}),
    ("month_reopening", {"id": "90000", "reopened_at": OLD, "month": "202512"}),
    ("attachment", {"id": "90000", "at": OLD, "uid": "'x'", "ref": "'x'"}),
    ("attachment", {"id": "0", "uid": "'x'", "ref": "'x'"}),
    ("batch", {"id": "90000", "recorded_at": OLD}),
    ("batch", {"id": "0"}),
)
"""(kind, what differs from the first record of its table): dated or numbered back."""


def test_records_slipped_in_beneath_a_seal_are_named(sealed: Books) -> None:
    """Of every kind: makers beside sealed records, and what is dated or numbered back."""
    for name, statement in INSERTS:
        with tampered(sealed) as session:
            session.execute(sa.text(statement))
            assert _inserted(session, name), name
    for name, values in COPIES:
        table = BY_NAME[name].table.__table__
        names = [column.name for column in table.c]
        shown = ", ".join(values.get(column, column) for column in names)
        with tampered(sealed) as session:
            session.execute(
                sa.text(
                    f"INSERT INTO {table} ({', '.join(names)}) SELECT {shown} FROM {table} "
                    f"WHERE id = (SELECT min(id) FROM {table})"
                )
            )
            assert _inserted(session, name), (name, values)


def _inserted(session: Session, name: str) -> list[Fault]:
    """Faults of records slipped in, of a kind."""
    return [
        fault
        for fault in seal_faults(session, kinds=[BY_NAME[name]])
        if fault.code == "sealed_inserted" and fault.key.split()[0] == name
    ]


def test_later_moves_are_sealed_by_the_next_seal(sealed: Books) -> None:
    """A load that goes on after a seal stays sound, before and after the next one."""
    assert seal_books(db=sealed.db, now=LATER) is None  # nothing new
    gate = Gate(sealed, now=LATER)
    uid = gate.on_road()
    assert seal_books(db=sealed.db, now=LATER) is not None
    gate.later(hours=1)
    gate.act("decide", CEMENT, uid, received_t="30.000", refused_t="0.000")
    assert faults(sealed) == []
    done = seal_books(db=sealed.db, now=gate.now)
    assert done is not None and done["counts"] == {"event": 1, "event_actor": 1, "load": 1}
    assert faults(sealed) == []
    with sealed.db.read() as session:
        newest, before = latest_root(session), latest_root(session, LATER)
    assert newest is not None and before is not None
    assert (newest["number"], before["number"]) == (3, 1)
    assert newest["head"] == done["head"]


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
