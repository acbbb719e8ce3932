"""Dependence over real books: links add up to the rate, N-1 row by row, names kept back."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tests.store.books import Books
from tests.store.standing import YEAR, standing  # noqa: F401
from wasteflow.core.errors import InvalidValue, NotFound
from wasteflow.core.symbiosis.books import end_of
from wasteflow.core.symbiosis.capacity import stations_of
from wasteflow.core.symbiosis.filings import Filings
from wasteflow.core.symbiosis.today import Today
from wasteflow.core.symbiosis.verify import broken_rules
from wasteflow.services.dependence import dependence_of, dependence_report
from wasteflow.services.rating import rates_report
from wasteflow.services.standing import read_today
from wasteflow_models.convert import load_keys

T = 1000


def today_of(books: Books, material: str = "pg") -> Today:
    with books.db.read() as session:
        return read_today(session, load_keys(session), YEAR, material)


def report(books: Books, **asked: Any) -> dict[str, Any]:
    return dependence_report(db=books.db, period=YEAR, **asked)


def test_use_links_add_up_to_the_terms_of_every_generator(standing: Books) -> None:  # noqa: F811
    today = today_of(standing)
    for owner, terms in today.terms.items():
        own = [link for link in today.links if (link.generator, link.material) == owner]
        assert sum(link.kg for link in own) == terms.utilised_kg
        assert sum(link.prior_kg for link in own) == terms.utilised_prior_kg
        assert all(0 <= link.prior_kg <= link.kg for link in own)
    pairs = {(link.generator, link.receiver): link.kg for link in today.links}
    assert pairs == {
        ("maker", "board"): 100 * T,  # the trader's hop is followed to the first use
        ("maker", "cement"): 300 * T,
        ("maker2", "cement"): 150 * T,
    }
    # A tenth of what maker had was older when it left, whoever took it.
    (old,) = [link.prior_kg for link in today.links if link.receiver == "board"]
    assert old == pytest.approx(100 * T / 11, abs=1)


def test_the_rate_is_todays_and_every_closure_is_taken_from_it(standing: Books) -> None:  # noqa: F811
    found = report(standing, scope="region:530000")
    rates = rates_report(db=standing.db, period=YEAR, scope="region:530000", material="pg")
    assert found["rate"] == rates["total"]["value"] and found["utilised_t"] == "550.000"
    rows = {row["receiver"]: row for row in found["rows"]}
    cement, board = rows["cement"], rows["board"]
    assert (cement["tonnes"], cement["producers"], cement["rerouted_t"]) == (
        "450.000",
        2,
        "200.000",
    )
    assert (cement["stranded_t"], cement["cost"]) == ("250.000", "-2000.00")
    reasons = {item["reason"] for item in cement["lost"] if item["stranded_t"] != "0.000"}
    assert reasons == {"capacity_taken"}
    for row in rows.values():
        lost = row["lost"]
        assert sum(Decimal(item["tonnes"]) for item in lost) == Decimal(row["tonnes"])
        parts = [Decimal(item["rerouted_t"]) + Decimal(item["stranded_t"]) for item in lost]
        assert parts == [Decimal(item["tonnes"]) for item in lost]
    # 550 t of 1,400 + 45.454 t of old stock used; without the cement works 100 of 1,409.091.
    assert cement["rate_without"] == pytest.approx(100 / (1400 + 100 / 11), abs=1e-6)
    assert cement["points_lost"] == pytest.approx(
        100 * (found["rate"] - cement["rate_without"]), abs=1e-6
    )
    assert board["points_lost_rerouted"] == pytest.approx(0, abs=1e-9)  # all of it finds a place
    assert cement["points_lost"] > cement["points_lost_rerouted"] > 0


def test_every_rerouting_passes_the_verifier(standing: Books) -> None:  # noqa: F811
    today = today_of(standing)
    found = dependence_of(today, frozenset(today.registry.enterprises), "official")
    for receiver in found.receivers():
        freed: dict[tuple[str, str], list[int]] = {}
        for link in today.links:
            if link.receiver == receiver:
                kg = freed.setdefault((link.generator, link.material), [0, 0])
                kg[0] += link.kg
        placement = found._reroute(receiver, freed)
        filings = Filings(today.registry, end_of(YEAR)).of
        assert broken_rules(placement.problem, placement.found, filings) == []
        assert receiver not in placement.by_facility()


def test_concentration_and_what_hangs_on_one_firm(standing: Books) -> None:  # noqa: F811
    found = report(standing)
    rows = {row["enterprise"]: row for row in found["producers"]}
    assert rows["maker2"]["only_receiver"] and rows["maker2"]["hhi"] == 1.0
    assert rows["maker"]["hhi"] == pytest.approx(0.75**2 + 0.25**2)
    assert found["concentration"]["top1"] == pytest.approx(450 / 550)
    hinges = {row["enterprise"]: (row["parts"], row["cut_off"]) for row in found["articulation"]}
    # maker2 - cement - maker - trader - board: a path, all but its ends are hinges.
    assert hinges == {"cement": (2, 1), "maker": (2, 2), "trader": (2, 1)}
    assert {(row["one"], row["other"]) for row in found["bridges"]} == {
        ("cement", "maker"), ("cement", "maker2"), ("maker", "trader"), ("board", "trader"),
    }  # fmt: skip


def test_a_receiver_behind_a_trader_is_not_named_to_who_may_not_see_it(standing: Books) -> None:  # noqa: F811
    asked = {"scope": "enterprise:maker", "may_name": {"maker"}}
    found = report(standing, **asked)
    assert [row["receiver"] for row in found["rows"]] == ["cement", None]
    assert found["rows"][1]["hidden"] and found["rows"][1]["tonnes"] == "100.000"
    assert "board" not in str(found)
    with pytest.raises(NotFound):
        report(standing, receiver="board", **asked)


def test_what_is_not_asked_for_is_not_computed(standing: Books) -> None:  # noqa: F811
    rows = report(standing, reroute=1)["rows"]
    assert [row["rerouted"] for row in rows] == [True, False]
    assert rows[1]["stranded_t"] is None and rows[1]["lost"][0]["reason"] == "not_rerouted"
    assert report(standing, reroute=0, receiver="board")["rows"][1]["rerouted"]
    nothing = report(standing, material="slag")
    assert (nothing["rows"], nothing["rate"]) == ([], None)
    assert nothing["not_computable"] == "nothing_generated"
    assert nothing["concentration"]["not_computable"] == "nothing_used"
    with pytest.raises(InvalidValue):
        report(standing, reroute=-1)
    with pytest.raises(InvalidValue):
        report(standing, formula="best")


def test_room_is_that_of_potential_links(standing: Books) -> None:  # noqa: F811
    from wasteflow.core.symbiosis.books import demands_of
    from wasteflow_models import queries

    today = today_of(standing)
    with standing.db.read() as session:
        books = queries.period_books(session, load_keys(session), YEAR, negatives=False)
    free, unstated = demands_of(books, today.registry, YEAR)
    stations = stations_of(today.registry, today.used, today.months)
    room = {item.facility.code: item.room_kg for item in stations if item.capacity_kg is not None}
    assert room == {item.facility: item.kg for item in free}
    assert [s.facility.code for s in stations if s.capacity_kg is None] == unstated
