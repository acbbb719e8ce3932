"""Each rule of the findings list on its smallest case, and just short of it."""

from __future__ import annotations

from datetime import date

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from wasteflow.core import finding_rules as rules
from wasteflow.core.columns import groups_of
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


def far(*links: list[int]) -> list[bool]:
    """Which loads are outliers; the loads of several links stand one after the other."""
    numbers = np.repeat(np.arange(len(links)), [len(link) for link in links])
    kg = np.array([mass for link in links for mass in link])
    found: list[bool] = rules.outliers(groups_of([numbers]), kg)[0].tolist()
    return found


def test_an_outlier() -> None:
    usual = [30_000, 30_100, 29_900, 30_000, 30_200, 29_800, 30_000]
    assert far([*usual, 45_000]) == [False] * 7 + [True]
    assert not any(far([*usual, 33_000]))  # 10 % is no outlier
    assert not any(far([*usual[:6], 45_000]))  # seven loads say nothing
    assert far([45_000] * 8, [*usual, 45_000], [45_000]) == [False] * 15 + [True, False]


@given(st.lists(st.lists(st.integers(1, 60), min_size=1, max_size=14), min_size=1, max_size=4))
def test_outliers_of_many_links_are_those_of_each(links: list[list[int]]) -> None:
    expected, usual = [], []
    for link in links:
        middle = float(np.median(link))
        spread = float(np.median([abs(kg - middle) for kg in link]))
        usual += [middle] * len(link)
        expected += [
            len(link) >= 8 and abs(kg - middle) > max(6 * spread, 0.3 * middle) for kg in link
        ]
    assert far(*links) == expected
    numbers = np.repeat(np.arange(len(links)), [len(link) for link in links])
    found = rules.outliers(groups_of([numbers]), np.concatenate(links))[1]
    assert found.tolist() == usual


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
