"""Ways of a load: drafts, refused parts, silent partners, conveyors, lists, inbox, changes."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa

from tests.store.books import NOW, Books, child, entry, load
from tests.store.live import (
    BOARD,
    CEMENT,
    HAULIER,
    MAKER,
    PARK,
    PLANNER,
    TRADER,
    Gate,
    person,
)
from wasteflow.core.actors import Actor, Role
from wasteflow.core.errors import FieldsRefused, InvalidValue, RuleBroken
from wasteflow.core.permissions import Denied
from wasteflow.services.live import reading
from wasteflow.services.live.entries import reverse_entry
from wasteflow.services.live.inbox import inbox, open_refusals
from wasteflow.services.live.reading import LoadFilter
from wasteflow.services.live.views import Outcome
from wasteflow.services.proof import Fault
from wasteflow.services.proof_booking import BookingProof
from wasteflow.services.proof_live import prove_live
from wasteflow.services.proof_loads import prove_loads
from wasteflow_models.convert import load_keys
from wasteflow_models.ledger import EntryRow, EventRow, ShipmentRow
from wasteflow_models.live import ChangeRow, EventActorRow, LoadDraftRow, RevisionRow


@pytest.fixture
def gate(books: Books) -> Gate:
    """Live services; maker has stock."""
    books.entries(entry("O", "opening", "900.000", "2026-01-01", facility="maker.works"))
    return Gate(books)


def codes(caught: pytest.ExceptionInfo[FieldsRefused]) -> list[tuple[str, str]]:
    """(pointer, code) of every refused field."""
    return [(issue.pointer, issue.code) for issue in caught.value.issues]


def warned(done: Outcome) -> list[str]:
    """Codes of the warnings of a move."""
    return [item.code for item in done.warnings]


# --- drafts --------------------------------------------------------------------------------


def test_a_draft_is_one_partys_paper(gate: Gate) -> None:
    """It needs a party of one's own, binds nobody, and no report, list or export sees it."""
    db = gate.books.db
    with pytest.raises(FieldsRefused) as caught:
        gate.draft(consignor="", consignee="", dispatched_t="1.2345", colour="x")
    assert codes(caught) == [("/dispatched_t", "too_many_places"), ("/colour", "field_unknown")]
    with pytest.raises(FieldsRefused) as caught:
        gate.draft(consignor="", consignee="")
    assert codes(caught) == [("/consignor", "own_party_missing")]
    with pytest.raises(Denied):
        gate.draft(BOARD)
    before = gate.books.rollup()
    uid = gate.draft(route="", mode="", doc_no="D-1")
    with pytest.raises(Denied):
        gate.see(uid, CEMENT)
    for actor in (PARK, PLANNER, HAULIER):
        with pytest.raises(Denied):
            gate.see(uid, actor)
    assert reading.list_loads(db=db, actor=MAKER)["items"] == []
    drafts = LoadFilter(state="draft")
    assert len(reading.list_loads(db=db, actor=MAKER, wanted=drafts)["items"]) == 1
    assert reading.list_loads(db=db, actor=CEMENT, wanted=drafts)["items"] == []
    with pytest.raises(FieldsRefused) as caught:
        gate.act("issue", MAKER, uid)
    assert codes(caught) == [("/route", "missing_value"), ("/mode", "missing_value")]
    gate.books.loads(load("D-1", "30.000"))  # the number was not claimed
    gate.act("edit", MAKER, uid, route="retarder", mode="road")
    with pytest.raises(FieldsRefused) as caught:
        gate.act("issue", MAKER, uid)
    assert codes(caught) == [("/doc_no", "doc_no_taken")]
    assert gate.see(uid)["version"] == 2
    gate.act("edit", MAKER, uid, doc_no="")
    gate.books.check()
    gate.delete(MAKER, uid)
    with pytest.raises(Denied):
        gate.see(uid)
    assert {key: kg for key, kg in gate.books.rollup().items() if key[0] != 202603} == before
    gate.books.check()


REFUSED_AT_ISSUE: list[tuple[dict[str, Any], tuple[str, str]]] = [
    ({"route": "plaster"}, ("/route", "route_does_not_fit_receiver")),
    ({"material": "slag"}, ("/route", "route_does_not_fit_material")),
    ({"dispatched_t": "0"}, ("/dispatched_t", "zero_tonnes")),
    ({"dispatched_t": "71.000"}, ("/dispatched_t", "over_twice_cap")),
    ({"material": "tin"}, ("/material", "unknown_code")),
    ({"consignee": "maker"}, ("/consignee", "sender_is_receiver")),
    ({"basis": "dry"}, ("/moisture_pct", "dry_needs_moisture")),
    ({"from_facility": "cement.kiln"}, ("/from_facility", "facility_not_of_enterprise")),
    ({"parent_doc_no": "X"}, ("/kind", "child_kind_needed")),
    ({"kind": "return"}, ("/parent_doc_no", "parent_missing")),
]


