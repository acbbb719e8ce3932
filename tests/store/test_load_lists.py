"""Lists of loads: sorted page by page, found by the sides of a firm and not by reading them all."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa

from tests.store.books import NOW, Books, child, entry, load
from tests.store.live import CEMENT, HAULIER, MAKER, NEXT_HAULIER, PLANNER, Gate, person
from wasteflow.core.actors import Actor, Membership, Role
from wasteflow.core.errors import InvalidValue
from wasteflow.core.periods import Period
from wasteflow.core.vocabulary import LoadState
from wasteflow.services.corrections import reverse
from wasteflow.services.live import list_ways
from wasteflow.services.live.listing import SORTS, LoadFilter, list_loads, page_query
from wasteflow_models import parties
from wasteflow_models.convert import load_keys
from wasteflow_models.ledger import ShipmentRow

ROWS = [
    load("C", "10.000", "10.000"),
    load("A", "30.000", "30.000", dispatched_at="2026-02-03"),
    load("E", "20.000"),
    load("B", "20.000", "19.000", consignee="board", route="plaster"),
    load("D", "10.000", "10.000", dispatched_at="2026-01-05"),
]
BY: dict[str, Callable[[dict[str, Any]], Any]] = {
    "date": lambda item: item["dispatched_at"],
    "number": lambda item: item["doc_no"],
    "tonnes": lambda item: float(item["dispatched_t"]),
    "state": lambda item: ["in_transit", "received", "accepted"].index(item["state"]),
    "partner": lambda item: item["consignee"] == "board",
}
"""What a list that is sorted by a word goes by; names of partners are in this order."""


@pytest.fixture
def gate(books: Books) -> Gate:
    """Live services; maker has sent five loads by file."""
    books.entries(entry("O", "opening", "900.000", "2025-12-31", facility="maker.works"))
    books.loads(*ROWS)
    return Gate(books)


def pages(gate: Gate, actor: Actor, wanted: LoadFilter) -> list[dict[str, Any]]:
    """Every load of a list, two at a time."""
    found: list[dict[str, Any]] = []
    cursor = ""
    while True:
        page = list_loads(db=gate.books.db, actor=actor, wanted=wanted, limit=2, cursor=cursor)
        found += page["items"]
        if not page["next"]:
            return found
        assert len(page["items"]) == 2
        cursor = page["next"]


def test_a_list_is_sorted_by_any_column_page_by_page(gate: Gate) -> None:
    quarter = Period.parse("2026Q1")
    for sort, key in BY.items():
        up, down = (pages(gate, MAKER, LoadFilter(sort=word)) for word in (sort, f"-{sort}"))
        assert [item["id"] for item in down] == [item["id"] for item in reversed(up)]
        told = [key(item) for item in up]
        assert len(up) == len(ROWS) and told == sorted(told), sort
        all_of = pages(gate, PLANNER, LoadFilter(sort=sort, period=quarter))
        assert [item["id"] for item in all_of] == [item["id"] for item in up]
    assert set(BY) == set(SORTS)


def test_what_is_too_wide_to_sort_is_said(gate: Gate) -> None:
    everything = person(99, Role.SYSTEM_ADMIN, "")
    for period in ("", "2026H1"):
        wanted = LoadFilter(sort="tonnes", period=Period.parse(period) if period else None)
        with pytest.raises(InvalidValue) as caught:
            list_loads(db=gate.books.db, actor=everything, wanted=wanted)
        assert caught.value.code == "sort_too_wide"
    board = LoadFilter(sort="tonnes", party="board")
    assert [item["doc_no"] for item in pages(gate, everything, board)] == ["B"]
    with pytest.raises(InvalidValue, match="height"):
        list_loads(db=gate.books.db, actor=everything, wanted=LoadFilter(sort="height"))


def test_a_cursor_of_a_load_of_others_tells_nothing(gate: Gate) -> None:
    (theirs,) = pages(gate, MAKER, LoadFilter(party="board"))
    wanted = LoadFilter(sort="tonnes")
    with pytest.raises(InvalidValue) as caught:
        list_loads(db=gate.books.db, actor=CEMENT, wanted=wanted, cursor=theirs["id"])
    assert caught.value.code == "bad_cursor"


def test_loads_dispatched_in_another_month_than_their_id_are_in_the_period(gate: Gate) -> None:
    """A load kept by hand has the month it was drafted in in its id; who reads all finds it."""
    uid = gate.issued()
    gate.later(days=15)
    gate.act("dispatch", MAKER, uid)
    everything = person(99, Role.SYSTEM_ADMIN, "")
    for period, ids in (("2026-12", [str(uid)]), ("2026-11", [])):
        found = pages(gate, everything, LoadFilter(period=Period.parse(period)))
        assert [item["id"] for item in found] == ids


def test_ones_own_loads_are_found_by_an_index(gate: Gate) -> None:
    roles = Membership(Role.READER, "maker"), Membership(Role.READER, "cement")
    both = Actor(7, "both", memberships=roles)
    wide = LoadFilter(party="board")
    for actor, wanted in (
        (MAKER, LoadFilter()),
        (MAKER, LoadFilter(sort="tonnes")),
        (CEMENT, LoadFilter()),
        (both, LoadFilter(state="disputed")),
        (PLANNER, wide),
        (PLANNER, LoadFilter(doc_no="B")),
        (PLANNER, LoadFilter(period=Period.parse("2026-02"))),
    ):
        scans = [line for line in plan(gate, actor, wanted) if reads_all(line)]
        assert scans == [], (actor.login, wanted)


def test_links_one_by_one_and_all_at_once_are_the_same_loads(
    gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = (LoadFilter(), LoadFilter(sort="tonnes"), LoadFilter(party="cement"))
    lists = [pages(gate, actor, each) for actor in (MAKER, CEMENT) for each in wanted]
    assert [len(items) for items in lists] == [5, 5, 4, 4, 4, 4]
    for few in (0, 2):
        monkeypatch.setattr(parties, "FEW_LINKS", few)
        again = [pages(gate, actor, each) for actor in (MAKER, CEMENT) for each in wanted]
        assert again == lists
    scans = [line for line in plan(gate, CEMENT, LoadFilter()) if reads_all(line)]
    assert scans == []


def test_loads_a_carrier_has_handed_over_are_found_by_its_name(gate: Gate) -> None:
    """The other way, to those it has now, reads from the newest on."""
    uid = gate.on_road()
    gate.act("hand_over", HAULIER, uid, carrier="慢运")
    both = Actor(8, "both", memberships=(*HAULIER.memberships, Membership(Role.READER, "board")))
    for actor, wanted, found in (
        (HAULIER, LoadFilter(), [str(uid)]),
        (HAULIER, LoadFilter(party="cement", sort="tonnes"), [str(uid)]),
        (HAULIER, LoadFilter(period=Period.parse("2026-02")), []),
        (HAULIER, LoadFilter(party="board"), []),
        (NEXT_HAULIER, LoadFilter(), [str(uid)]),
    ):
        assert [item["id"] for item in pages(gate, actor, wanted)] == found, wanted
        lines = " ".join(plan(gate, actor, wanted))
        assert "SCAN load_handed" not in lines and "Seq Scan on load_handed" not in lines
    assert {item["doc_no"] for item in pages(gate, both, LoadFilter())} > {"B"}
    sideways = [line for line in plan(gate, HAULIER, LoadFilter(party="board")) if reads_all(line)]
    assert sideways == []


def reads_all(line: str) -> bool:
    """Whether a line of a plan reads a whole table of loads."""
    table = ShipmentRow.__tablename__
    return f"SCAN {table}" in line or f"Seq Scan on {table}" in line.replace("wasteflow_parts.", "")


def plan(gate: Gate, actor: Actor, wanted: LoadFilter) -> list[str]:
    """How the database reads the first page."""
    db = gate.books.db
    with db.read() as session:
        query = page_query(session, load_keys(session), actor, wanted, 51)
        compiled = query.compile(session.connection(), compile_kwargs={"literal_binds": True})
        if db.is_sqlite:
            rows = session.execute(sa.text(f"EXPLAIN QUERY PLAN {compiled}")).all()
            return [str(row[-1]) for row in rows]
        session.execute(sa.text("SET LOCAL enable_seqscan = off"))  # small tables are read whole
        return [str(row[0]) for row in session.execute(sa.text(f"EXPLAIN {compiled}"))]


ALL_OF_IT = person(98, Role.SYSTEM_ADMIN, "")


def test_a_list_by_state_is_the_same_read_from_the_marks(gate: Gate) -> None:
    """Every state, page by page, for whoever reads: what a look through the whole list finds."""
    gate.books.loads(
        load("P1", "30.000", "20.000", refused_t="10.000", carrier="快运"),
        load("P2", "30.000", "20.000", refused_t="10.000", dispatched_at="2026-02-04"),
        child("R1", "P1", "10.000"),
        load("N", "9.000", refused_t="9.000", received_at="2026-03-02T15:00:00+08:00"),
        load("X", "9.000", "5.000", received_t="5.000", evidence="disputed"),
    )
    gate.on_road()
    gate.issued()
    reverse(db=gate.books.db, doc_no="P2", reason="x", now=NOW)
    february, seen = Period.parse("2026-02"), set[str]()
    for actor in (MAKER, CEMENT, PLANNER, HAULIER, ALL_OF_IT):
        for more in ({}, {"party": "cement"}, {"period": february}):
            whole = pages(gate, actor, LoadFilter(**more))
            for state in sorted({*LoadState} - {LoadState.DRAFT}):
                ids = [item["id"] for item in pages(gate, actor, LoadFilter(state=state, **more))]
                assert ids == [item["id"] for item in whole if item["state"] == state]
                seen |= {state} if ids else set()
                plans = plan(gate, actor, LoadFilter(state=state, **more))
                assert state == "accepted" or not [line for line in plans if reads_all(line)]
    assert seen == {"accepted", "in_transit", "issued", "partly_accepted", "refused"}
    assert [item["doc_no"] for item in pages(gate, MAKER, LoadFilter(state="disputed"))] == ["X"]


def test_very_many_loads_are_sorted_within_some_months_only(
    gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    uid = gate.issued()
    gate.later(days=15)
    gate.act("dispatch", MAKER, uid)  # kept under November, dispatched in December
    periods = [Period.parse(word) for word in ("2026-03", "2026-12", "2026Q1", "2026")]
    lists = [pages(gate, MAKER, LoadFilter(period=period)) for period in periods]
    assert [len(items) for items in lists] == [3, 1, 5, 6]
    few = pages(gate, MAKER, LoadFilter(sort="tonnes", period=periods[2]))
    monkeypatch.setattr(list_ways, "MANY_LOADS", 2)
    assert [pages(gate, MAKER, LoadFilter(period=period)) for period in periods] == lists
    assert pages(gate, MAKER, LoadFilter(sort="tonnes", period=periods[2])) == few
    for wanted in (LoadFilter(sort="tonnes"), LoadFilter(sort="tonnes", period=periods[3])):
        with pytest.raises(InvalidValue) as caught:
            pages(gate, MAKER, wanted)
        assert caught.value.code == "sort_too_wide"
    assert len(pages(gate, MAKER, LoadFilter(sort="tonnes", state="in_transit"))) == 2


def test_a_carrier_reads_the_months_in_which_it_has_loads(
    gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate.books.loads(
        load("K1", carrier="快运", dispatched_at="2026-01-03"),
        load("K2", carrier="快运", dispatched_at="2026-02-03"),
        load("K3", carrier="快运", dispatched_at="2026-05-03"),
        load("M1", carrier="慢运", dispatched_at="2026-05-03"),
    )
    nobody = person(97, Role.CARRIER, "无运")
    for actor, numbers in ((HAULIER, ["K3", "K2", "K1"]), (nobody, []), (NEXT_HAULIER, ["M1"])):
        assert [item["doc_no"] for item in pages(gate, actor, LoadFilter())] == numbers
    assert not [line for line in plan(gate, nobody, LoadFilter()) if reads_all(line)]
    assert len(pages(gate, HAULIER, LoadFilter(sort="date"))) == 3
    monkeypatch.setattr(list_ways, "MOST_READ", 0)
    with pytest.raises(InvalidValue, match="sort"):
        pages(gate, HAULIER, LoadFilter(sort="date"))
    may = LoadFilter(sort="date", period=Period.parse("2026-05"))
    assert [item["doc_no"] for item in pages(gate, HAULIER, may)] == ["K3"]
