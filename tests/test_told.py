"""What is told of a year: no adding and subtracting of areas, lines and quarters finds a firm."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from wasteflow.core.bulletin import TOTAL
from wasteflow.core.disclosure import Atom, Atoms, firms_of, tells
from wasteflow.core.formulas import Terms
from wasteflow.core.periods import Period
from wasteflow.core.rates import FirmTerms
from wasteflow.core.registry import Enterprise, Material, Park, Region, Registry
from wasteflow.core.told import Key, Year, areas_before, quarters_of, told_period

FIRMS = "abcdefghij"
STUFFS = ("mud", "slag")
PARKS = {"p1": "", "p2": "", "p1.sub": "p1"}
RUNNING = 202701
QUARTERS = quarters_of(2026, RUNNING)
PERIODS = {
    (first, last): Period.of(QUARTERS[first].first, QUARTERS[last].last)
    for first in range(4)
    for last in range(first, 4)
}

HOMES = st.lists(st.sampled_from(["p1", "p1.sub", "p2", ""]), min_size=10, max_size=10)
ACTS = st.sets(
    st.tuples(st.sampled_from(FIRMS), st.sampled_from(STUFFS), st.integers(0, 3)), max_size=70
)
LATE = st.dictionaries(st.sampled_from(FIRMS), st.sampled_from([202602, 202604, 202608]))


def registry_of(homes: list[str]) -> Registry:
    parks = {code: Park(code, code, "", parent=up, region="r") for code, up in PARKS.items()}
    firms = {
        firm: Enterprise(
            firm, firm, "", park=park, region="" if park else "r2", industry="ab"[i % 2]
        )
        for i, (firm, park) in enumerate(zip(FIRMS, homes, strict=True))
    }
    return Registry(
        regions={code: Region(code, code, "", parent=up) for code, up in (("r", ""), ("r2", "r"))},
        parks=parks,
        enterprises=firms,
        materials={code: Material(code, code, "", is_waste=True) for code in STUFFS},
    )


def counted(acts: set[tuple[str, str, int]], late: dict[str, int], span: tuple[int, int]) -> Atoms:
    """(firm, material and quarter) behind what is told of a run of quarters."""
    first = QUARTERS[span[0]].first
    return frozenset(
        (firm, f"{stuff}@{quarter}")
        for firm, stuff, quarter in acts
        if span[0] <= quarter <= span[1] and late.get(firm, 0) <= first
    )


def items_of(acts: set[tuple[str, str, int]], late: dict[str, int]) -> list[FirmTerms]:
    return [
        FirmTerms(
            firm,
            stuff,
            quarter.text,
            Terms(generated_kg=1000 if (firm, stuff, place) in acts else 0),
            late.get(firm, 0) if late.get(firm, 0) > quarter.first else 0,
        )
        for place, quarter in enumerate(QUARTERS)
        for firm in FIRMS
        for stuff in STUFFS
    ]


def line_of(registry: Registry, atoms: Atoms, scope: str, key: Key) -> Atoms:
    """The atoms of a line of an area."""

    def belongs(atom: Atom) -> bool:
        table, name = key
        if table == "material":
            return atom[1].split("@")[0] == name
        return table == TOTAL or registry.enterprises[atom[0]].industry == name

    inside = registry.in_scope(scope)
    return frozenset(atom for atom in atoms if atom[0] in inside and belongs(atom))


LINES: list[Key] = [
    *(("material", stuff) for stuff in STUFFS),
    *(("industry", word) for word in "ab"),
    (TOTAL, TOTAL),
]


@settings(max_examples=12)
@given(HOMES, ACTS, LATE, st.sampled_from(["", "a", "ab", "abcd"]))
def test_all_that_is_told_together_speaks_of_nobody(
    homes: list[str], acts: set[tuple[str, str, int]], late: dict[str, int], knows: str
) -> None:
    """Every line of every area over every run of quarters, as a reader of all of them has them."""
    registry, own = registry_of(homes), frozenset(knows)
    areas = areas_before("all", registry)
    verdicts = Year(QUARTERS, items_of(acts, late), registry).hidden(
        areas, own if len(own) > 1 else frozenset()
    )
    sums = {
        sum_
        for scope, verdict in zip(areas, verdicts, strict=True)
        for span in PERIODS
        for key in LINES
        if key not in verdict.lines
        and (sum_ := line_of(registry, counted(acts, late, span), scope, key))
    }
    assert not tells(sorted(sums, key=sorted), own)
    assert all(len(firms_of(atoms)) >= 3 or firms_of(atoms) <= own for atoms in sums)


def test_a_firm_that_rests_a_quarter_hides_its_line_for_the_year() -> None:
    """Four firms make slag; one of them not in the third quarter, two not in the fourth."""
    registry = registry_of(["p1"] * 10)
    acts = {(firm, "slag", quarter) for firm in "abcd" for quarter in range(4)}
    verdict = Year(QUARTERS, items_of(acts, {}), registry).hidden(["park:p1"])[0]
    assert verdict.lines == {("industry", "a"), ("industry", "b")}, "two firms in each industry"
    rested = acts - {("a", "slag", 2), ("a", "slag", 3), ("b", "slag", 3)}
    verdict = Year(QUARTERS, items_of(rested, {}), registry).hidden(["park:p1"])[0]
    assert {("material", "slag"), (TOTAL, TOTAL)} <= verdict.lines, "two were left in the fourth"
    early = Year(QUARTERS[:3], items_of(rested, {})[:60], registry).hidden(["park:p1"])[0]
    assert ("material", "slag") not in early.lines, "told while three stood behind each quarter"


def test_what_was_hidden_stays_hidden_as_the_year_goes_on() -> None:
    registry = registry_of(["p1", "p1", "p1", "p1.sub", "p1.sub", "p1.sub", "p2", "p2", "p2", ""])
    acts = {(firm, "slag", quarter) for firm in FIRMS for quarter in range(4)}
    acts |= {(firm, "mud", quarter) for firm in "abgh" for quarter in (1, 2)}
    areas, items = areas_before("all", registry), items_of(acts, {})
    verdicts = [
        Year(QUARTERS[:end], items[: 20 * end], registry).hidden(areas) for end in (1, 2, 3, 4)
    ]
    for earlier, later in pairwise(verdicts):
        assert all(old.lines <= new.lines for old, new in zip(earlier, later, strict=True))


def test_an_area_is_judged_alike_whatever_was_asked_for() -> None:
    registry = registry_of(["p1", "p1", "p1", "p1.sub", "p1.sub", "p1.sub", "p1", "p2", "p2", "p2"])
    acts = {(firm, stuff, q) for firm in FIRMS for stuff in STUFFS for q in range(4)} - {
        ("g", "mud", 1)
    }
    year = Year(QUARTERS, items_of(acts, {}), registry)
    everything = dict(
        zip(areas_before("all", registry), year.hidden(areas_before("all", registry)), strict=True)
    )
    for scope in everything:
        assert year.hidden(areas_before(scope, registry))[-1] == everything[scope]


def test_quarters_that_are_over_are_told_and_nothing_else() -> None:
    told = {
        "2026": "2026-01..2026-09",
        "2026Q4": "",
        "2026-07": "",
        "2026Q3": "2026Q3",
        "2026H1": "2026H1",
        "2025-11..2026-10": "2026-01..2026-09",
        "2024-01..2025-12": "2025",
        "2026-02..2026-05": "",
        "2026-02..2026-08": "2026Q2",
    }
    for text, expected in told.items():
        found = told_period(Period.parse(text), 202611)
        assert (found.text if found else "") == expected, text
    for period in PERIODS.values():
        assert told_period(period, RUNNING) == period
