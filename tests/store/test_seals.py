"""Seals: every column of every sealed record, records gone, come, exchanged or slipped in."""

from __future__ import annotations

import re
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from tests.store.books import Books
from tests.store.live import CEMENT, Gate
from tests.store.sealing import LATER, faults, first_key, tampered
from wasteflow.core.seal import canonical
from wasteflow.services.proof import Fault
from wasteflow.services.proof_seals import seal_faults
from wasteflow.services.seals import latest_root, list_seals, seal_books
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


INSERTS = (
    # (kind, what is copied or changed beneath the seal)
    ("batch_signer", "INSERT INTO batch_signer SELECT min(id), 'maker' FROM batch"),
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
