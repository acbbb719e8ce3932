"""Declared utilisation: exact for direct producers, untraced for exactly the firms concerned."""

from __future__ import annotations

import networkx as nx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.builders import (
    BRICK,
    FATES,
    LANDFILL,
    PG,
    STORE,
    TRADE,
    USE,
    WASH,
    A,
    B,
    C,
    D,
    Load,
    Record,
    declared,
    entry,
    kilograms,
    ledgers,
    load,
    postings_of,
    shipped,
)
from wasteflow.core.formulas import UNTRACED, official, simple
from wasteflow.core.periods import Period
from wasteflow.core.places import PlaceKind
from wasteflow.core.vocabulary import Evidence, Fate

Owner = tuple[str, str]
PASSING = {Fate.STORAGE, Fate.TREATMENT, Fate.TRANSFER}


# --- firms concerned, found on another path --------------------------------------------------


def _concerned(records: list[Record], last: int, first: int) -> set[Owner]:
    """Mixing firms with a credit in the period, and all who handed mass on to them."""
    hands: nx.DiGraph[Owner] = nx.DiGraph()
    otherwise: set[Owner] = set()
    for_use: set[Owner] = set()
    makes: set[Owner] = set()
    credits: set[Owner] = set()
    for record in records:
        for key, _, _ in postings_of(record):
            if key.month > last:
                continue
            source, target, inside = key.source, key.target, key.month >= first
            owner = source.owner, key.material
            taker = target.owner, key.material
            fate = FATES.get(key.route)
            if source.kind in (PlaceKind.GENERATION, PlaceKind.RECIRCULATED, PlaceKind.OPENING):
                makes.add(taker)
            if source.kind is PlaceKind.OUTSIDE:
                otherwise.add(taker)
            if target.kind in (PlaceKind.USE, PlaceKind.DISPOSAL) and inside:
                credits.add(owner)
            if source.kind is PlaceKind.TRANSIT and target.kind is PlaceKind.OUTSIDE:
                if fate in (Fate.USE, Fate.DISPOSAL) and inside:
                    credits.add(owner)
            elif source.kind is PlaceKind.TRANSIT and target.kind is PlaceKind.SITE:
                if owner == taker:
                    continue
                (for_use if fate == Fate.USE else otherwise).add(taker)
                if fate in PASSING:
                    hands.add_edge(owner, taker)
                elif inside:
                    credits.add(owner)
    received = otherwise | for_use
    mixing = credits & received - (for_use - otherwise - makes)
    found = set(mixing)
    for owner in mixing & set(hands):
        found |= nx.ancestors(hands, owner)
    return found


@settings(max_examples=45)
@given(ledgers(), st.sampled_from(("2024", "2025", "2024H1", "2024Q3")))
def test_untraced_are_exactly_the_firms_concerned(records: list[Record], text: str) -> None:
    """Law: a rate is refused for those whose mass a mixing firm used, and for nobody else."""
    period = Period.parse(text)
    concerned = _concerned(records, period.last, period.first)
    for owner, terms in declared(records, text).items():
        assert (terms.reason == UNTRACED) == (owner in concerned)
        assert (terms.utilised_kg is None) == (owner in concerned)
        assert terms.split == {} or sum(terms.split.values()) == terms.utilised_kg
        for formula in (simple, official):
            if owner in concerned:
                assert formula(terms).not_computable == UNTRACED


@settings(max_examples=45)
@given(ledgers())
def test_the_identity_closes_up_to_what_came_without_a_generator(records: list[Record]) -> None:
    """Law: identity residual = -(weighing gains + stocktake surplus + recirculated)."""
    sources = (PlaceKind.WEIGHING, PlaceKind.STOCKTAKE, PlaceKind.RECIRCULATED)
    gained: dict[Owner, int] = {}
    for record in records:
        for key, kg, _ in postings_of(record):
            if key.source.kind in sources and 202401 <= key.month <= 202412:
                owner = key.target.owner, key.material
                gained[owner] = gained.get(owner, 0) + kg
    for owner, terms in declared(records, "2024").items():
        if terms.identity_residual_kg is not None:
            assert terms.identity_residual_kg == -gained.get(owner, 0)


