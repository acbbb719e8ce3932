"""Correcting signed loads: who is asked, what changes, and that everything is right afterwards."""

from __future__ import annotations

import threading
from typing import Any
from uuid import UUID

import pytest

from tests.store.books import Books, entry, load
from tests.store.live import BOARD, CEMENT, MAKER, MAKER_GATE, PARK, Gate
from wasteflow.core.errors import FieldsRefused, RuleBroken, StaleVersion, WasteflowError
from wasteflow.core.lifecycle import IllegalMove
from wasteflow.core.periods import Period
from wasteflow.core.permissions import Denied
from wasteflow.services.closing import close_month
from wasteflow.services.export import export_shipments
from wasteflow.services.live import listing, reading
from wasteflow.services.live.listing import LoadFilter
from wasteflow.services.reports import balance_report


@pytest.fixture
def gate(books: Books) -> Gate:
    """Live services; maker has stock."""
    books.entries(entry("O", "opening", "900.000", "2026-01-01", facility="maker.works"))
    return Gate(books)


def fault_of(caught: pytest.ExceptionInfo[FieldsRefused]) -> tuple[str, str]:
    """(pointer, code) of the first refused field."""
    issue = caught.value.issues[0]
    return issue.pointer, issue.code


def test_a_weight_is_corrected_when_both_agree(gate: Gate) -> None:
    uid = gate.decided("29.500")
    before = gate.books.rollup()
    revision = gate.revise(CEMENT, uid, accepted_t="28.000", received_t="28.000")
    assert revision["status"] == "pending"
    assert [item["organisation"] for item in revision["answers"]] == ["maker"]
    assert gate.books.rollup() == before and gate.see(uid)["accepted_t"] == "29.500"
    done = gate.answer("approve", MAKER, revision)
    assert done["before"] == {"received_t": "29.500", "accepted_t": "29.500"}
    assert done["after"] == {"received_t": "28.000", "accepted_t": "28.000"}
    seen = gate.see(uid)
    assert (seen["accepted_t"], seen["evidence"], seen["revision"]) == ("28.000", "both", None)
    assert gate.books.flows() == {
        ("opening::", "site:maker", "pg/"): 900_000,
        ("site:maker", "transit:maker:cement", "pg/retarder"): 30_000,
        ("transit:maker:cement", "site:cement", "pg/retarder"): 28_000,
        ("transit:maker:cement", "weighing_difference", "pg/retarder"): 2_000,
    }
    assert gate.events(uid)[-4:] == [
        "revision_proposed", "revision_approved", "revised", "receipt_revised",
    ]  # fmt: skip
    (row,) = export_shipments(db=gate.books.db)
    assert (row["received_t"], row["accepted_t"]) == (28_000, 28_000)
    gate.books.check()


def test_everything_of_a_load_moves_with_its_revision(gate: Gate) -> None:
    """Material, route, trips, moments and masses: lists, exports and the graph agree."""
    uid = gate.decided("30.000")
    revision = gate.revise(
        MAKER,
        uid,
        material="slag",
        route="powder",
        loads="2",
        dispatched_t="40.000",
        dispatched_at="2026-09-30T08:00:00+08:00",
        received_at="2026-10-02T08:00:00+08:00",
        received_t="39.500",
        refused_t="1.500",
    )
    gate.answer("approve", CEMENT, revision)
    seen = gate.see(uid)
    assert (seen["material"], seen["route"], seen["loads"]) == ("slag", "powder", 2)
    assert (seen["accepted_t"], seen["state"]) == ("38.000", "partly_accepted")
    rollup = {key[:4]: value for key, value in gate.books.rollup().items() if "slag" in key[3]}
    assert rollup == {
        (202609, "site:maker", "transit:maker:cement", "slag/powder"): (40_000, 2),
        (202610, "transit:maker:cement", "site:cement", "slag/powder"): (38_000, 2),
        (202610, "transit:maker:cement", "weighing_difference", "slag/powder"): (500, 2),
    }
    (row,) = export_shipments(db=gate.books.db, material="slag", period=Period.parse("2026-09"))
    assert (row["dispatched_t"], row["refused_t"], row["loads"]) == (40_000, 1_500, 2)
    found = listing.list_loads(
        db=gate.books.db, actor=CEMENT, wanted=LoadFilter(material="slag", state="partly_accepted")
    )
    assert [item["id"] for item in found["items"]] == [str(uid)]
    gate.books.check()


