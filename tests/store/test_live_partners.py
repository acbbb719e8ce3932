"""Refused parts, silent and external partners, loads that files and people share."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from tests.people import CHEAP
from tests.store.books import Books, child, entry, load
from tests.store.live import (
    BOARD,
    CEMENT,
    MAKER,
    PARK,
    Gate,
    person,
)
from wasteflow.core.actors import Membership, Role
from wasteflow.core.errors import FieldsRefused, RuleBroken
from wasteflow.core.lifecycle import IllegalMove
from wasteflow.core.permissions import Denied
from wasteflow.core.rules import Tolerance
from wasteflow.services.account_log import commander
from wasteflow.services.delegations import NewDelegation, grant_delegation
from wasteflow.services.live import decisions, listing
from wasteflow.services.live.inbox import inbox, open_refusals
from wasteflow.services.live.listing import LoadFilter
from wasteflow.services.users import NewUser, create_user


@pytest.fixture
def gate(books: Books) -> Gate:
    """Live services; maker has stock."""
    books.entries(entry("O", "opening", "900.000", "2026-01-01", facility="maker.works"))
    return Gate(books)


def codes(caught: pytest.ExceptionInfo[FieldsRefused]) -> list[tuple[str, str]]:
    """(pointer, code) of every refused field."""
    return [(issue.pointer, issue.code) for issue in caught.value.issues]


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
    assert gate.see(on, MAKER)["moves"] == []  # whose mass it is: to read, nothing more
    listed = listing.list_loads(db=gate.books.db, actor=MAKER, wanted=LoadFilter(party="board"))
    assert [item["id"] for item in listed["items"]] == [str(on)]
    for move in ("cancel", "lost"):
        with pytest.raises((Denied, RuleBroken)):
            gate.act(move, MAKER, on, reason="x")
    with pytest.raises(Denied) as denied:
        gate.revise(MAKER, on, remark="x")
    assert denied.value.verdict.value == "not_ones_right"
    assert gate.see(back)["parent"] == str(uid)
    flows = gate.books.flows()
    assert flows["transit:maker:cement", "transit:maker:maker", "pg/retarder"] == 6_000
    assert flows["transit:maker:board", "site:board", "pg/plaster"] == 4_000
    assert open_refusals(db=gate.books.db, actor=PARK, now=gate.now + timedelta(days=31)) == []
    assert gate.books.codes("shipments", child("R9", gate.see(uid)["doc_no"], "1.000")) == [
        (2, "dispatched_at", "child_before_parent")
    ]
    gate.books.check()


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


def test_a_reminder_that_was_answered_does_not_count(gate: Gate) -> None:
    """The consignor issued after the reminder, then fell silent: remind him of the dispatch."""
    uid = gate.draft(CEMENT)
    gate.act("remind", CEMENT, uid)
    gate.act("issue", MAKER, uid)
    gate.later(days=20)
    with pytest.raises(RuleBroken, match="remind"):
        gate.act("close_one_sided", CEMENT, uid, document="收据 5", received_t="29.000")
    gate.act("remind", CEMENT, uid)
    gate.later(days=10)
    with pytest.raises(FieldsRefused) as caught:
        gate.act("close_one_sided", CEMENT, uid, document="收据 5", received_t="0")
    assert codes(caught) == [("/received_t", "zero_tonnes")]
    done = gate.act("close_one_sided", CEMENT, uid, document="收据 5", received_t="29.000").load
    assert (done["evidence"], done["signed_by"]) == ("one_sided", ["cement"])
    assert gate.act("confirm", MAKER, uid).load["evidence"] == "both"
    alone = gate.draft(consignee="")
    with pytest.raises(RuleBroken, match="owes no answer"):
        gate.act("remind", MAKER, alone)
    gate.books.check()


def test_a_firm_that_joins_the_books_confirms_what_was_closed_without_it(gate: Gate) -> None:
    uid = gate.on_road(consignee="far", route="trade")
    on_way = gate.on_road(consignee="far", route="trade")
    gate.act("close_one_sided", MAKER, uid, document="签收单")
    far = person(77, Role.OPERATOR, "far")
    with pytest.raises(IllegalMove):
        gate.act("confirm", far, uid)
    before = gate.books.flows()
    joined = {"code": "far", "name_zh": "省外企业", "external": "false", "region": "530000"}
    gate.books.take("enterprises", joined)
    assert [row["move"] for row in inbox(db=gate.books.db, actor=far)] == ["confirm", "decide"]
    done = gate.act("confirm", far, uid).load
    assert (done["evidence"], done["signed_by"]) == ("both", ["far", "maker"])
    assert gate.books.flows() == before  # no kilogram moves
    gate.act("remind", MAKER, on_way)
    done = gate.act("decide", far, on_way, received_t="30.000").load
    assert (done["state"], done["evidence"]) == ("accepted", "both")
    assert gate.books.flows()["transit:maker:far", "outside", "pg/trade"] == 60_000
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
    listed = listing.list_loads(db=gate.books.db, actor=MAKER, wanted=LoadFilter(doc_no="F1"))
    uid = UUID(listed["items"][0]["id"])
    assert gate.act("confirm", MAKER, uid).load["evidence"] == "one_sided"
    assert gate.act("confirm", CEMENT, uid).load["evidence"] == "both"
    other = listing.list_loads(db=gate.books.db, actor=CEMENT, wanted=LoadFilter(doc_no="F2"))
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


def test_a_firm_without_any_account_holds_up_nobody(gate: Gate) -> None:
    """A partner who is not on the system must not block the chain (feature 3)."""
    uid = gate.on_road()
    signed, other = gate.decided(), gate.decided()
    db = gate.books.db
    with pytest.raises(RuleBroken, match="remind"):
        gate.act("close_one_sided", MAKER, uid, document="签收单 1")

    # Once the site keeps accounts it is known that nobody at the cement works has one.
    account = NewUser("maker.op", "甲", password="a long password", must_change=False)
    create_user(
        db=db, user=account, actor=commander(), now=gate.now, hasher=CHEAP,
        membership=Membership(Role.OPERATOR, "maker"),
    )  # fmt: skip
    done = gate.act("close_one_sided", MAKER, uid, document="签收单 1").load
    assert (done["state"], done["evidence"]) == ("accepted", "one_sided")
    less: dict[str, Any] = {"received_t": "29.900", "accepted_t": "29.900"}
    assert gate.revise(MAKER, signed, None, **less)["status"] == "approved"

    # A delegate can answer for it, and is asked, from the very second on.
    gate.later(milliseconds=400)
    given = NewDelegation("cement", login="maker.op")
    admin = person(20, Role.ENTERPRISE_ADMIN, "cement")
    grant_delegation(db=db, delegation=given, actor=admin, now=gate.now)
    gate.later(milliseconds=200)
    late = gate.on_road()
    with pytest.raises(RuleBroken, match="remind"):
        gate.act("close_one_sided", MAKER, late, document="签收单 2")
    assert gate.revise(MAKER, other, None, **less)["status"] == "pending"
    gate.books.check()


def test_the_tolerance_is_a_setting(gate: Gate) -> None:
    """Six percent: a reason by the usual tolerance, disputed by a stricter one."""
    usual, strict = gate.on_road(), gate.on_road()
    told = {"received_t": "28.200", "reason": "途耗"}
    assert not gate.act("decide", CEMENT, usual, None, **told).load["disputed"]
    done = decisions.decide(
        db=gate.books.db, actor=CEMENT, uid=strict, content=told, expected_version=None,
        now=gate.now, tolerance=Tolerance(reason=1_000, dispute=5_000),
    )  # fmt: skip
    assert done.load["disputed"] and done.load["evidence"] == "disputed"
    gate.books.check()