@settings(max_examples=28)
@given(ledgers())
def test_no_tonne_is_credited_twice(records: list[Record]) -> None:
    """Law: exact credits add up to at most the acceptances for use and the producers' own use."""
    possible = 0
    for record in records:
        for key, kg, _ in postings_of(record):
            arrives = isinstance(record, Load) and key.target.kind in (
                PlaceKind.SITE,
                PlaceKind.OUTSIDE,
            )
            used = key.target.kind is PlaceKind.USE
            if 202401 <= key.month <= 202412 and FATES.get(key.route) == Fate.USE:
                possible += kg * (used or arrives)
    credited = [terms.utilised_kg or 0 for terms in declared(records, "2024").values()]
    assert sum(credited) <= possible


# --- direct producers ------------------------------------------------------------------------

acts = st.lists(
    st.tuples(
        st.sampled_from(
            (
                "use",
                "brick",
                "disposal",
                "dumping",
                "yard",
                "sent",
                "sent for disposal",
                "stored",
                "refused",
                "abroad",
                "abroad for trade",
                "lost",
                "light",
                "road",
            )
        ),
        kilograms,
    ),
    max_size=10,
)


def _act(number: int, word: str, kg: int) -> list[Record]:
    """What a producer does with `kg` of its own."""
    day, doc = "2024-06-03", f"L{number}"
    sent = load(kg=kg, doc_no=doc)
    refused = sent.decided(day, 0, kg)
    found: dict[str, list[Record]] = {
        "use": [entry("use", kg, day, route=USE)],
        "brick": [entry("use", kg, day, route=BRICK)],
        "disposal": [entry("disposal", kg, day, route=LANDFILL)],
        "dumping": [entry("dumping", kg, day)],
        "yard": [entry("to_yard", kg, day)],
        "sent": [sent.decided(day, kg), entry("use", kg, day, B, route=USE)],
        "sent for disposal": [load(kg=kg, route=LANDFILL, consignee=C).decided(day, kg)],
        "stored": [load(kg=kg, route=STORE, consignee=D).decided(day, kg)],
        "refused": [refused, refused.returned(kg, day).decided(day, kg)],
        "abroad": [load(kg=kg, consignee="ext.x").decided(day, kg)],
        "abroad for trade": [load(kg=kg, consignee="ext.x", route=TRADE).decided(day, kg)],
        "lost": [load(kg=kg).lost(day)],
        "light": [load(kg=kg + 3).decided(day, kg)],
        "road": [load(kg=kg, sent="2024-12-31")],
    }
    return found[word]


@settings(max_examples=28)
@given(acts, st.integers(0, 10**6))
def test_a_direct_producer_is_exact(done: list[tuple[str, int]], spare: int) -> None:
    """Law: terms of a firm that never received are plain sums; the identity closes to 0."""

    def kg_of(*words: str) -> int:
        return sum(kg for word, kg in done if word in words)

    light = 3 * sum(word == "light" for word, _ in done)
    everything = sum(kg for word, kg in done if word != "refused") + light
    generated = everything + spare + 1
    records: list[Record] = [entry("generation", generated, "2024-01-02")]
    records += [item for n, (word, kg) in enumerate(done) for item in _act(n, word, kg)]
    found = declared(records, "2024")
    terms = found[A, PG]
    assert set(found) == {(A, PG)}
    assert terms.generated_kg == generated
    assert terms.utilised_kg == kg_of("use", "brick", "sent", "abroad", "light")
    assert terms.disposed_kg == kg_of("disposal", "sent for disposal")
    assert terms.dumped_kg == kg_of("dumping")
    assert terms.outside_kg == kg_of("abroad for trade")
    assert terms.lost_kg == kg_of("lost")
    assert terms.weighing_difference_kg == light
    assert terms.stored_kg == kg_of("yard", "stored", "road") + spare + 1
    assert (terms.utilised_prior_kg, terms.identity_residual_kg) == (0, 0)
    assert terms.split.get((BRICK, Evidence.ONE_SIDED), 0) == kg_of("brick")
    rate = official(terms).value
    assert rate == simple(terms).value and rate is not None and 0 <= rate <= 1