def test_what_touches_nobody_is_in_force_at_once(gate: Gate) -> None:
    uid = gate.decided()
    before = gate.books.rollup()
    assert gate.revise(MAKER, uid, vehicle="云C·9", remark="补录")["status"] == "approved"
    assert gate.revise(CEMENT, uid, ticket_no="T-9")["status"] == "approved"
    assert gate.revise(CEMENT, uid, vehicle="云D·1")["status"] == "pending"  # it is maker's
    seen = gate.see(uid)
    assert (seen["vehicle"], seen["ticket_no"], seen["evidence"]) == ("云C·9", "T-9", "both")
    assert gate.books.rollup() == before
    gate.books.check()


def test_an_external_party_is_not_asked_and_the_evidence_says_so(gate: Gate) -> None:
    uid = gate.issued(consignee="far", route="trade")
    gate.act("dispatch", MAKER, uid)
    gate.act("close_one_sided", MAKER, uid, document="合同 3")
    assert gate.revise(MAKER, uid, dispatched_t="31.000", received_t="31.000")["status"] == (
        "approved"
    )
    seen = gate.see(uid)
    assert (seen["accepted_t"], seen["evidence"]) == ("31.000", "one_sided")
    assert gate.books.flows()["transit:maker:far", "outside", "pg/trade"] == 31_000
    gate.books.check()


@pytest.mark.parametrize("field", ["dispatched_t", "received_t"])
def test_what_was_taken_equal_stays_equal_until_the_other_side_confirms(
    gate: Gate, field: str
) -> None:
    uid = gate.issued(consignee="far", route="trade")
    gate.act("dispatch", MAKER, uid)
    gate.act("close_one_sided", MAKER, uid, document="合同 3")
    for weight in ("31.000", "29.000"):
        told: dict[str, Any] = {field: weight}
        assert gate.revise(MAKER, uid, **told)["status"] == "approved"
        seen = gate.see(uid)
        assert {seen[name] for name in ("dispatched_t", "received_t", "accepted_t")} == {weight}
    assert not any("weighing_difference" in key for key in gate.books.flows())
    gate.revise(MAKER, uid, dispatched_t="30.000", received_t="29.000", reason="两次过磅")
    assert gate.see(uid)["accepted_t"] == "29.000", "given apart, the weights are two"
    gate.books.check()


def test_a_load_of_a_file_is_revised_by_its_parties_and_signed_by_it(gate: Gate) -> None:
    gate.books.loads(load("F1", "30.000", "29.900", dispatched_at="2026-03-02T08:00:00+08:00"))
    listed = listing.list_loads(db=gate.books.db, actor=MAKER)["items"]
    uid = UUID(listed[0]["id"])
    assert (listed[0]["evidence"], listed[0]["version"]) == ("imported", 2)
    revision = gate.revise(MAKER, uid, dispatched_t="29.900")
    assert revision["status"] == "pending"
    gate.answer("approve", CEMENT, revision)
    seen = gate.see(uid)
    assert (seen["dispatched_t"], seen["evidence"]) == ("29.900", "both")
    assert gate.books.codes("shipments", load("F1", "30.000", "29.900")) == [
        (2, "doc_no", "doc_no_differs")
    ]
    corrected = load("F1", "29.900", "29.900", dispatched_at="2026-03-02T08:00:00+08:00")
    assert gate.books.loads(corrected).skipped == 1, "it says what stands, and signs nothing"
    assert gate.see(uid)["evidence"] == "both"
    gate.books.check()


