"""Loads by hand are proved by columns, and whatever is wrong with them is named as one by one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import product
from typing import Any

import numpy as np
import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from tests.store.books import NOW, Books, entry, load
from tests.store.live import CEMENT, Gate
from wasteflow.core.booking import Late, merge_late
from wasteflow.core.postings_bulk import BulkRollup, differences, merge
from wasteflow.services import proof_loads
from wasteflow.services.proof import Fault
from wasteflow.services.proof_booking import BookingProof, late_differences
from wasteflow_models import scan
from wasteflow_models.convert import load_keys
from wasteflow_models.ledger import EventRow, ShipmentRow

Proved = tuple[list[Fault], BulkRollup, Late]


@pytest.fixture
def gate(books: Books) -> Gate:
    """Loads by hand: on the road, decided on arrival, weighed first, weighed and part refused."""
    books.entries(entry("O", "opening", "900.000", "2026-01-01", facility="maker.works"))
    gate = Gate(books)
    road, arrived, weighed, parted = (gate.on_road() for _ in range(4))
    assert gate.see(road)["state"] == "in_transit"
    gate.act("decide", CEMENT, arrived, received_t="30.000")
    gate.later(hours=3)
    for uid, refused in ((weighed, "0.000"), (parted, "4.000")):
        gate.act("receive", CEMENT, uid, received_t="29.900")
        gate.later(hours=1)
        told: dict[str, Any] = {"refused_t": refused, "reason": "wet"} if uid == parted else {}
        gate.act("decide", CEMENT, uid, received_t="29.900", **told)
    return gate


class Undo(Exception):
    """Ends a transaction without keeping it."""


def proved(session: Session) -> Proved:
    """Faults, roll-up and late part of every load."""
    faults: list[Fault] = []
    blocks = list(
        proof_loads.prove_loads(session, BookingProof(session, load_keys(session)), faults)
    )
    rollup = merge([posted.rollup for _, posted in blocks])
    return faults, rollup, merge_late([posted.late for _, posted in blocks])


@contextmanager
def one_by_one(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nothing passes by columns."""
    with monkeypatch.context() as patch:
        nothing = lambda header, event: np.zeros(len(header["id"]), bool)  # noqa: E731
        patch.setattr(proof_loads, "plainly_right", nothing)
        yield


def test_loads_by_hand_go_by_columns(gate: Gate, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    slow = scan.loads_of

    def watched(session: Session, ids: list[int]) -> Any:
        asked.extend(ids)
        return slow(session, ids)

    monkeypatch.setattr(scan, "loads_of", watched)
    with gate.books.db.read() as session:
        faults, rollup, _ = proved(session)
        assert (faults, asked) == ([], [])
        with one_by_one(monkeypatch):
            found = proved(session)
        assert found[0] == [] and len(asked) == 4
        assert differences(rollup, found[1]) == []
    gate.books.check()


def test_a_file_cannot_decide_before_the_dispatch(
    gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The day of a decision moved before that of its dispatch, with everything that follows."""
    days = {"dispatched_at": "2026-03-05", "received_at": "2026-03-06"}
    gate.books.loads(load("F", "10.000", "10.000", **days))
    key = sa.select(ShipmentRow.id).where(ShipmentRow.doc_no == "F").scalar_subquery()
    early = NOW.replace(month=3, day=2)
    moved = sa.update(EventRow).where(EventRow.shipment_id == key, EventRow.seq == 2)
    cached = sa.update(ShipmentRow).where(ShipmentRow.doc_no == "F")
    with suppress(Undo), gate.books.db.write() as session:
        session.execute(moved.values(at=early))
        session.execute(cached.values(received_at=early))
        (fault,) = proved(session)[0]
        assert (fault.code, fault.expected) == ("event_arithmetic", ">= 2026-03-05")
        with one_by_one(monkeypatch):
            assert [str(item) for item in proved(session)[0]] == [str(fault)]
        raise Undo


CHANGES: dict[str, Any] = {
    "kind": "reminded",
    "booked_month": 202601,
    "kg": 29_000,
    "input_kg": 29_000,
    "dry_kg": 5,
    "accepted_kg": 7,
    "refused_kg": 7,
    "evidence": 3,
    "at": NOW.replace(month=3),
    "seq": 9,
}


def test_what_is_wrong_is_named_the_same_either_way(
    gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each column of each event of a load weighed first, changed behind the program."""
    row = EventRow
    with gate.books.db.read() as session:
        key = session.scalar(sa.select(sa.func.max(ShipmentRow.id)))
        kinds = sa.select(row.kind).where(row.shipment_id == key).order_by(row.seq)
        assert list(session.scalars(kinds)) == ["issued", "dispatched", "received", "decided"]
    named = set()
    for seq, (column, value) in product(range(1, 5), CHANGES.items()):
        with suppress(Undo), gate.books.db.write() as session:
            where = row.shipment_id == key, row.seq == seq
            session.execute(sa.update(row).where(*where).values(**{column: value}))
            faults, rollup, late = proved(session)
            with one_by_one(monkeypatch):
                again, whole, whole_late = proved(session)
            assert [str(item) for item in faults] == [str(item) for item in again], (seq, column)
            assert differences(rollup, whole) == [] and late_differences(late, whole_late) == []
            named |= {column} if faults else set()
            raise Undo
    assert named == set(CHANGES)