# --- who is concerned, case by case ----------------------------------------------------------


def _made(*firms: str) -> list[Record]:
    return [entry("generation", 1_000, "2024-01-02", firm) for firm in firms]


def _untraced(records: list[Record], period: str = "2024") -> set[str]:
    return {firm for (firm, _), t in declared(records, period).items() if t.reason == UNTRACED}


def test_a_trader_makes_its_suppliers_untraced_and_nobody_else() -> None:
    """a and b sell to trader c, who sells to d for use; a also sends to d directly; e is apart."""
    records = [
        *_made(A, B, "ent.e"),
        shipped(A, C, 300, "2024-02-02", TRADE),
        shipped(B, C, 200, "2024-02-02", TRADE),
        shipped(C, D, 400, "2024-03-02"),
        shipped(A, D, 100, "2024-03-02"),
        shipped("ent.e", D, 100, "2024-03-02"),
        entry("use", 600, "2024-03-05", D, route=USE),
    ]
    assert _untraced(records) == {A, B}
    assert set(declared(records)) == {(A, PG), (B, PG), ("ent.e", PG)}
    assert declared(records)["ent.e", PG].utilised_kg == 100


def test_a_chain_of_traders_reaches_back_to_the_first_supplier() -> None:
    chain = [
        *_made(A, B),
        shipped(A, C, 300, "2024-02-02", TRADE),
        shipped(C, D, 300, "2024-02-03", TRADE),
        shipped(D, "ent.e", 300, "2024-02-04"),
    ]
    assert _untraced(chain) == {A}
    assert _untraced(chain[:-1]) == set()


def test_until_the_trader_sells_for_use_its_suppliers_stay_exact() -> None:
    """Mass that waits at a trader is stored, not used, and the rate is known."""
    records = [*_made(A), shipped(A, C, 300, "2024-02-02", TRADE)]
    terms = declared(records)[A, PG]
    assert (terms.utilised_kg, terms.stored_kg, terms.identity_residual_kg) == (0, 1_000, 0)


def test_mass_a_trader_let_go_unasked_leaves_the_giver_without_a_stored_figure() -> None:
    """Law: what a mixing firm dumps, loses or sells abroad may be anybody's: said, not guessed."""
    records = [
        *_made(A, B),
        shipped(A, C, 300, "2024-02-02", TRADE),
        entry("dumping", 50, "2024-03-02", C),
    ]
    found = declared(records)
    assert (found[A, PG].utilised_kg, found[A, PG].stored_kg) == (0, None)
    assert found[A, PG].identity_residual_kg is None
    assert found[B, PG].stored_kg == 1_000


def test_a_producer_that_stores_for_another_does_not_count_it_as_its_own() -> None:
    """Law: each tonne is stored once: what b keeps for a is a's."""
    found = declared([*_made(A, B), shipped(A, B, 300, "2024-02-02", STORE)])
    assert found[A, PG].stored_kg == 1_000
    assert found[B, PG].stored_kg is None
    assert found[B, PG].utilised_kg == 0


def test_a_producer_that_also_receives_for_use_is_untraced_alone() -> None:
    """a's tonnes are credited on acceptance; only b's own use is a mix."""
    records = [
        *_made(A, B),
        shipped(A, B, 300, "2024-02-02"),
        entry("use", 500, "2024-02-05", B, route=USE),
    ]
    assert _untraced(records) == {B}
    assert declared(records)[A, PG].utilised_kg == 300


@pytest.mark.parametrize("route", [USE, LANDFILL])
def test_a_firm_that_only_uses_credits_nothing(route: str) -> None:
    """Law: the user's entry and its reshipping repeat the acceptance; the producer has it once."""
    records = [
        *_made(A),
        shipped(A, B, 300, "2024-02-02"),
        entry("use", 200, "2024-02-05", B, route=USE),
        shipped(B, C, 100, "2024-02-06", route),
    ]
    found = declared(records)
    assert set(found) == {(A, PG)}
    assert (found[A, PG].utilised_kg, found[A, PG].disposed_kg) == (300, 0)