def test_refusing_and_withdrawing_change_nothing(gate: Gate) -> None:
    uid = gate.decided()
    before = gate.books.rollup()
    revision = gate.revise(MAKER, uid, dispatched_t="31.000")
    with pytest.raises(IllegalMove, match="approve"):  # one at a time, and the other is told
        gate.revise(CEMENT, uid, dispatched_t="29.000")
    with pytest.raises(RuleBroken, match="not asked"):
        gate.answer("approve", MAKER, revision)
    with pytest.raises(Denied):
        gate.answer("approve", BOARD, revision)
    with pytest.raises(Denied):
        gate.answer("approve", PARK, revision)
    assert gate.answer("refuse", CEMENT, revision)["status"] == "refused"
    with pytest.raises(RuleBroken, match="closed"):
        gate.answer("approve", CEMENT, revision)
    second = gate.revise(MAKER, uid, dispatched_t="32.000")
    with pytest.raises(RuleBroken, match="maker"):
        gate.answer("withdraw", CEMENT, second)
    assert gate.answer("withdraw", MAKER, second)["status"] == "withdrawn"
    assert gate.books.rollup() == before
    listed = reading.get_revisions(db=gate.books.db, actor=CEMENT, uid=uid)
    assert [item["status"] for item in listed] == ["refused", "withdrawn"]
    gate.books.check()


REFUSED: list[tuple[dict[str, Any], str, str]] = [
    ({"consignee": "board"}, "/consignee", "not_revisable"),
    ({"dispatched_t": "90.000"}, "/dispatched_t", "over_twice_cap"),
    ({"dispatched_t": "0"}, "/dispatched_t", "zero_tonnes"),
    ({"route": "powder"}, "/route", "route_does_not_fit_material"),
    ({"route": "plaster"}, "/route", "route_does_not_fit_receiver"),
    ({"dispatched_at": "2027-01-01"}, "/dispatched_at", "future_date"),
    ({"received_at": "2025-06-01"}, "/received_at", "time_out_of_order"),
    ({"received_t": "20.000", "accepted_t": "21.000"}, "/received_t", "received_not_sum"),
    ({"dispatched_at": "2025-12-31", "dispatched_t": "1"}, "/dispatched_at", "before_opening"),
    ({"basis": "dry"}, "/moisture_pct", "dry_needs_moisture"),
]


def test_a_revision_obeys_the_rules_of_the_first_recording(gate: Gate) -> None:
    uid = gate.decided()
    for told, pointer, code in REFUSED:
        with pytest.raises(FieldsRefused) as caught:
            gate.revise(MAKER, uid, **told)
        assert fault_of(caught) == (pointer, code), told
    with pytest.raises(RuleBroken, match="changes nothing"):
        gate.revise(MAKER, uid, dispatched_t="30.000")
    with pytest.raises(Denied):
        gate.revise(MAKER_GATE, uid, dispatched_t="31.000")
    with pytest.raises(FieldsRefused):
        gate.revise(MAKER, gate.on_road(), accepted_t="1.000")
    with pytest.raises(StaleVersion):
        gate.revise(MAKER, uid, 1, dispatched_t="31.000")
    with pytest.raises(IllegalMove):
        gate.revise(MAKER, gate.issued(), dispatched_t="31.000")
    gate.books.check()


def test_a_revision_on_the_road_asks_the_consignor_alone(gate: Gate) -> None:
    uid = gate.on_road()
    assert gate.revise(MAKER, uid, dispatched_t="28.000")["status"] == "approved"
    asked = gate.revise(CEMENT, uid, dispatched_t="29.000")
    assert [item["organisation"] for item in asked["answers"]] == ["maker"]
    gate.answer("approve", MAKER, asked)
    done = gate.act("decide", CEMENT, uid, received_t="29.000").load
    assert (done["dispatched_t"], done["evidence"], done["disputed"]) == ("29.000", "both", False)
    gate.books.check()


def test_a_dispute_ends_with_an_agreed_revision(gate: Gate) -> None:
    uid = gate.decided("20.000")
    assert gate.see(uid)["disputed"]
    revision = gate.revise(CEMENT, uid, received_t="29.800")
    gate.answer("approve", MAKER, revision)
    seen = gate.see(uid)
    assert (seen["disputed"], seen["evidence"], seen["accepted_t"]) == (False, "both", "29.800")
    gate.books.check()


def test_a_revision_overtaken_by_a_settlement_is_told_so(gate: Gate) -> None:
    uid = gate.decided("20.000")
    revision = gate.revise(CEMENT, uid, received_t="29.800")
    gate.later(days=16)
    gate.act("settle", PARK, uid, agreed_t="25.000", reason="复磅")
    with pytest.raises(RuleBroken, match="received_t"):
        gate.answer("approve", MAKER, revision)
    assert gate.answer("withdraw", CEMENT, revision)["status"] == "withdrawn"
    gate.books.check()


