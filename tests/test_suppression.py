"""Which sums are shown to whom: few firms, subtraction within a table, subtraction across areas."""

from __future__ import annotations

from itertools import combinations

from hypothesis import given, settings
from hypothesis import strategies as st

from wasteflow.core.suppression import LEAST, few, hidden_areas, hidden_cells

FIRMS = st.frozensets(st.sampled_from("abcdefgh"), max_size=8)
TABLES = st.dictionaries(
    st.sampled_from(["slag", "mud", "gypsum", "coke", "ash"]), FIRMS, max_size=5
)


def test_one_small_cell_takes_a_second_with_it() -> None:
    cells = {"slag": frozenset("a"), "mud": frozenset("abcd"), "gypsum": frozenset("efg")}
    assert hidden_cells(cells, sizes={"mud": 9, "gypsum": 1}) == (
        frozenset({"slag", "gypsum"}),
        False,
    )
    assert hidden_cells(cells, sizes={"mud": 1, "gypsum": 9}) == (frozenset({"slag", "mud"}), False)


def test_a_table_with_one_cell_hides_its_total_with_it() -> None:
    assert hidden_cells({"slag": frozenset("ab")}) == (frozenset({"slag"}), True)
    assert hidden_cells({"slag": frozenset("abc")}) == (frozenset(), False)
    assert hidden_cells({}) == (frozenset(), False)


def test_the_askers_own_firms_are_known_to_the_asker() -> None:
    assert few(frozenset("abc"), own=frozenset("ab")) and not few(frozenset("abc"), frozenset("a"))
    assert not few(frozenset("ab") & frozenset(), frozenset("ab"))


@settings(max_examples=60)
@given(TABLES, st.frozensets(st.sampled_from("abcdefgh"), max_size=3))
def test_nothing_shown_tells_of_few_firms(
    cells: dict[str, frozenset[str]], own: frozenset[str]
) -> None:
    """No shown cell, and no difference between the total and what is shown, is of few firms."""
    hidden, no_total = hidden_cells(cells, own)
    assert all(not few(firms, own) for key, firms in cells.items() if key not in hidden)
    if hidden and not no_total:
        together = frozenset().union(*(cells[key] for key in hidden))
        assert len(hidden) > 1 and not few(together, own)


@settings(max_examples=60)
@given(st.lists(FIRMS, max_size=5))
def test_no_difference_of_shown_nested_areas_is_of_few_firms(parts: list[frozenset[str]]) -> None:
    areas = [frozenset().union(*parts[: number + 1]) for number in range(len(parts))]
    verdicts = hidden_areas(areas)
    shown = [area for area, hide in zip(areas, verdicts, strict=True) if not hide and area]
    for narrow, wide in combinations(shown, 2):
        assert not 0 < len(wide - narrow) < LEAST