def test_a_return_credits_nothing_and_a_redirect_credits_the_first_consignor() -> None:
    parent = load(kg=100).decided("2024-03-06", 0, 100)
    back = parent.returned(60, "2024-03-07").decided("2024-03-08", 60)
    on = parent.redirected(C, 40, "2024-03-07").decided("2024-03-08", 40)
    found = declared([*_made(A), parent, back, on])
    assert set(found) == {(A, PG)}
    assert (found[A, PG].utilised_kg, found[A, PG].stored_kg) == (40, 960)


def test_a_redirect_under_another_route_counts_by_that_route() -> None:
    parent = load(kg=100).decided("2024-03-06", 0, 100)
    dumped = parent.redirected(C, 40, "2024-03-07", LANDFILL).decided("2024-03-08", 40)
    terms = declared([*_made(A), parent, dumped])[A, PG]
    assert (terms.utilised_kg, terms.disposed_kg, terms.identity_residual_kg) == (0, 40, 0)


def test_an_external_supplier_is_no_generator_of_these_books() -> None:
    """Law: mass from outside credits nobody here, and its user takes nobody's credit."""
    records = [
        *_made(A),
        load("ext.x", B, 500, "2024-02-02").decided("2024-02-02", 500),
        shipped(A, B, 300, "2024-02-02"),
        entry("use", 800, "2024-02-05", B, route=USE),
    ]
    found = declared(records)
    assert set(found) == {(A, PG)}
    assert found[A, PG].utilised_kg == 300


def test_a_landfill_operator_credits_nothing_again() -> None:
    records = [
        *_made(A),
        shipped(A, B, 300, "2024-02-02", LANDFILL),
        entry("disposal", 300, "2024-02-05", B, route=LANDFILL),
    ]
    found = declared(records)
    assert set(found) == {(A, PG)}
    assert (found[A, PG].disposed_kg, found[A, PG].reason) == (300, "")


# --- what lay there before -------------------------------------------------------------------


def test_old_stock_leaves_the_simple_rate_and_takes_the_official_one() -> None:
    """Law: prior stock not known to be none → official not computable, never prior = 0."""
    records = [
        *_made(A),
        entry("opening", 5_000, "2024-01-01", at="yard"),
        entry("use", 700, "2024-05-02", route=USE),
    ]
    terms = declared(records)[A, PG]
    assert simple(terms).value is not None
    assert official(terms).not_computable == "prior_stock_untraced"
    assert (terms.stored_kg, terms.identity_residual_kg) == (None, None)


@pytest.mark.parametrize(
    ("before", "known"),
    [
        ([shipped(A, B, 1_000, "2024-05-02", STORE)], False),
        ([shipped(A, B, 1_000, "2024-05-02")], True),
        ([shipped(A, B, 1_000, "2024-05-02", LANDFILL)], True),
        ([entry("dumping", 1_000, "2024-05-02")], True),
        ([entry("to_yard", 1_000, "2024-05-02")], False),
        ([load(kg=1_000, sent="2024-12-31").decided("2025-01-02", 1_000)], False),
    ],
)
def test_prior_stock_is_known_to_be_none_only_when_all_of_it_found_its_end(
    before: list[Record], known: bool
) -> None:
    """Law: own places empty at the start and nothing ever handed on that may still come."""
    records = [*_made(A), *before, entry("generation", 100, "2025-02-02")]
    assert (official(declared(records, "2025")[A, PG]).value is not None) is known


def test_an_opening_dated_inside_the_period_is_prior_stock() -> None:
    records = [*_made(A), entry("opening", 50, "2024-04-01")]
    assert declared(records)[A, PG].utilised_prior_kg is None


def test_treatment_and_secondary_waste_stand_aside() -> None:
    records = [
        *_made(A),
        entry("treatment", 400, "2024-02-02", route=WASH),
        entry("generation", 30, "2024-02-02", from_use=True),
    ]
    terms = declared(records)[A, PG]
    assert (terms.generated_kg, terms.treated_kg, terms.utilised_kg) == (1_000, 400, 0)
