"""EIA-923 schedule 8A, 2016 (tests/data): coal ash and gypsum of 347 US power plants.

Published figures: US Energy Information Administration, Form EIA-923 2016, final revision.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest

from tests.store.databases import KINDS, new_database
from tests.store.realdata import RealData, import_real, kg
from wasteflow.services.checking import check_books
from wasteflow.services.reports import overview


@pytest.fixture(scope="module", params=KINDS)
def us(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RealData]:
    """The data set on both databases; no mass needs rounding."""
    folder = tmp_path_factory.mktemp("us")
    with new_database(request, request.param, folder) as url:
        data = import_real("us_ccb_2016", "2016", url, folder)
        yield data
        data.db.dispose()


def test_the_books_are_sound_and_fifty_places_miss_a_kilogram(us: RealData) -> None:
    assert (us.taken["shipments"], us.taken["entries"]) == (677, 1_662)
    report = check_books(db=us.db)
    assert report.faults == []
    assert (report.shipments, report.entries) == (677, 1_662)
    assert Counter(item["code"] for item in report.findings) == {"negative_stock": 50}
    assert sum(kg(item["closing_t"]) for item in report.findings) == -50


HOLES = 50
"""Plant-materials whose cells miss a kilogram from rounding (README of the data set)."""
GROUPS = {"enterprise": "by_plant", "park": "by_state", "material": "by_material"}


def group_names(us: RealData, by: str) -> dict[str, str]:
    """Code of the registry → what `expected.json` calls the object."""
    registry = overview(db=us.db).registry
    if by == "enterprise":
        return {code: code.removeprefix("plant.") for code in registry.enterprises}
    if by == "park":
        return {code: park.name_zh for code, park in registry.parks.items()}
    return {code: material.name_en for code, material in registry.materials.items()}


def plant_sums(us: RealData, by: str) -> dict[str, Counter[str]]:
    """Kilograms generated, utilised, disposed and stored per group, from the flow graph."""
    registry, names = overview(db=us.db).registry, group_names(us, by)
    words = {"use": "utilised", "disposal": "disposed", "storage": "stored"}
    sums: dict[str, Counter[str]] = {}
    for edge in us.flows()["edges"]:
        plant = edge["source"] if edge["source"] in registry.enterprises else edge["target"]
        if not plant.startswith("plant."):
            continue
        code = {"enterprise": plant, "park": registry.park_of(plant)}.get(by, edge["material"])
        if edge["source"] == "generation":
            word = "generated"
        elif edge["route"]:
            word = words[registry.routes[edge["route"]].fate]
        else:
            word = "prior" if edge["source"].startswith("yard:") else "stored"
        sums.setdefault(names[code], Counter())[word] += edge["kg"]
    return sums


@pytest.mark.parametrize("by", GROUPS)
def test_amounts_to_the_kilogram(us: RealData, by: str) -> None:
    expected, words = us.expected[GROUPS[by]], ("generated", "utilised", "disposed", "stored")
    wanted = {
        name: {word: kg(item[word]) for word in words} | {"prior": kg(item["prior"])}
        for name, item in expected.items()
    }
    found = {
        name: {word: sums[word] for word in (*words, "prior")}
        for name, sums in plant_sums(us, by).items()
    }
    assert found == wanted


@pytest.mark.parametrize("formula", ["official", "simple"])
@pytest.mark.parametrize("by", GROUPS)
def test_rates(us: RealData, formula: str, by: str) -> None:
    """Rates as published.  What lies in a hole of one kilogram credits nobody: 1 kg a material."""
    expected, names = us.expected[GROUPS[by]], group_names(us, by)
    rows = {names[row[by]]: row for row in us.rates(formula, by)["rows"] if row[by]}
    generating = {name for name, row in rows.items() if kg(row["generated_t"])}
    assert generating == {name for name, item in expected.items() if item["generated"]}
    for name in sorted(generating):
        row, item = rows[name], expected[name]
        assert row["value"] * 100 == pytest.approx(item[f"{formula}_pct"], abs=6e-5), name
        assert kg(row["generated_t"]) == kg(item["generated"]), name
        for word in ("utilised", "disposed"):
            missing = kg(item[word]) - kg(row[f"{word}_t"])
            assert 0 <= missing <= HOLES, (name, word)


def test_the_nation(us: RealData) -> None:
    expected = us.expected["national"]
    for formula, percent in (("simple", 40.8875), ("official", 40.8467)):
        total = us.rates(formula)["total"]
        assert round(total["value"] * 100, 4) == expected[f"{formula}_pct"] == percent
        assert kg(total["generated_t"]) == kg(expected["generated"])
        assert kg(total["utilised_prior_t"]) == kg(expected["prior"])
        for word in ("utilised", "disposed"):
            assert 0 <= kg(expected[word]) - kg(total[f"{word}_t"]) <= HOLES


def test_what_no_plant_is_credited_with_lies_in_the_holes(us: RealData) -> None:
    """The kilograms a rate misses are those of the 50 holes, shown as pseudo-origins."""
    report = us.rates("official")
    assert len(report["pseudo"]) == HOLES
    assert {row["origin"].partition("@")[0] for row in report["pseudo"]} == {"unexplained"}
    assert sum(kg(row["arose_t"]) for row in report["pseudo"]) == HOLES
    used = sum(kg(row["utilised_t"]) for row in report["pseudo"])
    assert kg(report["total"]["utilised_t"]) + used == kg(us.expected["national"]["utilised"])


@pytest.mark.parametrize("basis", ["declared", "verified"])
def test_plants_add_up_to_states_and_nation(us: RealData, basis: str) -> None:
    """Also that sold ash is declared and never verified: no plant saw it used."""
    whole = us.rates("official", basis=basis)["total"]
    for by in GROUPS:
        rows = us.rates("official", by, basis)["rows"]
        for word in ("generated_t", "utilised_t", "utilised_prior_t", "disposed_t", "stored_t"):
            assert sum(kg(row[word]) for row in rows) == kg(whole[word]), (by, word)
        assert all(row["value"] is None or 0 <= row["value"] <= 1 for row in rows)
        assert {row["identity_residual_t"] for row in rows} == {"0.000"}
    if basis == "verified":
        fates = us.expected["by_fate"]
        missing = kg(fates["Used Onsite"]) - kg(whole["utilised_t"])
        assert 0 <= missing <= HOLES


def test_every_fate_in_the_flows(us: RealData) -> None:
    """What was sold, used, landfilled, ponded and stored; three negative cells are drawn stock."""
    sums: Counter[str] = Counter()
    for edge in us.flows()["edges"]:
        word = edge["route"].split(".")[0]
        if not word:
            source, target = edge["source"], edge["target"]
            word = source if source in ("generation", "yard:plant.876") else "yard"
            edge["kg"] *= 1 if target.startswith("yard:") or word == "generation" else -1
        sums[word] += edge["kg"]
    sums["pond"] += sums.pop("yard:plant.876")
    words = {
        "generation": "Total",
        "landfill": "Disposal Landfill",
        "disposal_offsite": "Disposal Offsite",
        "pond": "Disposal Ponds",
        "sold": "Sold",
        "stored_offsite": "Stored Offsite",
        "yard": "Stored Onsite",
        "used_offsite": "Used Offsite",
        "used_onsite": "Used Onsite",
    }
    expected = {name: kg(tonnes) for name, tonnes in us.expected["by_fate"].items()}
    assert {words[word]: amount for word, amount in sums.items()} == expected
