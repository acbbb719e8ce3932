"""Drafts, what is not issued, warnings that stop nothing, conveyors, weights at the gate."""

from __future__ import annotations

from typing import Any

import pytest

from tests.store.books import Books, entry, load
from tests.store.live import (
    BOARD,
    CEMENT,
    HAULIER,
    MAKER,
    PARK,
    PLANNER,
    Gate,
)
from wasteflow.core.errors import FieldsRefused
from wasteflow.core.permissions import Denied
from wasteflow.services.live import listing
from wasteflow.services.live.listing import LoadFilter
from wasteflow.services.live.views import Outcome


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
    assert listing.list_loads(db=db, actor=MAKER)["items"] == []
    drafts = LoadFilter(state="draft")
    assert len(listing.list_loads(db=db, actor=MAKER, wanted=drafts)["items"]) == 1
    assert listing.list_loads(db=db, actor=CEMENT, wanted=drafts)["items"] == []
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
