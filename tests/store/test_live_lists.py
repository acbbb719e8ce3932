"""Lists, inbox, the list of changes, entries, and what check finds beside live loads."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa

from tests.store.books import NOW, Books, entry, load
from tests.store.live import (
    CEMENT,
    HAULIER,
    MAKER,
    MAKER_GATE,
    PARK,
    PLANNER,
    TRADER,
    Gate,
    person,
)
from wasteflow.core.actors import Actor, Role
from wasteflow.core.errors import InvalidValue, RuleBroken, WasteflowError
from wasteflow.core.permissions import Denied
from wasteflow.services.live import listing
from wasteflow.services.live.entries import reverse_entry
from wasteflow.services.live.inbox import inbox
from wasteflow.services.live.listing import LoadFilter
from wasteflow.services.proof import Fault
from wasteflow.services.proof_booking import BookingProof
from wasteflow.services.proof_live import prove_live
from wasteflow.services.proof_loads import prove_loads
from wasteflow_models import migrate
from wasteflow_models.convert import load_keys
from wasteflow_models.ledger import EntryRow, EventRow, ShipmentRow
from wasteflow_models.live import ChangeRow, EventActorRow, LoadDraftRow, LoadHandedRow, RevisionRow


@pytest.fixture
def gate(books: Books) -> Gate:
    """Live services; maker has stock."""
    books.entries(entry("O", "opening", "900.000", "2026-01-01", facility="maker.works"))
    return Gate(books)


def listed(gate: Gate, actor: Actor, wanted: LoadFilter, name: str) -> list[str]:
    """One column of a list."""
    found = listing.list_loads(db=gate.books.db, actor=actor, wanted=wanted)
    return [item[name] for item in found["items"]]


def test_pages_of_a_list_hold_still(gate: Gate) -> None:
    db = gate.books.db
    made = [str(gate.issued()) for _ in range(5)]
    first = listing.list_loads(db=db, actor=MAKER, limit=2)
    extra = str(gate.issued())
    second = listing.list_loads(db=db, actor=MAKER, limit=2, cursor=first["next"])
    third = listing.list_loads(db=db, actor=MAKER, limit=2, cursor=second["next"])
    seen = [item["id"] for page in (first, second, third) for item in page["items"]]
    assert seen == list(reversed(made)) and third["next"] is None and extra not in seen
    with pytest.raises(InvalidValue):
        listing.list_loads(db=db, actor=MAKER, cursor="x")
    with pytest.raises(InvalidValue):
        listing.list_loads(db=db, actor=MAKER, wanted=LoadFilter(state="gone"))
    count = {
        actor.login: len(listing.list_loads(db=db, actor=actor)["items"])
        for actor in (MAKER, CEMENT, TRADER, PARK, PLANNER, HAULIER)
    }
    assert count == {"user1": 6, "user2": 6, "user10": 0, "user4": 6, "user11": 6, "user5": 6}
    system = person(99, Role.SYSTEM_ADMIN, "")
    assert len(listing.list_loads(db=db, actor=system)["items"]) == 6
    gate.later(minutes=5)
    gate.act("dispatch", MAKER, UUID(made[1]))
    changed = LoadFilter(updated_after=gate.now - timedelta(minutes=1))
    assert listed(gate, CEMENT, changed, "id") == [made[1]]
    gate.books.loads(load("F1", "30.000", "30.000"))
    older = LoadFilter(updated_after=NOW - timedelta(days=1), party="cement", state="accepted")
    assert listed(gate, MAKER, older, "doc_no") == ["F1"]


def test_the_inbox_names_who_owes_what(gate: Gate) -> None:
    db = gate.books.db
    road = gate.on_road()
    disputed = gate.decided("20.000")
    revised = gate.decided()
    gate.revise(MAKER, revised, dispatched_t="31.000")
    due = {(item["move"], item["load"]["id"]) for item in inbox(db=db, actor=CEMENT)}
    assert due == {("decide", str(road)), ("approve", str(revised))}
    assert {(item["move"], item["load"]["id"]) for item in inbox(db=db, actor=MAKER)} == {
        ("acknowledge", str(disputed))
    }
    assert inbox(db=db, actor=TRADER) == []
    waiting = LoadFilter(state="waiting")
    assert listed(gate, CEMENT, waiting, "id") == [str(revised), str(road)]
    assert listed(gate, MAKER, waiting, "id") == [str(disputed)]
    assert listed(gate, MAKER, LoadFilter(state="waiting", party="nobody"), "id") == []
    assert listed(gate, PARK, waiting, "id") == []
    gate.books.loads(load("F9", "30.000", "20.000"))  # a file may bring a dispute, too
    numbers = {item["load"]["doc_no"] for item in inbox(db=db, actor=MAKER)}
    assert "F9" in numbers and len(numbers) == 2
    with pytest.raises(Denied):
        inbox(db=db, actor=None)


def test_every_change_is_listed_once_for_its_parties(gate: Gate) -> None:
    uid = gate.decided()
    with gate.books.db.read() as session:
        moves = sa.select(ChangeRow).where(ChangeRow.kind == "shipment").order_by(ChangeRow.id)
        rows = session.scalars(moves).all()
        assert [(row.action, row.ref) for row in rows] == [
            (action, str(uid)) for action in ("drafted", "issued", "dispatched", "decided")
        ]
        assert [row.organisations for row in rows] == [
            ";maker;", *[";cement;maker;carrier:快运;"] * 3,
        ]  # fmt: skip


def test_an_entry_is_reversed_by_its_firm(gate: Gate) -> None:
    gate.books.entries(entry("G", "generation", "90.000"))
    with gate.books.db.read() as session:
        uid = session.scalars(sa.select(EntryRow.uid).where(EntryRow.doc_no == "G")).one()
    common: dict[str, Any] = {"db": gate.books.db, "uid": uid, "reason": "重复", "now": NOW}
    with pytest.raises(Denied):
        reverse_entry(actor=CEMENT, **common)
    assert reverse_entry(actor=MAKER, **common)["state"] == "reversed"
    with pytest.raises(RuleBroken, match="already"):
        reverse_entry(actor=MAKER, **common)
    gate.books.check()


TAMPERED: list[tuple[Any, dict[str, Any], str]] = [
    (ShipmentRow, {"dispatched_kg": 29_999}, "fold_mismatch"),
    (ShipmentRow, {"state": "draft"}, "draft_mismatch"),
    (LoadDraftRow, {"consignee_id": 9}, "draft_mismatch"),
    (EventActorRow, {"seq": 77}, "actor_missing"),
    (LoadHandedRow, {"carrier": "别家"}, "handed_over_mismatch"),
    (RevisionRow, {"after": '{"loads": "3"}'}, "revision_mismatch"),
    (RevisionRow, {"status": "refused"}, "revision_mismatch"),
    (EventRow, {"booked_month": 202601}, "booking_month"),
]


class Undo(Exception):
    """Ends a transaction without keeping it."""


def test_check_names_what_was_changed_behind_the_program(gate: Gate) -> None:
    uid = gate.on_road()
    gate.act("hand_over", HAULIER, uid, carrier="慢运")
    gate.act("decide", CEMENT, uid, received_t="30.000", refused_t="0.000")
    gate.answer("approve", CEMENT, gate.revise(MAKER, uid, loads="2"))
    gate.books.check()
    for table, change, code in TAMPERED:
        with suppress(Undo), gate.books.db.write() as session:
            key = sa.select(sa.func.max(ShipmentRow.id)).scalar_subquery()
            named = table.id if table is ShipmentRow else table.shipment_id
            where = [named == key] + ([table.seq == 2] if hasattr(table, "seq") else [])
            session.execute(sa.update(table).where(*where).values(**change))
            keys = load_keys(session)
            faults: list[Fault] = []
            for _ in prove_loads(session, BookingProof(session, keys), faults):
                pass
            found = {fault.code for fault in [*faults, *prove_live(session, keys)]}
            assert code in found, (table, change, found)
            raise Undo
    gate.books.check()


def test_going_up_finds_in_the_events_who_handed_loads_over(gate: Gate) -> None:
    uid, url, row = gate.on_road(), gate.books.db.url, LoadHandedRow
    for carrier in ("慢运", "快运", "慢运"):
        gate.act("hand_over", MAKER_GATE, uid, carrier=carrier)

    def kept() -> list[str]:
        with gate.books.db.read() as session:
            return list(session.scalars(sa.select(row.carrier).order_by(row.carrier)))

    before = kept()
    gate.books.db.dispose()
    migrate.downgrade(url, migrate._revisions()["0028"])
    migrate.upgrade(url)
    assert kept() == before == sorted(["快运", "慢运"])
    gate.books.check()


def test_going_down_below_live_loads_is_refused(gate: Gate) -> None:
    """Law: the program before would have to throw them away, so nothing changes at all."""
    uid, url = gate.on_road(), gate.books.db.url
    gate.books.db.dispose()
    with pytest.raises(WasteflowError, match="would be lost"):
        migrate.downgrade(url, "0006")
    assert migrate.current(url) == migrate.head()
    assert gate.see(uid)["state"] == "in_transit"
    gate.books.check()
