"""Each rule of the findings list on its smallest case, and just short of it."""

from __future__ import annotations

from datetime import date

import numpy as np

from wasteflow.core import finding_rules as rules
from wasteflow.core.registry import (
    Enterprise,
    Facility,
    Filing,
    Park,
    Region,
    Registry,
    Route,
    by_code,
)

DAY = date(2026, 7, 12)
ROUTE = Route("powder", "粉", "powder", "use", frozenset({"slag"}))
PLANT = Facility(
    "plant", "use", routes=frozenset({"powder"}), valid_to=date(2026, 6, 30), enterprise="b"
)


def test_an_unanswered_load() -> None:
    assert rules.unanswered(date(2026, 7, 1), DAY)
    assert not rules.unanswered(date(2026, 7, 2), DAY)


def test_a_duplicate_ticket() -> None:
    tickets = [(1, "T", "a"), (1, " T", "b"), (2, "T", "c"), (1, "", "d"), (1, "", "e")]
    assert rules.duplicate_tickets(tickets) == {(1, "T"): ["a", "b"]}


def test_an_outlier() -> None:
    usual = [30_000, 30_100, 29_900, 30_000, 30_200, 29_800, 30_000]
    assert rules.outliers(np.array([*usual, 45_000])).tolist() == [False] * 7 + [True]
    assert not rules.outliers(np.array([*usual, 33_000])).any()  # 10 % is no outlier
    assert not rules.outliers(np.array([*usual[:6], 45_000])).any()  # seven loads say nothing


def test_a_load_over_the_cap_of_its_mode() -> None:
    assert rules.over_cap("road", 35_001, 1)
    assert not rules.over_cap("road", 70_000, 2)
    assert not rules.over_cap("rail", 900_000, 1)


def test_capacity_and_quota() -> None:
    assert rules.over_limit(101, 100)
    assert not rules.over_limit(100, 100)
    assert not rules.over_limit(101, None)


def test_an_expired_permit() -> None:
    assert rules.permit_over(ROUTE, "slag", [PLANT], DAY) is PLANT
    assert rules.permit_over(ROUTE, "slag", [PLANT], date(2026, 6, 30)) is None
    other = Facility("other", "use", routes=frozenset({"powder"}), enterprise="b")
    assert rules.permit_over(ROUTE, "slag", [PLANT, other], DAY) is None


def test_a_conditional_route_without_a_document() -> None:
    assert rules.undocumented(True, 0)
    assert not rules.undocumented(True, 1)
    assert not rules.undocumented(False, 0)


def test_a_border_without_a_filing() -> None:
    firms = [Enterprise(code, code, code, region=region) for code, region in
             (("a", "530100"), ("b", "520000"))]  # fmt: skip
    regions = [Region(code, code, code) for code in ("530100", "520000")]
    registry = Registry(by_code(regions), by_code([Park("p", "p", "p")]), by_code(firms))
    assert rules.unfiled(registry, "a", "b", "slag", DAY) == ("53", "52")
    assert rules.unfiled(registry, "a", "a", "slag", DAY) is None
    filing = Filing("f", "530000", "520000", valid_to=DAY)
    filed = Registry(registry.regions, registry.parks, registry.enterprises,
                     filings=by_code([filing]))  # fmt: skip
    assert rules.unfiled(filed, "a", "b", "slag", DAY) is None
    assert rules.unfiled(filed, "a", "b", "slag", date(2026, 7, 13)) is not None


def test_a_refused_part_that_nothing_moves() -> None:
    told = (date(2026, 6, 11), DAY, 30)
    assert rules.refusal_left(5_000, 2_000, *told) == 3_000
    assert rules.refusal_left(5_000, 5_000, *told) == 0
    assert rules.refusal_left(5_000, 0, date(2026, 6, 12), DAY, 30) == 0


def test_a_loop_counts_from_a_tonne() -> None:
    assert rules.looped(1_000) and not rules.looped(999.9)


def test_disposal_after_a_declared_use_counts_from_a_tonne() -> None:
    assert rules.disposed_later(1_000) and not rules.disposed_later(999.9)


def test_generation_that_does_not_fit_the_output() -> None:
    assert rules.generation_off("generation_above_output") and not rules.generation_off("")


def test_a_count_is_stale_when_the_book_it_was_held_against_moved() -> None:
    assert rules.count_changed(5, 6) and not rules.count_changed(5, 5)