def test_what_is_not_issued(gate: Gate) -> None:
    for told, expected in REFUSED_AT_ISSUE:
        uid = gate.draft(**told)
        with pytest.raises(FieldsRefused) as caught:
            gate.act("issue", MAKER, uid)
        assert codes(caught) == [expected], told
        assert gate.see(uid)["state"] == "draft"
    gate.books.check()


def test_warnings_do_not_stop_a_load(gate: Gate) -> None:
    """Stock, cap, quota, border, permit, capacity: told with the field, and taken."""
    books = gate.books
    books.take(
        "filings",
        {
            "code": "F1",
            "from_region": "530000",
            "to_region": "520000",
            "material": "pg",
            "quota_t": "40.000",
            "valid_from": "2026-01-01",
            "valid_to": "2026-12-31",
        },
    )
    line = {
        "code": "board.line", "enterprise": "board", "kind": "use", "name": "线",
        "material": "pg", "capacity_t_per_year": "50.000", "valid_to": "2026-06-30",
    }  # fmt: skip
    books.take("facilities", line)
    first = gate.draft(consignee="board", route="plaster", dispatched_t="36.000")
    assert warned(gate.act("issue", MAKER, first)) == ["over_cap", "expired_permit"]
    gate.act("dispatch", MAKER, first)
    gate.act("decide", BOARD, first, received_t="36.000")
    second = gate.draft(consignee="board", route="plaster", loads="40", dispatched_t="900.000")
    done = gate.act("issue", MAKER, second)
    assert warned(done) == ["expired_permit", "below_stock", "over_quota"]
    assert [item.pointer for item in done.warnings] == ["/route", "/dispatched_t", "/consignee"]
    gate.act("dispatch", MAKER, second)
    assert warned(gate.act("decide", BOARD, second, received_t="900.000")) == [
        "over_capacity", "expired_permit",
    ]  # fmt: skip
    third = gate.draft(consignee="trader", route="trade", material="slag")
    assert "cross_province_without_filing" in warned(gate.act("issue", MAKER, third))
    books.check()


# --- refused parts ---------------------------------------------------------------------------


def test_a_refused_part_goes_back_and_on(gate: Gate) -> None:
    uid = gate.decided("30.000", "10.000")
    assert gate.see(uid)["state"] == "partly_accepted"
    (finding,) = open_refusals(db=gate.books.db, actor=PARK, now=gate.now + timedelta(days=31))
    assert (finding["tonnes"], finding["load"]) == ("10.000", str(uid))
    back = gate.draft(
        CEMENT, consignor="cement", consignee="maker", kind="return", parent=str(uid),
        dispatched_t="6.000",
    )  # fmt: skip
    on = gate.draft(
        CEMENT, consignor="cement", consignee="board", route="plaster", kind="redirect",
        parent_doc_no=gate.see(uid)["doc_no"], dispatched_t="5.000",
    )  # fmt: skip
    for child_id in (back, on):
        gate.act("issue", CEMENT, child_id)
    gate.later(hours=1)
    gate.act("dispatch", CEMENT, back)
    with pytest.raises(FieldsRefused) as caught:
        gate.act("dispatch", CEMENT, on)
    assert codes(caught) == [("/dispatched_t", "child_over_refused")]
    gate.act("dispatch", CEMENT, on, dispatched_t="4.000")
    gate.act("decide", MAKER, back, received_t="6.000")
    gate.act("decide", BOARD, on, received_t="4.000")
    assert gate.see(on, BOARD)["parent_doc_no"] == gate.see(uid)["doc_no"]
    flows = gate.books.flows()
    assert flows["transit:maker:cement", "transit:maker:maker", "pg/retarder"] == 6_000
    assert flows["transit:maker:board", "site:board", "pg/plaster"] == 4_000
    assert open_refusals(db=gate.books.db, actor=PARK, now=gate.now + timedelta(days=31)) == []
    assert gate.books.codes("shipments", child("R9", gate.see(uid)["doc_no"], "1.000")) == [
        (2, "dispatched_at", "child_before_parent")
    ]
    gate.books.check()


