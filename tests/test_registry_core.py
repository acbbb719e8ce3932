"""The registry without a database: who lies in what, parks with sub-parks, regions, cycles."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from tests.builders import ABROAD, COKE, FIRMS, PG, A, B, C, D, E, F, registry
from wasteflow.core.errors import InvalidValue, NotFound
from wasteflow.core.places import BOUNDARY_WORDS, HOLDING, Place, PlaceKind, site, transit, yard
from wasteflow.core.registry import (
    Enterprise,
    Facility,
    Park,
    Region,
    Registry,
    Route,
    by_code,
    chain,
    cycle_in,
)

REGISTRY = registry()


@pytest.mark.parametrize(
    ("scope", "firms"),
    [
        ("all", {*FIRMS, *ABROAD}),
        (f"enterprise:{A}", {A}),
        ("park:park.main", {A, B, C}),
        ("park:park.sub", {A, B}),
        ("park:park.far", {D}),
        ("region:530181", {A, B, C}),
        ("region:530100", {A, B, C, E}),
        ("region:530000", {A, B, C, E}),
        ("region:500118", {D}),
    ],
)
def test_a_scope_holds_everything_below_it(scope: str, firms: set[str]) -> None:
    """Law: a park includes its sub-parks, a region everything below it."""
    assert REGISTRY.in_scope(scope) == firms


@pytest.mark.parametrize("scope", ["park:none", "region:", "enterprise:zz", "park:530181"])
def test_an_unknown_code_is_not_found(scope: str) -> None:
    with pytest.raises(NotFound) as caught:
        REGISTRY.in_scope(scope)
    assert caught.value.code == "unknown_code"


@pytest.mark.parametrize("scope", ["", "everything", "city:530100", "ALL", A])
def test_what_is_no_scope_is_refused(scope: str) -> None:
    with pytest.raises(InvalidValue) as caught:
        REGISTRY.in_scope(scope)
    assert caught.value.code == "bad_scope"


def test_a_blank_region_is_that_of_the_nearest_park_above_that_has_one() -> None:
    """Law: own region, else that of the park, else of the park above, else none."""
    assert REGISTRY.region_of(A) == "530181"
    assert REGISTRY.region_of(E) == "530100"
    assert REGISTRY.region_of(F) == ""
    moved = structs.replace(REGISTRY.enterprises[A], region="500118")
    other = replace(REGISTRY, enterprises={**REGISTRY.enterprises, A: moved})
    assert other.region_of(A) == "500118"
    assert other.in_scope("region:530181") == {B, C}
    assert other.in_scope("park:park.sub") == {A, B}


def test_every_firm_of_a_scope_is_a_firm_of_the_wider_scope() -> None:
    assert REGISTRY.in_scope("park:park.sub") < REGISTRY.in_scope("park:park.main")
    assert REGISTRY.in_scope("region:530181") < REGISTRY.in_scope("region:530000")
    assert REGISTRY.parks_up("park.sub") == ["park.sub", "park.main"]
    assert REGISTRY.regions_up("530181") == ["530181", "530100", "530000"]


codes = st.integers(0, 12).map(lambda number: f"r{number}")
forests = st.dictionaries(codes, st.one_of(st.just(""), codes), max_size=12)


@given(forests, codes)
def test_a_chain_ends_whatever_the_parents_say(parents: dict[str, str], start: str) -> None:
    """Law: nearest first, no code twice, stops at an unknown parent and in a cycle."""
    table = {code: Region(code, code, code, parent) for code, parent in parents.items()}
    found = chain(start, table)
    assert len(set(found)) == len(found)
    assert bool(found) == (start in table)
    assert all(parents[below] == above for below, above in pairwise(found))
    if found:
        last = parents[found[-1]]
        assert last not in table or last in found


@given(forests)
def test_cycles_are_the_codes_that_come_back_to_themselves(parents: dict[str, str]) -> None:
    """Law: a code is named if and only if walking up its parents meets it again."""

    def comes_back(code: str) -> bool:
        up = parents[code]
        for _ in range(len(parents)):
            if up == code:
                return True
            up = parents.get(up, "")
        return False

    assert cycle_in(parents) == sorted(code for code in parents if comes_back(code))


def test_parks_in_a_circle_hang_nothing() -> None:
    parks = by_code([Park("p", "p", "p", parent="q"), Park("q", "q", "q", parent="p")])
    firms = by_code([Enterprise("x", "x", "x", park="p")])
    books = Registry(parks=parks, enterprises=firms)
    assert books.in_scope("park:q") == {"x"}
    assert books.region_of("x") == ""


def test_facilities_of_a_firm_come_in_order_of_code() -> None:
    facilities = by_code(
        [
            Facility("f2", "use", enterprise=A),
            Facility("f1", "storage", enterprise=A),
            Facility("f3", "use", enterprise=B),
        ]
    )
    books = replace(REGISTRY, facilities=facilities)
    assert [item.code for item in books.facilities_of[A]] == ["f1", "f2"]
    assert books.facilities_of.get(C) is None


def test_a_route_without_materials_takes_any() -> None:
    assert Route("r", "r", "r", "use").fits(COKE)
    assert Route("r", "r", "r", "use", frozenset({PG})).fits(PG)
    assert not Route("r", "r", "r", "use", frozenset({PG})).fits(COKE)


# --- places ----------------------------------------------------------------------------------

words = st.text("abcXYZ019._-磷石膏", min_size=1, max_size=8)
maybe = st.one_of(st.just(""), words)
BARE = sorted(set(PlaceKind) - HOLDING - {PlaceKind.OPENING, PlaceKind.USE, PlaceKind.DISPOSAL})
places = st.one_of(
    st.builds(Place, st.sampled_from((PlaceKind.SITE, PlaceKind.YARD)), words, st.just("")),
    st.builds(Place, st.just(PlaceKind.TRANSIT), words, words),
    st.builds(Place, st.just(PlaceKind.OPENING), maybe, maybe),
    st.builds(Place, st.sampled_from((PlaceKind.USE, PlaceKind.DISPOSAL)), words, st.just("")),
    st.sampled_from(BARE).map(Place),
)


@given(places)
def test_a_place_survives_its_key(place: Place) -> None:
    """Law: one text key per place and back; stock lies with its first argument."""
    assert Place.parse(place.key) == place
    assert place.holds_stock == (place.kind in HOLDING)
    assert place.owner == (place.a if place.holds_stock else "")
    assert (place.word in BOUNDARY_WORDS) is not place.holds_stock


@pytest.mark.parametrize(
    "key", ["", "site", "site:a:b", "transit:a", "lost:x", "moon:a", "opening"]
)
def test_what_is_no_place_is_refused(key: str) -> None:
    with pytest.raises(ValueError, match=key or None):
        Place.parse(key)


def test_keys_are_those_of_the_contract() -> None:
    keys = [site("e"), yard("e"), transit("e", "f"), Place(PlaceKind.OPENING, "", "2024")]
    assert [place.key for place in keys] == ["site:e", "yard:e", "transit:e:f", "opening::2024"]
    assert {place.word for place in keys[:3]} == {"site", "yard", "transit"}
