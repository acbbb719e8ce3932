"""Waste Data Interrogator 2019, East of England (tests/data): 29,593 receipts to the kilogram.

Published figures: Environment Agency, Waste Received 2019.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from tests.store.databases import new_database
from tests.store.realdata import RealData, import_real, kg
from wasteflow.services.checking import check_books
from wasteflow.services.reports import overview


@pytest.fixture(scope="module")
def uk(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RealData]:
    """The data set on SQLite; no mass needs rounding."""
    folder = tmp_path_factory.mktemp("uk")
    with new_database(request, "sqlite", folder) as url:
        data = import_real("uk_wdi_east_2019", "2019", url, folder)
        yield data
        data.db.dispose()


@pytest.fixture(scope="module")
def edges(uk: RealData) -> list[dict[str, Any]]:
    """Edges between two firms of the flow graph of the year."""
    firms = overview(db=uk.db).registry.enterprises
    return [e for e in uk.flows()["edges"] if e["source"] in firms and e["target"] in firms]


def kilograms(table: dict[str, float]) -> dict[str, int]:
    """Figures in tonnes as kilograms."""
    return {name: kg(tonnes) for name, tonnes in table.items()}


def test_the_books_are_sound(uk: RealData) -> None:
    assert (
        uk.taken["shipments"]
        == 29_593
        == uk.expected["rows"] - uk.expected["rows_below_half_kilogram"]
    )
    report = check_books(db=uk.db)
    assert report.faults == []
    assert (report.shipments, report.entries) == (29_593, 8_403)
    assert report.findings == []


def test_totals_and_link_counts(uk: RealData, edges: list[dict[str, Any]]) -> None:
    expected = uk.expected
    assert sum(e["kg"] for e in edges) == kg(expected["total_t"])
    assert sum(e["loads"] for e in edges) == 29_593
    assert len({e["target"] for e in edges}) == expected["sites"]
    assert len({e["source"] for e in edges}) == expected["origins"]
    assert len({e["material"] for e in edges}) == expected["wastes"]
    assert len({(e["source"], e["target"]) for e in edges}) == expected["links_origin_site"]
    triples = {(e["source"], e["target"], e["material"]) for e in edges}
    assert len(triples) == expected["links_origin_site_waste"]


def test_sums_by_site_origin_waste_operation_and_fate(
    uk: RealData, edges: list[dict[str, Any]]
) -> None:
    registry = overview(db=uk.db).registry
    sums: dict[str, Counter[str]] = {
        name: Counter() for name in ("site", "origin", "waste", "operation", "fate")
    }
    for e in edges:
        waste = registry.materials[e["material"]].name_en
        route = registry.routes[e["route"]]
        for name, key in (
            ("site", e["target"].removeprefix("site.")),
            ("origin", registry.enterprises[e["source"]].name_zh),
            ("waste", " ".join(waste.split(" ")[:3])),
            ("operation", route.name_zh),
            ("fate", route.fate),
        ):
            sums[name][key] += e["kg"]
    by_site = {permit.lower(): kg(t) for permit, t in uk.expected["by_site"].items()}
    assert sums["site"] == by_site
    for name in ("origin", "waste", "operation", "fate"):
        assert sums[name] == kilograms(uk.expected[f"by_{name}"]), name


def test_the_largest_links(uk: RealData, edges: list[dict[str, Any]]) -> None:
    registry = overview(db=uk.db).registry
    links: Counter[tuple[str, str]] = Counter()
    for e in edges:
        links[registry.enterprises[e["source"]].name_zh, e["target"]] += e["kg"]
    expected = {
        (row["origin"], f"site.{row['permit'].lower()}"): kg(row["t"])
        for row in uk.expected["largest_links"]
    }
    assert len(expected) == 50
    assert dict(links.most_common(50)) == expected


def test_what_districts_and_counties_received(uk: RealData) -> None:
    """The balance of a scope: a county includes its districts."""
    registry = overview(db=uk.db).registry
    by_park: Counter[str] = Counter()
    for row in uk.balance()["rows"]:
        by_park[registry.park_of(row["enterprise"])] += kg(row["in"].get("received", "0"))
    by_district, by_county = Counter[str](), Counter[str]()
    for code, park in registry.parks.items():
        if park.parent:
            county = registry.parks[park.parent].name_en
            by_district[f"{county} | {park.name_en}"] += by_park[code]
            by_county[county] += by_park[code]
    assert by_district == kilograms(uk.expected["by_district"])
    assert by_county == kilograms(uk.expected["by_county"])
    total = uk.balance("park:county.suffolk")["total"]
    assert kg(total["in"]["received"]) == by_county["Suffolk"]


def test_parks_as_nodes_carry_the_same_mass(uk: RealData) -> None:
    """Level park: what enters the six counties' districts, their own loops included."""
    parks = overview(db=uk.db).registry.parks
    received: Counter[str] = Counter()
    for e in uk.flows("park")["edges"]:
        if e["target"] in parks:
            received[parks[parks[e["target"]].parent].name_en] += e["accepted_kg"]
    assert received == kilograms(uk.expected["by_county"])