# --- silent and external partners --------------------------------------------------------------


def test_a_silent_consignee_is_reminded_and_may_confirm_later(gate: Gate) -> None:
    uid = gate.on_road()
    gate.act("remind", MAKER, uid)
    gate.later(days=9)
    gate.act("remind", MAKER, uid)
    with pytest.raises(RuleBroken, match="10 days"):
        gate.act("close_one_sided", MAKER, uid, document="签收单 7")
    gate.later(days=1)
    with pytest.raises(FieldsRefused):
        gate.act("close_one_sided", MAKER, uid)
    done = gate.act("close_one_sided", MAKER, uid, document="签收单 7").load
    assert (done["state"], done["accepted_t"], done["evidence"]) == (
        "accepted", "30.000", "one_sided",
    )  # fmt: skip
    waiting = inbox(db=gate.books.db, actor=CEMENT)
    assert [(item["move"], item["load"]["id"]) for item in waiting] == [("confirm", str(uid))]
    before = gate.books.flows()
    with pytest.raises(RuleBroken, match="signed"):
        gate.act("confirm", MAKER, uid)
    assert gate.act("confirm", CEMENT, uid).load["evidence"] == "both"
    assert gate.books.flows() == before
    assert {key[4] for key in gate.books.rollup() if key[3] == "pg/retarder"} == {"both"}
    assert inbox(db=gate.books.db, actor=CEMENT) == []
    gate.books.check()


def test_a_silent_consignor_is_shown_the_draft_and_then_passed_over(gate: Gate) -> None:
    uid = gate.draft(CEMENT, dispatched_t="")
    with pytest.raises(Denied):
        gate.see(uid, MAKER)
    with pytest.raises(RuleBroken, match="remind"):
        gate.act("close_one_sided", CEMENT, uid, document="收据 5", received_t="29.000")
    gate.act("remind", CEMENT, uid)
    assert gate.see(uid, MAKER)["state"] == "draft"
    (due,) = inbox(db=gate.books.db, actor=MAKER)
    assert (due["move"], due["load"]["id"]) == ("issue", str(uid))
    gate.later(days=10)
    done = gate.act("close_one_sided", CEMENT, uid, document="收据 5", received_t="29.000").load
    assert (done["dispatched_t"], done["accepted_t"]) == ("29.000", "29.000")
    assert gate.events(uid) == ["reminded", "issued", "dispatched", "closed_one_sided"]
    assert done["evidence"] == "one_sided" and done["signed_by"] == ["cement"]
    assert gate.act("confirm", MAKER, uid).load["evidence"] == "both"
    gate.books.check()


def test_the_consignor_issues_what_the_consignee_drafted(gate: Gate) -> None:
    uid = gate.draft(CEMENT)
    gate.act("remind", CEMENT, uid)
    gate.act("edit", MAKER, uid, dispatched_t="31.000")
    with pytest.raises(Denied):
        gate.delete(MAKER, uid)
    gate.act("issue", MAKER, uid)
    gate.act("dispatch", MAKER, uid)
    assert gate.act("decide", CEMENT, uid, received_t="31.000").load["evidence"] == "both"
    gate.books.check()


def test_an_external_partner_is_closed_at_once(gate: Gate) -> None:
    uid = gate.issued(consignee="far", route="trade")
    gate.act("dispatch", MAKER, uid)
    gate.act("close_one_sided", MAKER, uid, document="合同 3")
    came = gate.draft(CEMENT, consignor="far", dispatched_t="")
    gate.act("close_one_sided", CEMENT, came, document="合同 4", received_t="12.000")
    flows = gate.books.flows()
    assert flows["transit:maker:far", "outside", "pg/trade"] == 30_000
    assert flows["outside", "transit:far:cement", "pg/retarder"] == 12_000
    grades = {key[4] for key in gate.books.rollup() if key[3] != "pg/"}
    assert grades == {"one_sided"}
    gate.books.check()


def test_imported_loads_become_both_when_both_confirm(gate: Gate) -> None:
    gate.books.loads(load("F1", "30.000", "30.000"), load("F2", "30.000"))
    listed = reading.list_loads(db=gate.books.db, actor=MAKER, wanted=LoadFilter(doc_no="F1"))
    uid = UUID(listed["items"][0]["id"])
    assert gate.act("confirm", MAKER, uid).load["evidence"] == "imported"
    assert gate.act("confirm", CEMENT, uid).load["evidence"] == "both"
    other = reading.list_loads(db=gate.books.db, actor=CEMENT, wanted=LoadFilter(doc_no="F2"))
    road = UUID(other["items"][0]["id"])
    done = gate.act("decide", CEMENT, road, received_t="30.000").load
    assert (done["state"], done["evidence"]) == ("accepted", "imported")
    assert gate.books.loads(load("F1", "30.000")).skipped == 1
    gate.books.check()