def test_an_annulment_takes_the_load_out_and_frees_its_parent(gate: Gate) -> None:
    uid = gate.decided("30.000", "8.000")
    back = gate.draft(
        CEMENT, consignor="cement", consignee="maker", kind="return", parent=str(uid),
        dispatched_t="5.000",
    )  # fmt: skip
    gate.act("issue", CEMENT, back)
    with pytest.raises(RuleBroken, match=gate.see(back)["doc_no"]):
        gate.revise(MAKER, uid, annul=True)
    gate.act("dispatch", CEMENT, back)
    with pytest.raises(FieldsRefused) as caught:
        gate.revise(CEMENT, uid, refused_t="4.000")
    assert fault_of(caught) == ("/refused_t", "below_children")
    with pytest.raises(FieldsRefused) as caught:
        gate.revise(CEMENT, uid, material="slag", route="powder")
    assert fault_of(caught) == ("/material", "kin_keeps_material")
    with pytest.raises(FieldsRefused) as caught:
        gate.revise(CEMENT, back, dispatched_t="9.000")
    assert fault_of(caught) == ("/dispatched_t", "child_over_refused")
    gate.act("cancel", CEMENT, back, reason="改由转送", carrier_statement="快运同意")
    revision = gate.revise(MAKER, uid, annul=True)
    gate.answer("approve", CEMENT, revision)
    assert gate.see(uid)["reversed"]
    assert gate.books.flows() == {("opening::", "site:maker", "pg/"): 900_000}
    with pytest.raises(IllegalMove):
        gate.revise(MAKER, uid, dispatched_t="31.000")
    gate.books.check()


def test_two_parties_revise_at_once_and_one_is_told(gate: Gate) -> None:
    """Law: of two revisions at the same moment one wins, the other is told, the books hold."""
    uid = gate.decided()
    version = gate.see(uid)["version"]
    start, outcomes = threading.Barrier(2), {}

    def propose(name: str) -> None:
        actor = MAKER if name == "maker" else CEMENT
        start.wait()
        try:
            outcomes[name] = gate.revise(actor, uid, version, dispatched_t="31.000")["status"]
        except WasteflowError as error:
            outcomes[name] = error.code

    threads = [threading.Thread(target=propose, args=(name,)) for name in ("maker", "cement")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes.values()) == ["pending", "stale_version"]
    gate.books.check()


def test_a_revision_in_a_closed_month_is_booked_in_the_open_one(gate: Gate) -> None:
    """Law: what was reported when the month was closed stays; what is known today is right."""
    db, kept = gate.books.db, Period.parse("2026-11")
    uid = gate.decided()
    gate.later(days=20)
    for firm in ("maker", "cement"):
        close_month(db=db, month=202611, now=gate.now, enterprise=firm)

    def closing(as_of: int = 0) -> dict[str, str]:
        report = balance_report(db=db, period=kept, material="slag", as_of=as_of)
        report_pg = balance_report(db=db, period=kept, material="pg", as_of=as_of)
        rows = [*report["rows"], *report_pg["rows"]]
        return {f"{row['enterprise']} {row['material']}": row["closing_t"] for row in rows}

    before = closing(202611)
    assert before["cement pg"] == "30.000"
    told: dict[str, Any] = {
        "material": "slag",
        "route": "powder",
        "loads": "2",
        "dispatched_t": "36.000",
    }
    revision = gate.revise(MAKER, uid, **told, received_t="36.000")
    gate.answer("approve", CEMENT, revision)
    assert closing(202611) == before
    assert closing()["cement slag"] == "36.000" and closing().get("cement pg", "0.000") == "0.000"
    events = reading.get_events(db=db, actor=MAKER, uid=uid)
    assert [row["booked_month"] for row in events[-2:]] == ["2026-12", "2026-12"]
    gate.books.check()
    gate.answer("approve", CEMENT, gate.revise(MAKER, uid, annul=True))
    assert closing(202611) == before
    gate.books.check()