def test_a_file_completes_a_load_that_was_dispatched_by_hand(gate: Gate) -> None:
    uid = gate.on_road(vehicle="V", carrier="C", doc_no="H-1")
    seen = gate.see(uid)
    row = load("H-1", "30.000", mode="road", vehicle="V", carrier="C")
    row |= {"dispatched_at": seen["dispatched_at"]}
    assert gate.books.loads(row).skipped == 1
    row |= {"received_at": seen["dispatched_at"], "accepted_t": "29.800"}
    assert gate.books.loads(row).completed == 1
    assert gate.see(uid)["evidence"] == "imported"
    assert gate.books.loads(row).skipped == 1
    assert gate.act("confirm", CEMENT, uid).load["evidence"] == "both"
    issued = gate.issued(doc_no="H-2", vehicle="V", carrier="C")
    with_number = load("H-2", "30.000", mode="road", vehicle="V", carrier="C")
    assert gate.books.codes("shipments", with_number) == [(2, "doc_no", "doc_no_differs")]
    assert gate.see(issued)["state"] == "issued"
    gate.books.check()


# --- conveyors --------------------------------------------------------------------------------

PERIOD: dict[str, Any] = {
    "period_start": "2026-11-01T00:00:00+08:00",
    "period_end": "2026-11-11T00:00:00+08:00",
    "meter_start": "100.000",
    "meter_end": "130.000",
}


def test_a_conveyor_is_dispatched_by_the_consignor_per_metering_period(gate: Gate) -> None:
    uid = gate.issued(mode="conveyor", vehicle="", carrier="快运")
    with pytest.raises(Denied):
        gate.act("dispatch", HAULIER, uid, **PERIOD)
    with pytest.raises(FieldsRefused) as caught:
        gate.act("dispatch", MAKER, uid)
    assert codes(caught) == [("/period_start", "meter_needed")]
    done = gate.act("dispatch", MAKER, uid, **PERIOD, dispatched_t="31.000")
    assert warned(done) == ["meter_differs"]
    assert done.load["dispatched_at"] == "2026-11-11T00:00:00+08:00"
    again = gate.issued(mode="conveyor", vehicle="", carrier="")
    with pytest.raises(FieldsRefused) as caught:
        gate.act("dispatch", MAKER, again, **PERIOD)
    assert codes(caught) == [("/period_start", "meter_backwards")]
    late: dict[str, Any] = {"period_start": "2026-10-25", "period_end": "2026-11-12"}
    fresh = gate.issued(mode="conveyor", vehicle="", carrier="", consignee="board", route="plaster")
    with pytest.raises(FieldsRefused) as caught:
        gate.act("dispatch", MAKER, fresh, **(PERIOD | late))
    assert codes(caught) == [("/period_end", "meter_two_months")]
    gate.books.check()


# --- weights at the gate ------------------------------------------------------------------------


def test_weights_reasons_and_tickets_at_the_gate(gate: Gate) -> None:
    uid = gate.on_road()
    with pytest.raises(FieldsRefused) as caught:
        gate.act("decide", CEMENT, uid, received_t="29.000")
    assert codes(caught) == [("/reason", "gap_needs_reason")]
    with pytest.raises(FieldsRefused) as caught:
        gate.act("decide", CEMENT, uid, received_t="30.000", refused_t="1.000")
    assert codes(caught) == [("/reason", "reason_of_refusal")]
    with pytest.raises(FieldsRefused) as caught:
        gate.act("receive", CEMENT, uid, received_t="30.000", received_at="2026-11-20")
    assert codes(caught) == [("/received_at", "time_out_of_order")]
    gate.act("receive", CEMENT, uid, received_t="30.000", ticket_no="T-1")
    assert gate.see(uid)["received_t"] == "30.000" and not gate.see(uid)["accepted_t"]
    gate.act("decide", CEMENT, uid)
    other = gate.on_road()
    with pytest.raises(FieldsRefused) as caught:
        gate.act("decide", CEMENT, other, received_t="30.000", ticket_no="T-1")
    assert codes(caught) == [("/ticket_no", "ticket_taken")]
    estimated = gate.act("decide", CEMENT, other, received_t="30.000", weighed="estimated")
    assert estimated.load["evidence"] == "estimated"
    gate.books.check()


def test_dry_loads_compare_dry(gate: Gate) -> None:
    """Law: with both moistures known the two weights are compared dry."""
    uid = gate.on_road(basis="dry", moisture_pct="20", dispatched_t="24.000")
    done = gate.act(
        "decide", CEMENT, uid, received_t="24.000", received_moisture_pct="25", weighed=""
    )
    assert (done.load["received_t"], done.load["disputed"]) == ("24.000", False)
    assert gate.books.flows()["site:maker", "transit:maker:cement", "pg/retarder"] == 30_000
    assert gate.books.flows()["transit:maker:cement", "site:cement", "pg/retarder"] == 32_000
    gate.books.check()


# --- lists, inbox, changes ------------------------------------------------------------------------


def listed(gate: Gate, actor: Actor, wanted: LoadFilter, name: str) -> list[str]:
    """One column of a list."""
    found = reading.list_loads(db=gate.books.db, actor=actor, wanted=wanted)
    return [item[name] for item in found["items"]]


def test_pages_of_a_list_hold_still(gate: Gate) -> None:
    db = gate.books.db
    made = [str(gate.issued()) for _ in range(5)]
    first = reading.list_loads(db=db, actor=MAKER, limit=2)
    extra = str(gate.issued())
    second = reading.list_loads(db=db, actor=MAKER, limit=2, cursor=first["next"])
    third = reading.list_loads(db=db, actor=MAKER, limit=2, cursor=second["next"])
    seen = [item["id"] for page in (first, second, third) for item in page["items"]]
    assert seen == list(reversed(made)) and third["next"] is None and extra not in seen
    with pytest.raises(InvalidValue):
        reading.list_loads(db=db, actor=MAKER, cursor="x")
    with pytest.raises(InvalidValue):
        reading.list_loads(db=db, actor=MAKER, wanted=LoadFilter(state="gone"))
    count = {
        actor.login: len(reading.list_loads(db=db, actor=actor)["items"])
        for actor in (MAKER, CEMENT, TRADER, PARK, PLANNER, HAULIER)
    }
    assert count == {"user1": 6, "user2": 6, "user10": 0, "user4": 6, "user11": 6, "user5": 6}
    system = person(99, Role.SYSTEM_ADMIN, "")
    assert len(reading.list_loads(db=db, actor=system)["items"]) == 6
    gate.later(minutes=5)
    gate.act("dispatch", MAKER, UUID(made[1]))
    changed = LoadFilter(updated_after=gate.now - timedelta(minutes=1))
    assert [
        item["id"] for item in reading.list_loads(db=db, actor=CEMENT, wanted=changed)["items"]
    ] == [made[1]]
    gate.books.loads(load("F1", "30.000", "30.000"))
    older = LoadFilter(updated_after=NOW - timedelta(days=1), party="cement", state="accepted")
    assert [
        item["doc_no"] for item in reading.list_loads(db=db, actor=MAKER, wanted=older)["items"]
    ] == ["F1"]


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
    with pytest.raises(Denied):
        inbox(db=db, actor=None)


def test_every_change_is_listed_once_for_its_parties(gate: Gate) -> None:
    uid = gate.decided()
    with gate.books.db.read() as session:
        rows = session.scalars(sa.select(ChangeRow).order_by(ChangeRow.id)).all()
        assert [(row.action, row.ref) for row in rows] == [
            (action, str(uid)) for action in ("drafted", "issued", "dispatched", "decided")
        ]
        assert [row.organisations for row in rows] == [";maker;", *[";cement;maker;"] * 3]


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


# --- the proof --------------------------------------------------------------------------------

TAMPERED: list[tuple[Any, dict[str, Any], str]] = [
    (ShipmentRow, {"dispatched_kg": 29_999}, "fold_mismatch"),
    (ShipmentRow, {"state": "draft"}, "draft_mismatch"),
    (LoadDraftRow, {"consignee_id": 9}, "draft_mismatch"),
    (EventActorRow, {"seq": 77}, "actor_missing"),
    (RevisionRow, {"after": '{"loads": "3"}'}, "revision_mismatch"),
    (RevisionRow, {"status": "refused"}, "revision_mismatch"),
    (EventRow, {"booked_month": 202601}, "booking_month"),
]


class Undo(Exception):
    """Ends a transaction without keeping it."""


def test_check_names_what_was_changed_behind_the_program(gate: Gate) -> None:
    uid = gate.decided()
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
